/* probe.h - how probe makes a system call in another ABI, and its commands. */
#pragma once

#include <stdint.h>

enum abi {
	ABI_X64,
	ABI_I386, /* int 0x80, which the kernel and a filter take for a 32-bit program's */
	ABI_X32
};

/* The raw result: negative errno on failure. Only five arguments. */
long abi_call(enum abi abi, long nr, const uint64_t arg[5]);

/*
 * The same in a child: 0 for success, an errno, or 1000 + the signal that killed the child.
 */
int abi_try(enum abi abi, long nr, const uint64_t arg[5]);

/* "ok", "errno 38 (...)", "signal 31". */
const char *abi_result(int result);

/* probe_policy.c: each returns the exit status. */
int policy_table(int argc, char **argv);
int policy_sockets(int argc, char **argv);
int policy_unknown(int argc, char **argv);
int policy_handle(int argc, char **argv);
int policy_terminal(int argc, char **argv);

/* probe_load.c: things that a hostile CT does. */
int load_forks(int argc, char **argv);
int load_zombies(int argc, char **argv);
int load_deaf(int argc, char **argv);
int load_echo(int argc, char **argv);
int load_beat(int argc, char **argv);
int load_ask(int argc, char **argv);
int load_project(int argc, char **argv);
int load_node(int argc, char **argv);
int load_frame(int argc, char **argv);
int load_datagram(int argc, char **argv);
int load_segment(int argc, char **argv);

/* probe_pools.c: takes of a pool what is to be had. */
int pool_rings(int argc, char **argv);
int pool_netns(int argc, char **argv);
int pool_aio(int argc, char **argv);
int pool_neighbours(int argc, char **argv);
int pool_packets(int argc, char **argv);
int pool_udp(int argc, char **argv);
int pool_files(int argc, char **argv);
int pool_inotify(int argc, char **argv);
int pool_shm(int argc, char **argv);
int pool_mqueue(int argc, char **argv);
int pool_messages(int argc, char **argv);
int pool_uring(int argc, char **argv);
int pool_ptys(int argc, char **argv);

/* probe_fuse.c */
int load_fuse(int argc, char **argv);
