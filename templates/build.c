/* build.c - the recipes that "berth template build" knows. */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "templates/template_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static const char *const names[] = {"tiny", "debian-12", "debian-13", NULL};

const char *const *template_recipes(void)
{
	return names;
}

int build_file(int root_fd, const char *path, const char *text, unsigned int mode)
{
	auto_close int fd = -EBADF;

	if (unlinkat(root_fd, path, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(root_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0 || fchmod(fd, mode) < 0)
		return -errno;
	return fd_write_all(fd, text, strlen(text));
}

static int run_recipe(const char *name, const struct stage *s, struct template_info *t,
		      uint64_t *epoch, template_progress_fn *fn, void *data,
		      struct berth_error *err)
{
	struct word_guess g = {.word = name};

	if (strcmp(name, "tiny") == 0)
		return build_tiny(s->root, t, epoch, fn, data, err);
	if (strcmp(name, "debian-12") == 0)
		return build_debian(s, "bookworm", "12", t, epoch, fn, data, err);
	if (strcmp(name, "debian-13") == 0)
		return build_debian(s, "trixie", "13", t, epoch, fn, data, err);
	for (const char *const *r = template_recipes(); *r != NULL; r++)
		word_guess_try(&g, *r);
	if (g.best != NULL)
		return berth_error_set(err, BERTH_ERR_NO_TEMPLATE, ENOENT,
				       "there is no recipe '%s'; did you mean %s?", name, g.best);
	return berth_error_set(err, BERTH_ERR_NO_TEMPLATE, ENOENT,
			       "there is no recipe '%s'; recipes are tiny, debian-12 and "
			       "debian-13; from an archive: berth template import %s FILE",
			       name, name);
}

static void no_progress(const char *what, int percent, void *data)
{
	(void)what;
	(void)percent;
	(void)data;
}

int template_build(const char *template_dir, const char *name, template_progress_fn *fn, void *data,
		   struct berth_error *err)
{
	struct template_info t = {0};
	struct stage s;
	uint64_t epoch = 0;
	int r = stage_open(template_dir, name, &s, err);

	if (r < 0)
		return r;
	if (fn == NULL)
		fn = no_progress;
	r = run_recipe(name, &s, &t, &epoch, fn, data, err);
	if (r == 0) {
		fn("making the image", 90, data);
		r = stage_publish(&s, name, epoch, &t, err);
	}
	if (r == 0)
		fn("done", 100, data);
	stage_close(&s);
	return r;
}
