/* fuzz_view_answer.c - any bytes as a request of the kernel's. */
#include "runtime/view/view.h"

#include <linux/fuse.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t read_text(void *data, enum view_file file, uint64_t offset, size_t size,
			const char **ret)
{
	static const char text[] = "text";

	(void)data;
	if (file >= VIEW_FILES)
		abort();
	if (offset >= 4)
		return 0;
	*ret = text + offset;
	return 4 - offset < size ? 4 - (size_t)offset : size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct view_reader reader = {read_text, NULL};
	char *answer = malloc(VIEW_ANSWER_MAX);
	struct fuse_out_header head;
	ssize_t n;

	if (answer == NULL)
		return 0;
	n = view_answer(data, size, &reader, answer);
	if (n > 0) {
		memcpy(&head, answer, sizeof(head));
		if (n < (ssize_t)sizeof(head) || n > VIEW_ANSWER_MAX || head.len != (uint32_t)n)
			abort();
	}
	free(answer);
	return 0;
}
