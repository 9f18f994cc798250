/* test_ct_ledger.c - sums over runs, whoever writes them and how often; and the file that holds them. */
#include "runtime/ct/ledger.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct ct_run first = {.boot_id = "00000000-0000-0000-0000-000000000001",
				    .init = {100, 7}},
			   second = {.boot_id = "00000000-0000-0000-0000-000000000001",
				     .init = {100, 8}},
			   other_boot = {.boot_id = "00000000-0000-0000-0000-000000000002",
					 .init = {100, 8}};

static void take(struct ledger *l, const struct ct_run *run, uint64_t max, uint64_t failures,
		 uint64_t now)
{
	struct ledger_sample s = {0};

	s.of[LEDGER_NUMPROC].maxheld = max;
	s.of[LEDGER_NUMPROC].failcnt = failures;
	s.of[LEDGER_NUMCGROUPS].failcnt = LEDGER_NOT_COUNTED;
	ledger_take(l, run, &s, now);
}

static bool is(const struct ledger *l, uint64_t max, uint64_t failures, uint64_t at)
{
	return l->of[LEDGER_NUMPROC].maxheld == max && l->of[LEDGER_NUMPROC].failcnt == failures &&
	       l->of[LEDGER_NUMPROC].at == at;
}

static void what_was_counted_is_added_once(void)
{
	struct ledger l = {0};

	take(&l, &first, 10, 3, 50);
	CHECK(is(&l, 10, 3, 50));
	take(&l, &first, 10, 3, 60);
	take(&l, &first, 8, 3, 70);
	CHECK(is(&l, 10, 3, 50));
	take(&l, &first, 12, 5, 80);
	CHECK(is(&l, 12, 5, 80));
}

static void another_run_begins_at_zero_and_is_added(void)
{
	struct ledger l = {0};

	take(&l, &first, 10, 3, 50);
	take(&l, &second, 4, 2, 60);
	CHECK(is(&l, 10, 5, 60));
	take(&l, &other_boot, 4, 2, 70);
	CHECK(is(&l, 10, 7, 70));
	take(&l, &other_boot, 4, 3, 80);
	CHECK(is(&l, 10, 8, 80));
}

/* A berthd that was killed had seen more than it had written: what it had is counted again from the file. */
static void a_copy_that_was_not_written_loses_and_doubles_nothing(void)
{
	struct ledger file = {0}, lost;

	take(&file, &first, 10, 3, 50);
	lost = file;
	take(&lost, &first, 10, 9, 60);
	take(&file, &first, 10, 9, 70);
	CHECK(is(&file, 10, 9, 70));
}

static void a_counter_that_was_reset_goes_on(void)
{
	struct ledger l = {0};

	take(&l, &first, 10, 9, 50);
	take(&l, &first, 10, 2, 60);
	CHECK(is(&l, 10, 11, 60));
	take(&l, &first, 10, UINT64_MAX - 1, 70);
	CHECK(l.of[LEDGER_NUMPROC].failcnt == UINT64_MAX);
}

static void what_the_kernel_does_not_count_is_counted_by_hits(void)
{
	struct ledger l = {0};

	take(&l, &first, 10, 9, 50);
	ledger_hit(&l, LEDGER_NUMCGROUPS, 60);
	take(&l, &first, 10, 9, 70);
	CHECK(l.of[LEDGER_NUMCGROUPS].failcnt == 1 && l.of[LEDGER_NUMCGROUPS].at == 60);
}

static void a_failure_is_news_and_a_little_more_memory_is_not(void)
{
	struct ledger saved = {0}, l;

	take(&saved, &first, 1600, 3, 50);
	l = saved;
	CHECK(!ledger_is_news(&saved, &l));
	take(&l, &first, 1700, 3, 60);
	CHECK(!ledger_is_news(&saved, &l));
	take(&l, &first, 1701, 3, 60);
	CHECK(ledger_is_news(&saved, &l));
	l = saved;
	take(&l, &first, 1600, 4, 60);
	CHECK(ledger_is_news(&saved, &l));
}

static void kernel_counters_find_their_rows(void)
{
	const struct cg_stat st = {.memory = 1,
				   .memory_max_seen = 2,
				   .memory_failcnt = 3,
				   .oom_kills = 4,
				   .swap = 10,
				   .swap_max_seen = 11,
				   .swap_failcnt = 12,
				   .pids = 20,
				   .pids_max_seen = 21,
				   .pids_failcnt = 22,
				   .cgroups = 30,
				   .throttled = 40};
	struct ledger_sample s;

	ledger_sample_from(&st, &s);
	CHECK(s.of[LEDGER_PHYSPAGES].held == 1 && s.of[LEDGER_PHYSPAGES].maxheld == 2 &&
	      s.of[LEDGER_PHYSPAGES].failcnt == 7);
	CHECK(s.of[LEDGER_SWAPPAGES].maxheld == 11 && s.of[LEDGER_SWAPPAGES].failcnt == 12);
	CHECK(s.of[LEDGER_OOMGUARPAGES].held == 11 && s.of[LEDGER_OOMGUARPAGES].failcnt == 4);
	CHECK(s.of[LEDGER_NUMPROC].maxheld == 21 && s.of[LEDGER_NUMPROC].failcnt == 22);
	CHECK(s.of[LEDGER_NUMCGROUPS].held == 30 &&
	      s.of[LEDGER_NUMCGROUPS].failcnt == LEDGER_NOT_COUNTED);
	CHECK(s.of[LEDGER_CPULIMIT].failcnt == 40);
	CHECK(s.of[LEDGER_DISKSPACE].failcnt == LEDGER_NOT_COUNTED);
}

