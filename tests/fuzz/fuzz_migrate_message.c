/* fuzz_migrate_message.c - what the other host says. What was understood is said the same way again. */
#include "runtime/migrate/message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct message_answer answer;
	char text[MESSAGE_SIZE], again[MESSAGE_SIZE], reason[MESSAGE_REASON_MAX];
	struct message_hello hello;
	struct message_offer offer;
	struct message_end end;
	struct berth_error err;

	size = size < sizeof(text) ? size : sizeof(text) - 1;
	memcpy(text, data, size);
	text[size] = '\0';
	if (message_hello_parse(text, &hello) == 0)
		(void)message_version(&hello, &err);
	if (message_offer_parse(text, &offer) == 0 &&
	    (message_offer_format(&offer, again) < 0 || message_offer_parse(again, &offer) < 0))
		abort();
	if (message_answer_parse(text, &answer) == 0 &&
	    (message_answer_format(&answer, again) < 0 || message_answer_parse(again, &answer) < 0))
		abort();
	(void)message_end_parse(text, &end);
	message_reason(text, reason);
	return 0;
}
