/* test_amount.c - numbers as people read them, and as options take them. */
#include "runtime/base/amount.h"
#include "tests/unit/check.h"

#include <string.h>

static char buf[AMOUNT_MAX];

#define MIB ((uint64_t)1 << 20)

static void three_digits_are_enough(void)
{
	CHECK(strcmp(amount_text(0, buf), "0") == 0);
	CHECK(strcmp(amount_text(1023, buf), "1023") == 0);
	CHECK(strcmp(amount_text(1536, buf), "1.50K") == 0);
	CHECK(strcmp(amount_text(256 * MIB, buf), "256M") == 0);
	CHECK(strcmp(amount_text(1100 * MIB, buf), "1.07G") == 0);
	CHECK(strcmp(amount_text((uint64_t)20 << 40, buf), "20.0T") == 0);
	CHECK(strcmp(amount_text(INT64_MAX - 1, buf), "8.00E") == 0);
	CHECK(strcmp(amount_text(INT64_MAX, buf), "unlimited") == 0);
	CHECK(strcmp(amount_text(UINT64_MAX, buf), "unlimited") == 0);
}

static void an_option_is_exact(void)
{
	CHECK(strcmp(amount_option(0, buf), "0") == 0);
	CHECK(strcmp(amount_option(1537, buf), "1537") == 0);
	CHECK(strcmp(amount_option(512 * MIB, buf), "512M") == 0);
	CHECK(strcmp(amount_option(1024 * MIB, buf), "1G") == 0);
	CHECK(strcmp(amount_option(1536 * MIB, buf), "1536M") == 0);
	CHECK(strcmp(amount_option((uint64_t)2 << 40, buf), "2T") == 0);
	CHECK(strcmp(amount_option((uint64_t)1 << 50, buf), "1024T") == 0);
}

static void more_is_enough_to_notice(void)
{
	CHECK(amount_more(256 * MIB) == 512 * MIB);
	CHECK(amount_more(10000) == MIB);
	CHECK(amount_more(3 * MIB / 2 + 1) == 4 * MIB);
	CHECK(amount_more(16 * 1024 * MIB) == 24 * 1024 * MIB);
	CHECK(amount_more(UINT64_MAX) == UINT64_MAX);
}

int main(void)
{
	RUN(three_digits_are_enough);
	RUN(an_option_is_exact);
	RUN(more_is_enough_to_notice);
	return check_failures != 0;
}
