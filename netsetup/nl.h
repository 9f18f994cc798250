/*
 * nl.h - inside netsetup only: a netlink socket that believes nothing but an answer to its own
 * question: the kernel as sender, our port, the sequence number in order, one ack a message.
 */
#pragma once

#include "runtime/base/error.h"

#include <linux/netlink.h>
#include <stdint.h>

enum {
	NL_WHAT_MAX = 80,
	NL_LABEL_MAX = 24
};

struct nl {
	int fd;
	uint32_t portid;
	uint32_t seq; /* of the last message that was made */
	char label[NL_LABEL_MAX]; /* "CT 101", begins every error; may be "" */
};

/* One message that was sent and what is to come back for it. */
struct nl_expect {
	uint32_t seq;
	int ignore[2]; /* errnos that are as good as success; 0: none */
	char what[NL_WHAT_MAX]; /* "add the route to 10.0.0.1", for the error */
};

typedef int nl_msg_fn(const struct nlmsghdr *nlh, void *data);

/* In the network namespace of the caller. ret->fd is owned by the caller. */
int nl_open(int protocol, const char *label, struct nl *ret, struct berth_error *err);
void nl_close(struct nl *nl);

/* From here on the socket is for nl_hear alone: it hears what the kernel tells to a group, and never waits. */
int nl_join(struct nl *nl, int group, struct berth_error *err);

/*
 * Gives what was told since to fn, up to a bound: the rest is there for the next call. -ENOBUFS: some of it
 * was lost.
 */
int nl_hear(struct nl *nl, nl_msg_fn *fn, void *data);

/*
 * Sends the messages in buf at once and takes their acks. The first failure that is not to be
 * ignored is the error, with the kernel's own explanation in it; the others are drained.
 */
int nl_transact(struct nl *nl, const void *buf, size_t len, const struct nl_expect *expect,
		unsigned int n, struct berth_error *err);

/*
 * Sends one request and gives each answer to fn until the dump is done or, for a request without
 * NLM_F_DUMP, until the first answer. -EAGAIN: the tables changed meanwhile, ask again.
 */
int nl_request(struct nl *nl, const struct nlmsghdr *request, const char *what, nl_msg_fn *fn,
	       void *data, struct berth_error *err);
