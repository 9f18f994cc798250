/* test_value.c - KEY=value records. */
#include "runtime/base/value.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <string.h>

static void what_is_put_is_got(void)
{
	char buf[100], text[20];
	size_t used = 0;
	uint64_t v = 0;

	CHECK(value_put(buf, sizeof(buf), &used, "a", "x=y z") == 0);
	CHECK(value_put_u64(buf, sizeof(buf), &used, "b", UINT64_MAX) == 0);
	CHECK(value_put(buf, sizeof(buf), &used, "c", "") == 0);
	CHECK(strcmp(buf, "a=x=y z\nb=18446744073709551615\nc=\n") == 0 && used == strlen(buf));
	CHECK(value_get(buf, "a", text, sizeof(text)) == 0 && strcmp(text, "x=y z") == 0);
	CHECK(value_get_u64(buf, "b", &v) == 0 && v == UINT64_MAX);
	CHECK(value_get(buf, "c", text, sizeof(text)) == 0 && text[0] == '\0');
}

static void a_key_is_the_whole_word_before_the_sign(void)
{
	char text[20] = "old";

	CHECK(value_get("pid2=5\nxpid=6\n", "pid", text, sizeof(text)) == -ENOENT);
	CHECK(value_get("a=b=c\n", "b", text, sizeof(text)) == -ENOENT);
	CHECK(strcmp(text, "old") == 0);
	CHECK(value_get("pid=5", "pid", text, sizeof(text)) == 0 && strcmp(text, "5") == 0);
	CHECK(value_get("\n\npid=6\n", "pid", text, sizeof(text)) == 0 && strcmp(text, "6") == 0);
}

static void what_does_not_fit_leaves_no_trace(void)
{
	char buf[8] = "", small[2];
	size_t used = 0;

	CHECK(value_put(buf, sizeof(buf), &used, "a", "1") == 0);
	CHECK(value_put(buf, sizeof(buf), &used, "b", "22") == -ENOSPC);
	CHECK(strcmp(buf, "a=1\n") == 0 && used == 4);
	CHECK(value_get("a=12\n", "a", small, sizeof(small)) == -ENOSPC);
}

static void no_value_can_add_a_line(void)
{
	char buf[50] = "";
	size_t used = 0;

	CHECK(value_put(buf, sizeof(buf), &used, "a", "1\nb=2") == -EINVAL && used == 0);
}

static void a_bad_number_is_refused(void)
{
	uint64_t v = 7;

	CHECK(value_get_u64("a=x\n", "a", &v) == -EINVAL);
	CHECK(value_get_u64("a=123456789012345678901234567\n", "a", &v) == -ENOSPC);
	CHECK(value_get_u64("", "a", &v) == -ENOENT && v == 7);
}

int main(void)
{
	RUN(what_is_put_is_got);
	RUN(a_key_is_the_whole_word_before_the_sign);
	RUN(what_does_not_fit_leaves_no_trace);
	RUN(no_value_can_add_a_line);
	RUN(a_bad_number_is_refused);
	return check_failures != 0;
}
