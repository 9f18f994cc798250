/*
 * fleet.h - one command for many CTs: several words, ranges (605-610), patterns ('web-*') and --all. Each CT has a process
 * of its own, which does what the command does with one; so many at a time as --parallel says.
 */
#pragma once

#include "runtime/cli/cli.h"

#include <stdint.h>

enum {
	FLEET_PARALLEL_MAX = 64
};

enum fleet_kind {
	FLEET_ONE, /* a CTID or a name */
	FLEET_RANGE, /* from, to: both included */
	FLEET_GLOB, /* of fnmatch(3), for names; and for CTIDs */
	FLEET_ALL
};

struct fleet_word {
	enum fleet_kind kind;
	const char *text;
	uint32_t from, to;
};

/* Pure. What a word means. A name may look like a range: a CT of that name comes first. */
void fleet_word_parse(const char *word, struct fleet_word *ret);
bool fleet_word_takes(const struct fleet_word *w, uint32_t ctid, const char *name);
/* Pure. Can the command do something with a CT in that status? Asked of those that nobody named one by one. */
bool fleet_fits(const char *command, const char *status);

/*
 * Does the command line name many CTs, for a command that takes many? Then its options are the caller's still to read, with
 * one CT in place of the words.
 */
struct fleet {
	struct fleet_word *words;
	unsigned int n, parallel;
	char **argv; /* the words, --all and --parallel taken out, and a place for one CT at `at` */
	int argc, at;
	/* of the global options behind the command */
	bool json, quiet, help;
	const char *root;
};
/* The options that are taken out. */
extern const struct opt fleet_opts[];
/* 1: it does, and fleet_free is due; 0: it does not; -EINVAL. */
int fleet_take(const struct cli *cli, const struct args *a, struct fleet *ret,
	       struct berth_error *err);
void fleet_free(struct fleet *f);

/* Tells an error as main does, and returns its exit status. */
typedef int fleet_report_fn(const struct cli *cli, const struct args *a,
			    const struct berth_error *err);
/* A line for each CT; returns the worst exit status. */
int fleet_run(struct cli *cli, struct fleet *f, fleet_report_fn *report, struct berth_error *err);
