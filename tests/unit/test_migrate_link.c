/*
 * test_migrate_link.c - the two ends of a move over real pipes: the confined reader takes an offer and a volume, holes
 * stay holes; garbage, a cut, a wrong version, a lying hash and silence are told, and nothing hangs.
 * covers: runtime/migrate/blocks.c runtime/migrate/confine.c runtime/migrate/link.c runtime/migrate/reader.c
 * covers: runtime/migrate/reader_child.c runtime/migrate/source.c runtime/migrate/keepalive.c
 */
#include "runtime/migrate/keepalive.h"

#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/migrate/reader.h"
#include "runtime/migrate/source.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define UUID "0a1b2c3d-0000-4000-8000-123456789abc"
#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

enum {
	VOLUME = 64 << 20,
	NOBODY = 655360000,
	QUIET = 60000
};

static int up[2], down[2], file; /* to the destination and back; what it fills */
static struct link l;
static struct reader rd;
static struct berth_error err;

static void ends_begin_pausing(uint64_t file_bytes, unsigned int quiet_ms, unsigned int pause_ms,
			       int (*start)(const struct reader_order *, struct reader *,
					    struct berth_error *))
{
	CHECK(pipe2(up, O_CLOEXEC) == 0 && pipe2(down, O_CLOEXEC) == 0);
	file = memfd_create("volume", MFD_CLOEXEC);
	CHECK(start(&(struct reader_order){up[0], down[1], file, file_bytes, NOBODY, quiet_ms, true,
					   pause_ms},
		    &rd, &err) == 0);
	fd_close(&up[0]);
	fd_close(&down[1]);
	CHECK(link_open(&l, down[0], up[1], QUIET, &err) == 0);
}

static void ends_begin(uint64_t file_bytes, unsigned int quiet_ms,
		       int (*start)(const struct reader_order *, struct reader *,
				    struct berth_error *))
{
	ends_begin_pausing(file_bytes, quiet_ms, 0, start);
}

static void ends_end(void)
{
	reader_end(&rd);
	link_close(&l);
	fd_close(&up[1]);
	fd_close(&down[0]);
	fd_close(&file);
}

static enum berth_errcode hear(enum reader_said want)
{
	enum reader_said said;
	uint64_t bytes;

	memset(&err, 0, sizeof(err));
	while (reader_next(&rd, &said, &bytes, &err) == 0 && said == READER_PROGRESS)
		;
	CHECK(said == want);
	return err.code;
}

static void an_offer_and_its_config_arrive(void)
{
	static const struct message_offer o = {.ctid = 101,
					       .new_ctid = 101,
					       .uuid = UUID,
					       .id = UUID,
					       .template_name = "tiny",
					       .template_hash = HASH,
					       .layout = "overlay",
					       .driver = "image",
					       .volume_bytes = VOLUME};
	static const char config[] = "# a remark\nRAM=\"512M\"\n";
	struct message_offer back;
	char text[MESSAGE_SIZE], buf[MESSAGE_SIZE + 100];

	ends_begin(1 << 20, QUIET, reader_start_offer);
	CHECK(source_hello(&l, UUID, &err) == 0);
	CHECK(message_offer_format(&o, text) == 0 &&
	      link_send_text(&l, FRAME_OFFER, text, &err) == 0);
	CHECK(link_send(&l, FRAME_CONFIG, STREAM_CONTROL, config, sizeof(config) - 1, &err) == 0);
	CHECK(hear(READER_DONE) == BERTH_OK);
	memset(buf, 0, sizeof(buf));
	CHECK(pread(file, buf, sizeof(buf) - 1, 0) > 0);
	CHECK(message_offer_parse(buf, &back) == 0 && strcmp(back.uuid, UUID) == 0);
	CHECK(strcmp(buf + strlen(buf) + 1, config) == 0);
	ends_end();
}

static int volume_new(void)
{
	int fd = memfd_create("source", MFD_CLOEXEC);

	CHECK(ftruncate(fd, VOLUME) == 0);
	CHECK(pwrite(fd, "begin", 5, 0) == 5);
	CHECK(pwrite(fd, "middle", 6, (20 << 20) + 3) == 6);
	CHECK(pwrite(fd, "end", 3, VOLUME - 3) == 3);
	return fd;
}

static void a_volume_arrives_and_holes_stay_holes(void)
{
	int from = volume_new();
	struct message_end end;
	struct stat a, b;
	struct blocks blocks;
	char x[16] = "", text[MESSAGE_SIZE];

	ends_begin(VOLUME, QUIET, reader_start_blocks);
	CHECK(ftruncate(file, VOLUME) == 0);
	blocks_begin(&blocks, from, VOLUME);
	CHECK(blocks_send(&blocks, &l, NULL, NULL, &end, &err) == 0);
	CHECK(message_end_format(&end, text) == 0 &&
	      link_send_text(&l, FRAME_END, text, &err) == 0);
	CHECK(hear(READER_DONE) == BERTH_OK);
	CHECK(fstat(from, &a) == 0 && fstat(file, &b) == 0);
	CHECK(a.st_size == b.st_size && b.st_blocks == a.st_blocks && l.sent < 64 * 1024);
	CHECK(pread(file, x, 6, (20 << 20) + 3) == 6 && memcmp(x, "middle", 6) == 0);
	CHECK(pread(file, x, 3, VOLUME - 3) == 3 && memcmp(x, "end", 3) == 0);
	ends_end();
	fd_close(&from);
}

