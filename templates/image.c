/*
 * image.c - from a root file system to a template: mkfs.erofs, SHA-256, NAME.template.
 *
 * The image is not compressed but for files with large holes (sparse.c): its pages are the files' pages, shared by all
 * CTs, and reading them costs no CPU time. The same tree gives the same image: fixed UUID, generated files' times lowered to
 * one epoch, real times kept.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fault.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "runtime/base/spawn.h"
#include "templates/template_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#define HINTS "hints"
#define IMAGE_UUID "b3727468-0000-4000-8000-000000000001"

int image_hash(int fd, char hash[65], struct berth_error *err)
{
	char path[48], out[160] = "";
	const char *argv[] = {"sha256sum", "--", path, NULL};
	int r;

	/* By our own descriptor: the file that was checked, whatever its name means by now. */
	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fd);
	r = spawn_run_output(argv, out, sizeof(out), err);
	if (r < 0)
		return r;
	if (strspn(out, "0123456789abcdef") != 64)
		return berth_error_set(err, BERTH_ERR_HELPER, EPROTO, "sha256sum said '%.40s'",
				       out);
	memcpy(hash, out, 64);
	hash[64] = '\0';
	return 0;
}

/* The directory's own lock; its name must still lead to it, or its last owner has just removed it. */
static int stage_lock(struct stage *s, const char *name, struct berth_error *err)
{
	for (int tries = 0; tries < 100; tries++) {
		auto_close int fd = -EBADF;
		struct stat here, there;

		if (mkdirat(s->template_dirfd, s->base, 0700) < 0 && errno != EEXIST)
			return berth_error_sys(err, errno, "make %s", s->dir);
		fd = dir_open_at(s->template_dirfd, s->base);
		if (fd == -ENOENT)
			continue;
		if (fd < 0)
			return berth_error_sys(err, fd, "open %s", s->dir);
		if (flock(fd, LOCK_EX | LOCK_NB) < 0)
			return berth_error_set(err, BERTH_ERR_LOCKED, EWOULDBLOCK,
					       "template '%s' is being made by another process",
					       name);
		if (fstat(fd, &here) == 0 &&
		    fstatat(s->template_dirfd, s->base, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
		    here.st_ino == there.st_ino && here.st_dev == there.st_dev) {
			s->fd = take_fd(&fd);
			return 0;
		}
	}
	return berth_error_set(err, BERTH_ERR_LOCKED, EAGAIN, "lock %s", s->dir);
}

static int stage_prepare(struct stage *s, struct berth_error *err)
{
	static const char *const left[] = {"root", "image", "probe", HINTS};
	int r = FAULT_STEP("template.stage", err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
		r = tree_remove_at(s->fd, left[i]);
		if (r < 0)
			return berth_error_sys(err, r, "remove the leftover %s/%s", s->dir,
					       left[i]);
	}
	if (mkdirat(s->fd, "root", 0755) < 0 || fchmodat(s->fd, "root", 0755, 0) < 0)
		return berth_error_sys(err, errno, "make %s", s->root);
	return 0;
}

int stage_open(const char *template_dir, const char *name, struct stage *ret,
	       struct berth_error *err)
{
	struct stage s = {.template_dirfd = -EBADF, .fd = -EBADF};
	int r;

	if (!template_name_is_valid(name))
		return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
				       "a template name has only letters, digits and . _ + -");
	(void)snprintf(s.base, sizeof(s.base), ".stage-%s", name);
	if ((size_t)snprintf(s.root, sizeof(s.root), "%s/%s/root", template_dir, s.base) >=
	    sizeof(s.root))
		return berth_error_sys(err, ENAMETOOLONG, "template directory %s", template_dir);
	(void)snprintf(s.dir, sizeof(s.dir), "%.*s", (int)strlen(s.root) - 5, s.root);
	r = dir_make(template_dir, 0700);
	if (r == 0)
		s.template_dirfd = r = dir_open_at(AT_FDCWD, template_dir);
	if (r < 0)
		return berth_error_sys(err, r, "open the template directory %s", template_dir);
	if (mkdirat(s.template_dirfd, "image", 0700) < 0 && errno != EEXIST)
		r = berth_error_sys(err, errno, "make %s/image", template_dir);
	else
		r = stage_lock(&s, name, err);
	if (r == 0)
		r = stage_prepare(&s, err);
	if (r < 0)
		stage_close(&s);
	else
		*ret = s;
	return r;
}

