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

static void a_damaged_text_is_no_ledger(void)
{
	char text[4096];
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
	RUN(a_damaged_text_is_no_ledger);
	CHECK(mkdtemp(top) != NULL && berth_paths_init(&paths, top, NULL) == 0);
	CHECK(dir_make(path_private(&paths, 101, path), 0755) == 0);
	RUN(a_ct_without_one_has_counted_nothing_and_a_damaged_one_is_kept);
	RUN(what_a_killed_writer_left_is_removed_and_nothing_else);
	CHECK(tree_remove_at(AT_FDCWD, top) == 0);
	return check_failures != 0;
}
