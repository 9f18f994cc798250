/* metrics_serve.c - metrics by HTTP. */
#include "runtime/cli/metrics_serve.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/clock.h"
#include "runtime/cli/metrics.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	BACKLOG = 16,
	CLIENTS = 16,
	CLIENT_S = 10, /* until one that says nothing is let go */
	BERTHD_S =
		8, /* until berthd counts as down: less than the 10 seconds that Prometheus waits */
	CTS_MS = 1000, /* see metrics_serve.h */
	FINDINGS_MS = 300000
};

/* An array that berthd has told, and until when it is told again. */
struct told {
	json_t *list; /* NULL: it did not answer */
	uint64_t until_ms;
	bool failing; /* it was said that it does not */
};

struct metrics_server {
	struct cli cli;
	struct MHD_Daemon *http;
	struct told cts, findings;
};

/* ---- the answer ---- */

typedef int fetch_fn(struct cli *cli, json_t **ret, struct berth_error *err);

static uint64_t now_ms(void)
{
	return clock_monotonic_ns() / 1000000;
}

/* One request at a time: nobody else touches it. What failed is not asked again sooner than what went well. */
static void refresh(struct metrics_server *s, struct told *t, unsigned int for_ms, fetch_fn *fetch)
{
	struct berth_error err;
	bool failed;

	if (now_ms() < t->until_ms)
		return;
	json_decref(t->list);
	t->list = NULL;
	failed = fetch(&s->cli, &t->list, &err) < 0;
	t->until_ms = now_ms() + for_ms;
	if (failed && !t->failing)
		(void)fprintf(stderr, "berth-metrics: %s\n", err.msg);
	t->failing = failed;
}

static struct MHD_Response *metrics_response(struct metrics_server *s, const char *accept)
{
	enum metrics_format format = metrics_accepted(accept);
	struct MHD_Response *response;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	refresh(s, &s->cts, CTS_MS, metrics_fetch_cts);
	/* A berthd that has just not answered is not waited for a second time. */
	if (s->cts.list != NULL)
		refresh(s, &s->findings, FINDINGS_MS, metrics_fetch_findings);
	metrics_write(out, format, s->cts.list, s->cts.list != NULL ? s->findings.list : NULL);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	response = MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);
	if (response == NULL) {
		free(text);
		return NULL;
	}
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
				      metrics_content_type(format));
	return response;
}

static struct MHD_Response *plain_response(const char *text)
{
	/* MHD_RESPMEM_PERSISTENT: it is not written to. */
	return MHD_create_response_from_buffer(strlen(text), (void *)(size_t)text,
					       MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result answer(void *data, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_len, void **request)
{
	struct metrics_server *s = data;
	struct MHD_Response *response;
	unsigned int status = MHD_HTTP_OK;
	enum MHD_Result r;

	(void)version;
	(void)upload;
	(void)upload_len;
	(void)request;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
		status = MHD_HTTP_METHOD_NOT_ALLOWED;
		response = plain_response("use GET\n");
	} else if (strcmp(url, "/metrics") != 0) {
		status = MHD_HTTP_NOT_FOUND;
		response = plain_response("see /metrics\n");
	} else {
		response =
			metrics_response(s, MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
									MHD_HTTP_HEADER_ACCEPT));
	}
	if (response == NULL)
		return MHD_NO;
	r = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return r;
}

/* ---- begin and end ---- */

static int listen_on(const struct sockaddr *address, socklen_t len, const char *what,
		     struct berth_error *err)
{
	auto_close int fd =
		socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int on = 1;

	if (fd < 0 ||
	    (address->sa_family == AF_INET &&
	     setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0) ||
	    bind(fd, address, len) < 0 || listen(fd, BACKLOG) < 0)
		return berth_error_sys(err, errno, "listen on %s", what);
	return take_fd(&fd);
}

int metrics_listen_unix(const char *path, struct berth_error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat st;
	mode_t mask;
	int r;

	if (strlen(path) >= sizeof(address.sun_path))
		return berth_error_set(err, BERTH_ERR_VALUE, ENAMETOOLONG,
				       "the path of a socket has at most %zu bytes: %.60s...",
				       sizeof(address.sun_path) - 1, path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	/* An older one's of this program; nothing that is no socket is removed. */
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		(void)unlink(path);
	mask = umask(0117);
	r = listen_on((const struct sockaddr *)&address, sizeof(address), path, err);
	(void)umask(mask);
	return r;
}

int metrics_listen_port(uint16_t port, struct berth_error *err)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(port),
				      .sin_addr = {htonl(INADDR_LOOPBACK)}};
	char what[32];

	(void)snprintf(what, sizeof(what), "127.0.0.1:%u", port);
	return listen_on((const struct sockaddr *)&address, sizeof(address), what, err);
}

int metrics_serve_begin(const struct berth_paths *paths, int fd, struct metrics_server **ret,
			struct berth_error *err)
{
	struct metrics_server *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return berth_error_sys(err, ENOMEM, "begin to serve metrics");
	s->cli = (struct cli){
		.paths = *paths, .quiet = true, .limit_s = BERTHD_S, .program = "berth-metrics"};
	s->http = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, answer, s,
				   MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
				   (unsigned int)CLIENTS, MHD_OPTION_CONNECTION_TIMEOUT,
				   (unsigned int)CLIENT_S, MHD_OPTION_END);
	if (s->http == NULL) {
		free(s);
		return berth_error_sys(err, errno != 0 ? errno : EIO, "begin to serve metrics");
	}
	*ret = s;
	return 0;
}

void metrics_serve_end(struct metrics_server *s)
{
	MHD_stop_daemon(s->http); /* closes the socket, too */
	json_decref(s->cts.list);
	json_decref(s->findings.list);
	free(s);
}
