/*
 * seccomp.c - builds the filter from seccomp_table.def and seccomp_sockets.def by libseccomp, and keeps
 * it in a cache file.
 *
 * A short head of our own stands before libseccomp's program, for what its rules cannot say: numbers
 * above the known ones answer ENOSYS, and i386's socketcall, whose arguments lie in memory, is
 * decided as a whole. Calls that are allowed whatever their arguments cost next to nothing: the
 * kernel finds them when the filter is loaded and does not run the filter for them.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/hash.h"
#include "runtime/launch/launch.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* file_setattr, Linux 6.17: looked through up to here. */
enum {
	SECCOMP_NR_KNOWN = 469,
	FAMILY_MAX = 46,
	NETLINK_PROTO_MAX = 22,
	X32_BIT = 0x40000000
};
enum {
	I386_SOCKETCALL = 102,
	AF_NETLINK_NR = 16
};

struct row {
	const char *call;
	int error; /* 0: success without effect */
	int arg; /* -1: always */
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
#undef DENY
#undef DENY_BITS
#undef DENY_OPT

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
static const unsigned int netlink_protos[] = {
#include "runtime/launch/seccomp_sockets.def"
};
#undef NETLINK
#undef NO_INET
#define NETLINK(nr, name)
#define NO_INET(nr, name) nr,
static const unsigned int no_inet_protos[] = {
#include "runtime/launch/seccomp_sockets.def"
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct scmp_arg_cmp when(unsigned int arg, enum scmp_compare op, uint64_t a, uint64_t b)
{
	return (struct scmp_arg_cmp){.arg = arg, .op = op, .datum_a = a, .datum_b = b};
}

static bool is_listed(unsigned int nr, const unsigned int *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == nr)
			return true;
	return false;
}

/* ---- libseccomp's part ---- */

static int add_row(scmp_filter_ctx ctx, const struct row *row)
{
	int nr = seccomp_syscall_resolve_name(row->call);
	uint32_t action = SCMP_ACT_ERRNO((uint32_t)row->error);

	if (nr == __NR_SCMP_ERROR)
		return -EDOM; /* an older libseccomp; the caller decides */
	if (row->arg < 0)
		return seccomp_rule_add(ctx, action, nr, 0);
	if (row->option != 0)
		return seccomp_rule_add(
			ctx, action, nr, 2,
			when((unsigned int)row->arg, SCMP_CMP_MASKED_EQ, row->mask, row->value),
			when(2, SCMP_CMP_MASKED_EQ, UINT32_MAX, row->option));
	return seccomp_rule_add(
		ctx, action, nr, 1,
		when((unsigned int)row->arg, SCMP_CMP_MASKED_EQ, row->mask, row->value));
}

static int add_table(scmp_filter_ctx ctx, unsigned int flags, const char **ret_failed)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		int r = (rows[i].unless & flags) != 0 ? 0 : add_row(ctx, &rows[i]);

		if (r < 0) {
			*ret_failed = rows[i].call;
			return r;
		}
	}
	return 0;
}

/* Two conditions on one argument cannot be joined, so what is refused is listed value by value. */
static int add_families(scmp_filter_ctx ctx, int call)
{
	uint32_t action = SCMP_ACT_ERRNO(EAFNOSUPPORT);
	int r = seccomp_rule_add(ctx, action, call, 1, when(0, SCMP_CMP_GT, FAMILY_MAX, 0));

	for (unsigned int f = 0; r == 0 && f <= FAMILY_MAX; f++)
		if (!is_listed(f, families, COUNT(families)))
			r = seccomp_rule_add(ctx, action, call, 1, when(0, SCMP_CMP_EQ, f, 0));
	return r;
}

