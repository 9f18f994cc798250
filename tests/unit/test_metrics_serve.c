/*
 * test_metrics_serve.c - metrics by HTTP on a Unix socket, without a berthd.
 *
 * covers: runtime/cli/metrics_main.c
 */
#include "runtime/cli/metrics_serve.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char top[] = "/tmp/test_metrics.XXXXXX", path[64];
static struct metrics_server *server;

static void begin(void)
{
	struct berth_paths paths;
	struct berth_error err;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/sock", top);
	CHECK(berth_paths_init(&paths, top, &err) == 0);
	fd = metrics_listen_unix(path, &err);
	CHECK(fd >= 0);
	CHECK(metrics_serve_begin(&paths, fd, &server, &err) == 0);
}

static int connected(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(a.sun_path, path, strlen(path) + 1);
	CHECK(connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0);
	return fd;
}

/* What it answers to a request, up to its close. */
static const char *answered(const char *request)
{
	static char text[65536];
	size_t used = 0;
	ssize_t n;
	int fd = connected();

	CHECK(send(fd, request, strlen(request), MSG_NOSIGNAL) == (ssize_t)strlen(request));
	while ((n = read(fd, text + used, sizeof(text) - 1 - used)) > 0)
		used += (size_t)n;
	text[used] = '\0';
	(void)close(fd);
	return text;
}

static void a_scrape_is_answered_in_the_format_that_is_asked_for(void)
{
	const char *t = answered("GET /metrics HTTP/1.0\r\n\r\n");

	CHECK(strstr(t, " 200 ") != NULL && strstr(t, "berth_up 0\n# EOF\n") != NULL);
	CHECK(strstr(t, "text/plain; version=0.0.4") != NULL);
	t = answered("GET /metrics HTTP/1.0\r\nAccept: "
		     "application/openmetrics-text;version=1.0.0\r\n\r\n");
	CHECK(strstr(t, "application/openmetrics-text; version=1.0.0") != NULL);
}

static void everything_else_is_refused(void)
{
	int silent = connected(); /* who says nothing holds up nobody */

	CHECK(strstr(answered("GET / HTTP/1.0\r\n\r\n"), " 404 ") != NULL);
	CHECK(strstr(answered("GET /metrics/../x HTTP/1.0\r\n\r\n"), " 404 ") != NULL);
	CHECK(strstr(answered("DELETE /metrics HTTP/1.0\r\n\r\n"), " 405 ") != NULL);
	(void)answered("nonsense\r\n\r\n");
	CHECK(strstr(answered("GET /metrics HTTP/1.0\r\n\r\n"), " 200 ") != NULL);
	(void)close(silent);
}

static void the_socket_is_for_its_group_and_replaces_a_socket_only(void)
{
	struct berth_error err;
	struct stat st;
	char file[80];
	FILE *f;
	int fd;

	CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0660);
	(void)snprintf(file, sizeof(file), "%s/file", top);
	f = fopen(file, "we");
	CHECK(f != NULL && fclose(f) == 0);
	CHECK(metrics_listen_unix(file, &err) == -EADDRINUSE && stat(file, &st) == 0);
	(void)unlink(file);
	fd = metrics_listen_unix(path, &err);
	CHECK(fd >= 0);
	(void)close(fd);
	CHECK(metrics_listen_unix("/a/very/long/path/that/does/not/fit/into/an/address/of/a/unix/"
				  "socket/as/it/has/more/than/so/many/bytes/of/text",
				  &err) < 0 &&
	      strstr(err.msg, "107 bytes") != NULL);
}

int main(void)
{
	if (mkdtemp(top) == NULL)
		return 1;
	begin();
	if (check_failures == 0) {
		RUN(a_scrape_is_answered_in_the_format_that_is_asked_for);
		RUN(everything_else_is_refused);
		RUN(the_socket_is_for_its_group_and_replaces_a_socket_only);
		metrics_serve_end(server);
	}
	(void)unlink(path);
	(void)rmdir(top);
	return check_failures != 0;
}
