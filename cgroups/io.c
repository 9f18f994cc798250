/* io.c - reading, writing and walking cgroup files below our own descriptors. */
#include "cgroups/host.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/ev.h"
#include "runtime/base/fd.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>

enum {
	WALK_DEPTH_MAX = 32
};

char *cg_rel(uint32_t ctid, const char *file, char *buf)
{
	(void)snprintf(buf, CG_REL_MAX, "%u/%s", ctid, file);
	return buf;
}

char *cg_where(const struct cg_hier *hi, uint32_t ctid, const char *file, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s/%s%sberth/%u/%s", hi->mount, hi->parent,
		       hi->parent[0] != '\0' ? "/" : "", ctid, file);
	return buf;
}

int cg_read(const struct cg_hier *hi, uint32_t ctid, const char *file, char *buf, size_t size)
{
	char rel[CG_REL_MAX];

	return file_read_value_at(hi->berth, cg_rel(ctid, file, rel), buf, size);
}

int cg_write(const struct cg_hier *hi, uint32_t ctid, const char *file, const char *value)
{
	char rel[CG_REL_MAX];

	return file_write_value_at(hi->berth, cg_rel(ctid, file, rel), value);
}

int cg_read_max(const struct cg_hier *hi, uint32_t ctid, const char *file, uint64_t *ret)
{
	char buf[64];
	int r = cg_read(hi, ctid, file, buf, sizeof(buf));

	return r < 0 ? r : cg_parse_max(buf, ret);
}

int cg_read_key(const struct cg_hier *hi, uint32_t ctid, const char *file, const char *key,
		uint64_t *ret)
{
	char buf[4096];
	int r = cg_read(hi, ctid, file, buf, sizeof(buf));

	return r < 0 ? r : cg_parse_key(buf, key, ret);
}

bool cg_has_file(const struct cg_hier *hi, const char *file)
{
	return faccessat(hi->berth, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int event_read(int fd, const char *key, uint64_t *ret)
{
	char buf[256];
	ssize_t n = pread(fd, buf, sizeof(buf) - 1, 0);

	/* ENODEV: the cgroup went while we held its file. */
	if (n < 0)
		return errno == ENODEV ? -ENOENT : -errno;
	buf[n] = '\0';
	return cg_parse_key(buf, key, ret);
}

int cg_wait_event(const struct cg_hier *hi, uint32_t ctid, const char *key, uint64_t want,
		  unsigned int timeout_ms)
{
	uint64_t now = ev_now_ms(), end = now + timeout_ms;
	char rel[CG_REL_MAX];
	auto_close int fd = openat(hi->berth, cg_rel(ctid, "cgroup.events", rel),
				   O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return -errno;
	for (;; now = ev_now_ms()) {
		struct pollfd p = {.fd = fd, .events = POLLPRI};
		uint64_t value = 0;
		int r = event_read(fd, key, &value);

		if (r < 0)
			return r;
		if (value == want)
			return 0;
		if (now >= end)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)(end - now)) < 0 && errno != EINTR)
			return -errno;
	}
}

static int walk_at(int parent, const char *name, unsigned int depth, cg_walk_fn *fn, void *data);

static int walk_children(int fd, unsigned int depth, cg_walk_fn *fn, void *data)
{
	auto_closedir DIR *d = dir_stream_at(fd, ".");
	struct dirent *e;

	if (d == NULL)
		return errno == ENOENT || errno == ENODEV ? 0 : -errno; /* removed meanwhile */
	while ((e = readdir(d)) != NULL) {
		int r;

		if (e->d_type != DT_DIR || strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0)
			continue;
		r = walk_at(fd, e->d_name, depth + 1, fn, data);
		if (r < 0)
			return r;
	}
	return 0;
}

static int walk_at(int parent, const char *name, unsigned int depth, cg_walk_fn *fn, void *data)
{
	auto_close int fd = dir_open_at(parent, name);
	int r;

	/* The CT may remove its own cgroups while we look. */
	if (fd == -ENOENT || fd == -ENODEV)
		return 0;
	if (fd < 0)
		return fd;
	if (depth > WALK_DEPTH_MAX)
		return -ELOOP;
	r = walk_children(fd, depth, fn, data);
	if (r < 0)
		return r;
	return fn(parent, name, fd, data);
}

int cg_walk(int parent, const char *name, cg_walk_fn *fn, void *data)
{
	return walk_at(parent, name, 0, fn, data);
}
