/*
 * link.h - the connection to the other host: frames over two descriptors, pipes or a socket, with a limit to how
 * long the other end may be silent.
 */
#pragma once

#include "runtime/base/error.h"
#include "runtime/migrate/frame.h"

struct link {
	int in, out; /* the caller's */
	unsigned int quiet_ms; /* that the other end may be silent, or not read */
	uint64_t deadline_ms; /* as clock_now_ms: nothing is sent or heard after it; 0: none */
	uint64_t sent; /* bytes, heads too */
	uint8_t *payload; /* of the last frame, FRAME_MAX + 1 bytes; a zero byte follows it */
};

/* BERTH_ERR_NO_MEMORY. */
int link_open(struct link *l, int in, int out, unsigned int quiet_ms, struct berth_error *err);
void link_close(struct link *l);

/* BERTH_ERR_PROTOCOL with EPIPE: the connection is gone; BERTH_ERR_TIMEOUT: nobody reads. */
int link_send(struct link *l, enum frame_type type, enum frame_stream stream, const void *payload,
	      size_t len, struct berth_error *err);
/* Of the control stream; the payload is a text. */
int link_send_text(struct link *l, enum frame_type type, const char *text, struct berth_error *err);

/*
 * The next frame, its payload in l->payload. BERTH_ERR_PROTOCOL: no frame, a damaged one, or with EPIPE the end of the
 * connection, after a whole frame or within one; BERTH_ERR_TIMEOUT.
 */
int link_receive(struct link *l, struct frame *ret, struct berth_error *err);

/*
 * The next frame must be this one of the control stream, and a text without a NUL in it: its length. The other end's
 * FRAME_ABORT is BERTH_ERR_PROTOCOL with ECANCELED and its reason.
 */
int link_expect(struct link *l, enum frame_type type, struct berth_error *err);
/* As link_expect; the other end may say that it is still at work, as often as it likes (keepalive.h). */
int link_await(struct link *l, enum frame_type type, struct berth_error *err);
/* A write has failed as nobody reads any more: if the other end has said why, within ms of silence, that is the error. */
void link_last_word(struct link *l, unsigned int ms, struct berth_error *err);
