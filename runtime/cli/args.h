/*
 * args.h - options and words of a command line: "--name value", "--name=value", "-x value",
 * "-xvalue", "-xyz", "--" before words. Pure.
 */
#pragma once

#include "runtime/base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct opt {
	const char *name; /* long name without dashes, or NULL */
	char letter; /* short name or 0 */
	bool takes_value;
};

enum arg_kind {
	ARG_END,
	ARG_OPTION,
	ARG_WORD
};

struct arg {
	const char *name; /* of the option: its long name, or NULL */
	char letter; /* of the option, when it has one */
	const char *value; /* of an option that takes one; the word */
};

struct args {
	int argc;
	char **argv;
	int at; /* the next of argv */
	const char *cluster; /* the rest of "-xyz", or NULL */
	bool words_only; /* after "--" */
	const struct opt *opts; /* of the command; ends with an empty row */
	bool params; /* the options of params.def are taken too, each with a value */
};

/* Returns an enum arg_kind, or -EINVAL (BERTH_ERR_OPTION, with a hint). */
int args_next(struct args *a, const struct opt *global, struct arg *ret, struct berth_error *err);
