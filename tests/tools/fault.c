/*
 * fault.c - writes and reads a table of fault injection points (runtime/base/fault.h):
 *
 *	fault FILE new
 *	fault FILE set [PROGRAM:]POINT ACTION [SKIP [TIMES]]
 *	fault FILE reached POINT       how often; exit status 1 for never
 *	fault FILE pid POINT           where it acted last
 *	fault FILE clear               forgets all rules
 *	fault FILE trace on|times|off|show     times: each with the microseconds of the monotonic clock before it
 *
 * ACTION: an errno name, kill, stop, kill=PID, stop=PID, count. SKIP times it is passed by first; then it
 * acts TIMES times (1; 0: each time). A POINT may end with '*'.
 */
#include "runtime/base/fault_table.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int usage(void)
{
	(void)fprintf(stderr, "usage: see the head of tests/tools/fault.c\n");
	return 2;
}

static int table_new(const char *path)
{
	static const struct fault_table empty = {.magic = FAULT_MAGIC};
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, &empty, sizeof(empty)) != (ssize_t)sizeof(empty)) {
		perror(path);
		return 2;
	}
	(void)close(fd);
	return 0;
}

static struct fault_table *table_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct fault_table *t = MAP_FAILED;

	if (fd >= 0)
		t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (t == MAP_FAILED || t->magic != FAULT_MAGIC) {
		(void)fprintf(stderr, "fault: %s is no table\n", path);
		exit(2);
	}
	return t;
}

static int errno_of(const char *name)
{
	for (int i = 1; i < 134; i++)
		if (strerrorname_np(i) != NULL && strcmp(strerrorname_np(i), name) == 0)
			return i;
	return 0;
}

static int parse_action(const char *text, struct fault_rule *r)
{
	const char *pid = strchr(text, '=');

	if (strcmp(text, "count") == 0)
		return 0;
	r->arg = errno_of(text);
	r->action = r->arg > 0 ? FAULT_ERRNO : FAULT_SIGNAL;
	if (r->arg > 0)
		return 0;
	if (strncmp(text, "kill", 4) == 0)
		r->arg = SIGKILL;
	else if (strncmp(text, "stop", 4) == 0)
		r->arg = SIGSTOP;
	if (pid != NULL)
		r->target = (int32_t)strtoul(pid + 1, NULL, 10);
	return r->arg > 0 && (pid == NULL || r->target > 0) ? 0 : -1;
}

static int parse_point(const char *text, struct fault_rule *r)
{
	const char *colon = strchr(text, ':');

	if (colon != NULL) {
		(void)snprintf(r->program, sizeof(r->program), "%.*s", (int)(colon - text), text);
		text = colon + 1;
	}
	return (size_t)snprintf(r->point, sizeof(r->point), "%s", text) < sizeof(r->point) ? 0 : -1;
}

static int rule_set(struct fault_table *t, int argc, char **argv)
{
	struct fault_rule r = {.times = 1};

	if (argc < 2 || parse_point(argv[0], &r) < 0 || parse_action(argv[1], &r) < 0)
		return usage();
	if (argc > 2)
		r.skip = (uint32_t)strtoul(argv[2], NULL, 10);
	if (argc > 3)
		r.times = (uint32_t)strtoul(argv[3], NULL, 10);
	for (size_t i = 0; i < FAULT_RULES; i++) {
		if (t->rules[i].used != 0)
			continue;
		t->rules[i] = r;
		__atomic_store_n(&t->rules[i].used, 1, __ATOMIC_RELEASE);
		return 0;
	}
	(void)fprintf(stderr, "fault: more than %d rules\n", FAULT_RULES);
	return 2;
}

static const struct fault_rule *rule_find(const struct fault_table *t, const char *text)
{
	struct fault_rule want = {0};

	(void)parse_point(text, &want);
	for (size_t i = 0; i < FAULT_RULES; i++)
		if (t->rules[i].used != 0 && strcmp(t->rules[i].point, want.point) == 0 &&
		    strcmp(t->rules[i].program, want.program) == 0)
			return &t->rules[i];
	(void)fprintf(stderr, "fault: there is no rule for %s\n", text);
	exit(2);
}

static int trace(struct fault_table *t, const char *what)
{
	uint32_t len = t->trace_len < FAULT_TRACE_MAX ? t->trace_len : FAULT_TRACE_MAX;

	if (strcmp(what, "show") == 0) {
		(void)fwrite(t->trace, 1, len, stdout);
		return 0;
	}
	t->tracing = strcmp(what, "on") == 0	  ? FAULT_TRACE
		     : strcmp(what, "times") == 0 ? FAULT_TRACE_TIMES
						  : FAULT_TRACE_OFF;
	if (t->tracing != FAULT_TRACE_OFF)
		t->trace_len = 0;
	return 0;
}

int main(int argc, char **argv)
{
	struct fault_table *t;
	const struct fault_rule *r;

	if (argc < 3)
		return usage();
	if (strcmp(argv[2], "new") == 0)
		return table_new(argv[1]);
	t = table_open(argv[1]);
	if (strcmp(argv[2], "set") == 0)
		return rule_set(t, argc - 3, argv + 3);
	if (strcmp(argv[2], "clear") == 0) {
		for (size_t i = 0; i < FAULT_RULES; i++)
			__atomic_store_n(&t->rules[i].used, 0, __ATOMIC_RELEASE);
		return 0;
	}
	if (argc < 4)
		return usage();
	if (strcmp(argv[2], "trace") == 0)
		return trace(t, argv[3]);
	r = rule_find(t, argv[3]);
	if (strcmp(argv[2], "pid") == 0)
		return printf("%d\n", r->pid) < 0;
	if (strcmp(argv[2], "reached") == 0) {
		(void)printf("%u\n", r->reached);
		return r->reached == 0;
	}
	return usage();
}
