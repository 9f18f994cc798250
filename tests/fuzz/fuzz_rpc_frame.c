/* fuzz_rpc_frame.c - bytes of a client: frames, JSON, calls, and error replies of a daemon. */
#include "runtime/rpc/impl.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_message(const char *text, size_t len)
{
	struct berth_error err = {0};
	struct rpc_request q;
	json_t *message;

	if (rpc_message_parse(text, len, &message) < 0)
		return;
	if (request_parse(message, &q) == 0)
		(void)error_from_reply(q.method, q.parameters, "Ping", &err);
	json_decref(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	ssize_t n;

	while ((n = rpc_frame_find(text, size)) > 0) {
		try_message(text, (size_t)n);
		text += n + 1;
		size -= (size_t)n + 1;
	}
	try_message(text, size);
	return 0;
}
