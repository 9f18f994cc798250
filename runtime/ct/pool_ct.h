/*
 * pool_ct.h - who is it? What a CT has of the pools that no cgroup counts, as far as its own network namespace
 * shows it: for doctor, when the host runs out of one. Namespaces that it made inside are not seen.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct pool_ct {
	uint64_t sockets, raw, packet; /* raw and packet are part of sockets */
	uint64_t neighbours; /* IPv4; a file that is cut counts as far as it was read */
	uint64_t connections;
};

/* init: a process in the CT's network namespace. -errno. */
int pool_ct_read(pid_t init, struct pool_ct *ret);

/*
 * Pure: "20000 packet sockets, 150000 neighbours": what no server in peace has that many of. False, and an empty
 * text, when there is nothing of that kind.
 */
bool pool_ct_unusual(const struct pool_ct *p, char *buf, size_t size);
