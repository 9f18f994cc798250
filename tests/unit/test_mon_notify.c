/* test_mon_notify.c - what a guest's init says. */
#include "runtime/monitor/notify.h"

#include "tests/unit/check.h"

#include <errno.h>
#include <string.h>

static int parse(const char *text, struct notify_news *ret)
{
	return notify_parse(text, strlen(text), ret);
}

static void ready_is_heard_wherever_its_line_stands(void)
{
	struct notify_news n;

	CHECK(parse("READY=1", &n) == 0 && n.ready && !n.has_status);
	CHECK(parse("X_SYSTEMD_UNIT_ACTIVE=x\nREADY=1\nSTATUS=up\n", &n) == 0 && n.ready);
	CHECK(n.has_status && strcmp(n.status, "up") == 0);
	CHECK(notify_parse("READY=1\0", 8, &n) == 0 && n.ready);
}

static void what_only_looks_like_ready_is_not(void)
{
	static const char *const texts[] = {"READY=0",	"READY=11", " READY=1",
					    "XREADY=1", "ready=1",  "STATUS=READY=1"};
	struct notify_news n;

	for (unsigned int i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		CHECK(parse(texts[i], &n) == 0 && !n.ready);
}

static void a_status_is_printable_and_short(void)
{
	char text[400] = "STATUS=";
	struct notify_news n;

	CHECK(parse("STATUS=a\033[31mb\xc3\xa9", &n) == 0);
	CHECK(strcmp(n.status, "a?[31mb??") == 0);
	memset(text + 7, 'z', 300);
	CHECK(parse(text, &n) == 0 && strlen(n.status) == NOTIFY_STATUS_MAX - 1);
	CHECK(parse("STATUS=", &n) == 0 && n.has_status && n.status[0] == '\0');
}

static void a_strange_datagram_is_refused(void)
{
	static char big[NOTIFY_SIZE_MAX + 2];
	struct notify_news n;

	memset(big, 'a', sizeof(big));
	CHECK(notify_parse("", 0, &n) == -EBADMSG);
	CHECK(notify_parse("\0", 1, &n) == -EBADMSG);
	CHECK(notify_parse("A=1\0READY=1", 11, &n) == -EBADMSG);
	CHECK(notify_parse(big, NOTIFY_SIZE_MAX + 1, &n) == -EBADMSG);
	CHECK(notify_parse(big, NOTIFY_SIZE_MAX, &n) == 0);
}

int main(void)
{
	RUN(ready_is_heard_wherever_its_line_stands);
	RUN(what_only_looks_like_ready_is_not);
	RUN(a_status_is_printable_and_short);
	RUN(a_strange_datagram_is_refused);
	return check_failures != 0;
}
