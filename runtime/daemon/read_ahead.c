/* read_ahead.c - files into the kernel's memory. */
#include "runtime/daemon/read_ahead.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "runtime/ct/info.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	FILES_MAX = 65536, /* bytes of one; more of a config is nothing that is kept */
};

static void read_file(const char *path)
{
	auto_free char *text = NULL;

	(void)file_read_at(AT_FDCWD, path, FILES_MAX, &text, NULL);
}

static const char *facts_path(const struct berth_paths *p, uint32_t ctid, const char *name,
			      char *buf)
{
	char dir[BERTH_PATH_MAX];

	return path_below(path_private(p, ctid, dir), name, buf);
}

bool read_ahead_is_done(const struct berth_paths *p, uint32_t ctid)
{
	char path[BERTH_PATH_MAX];

	return file_is_cached(path_ct_config(p, ctid, path)) &&
	       file_is_cached(facts_path(p, ctid, "facts", path));
}

void read_ahead_ct(const struct berth_paths *p, uint32_t ctid)
{
	char path[BERTH_PATH_MAX];

	read_file(path_ct_config(p, ctid, path));
	read_file(facts_path(p, ctid, "facts", path));
}

static int compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

bool read_ahead_is_known(const uint32_t *known, size_t n, uint32_t ctid)
{
	return n > 0 && bsearch(&ctid, known, n, sizeof(*known), compare) != NULL;
}

static void read_sample(const struct berth_paths *p, const char *sample)
{
	char name[BERTH_PATH_MAX], path[BERTH_PATH_MAX];

	if (sample[0] == '\0' || strchr(sample, '/') != NULL)
		return;
	(void)snprintf(name, sizeof(name), "samples/%.128s.conf", sample);
	read_file(path_below(p->etc, name, path));
}

void read_ahead_create(const struct berth_paths *p, const char *sample, const uint32_t *known,
		       size_t n_known)
{
	char path[BERTH_PATH_MAX];
	auto_closedir DIR *d = dir_stream_at(AT_FDCWD, path_below(p->lib, "private", path));
	struct dirent *e;
	uint32_t ctid;

	read_sample(p, sample);
	(void)access(path_below(p->lib, "state/none", path), F_OK);
	while (d != NULL && (e = readdir(d)) != NULL)
		if (parse_ctid(e->d_name, &ctid) == 0 &&
		    !read_ahead_is_known(known, n_known, ctid)) {
			read_ahead_ct(p, ctid);
			read_file(facts_path(p, ctid, FACTS_COPY, path));
		}
}
