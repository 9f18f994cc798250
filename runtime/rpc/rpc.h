/*
 * rpc.h - Varlink (https://varlink.org) over a unix stream socket: a JSON object and a NUL a message.
 *
 * The only code that sees wire bytes. JSON by jansson; duplicate keys, depth over 16 and messages
 * over 1 MiB are refused and close the connection. A server gives every connection the identity of
 * SO_PEERCRED. org.varlink.service (GetInfo, GetInterfaceDescription) is answered from the
 * registered *.varlink texts, so that varlinkctl(1) works.
 *
 * A call may carry descriptors (SCM_RIGHTS with its first byte), when root sends it and the method takes them; its
 * parameters say which is which, by number from 0. It is sent when no call of the connection is unanswered, and what
 * follows it in a write of its own: else nobody could tell whose they are, and the connection is closed.
 */
#pragma once

#include "runtime/base/error.h"
#include "runtime/base/ev.h"

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

enum {
	RPC_MESSAGE_MAX = 1 << 20,
	RPC_DEPTH_MAX = 16,
	RPC_CALLS_MAX = 64, /* unanswered calls of one connection */
	RPC_CONNECTIONS_MAX = 512,
	RPC_OUTPUT_MAX = 8 << 20, /* a reader slower than this is dropped */
	RPC_FDS_MAX = 8, /* descriptors that come with one call */
};

/* ---- frames: pure ---- */

/*
 * Finds the first whole message in buf; 0 none yet, n > 0 its length without the NUL. -EMSGSIZE,
 * -EBADMSG for an empty message.
 */
ssize_t rpc_frame_find(const char *buf, size_t len);
/* Parses one message strictly. New reference in *ret. -EBADMSG. */
int rpc_message_parse(const char *text, size_t len, json_t **ret);

/* ---- server ---- */

struct rpc_server;
struct rpc_call; /* one call, alive until its last reply or until the client is gone */

struct rpc_peer {
	uid_t uid;
	gid_t gid;
	pid_t pid;
	bool in_read_group; /* member of the group given to rpc_server_new, or uid 0 */
};

/*
 * parameters is borrowed and always an object. The handler must lead to exactly one last reply,
 * now or from a later event. A connection's next call waits for it: replies come in order.
 */
typedef void rpc_method_fn(struct rpc_call *call, json_t *parameters, void *data);

/* Who may call a method. The first two are the numbers of false and true. */
enum rpc_access {
	RPC_READ,
	RPC_WRITE, /* uid 0 only; others get io.berth.PermissionDenied */
	RPC_WRITE_FDS /* the same, and it takes descriptors; all other methods refuse them */
};

struct rpc_method {
	const char *name; /* "io.berth.Container.Start" */
	rpc_method_fn *fn;
	enum rpc_access access;
};

struct rpc_interface {
	const char *name; /* "io.berth.Container" */
	const char *description; /* the text of the *.varlink file */
};

/*
 * Listens at path (0660 root:group; an old socket there is replaced). group NULL or unknown: root.
 * methods must outlive the server; interfaces are copied. org.varlink.service need not be listed.
 */
int rpc_server_new(struct ev *ev, const char *path, const char *group,
		   const struct rpc_method *methods, size_t n_methods,
		   const struct rpc_interface *interfaces, size_t n_interfaces, void *data,
		   struct rpc_server **ret, struct berth_error *err);
void rpc_server_free(struct rpc_server *s);

/*
 * order is told of each call of a method that changes something, by a peer that may, before it runs. What it returns,
 * unless NULL, goes to answer, once: with what the call was answered (error NULL: well; parameters may be NULL), or, when
 * the client has gone before, with gone true.
 */
struct rpc_answer {
	bool gone;
	const char *error;
	const json_t *parameters;
};
typedef void *rpc_order_fn(const struct rpc_peer *peer, const char *method,
			   const json_t *parameters, void *data);
typedef void rpc_answer_fn(void *order, const struct rpc_answer *answer, void *data);
void rpc_server_on_order(struct rpc_server *s, rpc_order_fn *order, rpc_answer_fn *answer);

const struct rpc_peer *rpc_call_peer(const struct rpc_call *c);
/* The descriptors that came with it, the caller's from now on; those that nobody takes are closed with the call. */
unsigned int rpc_call_take_fds(struct rpc_call *c, int fds[static RPC_FDS_MAX]);
/* The client said more: it takes several replies. */
bool rpc_call_wants_more(const struct rpc_call *c);
/* The client said oneway: it hears no answer, and may have gone. */
bool rpc_call_is_oneway(const struct rpc_call *c);
/*
 * Called once when the client goes before the last reply; the call is dead afterwards. A call
 * without this callback stays valid, unheard, until its last reply.
 */
void rpc_call_on_gone(struct rpc_call *c, void (*fn)(struct rpc_call *c, void *data), void *data);

/* parameters is stolen (may be NULL for {}). rpc_reply and rpc_reply_error end the call. */
void rpc_reply_more(struct rpc_call *c, json_t *parameters);
void rpc_reply(struct rpc_call *c, json_t *parameters);
/* As rpc_reply; the object is text already: making it of a long list takes a thread some time. */
void rpc_reply_text(struct rpc_call *c, const char *parameters, size_t len);
/* {"error": "io.berth.X", "parameters": {"message": ..., "code": exit status, "errno": ...}} */
void rpc_reply_error(struct rpc_call *c, const struct berth_error *e);
/* The same with more parameters; more is stolen, and may be NULL. */
void rpc_reply_error_with(struct rpc_call *c, const struct berth_error *e, json_t *more);
/* A string as JSON, which is UTF-8: of a text that is not, each byte beyond ASCII is '?'. New reference. */
json_t *rpc_text(const char *text);
/* Varlink's own errors; they end the call too. */
void rpc_reply_invalid_parameter(struct rpc_call *c, const char *name);

/* ---- client (blocking) ---- */

struct rpc_client;

/* BERTH_ERR_NO_DAEMON names the socket and "systemctl start berthd" when nobody listens. */
int rpc_client_open(const char *path, struct rpc_client **ret, struct berth_error *err);
/* The same; who is silent for limit_s seconds, then or in a call, is given up: BERTH_ERR_TIMEOUT. 0: is waited for. */
int rpc_client_open_within(const char *path, unsigned int limit_s, struct rpc_client **ret,
			   struct berth_error *err);
/*
 * Says one thing and waits for nothing: no answer, nor a server that is busy or gone. parameters is stolen.
 */
void rpc_client_tell(const char *path, const char *method, json_t *parameters);
void rpc_client_free(struct rpc_client *c);

/*
 * One call. parameters is stolen. progress (may be NULL) gets each reply with "continues": true,
 * parameters borrowed; it returns non-zero to hang up. *ret (may be NULL): new reference to the
 * parameters of the last reply. A Varlink error comes back as its berth_error; *ret is set with it if it has the
 * parameter "findings", and else left alone.
 */
int rpc_client_call(struct rpc_client *c, const char *method, json_t *parameters,
		    int (*progress)(json_t *parameters, void *data), void *data, json_t **ret,
		    struct berth_error *err);
/* The same with descriptors for the method, at most RPC_FDS_MAX, which stay the caller's. */
int rpc_client_call_fds(struct rpc_client *c, const char *method, json_t *parameters,
			const int *fds, unsigned int n_fds,
			int (*progress)(json_t *parameters, void *data), void *data, json_t **ret,
			struct berth_error *err);
