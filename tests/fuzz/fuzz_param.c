/*
 * fuzz_param.c - "option value" of any bytes: what param_apply stores, param_load takes, and stores
 * the same again.
 */
#include "runtime/base/cleanup.h"
#include "runtime/config/param.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_stored(const struct conf_file *f, const char *key)
{
	struct conf_file *g = NULL;
	const char *value = conf_get(f, key), *again;

	if (value == NULL)
		return;
	if (conf_parse("", 0, &g, NULL) < 0 || param_load(g, key, value, NULL) < 0)
		abort();
	again = conf_get(g, key);
	if (again == NULL || strcmp(again, value) != 0)
		abort();
	conf_free(g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = strndup((const char *)data, size);
	struct conf_file *f = NULL;
	struct berth_error err = {0};
	struct setting s = {.option = text};
	char *space;

	if (text == NULL || (space = strchr(text, ' ')) == NULL)
		return 0;
	*space = '\0';
	s.value = space + 1;
	if (conf_parse("", 0, &f, NULL) < 0)
		return 0;
	if (param_apply(f, &s, &err) == 0)
		check_stored(f, param_find_option(s.option)->key);
	else if (err.code == BERTH_OK || err.msg[0] == '\0')
		abort();
	conf_free(f);
	return 0;
}
