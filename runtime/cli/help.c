/* help.c - usage on stdout. */
#include "runtime/cli/help.h"

#include "runtime/config/param.h"

#include <stdio.h>
#include <string.h>

void help_all(const char *program)
{
	(void)printf("usage: %s [--quiet] [--verbose] [--json] [--root DIR] COMMAND ...\n\n",
		     program);
	for (const struct command *c = command_table(); c->name != NULL; c++)
		(void)printf("  %-16s %s\n", c->name, c->summary);
	(void)printf("\nCT is a CTID or a name. %s COMMAND --help shows options and examples.\n"
		     "Manual: berth(8); exit statuses are listed there.\n",
		     program);
}

/* The parameters, for create and set. */
static void print_parameters(void)
{
	(void)puts("\nParameters:");
	for (const struct param *p = param_table(); p->option != NULL; p++) {
		char left[64];

		if (p->apply == PARAM_STORED)
			continue;
		(void)snprintf(left, sizeof(left), "--%s %s", p->option, p->arg);
		(void)printf("  %-32s %s\n", left, p->help);
	}
	(void)puts("OpenVZ's beancounter options are accepted and stored: ctid.conf(5).");
}

void help_command(const struct cli *cli)
{
	const struct command *c = cli->command;

	(void)printf("usage: %s %s %s\n%s.\n\n%s", cli->program, c->name, c->args, c->summary,
		     c->details);
	if (c->run == cmd_create || c->run == cmd_set)
		print_parameters();
}
