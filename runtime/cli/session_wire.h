/* session_wire.h - connecting to a monitor and speaking its records; for the session_*.c only. */
#pragma once

#include "runtime/base/error.h"
#include "runtime/base/paths.h"
#include "runtime/wire/record.h"

#include <stdbool.h>
#include <stdint.h>

/* A connected, blocking socket, or -errno. */
int wire_connect(const struct berth_paths *p, uint32_t ctid, struct berth_error *err);

/* A memfd with the arguments as launch_enter wants them, or -errno. */
int wire_args(const char *const *argv, const char *const *env, struct berth_error *err);

/* Pure: the bytes of that memfd; returns their number, fills at most size. */
size_t wire_args_pack(const char *const *argv, const char *const *env, char *buf, size_t size);

int wire_send(int sock, const struct mon_record *r, const int *fds, unsigned int n_fds,
	      uint32_t ctid, struct berth_error *err);

/* The next record and the descriptor that came along, -1 if none. */
int wire_receive(int sock, struct mon_record *ret, int *ret_fd, uint32_t ctid,
		 struct berth_error *err);

/* Makes an error of a MON_ERROR. what: "run 'false'". */
int wire_error(const struct mon_record *r, enum berth_errcode code, uint32_t ctid, const char *what,
	       struct berth_error *err);
