/* test_order.c - an order arrives as it was given, and nothing else is taken for one. */
#include "runtime/wire/order.h"

#include "tests/unit/check.h"

#include <errno.h>
#include <string.h>

static void words_arrive_as_they_were_given(void)
{
	const char *const words[] = {"start", "101", "", "hold", NULL};
	const char *got[ORDER_WORDS + 1];
	char buf[ORDER_SIZE];
	int len = order_pack(words, buf);

	CHECK(len == 16 && order_parse(buf, (size_t)len, got) == 4 && got[4] == NULL);
	for (int i = 0; i < 4; i++)
		CHECK(strcmp(got[i], words[i]) == 0);
}

static void an_order_too_large_is_not_packed(void)
{
	const char *many[ORDER_WORDS + 2] = {NULL};
	char big[ORDER_SIZE + 1], buf[ORDER_SIZE];

	for (int i = 0; i < ORDER_WORDS; i++)
		many[i] = "x";
	CHECK(order_pack(many, buf) == 2 * ORDER_WORDS);
	many[ORDER_WORDS] = "x";
	CHECK(order_pack(many, buf) == -E2BIG);
	memset(big, 'y', ORDER_SIZE);
	big[ORDER_SIZE] = '\0';
	CHECK(order_pack((const char *const[]){big, NULL}, buf) == -E2BIG);
	big[ORDER_SIZE - 1] = '\0';
	CHECK(order_pack((const char *const[]){big, NULL}, buf) == ORDER_SIZE);
}

static void what_is_no_order_is_refused(void)
{
	const char *got[ORDER_WORDS + 1];
	char many[2 * (ORDER_WORDS + 1)] = {0};

	CHECK(order_parse("", 0, got) == -EBADMSG);
	CHECK(order_parse("start", 5, got) == -EBADMSG);
	CHECK(order_parse(many, ORDER_WORDS + 1, got) == -EBADMSG);
	CHECK(order_parse(many, ORDER_WORDS, got) == ORDER_WORDS);
}

static void descriptors_are_named_once_each(void)
{
	const int fds[ORDER_PASS_MAX] = {3, 2147483647, 5, 6, 7, 8, 9, 10};
	int got[ORDER_PASS_MAX];
	char text[ORDER_LIST_SIZE];
	static const char *const bad[] = {"",  "2",	"-5",  "3,",   ",3",
					  "x", "3,4,3", "3 4", "3,,4", "3,4,5,6,7,8,9,10,11"};

	for (unsigned int n = 1; n <= ORDER_PASS_MAX; n++) {
		order_list_format(fds, n, text);
		CHECK(order_list_parse(text, got) == (int)n);
		CHECK(memcmp(fds, got, n * sizeof(int)) == 0);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(order_list_parse(bad[i], got) == -EBADMSG);
}

static void a_worker_of_another_berth_is_told(void)
{
	CHECK(order_version_fits(ORDER_VERSION) && order_version_fits(NULL));
	CHECK(!order_version_fits("") && !order_version_fits("0") && !order_version_fits("1.0"));
}

int main(void)
{
	RUN(words_arrive_as_they_were_given);
	RUN(an_order_too_large_is_not_packed);
	RUN(what_is_no_order_is_refused);
	RUN(a_worker_of_another_berth_is_told);
	RUN(descriptors_are_named_once_each);
	return check_failures != 0;
}
