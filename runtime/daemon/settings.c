/* settings.c - the settings of a call of Create or Set. */
#include "runtime/daemon/settings.h"

#include <errno.h>
#include <string.h>

int settings_get(json_t *parameters, struct setting list[SETTINGS_MAX], struct berth_error *err)
{
	json_t *array = json_object_get(parameters, "settings"), *item;
	size_t i;

	if (!json_is_array(array) || json_array_size(array) > SETTINGS_MAX)
		return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
				       "'settings' must be an array of at most %d settings",
				       SETTINGS_MAX);
	json_array_foreach(array, i, item)
	{
		list[i].option = json_string_value(json_object_get(item, "option"));
		list[i].value = json_string_value(json_object_get(item, "value"));
		if (list[i].option == NULL || list[i].value == NULL)
			return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
					       "setting %zu needs the strings 'option' and 'value'",
					       i);
	}
	return (int)json_array_size(array);
}

const char *settings_find(const struct setting *list, int n, const char *option)
{
	for (int i = n - 1; i >= 0; i--)
		if (strcmp(list[i].option, option) == 0)
			return list[i].value;
	return NULL;
}

int settings_sample(struct daemon *d, struct conf_file *f, const char *name,
		    struct berth_error *err)
{
	struct conf_file *sample;
	int r = store_sample_load(&d->paths, name, &sample, err);

	if (r < 0)
		return r;
	r = param_apply_sample(f, sample, err);
	if (r == 0)
		(void)conf_set(f, "ORIGIN_SAMPLE", name);
	conf_free(sample);
	return r;
}

int settings_apply(struct daemon *d, struct conf_file *f, const struct setting *list, int n,
		   struct berth_error *err)
{
	struct setting rest[SETTINGS_MAX];
	size_t n_rest = 0;

	for (int i = 0; i < n; i++) {
		if (strcmp(list[i].option, "config") == 0 ||
		    strcmp(list[i].option, "applyconfig") == 0) {
			int r = settings_sample(d, f, list[i].value, err);

			if (r < 0)
				return r;
		} else {
			rest[n_rest++] = list[i];
		}
	}
	return param_apply_all(f, rest, n_rest, err);
}
