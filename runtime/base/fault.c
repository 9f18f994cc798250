/* fault.c - fault injection points. */
#include "runtime/base/fault.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/clock.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum {
	TIME_MAX = 24
};

struct fault_table *fault_table;

static char environment[sizeof(FAULT_ENV) + 4096];
static const char *program_name = "";

/* The linker's, around all pointers that FAULT_POINT made in this program. */
extern const char *const __start_berth_faults[] __attribute__((weak));
extern const char *const __stop_berth_faults[] __attribute__((weak));

void fault_list(FILE *out)
{
	for (const char *const *p = __start_berth_faults; p < __stop_berth_faults; p++)
		(void)fprintf(out, "%s\n", *p);
}

/* A file that somebody but root could write would let them kill berthd. */
static bool is_safe(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == 0 &&
	       (st.st_mode & 022) == 0 && st.st_size == (off_t)sizeof(struct fault_table);
}

int fault_init(const char *program)
{
	const char *path = secure_getenv(FAULT_ENV);
	auto_close int fd = -EBADF;
	struct fault_table *t;

	program_name = program;
	if (path == NULL)
		return 0;
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (!is_safe(fd))
		return -EPERM;
	t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (t == MAP_FAILED)
		return -errno;
	if (t->magic != FAULT_MAGIC || (size_t)snprintf(environment, sizeof(environment), "%s=%s",
							FAULT_ENV, path) >= sizeof(environment)) {
		(void)munmap(t, sizeof(*t));
		return -EINVAL;
	}
	fault_table = t;
	return 0;
}

const char *fault_environment(void)
{
	return fault_table != NULL ? environment : NULL;
}

/* One line of the trace; what does not fit is lost. */
static void note(const char *point)
{
	char line[TIME_MAX + FAULT_PROGRAM_MAX + FAULT_POINT_MAX + 2], time[TIME_MAX] = "";
	uint32_t at;
	int n;

	if (fault_table->tracing == FAULT_TRACE_TIMES)
		(void)snprintf(time, sizeof(time), "%llu ",
			       (unsigned long long)(clock_monotonic_ns() / 1000));
	n = snprintf(line, sizeof(line), "%s%s %s\n", time, program_name, point);

	if (n <= 0 || (size_t)n >= sizeof(line))
		return;
	at = __atomic_fetch_add(&fault_table->trace_len, (uint32_t)n, __ATOMIC_RELAXED);
	if (at < FAULT_TRACE_MAX && at + (uint32_t)n <= FAULT_TRACE_MAX)
		memcpy(fault_table->trace + at, line, (size_t)n);
}

static bool rule_names(const struct fault_rule *r, const char *point)
{
	size_t len = strnlen(r->point, sizeof(r->point));

	if (r->program[0] != '\0' && strncmp(r->program, program_name, sizeof(r->program)) != 0)
		return false;
	if (len > 0 && r->point[len - 1] == '*')
		return strncmp(r->point, point, len - 1) == 0;
	return strncmp(r->point, point, sizeof(r->point)) == 0;
}

/* 0 or -errno. */
static int act(struct fault_rule *r)
{
	r->pid = getpid();
	switch ((enum fault_action)r->action) {
	case FAULT_ERRNO:
		return r->arg > 0 ? -r->arg : 0;
	case FAULT_SIGNAL:
		/* At ourselves by thread: the calling one of several goes no step further. */
		if (r->target > 0)
			(void)kill(r->target, r->arg);
		else
			(void)syscall(SYS_tgkill, getpid(), gettid(), r->arg);
		break;
	case FAULT_NONE:
		break;
	}
	return 0;
}

int fault_reach(const char *point)
{
	int before = errno, error = 0;

	if (fault_table->tracing != 0)
		note(point);
	for (size_t i = 0; i < FAULT_RULES && error == 0; i++) {
		struct fault_rule *r = &fault_table->rules[i];
		uint32_t n;

		if (__atomic_load_n(&r->used, __ATOMIC_ACQUIRE) == 0 || !rule_names(r, point))
			continue;
		n = __atomic_fetch_add(&r->reached, 1, __ATOMIC_RELAXED);
		if (n >= r->skip && (r->times == 0 || n - r->skip < r->times))
			error = act(r);
	}
	errno = before;
	return error;
}

int fault_reach_file(const char *call, const char *path)
{
	const char *slash = strrchr(path, '/');
	char point[FAULT_POINT_MAX];

	(void)snprintf(point, sizeof(point), "%s.%.40s", call, slash != NULL ? slash + 1 : path);
	return fault_reach(point);
}
