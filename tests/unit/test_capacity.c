/*
 * test_capacity.c - what a host has sold, and what a share of it is.
 *
 * covers: runtime/cli/cmd_capacity.c
 */
#include "runtime/cli/capacity.h"

#include "tests/unit/check.h"

#include <stdlib.h>
#include <string.h>

static const char two[] =
	"[{\"status\": \"running\", \"cpulimit\": 50, \"cpus\": 0, \"cpu_usec\": 700, "
	"\"resources\": {"
	"\"physpages\": {\"held\": 1000, \"limit\": 4096}, \"diskspace\": {\"held\": 10, "
	"\"limit\": 20}}},"
	"{\"status\": \"stopped\", \"cpulimit\": 400, \"cpus\": 2, \"resources\": {"
	"\"physpages\": {\"held\": 0, \"limit\": -1}, \"diskspace\": {\"held\": 5, \"limit\": "
	"30}}},"
	"{\"status\": \"stopped\", \"cpulimit\": 0, \"cpus\": 0}]";

static void limits_are_summed_and_those_without_one_are_counted(void)
{
	json_t *cts = json_loads(two, 0, NULL);
	struct capacity c = {0};

	capacity_add(&c, cts);
	CHECK(c.cts == 3 && c.running == 1);
	CHECK(c.of[CAPACITY_RAM].sold == 4096 && c.of[CAPACITY_RAM].used == 1000);
	CHECK(c.of[CAPACITY_RAM].without == 1);
	CHECK(c.of[CAPACITY_CPU].sold == 250 && c.of[CAPACITY_CPU].without == 1);
	CHECK(c.of[CAPACITY_DISK].sold == 50 && c.of[CAPACITY_DISK].used == 15);
	CHECK(capacity_cpu_usec(cts) == 700);
	json_decref(cts);
}

static void sums_do_not_wrap(void)
{
	json_t *cts = json_pack("[{s:{s:{s:I}}}, {s:{s:{s:I}}}, {s:{s:{s:I}}}]", "resources",
				"physpages", "limit", (json_int_t)INT64_MAX, "resources",
				"physpages", "limit", (json_int_t)INT64_MAX, "resources",
				"physpages", "limit", (json_int_t)INT64_MAX);
	struct capacity c = {0};

	capacity_add(&c, cts);
	CHECK(c.of[CAPACITY_RAM].sold == UINT64_MAX);
	json_decref(cts);
}

static void it_is_printed_in_rows(void)
{
	struct capacity c = {.cts = 2, .running = 1};
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	c.of[CAPACITY_RAM] =
		(struct capacity_row){UINT64_C(4) << 30, UINT64_C(6) << 30, 1 << 20, 1};
	c.of[CAPACITY_CPU] = (struct capacity_row){200, 150, 20, 0};
	capacity_print(&c, f);
	(void)fclose(f);
	CHECK(strstr(text, "ram           4.00G      6.00G   150%      1.00M     0%   and 1 CT "
			   "without a limit\n") != NULL);
	CHECK(strstr(text, "cpu            200%       150%    75%        20%    10%\n") != NULL);
	CHECK(strstr(text, "swap              0          0      -          0      -\n") != NULL);
	CHECK(strstr(text, "2 CTs, 1 running\n") != NULL);
	free(text);
}

static bool has(const struct conf_file *f, const char *key, const char *value)
{
	const char *v = conf_get(f, key);

	return v != NULL && strcmp(v, value) == 0;
}

static void a_share_is_the_nth_part_or_is_refused(void)
{
	struct capacity c = {0};
	struct berth_error err = {0};
	struct conf_file *f = NULL;

	c.of[CAPACITY_RAM].physical = UINT64_C(4) << 30;
	c.of[CAPACITY_SWAP].physical = UINT64_C(1) << 30;
	c.of[CAPACITY_CPU].physical = 400;
	c.of[CAPACITY_DISK].physical = UINT64_C(100) << 30;
	CHECK(conf_parse("", 0, &f, NULL) == 0);
	CHECK(capacity_split(&c, 8, UINT64_MAX, f, &err) == 0);
	CHECK(has(f, "PHYSPAGES", "0:131072") && has(f, "SWAPPAGES", "0:32768"));
	CHECK(has(f, "CPULIMIT", "50") && has(f, "DISKSPACE", "13107200:13107200"));
	CHECK(has(f, "DISKINODES", "819200:819200"));
	CHECK(capacity_split(&c, 8, 0, f, &err) == 0 && has(f, "SWAPPAGES", "0:0"));
	CHECK(capacity_split(&c, 300, 0, f, &err) < 0 && strstr(err.msg, "RAM") != NULL);
	c.of[CAPACITY_RAM].physical <<= 10;
	CHECK(capacity_split(&c, 500, 0, f, &err) < 0 && strstr(err.msg, "CPU") != NULL);
	c.of[CAPACITY_DISK].physical = 1 << 20;
	CHECK(capacity_split(&c, 1, 0, f, &err) < 0 && strstr(err.msg, "disk") != NULL);
	conf_free(f);
}

int main(void)
{
	RUN(limits_are_summed_and_those_without_one_are_counted);
	RUN(sums_do_not_wrap);
	RUN(it_is_printed_in_rows);
	RUN(a_share_is_the_nth_part_or_is_refused);
	return check_failures != 0;
}