static int add_netlink(scmp_filter_ctx ctx)
{
	uint32_t action = SCMP_ACT_ERRNO(EPROTONOSUPPORT);
	int r = seccomp_rule_add(ctx, action, SCMP_SYS(socket), 2,
				 when(0, SCMP_CMP_EQ, AF_NETLINK_NR, 0),
				 when(2, SCMP_CMP_GT, NETLINK_PROTO_MAX, 0));

	for (unsigned int p = 0; r == 0 && p <= NETLINK_PROTO_MAX; p++) {
		if (is_listed(p, netlink_protos, COUNT(netlink_protos)))
			continue;
		/* 9 is NETLINK_AUDIT */
		r = seccomp_rule_add(ctx, p == 9 ? SCMP_ACT_ERRNO(EAFNOSUPPORT) : action,
				     SCMP_SYS(socket), 2, when(0, SCMP_CMP_EQ, AF_NETLINK_NR, 0),
				     when(2, SCMP_CMP_EQ, p, 0));
	}
	return r;
}

static int add_inet(scmp_filter_ctx ctx)
{
	static const unsigned int inet[] = {2, 10};
	int r = 0;

	for (size_t f = 0; f < COUNT(inet); f++)
		for (size_t i = 0; r == 0 && i < COUNT(no_inet_protos); i++)
			r = seccomp_rule_add(
				ctx, SCMP_ACT_ERRNO(EPROTONOSUPPORT), SCMP_SYS(socket), 2,
				when(0, SCMP_CMP_EQ, inet[f], 0),
				when(2, SCMP_CMP_MASKED_EQ, 0xffffffff, no_inet_protos[i]));
	return r;
}

static int add_sockets(scmp_filter_ctx ctx)
{
	int r = add_families(ctx, SCMP_SYS(socket));

	if (r == 0)
		r = add_families(ctx, SCMP_SYS(socketpair));
	if (r == 0)
		r = add_netlink(ctx);
	if (r == 0)
		r = add_inet(ctx);
	return r;
}

static int set_up(scmp_filter_ctx ctx)
{
	int r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	if (r == 0 && seccomp_arch_exist(ctx, SCMP_ARCH_X86_64) == -EEXIST)
		r = seccomp_arch_add(ctx, SCMP_ARCH_X86_64);
	if (r == 0)
		r = seccomp_arch_add(ctx, SCMP_ARCH_X86);
	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree */
	return r;
}

/* ---- our head ---- */

static struct sock_filter stmt(uint16_t code, uint32_t k)
{
	return (struct sock_filter){.code = code, .k = k};
}

static struct sock_filter jump(uint16_t op, uint32_t k, uint8_t jt, uint8_t jf)
{
	return (struct sock_filter){
		.code = (uint16_t)(BPF_JMP | op | BPF_K), .jt = jt, .jf = jf, .k = k};
}

