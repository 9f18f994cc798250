/*
 * rtnl.c - the queue of rtnetlink messages, and questions. What is on the wire stays in here and in rtnl_link.c and
 * rtnl_addr.c; venet.c and its neighbours say what they want.
 */
#include "netsetup/rtnl_msg.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
	DUMP_TRIES = 5
};

int rtnl_open(const char *label, struct rtnl **ret, struct berth_error *err)
{
	struct rtnl *r = malloc(sizeof(*r));
	int res;

	if (r == NULL)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "no memory for netlink");
	r->n = 0;
	r->used = 0;
	r->failed = 0;
	res = nl_open(NETLINK_ROUTE, label, &r->nl, err);
	if (res < 0) {
		free(r);
		return res;
	}
	*ret = r;
	return 0;
}

void rtnl_free(struct rtnl **r)
{
	if (*r == NULL)
		return;
	nl_close(&(*r)->nl);
	free(*r);
	*r = NULL;
}

/* ---- the queue ---- */

static void queue_flush(struct rtnl *r)
{
	if (r->n > 0 && r->failed == 0)
		r->failed = nl_transact(&r->nl, r->queue, r->used, r->expect, r->n, &r->error);
	r->n = 0;
	r->used = 0;
}

int rtnl_commit(struct rtnl *r, struct berth_error *err)
{
	int failed;

	queue_flush(r);
	failed = r->failed;
	r->failed = 0;
	if (failed < 0 && err != NULL)
		*err = r->error;
	return failed;
}

struct nlmsghdr *rtnl_msg_begin(struct rtnl *r, int type, unsigned int flags, size_t head_size,
				void **ret_head)
{
	struct nlmsghdr *nlh;

	if (r->n == RTNL_QUEUE_MAX || r->used + RTNL_MSG_ROOM > sizeof(r->queue))
		queue_flush(r);
	nlh = mnl_nlmsg_put_header(r->queue + r->used);
	nlh->nlmsg_type = (uint16_t)type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	nlh->nlmsg_seq = ++r->nl.seq;
	*ret_head = mnl_nlmsg_put_extra_header(nlh, head_size);
	return nlh;
}

void rtnl_msg_end(struct rtnl *r, const struct nlmsghdr *nlh, int ignore, const char *fmt, ...)
{
	struct nl_expect *x = &r->expect[r->n++];
	va_list ap;

	x->seq = nlh->nlmsg_seq;
	x->ignore[0] = ignore;
	/* What was on a link went with it: a tenant may remove its end at any time. */
	x->ignore[1] = ignore == ENOENT || ignore == ESRCH ? ENODEV : 0;
	va_start(ap, fmt);
	(void)vsnprintf(x->what, sizeof(x->what), fmt, ap);
	va_end(ap);
	r->used += NLMSG_ALIGN(nlh->nlmsg_len);
}

const struct rtnl_op_row rtnl_ops[] = {
	[RTNL_ADD] = {0, NLM_F_CREATE | NLM_F_EXCL, "add"},
	[RTNL_REPLACE] = {0, NLM_F_CREATE | NLM_F_REPLACE, "set"},
	[RTNL_DEL] = {1, 0, "remove"},
};

void rtnl_put_addr(struct nlmsghdr *nlh, int type, const struct net_addr *a)
{
	mnl_attr_put(nlh, (uint16_t)type, net_addr_size(a), net_addr_bytes(a));
}

const char *rtnl_addr_text(const struct net_addr *a, char *buf)
{
	struct net_addr host = *a;

	if (!net_addr_is_net(a))
		host.prefix = net_addr_bits(a);
	return net_addr_format(&host, buf);
}

/* ---- questions ---- */

void rtnl_request_begin(struct rtnl *r, struct rtnl_request *q, int type, unsigned int flags,
			size_t head_size)
{
	q->nlh = mnl_nlmsg_put_header(q->buf);
	q->nlh->nlmsg_type = (uint16_t)type;
	q->nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	q->nlh->nlmsg_seq = ++r->nl.seq;
	q->head = mnl_nlmsg_put_extra_header(q->nlh, head_size);
}

int rtnl_request_dump(struct rtnl *r, struct rtnl_request *q, const char *what, nl_msg_fn *fn,
		      void *data, struct berth_error *err)
{
	int res = -EAGAIN;

	for (int i = 0; i < DUMP_TRIES && res == -EAGAIN; i++) {
		q->nlh->nlmsg_seq = ++r->nl.seq;
		res = nl_request(&r->nl, q->nlh, what, fn, data, err);
	}
	return res;
}

bool rtnl_attr_has(const struct nlattr *a, size_t size)
{
	return mnl_attr_get_payload_len(a) >= size;
}

void rtnl_attr_text(const struct nlattr *a, char *buf, size_t size)
{
	size_t len = mnl_attr_get_payload_len(a);

	len = len < size ? len : size - 1;
	memcpy(buf, mnl_attr_get_payload(a), len);
	buf[len] = '\0';
}

bool rtnl_attr_addr(const struct nlattr *a, int family, struct net_addr *ret)
{
	ret->family = family;
	if (!rtnl_attr_has(a, net_addr_size(ret)))
		return false;
	memcpy(net_addr_bytes_of(ret), mnl_attr_get_payload(a), net_addr_size(ret));
	return true;
}
