/* test_pool_ct.c - runtime/ct/pool_ct.c in a network namespace of its own. */
#include "runtime/ct/pool_ct.h"

#include "tests/unit/check.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void what_the_namespace_has_is_counted(void)
{
	struct pool_ct before, after;

	CHECK(pool_ct_read(getpid(), &before) == 0);
	for (int i = 0; i < 7; i++)
		CHECK(socket(AF_PACKET, SOCK_RAW, 0x0300) >= 0);
	for (int i = 0; i < 3; i++)
		CHECK(socket(AF_INET, SOCK_RAW, 255) >= 0);
	CHECK(pool_ct_read(getpid(), &after) == 0);
	CHECK(after.packet == before.packet + 7 && after.raw == before.raw + 3);
	CHECK(after.sockets >= before.sockets + 10 && after.neighbours == 0);
}

static void a_process_that_is_gone_is_an_error(void)
{
	struct pool_ct p;

	CHECK(pool_ct_read(0x7ffffff0, &p) == -ENOENT);
}

static void only_what_no_server_has_is_told(void)
{
	struct pool_ct p = {.sockets = 3000, .raw = 3, .packet = 9, .neighbours = 200};
	char text[200];

	CHECK(!pool_ct_unusual(&p, text, sizeof(text)) && text[0] == '\0');
	p.packet = 20000;
	p.neighbours = 150000;
	CHECK(pool_ct_unusual(&p, text, sizeof(text)));
	CHECK(strcmp(text, "20000 packet sockets, 150000 neighbours") == 0);
	CHECK(pool_ct_unusual(&p, text, 10) && strlen(text) < 10);
}

int main(void)
{
	if (unshare(CLONE_NEWNET) < 0) {
		(void)printf("skipped: needs root\n");
		return 77;
	}
	RUN(what_the_namespace_has_is_counted);
	RUN(a_process_that_is_gone_is_an_error);
	RUN(only_what_no_server_has_is_told);
	return check_failures != 0;
}
