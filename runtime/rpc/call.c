/* call.c - one call from its message to its last reply: who may, which handler, what goes back. */
#include "runtime/rpc/impl.h"

#include "runtime/base/cleanup.h"

#include <string.h>
#include <unistd.h>

void fds_close(struct rpc_fds *f)
{
	for (unsigned int i = 0; i < f->n; i++)
		(void)close(f->fd[i]);
	*f = (struct rpc_fds){0};
}

unsigned int rpc_call_take_fds(struct rpc_call *c, int fds[static RPC_FDS_MAX])
{
	unsigned int n = c->fds.n;

	memcpy(fds, c->fds.fd, n * sizeof(int));
	c->fds.n = 0;
	return n;
}

static void call_free(struct rpc_call *c)
{
	fds_close(&c->fds);
	free(c);
}

static void call_answered(struct rpc_call *c, struct rpc_answer a)
{
	void *order = c->order;

	c->order = NULL;
	if (order != NULL)
		c->on_answer(order, &a, c->answer_data);
}

static const struct rpc_method *method_find(const struct rpc_server *s, const char *name)
{
	for (size_t i = 0; i < s->n_methods; i++)
		if (strcmp(s->methods[i].name, name) == 0)
			return &s->methods[i];
	return NULL;
}

static void reply_unknown(struct rpc_call *c, const char *method)
{
	const char *dot = strrchr(method, '.');
	size_t len = dot != NULL ? (size_t)(dot - method) : 0;

	if (service_has_interface(c->conn->server, method, len))
		call_reply_named(c, "org.varlink.service.MethodNotFound",
				 json_pack("{s:s}", "method", method));
	else
		call_reply_named(c, "org.varlink.service.InterfaceNotFound",
				 json_pack("{s:s%}", "interface", method, len));
}

static bool peer_may(struct rpc_call *c, const char *method, bool write)
{
	struct berth_error e = {0};

	if (c->peer.uid == 0 || (c->peer.in_read_group && !write))
		return true;
	(void)berth_error_set(
		&e, BERTH_ERR_PERMISSION, EACCES, "only root%s may call %s, not uid %u; use sudo",
		write ? "" : " and the group of berthd's socket", method, c->peer.uid);
	rpc_reply_error(c, &e);
	return false;
}

/* Descriptors that are not wanted are no part of a call that is run. */
static bool fds_may(struct rpc_call *c, const char *method, bool taken)
{
	struct berth_error e = {0};

	if (!c->fds.cut && (c->fds.n == 0 || taken))
		return true;
	if (c->peer.uid != 0)
		(void)berth_error_set(&e, BERTH_ERR_PERMISSION, EACCES,
				      "%s: only root's calls may carry descriptors", method);
	else if (!taken)
		(void)berth_error_set(&e, BERTH_ERR_PROTOCOL, EPROTO, "%s takes no descriptors",
				      method);
	else
		(void)berth_error_set(&e, BERTH_ERR_RESOURCES, EMFILE,
				      "%s: there are more than %d descriptors, or berthd has no "
				      "room for them (LimitNOFILE)",
				      method, (int)RPC_FDS_MAX);
	rpc_reply_error(c, &e);
	return false;
}

static void call_run(struct rpc_call *c, const struct rpc_request *q)
{
	const struct rpc_server *s = c->conn->server;
	const struct rpc_method *m = method_find(s, q->method);
	json_t *parameters = q->parameters;

	if (!peer_may(c, q->method, m != NULL && m->access != RPC_READ) ||
	    !fds_may(c, q->method, m != NULL && m->access == RPC_WRITE_FDS))
		return;
	if (q->upgrade) {
		rpc_reply_invalid_parameter(c, "upgrade");
		return;
	}
	if (m == NULL) {
		if (!service_call(c, q->method, parameters))
			reply_unknown(c, q->method);
		return;
	}
	parameters = parameters != NULL ? json_incref(parameters) : json_object();
	if (m->access != RPC_READ && s->on_order != NULL) {
		c->on_answer = s->on_answer;
		c->answer_data = s->data;
		c->order = s->on_order(&c->peer, q->method, parameters, s->data);
	}
	m->fn(c, parameters, s->data);
	json_decref(parameters);
}

