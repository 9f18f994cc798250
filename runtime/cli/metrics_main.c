/*
 * metrics_main.c - berth-metrics: serves metrics of all CTs on a socket. A program of its own, without privileges: it is a
 * client of berthd like `berth list`, as a member of its group.
 */
#include "runtime/base/parse.h"
#include "runtime/cli/metrics_serve.h"

#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] = "usage: berth-metrics [--root DIR] --port PORT | --socket PATH\n"
			    "Serves http://127.0.0.1:PORT/metrics, or the same on a Unix socket. "
			    "See berth-metrics(8).\n";

struct options {
	const char *root, *socket;
	uint32_t port;
};

static int take_options(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {{"root", required_argument, NULL, 'r'},
						{"port", required_argument, NULL, 'p'},
						{"socket", required_argument, NULL, 's'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'r')
			o->root = optarg;
		else if (c == 's')
			o->socket = optarg;
		else if (c == 'p' && parse_u32(optarg, &o->port) == 0 && o->port > 0 &&
			 o->port <= UINT16_MAX)
			continue;
		else
			return c == 'h' ? 0 : -EINVAL;
	}
	return optind == argc && (o->port != 0) != (o->socket != NULL) ? 1 : -EINVAL;
}

static int serve(const struct options *o, const sigset_t *ends, struct berth_error *err)
{
	struct metrics_server *server;
	struct berth_paths paths;
	int fd, r, signal;

	/* Whatever is wrong in here, or in a library, shall not be root's. */
	if (geteuid() == 0)
		return berth_error_set(err, BERTH_ERR_UNSUPPORTED, EPERM,
				       "do not run it as root: systemctl start berth-metrics, or "
				       "setpriv --reuid nobody --regid berth --clear-groups "
				       "berth-metrics ...");
	r = berth_paths_init(&paths, o->root, err);
	if (r < 0)
		return r;
	fd = o->socket != NULL ? metrics_listen_unix(o->socket, err)
			       : metrics_listen_port((uint16_t)o->port, err);
	if (fd < 0)
		return fd;
	r = metrics_serve_begin(&paths, fd, &server, err);
	if (r < 0) {
		(void)close(fd);
		return r;
	}
	while (sigwait(ends, &signal) != 0)
		;
	metrics_serve_end(server);
	if (o->socket != NULL)
		(void)unlink(o->socket);
	return 0;
}

int main(int argc, char **argv)
{
	struct options o = {0};
	struct berth_error err;
	sigset_t ends;
	int r = take_options(argc, argv, &o);

	if (r <= 0) {
		(void)fputs(usage, r == 0 ? stdout : stderr);
		return r == 0 ? 0 : 2;
	}
	(void)sigemptyset(&ends);
	(void)sigaddset(&ends, SIGTERM);
	(void)sigaddset(&ends, SIGINT);
	(void)pthread_sigmask(SIG_BLOCK, &ends, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	if (serve(&o, &ends, &err) < 0) {
		(void)fprintf(stderr, "berth-metrics: %s\n", err.msg);
		return berth_error_exit_status(err.code);
	}
	return 0;
}
