/*
 * carry.h - what of a process CRIU cannot save, as /proc tells it while the process runs. All pure: a tenant has chosen
 * most of these texts.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* What cannot be saved. The texts are constant; fix is what a CT's root can do about it. */
struct carry_no {
	const char *name; /* one word */
	const char *what; /* "an io_uring" */
	const char *fix;
};

/* link: where /proc/PID/fd/N leads to. NULL: nothing is known against it. */
const struct carry_no *carry_no_fd(const char *link);
/* type: of a mounted file system, as mountinfo names it. */
const struct carry_no *carry_no_mount(const char *type);
/* A namespace as in /proc/PID/ns that CRIU saves of a CT's first process alone; NULL: of others too. */
const struct carry_no *carry_no_namespace(const char *name);

/* Pieces of one line of /proc/PID/mountinfo, which is cut for it. */
struct carry_mount {
	const char *device; /* "0:53" */
	const char *point, *type;
};
/* -EBADMSG. */
int carry_mount_parse(char *line, struct carry_mount *ret);

/* Of /proc/PID/status. */
struct carry_status {
	char name[32]; /* of the program; what is not printable ASCII is '?' */
	pid_t parent; /* 0: in a PID namespace that /proc does not show */
	pid_t tracer; /* 0: none */
};
/* -EBADMSG. */
int carry_status_parse(const char *status, struct carry_status *ret);
