/* param.c - the table of parameters and what is done with a row of it. */
#include "runtime/config/param.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/parse.h"
#include "runtime/config/param_types.h"
#include "runtime/config/temporary.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define U UINT64_MAX
#define P(option, key, type, apply, unit, min, max, arg, example, help) \
	{option, key, PARAM_##type, PARAM_##apply, unit, min, max, arg, example, help},
static const struct param table[] = {
#include "runtime/config/params.def"
	{.option = NULL},
};
#undef P
#undef U

static param_apply_fn *const apply_fns[PARAM_TYPE_MAX] = {
	[PARAM_BYTES] = param_apply_number,	 [PARAM_PAGES] = param_apply_number,
	[PARAM_KIB] = param_apply_number,	 [PARAM_COUNT] = param_apply_number,
	[PARAM_NUMBER] = param_apply_number,	 [PARAM_PERCENT] = param_apply_number,
	[PARAM_YESNO] = param_apply_yesno,	 [PARAM_NAME] = param_apply_name,
	[PARAM_HOSTNAME] = param_apply_hostname, [PARAM_TEXT] = param_apply_text,
	[PARAM_CPULIST] = param_apply_cpulist,	 [PARAM_ADDRS] = param_apply_addrs,
	[PARAM_DNS] = param_apply_dns,		 [PARAM_WORDS] = param_apply_words,
	[PARAM_RATE] = param_apply_number,	 [PARAM_LEGACY] = param_apply_number,
	[PARAM_FEATURES] = param_apply_features, [PARAM_TEMPLATE] = param_apply_template,
	[PARAM_CHOICE] = param_apply_choice,	 [PARAM_FACTOR] = param_apply_factor,
};

const struct param *param_table(void)
{
	return table;
}

static bool option_equal(const char *a, const char *b)
{
	for (; *a != '\0' && *b != '\0'; a++, b++) {
		char x = *a == '_' ? '-' : *a, y = *b == '_' ? '-' : *b;

		if (x != y)
			return false;
	}
	return *a == *b;
}

const struct param *param_find_option(const char *option)
{
	for (const struct param *p = table; p->option != NULL; p++)
		if (option_equal(p->option, option))
			return p;
	return NULL;
}

const struct param *param_find_key(const char *key)
{
	for (const struct param *p = table; p->option != NULL; p++)
		if (strcmp(p->key, key) == 0)
			return p;
	return NULL;
}

void param_guess_option(struct word_guess *g)
{
	static const struct word_pair others[] = {{"memory", "ram"},	   {"mem", "ram"},
						  {"dns", "nameserver"},   {"image", "ostemplate"},
						  {"autostart", "onboot"}, {NULL, NULL}};

	word_guess_other(g, others);
	for (const struct param *p = table; p->option != NULL; p++)
		word_guess_try(g, p->option);
}

/* A number of the row's unit as an admin would type it. */
static void format_bound(const struct param *p, uint64_t v, char *buf, size_t size)
{
	static const char *const suffixes[] = {"", "K", "M", "G", "T"};
	uint64_t bytes;
	size_t i = 0;

	if (v == UINT64_MAX) {
		(void)snprintf(buf, size, "unlimited");
		return;
	}
	if (p->unit == 0 || v > UINT64_MAX / p->unit) {
		(void)snprintf(buf, size, "%llu", (unsigned long long)v);
		return;
	}
	for (bytes = v * p->unit; bytes != 0 && bytes % 1024 == 0 && i < 4; i++)
		bytes /= 1024;
	(void)snprintf(buf, size, "%llu%s", (unsigned long long)bytes, suffixes[i]);
}

/* Tenant text and terminals do not mix: what is quoted is printable and short. */
static void quote_value(const char *value, char *buf, size_t size)
{
	size_t n = 0;

	for (; *value != '\0' && n + 4 < size; value++)
		buf[n++] = (unsigned char)*value < 0x20 || *value == 0x7f ? '?' : *value;
	if (*value != '\0')
		for (int i = 0; i < 3; i++)
			buf[n++] = '.';
	buf[n] = '\0';
}

int param_bad_value(struct berth_error *err, const struct param *p, const char *value,
		    const char *why)
{
	char quoted[64], low[32], high[32], range[80] = "";

	quote_value(value, quoted, sizeof(quoted));
	if (p->max != 0 && p->type != PARAM_TEXT && p->type != PARAM_CPULIST) {
		format_bound(p, p->min, low, sizeof(low));
		format_bound(p, p->max, high, sizeof(high));
		(void)snprintf(range, sizeof(range), " from %s to %s%s", low, high,
			       p->type == PARAM_RATE ? " or 0" : "");
	}
	return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
			       "--%s '%s': %s; give %s%s, for example --%s %s", p->option, quoted,
			       why, p->arg, range, p->option, p->example);
}

/* What param_bad_value said of a typed value, of one in a file: KEY="value" there, no option. */
static int broken_value(const struct param *p, const char *value, const struct berth_error *why,
			struct berth_error *err)
{
	char quoted[64], typed[128], example[128];
	const char *text = why->msg, *end;

