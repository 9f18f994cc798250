/*
 * confine.c - out of all privilege: ids of nobody, limits, and a filter that allows what is listed and kills for the
 * rest. Nothing that is listed can name a file or another process.
 */
#include "runtime/migrate/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static const int allowed[] = {
	SYS_read,	  SYS_write,	    SYS_writev,	     SYS_pwrite64,
	SYS_close,	  SYS_ppoll,	    SYS_brk,	     SYS_mmap,
	SYS_munmap,	  SYS_mremap,	    SYS_madvise,     SYS_mprotect,
	SYS_futex,	  SYS_exit,	    SYS_exit_group,  SYS_rt_sigprocmask,
	SYS_rt_sigreturn, SYS_rt_sigaction, SYS_sigaltstack, SYS_clock_gettime,
	SYS_getpid,	  SYS_gettid,	    SYS_getrandom,   SYS_restart_syscall,
	SYS_sched_yield,
#ifdef SYS_poll
	SYS_poll,
#endif
};

/* What is not listed, and what is another architecture's (x32 too), kills. */
static int load_filter(void)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r = f == NULL ? -ENOMEM
			  : seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	for (size_t i = 0; r == 0 && i < sizeof(allowed) / sizeof(allowed[0]); i++)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, allowed[i], 0);
	if (r == 0)
		r = seccomp_load(f);
	seccomp_release(f);
	return r;
}

static int limit(__rlimit_resource_t what, uint64_t value)
{
	struct rlimit l = {.rlim_cur = value, .rlim_max = value};

	return setrlimit(what, &l) < 0 ? -errno : 0;
}

/* While /dev/null can still be opened. Others than those kept are closed, from the lowest to the highest. */
static int keep_only(const struct confine *c)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	unsigned int at = STDERR_FILENO + 1;

	if (null < 0)
		return -errno;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(null, fd) < 0)
			return -errno;
	for (;;) {
		unsigned int next = ~0U;

		for (int i = 0; i < 4 && c->fds[i] >= 0; i++) {
			if (c->fds[i] <= STDERR_FILENO)
				return -EBADF;
			if ((unsigned int)c->fds[i] >= at && (unsigned int)c->fds[i] < next)
				next = (unsigned int)c->fds[i];
		}
		if (next > at && close_range(at, next == ~0U ? next : next - 1, 0) < 0)
			return -errno;
		if (next == ~0U)
			return 0;
		at = next + 1;
	}
}

static int drop_privileges(uid_t uid)
{
	/* The system calls themselves: no other thread is there to be told. Without root's ids all capabilities go. */
	if (syscall(SYS_setgroups, 0, NULL) < 0 || syscall(SYS_setresgid, uid, uid, uid) < 0 ||
	    syscall(SYS_setresuid, uid, uid, uid) < 0)
		return -errno;
	/* A change of ids forgets the parent's death. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	return 0;
}

int confine_self(const struct confine *c)
{
	int r = keep_only(c);

	if (r == 0)
		r = limit(RLIMIT_FSIZE, c->file_bytes);
	if (r == 0)
		r = limit(RLIMIT_CORE, 0);
	if (r == 0)
		r = limit(RLIMIT_NPROC, 0);
	if (r == 0)
		r = drop_privileges(c->uid);
	return r < 0 ? r : load_filter();
}