static void failures_of_the_last_hour_are_told_apart(void)
{
	const enum ledger_resource r = LEDGER_NUMPROC;
	struct ledger l = {0}, back;
	const uint64_t at = 600000;
	char text[8192];

	take(&l, &first, 10, 3, at);
	take(&l, &first, 10, 5, at + 200);
	CHECK(l.of[r].since == at && ledger_hour(&l, r, at + 200) == 5);
	take(&l, &first, 10, 6, at + 1300); /* another trouble */
	CHECK(l.of[r].since == at + 1300 && ledger_hour(&l, r, at + 1300) == 6);
	CHECK(ledger_format(&l, text, sizeof(text)) == 0 && ledger_parse(text, &back) == 0);
	CHECK(back.of[r].since == at + 1300 && ledger_hour(&back, r, at + 1300) == 6);
	CHECK(ledger_hour(&l, r, at + 3599) == 6 && ledger_hour(&l, r, at + 3600) == 1);
	CHECK(ledger_hour(&l, r, at + 5000) == 0 && l.of[r].failcnt == 6);
	/* The clock was set back: nothing is lost. */
	take(&l, &first, 10, 7, at - 7200);
	CHECK(ledger_hour(&l, r, at - 7200) == 7 && l.of[r].since == at - 7200);
	CHECK(ledger_parse("version=1\nboot_id=x\ninit=1\ninit_start=2\nnumproc.hour=1 2 3\n",
			   &back) == -EINVAL);
	CHECK(ledger_parse("version=1\nboot_id=x\ninit=1\ninit_start=2\nnumproc.hour="
			   "1 2 3 4 5 6 7\n",
			   &back) == -EINVAL);
	CHECK(ledger_parse("version=1\nboot_id=x\ninit=1\ninit_start=2\nkilled=a\tb\n", &back) ==
	      -EINVAL);
}

static void a_rate_is_met_when_it_is_gone_at_for_a_while_or_in_a_burst(void)
{
	CHECK(ledger_is_at_rate(50000, 10000, 0, 5000));
	CHECK(ledger_is_at_rate(45000, 10000, 0, 5000));
	CHECK(!ledger_is_at_rate(44000, 10000, 0, 5000));
	CHECK(ledger_is_at_rate(20000, 10000, 3800, 5000)); /* four seconds at the limit */
	CHECK(!ledger_is_at_rate(20000, 10000, 9000, 5000)); /* the disk is slow */
	CHECK(!ledger_is_at_rate(20000, 10000, 600, 5000)); /* nobody held it up */
	CHECK(!ledger_is_at_rate(2000, 10000, 400, 5000)); /* too short to tell */
	CHECK(!ledger_is_at_rate(0, 10000, 9000, 5000) && !ledger_is_at_rate(9, 0, 0, 1));
	CHECK(!ledger_is_at_rate(50000, 10000, 9000, 0));
}

#define OOM                                                                            \
	"oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=101,mems_allowed" \
	"=0,oom_memcg=/berth/101"

static int killed(const char *rest, char name[LEDGER_TASK_MAX])
{
	char line[512];

	(void)snprintf(line, sizeof(line), "%s%s", OOM, rest);
	return ledger_killed_parse(line, 655425536, name);
}

static void the_process_that_was_ended_is_known_by_the_ids_of_its_ct(void)
{
	char name[LEDGER_TASK_MAX] = "";

	CHECK(killed(",task_memcg=/berth/101/inner,task=dd,pid=7,uid=655425636", name) == 0);
	CHECK(strcmp(name, "dd") == 0);
	/* Another CT's; one that calls itself as a part of the line. */
	CHECK(killed(",task_memcg=/x,task=dd,pid=7,uid=655425535", name) == -ENOENT);
	CHECK(killed(",task_memcg=/x,task=dd,pid=7,uid=655491072", name) == -ENOENT);
	CHECK(killed(",task_memcg=/x,task=a,uid=655425536,pid=7,uid=1", name) == -ENOENT);
	CHECK(killed(",task_memcg=/x,task=a\t,pid=1,b,pid=7,uid=655425536", name) == 0);
	CHECK(strcmp(name, "a?,pid=1,b") == 0);
	CHECK(ledger_killed_parse("oom-kill:", 655425536, name) == -ENOENT);
	CHECK(ledger_killed_parse(",task_memcg=/x,task=dd,pid=7,uid=655425536", 655425536, name) ==
	      -ENOENT);
}

