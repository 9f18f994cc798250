/* nl.c - netlink transport with strict acknowledgement; knows no message of any subsystem. */
#include "netsetup/nl.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fault.h"

#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#ifndef NETLINK_GET_STRICT_CHK
#define NETLINK_GET_STRICT_CHK 12
#endif

static const size_t attr_head = NLMSG_ALIGN(sizeof(struct nlattr));

enum {
	NL_RECV_SIZE = 32768,
	NL_RECV_SECONDS = 10,
	NL_HEAR_MAX = 64, /* datagrams a call */
	NL_HEAR_BUFFER = 4 << 20 /* bytes; some hundred CTs at once */
};

/* NLMSG_DATA drops the const. */
static const void *nl_payload(const struct nlmsghdr *nlh)
{
	return (const char *)nlh + NLMSG_HDRLEN;
}

/* Text for people: what was tried, the errno, and what the kernel itself says about it. */
static int nl_error(const struct nl *nl, struct berth_error *err, int sys, const char *what,
		    const char *extack)
{
	enum berth_errcode code = BERTH_ERR_NET;

	if (sys == EPERM || sys == EACCES)
		code = BERTH_ERR_PERMISSION;
	else if (sys == EOPNOTSUPP || sys == EAFNOSUPPORT || sys == EPROTONOSUPPORT)
		code = BERTH_ERR_UNSUPPORTED;
	return berth_error_set(err, code, sys, "%s%s%s: %s%s%s%s", nl->label,
			       nl->label[0] != '\0' ? ": " : "", what, strerror(sys),
			       extack[0] != '\0' ? " (kernel: " : "", extack,
			       extack[0] != '\0' ? ")" : "");
}

int nl_open(int protocol, const char *label, struct nl *ret, struct berth_error *err)
{
	const struct timeval patience = {.tv_sec = NL_RECV_SECONDS};
	struct sockaddr_nl addr = {.nl_family = AF_NETLINK};
	socklen_t len = sizeof(addr);
	struct nl nl = {0};
	const int on = 1;
	int r = FAULT_POINT("netlink.open");
	auto_close int fd = r < 0 ? r : socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	strncpy(nl.label, label, sizeof(nl.label) - 1);
	if (r < 0)
		return nl_error(&nl, err, -r, "open a netlink socket", "");
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, len) < 0 ||
	    getsockname(fd, (struct sockaddr *)&addr, &len) < 0)
		return nl_error(&nl, err, errno, "open a netlink socket", "");
	/* Without these the answers are larger or say less; nothing else depends on them. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	nl.portid = addr.nl_pid;
	nl.fd = take_fd(&fd);
	*ret = nl;
	return 0;
}

void nl_close(struct nl *nl)
{
	if (nl->fd >= 0)
		(void)close(nl->fd);
	nl->fd = -EBADF;
}

static int nl_send(struct nl *nl, const void *buf, size_t len)
{
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	ssize_t n;

	do {
		n = sendto(nl->fd, buf, len, 0, (const struct sockaddr *)&kernel, sizeof(kernel));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

/* One datagram of the kernel; what anybody else sends is passed over. */
static ssize_t nl_recv(struct nl *nl, void *buf, size_t size, int flags)
{
	for (;;) {
		struct sockaddr_nl from = {0};
		struct iovec iov = {.iov_base = buf, .iov_len = size};
		struct msghdr msg = {.msg_name = &from,
				     .msg_namelen = sizeof(from),
				     .msg_iov = &iov,
				     .msg_iovlen = 1};
		ssize_t n = recvmsg(nl->fd, &msg, flags);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (from.nl_pid != 0)
			continue;
		if ((msg.msg_flags & MSG_TRUNC) != 0)
			return -EMSGSIZE;
		return n;
	}
}

static const struct nlmsghdr *nl_next(const struct nlmsghdr *nlh, size_t *left)
{
	size_t step = NLMSG_ALIGN(nlh->nlmsg_len);

	if (step >= *left) {
		*left = 0;
		return NULL;
	}
	*left -= step;
	return (const struct nlmsghdr *)(const void *)((const char *)nlh + step);
}

