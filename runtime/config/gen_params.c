/*
 * gen_params.c - berth-params, a program of the build: prints what the manual and the completion
 * need of params.def.
 *
 *	berth-params mdoc      the list of ctid.conf(5)
 *	berth-params options   "--ram" and so on, a line each
 *	berth-params keys      "PHYSPAGES" and so on, a line each
 */
#include "runtime/config/param.h"

#include <stdio.h>
#include <string.h>

static const char *apply_text(enum param_apply a)
{
	switch (a) {
	case PARAM_LIVE:
		return "Takes effect at once.";
	case PARAM_RESTART:
		return "Takes effect at the next start.";
	case PARAM_CREATE:
		return "Fixed when the CT is created.";
	case PARAM_STORED:
		return "Stored for scripts; berth enforces nothing.";
	}
	return "";
}

/* A line of text that mdoc(7) takes literally. */
static void print_text(const char *s)
{
	if (*s == '.' || *s == '\'')
		(void)fputs("\\&", stdout);
	for (; *s != '\0'; s++) {
		if (*s == '\\')
			(void)fputs("\\e", stdout);
		else if (*s == '-')
			(void)fputs("\\-", stdout);
		else
			(void)putchar(*s);
	}
}

static void print_bound(const char *word, uint64_t v)
{
	if (v == UINT64_MAX)
		(void)printf("%s unlimited", word);
	else
		(void)printf("%s %llu", word, (unsigned long long)v);
}

static bool has_range(const struct param *p)
{
	return p->max != 0 && p->type != PARAM_TEXT && p->type != PARAM_CPULIST &&
	       p->type != PARAM_LEGACY;
}

static void print_option(const struct param *p)
{
	(void)printf(".It Fl -%s Ar %s\n", p->option, p->arg);
	(void)printf("Key\n.Va %s .\n", p->key);
	(void)putchar(p->help[0] >= 'a' && p->help[0] <= 'z' ? p->help[0] - 'a' + 'A' : p->help[0]);
	print_text(p->help + 1);
	(void)fputs(".\n", stdout);
	if (has_range(p)) {
		print_bound("From", p->min);
		print_bound(" to", p->max);
		(void)fputs(p->unit == 4096   ? " pages.\n"
			    : p->unit == 1024 ? " KiB.\n"
					      : ".\n",
			    stdout);
	}
	(void)printf("Example:\n.Ql --%s ", p->option);
	print_text(p->example);
	(void)printf(".\n%s\n", apply_text(p->apply));
}

int main(int argc, char **argv)
{
	const char *what = argc == 2 ? argv[1] : "";
	bool mdoc = strcmp(what, "mdoc") == 0, options = strcmp(what, "options") == 0;

	if (!mdoc && !options && strcmp(what, "keys") != 0) {
		(void)fputs("usage: berth-params mdoc|options|keys\n", stderr);
		return 1;
	}
	if (mdoc)
		(void)puts(".Bl -tag -width Ds");
	for (const struct param *p = param_table(); p->option != NULL; p++) {
		if (mdoc)
			print_option(p);
		else if (options)
			(void)printf("--%s\n", p->option);
		else if (param_find_key(p->key) == p)
			(void)printf("%s\n", p->key);
	}
	if (mdoc)
		(void)puts(".El");
	return fflush(stdout) != 0;
}
