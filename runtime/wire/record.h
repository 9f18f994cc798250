/*
 * record.h - what is said on RUN/ct/CTID/monitor.sock (SOCK_SEQPACKET, one record a packet).
 *
 * An old monitor outlives an upgrade of berthd and berth: the meaning of a number never changes, a
 * new meaning is a new number. Only uid 0 may connect (SO_PEERCRED). Little-endian by being local.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	MON_VERSION = 1,
	MON_TEXT_MAX = 240
};

enum mon_type {
	/* requests */
	MON_HELLO = 1, /* answered by MON_STATE; further MON_STATE follow at every change */
	MON_EXEC = 2, /* fds: args memfd, then (without pty) stdin, stdout, stderr */
	MON_SIGNAL = 3, /* a = signal, to the exec session of this connection */
	MON_CONSOLE = 4, /* fd: stream socket end that becomes the attached console; one at a time;
			  * answered by MON_STATE. b = rows, c = columns, 0: leave them */
	MON_CONSOLE_LOG = 5, /* answered by MON_DATA records, then MON_END */
	MON_RESIZE = 6, /* b = rows, c = columns of the console this connection has attached */
	MON_KEEP = 7, /* answered by MON_KEPT: so that a killed monitor does not end the console */
	/* answers */
	MON_STATE =
		64, /* a = init pid, b = 1 booted (READY=1 seen), c = 1 init has exited, 2 the same
			 * but nobody could tell how, d = wait status, text = the guest's STATUS= */
	MON_KEPT = 70, /* fds: console master and notify socket, those that there are; a = 1 with a
			* console, b = 1 with a notify socket */
	MON_PTY = 65, /* fd: master of the session's pty */
	MON_EXIT = 66, /* a = wait status of the session */
	MON_ERROR = 67, /* a = errno, text = what failed */
	MON_DATA = 68, /* text, a = length */
	MON_END = 69,
};

struct mon_record {
	uint16_t version;
	uint16_t type; /* enum mon_type */
	int32_t a, b, c, d;
	/* MON_EXEC: a = 1 for a pty, b = rows, c = columns */
	char text[MON_TEXT_MAX]; /* NUL-terminated, except in MON_DATA */
};

/* Pure: checks length, version, a known type and termination. -EBADMSG otherwise. */
int mon_record_check(const void *buf, size_t len, struct mon_record *ret);

/* An empty record of this type. */
void mon_record_init(struct mon_record *r, enum mon_type type);

/* A MON_ERROR: sys is a positive errno; text is cut to fit. */
void mon_record_error(struct mon_record *r, int sys, const char *text);
