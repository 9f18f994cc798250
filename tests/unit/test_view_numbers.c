/* test_view_numbers.c - cgroup files of both versions, as a CT is to see them. */
#include "runtime/view/view.h"

#include "tests/unit/check.h"

#include <string.h>

#define HOST_MEMINFO "MemTotal:       24683520 kB\nMemFree: 1 kB\nSwapTotal:  1048576 kB\n"

static void read_v2(struct view_numbers *n, const char *max, const char *cpu_max)
{
	const char *texts[VIEW_SOURCES];

	for (int i = 0; i < VIEW_SOURCES; i++)
		texts[i] = "";
	texts[VIEW_SRC_HOST_MEMINFO] = HOST_MEMINFO;
	texts[VIEW_SRC_MEMORY_MAX] = max;
	texts[VIEW_SRC_MEMORY] = "1048576\n";
	texts[VIEW_SRC_MEMORY_STAT] = "anon 4096\nfile 8192\nfile_mapped 12\nactive_file 5000\n";
	texts[VIEW_SRC_SWAP_MAX] = "2097152\n";
	texts[VIEW_SRC_SWAP] = "4096\n";
	texts[VIEW_SRC_CPU_MAX] = cpu_max;
	texts[VIEW_SRC_CPU_STAT] =
		"usage_usec 30\nuser_usec 20\nsystem_usec 10\nthrottled_usec 5\n";
	texts[VIEW_SRC_CPUS] = "0-3\n";
	texts[VIEW_SRC_PIDS] = "12\n";
	texts[VIEW_SRC_IO] = "8:0 rbytes=512 wbytes=1024 rios=1 wios=2 dbytes=0 dios=0\n"
			     "7:0 rbytes=512 wbytes=0 rios=3 wios=0 dbytes=0 dios=0\n";
	texts[VIEW_SRC_CPU_WAIT] =
		"some avg10=0.00 avg60=0.00 avg300=0.00 total=70\nfull avg10=0 total=9\n";
	view_numbers_read(texts, n);
}

static void version_2_is_read(void)
{
	struct view_numbers n;

	read_v2(&n, "268435456\n", "50000 100000\n");
	CHECK(n.memory == 268435456 && n.memory_limit == n.memory && n.memory_used == 1048576);
	CHECK(n.anon == 4096 && n.file == 8192 && n.mapped == 12 && n.active_file == 5000);
	CHECK(n.swap == 2097152 && n.swap_used == 4096);
	CHECK(n.user == 20 && n.system == 10 && n.throttled == 5);
	CHECK(n.quota == 50000 && n.period == 100000 && n.pids == 12 && n.wait == 70);
	CHECK(n.read_bytes == 1024 && n.written_bytes == 1024 && n.reads == 4 && n.writes == 2);
}

static void no_limit_is_what_the_host_has(void)
{
	struct view_numbers n;

	read_v2(&n, "max\n", "max 100000\n");
	CHECK(n.memory == UINT64_C(24683520) << 10 && n.memory_limit == UINT64_MAX);
	CHECK(n.quota == 0 && view_cpus(&n) == 4);
	read_v2(&n, "99999999999999\n", "");
	CHECK(n.memory == UINT64_C(24683520) << 10);
}

static void version_1_limits_ram_and_swap_in_one_sum(void)
{
	const char *texts[VIEW_SOURCES];
	struct view_numbers n;

	for (int i = 0; i < VIEW_SOURCES; i++)
		texts[i] = "";
	texts[VIEW_SRC_HOST_MEMINFO] = HOST_MEMINFO;
	texts[VIEW_SRC_MEMORY_MAX] = "67108864\n";
	texts[VIEW_SRC_MEMORY] = "4096\n";
	texts[VIEW_SRC_MEMORY_STAT] = "cache 1\nrss 2\ntotal_cache 300\ntotal_rss 400\n";
	texts[VIEW_SRC_SWAP_MAX] = "100663296\n";
	texts[VIEW_SRC_SWAP] = "12288\n";
	texts[VIEW_SRC_CPU_MAX] = "-1\n";
	texts[VIEW_SRC_CPU_PERIOD] = "100000\n";
	texts[VIEW_SRC_CPU_THROTTLED] = "nr_periods 1\nnr_throttled 1\nthrottled_time 7000\n";
	texts[VIEW_SRC_IO] = "8:0 Read 100\n8:0 Write 200\n8:0 Total 300\nTotal 300\n";
	texts[VIEW_SRC_IO_OPS] = "8:0 Read 1\n8:0 Write 2\n";
	view_numbers_read(texts, &n);
	CHECK(n.memory == 67108864 && n.swap == 33554432 && n.swap_used == 8192);
	CHECK(n.file == 300 && n.anon == 400 && n.quota == 0 && n.throttled == 7);
	CHECK(n.read_bytes == 100 && n.writes == 2);
	texts[VIEW_SRC_MEMORY_MAX] = texts[VIEW_SRC_SWAP_MAX] = "9223372036854771712\n";
	view_numbers_read(texts, &n);
	CHECK(n.memory_limit == UINT64_MAX && n.swap == UINT64_C(1) << 30);
}

static void cpus_are_the_first_it_may_run_on_and_as_many_as_its_time_is_worth(void)
{
	static const struct {
		const char *cpus;
		uint64_t quota;
		unsigned int count, shown, hidden;
	} rows[] = {
		{"0-3", 50000, 1, 0, 1}, {"0-3", 100000, 1, 0, 1},   {"0-3", 100001, 2, 1, 2},
		{"2,5-7", 0, 4, 7, 0},	 {"2,5-7", 150000, 2, 5, 6}, {"2,5-7", 800000, 4, 7, 8},
		{"", 0, 1, 0, 1},	 {"x", 0, 1, 9, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct view_numbers n = {.quota = rows[i].quota, .period = 100000};

		(void)snprintf(n.cpus, sizeof(n.cpus), "%s", rows[i].cpus);
		CHECK(view_cpus(&n) == rows[i].count);
		CHECK(rows[i].cpus[0] == 'x' || view_cpu_is_shown(&n, rows[i].shown));
		CHECK(!view_cpu_is_shown(&n, rows[i].hidden));
	}
}

static void clocks_of_a_time_namespace_are_read(void)
{
	CHECK(view_clock_offset("monotonic           -5         0\nboottime         -1234 0\n",
				"boottime") == -1234);
	CHECK(view_clock_offset("monotonic 5 0\nboottime 77 0\n", "boottime") == 77);
	CHECK(view_clock_offset("monotonic -5 0\nboottime 77 0\n", "monotonic") == -5);
	CHECK(view_clock_offset("", "boottime") == 0 &&
	      view_clock_offset("boottime x", "boottime") == 0);
	CHECK(view_clock_offset("boottime 99999999999999999999", "boottime") == 0);
}

int main(void)
{
	RUN(version_2_is_read);
	RUN(no_limit_is_what_the_host_has);
	RUN(version_1_limits_ram_and_swap_in_one_sum);
	RUN(cpus_are_the_first_it_may_run_on_and_as_many_as_its_time_is_worth);
	RUN(clocks_of_a_time_namespace_are_read);
	return check_failures != 0;
}
