/* criu.c - a conversation with a `criu swrk`. */
#include "runtime/checkpoint/criu.h"

#include "runtime/base/child.h"
#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

enum {
	GREET_MS = 30000,
	END_MS = 10000,
	COMPUTING_MAX = 6, /* time limits in which it wrote nothing */
	LOOK_MS = 2000
};

static int say(const struct criu *c, const struct criu_order *o, enum criu_kind kind,
	       struct berth_error *err)
{
	char buf[CRIU_MESSAGE_MAX];
	ssize_t n = criu_order_format(o, kind, buf, sizeof(buf));

	if (n >= 0 && send(c->sock, buf, (size_t)n, MSG_NOSIGNAL) < 0)
		n = -errno;
	return n < 0 ? berth_error_sys(err, (int)n, "tell criu what to do") : 0;
}

/*
 * A dump of much memory says nothing for long, nor does one of many processes, which only computes at first. Not
 * before it stands still is it given up; what computes without end is.
 */
static int wait_for_word(const struct criu *c, const struct criu_order *o, unsigned int timeout_ms,
			 void *data)
{
	bool asked = o != NULL && o->progress != NULL;
	uint64_t done = asked ? o->progress(data) : 0, cpu = clock_process_cpu_ns(c->pid);
	unsigned int still = 0, computing = 0, slice;
	int r = 0;

	while (r == 0 && still < timeout_ms) {
		uint64_t done_now, cpu_now;

		slice = timeout_ms - still < LOOK_MS ? timeout_ms - still : LOOK_MS;
		r = fd_wait(c->sock, POLLIN, slice);
		still += slice;
		if (r != 0 || !asked)
			continue;
		done_now = o->progress(data);
		if (done_now > done) {
			still = computing = 0;
		} else if (still >= timeout_ms) {
			cpu_now = clock_process_cpu_ns(c->pid);
			if (cpu_now > cpu && ++computing < COMPUTING_MAX)
				still = 0;
			cpu = cpu_now;
		}
		done = done_now;
	}
	return r;
}

static int hear(const struct criu *c, const struct criu_order *o, unsigned int timeout_ms,
		void *data, struct criu_answer *ret, struct berth_error *err)
{
	char buf[CRIU_MESSAGE_MAX];
	ssize_t n;
	int r = wait_for_word(c, o, timeout_ms, data);

	if (r == 0)
		return berth_error_set(err, BERTH_ERR_TIMEOUT, ETIMEDOUT,
				       "criu said nothing for %u s", timeout_ms / 1000);
	n = r < 0 ? r : recv(c->sock, buf, sizeof(buf), 0);
	if (n < 0)
		return berth_error_sys(err, r < 0 ? r : errno, "hear criu");
	if (n == 0)
		return berth_error_set(err, BERTH_ERR_HELPER, ECHILD, "criu died");
	if (criu_answer_parse(buf, (size_t)n, ret) < 0)
		return berth_error_set(err, BERTH_ERR_HELPER, EBADMSG,
				       "criu gave an answer that is none");
	return 0;
}

int criu_greet(const struct criu *c, struct berth_error *err)
{
	struct criu_answer a;
	struct utsname uts;
	int r = say(c, NULL, CRIU_VERSION, err);

	if (r == 0)
		r = hear(c, NULL, GREET_MS, NULL, &a, err);
	if (r < 0)
		return r;
	if (a.kind != CRIU_VERSION || !a.success)
		return berth_error_set(err, BERTH_ERR_HELPER, EBADMSG,
				       "criu does not say its version");
	(void)uname(&uts);
	return criu_version_check(a.major, a.minor, a.sublevel, uts.release, err);
}

int criu_run(const struct criu *c, const struct criu_order *o, enum criu_kind kind,
	     criu_moment_fn *fn, void *data, unsigned int timeout_ms, pid_t *ret_pid,
	     struct berth_error *err)
{
	struct criu_answer a;
	int r = say(c, o, kind, err);

	while (r == 0) {
		bool go_on;

		r = hear(c, o, timeout_ms, data, &a, err);
		if (r < 0 || a.kind != CRIU_NOTIFY)
			break;
		go_on = fn(a.moment, a.pid, data) == 0;
		r = say(c, go_on ? o : NULL, CRIU_NOTIFY, err);
		/* There it heeds no refusal any more, and waits for what the caller has killed. */
		if (r == 0 && !go_on && strcmp(a.moment, "pre-resume") == 0)
			return berth_error_set(err, BERTH_ERR_HELPER, ECANCELED,
					       "criu was told to give up");
	}
	if (r < 0)
		return r;
	if (a.kind != kind || !a.success)
		return berth_error_set(err, BERTH_ERR_HELPER, a.cr_errno != 0 ? a.cr_errno : EIO,
				       "criu could not do it");
	if (ret_pid != NULL)
		*ret_pid = a.pid;
	return 0;
}

void criu_end(struct criu *c)
{
	fd_close(&c->sock);
	if (c->pid > 0)
		(void)child_end(c->pid, END_MS, NULL);
	c->pid = 0;
}

/* ---- which version ---- */

int criu_version_check(unsigned int major, unsigned int minor, unsigned int sublevel,
		       const char *kernel, struct berth_error *err)
{
	/* What the kernel changed, and who learned it: 6.13 split the vvar page, 6.16 refuses what mnt-v2 did and no
	 * longer answers SO_PASSCRED for inet sockets. */
	static const struct {
		unsigned int k_major, k_minor, major, minor, sublevel;
	} needs[] = {{6, 16, 4, 2, 0}, {6, 13, 4, 1, 1}, {0, 0, 3, 17, 1}};
	unsigned int have = major * 10000 + minor * 100 + sublevel;
	const char *at = kernel;
	uint64_t k_major, k_minor = 0;

	if (parse_next(&at, "", 10, &k_major) < 0 || parse_next(&at, ".", 10, &k_minor) < 0)
		k_major = UINT64_MAX;
	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
		unsigned int want =
			needs[i].major * 10000 + needs[i].minor * 100 + needs[i].sublevel;

		if (k_major < needs[i].k_major ||
		    (k_major == needs[i].k_major && k_minor < needs[i].k_minor))
			continue;
		if (have >= want)
			return 0;
		return berth_error_set(err, BERTH_ERR_UNSUPPORTED, EOPNOTSUPP,
				       "criu is %u.%u.%u; Linux %.40s needs %u.%u.%u or newer",
				       major, minor, sublevel, kernel, needs[i].major,
				       needs[i].minor, needs[i].sublevel);
	}
	return 0;
}

/* Of an unprivileged one, without harm; and what only says that it has failed. */
static bool is_no_reason(const char *line, size_t n)
{
	static const char *const words[] = {"Can't setup RLIMIT_NOFILE", "Restoring FAILED",
					    "Dumping FAILED"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (memmem(line, n, words[i], strlen(words[i])) != NULL)
			return true;
	return false;
}

void criu_log_reason(const char *log, char *buf, size_t size)
{
	buf[0] = '\0';
	for (const char *p = log; (p = strstr(p, "Error (")) != NULL;) {
		const char *text = strchr(p, ')');
		size_t n = strcspn(p, "\n");

		/* "(00.123456) Error (criu/sk-unix.c:800): unix: ..." */
		if (text != NULL && text < p + n && !is_no_reason(p, n)) {
			text += 1 + strspn(text + 1, ": ");
			n -= (size_t)(text - p);
			(void)snprintf(buf, size, "%.*s", (int)(n < size ? n : size - 1), text);
			return;
		}
		p += n;
	}
}