int call_dispatch(struct rpc_conn *conn, const char *text, size_t len)
{
	struct rpc_request q;
	struct rpc_call *c;
	json_t *message;
	int r = rpc_message_parse(text, len, &message);

	if (r < 0)
		return r;
	r = request_parse(message, &q);
	c = r == 0 ? calloc(1, sizeof(*c)) : NULL;
	if (c != NULL) {
		c->conn = conn;
		c->peer = conn->peer;
		c->more = q.more;
		c->oneway = q.oneway;
		c->fds = conn->fds;
		conn->fds = (struct rpc_fds){0};
		conn->call = c;
		call_run(c, &q);
	} else if (r == 0) {
		r = -ENOMEM;
	}
	json_decref(message);
	return r;
}

const struct rpc_peer *rpc_call_peer(const struct rpc_call *c)
{
	return &c->peer;
}

bool rpc_call_wants_more(const struct rpc_call *c)
{
	return c->more;
}

bool rpc_call_is_oneway(const struct rpc_call *c)
{
	return c->oneway;
}

void rpc_call_on_gone(struct rpc_call *c, void (*fn)(struct rpc_call *c, void *data), void *data)
{
	c->gone = fn;
	c->gone_data = data;
}

void call_orphan(struct rpc_call *c)
{
	c->conn = NULL;
	call_answered(c, (struct rpc_answer){.gone = true});
	/* Without a callback its owner does not know, and will still reply: that frees it. */
	if (c->gone == NULL)
		return;
	c->gone(c, c->gone_data);
	call_free(c);
}

/* A reply; error NULL for a good one. parameters is stolen; none left means out of memory. */
static void call_send(struct rpc_call *c, const char *error, json_t *parameters, bool continues)
{
	json_t *message;

	if (!continues)
		call_answered(c, (struct rpc_answer){.error = error, .parameters = parameters});
	if (c->conn == NULL || c->oneway) {
		json_decref(parameters);
		return;
	}
	message = json_pack("{s:s*, s:o}", "error", error, "parameters", parameters);
	if (message != NULL && continues)
		(void)json_object_set_new(message, "continues", json_true());
	conn_send(c->conn, message);
	json_decref(message);
}

static void call_end(struct rpc_call *c)
{
	if (c->conn != NULL) {
		c->conn->call = NULL;
		conn_update_events(c->conn);
	}
	call_free(c);
}

void rpc_reply_more(struct rpc_call *c, json_t *parameters)
{
	if (!c->more) {
		json_decref(parameters);
		return;
	}
	call_send(c, NULL, parameters != NULL ? parameters : json_object(), true);
	if (c->conn != NULL)
		conn_update_events(c->conn);
}

void rpc_reply(struct rpc_call *c, json_t *parameters)
{
	call_send(c, NULL, parameters != NULL ? parameters : json_object(), false);
	call_end(c);
}

void rpc_reply_text(struct rpc_call *c, const char *parameters, size_t len)
{
	call_answered(c, (struct rpc_answer){0});
	if (c->conn != NULL && !c->oneway)
		conn_send_text(c->conn, parameters, len);
	call_end(c);
}

void call_reply_named(struct rpc_call *c, const char *error, json_t *parameters)
{
	call_send(c, error, parameters, false);
	call_end(c);
}

void rpc_reply_error_with(struct rpc_call *c, const struct berth_error *e, json_t *more)
{
	json_t *parameters = error_to_json(e);

	if (more != NULL)
		(void)json_object_update(parameters, more);
	json_decref(more);
	call_reply_named(c, berth_error_name(e->code), parameters);
}

void rpc_reply_error(struct rpc_call *c, const struct berth_error *e)
{
	rpc_reply_error_with(c, e, NULL);
}

void rpc_reply_invalid_parameter(struct rpc_call *c, const char *name)
{
	call_reply_named(c, "org.varlink.service.InvalidParameter",
			 json_pack("{s:s}", "parameter", name));
}