static bool nl_fits(const struct nlmsghdr *nlh, size_t left)
{
	return left >= sizeof(*nlh) && nlh->nlmsg_len >= sizeof(*nlh) && nlh->nlmsg_len <= left;
}

/* The text that the kernel adds to a refusal, or "". */
static const char *nl_extack(const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *e = nl_payload(nlh);
	size_t off = NLMSG_HDRLEN + sizeof(*e);

	if ((nlh->nlmsg_flags & NLM_F_ACK_TLVS) == 0)
		return "";
	if ((nlh->nlmsg_flags & NLM_F_CAPPED) == 0)
		off += NLMSG_ALIGN(e->msg.nlmsg_len) - sizeof(e->msg);
	while (off + attr_head <= nlh->nlmsg_len) {
		const struct nlattr *a = (const void *)((const char *)nlh + off);
		const char *text = (const char *)a + attr_head;

		if (a->nla_len < attr_head || a->nla_len > nlh->nlmsg_len - off)
			break;
		if ((a->nla_type & NLA_TYPE_MASK) == NLMSGERR_ATTR_MSG &&
		    memchr(text, '\0', a->nla_len - attr_head) != NULL)
			return text;
		off += NLMSG_ALIGN((size_t)a->nla_len);
	}
	return "";
}

/* Which of the messages it answers; n when none. */
static unsigned int nl_find(const struct nl_expect *expect, unsigned int n, uint32_t seq)
{
	unsigned int i = 0;

	while (i < n && expect[i].seq != seq)
		i++;
	return i;
}

/*
 * One ack. Returns 1 when it is the one that was due, a negative errno when something failed.
 * An error may come for a message without an ack of its own (the begin of an nftables batch).
 */
static int nl_take_ack(const struct nl *nl, const struct nlmsghdr *nlh,
		       const struct nl_expect *expect, unsigned int n, unsigned int due,
		       struct berth_error *err)
{
	const struct nlmsgerr *e = nl_payload(nlh);
	unsigned int i = nl_find(expect, n, nlh->nlmsg_seq);

	if (nlh->nlmsg_pid != nl->portid || nlh->nlmsg_type != NLMSG_ERROR ||
	    nlh->nlmsg_len < NLMSG_LENGTH(sizeof(*e)))
		return nl_error(nl, err, EPROTO, "an unexpected netlink answer", "");
	if (e->error != 0 &&
	    (i == n || (e->error != -expect[i].ignore[0] && e->error != -expect[i].ignore[1])))
		return nl_error(nl, err, -e->error,
				i < n ? expect[i].what : "begin a netlink batch", nl_extack(nlh));
	if (i != due)
		return nl_error(nl, err, EPROTO, "a netlink ack out of order", "");
	return 1;
}

static int nl_take_acks(struct nl *nl, const struct nl_expect *expect, unsigned int n, char *buf,
			struct berth_error *err)
{
	unsigned int due = 0;

	while (due < n) {
		ssize_t got = nl_recv(nl, buf, NL_RECV_SIZE, 0);
		const struct nlmsghdr *nlh = (const void *)buf;
		size_t left = got > 0 ? (size_t)got : 0;

		if (got < 0)
			return nl_error(nl, err, got == -EAGAIN ? ETIMEDOUT : (int)-got,
					expect[due].what, "");
		for (; nlh != NULL && due < n; nlh = nl_next(nlh, &left)) {
			int r;

			if (!nl_fits(nlh, left))
				return nl_error(nl, err, EPROTO, "an incomplete netlink answer",
						"");
			r = nl_take_ack(nl, nlh, expect, n, due, err);
			if (r < 0)
				return r;
			due++;
		}
	}
	return 0;
}

int nl_transact(struct nl *nl, const void *buf, size_t len, const struct nl_expect *expect,
		unsigned int n, struct berth_error *err)
{
	_Alignas(struct nlmsghdr) char in[NL_RECV_SIZE];
	int r = nl_send(nl, buf, len);

	if (r < 0)
		return nl_error(nl, err, -r, n > 0 ? expect[0].what : "send to netlink", "");
	r = nl_take_acks(nl, expect, n, in, err);
	/* The kernel answered the whole batch before sendto returned: what is left is there now. */
	while (r < 0 && nl_recv(nl, in, sizeof(in), MSG_DONTWAIT) > 0)
		continue;
	return r;
}

