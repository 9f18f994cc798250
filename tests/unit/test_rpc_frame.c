/* test_rpc_frame.c - cutting a byte stream into messages. */
#include "runtime/rpc/impl.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void a_part_of_a_message_is_none_yet(void)
{
	CHECK(rpc_frame_find("", 0) == 0);
	CHECK(rpc_frame_find(NULL, 0) == 0);
	CHECK(rpc_frame_find("{\"method", 8) == 0);
}

static void the_first_of_two_messages_is_found(void)
{
	CHECK(rpc_frame_find("{}\0{\"a\":1}\0", 11) == 2);
	CHECK(rpc_frame_find("{}", 3) == 2);
}

static void an_empty_message_is_bad(void)
{
	CHECK(rpc_frame_find("\0{}", 4) == -EBADMSG);
}

static void the_limit_is_one_mebibyte(void)
{
	char *text = malloc(RPC_MESSAGE_MAX + 2);

	memset(text, ' ', RPC_MESSAGE_MAX + 2);
	CHECK(rpc_frame_find(text, RPC_MESSAGE_MAX) == 0);
	CHECK(rpc_frame_find(text, RPC_MESSAGE_MAX + 1) == -EMSGSIZE);
	text[RPC_MESSAGE_MAX + 1] = '\0';
	CHECK(rpc_frame_find(text, RPC_MESSAGE_MAX + 2) == -EMSGSIZE);
	text[RPC_MESSAGE_MAX] = '\0';
	CHECK(rpc_frame_find(text, RPC_MESSAGE_MAX + 2) == RPC_MESSAGE_MAX);
	free(text);
}

static void a_buffer_keeps_order_and_frees_itself(void)
{
	struct rpc_buffer b = {0};

	CHECK(buffer_reserve(&b, 6000) == 0 && b.size >= 6000);
	memcpy(b.data, "abcdef", 6);
	b.len = 6;
	buffer_consume(&b, 4);
	CHECK(buffer_pending(&b) == 2 && memcmp(b.data + b.used, "ef", 2) == 0);
	CHECK(buffer_reserve(&b, 20000) == 0);
	CHECK(b.used == 0 && buffer_pending(&b) == 2 && memcmp(b.data, "ef", 2) == 0);
	buffer_consume(&b, 2);
	CHECK(b.data == NULL && b.size == 0);
}

int main(void)
{
	RUN(a_part_of_a_message_is_none_yet);
	RUN(the_first_of_two_messages_is_found);
	RUN(an_empty_message_is_bad);
	RUN(the_limit_is_one_mebibyte);
	RUN(a_buffer_keeps_order_and_frees_itself);
	return check_failures != 0;
}
