/* client.c - blocking calls, for the command line. */
#include "runtime/rpc/impl.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"

#include <string.h>
#include <sys/socket.h>

/* The daemon is trusted, and a list of all containers of a big host is long. */
enum {
	READ_CHUNK = 64 << 10,
	REPLY_MAX = RPC_OUTPUT_MAX
};

struct rpc_client {
	int fd;
	struct rpc_buffer in;
};

int rpc_client_open(const char *path, struct rpc_client **ret, struct berth_error *err)
{
	return rpc_client_open_within(path, 0, ret, err);
}

int rpc_client_open_within(const char *path, unsigned int limit_s, struct rpc_client **ret,
			   struct berth_error *err)
{
	auto_close int fd = socket_connect_within(path, limit_s);
	struct rpc_client *c;

	if (fd == -ENOENT || fd == -ECONNREFUSED || fd == -ENOTDIR)
		return berth_error_set(err, BERTH_ERR_NO_DAEMON, -fd,
				       "berthd does not answer at %s; start it: systemctl start "
				       "berthd",
				       path);
	if (fd == -EACCES)
		return berth_error_set(err, BERTH_ERR_PERMISSION, EACCES,
				       "no permission for %s; be root, or a member of the group of "
				       "that socket to read only",
				       path);
	if (fd == -EAGAIN)
		return berth_error_set(err, BERTH_ERR_TIMEOUT, ETIMEDOUT,
				       "berthd at %s has taken no call for %u s", path, limit_s);
	if (fd < 0)
		return berth_error_sys(err, fd, "connect to berthd at %s", path);
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "connect to berthd");
	c->fd = take_fd(&fd);
	*ret = c;
	return 0;
}

void rpc_client_tell(const char *path, const char *method, json_t *parameters)
{
	json_t *call = json_pack("{s:s, s:o, s:b}", "method", method, "parameters", parameters,
				 "oneway", 1);
	auto_free char *text = call != NULL ? json_dumps(call, JSON_COMPACT) : NULL;
	auto_close int fd = text != NULL ? socket_connect_at_once(path) : -ENOMEM;

	json_decref(call);
	if (fd >= 0)
		(void)send(fd, text, strlen(text) + 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void rpc_client_free(struct rpc_client *c)
{
	if (c == NULL)
		return;
	(void)close(c->fd);
	buffer_free(&c->in);
	free(c);
}

/* The descriptors go with the first byte. */
static int client_send(struct rpc_client *c, const char *text, size_t len, const int *fds,
		       unsigned int n_fds)
{
	if (n_fds > 0) {
		int r = fd_send_message(c->fd, text, 1, fds, n_fds);

		if (r < 0)
			return r;
		text++;
		len--;
	}
	while (len > 0) {
		ssize_t n = send(c->fd, text, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

static int client_send_call(struct rpc_client *c, const char *method, json_t *parameters, bool more,
			    const int *fds, unsigned int n_fds)
{
	json_t *call = json_pack("{s:s, s:o}", "method", method, "parameters",
				 parameters != NULL ? parameters : json_object());
	auto_free char *text = NULL;

	if (call == NULL)
		return -ENOMEM;
	if (more)
		(void)json_object_set_new(call, "more", json_true());
	text = json_dumps(call, JSON_COMPACT);
	json_decref(call);
	if (text == NULL)
		return -ENOMEM;
	if (strlen(text) > RPC_MESSAGE_MAX)
		return -EMSGSIZE;
	return client_send(c, text, strlen(text) + 1, fds, n_fds);
}

/* One whole message. -ECONNRESET when the daemon is gone. */
static int client_receive(struct rpc_client *c, json_t **ret)
{
	for (;;) {
		ssize_t n = 0;
		int r;

		if (buffer_pending(&c->in) > 0)
			n = frame_find(c->in.data + c->in.used, buffer_pending(&c->in), REPLY_MAX);
		if (n < 0)
			return (int)n;
		if (n > 0) {
			r = rpc_message_parse(c->in.data + c->in.used, (size_t)n, ret);
			buffer_consume(&c->in, (size_t)n + 1);
			return r;
		}
		r = buffer_reserve(&c->in, READ_CHUNK);
		if (r < 0)
			return r;
		n = recv(c->fd, c->in.data + c->in.len, READ_CHUNK, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ECONNRESET;
		c->in.len += (size_t)n;
	}
}

static int transport_error(const char *method, int r, struct berth_error *err)
{
	if (r == -ECONNRESET || r == -EPIPE)
		return berth_error_set(err, BERTH_ERR_NO_DAEMON, -r,
				       "berthd ended during %s; when it runs again it finishes or "
				       "undoes what it had begun: systemctl start berthd",
				       method);
	if (r == -EBADMSG || r == -EMSGSIZE)
		return berth_error_set(err, BERTH_ERR_PROTOCOL, -r,
				       "berthd's answer to %s is not Varlink, or over %d MiB",
				       method, REPLY_MAX >> 20);
	if (r == -EAGAIN)
		return berth_error_set(err, BERTH_ERR_TIMEOUT, ETIMEDOUT,
				       "berthd has not answered %s in time", method);
	return berth_error_sys(err, r, "call %s of berthd", method);
}

/* Reads replies up to the last; that one goes to *ret. */
static int client_collect(struct rpc_client *c, int (*progress)(json_t *parameters, void *data),
			  void *data, json_t **ret)
{
	for (;;) {
		json_t *message;
		int r = client_receive(c, &message);

		if (r < 0)
			return r;
		if (!json_is_true(json_object_get(message, "continues"))) {
			*ret = message;
			return 0;
		}
		if (progress != NULL)
			r = progress(json_object_get(message, "parameters"), data);
		json_decref(message);
		if (r != 0) {
			(void)shutdown(c->fd, SHUT_RDWR);
			return -ECANCELED;
		}
	}
}

static int reply_parse(const json_t *reply, const char *method, json_t **ret,
		       struct berth_error *err)
{
	const json_t *name = json_object_get(reply, "error");
	json_t *parameters = json_object_get(reply, "parameters");

	if (json_is_string(name) && ret != NULL && json_object_get(parameters, "findings") != NULL)
		*ret = json_incref(parameters);
	if (json_is_string(name))
		return error_from_reply(json_string_value(name), parameters, method, err);
	if (json_is_null(parameters))
		parameters = NULL;
	if (name != NULL || (parameters != NULL && !json_is_object(parameters)))
		return transport_error(method, -EBADMSG, err);
	if (ret != NULL)
		*ret = parameters != NULL ? json_incref(parameters) : json_object();
	return 0;
}

int rpc_client_call(struct rpc_client *c, const char *method, json_t *parameters,
		    int (*progress)(json_t *parameters, void *data), void *data, json_t **ret,
		    struct berth_error *err)
{
	return rpc_client_call_fds(c, method, parameters, NULL, 0, progress, data, ret, err);
}

int rpc_client_call_fds(struct rpc_client *c, const char *method, json_t *parameters,
			const int *fds, unsigned int n_fds,
			int (*progress)(json_t *parameters, void *data), void *data, json_t **ret,
			struct berth_error *err)
{
	json_t *reply = NULL;
	int r = client_send_call(c, method, parameters, progress != NULL, fds, n_fds);

	if (r == 0)
		r = client_collect(c, progress, data, &reply);
	if (r == -ECANCELED)
		return berth_error_set(err, BERTH_ERR_SYSTEM, ECANCELED, "%s: interrupted", method);
	if (r < 0)
		return transport_error(method, r, err);
	r = reply_parse(reply, method, ret, err);
	json_decref(reply);
	return r;
}
