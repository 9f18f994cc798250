/* sweep.c - what nobody needs any more: images without a name and a CT, stages of killed builds. */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "templates/template_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

struct sweep {
	int template_dirfd, images_fd;
	int (*in_use)(const char *hash, void *data);
	void *data;
	unsigned int removed;
};

struct named {
	const char *hash;
	bool found;
};

static int find_named(const struct template_info *t, void *data)
{
	struct named *n = data;

	n->found = strcmp(t->hash, n->hash) == 0;
	return n->found;
}

/* "HASH.erofs" below image/. */
static int sweep_image(struct sweep *s, const char *file)
{
	char hash[65];
	struct named n = {.hash = hash};
	int r;

	if (strspn(file, "0123456789abcdef") != 64 || strcmp(file + 64, ".erofs") != 0)
		return 0;
	memcpy(hash, file, 64);
	hash[64] = '\0';
	/* With a damaged NAME.template nobody knows whose image this is. */
	r = template_list(s->template_dirfd, find_named, &n, NULL);
	if (n.found || r < 0 || (s->in_use != NULL && s->in_use(hash, s->data) != 0))
		return 0;
	if (unlinkat(s->images_fd, file, 0) < 0)
		return -errno;
	s->removed++;
	return 0;
}

/* NAME.template.tmp, of a worker that was killed while it wrote: writers hold the lock that we hold. */
static bool is_torn(const char *file)
{
	size_t len = strlen(file);

	return len > 13 && strcmp(file + len - 13, ".template.tmp") == 0;
}

/* ".stage-NAME": removed under its own lock, so a running build keeps its own. */
static int sweep_stage(struct sweep *s, const char *file)
{
	auto_close int fd = -EBADF;
	int r;

	if (is_torn(file))
		return file_unlink_at(s->template_dirfd, file);
	if (strncmp(file, ".stage-", strlen(".stage-")) != 0)
		return 0;
	fd = dir_open_at(s->template_dirfd, file);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return 0;
	r = tree_remove_at(s->template_dirfd, file);
	if (r == 0)
		s->removed++;
	return r;
}

static int for_each(int dirfd, struct sweep *s, int (*fn)(struct sweep *s, const char *file))
{
	auto_closedir DIR *d = dir_stream_at(dirfd, ".");
	struct dirent *e;
	int first = 0;

	if (d == NULL)
		return -errno;
	while ((e = readdir(d)) != NULL) {
		int r = fn(s, e->d_name);

		if (first == 0)
			first = r;
	}
	return first;
}

int template_sweep(int template_dirfd, int (*in_use)(const char *hash, void *data), void *data,
		   unsigned int *ret_removed, struct berth_error *err)
{
	auto_close int lock = template_lock(template_dirfd, err);
	auto_close int images_fd = -EBADF;
	struct sweep s = {.template_dirfd = template_dirfd, .in_use = in_use, .data = data};
	int r;

	if (lock < 0)
		return lock;
	s.images_fd = images_fd = dir_open_at(template_dirfd, "image");
	r = images_fd == -ENOENT ? 0 : images_fd;
	if (images_fd >= 0)
		r = for_each(images_fd, &s, sweep_image);
	if (r == 0)
		r = for_each(template_dirfd, &s, sweep_stage);
	if (r < 0)
		return berth_error_sys(err, r, "sweep the template directory");
	if (ret_removed != NULL)
		*ret_removed = s.removed;
	return 0;
}
