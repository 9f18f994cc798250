/*
 * serve.c - the process that answers for one CT. A tenant can ask as much as it likes: requests are answered one after
 * the other, from static memory, and with no more than a twentieth of a CPU.
 *
 * It may be killed at any moment. The connection is its parent's too, so requests wait for the next one, which is
 * begun at once. One that was taken and not answered: kernels from 6.9 on send it again when asked to; on older ones
 * it is answered when its process is interrupted, or with an error beside the next request.
 */
#include "runtime/view/view.h"

#include "runtime/base/clock.h"
#include "runtime/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/fuse.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	NOTIFY_RESEND = 7, /* FUSE_NOTIFY_RESEND of 7.40 */
	LOST_MAX =
		64, /* how many requests may be lost with a process that takes them one by one, amply */
	ID_STEP = 2, /* FUSE_REQ_ID_STEP of the kernel's fs/fuse/fuse_i.h */
	FRESH_US = 5000, /* a text may be so old */
	SHARE = 20, /* its part of a CPU: one of so many */
	BURST_US = 50000
};
#define LARGE (UINT64_C(1) << 40)
#define ID_RESENT (UINT64_C(1) << 63) /* FUSE_UNIQUE_RESEND */

/* One process serves one CT: all of it is static. */
static char source_text[VIEW_SOURCES][VIEW_SOURCE_MAX];
static char host_cpuinfo[VIEW_CPUINFO_MAX];
static char file_text[VIEW_TEXT_MAX], answer[VIEW_ANSWER_MAX], request[VIEW_REQUEST_MAX];

struct server {
	const struct view_serve *s;
	struct view_load load;
	enum view_file file; /* that file_text is of; VIEW_FILES: none */
	size_t len;
	uint64_t made; /* when, microseconds of CLOCK_MONOTONIC */
	uint64_t budget, spent, refilled; /* microseconds of CPU, and when */
};

void view_fds_init(struct view_fds *fds)
{
	fds->fuse = -EBADF;
	for (unsigned int i = 0; i < VIEW_SOURCES; i++)
		fds->source[i] = -EBADF;
}

void view_fds_close(struct view_fds *fds)
{
	fd_close(&fds->fuse);
	for (unsigned int i = 0; i < VIEW_SOURCES; i++)
		fd_close(&fds->source[i]);
}

/* ---- texts ---- */

static void read_source(int fd, char *buf, size_t size)
{
	size_t used = 0;
	ssize_t n;

	do {
		n = pread(fd, buf + used, size - 1 - used, (off_t)used);
		used += n > 0 ? (size_t)n : 0;
	} while (n > 0 && used < size - 1);
	buf[used] = '\0';
}

static void take_numbers(struct server *v, enum view_file file, struct view_numbers *ret)
{
	const char *texts[VIEW_SOURCES];

	for (unsigned int i = 0; i < VIEW_SOURCES; i++) {
		texts[i] = source_text[i];
		if (i != VIEW_SRC_HOST_CPUINFO)
			read_source(v->s->fds->source[i], source_text[i], VIEW_SOURCE_MAX);
	}
	if (file == VIEW_CPUINFO)
		read_source(v->s->fds->source[VIEW_SRC_HOST_CPUINFO], host_cpuinfo,
			    VIEW_CPUINFO_MAX);
	view_numbers_read(texts, ret);
}

static void make_text(struct server *v, enum view_file file, uint64_t now)
{
	struct view_numbers n;
	int64_t up = (int64_t)(clock_boottime_ns() / 1000) + v->s->boot_offset * 1000000;
	struct view_moment at = {.uptime = up > 0 ? (uint64_t)up : 0,
				 .load = &v->load,
				 .host_cpuinfo = host_cpuinfo};

	at.boot = (uint64_t)time(NULL) - at.uptime / 1000000;
	take_numbers(v, file, &n);
	view_load_take(&v->load, now, n.user + n.system + n.wait);
	v->len = view_text(file, &n, &at, file_text, sizeof(file_text));
	v->file = file;
	v->made = now;
}