	quote_value(value, quoted, sizeof(quoted));
	(void)snprintf(typed, sizeof(typed), "--%s '%s': ", p->option, quoted);
	(void)snprintf(example, sizeof(example), "--%s %s", p->option, p->example);
	if (strncmp(text, typed, strlen(typed)) == 0)
		text += strlen(typed);
	end = strstr(text, example);
	if (end == NULL)
		return berth_error_set(err, BERTH_ERR_BROKEN, why->sys, "%s=\"%s\": %.200s", p->key,
				       quoted, text);
	return berth_error_set(err, BERTH_ERR_BROKEN, why->sys, "%s=\"%s\": %.*s%s=\"%s\"", p->key,
			       quoted, (int)(end - text), text, p->key, p->example);
}

int param_store(struct conf_file *f, const struct param *p, const char *value,
		struct berth_error *err)
{
	int r = conf_set(f, p->key, value);

	if (r == -ENOMEM)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "out of memory");
	if (r < 0)
		return param_bad_value(err, p, value,
				       "too long, or contains a byte that cannot be stored");
	return 0;
}

int param_storef(struct conf_file *f, const struct param *p, struct berth_error *err,
		 const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return param_store(f, p, text, err);
}

static int apply_one(struct conf_file *f, const struct setting *s, bool append,
		     struct berth_error *err)
{
	const struct param *p = param_find_option(s->option);
	struct word_guess g = {.word = s->option};

	if (p != NULL && s->value == NULL) {
		conf_unset(f, p->key);
		return 0;
	}
	/* A stored list may be empty; a change that changes nothing is a mistake, or an unset variable. */
	if (p != NULL && *s->value == '\0' && p->type == PARAM_ADDRS)
		return param_bad_address(err, p, s->value, "empty");
	if (p != NULL && *s->value == '\0' && p->type == PARAM_FEATURES)
		return param_bad_value(err, p, s->value, "empty");
	if (p != NULL)
		return apply_fns[p->type](f, p, s->value, append, err);
	param_guess_option(&g);
	if (g.best == NULL)
		return berth_error_set(err, BERTH_ERR_OPTION, EINVAL, "unknown option --%.60s",
				       s->option);
	return berth_error_set(err, BERTH_ERR_OPTION, EINVAL,
			       "unknown option --%.60s; did you mean --%s?", s->option, g.best);
}

int param_apply(struct conf_file *f, const struct setting *s, struct berth_error *err)
{
	return apply_one(f, s, false, err);
}

int param_apply_all(struct conf_file *f, const struct setting *settings, size_t n,
		    struct berth_error *err)
{
	for (size_t i = 0; i < n; i++) {
		bool append = false;
		int r;

		for (size_t k = 0; k < i && !append; k++)
			append = option_equal(settings[k].option, settings[i].option);
		r = apply_one(f, &settings[i], append, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int param_load(struct conf_file *f, const char *key, const char *value, struct berth_error *err)
{
	const struct param *p = param_find_key(key);
	struct berth_error why = {0};

	if (p == NULL)
		return berth_error_set(err, BERTH_ERR_BROKEN, EINVAL, "%s: unknown key", key);
	return apply_fns[p->type](f, p, value, false, &why) < 0 ? broken_value(p, value, &why, err)
								: 0;
}

int param_load_numbers(const struct param *p, const char *value, struct param_numbers *ret,
		       struct berth_error *err)
{
	struct berth_error why = {0};

	return param_read_numbers(p, value, ret, &why) < 0 ? broken_value(p, value, &why, err) : 0;
}

struct sample_merge {
	struct conf_file *f;
	struct berth_error *err;
	int r;
};

static bool key_is_identity(const char *key)
{
	static const char *const keys[] = {"HOSTNAME",	"IP_ADDRESS", "OSTEMPLATE", "TEMPLATE",
					   "TEMPLATES", "VE_ROOT",    "VE_PRIVATE", "NETIF",
					   "NAME",	"UUID",	      "VEID",	    "DESCRIPTION"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(keys[i], key) == 0)
			return true;
	/* In a sample that was copied of a CT. */
	return temporary_key(key) != NULL;
}

static void merge_key(const char *key, const char *value, void *data)
{
	struct sample_merge *m = data;

	if (m->r < 0 || key_is_identity(key))
		return;
	if (param_find_key(key) != NULL)
		m->r = param_load(m->f, key, value, m->err);
	else if (conf_set(m->f, key, value) < 0)
		m->r = berth_error_set(m->err, BERTH_ERR_NO_MEMORY, ENOMEM, "out of memory");
}

int param_apply_sample(struct conf_file *f, const struct conf_file *sample, struct berth_error *err)
{
	struct sample_merge m = {.f = f, .err = err};

	conf_each(sample, merge_key, &m);
	return m.r;
}

int param_keep_started(struct conf_file *f, const struct conf_file *started,
		       struct berth_error *err)
{
	for (const struct param *p = param_table(); p->option != NULL; p++) {
		const char *value = conf_get(started, p->key);
		int r = 0;

		if (p->apply != PARAM_RESTART)
			continue;
		if (value == NULL)
			conf_unset(f, p->key);
		else
			r = conf_set(f, p->key, value);
		if (r < 0)
			return berth_error_sys(err, r, "%s=%.40s", p->key, value);
	}
	return 0;
}