static void the_last_word_is_heard(void)
{
	ends_begin(0, QUIET, reader_start_word);
	CHECK(link_send_text(&l, FRAME_COMMIT, "", &err) == 0);
	CHECK(hear(READER_COMMIT) == BERTH_OK);
	ends_end();
	ends_begin(0, QUIET, reader_start_word);
	fd_close(&up[1]);
	CHECK(hear(READER_FAILED) == BERTH_ERR_PROTOCOL && err.sys == EPIPE);
	ends_end();
}

static void what_is_sent_outside_or_twice_is_refused(void)
{
	static const uint64_t places[] = {VOLUME - 8, UINT64_MAX - 3, 0};

	for (size_t i = 0; i < 3; i++) {
		uint8_t payload[BLOCKS_HEAD + 16] = {0};

		ends_begin(VOLUME, QUIET, reader_start_blocks);
		blocks_head_format(places[i], payload);
		for (int n = 0; n < 2; n++) /* the second time it is sent twice */
			(void)link_send(&l, FRAME_BLOCKS, STREAM_BLOCKS, payload, sizeof(payload),
					&err);
		CHECK(hear(READER_FAILED) == BERTH_ERR_PROTOCOL);
		ends_end();
	}
}

static void a_lying_end_is_noticed(void)
{
	struct message_end end = {0, HASH};
	char text[MESSAGE_SIZE];

	ends_begin(VOLUME, QUIET, reader_start_blocks);
	CHECK(message_end_format(&end, text) == 0 &&
	      link_send_text(&l, FRAME_END, text, &err) == 0);
	CHECK(hear(READER_FAILED) == BERTH_ERR_PROTOCOL && strstr(err.msg, "SHA-256") != NULL);
	ends_end();
}

/* It takes some of a frame, and then nothing any more. */
static void who_does_not_read_is_told(void)
{
	static uint8_t payload[FRAME_MAX];
	int p[2];
	struct link stalled;

	CHECK(pipe2(p, O_CLOEXEC) == 0);
	CHECK(link_open(&stalled, p[0], p[1], 50, &err) == 0);
	CHECK(link_send(&stalled, FRAME_BLOCKS, STREAM_BLOCKS, payload, sizeof(payload), &err) < 0);
	CHECK(err.code == BERTH_ERR_TIMEOUT);
	link_close(&stalled);
	fd_close(&p[0]);
	fd_close(&p[1]);
}

static void garbage_a_cut_and_silence_are_told(void)
{
	static const char garbage[] = "The authenticity of host can't be established.";

	ends_begin(1 << 20, QUIET, reader_start_offer);
	CHECK(write(up[1], garbage, sizeof(garbage)) > 0);
	CHECK(hear(READER_FAILED) == BERTH_ERR_PROTOCOL);
	CHECK(strstr(err.msg, "no migration stream") != NULL);
	ends_end();
	ends_begin(1 << 20, QUIET, reader_start_offer);
	CHECK(write(up[1], "\1\0\0\0\5", 5) == 5);
	fd_close(&up[1]);
	CHECK(hear(READER_FAILED) == BERTH_ERR_PROTOCOL && err.sys == EPIPE);
	ends_end();
	ends_begin(1 << 20, 50, reader_start_offer);
	CHECK(hear(READER_FAILED) == BERTH_ERR_TIMEOUT);
	ends_end();
}

/* Behind a round the source suspends the CT: it has longer for that, and says itself when it only compares. */
static void a_pause_behind_a_round_is_no_silence(void)
{
	static const char sum[] =
		"bytes=0\nsha256="
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n";

	ends_begin_pausing(VOLUME, 300, QUIET, reader_start_blocks);
	CHECK(link_send_text(&l, FRAME_ROUND, sum, &err) == 0);
	CHECK(hear(READER_ROUND) == BERTH_OK);
	(void)usleep(1000000);
	CHECK(link_send_text(&l, FRAME_WORKING, "", &err) == 0);
	{
		enum reader_said said;
		uint64_t bytes;

		CHECK(reader_next(&rd, &said, &bytes, &err) == 0 && said == READER_PROGRESS);
	}
	CHECK(link_send_text(&l, FRAME_END, sum, &err) == 0);
	CHECK(hear(READER_DONE) == BERTH_OK);
	ends_end();
	/* Only there. */
	ends_begin_pausing(VOLUME, 300, QUIET, reader_start_blocks);
	CHECK(hear(READER_FAILED) == BERTH_ERR_TIMEOUT);
	ends_end();
}

