/*
 * ev.h - the event loop: descriptors, timers, child exits and signals over one epoll(7).
 *
 * A callback may remove any source, its own included; a removed source is not called again.
 * Single-threaded.
 */
#pragma once

#include "runtime/base/clock.h"

#include <stdint.h>
#include <sys/types.h>

struct ev;
struct ev_source;

typedef void ev_io_fn(struct ev_source *s, uint32_t events, void *data);
typedef void ev_timer_fn(struct ev_source *s, void *data);
typedef void ev_signal_fn(struct ev_source *s, int sig, void *data);

/* -errno on failure. ev_free removes all that is left. */
int ev_new(struct ev **ret);
void ev_free(struct ev *ev);

/* Watches fd for EPOLLIN/EPOLLOUT/...; the caller keeps owning fd and removes the source first. */
int ev_add_io(struct ev *ev, int fd, uint32_t events, ev_io_fn *fn, void *data,
	      struct ev_source **ret);
int ev_io_set_events(struct ev_source *s, uint32_t events);

/* CLOCK_MONOTONIC, after_ms from now, once. Rearm with ev_timer_set; 0 disarms. */
int ev_add_timer(struct ev *ev, uint64_t after_ms, ev_timer_fn *fn, void *data,
		 struct ev_source **ret);
int ev_timer_set(struct ev_source *s, uint64_t after_ms);

/* Blocks the signal and reports it. */
int ev_add_signal(struct ev *ev, int sig, ev_signal_fn *fn, void *data, struct ev_source **ret);

/* NULL is fine. */
void ev_remove(struct ev_source *s);

/* Runs until ev_stop; returns the status given to it, or -errno. */
int ev_run(struct ev *ev);
void ev_stop(struct ev *ev, int status);

/* Handles what is ready, waiting at most timeout_ms (-1: for ever). For tests and drains. */
int ev_run_once(struct ev *ev, int timeout_ms);

static inline uint64_t ev_now_ms(void)
{
	return clock_now_ms();
}
