/* findings.c - what the doctor worker has found, as JSON. */
#include "runtime/daemon/findings.h"

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
