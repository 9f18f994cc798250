/* rootfs_options.c - what a mounted overlay was given, against what was asked for. */
#include "runtime/base/fd.h"
#include "runtime/base/mountinfo.h"
#include "runtime/storage/rootfs.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* The value that is shown ("on", "off", "nofollow"), NULL when the option is not. */
static const char *shown(const char *options, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = options;; p++) {
		size_t n = strcspn(p, ", \n");

		if (n > len && strncmp(p, name, len) == 0 && p[len] == '=')
			return p + len + 1;
		p += n;
		if (*p != ',')
			return NULL;
	}
}

static bool is_on(const char *options, const char *name, bool by_default)
{
	const char *value = shown(options, name);

	return value != NULL ? strncmp(value, "on", 2) == 0 : by_default;
}

bool rootfs_options_ok(const char *mountinfo_line, const struct rootfs_defaults *d)
{
	const char *o = mountinfo_super_options(mountinfo_line);

	return mountinfo_is_writable(mountinfo_line) && is_on(o, "index", d->index) &&
	       is_on(o, "nfs_export", d->nfs_export) && is_on(o, "xino", false) &&
	       !is_on(o, "metacopy", d->metacopy) && !is_on(o, "redirect_dir", d->redirect_dir);
}

static bool parameter(const char *name)
{
	char path[80], value[8];

	(void)snprintf(path, sizeof(path), "/sys/module/overlay/parameters/%s", name);
	return file_read_line_at(AT_FDCWD, path, value, sizeof(value)) == 0 && value[0] == 'Y';
}

void rootfs_defaults_read(struct rootfs_defaults *ret)
{
	*ret = (struct rootfs_defaults){
		.index = parameter("index"),
		.nfs_export = parameter("nfs_export"),
		.redirect_dir = parameter("redirect_dir"),
		.metacopy = parameter("metacopy"),
	};
}
