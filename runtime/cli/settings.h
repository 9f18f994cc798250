/* settings.h - a command line of create or set, as the settings that berthd is sent. Pure. */
#pragma once

#include "runtime/cli/args.h"
#include "runtime/config/param.h"
#include "runtime/rpc/rpc.h"

/* Options that are no parameters. */
struct settings_flags {
	bool save;
	bool reset_ub; /* set: take the saved limits again */
	bool dry_run;
	uint64_t seconds; /* --for; 0: for good */
	bool restart; /* --setmode restart */
	bool ignore; /* --setmode ignore: no word on what needs a restart */
	bool crypted; /* the password is a hash already */
	const char *userpasswd, *sshkey; /* or NULL */
};

/* Options of create and set besides params.def and the global ones. */
extern const struct opt settings_create_opts[], settings_set_opts[];

/*
 * What one option means. 1: it is a setting and was appended to array; 0: a flag. -EINVAL:
 * BERTH_ERR_VALUE.
 */
int settings_take(const struct arg *arg, json_t *array, struct settings_flags *flags,
		  struct berth_error *err);

int settings_append(json_t *array, const char *option, const char *value);
