/* probe_policy.c - does the system call filter say what seccomp_table.def and seccomp_sockets.def say? */
#include "tests/tools/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	SECCOMP_NESTING = 1, /* as launch.h */
	SECCOMP_SOCKETCALL = 2,
	SECCOMP_CAPTURE = 4,
	I386_SETSOCKOPT = 366,
	KILLED = 1000 + SIGSYS,
	FAMILY_LAST = 63,
	PROTO_LAST = 40,
};

#define HIGH UINT64_C(0x100000000) /* bits that the kernel ignores in an int */

struct row {
	const char *call;
	int error;
	int arg;
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

#define FAMILY(nr, name) nr,
#define NETLINK(nr, name)
#define NO_INET(nr, name)
static const unsigned int families[] = {
#include "runtime/launch/seccomp_sockets.def"
};
#undef FAMILY
#undef NETLINK
#define FAMILY(nr, name)
#define NETLINK(nr, name) nr,
static const unsigned int netlinks[] = {
#include "runtime/launch/seccomp_sockets.def"
};
#undef NETLINK
#undef NO_INET
#define NETLINK(nr, name)
#define NO_INET(nr, name) nr,
static const unsigned int no_inets[] = {
#include "runtime/launch/seccomp_sockets.def"
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int bad, done;

static bool is_listed(unsigned int nr, const unsigned int *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == nr)
			return true;
	return false;
}

static enum abi abi_parse(int argc, char **argv)
{
	if (argc > 0 && strcmp(argv[0], "i386") == 0)
		return ABI_I386;
	return argc > 0 && strcmp(argv[0], "x32") == 0 ? ABI_X32 : ABI_X64;
}

/* Says what differs. want may be negated by is: then any other result will do. */
static void expect(const char *what, uint64_t arg, int got, int want, bool is)
{
	done++;
	if ((got == want) == is)
		return;
	bad++;
	printf("BAD %s %#llx: %s, expected %s%s\n", what, (unsigned long long)arg, abi_result(got),
	       is ? "" : "anything but ", abi_result(want));
}

static int report(void)
{
	printf("%d calls, %d bad\n", done, bad);
	return bad != 0 || done == 0;
}

/* ---- the table ---- */

static void fill_args(const struct row *row, uint64_t value, uint64_t arg[5])
{
	for (int i = 0; i < 5; i++)
		arg[i] = row->arg < 0 ? UINT64_MAX : 0;
	if (row->arg >= 0)
		arg[row->arg] = value;
	if (row->option != 0)
		arg[2] = row->option;
	if (strcmp(row->call, "clone") == 0)
		arg[0] |= SIGCHLD;
	if (strcmp(row->call, "pidfd_open") == 0)
		arg[0] = (uint64_t)getpid();
}

static void try_row(const struct row *row, enum abi abi, unsigned int flags)
{
	uint32_t arch = abi == ABI_I386 ? SCMP_ARCH_X86 : SCMP_ARCH_X86_64;
	int nr = seccomp_syscall_resolve_name_arch(arch, row->call);
	bool denied = (row->unless & flags) == 0;
	int want = abi == ABI_X32 ? KILLED : row->error;
	uint64_t arg[5];

	if (abi == ABI_I386 && strcmp(row->call, "setsockopt") == 0)
		nr = I386_SETSOCKOPT; /* libseccomp has socketcall's number for it */
	if (nr < 0)
		return; /* this ABI has no such call */
	fill_args(row, row->value, arg);
	expect(row->call, row->value, abi_try(abi, nr, arg), want, denied || abi == ABI_X32);
	if (row->arg < 0 || abi == ABI_X32)
		return;
	if (abi == ABI_X64 && row->mask <= UINT32_MAX && denied) {
		arg[row->arg] |= HIGH;
		expect(row->call, arg[row->arg], abi_try(abi, nr, arg), want, true);
	}
	fill_args(row, 0, arg);
	expect(row->call, 0, abi_try(abi, nr, arg), want, false);
}

int policy_table(int argc, char **argv)
{
	enum abi abi = abi_parse(argc, argv);
	unsigned int flags = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 0) : 0;

	for (size_t i = 0; i < COUNT(rows); i++)
		try_row(&rows[i], abi, flags);
	if (abi == ABI_I386)
		expect("socketcall", 1, abi_try(abi, 102, (uint64_t[5]){1, 0}), ENOSYS,
		       (flags & SECCOMP_SOCKETCALL) == 0);
	return report();
}

/* ---- sockets ---- */

static void try_family(enum abi abi, long nr, const char *call, unsigned int f)
{
	static const unsigned int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET};
	static int pair[2];

	for (size_t t = 0; t < COUNT(types); t++) {
		uint64_t arg[5] = {f, types[t], 0, (uint64_t)(uintptr_t)pair};

		expect(call, f, abi_try(abi, nr, arg), EAFNOSUPPORT,
		       !is_listed(f, families, COUNT(families)));
		if (abi != ABI_X64 || is_listed(f, families, COUNT(families)))
			continue;
		arg[0] |= HIGH;
		expect(call, arg[0], abi_try(abi, nr, arg), EAFNOSUPPORT, true);
	}
}

