/* test_mon_args.c - the command line of berth-monitor. */
#include "runtime/monitor/args.h"

#include "tests/unit/check.h"

#include <errno.h>
#include <string.h>

enum {
	WORDS_MAX = 24
};

/* Splits at blanks; parses. */
static int parse(const char *line, struct monitor_args *ret, const char **ret_bad)
{
	static char buf[1024];
	const char *argv[WORDS_MAX];
	int argc = 0;
	char *save = NULL;

	(void)snprintf(buf, sizeof(buf), "berth-monitor %s", line);
	for (char *w = strtok_r(buf, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	return monitor_args_parse(argc, argv, ret, ret_bad);
}

#define BASE "101 /run/berth/ct/101 init=3 initpid=77 listen=4 dir=5 seccomp=6 exec=7"

static void the_required_keys_suffice(void)
{
	struct monitor_args a;
	const char *bad;

	CHECK(parse(BASE, &a, &bad) == 0);
	CHECK(a.ctid == 101 && strcmp(a.rundir, "/run/berth/ct/101") == 0);
	CHECK(a.init == 3 && a.init_pid == 77 && a.listen == 4 && a.dir == 5);
	CHECK(a.seccomp == 6 && a.cgroup.unified == 7 && a.cgroup.n_v1 == 0);
	CHECK(a.console == -1 && a.devpts == -1 && a.notify == -1 && a.child && !a.booted);
}

static void all_keys_are_taken(void)
{
	int fds[MONITOR_FDS_MAX];
	struct monitor_args a;
	const char *bad;

	CHECK(parse(BASE " v1=20,21,9 console=8 devpts=10 notify=11 child=0 booted=1", &a, &bad) ==
	      0);
	CHECK(a.cgroup.n_v1 == 3 && a.cgroup.v1[0] == 20 && a.cgroup.v1[2] == 9);
	CHECK(a.console == 8 && a.devpts == 10 && a.notify == 11 && !a.child && a.booted);
	CHECK(monitor_args_fds(&a, fds) == 11);
	for (int i = 1; i < 11; i++)
		CHECK(fds[i] > fds[i - 1]);
}

static void what_is_lost_may_be_said_so(void)
{
	struct monitor_args a;
	const char *bad;

	CHECK(parse(BASE " console=-1 devpts=-1 notify=-1", &a, &bad) == 0);
	CHECK(a.console == -1);
}

static void a_missing_key_is_named(void)
{
	struct monitor_args a;
	const char *bad;

	CHECK(parse("101 /r init=3 listen=4 dir=5 seccomp=6 exec=7", &a, &bad) == -EINVAL);
	CHECK(strcmp(bad, "initpid") == 0);
	CHECK(parse("101", &a, &bad) == -EINVAL);
	CHECK(parse("", &a, &bad) == -EINVAL);
}

static void bad_words_are_refused_and_named(void)
{
	static const char *const words[] = {
		"init=3",	 "console=2", "console=-2",
		"console=99999", "console=",  "console",
		"colour=8",	 "v1=",	      "v1=8,",
		"v1=8,,9",	 "v1=x",      "v1=8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24",
		"child=2",	 "child=01",  "booted=",
		"notify=1e1",	 "=3",	      "devpts=99999999999",
		"v1=9999999",
	};
	struct monitor_args a;
	const char *bad;
	char line[256];

	for (unsigned int i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		(void)snprintf(line, sizeof(line), BASE " %s", words[i]);
		CHECK(parse(line, &a, &bad) == -EINVAL);
		CHECK(strcmp(bad, words[i]) == 0);
	}
}

static void one_descriptor_serves_once(void)
{
	struct monitor_args a;
	const char *bad;

	CHECK(parse(BASE " console=4", &a, &bad) == -EINVAL);
	CHECK(parse(BASE " v1=9,9", &a, &bad) == -EINVAL);
}

static void a_bad_ctid_or_directory_is_refused(void)
{
	struct monitor_args a;
	const char *bad;

	CHECK(parse("7 /r init=3 initpid=9 listen=4 dir=5 seccomp=6 exec=7", &a, &bad) == -EINVAL);
	CHECK(parse("101 r init=3 initpid=9 listen=4 dir=5 seccomp=6 exec=7", &a, &bad) == -EINVAL);
	CHECK(parse("101 /r init=3 initpid=0 listen=4 dir=5 seccomp=6 exec=7", &a, &bad) ==
	      -EINVAL);
	CHECK(parse("101 /r init=3 initpid=-5 listen=4 dir=5 seccomp=6 exec=7", &a, &bad) ==
	      -EINVAL);
}

int main(void)
{
	RUN(the_required_keys_suffice);
	RUN(all_keys_are_taken);
	RUN(what_is_lost_may_be_said_so);
	RUN(a_missing_key_is_named);
	RUN(bad_words_are_refused_and_named);
	RUN(one_descriptor_serves_once);
	RUN(a_bad_ctid_or_directory_is_refused);
	return check_failures != 0;
}
