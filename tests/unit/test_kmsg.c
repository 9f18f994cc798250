/* test_kmsg.c - records of /dev/kmsg. */
#include "runtime/storage/kmsg.h"

#include "runtime/base/cleanup.h"
#include "tests/unit/check.h"

#include <string.h>

static void the_text_of_a_record_is_taken(void)
{
	char buf[64];

	CHECK(kmsg_parse("6,339,5140900,-;overlayfs: mounting read-only\n SUBSYSTEM=x\n", buf,
			 sizeof(buf)) == 6);
	CHECK(strcmp(buf, "overlayfs: mounting read-only") == 0);
}

static void a_text_that_is_too_long_is_cut(void)
{
	char buf[5];

	CHECK(kmsg_parse("12,1,1,-;overlayfs", buf, sizeof(buf)) == 4);
	CHECK(strcmp(buf, "over") == 0);
}

static void bytes_that_are_not_printable_are_replaced(void)
{
	char buf[16];

	CHECK(kmsg_parse("6,1,1,-;a\033[1mb\303", buf, sizeof(buf)) == 6);
	CHECK(strcmp(buf, "a?[1mb?") == 0);
}

static void a_record_without_text_is_refused(void)
{
	char buf[16] = "old";

	CHECK(kmsg_parse("6,1,1,-", buf, sizeof(buf)) == -EINVAL);
	CHECK(kmsg_parse("x;y", buf, sizeof(buf)) == -EINVAL);
	CHECK(kmsg_parse("", buf, sizeof(buf)) == -EINVAL);
	CHECK(strcmp(buf, "old") == 0);
}

static void without_a_mark_there_is_no_message(void)
{
	char buf[16] = "old";

	kmsg_first("overlayfs", buf, sizeof(buf));
	CHECK(buf[0] == '\0');
}

int main(void)
{
	RUN(the_text_of_a_record_is_taken);
	RUN(a_text_that_is_too_long_is_cut);
	RUN(bytes_that_are_not_printable_are_replaced);
	RUN(a_record_without_text_is_refused);
	RUN(without_a_mark_there_is_no_message);
	return check_failures != 0;
}
