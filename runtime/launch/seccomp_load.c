/* seccomp_load.c - installs a built filter. No libseccomp, no malloc: the monitor uses it. */
#include "runtime/launch/launch.h"
#include "runtime/launch/sys.h"

#include <linux/filter.h>
#include <linux/seccomp.h>

_Static_assert(sizeof(struct sock_filter) == sizeof(uint64_t), "one instruction, one word");

int seccomp_program_load(const struct seccomp_program *p)
{
	struct sock_fprog prog = {
		.len = p->len,
		/* The kernel only reads it. */
		.filter = (struct sock_filter *)(uintptr_t)p->filter,
	};

	if (p->len == 0)
		return -EINVAL;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0 ? -errno : 0;
}
