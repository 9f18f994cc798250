/* test_launch_seccomp.c - the filter: what its tables promise is what the kernel does with it. */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/launch/launch.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

enum {
	X86_64 = 1,
	I386_SETSOCKOPT = 366
};

static struct seccomp_program plain, lifted;

/* A filter machine: the classic BPF that seccomp allows. Returns the filter's verdict. */
static uint32_t run_filter(const struct seccomp_program *p, const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t pc = 0; pc < p->len; pc++) {
		struct sock_filter f;
		bool yes;

		memcpy(&f, &p->filter[pc], sizeof(f));
		switch (f.code) {
		case BPF_LD | BPF_W | BPF_ABS:
			memcpy(&a, (const char *)data + f.k, sizeof(a));
			continue;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= f.k;
			continue;
		case BPF_RET | BPF_K:
			return f.k;
		case BPF_JMP | BPF_JA:
			pc += f.k;
			continue;
		case BPF_JMP | BPF_JEQ | BPF_K:
			yes = a == f.k;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			yes = a > f.k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			yes = a >= f.k;
			break;
		default:
			(void)fprintf(stderr, "unexpected instruction %#x\n", f.code);
			return 0;
		}
		pc += yes ? f.jt : f.jf;
	}
	return 0;
}

static uint32_t ask_nr(const struct seccomp_program *p, int arch, int nr, uint64_t a0, uint64_t a1,
		       uint64_t a2)
{
	struct seccomp_data d = {
		.nr = nr,
		.arch = arch == X86_64 ? AUDIT_ARCH_X86_64 : AUDIT_ARCH_I386,
		.args = {a0, a1, a2},
	};

	return run_filter(p, &d);
}

static uint32_t ask(const struct seccomp_program *p, int arch, const char *call, uint64_t a0,
		    uint64_t a1, uint64_t a2)
{
	uint32_t token = arch == X86_64 ? SCMP_ARCH_X86_64 : SCMP_ARCH_X86;
	int nr = seccomp_syscall_resolve_name_arch(token, call);

	if (arch != X86_64 && strcmp(call, "setsockopt") == 0)
		nr = I386_SETSOCKOPT; /* libseccomp has socketcall's number for it */
	return nr < 0 ? UINT32_MAX : ask_nr(p, arch, nr, a0, a1, a2);
}

#define ERR(e) (SECCOMP_RET_ERRNO | (uint32_t)(e))

struct row {
	const char *call;
	int error, arg;
	uint64_t mask, value;
	unsigned int unless;
	uint64_t option; /* of setsockopt, its argument 2; 0: any */
};

#define DENY(call, error, unless, why) {#call, error, -1, 0, 0, unless, 0},
#define DENY_BITS(call, error, arg, mask, value, unless, why) \
	{#call, error, arg, mask, value, unless, 0},
#define DENY_OPT(error, level, option, unless, why) \
	{"setsockopt", error, 1, UINT32_MAX, level, unless, option},
static const struct row rows[] = {
#include "runtime/launch/seccomp_table.def"
};

static void check_row(const struct row *row, int arch)
{
	uint64_t args[3] = {0, 0, 0};
	uint32_t got;

	if (row->arg >= 0)
		args[row->arg] = row->value;
	if (row->option != 0)
		args[2] = row->option;
	got = ask(&plain, arch, row->call, args[0], args[1], args[2]);
	if (got == UINT32_MAX)
		return; /* not a call of this architecture */
	if (got != ERR(row->error))
		(void)fprintf(stderr, "%s on arch %d: %#x\n", row->call, arch, got);
	CHECK(got == ERR(row->error));
	if (row->unless != 0)
		CHECK(ask(&lifted, arch, row->call, args[0], args[1], args[2]) ==
		      SECCOMP_RET_ALLOW);
	if (row->arg >= 0) {
		args[row->arg] = 0;
		CHECK(ask(&plain, arch, row->call, args[0], args[1], args[2]) == SECCOMP_RET_ALLOW);
	}
}

static void each_row_of_the_table_holds_on_both_architectures(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check_row(&rows[i], X86_64);
		check_row(&rows[i], 0);
	}
}

static void calls_that_systemd_and_daemons_need_are_allowed(void)
{
	static const char *const needed[] = {"read",	   "mount",	    "setns",
					     "fsopen",	   "execve",	    "name_to_handle_at",
					     "ptrace",	   "modify_ldt",    "fsync",
					     "syncfs",	   "reboot",	    "chroot",
					     "pivot_root", "fanotify_init", "personality",
					     "futex_waitv"};

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		CHECK(ask(&plain, X86_64, needed[i], 0, 0, 0) == SECCOMP_RET_ALLOW);
	CHECK(ask(&plain, X86_64, "unshare", CLONE_NEWNS | CLONE_NEWNET, 0, 0) ==
	      SECCOMP_RET_ALLOW);
	CHECK(ask(&plain, X86_64, "clone", SIGCHLD, 0, 0) == SECCOMP_RET_ALLOW);
}

/* Level and option are ints: the kernel does not look at the upper half. */
static void a_packet_ring_is_refused_and_other_options_are_not(void)
{
	const uint64_t high = UINT64_C(7) << 32;

	for (int arch = 0; arch <= X86_64; arch++) {
		CHECK(ask(&plain, arch, "setsockopt", 3, high | 263, high | 5) == ERR(EPERM));
		CHECK(ask(&plain, arch, "setsockopt", 3, 263, 10) == SECCOMP_RET_ALLOW);
		CHECK(ask(&plain, arch, "setsockopt", 3, 1, 5) == SECCOMP_RET_ALLOW);
		CHECK(ask(&plain, arch, "setsockopt", 5, 1, 13) == SECCOMP_RET_ALLOW);
	}
}

