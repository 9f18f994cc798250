/* asked.c - who ordered what. What came of it is said by the job: "set: done". */
#include "runtime/daemon/asked.h"

#include "runtime/base/parse.h"
#include "runtime/config/param.h"
#include "runtime/daemon/daemon.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

struct text {
	char *buf;
	size_t size, used;
};

static void put(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->used, t->size - t->used, fmt, ap);
	va_end(ap);
	t->used += (size_t)n < t->size - t->used ? (size_t)n : t->size - t->used - 1;
}

/* A word as it is; what has blanks, or is empty, in quotes. Long ones are cut. */
static void put_value(struct text *t, const char *key, const char *value)
{
	bool plain = *value != '\0' && strpbrk(value, " \"") == NULL;

	put(t, plain ? " %s=%.100s" : " %s=\"%.100s\"", key, value);
}

/*
 * A password must never be here. "userpasswd" is one by name; the value of an option that nobody knows may be
 * one, as in "--userpaswd root:secret", so only its name is said.
 */
static void put_setting(struct text *t, const json_t *setting)
{
	const char *option = json_string_value(json_object_get(setting, "option"));
	const char *value = json_string_value(json_object_get(setting, "value"));

	if (option == NULL || value == NULL)
		return;
	if (strcmp(option, "userpasswd") == 0 || param_find_option(option) == NULL)
		put(t, " %.40s=(hidden)", option);
	else
		put_value(t, option, value);
}

static void put_parameters(struct text *t, const json_t *parameters)
{
	static const char *const words[] = {"name", "path", "kind"}, *const numbers[] = {"timeout",
											 "for"};
	static const char *const flags[] = {"wait", "hold", "fast", "save", "dry_run"};
	const json_t *item;
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const char *s = json_string_value(json_object_get(parameters, words[i]));

		if (s != NULL)
			put_value(t, words[i], s);
	}
	json_array_foreach(json_object_get(parameters, "settings"), i, item) put_setting(t, item);
	json_array_foreach(json_object_get(parameters, "unset"), i, item) if (json_is_string(item))
		put(t, " unset=%.40s", json_string_value(item));
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		item = json_object_get(parameters, numbers[i]);
		if (json_is_integer(item))
			put(t, " %s=%lld", numbers[i], (long long)json_integer_value(item));
	}
	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (json_is_true(json_object_get(parameters, flags[i])))
			put(t, " %s=yes", flags[i]);
}

void asked_text(const struct rpc_peer *peer, const char *method, const json_t *parameters,
		char *buf, size_t size)
{
	/* What is said last must fit, however much was asked for. */
	char by[64];
	struct text t = {.buf = buf, .size = size - sizeof(by)};
	const char *word = strrchr(method, '.');

	buf[0] = '\0';
	if (strncmp(method, "io.berth.Template.", 18) == 0)
		put(&t, "template ");
	for (word = word != NULL ? word + 1 : method; *word != '\0'; word++)
		put(&t, "%c", tolower((unsigned char)*word));
	put_parameters(&t, parameters);
	(void)snprintf(by, sizeof(by), " by uid=%u pid=%d", peer->uid, (int)peer->pid);
	(void)snprintf(buf + t.used, sizeof(by), "%s", by);
}

uint32_t asked_ct(struct daemon *d, const json_t *parameters)
{
	const char *word = json_string_value(json_object_get(parameters, "ct"));
	const json_t *number = json_object_get(parameters, "ctid");
	uint32_t ctid = 0;
	struct ct *ct;

	if (json_is_integer(number) && json_integer_value(number) > 0 &&
	    json_integer_value(number) < UINT32_MAX)
		return (uint32_t)json_integer_value(number);
	if (word == NULL || parse_ctid(word, &ctid) == 0)
		return ctid;
	ct = registry_lookup(d, word, NULL);
	return ct != NULL ? ct->ctid : 0;
}
