/* hide.c - modes of directories in sysfs and procfs. */
#include "runtime/storage/hide.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
	PATH_SIZE = 64
};

/* dev: "/dev/loop3". */
static void hide(const char *folder, const char *dev, const char *end)
{
	const char *slash = strrchr(dev, '/');
	char path[PATH_SIZE];

	(void)snprintf(path, sizeof(path), "%s/%s%s", folder, slash != NULL ? slash + 1 : dev, end);
	(void)chmod(path, 0500);
}

void hide_loop(const char *dev)
{
	hide("/sys/devices/virtual/block", dev, "");
}

void hide_ext4(const char *dev)
{
	hide("/sys/fs/ext4", dev, "");
	hide("/proc/fs/ext4", dev, "");
	hide("/proc/fs/jbd2", dev, "-8"); /* 8: the inode of a journal inside */
}
