/* inroot.c - opening what a stranger's root file system holds. */
#include "templates/inroot.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	TRIES_MAX = 1000
};

int inroot_open(int root_fd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned int)(flags | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS,
	};
	unsigned int tries = 0;
	long fd;

	/* EAGAIN: somebody renames directories meanwhile; one who does so for ever is not waited for. */
	do {
		fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
	} while (fd < 0 && (errno == EINTR || (errno == EAGAIN && ++tries < TRIES_MAX)));
	return fd < 0 ? -errno : (int)fd;
}
