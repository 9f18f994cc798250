/* server.c - the listener: who may connect, how many, and what happens without descriptors. */
#include "runtime/rpc/impl.h"

#include "runtime/base/cleanup.h"

#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum {
	ACCEPT_BATCH = 32, /* then other sources get their turn */
	ACCEPT_PAUSE_MS = 200,
	/* Peers that are not root cannot take all the connections from root. */
	PLAIN_CONNECTIONS_MAX = RPC_CONNECTIONS_MAX / 2,
};

static void server_pause(struct rpc_server *s)
{
	s->paused = true;
	(void)ev_io_set_events(s->source, 0);
}

static void server_resume(struct rpc_server *s)
{
	if (!s->paused || s->n_conns >= RPC_CONNECTIONS_MAX)
		return;
	s->paused = false;
	(void)ev_io_set_events(s->source, EPOLLIN);
}

static void server_on_timer(struct ev_source *source, void *data)
{
	(void)source;
	server_resume(data);
}

void server_conn_gone(struct rpc_server *s, const struct rpc_conn *c)
{
	s->n_conns--;
	s->n_plain -= c->peer.uid != 0;
	server_resume(s);
}

/* Out of descriptors or memory: a listener left readable would spin the loop. */
static void server_on_accept_error(struct rpc_server *s, int error)
{
	if (error == EAGAIN || error == EINTR || error == ECONNABORTED)
		return;
	server_pause(s);
	(void)ev_timer_set(s->resume, ACCEPT_PAUSE_MS);
}

static void server_on_connect(struct ev_source *source, uint32_t events, void *data)
{
	struct rpc_server *s = data;

	(void)source;
	(void)events;
	for (int i = 0; i < ACCEPT_BATCH; i++) {
		auto_close int fd = -EBADF;
		struct rpc_peer peer;

		if (s->n_conns >= RPC_CONNECTIONS_MAX) {
			server_pause(s);
			return;
		}
		fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0) {
			server_on_accept_error(s, errno);
			return;
		}
		if (peer_identify(fd, s->read_gid, &peer) < 0)
			continue;
		if (peer.uid != 0 && s->n_plain >= PLAIN_CONNECTIONS_MAX)
			continue;
		(void)conn_new(s, take_fd(&fd), &peer);
	}
}

static int server_watch(struct rpc_server *s)
{
	struct stat st;
	int r;

	if (lstat(s->path, &st) < 0)
		return -errno;
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	r = ev_add_io(s->ev, s->fd, EPOLLIN, server_on_connect, s, &s->source);
	if (r < 0)
		return r;
	return ev_add_timer(s->ev, 0, server_on_timer, s, &s->resume);
}

int rpc_server_new(struct ev *ev, const char *path, const char *group,
		   const struct rpc_method *methods, size_t n_methods,
		   const struct rpc_interface *interfaces, size_t n_interfaces, void *data,
		   struct rpc_server **ret, struct berth_error *err)
{
	size_t list_size = n_interfaces * sizeof(*interfaces);
	struct rpc_server *s = calloc(1, sizeof(*s) + list_size);
	int r;

	if (s == NULL || (s->path = strdup(path)) == NULL) {
		free(s);
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "listen at %s", path);
	}
	s->ev = ev;
	s->read_gid = group_lookup(group);
	s->methods = methods;
	s->n_methods = n_methods;
	s->n_interfaces = n_interfaces;
	if (n_interfaces > 0)
		memcpy(s->interfaces, interfaces, list_size);
	s->data = data;
	s->fd = socket_listen(path, s->read_gid, err);
	if (s->fd < 0) {
		r = s->fd;
		rpc_server_free(s);
		return r;
	}
	r = server_watch(s);
	if (r < 0) {
		rpc_server_free(s);
		return berth_error_sys(err, r, "watch the socket %s", path);
	}
	*ret = s;
	return 0;
}

void rpc_server_on_order(struct rpc_server *s, rpc_order_fn *order, rpc_answer_fn *answer)
{
	s->on_order = order;
	s->on_answer = answer;
}

void rpc_server_free(struct rpc_server *s)
{
	struct stat st;

	if (s == NULL)
		return;
	ev_remove(s->source);
	ev_remove(s->resume);
	s->source = NULL;
	s->paused = false;
	while (s->conns != NULL)
		conn_free(s->conns);
	/* A newer berthd may have put its own socket there. */
	if (s->fd >= 0 && lstat(s->path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino)
		(void)unlink(s->path);
	if (s->fd >= 0)
		(void)close(s->fd);
	free(s->path);
	free(s);
}