static void a_damaged_text_is_no_ledger(void)
{
	char text[8192];
	struct ledger l = {0}, back;

	take(&l, &first, 10, 3, 50);
	CHECK(ledger_format(&l, text, sizeof(text)) == 0 && ledger_parse(text, &back) == 0);
	CHECK(is(&back, 10, 3, 50) && back.init.start_time == 7 &&
	      strcmp(back.boot_id, first.boot_id) == 0);
	CHECK(ledger_format(&l, text, 100) == -ENOSPC);
	CHECK(ledger_parse("", &back) == -EINVAL && ledger_parse("version=2\n", &back) == -EINVAL);
	CHECK(ledger_parse("version=1\nboot_id=x\ninit=-1\ninit_start=2\n", &back) == -EINVAL);
	CHECK(ledger_parse("version=1\nboot_id=x\ninit=1\ninit_start=2\nnumproc.failcnt=many\n",
			   &back) == -EINVAL);
	CHECK(ledger_parse("version=1\nboot_id=x\ninit=1\ninit_start=2\n", &back) == 0);
}

static struct berth_paths paths;

static void put_at(const char *name, const char *text)
{
	char path[BERTH_PATH_MAX];
	auto_close int dir = dir_open_at(AT_FDCWD, path_private(&paths, 101, path));

	CHECK(dir >= 0 && file_replace_at(dir, name, text, strlen(text), 0600, false) == 0);
}

static void a_ct_without_one_has_counted_nothing_and_a_damaged_one_is_kept(void)
{
	char path[BERTH_PATH_MAX], old[BERTH_PATH_MAX];
	struct ledger l;

	CHECK(ledger_load(&paths, 101, &l) == 0 && l.of[LEDGER_NUMPROC].failcnt == 0);
	take(&l, &first, 10, 3, 50);
	CHECK(ledger_save(&paths, 101, &l, false) == 0);
	CHECK(ledger_load(&paths, 101, &l) == 0 && is(&l, 10, 3, 50));
	put_at("ledger", "garbage");
	CHECK(ledger_load(&paths, 101, &l) == -EBADMSG && l.of[LEDGER_NUMPROC].failcnt == 0);
	CHECK(ledger_save(&paths, 101, &l, true) == 0 && ledger_load(&paths, 101, &l) == 0);
	CHECK(access(path_below(path_private(&paths, 101, path), "ledger.damaged", old), F_OK) ==
	      0);
	CHECK(ledger_load(&paths, 102, &l) == 0 && ledger_save(&paths, 102, &l, false) == -ENOENT);
}

static void what_a_killed_writer_left_is_removed_and_nothing_else(void)
{
	char path[BERTH_PATH_MAX], left[BERTH_PATH_MAX];
	struct ledger l = {0};

	take(&l, &first, 10, 3, 50);
	CHECK(ledger_save(&paths, 101, &l, false) == 0);
	put_at("ledger.tmp", "half");
	ledger_sweep(&paths, 101);
	ledger_sweep(&paths, 102);
	CHECK(access(path_below(path_private(&paths, 101, path), "ledger.tmp", left), F_OK) < 0);
	CHECK(ledger_load(&paths, 101, &l) == 0 && is(&l, 10, 3, 50));
}

int main(void)
{
	char top[] = "/tmp/berth-ledger-XXXXXX", path[BERTH_PATH_MAX];

	RUN(what_was_counted_is_added_once);
	RUN(another_run_begins_at_zero_and_is_added);
	RUN(a_copy_that_was_not_written_loses_and_doubles_nothing);
	RUN(a_counter_that_was_reset_goes_on);
	RUN(what_the_kernel_does_not_count_is_counted_by_hits);
	RUN(a_failure_is_news_and_a_little_more_memory_is_not);
	RUN(kernel_counters_find_their_rows);
	RUN(failures_of_the_last_hour_are_told_apart);
	RUN(a_rate_is_met_when_it_is_gone_at_for_a_while_or_in_a_burst);
	RUN(the_process_that_was_ended_is_known_by_the_ids_of_its_ct);
	RUN(a_damaged_text_is_no_ledger);
	CHECK(mkdtemp(top) != NULL && berth_paths_init(&paths, top, NULL) == 0);
	CHECK(dir_make(path_private(&paths, 101, path), 0755) == 0);
	RUN(a_ct_without_one_has_counted_nothing_and_a_damaged_one_is_kept);
	RUN(what_a_killed_writer_left_is_removed_and_nothing_else);
	CHECK(tree_remove_at(AT_FDCWD, top) == 0);
	return check_failures != 0;
}
