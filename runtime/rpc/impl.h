/* impl.h - what the files of runtime/rpc share; nobody else includes it. */
#pragma once

#include "runtime/rpc/rpc.h"

/* ---- frame.c ---- */

/* As rpc_frame_find with another limit: the client takes longer replies than the server calls. */
ssize_t frame_find(const char *buf, size_t len, size_t max);

/* A byte queue that grows on demand and is freed when it runs empty. */
struct rpc_buffer {
	char *data;
	size_t used; /* bytes consumed already, at the front */
	size_t len; /* end of the bytes in data */
	size_t size;
};

size_t buffer_pending(const struct rpc_buffer *b);
/* Room for n more bytes behind data + len. -ENOMEM. */
int buffer_reserve(struct rpc_buffer *b, size_t n);
/* Forgets the first n pending bytes. */
void buffer_consume(struct rpc_buffer *b, size_t n);
void buffer_free(struct rpc_buffer *b);

/* ---- message.c: pure ---- */

struct rpc_request {
	const char *method; /* these two are borrowed from the message */
	json_t *parameters; /* NULL: the call had none */
	bool more, oneway, upgrade;
};

/* What a call's JSON object says. -EBADMSG when it is no call. */
int request_parse(const json_t *message, struct rpc_request *ret);

/* Parameters of an error reply, and back. */
json_t *error_to_json(const struct berth_error *e);
int error_from_reply(const char *name, const json_t *parameters, const char *method,
		     struct berth_error *err);

/* ---- socket.c ---- */

/* A non-blocking listener at path. The caller owns it. */
int socket_listen(const char *path, gid_t gid, struct berth_error *err);
/* A blocking connection. -errno. */
int socket_connect(const char *path);
/* The same; each wait, for the connection, to send or to receive, is -EAGAIN after limit_s seconds (0: never). */
int socket_connect_within(const char *path, unsigned int limit_s);
/* -EAGAIN instead of waiting for a server that is busy; the descriptor does not wait either. */
int socket_connect_at_once(const char *path);

/* ---- peer.c ---- */

int peer_identify(int fd, gid_t read_gid, struct rpc_peer *ret);
/* The gid of a group by name; 0 (root) when there is no such group. */
gid_t group_lookup(const char *name);

/* ---- conn.c, call.c, service.c ---- */

struct rpc_conn;

/* What came with a message besides its bytes. */
struct rpc_fds {
	int fd[RPC_FDS_MAX];
	unsigned int n;
	bool cut; /* there were some that were not taken */
};

struct rpc_call {
	struct rpc_conn *conn; /* NULL: the client is gone */
	struct rpc_peer peer;
	bool more, oneway;
	struct rpc_fds fds;
	void (*gone)(struct rpc_call *c, void *data);
	void *gone_data;
	/* Of an order, else NULL; the server may have ended before the call does. */
	void *order;
	rpc_answer_fn *on_answer;
	void *answer_data;
};

/*
 * A connection runs one call at a time, as Varlink's replies carry no number and must come in the
 * order of the calls. It is freed only from its own io callback or by the server's end, never
 * inside rpc_reply*: those shut the socket down, and the hang-up comes with the next event.
 */
struct rpc_conn {
	struct rpc_server *server;
	struct rpc_conn *prev, *next;
	int fd;
	struct ev_source *source;
	struct rpc_peer peer;
	struct rpc_buffer in, out;
	struct rpc_fds fds; /* of the first message in the input buffer */
	unsigned int n_waiting; /* whole messages in the input buffer */
	struct rpc_call *call; /* the running one */
	bool eof; /* no more input, but replies may still be wanted */
	bool broken; /* shut down; nothing more is sent */
};

struct rpc_server {
	struct ev *ev;
	int fd;
	gid_t read_gid;
	char *path;
	dev_t dev;
	ino_t ino;
	struct ev_source *source;
	struct ev_source *resume; /* timer: accept again after EMFILE */
	const struct rpc_method *methods;
	size_t n_methods;
	rpc_order_fn *on_order; /* or NULL */
	rpc_answer_fn *on_answer; /* with it */
	void *data;
	struct rpc_conn *conns;
	unsigned int n_conns, n_plain; /* all; those of peers that are not root */
	bool paused;
	size_t n_interfaces;
	struct rpc_interface interfaces[];
};

/* Takes fd over, also on failure. */
int conn_new(struct rpc_server *s, int fd, const struct rpc_peer *peer);
void conn_free(struct rpc_conn *c);
/* Queues one message and sends what the socket takes. */
void conn_send(struct rpc_conn *c, const json_t *message);
/* parameters is the text of an object. */
void conn_send_text(struct rpc_conn *c, const char *parameters, size_t len);
/* Watches for what the connection can use now. */
void conn_update_events(struct rpc_conn *c);
/* A connection has gone: there is room to accept again. */
void server_conn_gone(struct rpc_server *s, const struct rpc_conn *c);

void fds_close(struct rpc_fds *f);

/* Runs one message, and takes its descriptors. -EBADMSG when the peer broke the protocol, else 0. */
int call_dispatch(struct rpc_conn *conn, const char *text, size_t len);
/* The client is gone; frees the call, or leaves it to its owner's last reply. */
void call_orphan(struct rpc_call *c);
/* Ends the call with an error that is not one of ours. parameters is stolen. */
void call_reply_named(struct rpc_call *c, const char *error, json_t *parameters);

/* Answers if the method is one of org.varlink.service; false otherwise. */
bool service_call(struct rpc_call *c, const char *method, const json_t *parameters);
bool service_has_interface(const struct rpc_server *s, const char *name, size_t len);
