/* conn.c - one client's connection: bounded buffers both ways, messages in order. */
#include "runtime/rpc/impl.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum {
	READ_CHUNK = 16 << 10,
	INPUT_MAX = RPC_MESSAGE_MAX + 1
};

/* A client that does not read its replies gets no further ones made. */
static bool conn_can_run(const struct rpc_conn *c)
{
	return c->call == NULL && c->n_waiting > 0 && !c->broken &&
	       buffer_pending(&c->out) < RPC_MESSAGE_MAX;
}

static bool conn_can_read(const struct rpc_conn *c)
{
	return !c->eof && !c->broken && c->n_waiting < RPC_CALLS_MAX &&
	       buffer_pending(&c->in) < INPUT_MAX;
}

/* All is said and answered. */
static bool conn_is_done(const struct rpc_conn *c)
{
	return c->eof && c->call == NULL && c->n_waiting == 0 && buffer_pending(&c->out) == 0;
}

void conn_update_events(struct rpc_conn *c)
{
	uint32_t events = 0;

	if (conn_can_read(c))
		events |= EPOLLIN;
	/* What waits is run from the loop, and the end comes there, never inside a reply. */
	if (buffer_pending(&c->out) > 0 || conn_can_run(c) || conn_is_done(c))
		events |= EPOLLOUT;
	(void)ev_io_set_events(c->source, events);
}

/* The hang-up that follows from this frees the connection, at a safe time. */
static void conn_break(struct rpc_conn *c)
{
	c->broken = true;
	buffer_free(&c->out);
	(void)shutdown(c->fd, SHUT_RDWR);
}

static void conn_flush(struct rpc_conn *c)
{
	while (!c->broken && buffer_pending(&c->out) > 0) {
		ssize_t n = send(c->fd, c->out.data + c->out.used, buffer_pending(&c->out),
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0)
			buffer_consume(&c->out, (size_t)n);
		else if (errno == EAGAIN)
			return;
		else if (errno != EINTR)
			conn_break(c);
	}
}

static int output_append(const char *text, size_t len, void *data)
{
	struct rpc_buffer *out = data;

	if (buffer_pending(out) + len > RPC_OUTPUT_MAX || buffer_reserve(out, len) < 0)
		return -1;
	memcpy(out->data + out->len, text, len);
	out->len += len;
	return 0;
}

void conn_send(struct rpc_conn *c, const json_t *message)
{
	if (c->broken)
		return;
	if (message == NULL ||
	    json_dump_callback(message, output_append, &c->out, JSON_COMPACT) < 0 ||
	    output_append("", 1, &c->out) < 0)
		conn_break(c);
	conn_flush(c);
}

void conn_send_text(struct rpc_conn *c, const char *parameters, size_t len)
{
	static const char begin[] = "{\"parameters\":";

	if (c->broken)
		return;
	if (output_append(begin, sizeof(begin) - 1, &c->out) < 0 ||
	    output_append(parameters, len, &c->out) < 0 || output_append("}", 2, &c->out) < 0)
		conn_break(c);
	conn_flush(c);
}

/* Ours: a frame, or the begin of one, that nothing stands before. */
static bool fds_have_a_call(const struct rpc_conn *c, const char *text, size_t len)
{
	const char *end = memchr(text, '\0', len);

	return c->call == NULL && c->n_waiting == 0 && buffer_pending(&c->in) == 0 &&
	       (end == NULL || end == text + len - 1);
}

/*
 * Descriptors come with the read that ends at the write they were sent with: the kernel puts nothing behind it, but
 * maybe something before. Those of a peer that is not root are never even taken.
 */
static ssize_t conn_receive(struct rpc_conn *c, size_t room)
{
	char *to = c->in.data + c->in.len;
	struct rpc_fds f = {0};
	ssize_t n = fd_recv_stream(c->fd, to, room, f.fd, c->peer.uid == 0 ? RPC_FDS_MAX : 0, &f.n,
				   &f.cut);

	if (n < 0 || (f.n == 0 && !f.cut))
		return n;
	if (!fds_have_a_call(c, to, (size_t)n)) {
		fds_close(&f);
		return -EBADMSG;
	}
	c->fds = f;
	return n;
}

static int conn_read(struct rpc_conn *c)
{
	while (conn_can_read(c)) {
		size_t room = INPUT_MAX - buffer_pending(&c->in);
		ssize_t n;

		if (room > READ_CHUNK)
			room = READ_CHUNK;
		if (buffer_reserve(&c->in, room) < 0)
			return -ENOMEM;
		n = conn_receive(c, room);
		if (n < 0)
			return n == -EAGAIN ? 0 : (int)n;
		if (n == 0)
			c->eof = true;
		for (ssize_t i = 0; i < n; i++)
			if (c->in.data[c->in.len + (size_t)i] == '\0')
				c->n_waiting++;
		c->in.len += (size_t)n;
	}
	return 0;
}

/* Runs what waits, until a call stays open. */
static int conn_run(struct rpc_conn *c)
{
	while (conn_can_run(c)) {
		const char *text = c->in.data + c->in.used;
		ssize_t n = rpc_frame_find(text, buffer_pending(&c->in));
		int r;

		if (n <= 0)
			return -EBADMSG;
		r = call_dispatch(c, text, (size_t)n);
		if (r < 0)
			return r;
		c->n_waiting--;
		buffer_consume(&c->in, (size_t)n + 1);
	}
	return c->n_waiting == 0 && buffer_pending(&c->in) > RPC_MESSAGE_MAX ? -EMSGSIZE : 0;
}

static void conn_on_io(struct ev_source *source, uint32_t events, void *data)
{
	struct rpc_conn *c = data;
	bool gone = (events & (EPOLLHUP | EPOLLERR)) != 0;
	int r = 0;

	(void)source;
	if ((events & EPOLLOUT) != 0)
		conn_flush(c);
	/* A client that is gone may have left calls that need no answer: those are run. */
	do {
		if (gone || (events & EPOLLIN) != 0)
			r = conn_read(c);
		if (r == 0)
			r = conn_run(c);
	} while (gone && r == 0 && conn_can_read(c) && c->call == NULL);
	if (gone || r < 0 || conn_is_done(c))
		conn_free(c);
	else
		conn_update_events(c);
}

int conn_new(struct rpc_server *s, int fd, const struct rpc_peer *peer)
{
	auto_close int owned = fd;
	struct rpc_conn *c = calloc(1, sizeof(*c));
	int r;

	if (c == NULL)
		return -ENOMEM;
	r = ev_add_io(s->ev, fd, EPOLLIN, conn_on_io, c, &c->source);
	if (r < 0) {
		free(c);
		return r;
	}
	c->server = s;
	c->fd = take_fd(&owned);
	c->peer = *peer;
	c->next = s->conns;
	if (c->next != NULL)
		c->next->prev = c;
	s->conns = c;
	s->n_conns++;
	s->n_plain += peer->uid != 0;
	return 0;
}

void conn_free(struct rpc_conn *c)
{
	struct rpc_server *s = c->server;

	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		s->conns = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	server_conn_gone(s, c);
	ev_remove(c->source);
	(void)close(c->fd);
	if (c->call != NULL)
		call_orphan(c->call);
	fds_close(&c->fds);
	buffer_free(&c->in);
	buffer_free(&c->out);
	free(c);
}
