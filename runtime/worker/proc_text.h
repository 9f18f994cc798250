/*
 * proc_text.h - what /proc says of a process, for finding the init and the monitor of a CT again.
 * All pure: bytes that a tenant may have chosen (a name, a command line) decide nothing by themselves.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* /proc/PID/status: process 1 of a pid namespace that is a child of this procfs's own. */
bool proc_is_first(const char *status);

/* /proc/PID/status: all four user ids are 0, as this user namespace counts. */
bool proc_is_root(const char *status);

/* /proc/PID/cmdline of len bytes: a shell with a command, as runscript's in place of an init. */
bool proc_is_shell_command(const char *cmdline, size_t len);

/* /proc/PID/stat: it lives and runs a program of its own, not its parent's (PF_FORKNOEXEC). */
bool proc_has_execed(const char *stat);

/* What a monitor was started with, see runtime/monitor/args.h; -1: none. */
struct proc_monitor {
	int console, notify;
};

/* /proc/PID/cmdline of len bytes: that of the monitor of this CT? */
bool proc_is_monitor(const char *cmdline, size_t len, uint32_t ctid, const char *rundir,
		     struct proc_monitor *ret);
