/*
 * cli.h - the command line client: what all commands share.
 *
 * A command returns an exit status (0 and up), or a negative errno with *err filled; main prints
 * "berth: MESSAGE" and exits with the status that berth_error_exit_status gives.
 */
#pragma once

#include "runtime/base/error.h"
#include "runtime/base/paths.h"
#include "runtime/cli/args.h"
#include "runtime/rpc/rpc.h"

#include <stdbool.h>

struct cli {
	struct berth_paths paths;
	const char *root; /* --root, or NULL */
	bool quiet, verbose, json, help;
	bool many; /* one of many CTs: fleet.h tells how it went */
	unsigned int limit_s; /* for berthd to answer; 0: as long as it takes */
	const struct command *command;
	const char *
		program; /* berth, vzctl, or a name that is one command (main.c), for usage texts */
};

struct command {
	const char *name; /* "start"; of template: "template build" */
	const char *alias; /* another name, or NULL */
	const char *args; /* "CT [--wait]" */
	const char *summary;
	const char *details; /* options and examples */
	int (*run)(struct cli *cli, struct args *a, struct berth_error *err);
};

/* Ends with name NULL. */
const struct command *command_table(void);

int cmd_create(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_clone(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_unset(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_undo(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_set(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_start(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_stop(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_restart(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_mount(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_suspend(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_resume(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_umount(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_destroy(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_migrate(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_receive(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_status(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_exec(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_exec2(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_enter(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_console(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_log(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_runscript(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_why_not(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_explain(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_capacity(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_split(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_config_check(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_ubc(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_top(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_stat(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_pid(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_metrics(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_list(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_template_build(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_template_import(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_template_list(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_template_rm(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_doctor(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_monitor(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_ping(struct cli *cli, struct args *a, struct berth_error *err);
/* Hidden: the shells' completion files ask it. */
int cmd_complete(struct cli *cli, struct args *a, struct berth_error *err);
int cmd_version(struct cli *cli, struct args *a, struct berth_error *err);

/* ---- cli.c ---- */

/*
 * args_next that takes the global flags itself. Returns the kind of what it found. After --help
 * it is ARG_END and cli->help is set: the command must return 0 without doing anything.
 */
int cli_next(struct cli *cli, struct args *a, struct arg *ret, struct berth_error *err);

/* name joins *words, an array that is made with its first one and that the caller owns. -EINVAL for what is no UTF-8. */
int cli_add_ct(json_t **words, const char *name, struct berth_error *err);

/* For commands of one word and no options. what: "a CT". NULL and 0 for --help. */
int cli_one_word(struct cli *cli, struct args *a, const char *what, const char **ret,
		 struct berth_error *err);

/* Is it called by a name that is one command, such as vzlist? */
bool cli_is_one_command(const struct cli *cli);

/* BERTH_ERR_OPTION "usage: berth start CT [--wait]". */
int cli_usage_error(const struct cli *cli, struct berth_error *err, const char *why);

/* On stderr, unless --quiet or --json: "berth: CT 101: its volume is read-only...". text may be NULL or "". */
void cli_trouble(const struct cli *cli, uint32_t ctid, const char *text);

/* On a terminal, unless --quiet or --json: "CT 101 has started". */
void cli_say(const struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* What berthd has answered to a set: its notes on stderr, and on stdout what a dry run would write. */
void cli_print_set(const struct cli *cli, const json_t *reply);

/* ---- call.c ---- */

/* One call of berthd; parameters is stolen. Progress goes to a terminal on stderr, else nowhere. */
int call_berthd(struct cli *cli, const char *method, json_t *parameters, json_t **ret,
		struct berth_error *err);
/* With descriptors for the method, which stay the caller's. */
int call_berthd_fds(struct cli *cli, const char *method, json_t *parameters, const int *fds,
		    unsigned int n_fds, json_t **ret, struct berth_error *err);
/* As call_berthd; with --json the reply is printed. */
int call_and_print(struct cli *cli, const char *method, json_t *parameters,
		   struct berth_error *err);

enum {
	CT_LABEL_MAX = 96
};

/*
 * How a CT is called in what is said to the operator: "101", or "101 (web)" when its name was typed. Ask
 * before a call that may end the CT. Returns buf.
 */
const char *cli_label(struct cli *cli, const char *word, char buf[CT_LABEL_MAX]);

/* CTID of a CTID or name, from the config files: no daemon needed. */
int cli_lookup(const struct cli *cli, const char *word, uint32_t *ret, struct berth_error *err);
