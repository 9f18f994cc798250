/* args.c - options and words of a command line. */
#include "runtime/cli/args.h"

#include "runtime/base/parse.h"
#include "runtime/config/param.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const struct opt *find_long(const struct opt *opts, const char *name, size_t len)
{
	for (; opts != NULL && (opts->name != NULL || opts->letter != 0); opts++)
		if (opts->name != NULL && strlen(opts->name) == len &&
		    strncmp(opts->name, name, len) == 0)
			return opts;
	return NULL;
}

static const struct opt *find_letter(const struct opt *opts, char letter)
{
	for (; opts != NULL && (opts->name != NULL || opts->letter != 0); opts++)
		if (opts->letter == letter)
			return opts;
	return NULL;
}

static int missing_value(struct berth_error *err, const char *option)
{
	return berth_error_set(err, BERTH_ERR_OPTION, EINVAL, "%.60s needs a value", option);
}

static void guess_in(struct word_guess *g, const struct opt *opts)
{
	for (; opts != NULL && (opts->name != NULL || opts->letter != 0); opts++)
		if (opts->name != NULL)
			word_guess_try(g, opts->name);
}

static int unknown_option(const struct args *a, const struct opt *global, const char *option,
			  struct berth_error *err)
{
	/* Of vzctl's. */
	static const char *const later[] = {"netif_add", "netif_del", "capability", "devnodes",
					    NULL};
	char name[32];
	struct word_guess g = {.word = name};

	(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(option + 2, "="), option + 2);
	for (const char *const *p = later; a->params && *p != NULL; p++)
		if (strcmp(*p, name) == 0)
			return berth_error_set(err, BERTH_ERR_OPTION, EINVAL,
					       "this version of berth has no option --%s yet; see "
					       "CAVEATS in berth(8)",
					       name);
	guess_in(&g, a->opts);
	if (a->params)
		param_guess_option(&g);
	guess_in(&g, global);
	if (g.best != NULL)
		return berth_error_set(err, BERTH_ERR_OPTION, EINVAL,
				       "unknown option %.60s; did you mean --%s?", option, g.best);
	return berth_error_set(err, BERTH_ERR_OPTION, EINVAL,
			       "unknown option %.60s; --help lists the options", option);
}

/* The value of an option: what stands behind '=', else the next word. */
static int take_value(struct args *a, const char *option, const char *attached, struct arg *ret,
		      struct berth_error *err)
{
	if (attached != NULL) {
		ret->value = attached;
		return ARG_OPTION;
	}
	if (a->at >= a->argc)
		return missing_value(err, option);
	ret->value = a->argv[a->at++];
	return ARG_OPTION;
}

/* The row of params.def for "--name" or "--name=value". */
static const struct param *find_param(const char *name, size_t len)
{
	char buf[64];

	if (len >= sizeof(buf))
		return NULL;
	memcpy(buf, name, len);
	buf[len] = '\0';
	return param_find_option(buf);
}

static int next_long(struct args *a, const struct opt *global, const char *word, struct arg *ret,
		     struct berth_error *err)
{
	const char *name = word + 2, *equal = strchr(name, '=');
	size_t len = equal != NULL ? (size_t)(equal - name) : strlen(name);
	const struct opt *o = find_long(a->opts, name, len);
	const struct param *p;

	if (o == NULL && a->params) {
		p = find_param(name, len);
		if (p != NULL) {
			ret->name = p->option;
			return take_value(a, word, equal != NULL ? equal + 1 : NULL, ret, err);
		}
	}
	if (o == NULL)
		o = find_long(global, name, len);
	if (o == NULL)
		return unknown_option(a, global, word, err);
	ret->name = o->name;
	ret->letter = o->letter;
	if (o->takes_value)
		return take_value(a, word, equal != NULL ? equal + 1 : NULL, ret, err);
	if (equal != NULL)
		return berth_error_set(err, BERTH_ERR_OPTION, EINVAL, "--%s takes no value",
				       o->name);
	return ARG_OPTION;
}

static int next_letter(struct args *a, const struct opt *global, struct arg *ret,
		       struct berth_error *err)
{
	char option[3] = {'-', *a->cluster, '\0'};
	const struct opt *o = find_letter(a->opts, *a->cluster);
	const char *rest = a->cluster + 1;

	a->cluster = *rest != '\0' ? rest : NULL;
	if (o == NULL)
		o = find_letter(global, option[1]);
	if (o == NULL)
		return berth_error_set(err, BERTH_ERR_OPTION, EINVAL,
				       "unknown option %s; --help lists the options", option);
	ret->name = o->name;
	ret->letter = o->letter;
	if (!o->takes_value)
		return ARG_OPTION;
	a->cluster = NULL;
	return take_value(a, option, *rest != '\0' ? rest : NULL, ret, err);
}

int args_next(struct args *a, const struct opt *global, struct arg *ret, struct berth_error *err)
{
	char *word;

	*ret = (struct arg){0};
	if (a->cluster != NULL)
		return next_letter(a, global, ret, err);
	if (a->at >= a->argc)
		return ARG_END;
	word = a->argv[a->at++];
	if (!a->words_only && strcmp(word, "--") == 0) {
		a->words_only = true;
		return args_next(a, global, ret, err);
	}
	if (!a->words_only && word[0] == '-' && word[1] == '-')
		return next_long(a, global, word, ret, err);
	if (!a->words_only && word[0] == '-' && word[1] != '\0') {
		a->cluster = word + 1;
		return next_letter(a, global, ret, err);
	}
	ret->value = word;
	return ARG_WORD;
}
