/* settings.c - a command line of create or set, as settings. */
#include "runtime/cli/settings.h"

#include "runtime/base/parse.h"

#include <errno.h>
#include <string.h>

/* The letters are vzctl's, older than its long options. */
#define BEANCOUNTER_LETTERS                                                             \
	{"numproc", 'p', true}, {"kmemsize", 'k', true}, {"lockedpages", 'l', true},    \
		{"numfile", 'n', true}, {"numflock", 'f', true}, {"numpty", 't', true}, \
		{"numsiginfo", 'i', true}, {"numiptent", 'e', true},                    \
	{                                                                               \
		"tcprcvbuf", 'b', true                                                  \
	}

#define LOGIN_OPTIONS                                   \
	{"userpasswd", 0, true}, {"crypted", 0, false}, \
	{                                               \
		"sshkey", 0, true                       \
	}

const struct opt settings_create_opts[] = {
	{"force", 0, false},
	{"skip_app_templates", 0, false},
	LOGIN_OPTIONS,
	BEANCOUNTER_LETTERS,
	{0},
};

const struct opt settings_set_opts[] = {
	{"save", 0, false},   {"force", 0, false},   {"reset_ub", 0, false},
	{"setmode", 0, true}, {"dry-run", 0, false}, {"for", 0, true},
	LOGIN_OPTIONS,	      BEANCOUNTER_LETTERS,   {0},
};

int settings_append(json_t *array, const char *option, const char *value)
{
	json_t *s = json_pack("{s:s, s:s}", "option", option, "value", value);

	/* jansson refuses what is not UTF-8. */
	if (s == NULL || json_array_append_new(array, s) < 0)
		return -EINVAL;
	return 0;
}

static int take_setmode(const char *value, struct settings_flags *flags, struct berth_error *err)
{
	flags->restart = strcmp(value, "restart") == 0;
	flags->ignore = strcmp(value, "ignore") == 0;
	if (!flags->restart && !flags->ignore)
		return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
				       "invalid --setmode '%.40s'; use restart or ignore", value);
	return 0;
}

static int take_for(const char *value, struct settings_flags *flags, struct berth_error *err)
{
	if (parse_duration(value, &flags->seconds) < 0 || flags->seconds < 1 ||
	    flags->seconds > 366 * UINT64_C(86400))
		return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
				       "invalid --for '%.40s'; use a time such as 90s, 30m, 2h, 7d "
				       "or 1w, at most 366d",
				       value);
	return 0;
}

int settings_take(const struct arg *arg, json_t *array, struct settings_flags *flags,
		  struct berth_error *err)
{
	if (strcmp(arg->name, "save") == 0) {
		flags->save = true;
		return 0;
	}
	if (strcmp(arg->name, "reset_ub") == 0) {
		flags->reset_ub = true;
		return 0;
	}
	if (strcmp(arg->name, "crypted") == 0) {
		flags->crypted = true;
		return 0;
	}
	if (strcmp(arg->name, "userpasswd") == 0 || strcmp(arg->name, "sshkey") == 0) {
		*(arg->name[0] == 'u' ? &flags->userpasswd : &flags->sshkey) = arg->value;
		return 0;
	}
	if (strcmp(arg->name, "dry-run") == 0) {
		flags->dry_run = true;
		return 0;
	}
	if (strcmp(arg->name, "for") == 0)
		return take_for(arg->value, flags, err);
	if (strcmp(arg->name, "setmode") == 0)
		return take_setmode(arg->value, flags, err);
	if (arg->value == NULL) /* --force and the like: nothing to force */
		return 0;
	if (settings_append(array, arg->name, arg->value) < 0)
		return berth_error_set(err, BERTH_ERR_VALUE, EINVAL, "--%s: the value is not UTF-8",
				       arg->name);
	return 1;
}
