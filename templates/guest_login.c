/* guest_login.c - passwd, shadow and authorized_keys of a CT. */
#include "templates/guest_login.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "templates/guest_text.h"
#include "templates/inroot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	LOGIN_FILE_MAX = 1 << 20,
	LOCK_TRIES = 50 /* of 100 ms */
};

/* ---- texts: pure ---- */

/* The line of user; NULL: none. */
static const char *find_user(const char *text, const char *user)
{
	size_t len = strlen(user);

	for (const char *line = text; *line != '\0';) {
		if (strncmp(line, user, len) == 0 && line[len] == ':')
			return line;
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	return NULL;
}

int guest_passwd_is_shadowed(const char *text, const char *user)
{
	const char *line = find_user(text, user);

	if (line == NULL)
		return -ENOENT;
	return strncmp(line + strlen(user), ":x:", 3) == 0;
}

int guest_shadow_text(const char *old, const struct guest_login *l, unsigned long day, char *buf,
		      size_t size)
{
	const char *line = find_user(old, l->user), *rest;
	struct text t;

	if (line == NULL)
		return -ENOENT;
	text_start(&t, buf, size);
	text_put(&t, old, (size_t)(line - old));
	text_add(&t, "%s:%s", l->user, l->hash);
	rest = line + strlen(l->user) + 1;
	rest += strcspn(rest, ":\n");
	if (day > 0) {
		text_add(&t, ":%lu", day);
		rest += *rest == ':';
		rest += strcspn(rest, ":\n");
	}
	text_put(&t, rest, strlen(rest));
	return text_end(&t);
}

static bool has_line(const char *text, const char *line, size_t len)
{
	while (*text != '\0') {
		size_t n = strcspn(text, "\n");

		if (n == len && strncmp(text, line, len) == 0)
			return true;
		text += n;
		text += *text == '\n';
	}
	return false;
}

int guest_keys_text(const char *old, const char *keys, char *buf, size_t size)
{
	size_t n_old = strlen(old);
	struct text t;

	text_start(&t, buf, size);
	text_put(&t, old, n_old);
	if (n_old > 0 && old[n_old - 1] != '\n')
		text_put(&t, "\n", 1);
	for (const char *line = keys; *line != '\0';) {
		size_t len = strcspn(line, "\n");

		if (len > 0 && !has_line(old, line, len)) {
			text_put(&t, line, len);
			text_put(&t, "\n", 1);
		}
		line += len;
		line += *line == '\n';
	}
	return text_end(&t);
}

/* ---- files ---- */

/* A file before and after. */
struct change {
	int dirfd;
	const char *dir, *name; /* as an error names it: /DIR/NAME */
	char *old, *new;
	struct stat st;
	bool is_new; /* it was not there */
};

static void change_drop(struct change *c)
{
	fd_close(&c->dirfd);
	free(c->old);
	free(c->new);
	*c = (struct change){.dirfd = -EBADF};
}

/* sys 0: it is something else than a file. */
static int refuse(const struct change *c, int sys, struct berth_error *err)
{
	bool plain = sys != 0 && sys != ELOOP;

	return berth_error_set(err, BERTH_ERR_PASSWD, plain ? sys : EINVAL,
			       "its /%s/%s %s%s; look at it in the container", c->dir, c->name,
			       plain ? "cannot be changed: " : "is no plain file",
			       plain ? strerror(sys) : "");
}

/* Opened without waiting for anybody: it may be a FIFO. */
static int change_read(int root_fd, const char *dir, const char *name, bool may_miss,
		       struct change *c, struct berth_error *err)
{
	auto_close int fd = -EBADF;
	ssize_t n;

	*c = (struct change){.dirfd = inroot_open(root_fd, dir, O_RDONLY | O_DIRECTORY),
			     .dir = dir,
			     .name = name,
			     .old = calloc(1, LOGIN_FILE_MAX),
			     .new = calloc(1, LOGIN_FILE_MAX)};
	if (c->dirfd < 0)
		return refuse(c, -c->dirfd, err);
	if (c->old == NULL || c->new == NULL)
		return refuse(c, ENOMEM, err);
	fd = openat(c->dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT && may_miss) {
		c->is_new = true;
		return 0;
	}
	if (fd < 0 || fstat(fd, &c->st) < 0)
		return refuse(c, errno, err);
	if (!S_ISREG(c->st.st_mode))
		return refuse(c, 0, err);
	n = fd_read_all(fd, c->old, LOGIN_FILE_MAX - 1);
	if (n < 0 || n == LOGIN_FILE_MAX - 1 || memchr(c->old, '\0', (size_t)n) != NULL)
		return refuse(c, n < 0 ? (int)-n : EFBIG, err);
	return 0;
}

/* Owner and mode are there before the name is: a shadow that its group cannot read locks everybody out. */
static int write_temp(const struct change *c, const char *tmp)
{
	auto_close int fd =
		openat(c->dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -errno;
	if (!c->is_new &&
	    (fchown(fd, c->st.st_uid, c->st.st_gid) < 0 || fchmod(fd, c->st.st_mode & 07777) < 0))
		return -errno;
	if (fd_write_all(fd, c->new, strlen(c->new)) < 0)
		return -ENOSPC;
	return fsync(fd) < 0 ? -errno : 0;
}

static int change_write(const struct change *c, struct berth_error *err)
{
	char tmp[64];
	int r;

	if (strcmp(c->old, c->new) == 0 && !c->is_new)
		return 0;
	(void)snprintf(tmp, sizeof(tmp), ".%s.berth", c->name);
	(void)unlinkat(c->dirfd, tmp, 0);
	r = write_temp(c, tmp);
	if (r == 0 && renameat(c->dirfd, tmp, c->dirfd, c->name) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlinkat(c->dirfd, tmp, 0);
		return refuse(c, -r, err);
	}
	(void)fsync(c->dirfd);
	return 0;
}

/* What lckpwdf(3) locks for passwd(1) and the like; for five seconds. *ret holds it until it is closed. */
static int lock_users(int etc_fd, int *ret, struct berth_error *err)
{
	auto_close int fd = openat(etc_fd, ".pwd.lock",
				   O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	if (fd < 0)
		return berth_error_set(err, BERTH_ERR_PASSWD, errno,
				       "lock its users by /etc/.pwd.lock: %s", strerror(errno));
	for (int i = 0; fcntl(fd, F_SETLK, &lock) < 0; i++) {
		if (i == LOCK_TRIES || (errno != EACCES && errno != EAGAIN))
			return berth_error_set(err, BERTH_ERR_PASSWD, errno,
					       "a program in it holds /etc/.pwd.lock; try again "
					       "when that has ended");
		clock_pause_us(100000);
	}
	*ret = take_fd(&fd);
	return 0;
}

/* Where the password is: in shadow, or in passwd itself. */
static int password_change(int root_fd, const struct guest_login *l, struct change *c,
			   struct berth_error *err)
{
	int r = change_read(root_fd, "etc", "passwd", false, c, err), shadowed;

	if (r < 0)
		return r;
	shadowed = guest_passwd_is_shadowed(c->old, l->user);
	if (shadowed == 1) {
		change_drop(c);
		r = change_read(root_fd, "etc", "shadow", false, c, err);
	}
	if (r == 0)
		r = shadowed < 0 ? shadowed
				 : guest_shadow_text(c->old, l, shadowed == 1 ? l->day : 0, c->new,
						     LOGIN_FILE_MAX);
	if (r == -ENOENT)
		return berth_error_set(err, BERTH_ERR_PASSWD, ENOENT,
				       "it has no user '%s' in /etc/%s", l->user, c->name);
	return r == -ENOSPC ? refuse(c, EFBIG, err) : r;
}

static int make_folder(int root_fd, const char *parent, const char *name, struct berth_error *err)
{
	auto_close int fd = inroot_open(root_fd, parent, O_RDONLY | O_DIRECTORY);

	if (fd < 0 || (mkdirat(fd, name, 0700) < 0 && errno != EEXIST))
		return berth_error_set(err, BERTH_ERR_PASSWD, fd < 0 ? -fd : errno,
				       "make /%s/%s in it: %s", parent, name,
				       strerror(fd < 0 ? -fd : errno));
	return 0;
}

static int keys_change(int root_fd, const struct guest_login *l, struct change *c,
		       struct berth_error *err)
{
	int r = make_folder(root_fd, ".", "root", err);

	if (r == 0)
		r = make_folder(root_fd, "root", ".ssh", err);
	if (r == 0)
		r = change_read(root_fd, "root/.ssh", "authorized_keys", true, c, err);
	if (r < 0)
		return r;
	r = guest_keys_text(c->old, l->keys, c->new, LOGIN_FILE_MAX);
	return r < 0 ? refuse(c, EFBIG, err) : 0;
}

int guest_login_set(int root_fd, const struct guest_login *l, struct berth_error *err)
{
	struct change password = {.dirfd = -EBADF}, keys = {.dirfd = -EBADF};
	auto_close int etc = inroot_open(root_fd, "etc", O_RDONLY | O_DIRECTORY);
	auto_close int lock = -EBADF;
	int r = 0;

	if (etc < 0)
		return berth_error_set(err, BERTH_ERR_PASSWD, etc, "open its /etc: %s",
				       strerror(-etc));
	if (l->hash != NULL) {
		r = lock_users(etc, &lock, err);
		if (r == 0)
			r = password_change(root_fd, l, &password, err);
	}
	if (r == 0 && l->keys != NULL)
		r = keys_change(root_fd, l, &keys, err);
	if (r == 0 && l->keys != NULL)
		r = change_write(&keys, err);
	if (r == 0 && l->hash != NULL)
		r = change_write(&password, err);
	change_drop(&password);
	change_drop(&keys);
	return r;
}
