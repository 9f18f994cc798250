/*
 * gen_params.c - berth-params, a program of the build: prints what the manual and the completion
 * need of params.def.
 *
 *	berth-params mdoc      the list of ctid.conf(5), a key with its options each
 *	berth-params stored    its second list: keys that are only kept for scripts
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
		return "";
	}
	return "";
}

/* Text that mdoc(7) takes literally, as part of a line. */
static void print_text(const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '\\')
			(void)fputs("\\e", stdout);
		else if (*s == '-')
			(void)fputs("\\-", stdout);
		else
			(void)putchar(*s);
	}
}

/* As a sentence on lines of its own; one source line a sentence, as mdoc wants it. */
static void print_sentence(const char *s)
{
	if (*s == '.' || *s == '\'')
		(void)fputs("\\&", stdout);
	/* "overlay: ..." begins with a word to be typed. */
	if (*s >= 'a' && *s <= 'z' && s[strcspn(s, " :")] != ':')
		(void)putchar(*s++ - 'a' + 'A');
	print_text(s);
	(void)fputs(".\n", stdout);
}

/* As an admin would type it: "4M", "65536". */
static void print_bound(const struct param *p, uint64_t v)
{
	static const char *const suffixes[] = {"", "K", "M", "G", "T"};
	size_t i = 0;

	if (v == UINT64_MAX) {
		(void)fputs("unlimited", stdout);
		return;
	}
	if (p->unit != 0 && v <= UINT64_MAX / p->unit)
		for (v *= p->unit; v != 0 && v % 1024 == 0 && i < 4; i++)
			v /= 1024;
	(void)printf("%llu%s", (unsigned long long)v, suffixes[i]);
}

static void print_range(const struct param *p)
{
	if (p->max == 0 || p->type == PARAM_TEXT || p->type == PARAM_CPULIST)
		return;
	(void)fputs("From ", stdout);
	print_bound(p, p->min);
	(void)fputs(" to ", stdout);
	print_bound(p, p->max);
	(void)fputs(p->type == PARAM_RATE ? ", or 0.\n" : ".\n", stdout);
}

/* All rows of one key take effect at the same moment. */
static bool is_uniform(const struct param *first)
{
	for (const struct param *p = param_table(); p->option != NULL; p++)
		if (strcmp(p->key, first->key) == 0 && p->apply != first->apply)
			return false;
	return true;
}

static void print_option(const struct param *p, bool uniform)
{
	(void)printf(".It\n.Fl -%s Ar %s\n.Pq e.g. Ql ", p->option, p->arg);
	print_text(p->example);
	(void)fputs(" :\n", stdout);
	print_sentence(p->help);
	if (!uniform)
		(void)puts(apply_text(p->apply));
}

/* The key of the row first, with every option that writes it. */
static void print_key(const struct param *first)
{
	bool uniform = is_uniform(first);

	(void)printf(".It Va %s\n.Bl -item -compact\n", first->key);
	for (const struct param *p = param_table(); p->option != NULL; p++)
		if (strcmp(p->key, first->key) == 0)
			print_option(p, uniform);
	(void)puts(".El");
	print_range(first);
	if (uniform)
		(void)puts(apply_text(first->apply));
}

static void print_stored(const struct param *p)
{
	(void)printf(".It Va %s Fl -%s Ar %s\n", p->key, p->option, p->arg);
	print_sentence(p->help);
}

static void print_row(const struct param *p, const char *what)
{
	bool is_first = param_find_key(p->key) == p, is_stored = p->apply == PARAM_STORED;

	if (strcmp(what, "options") == 0)
		(void)printf("--%s\n", p->option);
	else if (strcmp(what, "keys") == 0 && is_first)
		(void)printf("%s\n", p->key);
	else if (strcmp(what, "mdoc") == 0 && is_first && !is_stored)
		print_key(p);
	else if (strcmp(what, "stored") == 0 && is_stored)
		print_stored(p);
}

int main(int argc, char **argv)
{
	static const char *const whats[] = {"mdoc", "stored", "options", "keys"};
	const char *what = argc == 2 ? argv[1] : "";
	bool known = false;

	for (size_t i = 0; i < sizeof(whats) / sizeof(whats[0]); i++)
		known = known || strcmp(what, whats[i]) == 0;
	if (!known) {
		(void)fputs("usage: berth-params mdoc|stored|options|keys\n", stderr);
		return 1;
	}
	for (const struct param *p = param_table(); p->option != NULL; p++)
		print_row(p, what);
	return fflush(stdout) != 0;
}
