/*
 * error.h - what went wrong, in a form that a client can act on.
 *
 * A function whose last parameter is a struct berth_error returns 0 (or a count) on success and a
 * negative errno on failure, and fills the struct exactly when it returns a negative value.
 * The caller owns the struct. It owns no memory: dropping it leaks nothing.
 *
 * Every code has one Varlink error name and one exit status (OpenVZ's numbers; berth(8) lists
 * them). The message names the CT, what was tried, the limit or kernel file at fault, and the
 * command that mends it.
 */
#pragma once

#include <stdint.h>

#include <stddef.h>

enum berth_errcode {
	BERTH_OK = 0,
	BERTH_ERR_SYSTEM, /* a system call failed: sys says why */
	BERTH_ERR_NO_MEMORY,
	BERTH_ERR_UNSUPPORTED, /* this kernel or host cannot do it */
	BERTH_ERR_RESOURCES, /* not enough of something on this host */
	BERTH_ERR_CREATE, /* the private area could not be made */
	BERTH_ERR_EXEC, /* the command could not be run in the CT */
	BERTH_ERR_LOCKED, /* another operation holds the CT */
	BERTH_ERR_NO_GLOBAL_CONFIG,
	BERTH_ERR_NO_CONFIG, /* no such CT */
	BERTH_ERR_HELPER, /* a helper program is missing or failed */
	BERTH_ERR_OPTION, /* unknown option or command */
	BERTH_ERR_VALUE, /* bad value of an option */
	BERTH_ERR_TIMEOUT,
	BERTH_ERR_NOT_RUNNING,
	BERTH_ERR_RUNNING,
	BERTH_ERR_STOP, /* could not be stopped */
	BERTH_ERR_NET,
	BERTH_ERR_NOT_MOUNTED,
	BERTH_ERR_MOUNTED,
	BERTH_ERR_NO_PRIVATE, /* private area missing */
	BERTH_ERR_EXISTS, /* private area or CT exists already */
	BERTH_ERR_NO_SPACE,
	BERTH_ERR_BAD_TEMPLATE, /* no init in it, or damaged */
	BERTH_ERR_MOUNT,
	BERTH_ERR_UMOUNT,
	BERTH_ERR_DESTROY,
	BERTH_ERR_BAD_ADDRESS,
	BERTH_ERR_PASSWD, /* a password or key could not be set in the CT */
	BERTH_ERR_ADDRESS_IN_USE,
	BERTH_ERR_NO_SAMPLE,
	BERTH_ERR_NO_TEMPLATE,
	BERTH_ERR_DISABLED,
	BERTH_ERR_NAME_IN_USE,
	BERTH_ERR_SAVE, /* the configuration could not be written */
	BERTH_ERR_QUOTA, /* disk limit cannot be set or enforced */
	BERTH_ERR_LIMIT, /* a cgroup limit cannot be set or enforced */
	BERTH_ERR_PERMISSION,
	BERTH_ERR_NO_DAEMON, /* berthd does not answer */
	BERTH_ERR_PROTOCOL, /* the peer broke the protocol */
	BERTH_ERR_BROKEN, /* state or config of the CT is damaged */
	BERTH_ERR_STUCK, /* processes in D state keep the CT from ending */
	BERTH_ERR_UNKNOWN, /* it cannot be told whether something of the CT runs */
	BERTH_ERR_MAX
};

struct berth_error {
	enum berth_errcode code;
	int sys; /* a positive errno, never 0 once set */
	char msg[360];
};

/* Fills *err and returns the negative errno. sys: an errno of either sign; 0 counts as EINVAL. err may be NULL. */
int berth_error_set(struct berth_error *err, enum berth_errcode code, int sys, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* As berth_error_set with BERTH_ERR_SYSTEM, and ": strerror(sys)" appended. */
int berth_error_sys(struct berth_error *err, int sys, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "CT 101: " before a message that does not begin with a CT. err may be NULL. */
void berth_error_name_ct(struct berth_error *err, uint32_t ctid);

/* "io.berth.Locked" and so on; a static string. */
const char *berth_error_name(enum berth_errcode code);

/* The code of a Varlink error name; BERTH_ERR_SYSTEM for a name that is not ours. */
enum berth_errcode berth_error_from_name(const char *name);

/* The exit status of a command that failed with this code. */
int berth_error_exit_status(enum berth_errcode code);
