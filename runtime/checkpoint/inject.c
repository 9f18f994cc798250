/* inject.c - system calls that a stopped thread is made to make (ptrace(2)). */
#include "runtime/checkpoint/inject.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	STOP_MS = 5000, /* until a thread has stopped, or made a call */
	PAUSE_US = 200,
	MAPS_MAX = 16 << 20
};

int inject_hold(pid_t tid)
{
	if (ptrace(PTRACE_SEIZE, tid, NULL, (void *)PTRACE_O_EXITKILL) < 0 ||
	    ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0)
		return -errno;
	return 0;
}

#ifdef __x86_64__

struct place {
	uint64_t call; /* the address of a syscall instruction */
	uint64_t room; /* of memory that it may write, and size bytes of it */
	uint64_t size;
};

/* Its wait status when it has stopped. */
static int await_stop(pid_t tid, int *ret)
{
	uint64_t end = clock_deadline(STOP_MS);

	for (;;) {
		pid_t p = waitpid(tid, ret, __WALL | WNOHANG);

		if (p == tid)
			return WIFSTOPPED(*ret) ? 0 : -ESRCH;
		if (p < 0 && errno != EINTR)
			return -errno;
		if (clock_is_past(end))
			return -ETIMEDOUT;
		clock_pause_us(PAUSE_US);
	}
}

/* The two bytes of it are somewhere in each vDSO. */
static int find_call(int mem, uint64_t from, uint64_t to, uint64_t *ret)
{
	static const uint8_t instruction[] = {0x0f, 0x05};
	auto_free uint8_t *text = malloc(to > from ? to - from : 1);
	const uint8_t *p;

	if (text == NULL)
		return -ENOMEM;
	if (pread(mem, text, to - from, (off_t)from) != (ssize_t)(to - from))
		return -EIO;
	p = memmem(text, to - from, instruction, sizeof(instruction));
	if (p == NULL)
		return -ENOENT;
	*ret = from + (uint64_t)(p - text);
	return 0;
}

/* Private memory that it may write: what is there is put back. */
static int find_place(pid_t tid, int mem, struct place *ret)
{
	auto_free char *maps = NULL;
	char path[64], *text;
	uint64_t vdso[2] = {0, 0};
	int r;

	*ret = (struct place){0};
	(void)snprintf(path, sizeof(path), "/proc/%d/maps", tid);
	r = file_read_at(AT_FDCWD, path, MAPS_MAX, &maps, NULL);
	text = maps;
	for (char *line; r == 0 && (line = strsep(&text, "\n")) != NULL;) {
		const char *s = line;
		uint64_t from, to;

		if (parse_next(&s, "", 16, &from) < 0 || parse_next(&s, "-", 16, &to) < 0)
			continue;
		if (strstr(s, "[vdso]") != NULL && to - from <= 1 << 20) {
			vdso[0] = from;
			vdso[1] = to;
		} else if (strncmp(s, " rw-p ", 6) == 0 && to - from > ret->size) {
			ret->room = from;
			ret->size = to - from;
		}
	}
	if (r == 0 && (vdso[1] == 0 || ret->size == 0))
		r = -ENOENT;
	return r < 0 ? r : find_call(mem, vdso[0], vdso[1], &ret->call);
}

static int call(pid_t tid, const struct user_regs_struct *now, uint64_t at, const uint64_t arg[4])
{
	struct user_regs_struct regs = *now;
	int status, r;

	regs.rip = at;
	regs.rax = arg[0];
	regs.rdi = arg[1];
	regs.rsi = arg[2];
	regs.rdx = arg[3];
	regs.r10 = regs.r8 = 0;
	regs.orig_rax = UINT64_MAX; /* it is in no call that is to be made again */
	if (ptrace(PTRACE_SETREGS, tid, NULL, &regs) < 0 ||
	    ptrace(PTRACE_SINGLESTEP, tid, NULL, NULL) < 0)
		return -errno;
	r = await_stop(tid, &status);
	if (r == 0 && WSTOPSIG(status) != SIGTRAP)
		r = -EINTR;
	if (r == 0 && ptrace(PTRACE_GETREGS, tid, NULL, &regs) < 0)
		r = -errno;
	return r < 0 ? r : (int)(int64_t)regs.rax;
}

