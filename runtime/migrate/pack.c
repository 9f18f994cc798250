/* pack.c - a directory of plain files as one run of bytes. */
#include "runtime/migrate/pack.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fault.h"
#include "runtime/base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint8_t magic[8] = "BTHPACK";

/* ---- pure ---- */

void pack_head_format(const struct pack_entry *e, uint8_t head[static PACK_HEAD])
{
	memset(head, 0, PACK_HEAD);
	memcpy(head, magic, sizeof(magic));
	blocks_head_format(e->size, head + 8);
	memcpy(head + 16, e->name, strnlen(e->name, PACK_NAME - 1));
}

static bool name_is_plain(const char *s)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	return s[0] != '.' && s[strspn(s, plain)] == '\0';
}

int pack_head_parse(const uint8_t head[static PACK_HEAD], struct pack_entry *ret)
{
	struct pack_entry e = {0};
	size_t len = strnlen((const char *)head + 16, PACK_NAME);

	if (memcmp(head, magic, sizeof(magic)) != 0 || len == PACK_NAME)
		return -EBADMSG;
	for (size_t i = len; i < PACK_NAME; i++)
		if (head[16 + i] != 0)
			return -EBADMSG;
	memcpy(e.name, head + 16, len);
	for (int i = 7; i >= 0; i--)
		e.size = e.size << 8 | head[8 + i];
	if (!name_is_plain(e.name) || e.size > INT64_MAX || (len == 0 && e.size != 0))
		return -EBADMSG;
	*ret = e;
	return 0;
}

/* ---- the source ---- */

static int send_head(const struct pack_entry *e, struct blocks *b, struct link *l,
		     struct berth_error *err)
{
	uint8_t buf[BLOCKS_HEAD + PACK_HEAD];

	pack_head_format(e, buf + BLOCKS_HEAD);
	return blocks_put(b, l, buf, PACK_HEAD, err);
}

static int send_file(int dir_fd, const char *name, struct blocks *b, struct link *l, uint8_t *buf,
		     struct berth_error *err)
{
	auto_close int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct pack_entry e = {0};
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return berth_error_sys(err, errno, "open the image %.60s", name);
	if (!S_ISREG(st.st_mode) || strlen(name) >= PACK_NAME || !name_is_plain(name))
		return berth_error_set(err, BERTH_ERR_BROKEN, EUCLEAN,
				       "among the images is '%.60s', which is none", name);
	(void)snprintf(e.name, sizeof(e.name), "%s", name);
	e.size = (uint64_t)st.st_size;
	r = send_head(&e, b, l, err);
	for (uint64_t at = 0; r == 0 && at < e.size;) {
		size_t n = e.size - at < BLOCKS_MAX ? (size_t)(e.size - at) : BLOCKS_MAX;

		r = blocks_read(fd, buf + BLOCKS_HEAD, n, at);
		if (r < 0)
			return berth_error_sys(err, r, "read the image %.60s", name);
		r = blocks_put(b, l, buf, n, err);
		at += n;
	}
	return r;
}

int pack_send(int dir_fd, const char *except, struct blocks *b, struct link *l,
	      struct berth_error *err)
{
	auto_free uint8_t *buf = malloc(FRAME_MAX);
	auto_closedir DIR *d = dir_stream_at(dir_fd, ".");
	struct dirent *e;
	int r;

	if (buf == NULL)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM,
				       "no memory to send images");
	if (d == NULL)
		return berth_error_sys(err, errno, "list the images");
	while ((errno = 0, e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		    strcmp(e->d_name, except) == 0)
			continue;
		r = FAULT_STEP("images.send", err);
		if (r == 0)
			r = send_file(dir_fd, e->d_name, b, l, buf, err);
		if (r < 0)
			return r;
	}
	if (errno != 0)
		return berth_error_sys(err, errno, "list the images");
	return send_head(&(struct pack_entry){0}, b, l, err);
}

/* ---- the destination ---- */

static int take_file(int fd, off_t *at, uint64_t left, const struct pack_entry *e, int dir_fd,
		     struct berth_error *err)
{
	auto_close int out = -EBADF;
	uint64_t todo = e->size;
	int r = FAULT_STEP("images.take", err);

	if (r < 0)
		return r;
	if (todo > left)
		return berth_error_set(err, BERTH_ERR_PROTOCOL, EBADMSG,
				       "the image %.60s is cut short", e->name);
	out = openat(dir_fd, e->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return berth_error_sys(err, errno, "make the image %.60s", e->name);
	while (todo > 0) {
		ssize_t n = sendfile(out, fd, at, todo < 1 << 20 ? (size_t)todo : 1 << 20);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return berth_error_set(err,
					       n < 0 && (errno == ENOSPC || errno == EDQUOT)
						       ? BERTH_ERR_NO_SPACE
						       : BERTH_ERR_SYSTEM,
					       n < 0 ? errno : EIO, "write the image %.60s: %s",
					       e->name, strerror(n < 0 ? errno : EIO));
		todo -= (uint64_t)n;
	}
	return 0;
}

int pack_unpack(int fd, uint64_t bytes, off_t *at, int dir_fd, struct berth_error *err)
{
	uint8_t head[PACK_HEAD];

	for (int i = 0; i < PACK_FILES_MAX; i++) {
		struct pack_entry e;
		int r = (uint64_t)*at + PACK_HEAD > bytes
				? -EBADMSG
				: blocks_read(fd, head, sizeof(head), (uint64_t)*at);

		if (r == 0)
			r = pack_head_parse(head, &e);
		if (r < 0)
			break;
		*at += PACK_HEAD;
		if (e.name[0] == '\0')
			return 0;
		r = take_file(fd, at, bytes - (uint64_t)*at, &e, dir_fd, err);
		if (r < 0)
			return r;
	}
	return berth_error_set(err, BERTH_ERR_PROTOCOL, EBADMSG,
			       "what came as the images of its memory is none");
}
