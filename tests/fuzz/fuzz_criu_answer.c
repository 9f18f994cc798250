/* fuzz_criu_answer.c - what a CRIU says, and what it left in images that berth reads. */
#include "runtime/checkpoint/carry.h"
#include "runtime/checkpoint/criu.h"
#include "runtime/checkpoint/dump_record.h"
#include "runtime/checkpoint/filters.h"
#include "runtime/checkpoint/images.h"
#include "runtime/checkpoint/mend.h"
#include "runtime/checkpoint/sharing.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void filter(const uint8_t *data, size_t size, const char *text)
{
	struct filter_thread t = {.oldest = 0};
	struct filter_set *set;
	uint8_t *out;
	size_t len;

	(void)filter_thread_of(text, &t);
	(void)filter_thread_parse(text, &t);
	(void)filter_core_read(data, size, &t.oldest);
	t = (struct filter_thread){.oldest = 0};
	if (filter_set_read(data, size, &set) < 0)
		return;
	if (filter_thread_chain(&t, set) == 0 && filter_set_strip(set, &t, 1, &out, &len) == 0)
		free(out);
	free(t.filters);
	filter_set_free(set);
}

/* What /proc says of a process; a tenant has chosen most of it. */
static void carry(char *text)
{
	struct carry_status status;
	struct carry_mount mount;

	(void)carry_no_fd(text);
	(void)carry_status_parse(text, &status);
	if (carry_mount_parse(text, &mount) == 0)
		(void)carry_no_mount(mount.type);
}

static void share(const uint8_t *data, size_t size, char *text)
{
	struct shares s = {NULL, 0};
	uint8_t *out = NULL;
	size_t len;

	if (shares_read_image(&s, data, size, 1) >= 0 &&
	    shares_write_image(s.all, s.n, data, size, &out, &len) == 0)
		free(out);
	(void)shares_read_mountinfo(&s, text, 2);
	(void)shares_mend(&s);
	(void)shares_find_bad(&s);
	shares_free(&s);
}

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
	filter(data, size, text);
	share(data, size, text);
	memcpy(text, data, size);
	carry(text);
	free(text);
	return 0;
}