/* The program behind its struct sock_fprog, at the beginning of the room. */
static int put_filter(int mem, const struct place *p, const struct filter *f)
{
	const struct {
		uint64_t n, code;
	} program = {f->n,
		     p->room +
			     sizeof(program)}; /* struct sock_fprog: unsigned short and a pointer */
	size_t n = f->n * sizeof(*f->code);

	if (n > p->size - sizeof(program))
		return -ENOSPC;
	if (pwrite(mem, &program, sizeof(program), (off_t)p->room) != sizeof(program) ||
	    pwrite(mem, f->code, n, (off_t)(p->room + sizeof(program))) != (ssize_t)n)
		return -EIO;
	return 0;
}

static int make_calls(pid_t tid, int mem, const struct place *p,
		      const struct user_regs_struct *regs, const struct filter_thread *t)
{
	int r = 0;

	if (t->no_new_privs)
		r = call(tid, regs, p->call,
			 (const uint64_t[4]){SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0});
	for (size_t i = 0; r == 0 && i < t->n; i++) {
		r = put_filter(mem, p, &t->filters[i]);
		if (r == 0)
			r = call(tid, regs, p->call,
				 (const uint64_t[4]){SYS_seccomp, SECCOMP_SET_MODE_FILTER,
						     t->filters[i].flags, p->room});
	}
	return r;
}

static size_t longest(const struct filter_thread *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n = t->filters[i].n > n ? t->filters[i].n : n;
	return n * sizeof(struct sock_filter) + 2 * sizeof(uint64_t);
}

/* What was in the room is put back, whatever comes. */
static int with_room(pid_t tid, int mem, const struct user_regs_struct *regs,
		     const struct filter_thread *t)
{
	size_t n = longest(t);
	auto_free uint8_t *old = malloc(n);
	struct place p;
	int r = old == NULL ? -ENOMEM : find_place(tid, mem, &p);

	if (r == 0 && n > p.size)
		r = -ENOSPC;
	if (r == 0 && pread(mem, old, n, (off_t)p.room) != (ssize_t)n)
		r = -EIO;
	if (r < 0)
		return r;
	r = make_calls(tid, mem, &p, regs, t);
	if (pwrite(mem, old, n, (off_t)p.room) != (ssize_t)n && r == 0)
		r = -EIO;
	return r;
}

int inject_filters(pid_t tid, const struct filter_thread *t)
{
	struct user_regs_struct regs;
	uint64_t mask, all = UINT64_MAX;
	auto_close int mem = -EBADF;
	char path[64];
	int status, r;

	(void)snprintf(path, sizeof(path), "/proc/%d/mem", tid);
	mem = open(path, O_RDWR | O_CLOEXEC);
	r = mem < 0 ? -errno : await_stop(tid, &status);
	if (r < 0)
		return r;
	/* It is one of 64 bits that it is spoken to as. */
	if (ptrace(PTRACE_GETREGS, tid, NULL, &regs) < 0 ||
	    ptrace(PTRACE_GETSIGMASK, tid, (void *)sizeof(mask), &mask) < 0 ||
	    ptrace(PTRACE_SETSIGMASK, tid, (void *)sizeof(all), &all) < 0)
		return -errno;
	r = regs.cs == 0x33 ? with_room(tid, mem, &regs, t) : -ENOEXEC;
	if (r == 0 && (ptrace(PTRACE_SETREGS, tid, NULL, &regs) < 0 ||
		       ptrace(PTRACE_SETSIGMASK, tid, (void *)sizeof(mask), &mask) < 0 ||
		       ptrace(PTRACE_DETACH, tid, NULL, NULL) < 0))
		r = -errno;
	return r > 0 ? -EPROTO : r;
}

#else

int inject_filters(pid_t tid, const struct filter_thread *t)
{
	(void)tid;
	(void)t;
	return -EOPNOTSUPP;
}

#endif
