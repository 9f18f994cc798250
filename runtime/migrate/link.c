/* link.c - frames over two descriptors. */
#include "runtime/migrate/link.h"

#include "runtime/base/child.h"
#include "runtime/base/clock.h"
#include "runtime/base/parse.h"
#include "runtime/migrate/message.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

int link_open(struct link *l, int in, int out, unsigned int quiet_ms, struct berth_error *err)
{
	*l = (struct link){.in = in, .out = out, .quiet_ms = quiet_ms};
	l->payload = malloc(FRAME_MAX + 1);
	if (l->payload == NULL)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM,
				       "no memory for the connection to the other host");
	return 0;
}

void link_close(struct link *l)
{
	free(l->payload);
	l->payload = NULL;
}

static int is_quiet(const struct link *l, struct berth_error *err)
{
	return berth_error_set(err, BERTH_ERR_TIMEOUT, ETIMEDOUT,
			       "the other host has not answered for %u s", l->quiet_ms / 1000);
}

static int is_gone(struct berth_error *err)
{
	return berth_error_set(err, BERTH_ERR_PROTOCOL, EPIPE,
			       "the connection to the other host has ended early; see what its "
			       "transport, and berthd there, say");
}

/* Until fd is ready, within both limits: 1; or the error. */
static int await_fd(const struct link *l, int fd, short events, struct berth_error *err)
{
	uint64_t now = clock_now_ms(), left = l->deadline_ms > now ? l->deadline_ms - now : 0;
	bool ends = l->deadline_ms != 0 && left < l->quiet_ms;
	int r = ends && left == 0 ? 0
				  : fd_wait(fd, events, ends ? (unsigned int)left : l->quiet_ms);

	if (r < 0)
		return berth_error_sys(err, r, "wait for the other host");
	if (r == 0 && ends)
		return berth_error_set(err, BERTH_ERR_TIMEOUT, ETIME,
				       "it would stand still for longer than it may (--timeout)");
	return r == 0 ? is_quiet(l, err) : 1;
}

/*
 * Never more than what a pipe that is ready takes at once: it is POLLOUT with one free page (pipe(7)), and a longer
 * write would wait for the rest, without any limit, when the other end reads no more.
 */
static int send_some(struct link *l, struct iovec *v, int n, struct berth_error *err)
{
	size_t room = PIPE_BUF;
	ssize_t done;
	int r = await_fd(l, l->out, POLLOUT, err);

	for (int i = 0; i < n; i++) {
		v[i].iov_len = v[i].iov_len < room ? v[i].iov_len : room;
		room -= v[i].iov_len;
	}

	if (r < 0)
		return r;
	done = writev(l->out, v, n);
	if (done >= 0)
		return (int)done;
	if (errno == EINTR || errno == EAGAIN)
		return 0;
	return errno == EPIPE || errno == ECONNRESET
		       ? is_gone(err)
		       : berth_error_sys(err, errno, "write to the other host");
}

int link_send(struct link *l, enum frame_type type, enum frame_stream stream, const void *payload,
	      size_t len, struct berth_error *err)
{
	uint8_t head[FRAME_HEAD];
	size_t at = 0;

	frame_head_format(type, stream, payload, len, head);
	while (at < FRAME_HEAD + len) {
		struct iovec v[2];
		int n = 0, r;

		if (at < FRAME_HEAD)
			v[n++] = (struct iovec){head + at, FRAME_HEAD - at};
		if (len > 0) {
			size_t done = at > FRAME_HEAD ? at - FRAME_HEAD : 0;

			v[n++] = (struct iovec){(uint8_t *)(uintptr_t)payload + done, len - done};
		}
		r = send_some(l, v, n, err);
		if (r < 0)
			return r;
		at += (size_t)r;
	}
	l->sent += at;
	return 0;
}

int link_send_text(struct link *l, enum frame_type type, const char *text, struct berth_error *err)
{
	return link_send(l, type, STREAM_CONTROL, text, strlen(text), err);
}

static int receive_all(struct link *l, uint8_t *buf, size_t len, struct berth_error *err)
{
	for (size_t at = 0; at < len;) {
		int r = await_fd(l, l->in, POLLIN, err);
		ssize_t n;

		if (r < 0)
			return r;
		n = read(l->in, buf + at, len - at);
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return is_gone(err);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return berth_error_sys(err, errno, "read from the other host");
		at += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

int link_receive(struct link *l, struct frame *ret, struct berth_error *err)
{
	uint8_t head[FRAME_HEAD];
	struct frame f;
	int r = receive_all(l, head, sizeof(head), err);

	if (r < 0)
		return r;
	r = frame_head_parse(head, &f);
	if (r < 0)
		return berth_error_set(
			err, BERTH_ERR_PROTOCOL, -r,
			"what comes from the other host is no migration stream: does "
			"its command run `berth receive`, and print nothing else?");
	r = receive_all(l, l->payload, f.len, err);
	if (r < 0)
		return r;
	l->payload[f.len] = '\0';
	if (frame_check(&f, head, l->payload) < 0)
		return berth_error_set(err, BERTH_ERR_PROTOCOL, EBADMSG,
				       "a frame from the other host was damaged on its way (CRC)");
	*ret = f;
	return 0;
}

static int take_text(const struct link *l, const struct frame *f, enum frame_type type,
		     struct berth_error *err)
{
	char reason[MESSAGE_REASON_MAX];

	if (f->type == FRAME_ABORT) {
		message_reason((const char *)l->payload, reason);
		return berth_error_set(err, BERTH_ERR_PROTOCOL, ECANCELED, "the other host: %s",
				       reason);
	}
	if (f->type != type || f->stream != STREAM_CONTROL ||
	    memchr(l->payload, '\0', f->len) != NULL)
		return berth_error_set(
			err, BERTH_ERR_PROTOCOL, EBADMSG,
			"the other host has sent a frame of type %d where %d was due", f->type,
			type);
	return (int)f->len;
}

int link_expect(struct link *l, enum frame_type type, struct berth_error *err)
{
	struct frame f;
	int r = link_receive(l, &f, err);

	return r < 0 ? r : take_text(l, &f, type, err);
}

int link_await(struct link *l, enum frame_type type, struct berth_error *err)
{
	struct frame f;
	int r;

	do
		r = link_receive(l, &f, err);
	while (r == 0 && f.type == FRAME_WORKING);
	return r < 0 ? r : take_text(l, &f, type, err);
}

void link_last_word(struct link *l, unsigned int ms, struct berth_error *err)
{
	unsigned int quiet_ms = l->quiet_ms;
	struct berth_error why;
	struct frame f;
	int r;

	l->quiet_ms = ms;
	do
		r = link_receive(l, &f, &why);
	while (r == 0 && f.type != FRAME_ABORT);
	l->quiet_ms = quiet_ms;
	if (r == 0)
		(void)take_text(l, &f, FRAME_ABORT, err);
}
