/*
 * rtnl_msg.h - inside rtnl*.c only: how their messages are made and read. The one place that knows libmnl's.
 */
#pragma once

#include "netsetup/link.h"
#include "netsetup/nl.h"
#include "netsetup/rtnl.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

/* Room for one message; a queue of 64 stays far below the socket's limits, acks included. */
enum {
	RTNL_MSG_ROOM = 768,
	RTNL_QUEUE_MAX = 64,
	RTNL_QUEUE_SIZE = 16384
};

struct rtnl {
	struct nl nl;
	unsigned int n;
	size_t used;
	int failed; /* of a flush that a full queue forced */
	struct berth_error error;
	struct nl_expect expect[RTNL_QUEUE_MAX];
	_Alignas(struct nlmsghdr) char queue[RTNL_QUEUE_SIZE];
};

/* What an operation is to the kernel: message type, flags, and its name in errors. By enum rtnl_op. */
struct rtnl_op_row {
	int delta; /* RTM_DELx is RTM_NEWx + 1 */
	unsigned int flags;
	const char *verb;
};

extern const struct rtnl_op_row rtnl_ops[];

/* Begins a message at the end of the queue. head_size: struct ifinfomsg, rtmsg, ... */
struct nlmsghdr *rtnl_msg_begin(struct rtnl *r, int type, unsigned int flags, size_t head_size,
				void **ret_head);
/* ignore: an errno that does no harm. The text says what it does, for errors: "add the route to 10.0.0.1". */
void rtnl_msg_end(struct rtnl *r, const struct nlmsghdr *nlh, int ignore, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

void rtnl_put_addr(struct nlmsghdr *nlh, int type, const struct net_addr *a);
/* Without a prefix, unless it is a network; buf has NET_ADDR_TEXT bytes. */
const char *rtnl_addr_text(const struct net_addr *a, char *buf);

/* A request of its own, not in the queue. */
struct rtnl_request {
	_Alignas(struct nlmsghdr) char buf[256];
	struct nlmsghdr *nlh;
	void *head;
};

void rtnl_request_begin(struct rtnl *r, struct rtnl_request *q, int type, unsigned int flags,
			size_t head_size);
/* Asks again, with a new sequence number, while the tables change under the dump. */
int rtnl_request_dump(struct rtnl *r, struct rtnl_request *q, const char *what, nl_msg_fn *fn,
		      void *data, struct berth_error *err);

/* The attribute that begins at p, or NULL when there is no whole one before end. */
static inline const struct nlattr *rtnl_attr_at(const void *p, const void *end)
{
	ptrdiff_t left = (const char *)end - (const char *)p;

	return left > 0 && mnl_attr_ok(p, (int)left) ? p : NULL;
}

#define FOR_EACH_ATTR(a, start, end) \
	for ((a) = rtnl_attr_at(start, end); (a) != NULL; (a) = rtnl_attr_at(mnl_attr_next(a), end))

/* Over the attributes of a message whose own header has head_size bytes. */
#define FOR_EACH_ATTR_OF(a, nlh, head_size)                            \
	FOR_EACH_ATTR(a, mnl_nlmsg_get_payload_offset(nlh, head_size), \
		      mnl_nlmsg_get_payload_tail(nlh))

bool rtnl_attr_has(const struct nlattr *a, size_t size);
void rtnl_attr_text(const struct nlattr *a, char *buf, size_t size);
/* False: too short for an address of the family. */
bool rtnl_attr_addr(const struct nlattr *a, int family, struct net_addr *ret);
