/* wake.h - what wakes the monitor: one epoll(7) set whose tags say the kind and the table slot. */
#pragma once

#include <stdint.h>

enum wake_kind {
	WAKE_LISTEN,
	WAKE_CHILDREN, /* signalfd: SIGCHLD */
	WAKE_NOTIFY,
	WAKE_INIT,
	WAKE_CONSOLE,
	WAKE_CLIENT, /* the attached end of the console */
	WAKE_CONN, /* slot = connection */
	WAKE_ENTER, /* slot = connection whose session is on its way into the CT */
	WAKE_REPLY, /* slot = connection whose session is being started */
};

/* -errno. events as for epoll_ctl(2). */
int wake_add(int epoll, int fd, uint32_t events, enum wake_kind kind, unsigned int slot);
int wake_change(int epoll, int fd, uint32_t events, enum wake_kind kind, unsigned int slot);
/* Before the close: a forked child may hold the descriptor open a moment longer. */
void wake_remove(int epoll, int fd);

enum wake_kind wake_kind_of(uint64_t tag);
unsigned int wake_slot_of(uint64_t tag);
