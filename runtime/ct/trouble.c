/* trouble.c - what an admin should know of a running CT. */
#include "runtime/ct/trouble.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static int open_run(const struct berth_paths *p, uint32_t ctid)
{
	char path[BERTH_PATH_MAX];

	return dir_open_at(AT_FDCWD, path_run_ct(p, ctid, path));
}

int ct_trouble_write(const struct berth_paths *p, uint32_t ctid, const char *text)
{
	auto_close int dir = open_run(p, ctid);

	if (dir < 0)
		return dir;
	if (text[0] != '\0')
		return file_replace_at(dir, "trouble", text, strlen(text), 0644, false);
	return unlinkat(dir, "trouble", 0) < 0 && errno != ENOENT ? -errno : 0;
}

int ct_trouble_read(const struct berth_paths *p, uint32_t ctid, char *buf, size_t size)
{
	auto_close int dir = open_run(p, ctid);
	int r = dir < 0 ? dir : file_read_line_at(dir, "trouble", buf, size);

	if (r < 0)
		buf[0] = '\0';
	return r;
}