/* A reader that comes back for more gets it of the same text, unless another has come between. */
static size_t read_file(void *data, enum view_file file, uint64_t offset, size_t size,
			const char **ret)
{
	struct server *v = data;
	uint64_t now = clock_monotonic_ns() / 1000;

	if (v->file != file || (offset == 0 && now - v->made > FRESH_US))
		make_text(v, file, now);
	if (offset >= v->len)
		return 0;
	*ret = file_text + offset;
	return v->len - offset < size ? v->len - (size_t)offset : size;
}

/* ---- the share of a CPU ---- */

static void hold_back(struct server *v)
{
	uint64_t spent = clock_own_cpu_ns() / 1000;
	uint64_t now = clock_monotonic_ns() / 1000;
	uint64_t debt;

	v->budget += (now - v->refilled) / SHARE;
	v->budget = v->budget > BURST_US ? BURST_US : v->budget;
	v->refilled = now;
	debt = spent - v->spent > v->budget ? spent - v->spent - v->budget : 0;
	v->budget -= debt > 0 ? v->budget : spent - v->spent;
	v->spent = spent;
	if (debt == 0)
		return;
	clock_pause_us(debt * SHARE);
	/* The pause has paid the debt. */
	v->refilled = clock_monotonic_ns() / 1000;
}

/* ---- serving ---- */

/* -errno of the connection: ENODEV when it is unmounted. */
static int say(int fuse, const void *p, size_t len)
{
	if (write(fuse, p, len) >= 0 || errno == ENOENT || errno == EINTR || errno == EINVAL)
		return 0; /* nobody waits for it any more */
	return -errno;
}

static void ask_again(int fuse)
{
	const struct fuse_out_header head = {.len = sizeof(head), .error = NOTIFY_RESEND};

	(void)say(fuse, &head, sizeof(head));
}

/*
 * sendfile(2) and splice(2), which busybox's cat uses, go by the size that the kernel has in mind, and read by way of
 * the page cache. stat(2) is to say 0 as for all of /proc, and the length is not known before. So each open makes the
 * kernel think of a large file, by a byte stored far behind; a short read takes that back, and the open drops the pages. Where it
 * is stored nobody knows in advance: a reader of that very page would be waited for, who waits for us.
 */
static void seem_large(struct server *v, uint64_t node)
{
	struct {
		struct fuse_out_header head;
		struct fuse_notify_store_out store;
		char byte;
	} __attribute__((packed)) m = {
		.head = {.len = sizeof(m), .error = FUSE_NOTIFY_STORE},
		.store = {.nodeid = node, .size = 1},
	};
	uint64_t
		page; /* never of a generator whose state a reader might work out: the size tells it */

	if (getrandom(&page, sizeof(page), GRND_NONBLOCK) != sizeof(page))
		return; /* then sendfile(2) sends nothing */
	m.store.offset = LARGE + (page >> 24 << 12);
	(void)say(v->s->fds->fuse, &m, sizeof(m));
}

/* What was taken before the first request that we get, and is waited for still, will not be answered by anyone. */
static void answer_lost(int fuse, uint64_t unique)
{
	struct fuse_out_header head = {.len = sizeof(head), .error = -EIO};

	for (uint64_t i = 1; i <= LOST_MAX && unique > i * ID_STEP; i++) {
		head.unique = unique - i * ID_STEP;
		(void)say(fuse, &head, sizeof(head));
	}
}

static int serve_one(struct server *v, bool *first)
{
	const struct view_reader reader = {.read = read_file, .data = v};
	struct fuse_in_header head;
	ssize_t n = read(v->s->fds->fuse, request, sizeof(request));

	if (n < 0)
		return errno == EAGAIN || errno == EINTR || errno == ENOENT ? 0 : -errno;
	if (n < (ssize_t)sizeof(head))
		return 0;
	memcpy(&head, request, sizeof(head));
	if (*first) {
		if ((head.unique & ID_RESENT) == 0 && head.opcode != FUSE_INTERRUPT)
			answer_lost(v->s->fds->fuse, head.unique);
		*first = false;
	}
	if (head.opcode == FUSE_OPEN)
		seem_large(v, head.nodeid);
	n = view_answer(request, (size_t)n, &reader, answer);
	return n <= 0 ? (int)n : say(v->s->fds->fuse, answer, (size_t)n);
}

