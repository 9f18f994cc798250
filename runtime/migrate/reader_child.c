/* reader_child.c - reads the stream. All that it can do is to write into its descriptors. */
#include "runtime/migrate/reader_child.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/config/file.h"
#include "runtime/migrate/blocks.h"

#include <stdio.h>
#include <string.h>

enum {
	PROGRESS_EVERY = 4 << 20, /* bytes */
	ROUNDS_MAX = 1000
};

void reader_report(int fd, enum reader_said kind, uint64_t bytes, const struct berth_error *err)
{
	struct reader_report m = {.kind = kind, .bytes = bytes};
	ssize_t n;

	if (err != NULL) {
		m.code = err->code;
		m.sys = (uint32_t)err->sys;
		(void)snprintf(m.text, sizeof(m.text), "%.319s", err->msg);
	}
	n = write(fd, &m, sizeof(m));
	(void)n; /* nobody listens any more: we shall be killed */
}

/* ---- the offer ---- */

static int greet(struct link *l, struct message_hello *ret, struct berth_error *err)
{
	struct message_hello mine = {PROTOCOL_MIN, PROTOCOL_MAX, "berth", ""};
	char text[MESSAGE_SIZE];
	int r = link_expect(l, FRAME_HELLO, err);

	if (r < 0)
		return r;
	if (message_hello_parse((const char *)l->payload, ret) < 0)
		return berth_error_set(err, BERTH_ERR_PROTOCOL, EBADMSG,
				       "the greeting of the other host is not understood");
	/* It is told even when we do not fit: then it can say so too. */
	(void)snprintf(mine.id, sizeof(mine.id), "%s", ret->id);
	r = message_hello_format(&mine, text);
	r = r < 0 ? berth_error_sys(err, r, "say hello")
		  : link_send_text(l, FRAME_HELLO, text, err);
	return r < 0 ? r : message_version(ret, err);
}

static int take_offer(struct link *l, const struct message_hello *hello, char text[MESSAGE_SIZE],
		      struct berth_error *err)
{
	struct message_offer o;
	int r = link_expect(l, FRAME_OFFER, err);

	if (r < 0)
		return r;
	if (message_offer_parse((const char *)l->payload, &o) < 0 || strcmp(o.id, hello->id) != 0)
		return berth_error_set(err, BERTH_ERR_PROTOCOL, EBADMSG,
				       "the offer of the other host is not understood");
	r = message_offer_format(&o, text);
	return r < 0 ? berth_error_sys(err, r, "keep the offer") : 0;
}

static int take_config(struct link *l, char **ret, struct berth_error *err)
{
	struct conf_file *f;
	struct berth_error why;
	int r = link_expect(l, FRAME_CONFIG, err);

	if (r < 0)
		return r;
	if (conf_parse((const char *)l->payload, (size_t)r, &f, &why) < 0)
		return berth_error_set(err, BERTH_ERR_PROTOCOL, EBADMSG, "the CT's config: %.250s",
				       why.msg);
	r = conf_format(f, ret);
	conf_free(f);
	return r < 0 ? berth_error_sys(err, r, "keep the config") : 0;
}

static int read_offer(const struct reader_order *o, struct link *l, struct berth_error *err)
{
	struct message_hello hello;
	char text[MESSAGE_SIZE];
	auto_free char *config = NULL;
	int r = greet(l, &hello, err);

	if (r >= 0)
		r = take_offer(l, &hello, text, err);
	if (r == 0)
		r = take_config(l, &config, err);
	if (r < 0)
		return r;
	r = fd_write_all(o->file, text, strlen(text) + 1);
	if (r == 0)
		r = fd_write_all(o->file, config, strlen(config) + 1);
	return r < 0 ? berth_error_sys(err, r, "keep the offer") : 0;
}

int reader_child_offer(const struct reader_order *o, int report_fd)
{
	struct berth_error err;
	struct link l;
	int r = link_open(&l, o->in, o->out, o->quiet_ms, &err);

	if (r == 0)
		r = read_offer(o, &l, &err);
	reader_report(report_fd, r < 0 ? READER_FAILED : READER_DONE, 0, r < 0 ? &err : NULL);
	link_close(&l);
	return r;
}

