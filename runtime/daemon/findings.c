/* findings.c - what the doctor and the why-not worker have found, as JSON. */
#include "runtime/daemon/findings.h"

#include "runtime/base/parse.h"
#include "runtime/base/value.h"

#include <stdio.h>
#include <string.h>

json_t *findings_json(const char *values)
{
	json_t *list = json_array();

	for (const char *line = values; *line != '\0';) {
		size_t len = strcspn(line, "\n"), name_len = strcspn(line, ".");
		char name[64], key[80], level[32] = "", text[400] = "", fix[400] = "";
		char setting[160] = "";

		if (name_len < sizeof(name) && name_len < len &&
		    strncmp(line + name_len, ".level=", 7) == 0) {
			(void)snprintf(name, sizeof(name), "%.*s", (int)name_len, line);
			(void)snprintf(key, sizeof(key), "%s.level", name);
			(void)value_get(values, key, level, sizeof(level));
			(void)snprintf(key, sizeof(key), "%s.text", name);
			(void)value_get(values, key, text, sizeof(text));
			(void)snprintf(key, sizeof(key), "%s.fix", name);
			(void)value_get(values, key, fix, sizeof(fix));
			(void)snprintf(key, sizeof(key), "%s.sysctl", name);
			(void)value_get(values, key, setting, sizeof(setting));
			(void)json_array_append_new(list,
						    json_pack("{s:s, s:s, s:s, s:s, s:s}", "name",
							      name, "level", level, "text", text,
							      "fix", fix, "sysctl", setting));
		}
		line += len;
		line += *line == '\n';
	}
	return list;
}

/* The value of PREFIX.KEY. */
static const char *value_of(const char *values, const char *prefix, const char *key, char buf[400])
{
	char name[32];

	buf[0] = '\0';
	(void)snprintf(name, sizeof(name), "%s%s%s", prefix, key[0] != '\0' ? "." : "", key);
	return value_get(values, name, buf, 400) < 0 ? "" : buf;
}

static bool add_finding(const char *values, unsigned int n, json_t *list)
{
	static const char *const keys[] = {"name", "level", "text", "fix"};
	char prefix[16], buf[400];
	json_t *one = json_object();
	int pid;

	(void)snprintf(prefix, sizeof(prefix), "f%u", n);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		(void)json_object_set_new(one, keys[i],
					  rpc_text(value_of(values, prefix, keys[i], buf)));
	if (*value_of(values, prefix, "level", buf) == '\0') {
		json_decref(one);
		return false;
	}
	if (parse_int(value_of(values, prefix, "pid", buf), &pid) == 0)
		(void)json_object_set_new(one, "pid", json_integer(pid));
	if (*value_of(values, prefix, "command", buf) != '\0')
		(void)json_object_set_new(one, "command", rpc_text(buf));
	(void)json_array_append_new(list, one);
	return true;
}

void findings_of_ct(const char *values, json_t *list)
{
	char prefix[16], buf[400];
	unsigned int n = 0;

	while (add_finding(values, n, list))
		n++;
	for (n = 0;; n++) {
		(void)snprintf(prefix, sizeof(prefix), "finding.%u", n);
		if (*value_of(values, prefix, "", buf) == '\0')
			return;
		(void)json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:s}", "name",
							    "destination", "level", "error", "text",
							    rpc_text(buf), "fix", ""));
	}
}

const char *findings_refusal(const json_t *list)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		const char *level = json_string_value(json_object_get(one, "level"));

		if (level != NULL && strcmp(level, "error") == 0)
			return json_string_value(json_object_get(one, "text"));
	}
	return NULL;
}
