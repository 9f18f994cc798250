/*
 * disk_first.h - what a method reads of etc and of private areas is in memory when it runs in the loop.
 *
 * The loop looks whether the kernel has all of it (openat2's RESOLVE_CACHED, preadv2's RWF_NOWAIT: neither waits). If
 * not, a thread reads it first, and the method runs when that is done: a disk that hangs holds the call that needs it,
 * and nobody else's.
 */
#pragma once

#include "runtime/daemon/daemon.h"

/*
 * words: the CTs that the method is about, a CTID or a name each, or an array of them; NULL: none. scans: it looks for
 * new configs too. true: fn is called later, with the same arguments; false: all is in memory, or is read now by the
 * loop, where the kernel cannot say (before 5.12, or a file system without such reads).
 */
bool disk_first(struct rpc_call *call, json_t *parameters, struct daemon *d, const json_t *words,
		bool scans, rpc_method_fn *fn);
/* The same for a create, which is always read for: sample is the one that it is made from, "" for none. */
bool disk_first_create(struct rpc_call *call, json_t *parameters, struct daemon *d,
		       const char *sample, rpc_method_fn *fn);