/* ---- blocks, and the last word: another process, as this one can still write to the volume ---- */

static int end_round(struct blocks *b, const struct link *l, int report_fd, struct berth_error *err)
{
	struct message_end end;
	int r;

	if (message_end_parse((const char *)l->payload, &end) < 0)
		return berth_error_set(err, BERTH_ERR_PROTOCOL, EBADMSG,
				       "the end of a round is not understood");
	r = blocks_verify(b, &end, err);
	if (r < 0)
		return r;
	reader_report(report_fd, READER_ROUND, b->bytes, NULL);
	blocks_begin(b, b->fd, b->volume_bytes);
	return 0;
}

/* 0: FRAME_END came and all is verified. rounds: that may come before. */
static int read_blocks(const struct reader_order *o, struct blocks *b, struct link *l,
		       int report_fd, struct berth_error *err)
{
	unsigned int rounds = o->rounds ? ROUNDS_MAX : 0;
	uint64_t said = 0;

	for (;;) {
		struct message_end end;
		struct frame f;
		int r = link_receive(l, &f, err);

		if (r < 0)
			return r;
		l->quiet_ms = o->quiet_ms;
		if (f.type == FRAME_WORKING) { /* it compares, and finds nothing new */
			reader_report(report_fd, READER_PROGRESS, b->bytes, NULL);
			continue;
		}
		if (f.type == FRAME_BLOCKS) {
			r = blocks_take(b, l->payload, f.len, err);
			if (r < 0)
				return r;
			if (b->bytes - said >= PROGRESS_EVERY) {
				said = b->bytes;
				reader_report(report_fd, READER_PROGRESS, said, NULL);
			}
			continue;
		}
		if (f.type == FRAME_ROUND && rounds > 0) {
			rounds--;
			said = 0;
			r = end_round(b, l, report_fd, err);
			if (r < 0)
				return r;
			if (o->pause_ms != 0)
				l->quiet_ms = o->pause_ms;
			continue;
		}
		if (f.type == FRAME_ABORT) {
			char why[MESSAGE_REASON_MAX];

			message_reason((const char *)l->payload, why);
			return berth_error_set(err, BERTH_ERR_PROTOCOL, ECANCELED, "%s", why);
		}
		if (f.type != FRAME_END || message_end_parse((const char *)l->payload, &end) < 0)
			return berth_error_set(err, BERTH_ERR_PROTOCOL, EBADMSG,
					       "the source has sent a frame of type %d among the "
					       "blocks",
					       f.type);
		return blocks_verify(b, &end, err);
	}
}

static void say_failed(int report_fd, const struct berth_error *err)
{
	reader_report(report_fd, err->sys == ECANCELED ? READER_ABORT : READER_FAILED, 0, err);
}

static int read_word(struct link *l, int report_fd)
{
	struct berth_error err;
	int r = link_expect(l, FRAME_COMMIT, &err);

	if (r < 0)
		say_failed(report_fd, &err);
	else
		reader_report(report_fd, READER_COMMIT, 0, NULL);
	return r;
}

int reader_child_blocks(const struct reader_order *o, int report_fd)
{
	struct berth_error err;
	struct blocks b;
	struct link l;
	int r = link_open(&l, o->in, o->out, o->quiet_ms, &err);

	blocks_begin(&b, o->file, o->file_bytes);
	if (r == 0)
		r = read_blocks(o, &b, &l, report_fd, &err);
	if (r < 0)
		say_failed(report_fd, &err);
	else
		reader_report(report_fd, READER_DONE, b.bytes, NULL);
	link_close(&l);
	return r;
}

int reader_child_word(const struct reader_order *o, int report_fd)
{
	struct berth_error err;
	struct link l;
	int r = link_open(&l, o->in, o->out, o->quiet_ms, &err);

	if (r < 0)
		reader_report(report_fd, READER_FAILED, 0, &err);
	else
		r = read_word(&l, report_fd);
	link_close(&l);
	return r;
}
