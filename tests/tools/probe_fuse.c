/* probe_fuse.c - a file system of a tenant's that takes every request and answers none. */
#include "tests/tools/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

/* The one request that is answered: without it the kernel would hold all others back, killably. */
static int answer_init(int fd, const char *request)
{
	struct {
		struct fuse_out_header head;
		struct fuse_init_out init;
	} answer = {.init = {.major = FUSE_KERNEL_VERSION,
			     .minor = FUSE_KERNEL_MINOR_VERSION,
			     .max_write = 4096}};
	struct fuse_in_header head;

	memcpy(&head, request, sizeof(head));
	if (head.opcode != FUSE_INIT)
		return -1;
	answer.head.len = sizeof(answer);
	answer.head.unique = head.unique;
	return write(fd, &answer, sizeof(answer)) == (ssize_t)sizeof(answer) ? 0 : -1;
}

int load_fuse(int argc, char **argv)
{
	static char request[1 << 17];
	char options[96];
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (argc < 1 || fd < 0)
		return 1;
	(void)snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	if (mount("deaf", argv[0], "fuse", MS_NOSUID | MS_NODEV, options) < 0 ||
	    read(fd, request, sizeof(request)) <= 0 || answer_init(fd, request) < 0) {
		printf("fuse: %s\n", strerror(errno));
		return 1;
	}
	printf("mounted\n");
	(void)fflush(stdout);
	while (read(fd, request, sizeof(request)) > 0 || errno == EINTR || errno == EAGAIN)
		;
	return 0;
}
