/* test_param_number.c - sizes and pairs: units, suffixes, "unlimited", overflow. */
#include "runtime/config/param.h"
#include "tests/unit/check.h"

#include <errno.h>

static void check_size(const char *text, uint64_t unit, uint64_t want)
{
	uint64_t v = 7;
	int r = param_parse_size(text, unit, &v);

	if (r != 0 || v != want)
		(void)fprintf(stderr, "%s: %d %llu\n", text, r, (unsigned long long)v);
	CHECK(r == 0 && v == want);
}

static void check_bad(const char *text, uint64_t unit, int want)
{
	uint64_t v = 7;

	CHECK(param_parse_size(text, unit, &v) == want);
	CHECK(v == 7);
}

static void a_suffix_decides_and_a_bare_number_has_the_unit(void)
{
	check_size("1", 1, 1);
	check_size("1", 4096, 4096);
	check_size("1", 1024, 1024);
	check_size("1B", 4096, 1);
	check_size("2k", 4096, 2048);
	check_size("512M", 4096, 536870912);
	check_size("1g", 1, 1073741824);
	check_size("2T", 1, 2199023255552);
	check_size("3P", 1, 12288);
	check_size("0", 1, 0);
}

static void fractions_need_a_suffix(void)
{
	check_size("2.2G", 1024, 2362232012);
	check_size("0.5M", 1, 524288);
	check_bad("2.5", 1, -EINVAL);
	check_bad("2.G", 1, -EINVAL);
	check_bad(".5G", 1, -EINVAL);
}

static void unlimited_has_three_spellings(void)
{
	check_size("unlimited", 4096, UINT64_MAX);
	check_size("UNLIMITED", 1, UINT64_MAX);
	check_size("9223372036854775807", 4096, UINT64_MAX);
}

static void what_is_not_a_number_is_refused(void)
{
	static const char *const words[] = {"",	  "-1",	  "+1",	 " 1", "1 ",	   "1KB",
					    "1Q", "0x10", "1e3", "M",  "unlimite", "1.5.5M"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		check_bad(words[i], 1, -EINVAL);
}

static void overflow_is_a_range_error(void)
{
	check_bad("18446744073709551615", 1, -ERANGE);
	check_bad("99999999999999999999", 1, -ERANGE);
	check_bad("16777216T", 1, -ERANGE);
	check_bad("9223372036854775806", 4096, -ERANGE);
}

static void check_pair(const char *text, uint64_t unit, bool suffix, uint64_t want_b,
		       uint64_t want_l)
{
	uint64_t b = 0, l = 0;

	CHECK(param_parse_pair(text, unit, suffix, &b, &l) == 0);
	CHECK(b == want_b && l == want_l);
}

static void one_number_is_both(void)
{
	check_pair("5", 1, false, 5, 5);
	check_pair("5:7", 1, false, 5, 7);
	check_pair("0:1M", 4096, true, 0, 1048576);
	check_pair("2G:2.2G", 1024, true, 2147483648, 2362232012);
	check_pair("8:unlimited", 1, false, 8, UINT64_MAX);
}

static void a_bad_half_spoils_the_pair(void)
{
	static const char *const words[] = {"", ":", "1:", ":1", "1:2:3", "1K:2", "1:2K", "1.0:2"};
	uint64_t b = 3, l = 4;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		CHECK(param_parse_pair(words[i], 1, false, &b, &l) == -EINVAL);
	CHECK(b == 3 && l == 4);
}

static void a_list_says_what_another_lacks(void)
{
	CHECK(param_cpulist_outside("0", "0-3") == -1);
	CHECK(param_cpulist_outside("0-3,5", "0-3,5-7") == -1);
	CHECK(param_cpulist_outside("4000", "0-1") == 4000);
	CHECK(param_cpulist_outside("0,2-4", "0-3") == 4);
	CHECK(param_cpulist_outside("1", "0,2") == 1); /* one that is offline */
	CHECK(param_cpulist_outside("0-70000", "0-1") == -1); /* no list of CPUs */
	CHECK(param_cpulist_outside("", "0") == -1 && param_cpulist_outside("0", "") == 0);
	CHECK(param_cpulist_outside("all", "0") == -1 && param_cpulist_outside("0x", "0") == -1);
	CHECK(param_cpulist_outside("2", "0-x,2") == 2);
}

int main(void)
{
	RUN(a_suffix_decides_and_a_bare_number_has_the_unit);
	RUN(fractions_need_a_suffix);
	RUN(unlimited_has_three_spellings);
	RUN(what_is_not_a_number_is_refused);
	RUN(overflow_is_a_range_error);
	RUN(one_number_is_both);
	RUN(a_bad_half_spoils_the_pair);
	RUN(a_list_says_what_another_lacks);
	return check_failures != 0;
}