struct nl_answer {
	const char *what;
	nl_msg_fn *fn;
	void *data;
	bool dump, changed;
};

/* One message of an answer: 1 when it was the last, 0 when more comes. */
static int nl_take_answer(const struct nl *nl, const struct nlmsghdr *nlh, struct nl_answer *a,
			  struct berth_error *err)
{
	const struct nlmsgerr *e = nl_payload(nlh);
	int r;

	if (nlh->nlmsg_seq != nl->seq || nlh->nlmsg_pid != nl->portid)
		return 0; /* left over from an earlier dump that was given up */
	if ((nlh->nlmsg_flags & NLM_F_DUMP_INTR) != 0)
		a->changed = true;
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		r = nlh->nlmsg_len >= NLMSG_LENGTH(sizeof(*e)) ? e->error : -EPROTO;
		return r == 0 ? 1 : nl_error(nl, err, -r, a->what, nl_extack(nlh));
	}
	if (nlh->nlmsg_type == NLMSG_DONE) {
		r = nlh->nlmsg_len >= NLMSG_LENGTH(sizeof(e->error)) ? e->error : 0;
		return r == 0 ? 1 : nl_error(nl, err, -r, a->what, "");
	}
	r = a->fn(nlh, a->data);
	if (r < 0)
		return nl_error(nl, err, -r, a->what, "");
	return a->dump ? 0 : 1;
}

int nl_request(struct nl *nl, const struct nlmsghdr *request, const char *what, nl_msg_fn *fn,
	       void *data, struct berth_error *err)
{
	_Alignas(struct nlmsghdr) char in[NL_RECV_SIZE];
	struct nl_answer a = {.what = what, .fn = fn, .data = data};
	int r = nl_send(nl, request, request->nlmsg_len);

	if (r < 0)
		return nl_error(nl, err, -r, what, "");
	a.dump = (request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	for (r = 0; r == 0;) {
		ssize_t got = nl_recv(nl, in, sizeof(in), 0);
		const struct nlmsghdr *nlh = (const void *)in;
		size_t left = got > 0 ? (size_t)got : 0;

		if (got < 0)
			return nl_error(nl, err, got == -EAGAIN ? ETIMEDOUT : (int)-got, what, "");
		for (; r == 0 && nlh != NULL; nlh = nl_next(nlh, &left)) {
			if (!nl_fits(nlh, left))
				return nl_error(nl, err, EPROTO, "an incomplete netlink answer",
						"");
			r = nl_take_answer(nl, nlh, &a, err);
		}
	}
	if (r > 0 && a.changed)
		return nl_error(nl, err, EAGAIN, what, "");
	return r < 0 ? r : 0;
}

int nl_join(struct nl *nl, int group, struct berth_error *err)
{
	const int room = NL_HEAR_BUFFER;

	if (setsockopt(nl->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		return nl_error(nl, err, errno, "listen to the kernel's netlink group", "");
	(void)setsockopt(nl->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	return 0;
}

int nl_hear(struct nl *nl, nl_msg_fn *fn, void *data)
{
	_Alignas(struct nlmsghdr) char in[NL_RECV_SIZE];

	for (int i = 0; i < NL_HEAR_MAX; i++) {
		ssize_t got = nl_recv(nl, in, sizeof(in), MSG_DONTWAIT);
		const struct nlmsghdr *nlh = (const void *)in;
		size_t left = got > 0 ? (size_t)got : 0;

		if (got == -EAGAIN)
			return 0;
		if (got < 0) /* also one that is too long for us: we do not know what it said */
			return -ENOBUFS;
		for (; nlh != NULL && nl_fits(nlh, left); nlh = nl_next(nlh, &left))
			(void)fn(nlh, data);
	}
	return 0;
}
