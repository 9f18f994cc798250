/* help.c - usage on stdout. */
#include "runtime/cli/help.h"

#include "runtime/config/param.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

void help_all(const char *program)
{
	(void)printf("usage: %s [--quiet] [--verbose] [--json] [--root DIR] COMMAND ...\n\n",
		     program);
	for (const struct command *c = command_table(); c->name != NULL; c++)
		(void)printf("  %-16s %s\n", c->name, c->summary);
	(void)printf("\nCT is a CTID or a name. %s COMMAND --help shows options and examples.\n"
		     "See berth(8) for the manual and the exit statuses.\n",
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
	(void)puts("OpenVZ's other options are accepted and stored, without effect: ctid.conf(5).");
}

/* Examples in the caller's words: vzlist is `berth list`. */
static void print_examples(const struct cli *cli, const char *text)
{
	bool is_one = cli_is_one_command(cli);
	char from[48];
	const char *at;

	(void)snprintf(from, sizeof(from), "berth %s", is_one ? cli->command->name : "");
	while ((at = strstr(text, from)) != NULL) {
		(void)printf("%.*s%s%s", (int)(at - text), text, cli->program, is_one ? "" : " ");
		text = at + strlen(from);
	}
	(void)fputs(text, stdout);
}

void help_command(const struct cli *cli)
{
	const struct command *c = cli->command;
	bool is_one = cli_is_one_command(cli);

	(void)printf("usage: %s%s%s %s\n%c%s.\n\n", cli->program, is_one ? "" : " ",
		     is_one ? "" : c->name, c->args, toupper((unsigned char)c->summary[0]),
		     c->summary + 1);
	print_examples(cli, c->details);
	if (c->run == cmd_create || c->run == cmd_set)
		print_parameters();
}
