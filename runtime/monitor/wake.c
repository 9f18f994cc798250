/* wake.c - the monitor's epoll set. */
#include "runtime/monitor/wake.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>

enum {
	SLOT_BITS = 16
};

static int control(int epoll, int op, int fd, uint32_t events, uint64_t tag)
{
	struct epoll_event e = {.events = events, .data.u64 = tag};

	return epoll_ctl(epoll, op, fd, &e) < 0 ? -errno : 0;
}

static uint64_t make_tag(enum wake_kind kind, unsigned int slot)
{
	return (uint64_t)kind << SLOT_BITS | slot;
}

int wake_add(int epoll, int fd, uint32_t events, enum wake_kind kind, unsigned int slot)
{
	return control(epoll, EPOLL_CTL_ADD, fd, events, make_tag(kind, slot));
}

int wake_change(int epoll, int fd, uint32_t events, enum wake_kind kind, unsigned int slot)
{
	return control(epoll, EPOLL_CTL_MOD, fd, events, make_tag(kind, slot));
}

void wake_remove(int epoll, int fd)
{
	(void)epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
}

enum wake_kind wake_kind_of(uint64_t tag)
{
	return (enum wake_kind)(tag >> SLOT_BITS);
}

unsigned int wake_slot_of(uint64_t tag)
{
	return (unsigned int)(tag & ((1u << SLOT_BITS) - 1));
}