static void try_netlink(enum abi abi, long nr, unsigned int p)
{
	uint64_t arg[5] = {AF_NETLINK, SOCK_RAW, p};
	int denied = p == 9 ? EAFNOSUPPORT : EPROTONOSUPPORT;

	if (is_listed(p, netlinks, COUNT(netlinks))) {
		/* The kernel may lack some; it never lacks rtnetlink. */
		if (p == 0)
			expect("netlink", p, abi_try(abi, nr, arg), 0, true);
		return;
	}
	expect("netlink", p, abi_try(abi, nr, arg), denied, true);
	if (abi != ABI_X64)
		return;
	arg[2] |= HIGH;
	expect("netlink", arg[2], abi_try(abi, nr, arg), 0, false);
	arg[0] |= HIGH;
	arg[2] = p;
	expect("netlink, odd family", p, abi_try(abi, nr, arg), 0, false);
}

static void try_inet(enum abi abi, long nr, unsigned int family)
{
	expect("inet", 6, abi_try(abi, nr, (uint64_t[5]){family, SOCK_STREAM, 6}), 0, true);
	expect("inet", 17, abi_try(abi, nr, (uint64_t[5]){family, SOCK_DGRAM, 17}), 0, true);
	for (size_t i = 0; i < COUNT(no_inets); i++) {
		uint64_t arg[5] = {family, SOCK_STREAM, no_inets[i]};

		expect("inet", arg[2], abi_try(abi, nr, arg), EPROTONOSUPPORT, true);
		arg[2] |= abi == ABI_X64 ? HIGH : 0;
		expect("inet", arg[2], abi_try(abi, nr, arg), EPROTONOSUPPORT, true);
	}
}

int policy_sockets(int argc, char **argv)
{
	enum abi abi = abi_parse(argc, argv);
	long nr_socket = abi == ABI_I386 ? 359 : 41, nr_pair = abi == ABI_I386 ? 360 : 53;

	for (unsigned int f = 0; f <= FAMILY_LAST; f++) {
		try_family(abi, nr_socket, "socket", f);
		try_family(abi, nr_pair, "socketpair", f);
	}
	for (unsigned int p = 0; p <= PROTO_LAST; p++)
		try_netlink(abi, nr_socket, p);
	try_inet(abi, nr_socket, AF_INET);
	try_inet(abi, nr_socket, AF_INET6);
	return report();
}

/* ---- the rest ---- */

int policy_unknown(int argc, char **argv)
{
	static const long numbers[] = {470, 471, 500, 511, 1000, 0x10000, 0x3fffffff};
	enum abi abi = abi_parse(argc, argv);

	for (size_t i = 0; i < COUNT(numbers); i++)
		expect("number", (uint64_t)numbers[i], abi_try(abi, numbers[i], (uint64_t[5]){0}),
		       ENOSYS, true);
	return report();
}

/* With a valid handle, so that only the filter stands in the way. */
int policy_handle(int argc, char **argv)
{
	static struct {
		struct file_handle h;
		unsigned char data[MAX_HANDLE_SZ];
	} handle = {.h = {.handle_bytes = MAX_HANDLE_SZ}};
	enum abi abi = abi_parse(argc, argv);
	int mount_id, fd = open("/", O_RDONLY | O_CLOEXEC);
	uint64_t arg[5] = {(uint64_t)fd, (uint64_t)(uintptr_t)&handle, O_RDONLY};

	if (fd < 0 || name_to_handle_at(fd, "", &handle.h, &mount_id, AT_EMPTY_PATH) < 0)
		printf("no handle of /: %s\n", strerror(errno));
	expect("open_by_handle_at", 0, abi_try(abi, abi == ABI_I386 ? 342 : 304, arg), ENOSYS,
	       true);
	(void)close(fd);
	return report();
}

/* The child that abi_try makes keeps the controlling terminal: it may lose nothing by the fork. */
int policy_terminal(int argc, char **argv)
{
	static char c[] = "\3!";
	static const uint64_t requests[] = {TIOCSTI, TIOCLINUX};

	(void)argc;
	(void)argv;
	if (!isatty(0)) {
		printf("stdin is no terminal\n");
		return 1;
	}
	for (size_t i = 0; i < COUNT(requests); i++) {
		uint64_t arg[5] = {0, requests[i], (uint64_t)(uintptr_t)c};

		expect("ioctl", arg[1], abi_try(ABI_X64, 16, arg), EPERM, true);
		expect("ioctl of i386", arg[1], abi_try(ABI_I386, 54, arg), EPERM, true);
		arg[1] |= HIGH;
		expect("ioctl", arg[1], abi_try(ABI_X64, 16, arg), EPERM, true);
	}
	return report();
}
