/* fuzz_conf.c - a config file of any bytes: what is accepted comes back the same. */
#include "runtime/base/cleanup.h"
#include "runtime/config/ct_config.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const char *key, const char *value, void *data)
{
	const char *other = conf_get(data, key);

	if (other == NULL || strcmp(other, value) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ct_config c;
	static struct host_config h;
	auto_free char *once = NULL, *twice = NULL;
	struct conf_file *f = NULL, *g = NULL;

	if (conf_parse((const char *)data, size, &f, NULL) < 0)
		return 0;
	(void)ct_config_from(f, f, &c, NULL);
	(void)host_config_from(f, &h, NULL);
	if (conf_format(f, &once) < 0)
		abort();
	/* Only the newline that the last line may lack can push it over the limit. */
	if (strlen(once) <= CONF_FILE_MAX) {
		if (conf_parse(once, strlen(once), &g, NULL) < 0 || conf_format(g, &twice) < 0)
			abort();
		if (strcmp(once, twice) != 0)
			abort();
		conf_each(f, check_same, g);
	}
	conf_free(f);
	conf_free(g);
	return 0;
}
