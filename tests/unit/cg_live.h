/*
 * cg_live.h - for tests on this host's real hierarchies, as root: one CT below /berth-unit-PID of
 * each, children started in it as launch does, and nothing left at the end. The same tests run on
 * hybrid and on pure v2 hosts; what this host has decides which file is looked at.
 */
#pragma once

#include "cgroups/host.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>

enum {
	CT = 4242,
	OWNER = 300000
};

#define MIB ((uint64_t)1 << 20)

static struct cg_host *host;
static struct berth_error err;
static char parent[64];

static inline bool ok(int r)
{
	if (r < 0)
		(void)fprintf(stderr, "error %d: %s\n", r, err.msg);
	return r >= 0;
}

static inline double now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static inline void sleep_ms(long ms)
{
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	(void)nanosleep(&t, NULL);
}

static inline struct cg_limits no_limits(void)
{
	return (struct cg_limits){.memory = CG_UNLIMITED,
				  .swap = CG_UNLIMITED,
				  .pids = CG_UNLIMITED,
				  .cpuunits = 1000,
				  .ioprio = UINT32_MAX};
}

/* The file of a controller as it reads now. */
static inline const char *value_of(enum cg_ctrl c, const char *v2, const char *v1)
{
	static char buf[CG_VALUE_MAX];
	const struct cg_hier *hi = cg_hier_of(host, c);

	buf[0] = '\0';
	if (hi == NULL || cg_read(hi, CT, hi->v2 ? v2 : v1, buf, sizeof(buf)) < 0)
		return "?";
	return buf;
}

static inline pid_t clone_into(int cgroup)
{
	struct clone_args a = {.flags = CLONE_INTO_CGROUP,
			       .exit_signal = SIGCHLD,
			       .cgroup = (uint64_t)(unsigned int)cgroup};

	return (pid_t)syscall(SYS_clone3, &a, sizeof(a));
}

typedef int child_fn(void);

/* Starts fn in the CT, as launch does: born in the unified cgroup, then "0" into v1. */
static inline pid_t start_in(child_fn *fn, bool exec)
{
	struct cg_attach a;
	pid_t pid;

	if (!ok(cg_ct_attach(host, CT, exec, &a, &err)))
		return -1;
	pid = clone_into(a.unified);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (unsigned int i = 0; i < a.n_v1; i++)
			if (write(a.v1[i], "0", 1) != 1)
				_exit(99);
		_exit(fn());
	}
	CHECK(pid > 0);
	cg_attach_close(&a);
	return pid;
}

static inline int wait_status(pid_t pid)
{
	int status = -1;

	CHECK(waitpid(pid, &status, 0) == pid);
	return status;
}

static inline int run_in(child_fn *fn)
{
	pid_t pid = start_in(fn, false);

	return pid > 0 ? wait_status(pid) : -1;
}

static inline bool exits_0(child_fn *fn)
{
	int status = run_in(fn);

	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		(void)fprintf(stderr, "child: status %x\n", (unsigned int)status);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static inline int child_sleep(void)
{
	sleep_ms(60000);
	return 0;
}

static inline void fresh(void)
{
	CHECK(ok(cg_ct_create(host, CT, OWNER, OWNER, &err)));
}

static inline void gone(void)
{
	CHECK(ok(cg_ct_remove(host, CT, 3000, &err)));
	CHECK(!cg_ct_exists(host, CT));
}

/* No CTID directory in any hierarchy. */
static inline bool nothing_left(void)
{
	for (unsigned int i = 0; i < host->n_hier; i++)
		if (cg_has_file(&host->hier[i], "4242"))
			return false;
	return true;
}

static inline void everything_made_is_gone_at_the_end(void)
{
	CHECK(nothing_left());
	CHECK(ok(cg_host_teardown(host, &err)));
	for (unsigned int i = 0; i < host->n_hier; i++) {
		CHECK(unlinkat(host->hier[i].root, parent + 1, AT_REMOVEDIR) == 0);
		CHECK(faccessat(host->hier[i].root, parent + 1, F_OK, 0) < 0);
	}
}

/* Opens host below the unique parent; 77 when this cannot be tried here. */
static inline int live_begin(const char *test)
{
	if (geteuid() != 0) {
		(void)fprintf(stderr, "SKIPPED: %s needs root\n", test);
		return 77;
	}
	(void)snprintf(parent, sizeof(parent), "/berth-unit-%d", (int)getpid());
	return ok(cg_host_open(parent, &host, &err)) && ok(cg_host_setup(host, &err)) ? 0 : 1;
}

static inline int live_end(void)
{
	RUN(everything_made_is_gone_at_the_end);
	cg_host_free(host);
	return check_failures != 0;
}