/* Whatever the other end says meanwhile. */
static void there_is_an_end_to_what_stands_still(void)
{
	ends_begin(VOLUME, QUIET, reader_start_blocks);
	l.deadline_ms = clock_deadline(100);
	CHECK(link_await(&l, FRAME_READY, &err) < 0 && err.code == BERTH_ERR_TIMEOUT &&
	      err.sys == ETIME);
	CHECK(link_send_text(&l, FRAME_WORKING, "", &err) < 0 && err.sys == ETIME && l.sent == 0);
	l.deadline_ms = 0;
	CHECK(link_send_text(&l, FRAME_WORKING, "", &err) == 0);
	ends_end();
}

static void another_version_is_told_at_both_ends(void)
{
	ends_begin(1 << 20, QUIET, reader_start_offer);
	CHECK(link_send_text(&l, FRAME_HELLO,
			     "protocol=berth-migrate\nmin=7\nmax=9\nprogram=berth 9\nid=" UUID "\n",
			     &err) == 0);
	CHECK(hear(READER_FAILED) == BERTH_ERR_PROTOCOL && err.sys == EPROTONOSUPPORT);
	CHECK(link_expect(&l, FRAME_HELLO, &err) > 0);
	ends_end();
}

static void an_abort_carries_its_reason(void)
{
	ends_begin(VOLUME, QUIET, reader_start_blocks);
	source_abort(&l, "its disk is on fire");
	CHECK(hear(READER_ABORT) == BERTH_ERR_PROTOCOL);
	CHECK(strstr(err.msg, "its disk is on fire") != NULL);
	ends_end();
}

/* The other end of l, without a reader. */
static void other_begin(struct link *other)
{
	CHECK(pipe2(up, O_CLOEXEC) == 0 && pipe2(down, O_CLOEXEC) == 0);
	CHECK(link_open(&l, down[0], up[1], QUIET, &err) == 0);
	CHECK(link_open(other, up[0], down[1], QUIET, &err) == 0);
}

static void other_end(struct link *other)
{
	link_close(&l);
	link_close(other);
	for (int i = 0; i < 2; i++) {
		fd_close(&up[i]);
		fd_close(&down[i]);
	}
}

static void who_still_works_says_so_and_then_what_was_due(void)
{
	struct keepalive k = {.stop_fd = -EBADF};
	struct link other;
	struct frame f;

	keepalive_end(&k); /* none was begun */
	other_begin(&other);
	CHECK(keepalive_begin(&k, &other, 1, &err) == 0);
	for (int i = 0; i < 5; i++)
		CHECK(link_receive(&l, &f, &err) == 0 && f.type == FRAME_WORKING && f.len == 0);
	keepalive_end(&k);
	keepalive_end(&k);
	CHECK(link_send_text(&other, FRAME_READY, "", &err) == 0);
	CHECK(source_end(&l, &(struct message_end){0, HASH}, &err) == 0);
	/* None after it. */
	CHECK(link_send_text(&other, FRAME_OWNED, "", &err) == 0);
	CHECK(link_expect(&l, FRAME_OWNED, &err) == 0);
	other_end(&other);
}

static void a_connection_that_is_gone_does_not_stop_the_work(void)
{
	struct keepalive k;
	struct link other;

	other_begin(&other);
	fd_close(&down[0]);
	CHECK(keepalive_begin(&k, &other, 1, &err) == 0);
	keepalive_end(&k);
	CHECK(link_send_text(&other, FRAME_READY, "", &err) < 0 && err.sys == EPIPE);
	other_end(&other);
}

/* Or a source could hold its place for ever. */
static void it_is_taken_of_who_checks_a_volume_only(void)
{
	struct link other;

	ends_begin(0, QUIET, reader_start_word);
	CHECK(link_send_text(&l, FRAME_WORKING, "", &err) == 0);
	CHECK(hear(READER_FAILED) == BERTH_ERR_PROTOCOL);
	ends_end();
	other_begin(&other);
	CHECK(link_send_text(&other, FRAME_WORKING, "", &err) == 0);
	CHECK(source_commit(&l, &err) < 0 && err.code == BERTH_ERR_PROTOCOL);
	other_end(&other);
}

int main(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	RUN(an_offer_and_its_config_arrive);
	RUN(a_volume_arrives_and_holes_stay_holes);
	RUN(the_last_word_is_heard);
	RUN(what_is_sent_outside_or_twice_is_refused);
	RUN(a_lying_end_is_noticed);
	RUN(who_does_not_read_is_told);
	RUN(garbage_a_cut_and_silence_are_told);
	RUN(there_is_an_end_to_what_stands_still);
	RUN(a_pause_behind_a_round_is_no_silence);
	RUN(another_version_is_told_at_both_ends);
	RUN(an_abort_carries_its_reason);
	RUN(who_still_works_says_so_and_then_what_was_due);
	RUN(a_connection_that_is_gone_does_not_stop_the_work);
	RUN(it_is_taken_of_who_checks_a_volume_only);
	return check_failures != 0;
}