/* Falls through to libseccomp's program behind it, which checks the architecture again. */
static size_t emit_head(struct sock_filter *f, unsigned int flags)
{
	uint32_t enosys = SECCOMP_RET_ERRNO | ENOSYS;
	bool socketcall = (flags & SECCOMP_SOCKETCALL) != 0;
	const struct sock_filter head[] = {
		stmt(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		jump(BPF_JEQ, AUDIT_ARCH_I386, 0, 2),
		stmt(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		jump(BPF_JEQ, I386_SOCKETCALL, socketcall ? 4 : 3, 1),
		stmt(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		jump(BPF_JGE, X32_BIT, 3, 0), /* x32, -1: libseccomp's matter */
		jump(BPF_JGT, SECCOMP_NR_KNOWN, 0, 2),
		stmt(BPF_RET | BPF_K, enosys),
		stmt(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	memcpy(f, head, sizeof(head));
	return COUNT(head);
}

static int export_program(scmp_filter_ctx ctx, unsigned int flags, struct seccomp_program *p)
{
	auto_close int fd = memfd_create("seccomp", MFD_CLOEXEC);
	struct sock_filter head[16];
	size_t n = emit_head(head, flags);
	size_t room = (SECCOMP_PROGRAM_MAX - n) * sizeof(p->filter[0]);
	ssize_t got;
	int r;

	if (fd < 0)
		return -errno;
	r = seccomp_export_bpf(ctx, fd);
	if (r < 0)
		return r;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	got = fd_read_all(fd, p->filter + n, room);
	if (got < 0)
		return (int)got;
	if ((size_t)got == room || (size_t)got % sizeof(p->filter[0]) != 0)
		return -E2BIG;
	memcpy(p->filter, head, n * sizeof(head[0]));
	p->len = (uint16_t)(n + (size_t)got / sizeof(p->filter[0]));
	return 0;
}

static int build(unsigned int flags, struct seccomp_program *p, struct berth_error *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	const char *failed = "the sockets";
	int r;

	if (ctx == NULL)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM,
				       "make a system call filter");
	r = set_up(ctx);
	if (r == 0)
		r = add_table(ctx, flags, &failed);
	if (r == 0)
		r = add_sockets(ctx);
	if (r == 0)
		r = export_program(ctx, flags, p);
	seccomp_release(ctx);
	if (r < 0)
		return berth_error_sys(err, -r, "build the system call filter (at %s)", failed);
	return 0;
}

/* ---- the cache ---- */

struct cache_head {
	uint64_t key;
	uint64_t sum; /* of the instructions: a torn or damaged file is built anew */
	uint64_t len;
};

static uint64_t cache_key(unsigned int flags)
{
	const struct scmp_version *v = seccomp_version();
	const unsigned int numbers[] = {v->major, v->minor, v->micro, flags, SECCOMP_NR_KNOWN};
	uint64_t h = hash_fnv1a(HASH_BEGIN, numbers, sizeof(numbers));

	h = hash_fnv1a(h, BERTH_VERSION, sizeof(BERTH_VERSION));
	for (size_t i = 0; i < COUNT(rows); i++) {
		const uint64_t words[] = {
			(uint64_t)rows[i].error, (uint64_t)rows[i].arg, rows[i].mask,
			rows[i].value,		 rows[i].unless,	rows[i].option};

		h = hash_fnv1a(h, rows[i].call, strlen(rows[i].call) + 1);
		h = hash_fnv1a(h, words, sizeof(words));
	}
	h = hash_fnv1a(h, families, sizeof(families));
	h = hash_fnv1a(h, netlink_protos, sizeof(netlink_protos));
	return hash_fnv1a(h, no_inet_protos, sizeof(no_inet_protos));
}

static bool cache_read(int dirfd, const char *name, uint64_t key, struct seccomp_program *p)
{
	auto_close int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct cache_head head;
	size_t size;

	if (fd < 0 || fd_read_all(fd, &head, sizeof(head)) != (ssize_t)sizeof(head))
		return false;
	if (head.key != key || head.len == 0 || head.len > SECCOMP_PROGRAM_MAX)
		return false;
	size = (size_t)head.len * sizeof(p->filter[0]);
	if (fd_read_all(fd, p->filter, size) != (ssize_t)size ||
	    hash_fnv1a(0, p->filter, size) != head.sum)
		return false;
	p->len = (uint16_t)head.len;
	return true;
}

/* Best effort: without it the next start builds the filter again. */
static void cache_write(int dirfd, const char *name, uint64_t key, const struct seccomp_program *p)
{
	size_t size = p->len * sizeof(p->filter[0]);
	struct cache_head head = {.key = key, .sum = hash_fnv1a(0, p->filter, size), .len = p->len};
	auto_free char *buf = malloc(sizeof(head) + size);

	if (buf == NULL)
		return;
	memcpy(buf, &head, sizeof(head));
	memcpy(buf + sizeof(head), p->filter, size);
	(void)file_replace_at(dirfd, name, buf, sizeof(head) + size, 0600, false);
}

int seccomp_program_get(int cache_dirfd, unsigned int flags, struct seccomp_program *ret,
			struct berth_error *err)
{
	uint64_t key = cache_key(flags);
	char name[32];
	int r;

	(void)snprintf(name, sizeof(name), "seccomp-%u.bpf", flags);
	if (cache_dirfd >= 0 && cache_read(cache_dirfd, name, key, ret))
		return 0;
	r = build(flags, ret, err);
	if (r == 0 && cache_dirfd >= 0)
		cache_write(cache_dirfd, name, key, ret);
	return r;
}