static int serve(struct server *v)
{
	struct pollfd p[] = {{.fd = v->s->fds->fuse, .events = POLLIN},
			     {.fd = v->s->until, .events = POLLIN}};
	bool first = true;

	ask_again(v->s->fds->fuse);
	for (;;) {
		int r = poll(p, 2, -1);

		if (r < 0 && errno != EINTR)
			return -errno;
		if (p[0].revents != 0) {
			r = serve_one(v, &first);
			if (r < 0)
				return r;
		}
		if ((p[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
			return 0;
		hold_back(v);
	}
}

/* ---- giving up all but that ---- */

#define ALLOW(nr)                                        \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* libseccomp is for who builds a policy; this is a list, in a process that must not grow. */
static int confine_calls(void)
{
	static struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW(SYS_read),
		ALLOW(SYS_write),
		ALLOW(SYS_pread64),
		ALLOW(SYS_poll),
		ALLOW(SYS_clock_gettime),
		ALLOW(SYS_clock_nanosleep),
		ALLOW(SYS_restart_syscall),
		ALLOW(SYS_getrandom),
		ALLOW(SYS_exit_group),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog prog = {sizeof(filter) / sizeof(filter[0]), filter};

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0 ? -errno : 0;
}

/* Every descriptor of ours becomes a low one; the others go. */
static int keep_fds(const struct view_serve *s, struct view_fds *fds, int *until)
{
	enum {
		ABOVE = 64
	};
	int high[VIEW_SOURCES + 2], n = 0;

	high[n++] = fcntl(s->fds->fuse, F_DUPFD_CLOEXEC, ABOVE);
	for (unsigned int i = 0; i < VIEW_SOURCES; i++)
		high[n++] = fcntl(s->fds->source[i], F_DUPFD_CLOEXEC, ABOVE);
	high[n++] = s->until < 0 ? -1 : fcntl(s->until, F_DUPFD_CLOEXEC, ABOVE);
	for (int i = 0; i < n; i++)
		if (high[i] < 0 ? i < n - 1 || s->until >= 0 : dup2(high[i], i) < 0)
			return -errno;
	if (close_range((unsigned int)(high[n - 1] < 0 ? n - 1 : n), ~0u, 0) < 0)
		return -errno;
	fds->fuse = VIEW_FD_FUSE;
	for (unsigned int i = 0; i < VIEW_SOURCES; i++)
		fds->source[i] = (int)i + 1;
	*until = s->until < 0 ? -1 : n - 1;
	return 0;
}

static int confine(uid_t uid)
{
	/* poll(2) refuses more descriptors than that; both are in use, so no other can be had. */
	const struct rlimit files = {2, 2}, none = {0, 0};
	sigset_t set;

	for (int sig = 1; sig < 32; sig++)
		(void)signal(sig, SIG_DFL);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&set);
	(void)sigprocmask(SIG_SETMASK, &set, NULL);
	(void)prctl(PR_SET_NAME, "berth-view");
	(void)setpriority(PRIO_PROCESS, 0, 5);
	if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
		return -errno;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0 || setrlimit(RLIMIT_NPROC, &none) < 0 ||
	    setrlimit(RLIMIT_CORE, &none) < 0)
		return -errno;
	return confine_calls();
}

_Noreturn void view_serve(const struct view_serve *s)
{
	static struct view_fds fds;
	static struct view_serve own;
	static struct server v = {.file = VIEW_FILES};
	int r = keep_fds(s, &fds, &own.until);

	if (r == 0)
		r = confine(s->uid);
	own.fds = &fds;
	own.boot_offset = s->boot_offset;
	v.s = &own;
	v.refilled = clock_monotonic_ns() / 1000;
	v.budget = BURST_US;
	if (r == 0)
		r = serve(&v);
	/* Before a call of _exit(3) AddressSanitizer asks for the signal stack, which the filter takes for an attack. */
	for (;;)
		(void)syscall(SYS_exit_group, r == 0 || r == -ENODEV || r == -ENOTCONN ? 0 : 1);
}
