/* test_view_text.c - the files as programs read them. */
#include "runtime/view/view.h"

#include "tests/unit/check.h"

#include <string.h>

static char buf[65536];

static const char *text(enum view_file f, const struct view_numbers *n,
			const struct view_moment *at)
{
	buf[view_text(f, n, at, buf, sizeof(buf))] = '\0';
	return buf;
}

static const struct view_load no_load;
static const struct view_moment moment = {
	.uptime = 10000000,
	.boot = 1700000000,
	.load = &no_load,
	.host_cpuinfo = "processor\t: 0\nmodel name\t: A\n\nprocessor\t: 1\nmodel name\t: B\n\n"};

static void meminfo_is_the_kernels_form(void)
{
	const struct view_numbers n = {.memory = 256 << 20,
				       .memory_used = 56 << 20,
				       .active_file = 1 << 20,
				       .inactive_file = 2 << 20,
				       .file = 4 << 20,
				       .swap = 1 << 20,
				       .swap_used = 512 << 10};
	const char *t = text(VIEW_MEMINFO, &n, &moment);

	CHECK(strstr(t, "MemTotal:         262144 kB\nMemFree:          204800 kB\n"
			"MemAvailable:     207872 kB\n") == t);
	CHECK(strstr(t, "\nSwapTotal:          1024 kB\nSwapFree:            512 kB\n") != NULL);
	CHECK(strstr(t, "\nCached:             4096 kB\n") != NULL);
}

static void swaps_name_one_only_if_there_is_some(void)
{
	struct view_numbers n = {0};

	CHECK(strchr(text(VIEW_SWAPS, &n, &moment), '\n')[1] == '\0');
	n.swap = 1 << 20;
	n.swap_used = 4096;
	CHECK(strstr(text(VIEW_SWAPS, &n, &moment), "virtual\t\t1024\t\t4\t\t0\n") != NULL);
}

static void only_the_cpus_shown_are_in_cpuinfo_stat_and_online(void)
{
	struct view_numbers n = {.cpus = "1", .user = 2000000, .system = 1000000, .period = 100000};

	CHECK(strcmp(text(VIEW_CPUINFO, &n, &moment), "processor\t: 1\nmodel name\t: B\n\n") == 0);
	CHECK(strcmp(text(VIEW_ONLINE, &n, &moment), "1\n") == 0);
	n.throttled = 3000000;
	CHECK(strstr(text(VIEW_STAT, &n, &moment), "cpu  200 0 100 400 0 0 0 300 0 0\n"
						   "cpu1 200 0 100 400 0 0 0 300 0 0\n"
						   "intr 0\n") == buf);
	CHECK(strstr(buf, "\nbtime 1700000000\n") != NULL);
	(void)snprintf(n.cpus, sizeof(n.cpus), "0-2,5,8191");
	CHECK(strcmp(text(VIEW_ONLINE, &n, &moment), "0-2,5,8191\n") == 0);
}

static void limits_have_the_form_of_cgroup_files(void)
{
	struct view_numbers n = {.memory_limit = UINT64_MAX, .period = 100000};

	CHECK(strcmp(text(VIEW_MEMORY_MAX, &n, &moment), "max\n") == 0);
	CHECK(strcmp(text(VIEW_CPU_MAX, &n, &moment), "max 100000\n") == 0);
	n.memory_limit = 4096;
	n.quota = 50000;
	CHECK(strcmp(text(VIEW_MEMORY_MAX, &n, &moment), "4096\n") == 0);
	CHECK(strcmp(text(VIEW_CPU_MAX, &n, &moment), "50000 100000\n") == 0);
}

static void load_is_the_mean_since_the_last_look_whenever_that_was(void)
{
	struct view_load l = {0}, rare = {0};
	struct view_numbers n = {.pids = 3};
	struct view_moment at = moment;

	at.load = &l;
	CHECK(strcmp(text(VIEW_LOADAVG, &n, &at), "0.00 0.00 0.00 1/3 3\n") == 0);
	view_load_take(&l, 0, 500);
	view_load_take(&rare, 0, 500);
	for (unsigned int s = 1; s <= 600; s++)
		view_load_take(&l, s * UINT64_C(1000000), 500 + s * UINT64_C(2000000));
	view_load_take(&rare, 600 * UINT64_C(1000000), 500 + 600 * UINT64_C(2000000));
	/* Two CPUs' worth for ten minutes: 2 x (1 - e^-10), (1 - e^-2), (1 - e^-0.667). */
	CHECK(strncmp(text(VIEW_LOADAVG, &n, &at), "2.00 1.73 0.97 ", 15) == 0);
	for (int i = 0; i < 3; i++)
		CHECK(rare.average[i] - l.average[i] < 0.01 &&
		      l.average[i] - rare.average[i] < 0.01);
	/* A clock that stands, a counter that goes back. */
	view_load_take(&l, 600 * UINT64_C(1000000), 0);
	view_load_take(&l, 601 * UINT64_C(1000000), 0);
	CHECK(l.average[0] > 1.9 && l.average[0] < 2);
}

static void what_does_not_fit_is_left_out(void)
{
	const struct view_numbers n = {.cpus = "0-1", .period = 100000};
	char small[40];

	for (int f = 0; f < VIEW_FILES; f++)
		CHECK(view_text((enum view_file)f, &n, &moment, small, sizeof(small)) <
		      sizeof(small));
}

int main(void)
{
	RUN(meminfo_is_the_kernels_form);
	RUN(swaps_name_one_only_if_there_is_some);
	RUN(only_the_cpus_shown_are_in_cpuinfo_stat_and_online);
	RUN(limits_have_the_form_of_cgroup_files);
	RUN(load_is_the_mean_since_the_last_look_whenever_that_was);
	RUN(what_does_not_fit_is_left_out);
	return check_failures != 0;
}