void stage_close(struct stage *s)
{
	if (s->fd >= 0)
		(void)tree_remove_at(s->template_dirfd, s->base);
	fd_close(&s->fd);
	fd_close(&s->template_dirfd);
}

static int make_image(const struct stage *s, uint64_t clamp_epoch, struct berth_error *err)
{
	char epoch[64], image[STAGE_PATH_MAX + 8], hints[STAGE_PATH_MAX + 32], cluster[16];
	const char *argv[12] = {"env",		epoch, "mkfs.erofs", "--quiet", "--preserve-mtime",
				"-U" IMAGE_UUID};
	int n = 6, kind = sparse_look(s->root, s->fd, HINTS);

	if (kind < 0)
		return berth_error_sys(err, kind, "look for files with holes in %s", s->root);
	(void)snprintf(cluster, sizeof(cluster), "-C%d", SPARSE_CLUSTER);
	(void)snprintf(hints, sizeof(hints), "--compress-hints=%s/" HINTS, s->dir);
	if (kind != SPARSE_NONE) {
		argv[n++] = "-zlz4";
		argv[n++] = cluster;
	}
	if (kind == SPARSE_SOME)
		argv[n++] = hints;
	argv[n++] = image;
	argv[n] = s->root;
	(void)snprintf(epoch, sizeof(epoch), "SOURCE_DATE_EPOCH=%llu",
		       (unsigned long long)clamp_epoch);
	(void)snprintf(image, sizeof(image), "%s/image", s->dir);
	return spawn_run(argv, err);
}

static int write_info(const struct stage *s, const struct template_info *t, struct berth_error *err)
{
	char text[1024], file[160];
	int r = template_info_format(t, text, sizeof(text));

	(void)snprintf(file, sizeof(file), "%s.template", t->name);
	if (r == 0)
		r = file_replace_at(s->template_dirfd, file, text, strlen(text), 0600, true);
	return r < 0 ? berth_error_sys(err, r, "write %s", file) : 0;
}

/*
 * The old image of the name goes only by template_remove: containers may be running on it. Hence a
 * renewed template never changes a CT.
 */
static int put_in_place(const struct stage *s, const struct template_info *t,
			struct berth_error *err)
{
	auto_close int lock = template_lock(s->template_dirfd, err);
	auto_close int images = -EBADF;
	char image[IMAGE_NAME_MAX];
	int r;

	if (lock < 0)
		return lock;
	(void)template_image_name(t, image);
	r = FAULT_POINT("template.rename");
	if (r == 0 && renameat(s->fd, "image", s->template_dirfd, image) < 0)
		r = -errno;
	if (r < 0)
		return berth_error_sys(err, r, "rename the image to %s", image);
	images = dir_open_at(s->template_dirfd, "image");
	if (images < 0 || fsync(images) < 0)
		return berth_error_sys(err, images < 0 ? images : errno,
				       "sync the image directory");
	return write_info(s, t, err);
}

int stage_publish(const struct stage *s, const char *name, uint64_t clamp_epoch,
		  struct template_info *t, struct berth_error *err)
{
	auto_close int fd = -EBADF;
	struct stat st;
	int r = FAULT_STEP("template.image", err);

	if (r == 0)
		r = make_image(s, clamp_epoch, err);

	if (r < 0)
		return r;
	fd = openat(s->fd, "image", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fchmod(fd, 0600) < 0 || fstat(fd, &st) < 0 || fsync(fd) < 0)
		return berth_error_sys(err, errno, "open the new image in %s", s->dir);
	r = FAULT_STEP("template.hash", err);
	if (r == 0)
		r = image_hash(fd, t->hash, err);
	if (r < 0)
		return r;
	(void)snprintf(t->name, sizeof(t->name), "%s", name);
	t->bytes = (uint64_t)st.st_size;
	t->created = (uint64_t)time(NULL);
	return put_in_place(s, t, err);
}
