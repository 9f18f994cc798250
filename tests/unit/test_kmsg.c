/* test_kmsg.c - records of /dev/kmsg. */
#include "runtime/storage/kmsg.h"

#include "runtime/base/cleanup.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <pthread.h>
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

/*
 * What was said before the mark, of something else, or as a mere notice is passed over. The very last record
 * before the mark may still grow, so the kernel counts it as after.
 */
static void the_first_complaint_since_the_mark_is_found(void)
{
	static const char *const said[] = {"<4>berth-unit: before",
					   "<6>the last one",
					   NULL,
					   "<4>other-unit: after",
					   "<6>berth-unit: a notice",
					   "<4>berth-unit: the cause",
					   "<4>berth-unit: a consequence"};
	auto_close int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	char buf[64];

	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
		if (said[i] == NULL)
			kmsg_mark();
		else
			CHECK(write(fd, said[i], strlen(said[i])) > 0);
	kmsg_first("berth-unit", buf, sizeof(buf));
	CHECK(strcmp(buf, "berth-unit: the cause") == 0);
}

static pthread_barrier_t both;

struct teller {
	const char *word, *text, *line;
	char found[64];
	int right;
};

static void *tell(void *data)
{
	struct teller *t = data;
	auto_close int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);

	for (int i = 0; i < 4; i++) { /* the kernel takes ten in five seconds */
		kmsg_mark();
		(void)pthread_barrier_wait(&both);
		CHECK(write(fd, t->line, strlen(t->line)) > 0);
		(void)pthread_barrier_wait(&both);
		kmsg_first(t->word, t->found, sizeof(t->found));
		t->right += strcmp(t->found, t->text) == 0;
	}
	return NULL;
}

/* As a start mounts a volume in a thread, and the lower layer beside it. */
static void two_threads_do_not_take_each_others_words(void)
{
	struct teller a = {"berth-one", "berth-one: why", "<4>berth-one: why\n", "", 0};
	struct teller b = {"berth-two", "berth-two: why", "<4>berth-two: why\n", "", 0};
	pthread_t thread;

	CHECK(pthread_barrier_init(&both, NULL, 2) == 0);
	CHECK(pthread_create(&thread, NULL, tell, &a) == 0);
	(void)tell(&b);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(a.right == 4 && b.right == 4);
}

int main(void)
{
	RUN(the_text_of_a_record_is_taken);
	RUN(a_text_that_is_too_long_is_cut);
	RUN(bytes_that_are_not_printable_are_replaced);
	RUN(a_record_without_text_is_refused);
	RUN(without_a_mark_there_is_no_message);
	if (geteuid() == 0) {
		RUN(the_first_complaint_since_the_mark_is_found);
		RUN(two_threads_do_not_take_each_others_words);
	} else
		(void)printf("skipped: the log, which takes root\n");
	return check_failures != 0;
}