static void a_forbidden_flag_is_found_among_others(void)
{
	CHECK(ask(&plain, X86_64, "clone", CLONE_NEWUSER | CLONE_NEWNS | SIGCHLD, 0, 0) ==
	      ERR(EPERM));
	CHECK(ask(&plain, X86_64, "unshare", 0xffffffff00000000 | CLONE_NEWPID, 0, 0) ==
	      ERR(EPERM));
	CHECK(ask(&plain, X86_64, "ioctl", 0, UINT64_C(0x100005412), 0) == ERR(EPERM));
}

static void only_listed_families_and_protocols_open(void)
{
	for (uint64_t f = 0; f < 64; f++) {
		bool ok = f == 1 || f == 2 || f == 10 || f == 16 || f == 17;
		uint32_t want = ok ? SECCOMP_RET_ALLOW : ERR(EAFNOSUPPORT);

		CHECK(ask(&plain, X86_64, "socket", f, 1, 0) == want);
		CHECK(ask(&plain, X86_64, "socketpair", f, 1, 0) == want);
		/* libseccomp names i386's socket by its old number */
		CHECK(ask_nr(&plain, 0, 359, f, 1, 0) == want);
		CHECK(ask_nr(&plain, 0, 360, f, 1, 0) == want);
		CHECK(ask(&plain, X86_64, "socket", f | (UINT64_C(1) << 32), 1, 0) ==
		      ERR(EAFNOSUPPORT));
	}
	for (uint64_t p = 0; p < 40; p++) {
		bool ok = p == 0 || p == 4 || p == 12 || p == 15 || p == 16;
		uint32_t no = ERR(p == 9 ? EAFNOSUPPORT : EPROTONOSUPPORT);

		CHECK(ask(&plain, X86_64, "socket", 16, 3, p) == (ok ? SECCOMP_RET_ALLOW : no));
	}
	CHECK(ask(&plain, X86_64, "socket", 2, 1, 262) == ERR(EPROTONOSUPPORT));
	CHECK(ask(&plain, X86_64, "socket", 2, 3, 255) == SECCOMP_RET_ALLOW);
}

static void socketcall_is_decided_as_a_whole(void)
{
	CHECK(ask_nr(&plain, 0, 102, 1, 0, 0) == ERR(ENOSYS));
	CHECK(ask_nr(&lifted, 0, 102, 1, 0, 0) == SECCOMP_RET_ALLOW);
}

static void unknown_numbers_are_enosys_and_x32_and_strangers_are_killed(void)
{
	struct seccomp_data arm = {.nr = 1, .arch = AUDIT_ARCH_AARCH64};

	for (int arch = 0; arch <= X86_64; arch++) {
		CHECK(ask_nr(&plain, arch, 470, 0, 0, 0) == ERR(ENOSYS));
		CHECK(ask_nr(&plain, arch, 100000, 0, 0, 0) == ERR(ENOSYS));
		CHECK(ask_nr(&plain, arch, 452, 0, 0, 0) == SECCOMP_RET_ALLOW);
	}
	CHECK(ask_nr(&plain, X86_64, 0x40000000 + 1, 0, 0, 0) == SECCOMP_RET_KILL_PROCESS);
	CHECK(run_filter(&plain, &arm) == SECCOMP_RET_KILL_PROCESS);
}

static void the_cache_gives_the_same_and_a_damaged_one_is_built_anew(void)
{
	static struct seccomp_program again;
	char dir[] = "/tmp/test_seccomp.XXXXXX";
	auto_close int fd = mkdtemp(dir) != NULL ? dir_open_at(AT_FDCWD, dir) : -EBADF;
	auto_close int file = -EBADF;

	CHECK(fd >= 0);
	CHECK(seccomp_program_get(fd, 0, &again, NULL) == 0);
	memset(&again, 0, sizeof(again));
	CHECK(seccomp_program_get(fd, 0, &again, NULL) == 0);
	CHECK(again.len == plain.len &&
	      memcmp(again.filter, plain.filter, sizeof(again.filter)) == 0);
	file = openat(fd, "seccomp-0.bpf", O_WRONLY | O_CLOEXEC);
	CHECK(file >= 0 && pwrite(file, "xxxx", 4, 200) == 4);
	memset(&again, 0, sizeof(again));
	CHECK(seccomp_program_get(fd, 0, &again, NULL) == 0);
	CHECK(again.len == plain.len &&
	      memcmp(again.filter, plain.filter, sizeof(again.filter)) == 0);
	CHECK(unlinkat(fd, "seccomp-0.bpf", 0) == 0 && rmdir(dir) == 0);
}

int main(void)
{
	struct berth_error err;

	if (seccomp_program_get(-1, 0, &plain, &err) < 0 ||
	    seccomp_program_get(-1, SECCOMP_NESTING | SECCOMP_SOCKETCALL | SECCOMP_CAPTURE, &lifted,
				&err) < 0) {
		(void)fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	RUN(each_row_of_the_table_holds_on_both_architectures);
	RUN(calls_that_systemd_and_daemons_need_are_allowed);
	RUN(a_packet_ring_is_refused_and_other_options_are_not);
	RUN(a_forbidden_flag_is_found_among_others);
	RUN(only_listed_families_and_protocols_open);
	RUN(socketcall_is_decided_as_a_whole);
	RUN(unknown_numbers_are_enosys_and_x32_and_strangers_are_killed);
	RUN(the_cache_gives_the_same_and_a_damaged_one_is_built_anew);
	return check_failures != 0;
}
