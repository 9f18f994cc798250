/* metrics_serve.h - answers requests for metrics by HTTP (libmicrohttpd). */
#pragma once

#include "runtime/base/error.h"
#include "runtime/base/paths.h"

#include <stdint.h>

struct metrics_server;

/* A socket that listens: on a path, which is made anew and belongs to the process's group; or on 127.0.0.1. Descriptor or -errno. */
int metrics_listen_unix(const char *path, struct berth_error *err);
int metrics_listen_port(uint16_t port, struct berth_error *err);

/*
 * Begins to answer on that socket, which it takes, in a thread of its own, one request at a time. paths must stay. What berthd
 * has told, or has not, is told again for a second, and findings of doctor for five minutes: who may connect must not be able to
 * keep berthd busy. A berthd that has not answered for 8 seconds counts as down.
 */
int metrics_serve_begin(const struct berth_paths *paths, int fd, struct metrics_server **ret,
			struct berth_error *err);
void metrics_serve_end(struct metrics_server *s);
