/* fuzz_criu_answer.c - what a CRIU says, and what it left in images that berth reads. */
#include "runtime/checkpoint/criu.h"
#include "runtime/checkpoint/dump_record.h"
#include "runtime/checkpoint/images.h"
#include "runtime/checkpoint/mend.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t out[IMAGE_SMALL_MAX];
	struct checkpoint_record rec;
	struct criu_answer a;
	struct mend_timer t;
	int64_t offsets[2];
	char reason[64], *text = malloc(size + 1);

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	(void)criu_answer_parse(data, size, &a);
	(void)images_adopt_namespaces(data, size / 2, data + size / 2, size - size / 2, out,
				      sizeof(out));
	(void)checkpoint_record_parse(text, &rec);
	(void)mend_timer_parse(text, &t);
	(void)checkpoint_offsets_parse(text, &offsets[0], &offsets[1]);
	criu_log_reason(text, reason, sizeof(reason));
	free(text);
	return 0;
}
