/* test_pidref.c - a process is its pid and its start time. */
#include "runtime/base/cleanup.h"
#include "runtime/base/pidref.h"
#include "tests/unit/check.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#define TAIL " S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20 21\n"

static void the_start_time_is_field_22(void)
{
	uint64_t v = 0;

	CHECK(pidref_parse_stat("123 (init)" TAIL, &v) == 0 && v == 4711);
}

static void a_name_may_hold_anything(void)
{
	uint64_t v = 0;

	CHECK(pidref_parse_stat("123 (a) R 1 (b c)" TAIL, &v) == 0 && v == 4711);
	CHECK(pidref_parse_stat("123 ())))" TAIL, &v) == 0 && v == 4711);
	CHECK(pidref_parse_stat("1 (\n)" TAIL, &v) == 0 && v == 4711);
}

static void a_torn_text_is_refused(void)
{
	static const char *const bad[] = {
		"",
		"123",
		"123 (init",
		"123 (init)",
		"123 (init) S 1 2",
		"1 (x)S",
		"1 (x) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 x 20",
		"1 (x) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 \n"};
	uint64_t v = 7;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(pidref_parse_stat(bad[i], &v) == -EINVAL && v == 7);
}

static void a_living_process_is_found_again(void)
{
	struct pidref ref = {0};
	int fd;

	CHECK(pidref_get(getpid(), &ref) == 0 && ref.pid == getpid() && ref.start_time > 0);
	fd = pidref_open(&ref);
	CHECK(fd >= 0);
	if (fd >= 0)
		(void)close(fd);
}

static void another_process_of_the_same_pid_is_not_it(void)
{
	struct pidref ref = {0};

	CHECK(pidref_get(getpid(), &ref) == 0);
	ref.start_time--;
	CHECK(pidref_open(&ref) == -ESRCH);
	CHECK(pidref_open(&(struct pidref){0}) == -ESRCH);
}

static void a_dead_process_is_gone(void)
{
	struct pidref ref = {0};
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid == 0)
		for (;;)
			(void)pause();
	CHECK(pidref_get(pid, &ref) == 0);
	CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	CHECK(pidref_open(&ref) == -ESRCH);
	CHECK(pidref_get(pid, &ref) == -ESRCH);
}

/* As a monitor's, whose view's server lives on in its session. */
static void a_dead_process_is_gone_while_its_session_lives(void)
{
	struct pidref ref = {0};
	int ready[2];
	pid_t pid, member = 0;

	CHECK(pipe(ready) == 0);
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		(void)setsid();
		member = fork();
		if (member != 0)
			(void)!write(ready[1], &member, sizeof(member));
		for (;;)
			(void)pause();
	}
	CHECK(read(ready[0], &member, sizeof(member)) == (ssize_t)sizeof(member) && member > 0);
	CHECK(pidref_get(pid, &ref) == 0);
	CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	CHECK(getsid(member) == pid);
	CHECK(pid_open(pid) == -ESRCH);
	CHECK(pidref_open(&ref) == -ESRCH);
	CHECK(pidref_runs(&ref) == 0);
	CHECK(member > 0 && kill(member, SIGKILL) == 0);
	(void)close(ready[0]);
	(void)close(ready[1]);
}

static void the_boot_id_is_a_uuid(void)
{
	char id[BOOT_ID_LEN + 1] = "";

	CHECK(boot_id_read(id) == 0 && strlen(id) == BOOT_ID_LEN && id[8] == '-');
}

int main(void)
{
	RUN(the_start_time_is_field_22);
	RUN(a_name_may_hold_anything);
	RUN(a_torn_text_is_refused);
	RUN(a_living_process_is_found_again);
	RUN(another_process_of_the_same_pid_is_not_it);
	RUN(a_dead_process_is_gone);
	RUN(a_dead_process_is_gone_while_its_session_lives);
	RUN(the_boot_id_is_a_uuid);
	return check_failures != 0;
}
