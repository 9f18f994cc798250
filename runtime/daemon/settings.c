/* settings.c - the settings of a call of Create or Set. */
#include "runtime/daemon/settings.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

int settings_get_unset(json_t *parameters, struct setting list[SETTINGS_MAX], int n,
		       struct berth_error *err)
{
	json_t *array = json_object_get(parameters, "unset"), *item;
	size_t i;

	if (array == NULL || json_is_null(array))
		return n;
	if (!json_is_array(array) || json_array_size(array) > (size_t)(SETTINGS_MAX - n))
		return berth_error_set(
			err, BERTH_ERR_VALUE, EINVAL,
			"'unset' must be an array of names, at most %d with the settings",
			SETTINGS_MAX);
	json_array_foreach(array, i, item)
	{
		if (!json_is_string(item))
			return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
					       "'unset' must be an array of names");
		list[n++] = (struct setting){.option = json_string_value(item)};
	}
	return n;
}

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

/* ---- what this host has ---- */

static int check_list(uint32_t ctid, const char *option, const char *what, const char *before,
		      const char *next, const char *file, struct berth_error *err)
{
	char have[4096];
	int64_t missing;

	if (next[0] == '\0' || strcmp(before, next) == 0)
		return 0;
	/* A kernel without NUMA has node 0 and says nothing of it. */
	if (file_read_line_at(AT_FDCWD, file, have, sizeof(have)) < 0)
		(void)snprintf(have, sizeof(have), "0");
	missing = param_cpulist_outside(next, have);
	if (missing < 0)
		return 0;
	return berth_error_set(err, BERTH_ERR_LIMIT, ERANGE,
			       "CT %u: --%s %s: this host has no %s %lld; it has %.100s (%s)", ctid,
			       option, next, what, (long long)missing, have, file);
}

int settings_check_host(uint32_t ctid, const struct ct_config *before, const struct ct_config *next,
			struct berth_error *err)
{
	int r = check_list(ctid, "cpumask", "CPU", before != NULL ? before->cpumask : "",
			   next->cpumask, "/sys/devices/system/cpu/online", err);

	if (r == 0)
		r = check_list(ctid, "nodemask", "NUMA node",
			       before != NULL ? before->nodemask : "", next->nodemask,
			       "/sys/devices/system/node/has_memory", err);
	return r;
}

/* ---- settings into a config ---- */

static bool takes(const struct conf_file *f, const struct setting *s)
{
	struct conf_file *copy = conf_copy(f);
	bool yes = copy != NULL && param_apply(copy, s, NULL) == 0;

	conf_free(copy);
	return yes;
}

int settings_for(const struct conf_file *f, const struct conf_file *other,
		 const struct setting *list, int n, struct setting ret[SETTINGS_MAX])
{
	int kept = 0;

	for (int i = 0; i < n; i++)
		if (strcmp(list[i].option, "ipdel") != 0 || takes(f, &list[i]) ||
		    !takes(other, &list[i]))
			ret[kept++] = list[i];
	return kept;
}

/* MHz of a CPU of this host at its fastest; 0: it does not tell. */
static uint32_t host_mhz(void)
{
	auto_free char *text = NULL;
	char line[32];
	const char *at;
	uint32_t khz;
	uint64_t mhz = 0;

	if (file_read_line_at(AT_FDCWD, "/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq",
			      line, sizeof(line)) >= 0 &&
	    parse_u32(line, &khz) == 0)
		return khz / 1000;
	if (file_read_at(AT_FDCWD, "/proc/cpuinfo", 1 << 20, &text, NULL) < 0)
		return 0;
	at = strstr(text, "cpu MHz");
	if (at == NULL || (at = strchr(at, ':')) == NULL)
		return 0;
	at++;
	return parse_next(&at, " ", 10, &mhz) == 0 && mhz < UINT32_MAX ? (uint32_t)mhz : 0;
}

/* OpenVZ takes MHz of one CPU, too: on this host that is so many percent. buf: of the value that is returned. */
static int mhz_to_percent(struct setting *s, char buf[static 24], struct berth_error *err)
{
	uint32_t mhz, host;

	if (s->value == NULL || strcmp(s->option, "cpulimit") != 0 ||
	    !param_parse_mhz(s->value, &mhz))
		return 0;
	host = host_mhz();
	if (host == 0)
		return berth_error_set(err, BERTH_ERR_VALUE, EOPNOTSUPP,
				       "--cpulimit %.20s: this host does not tell the MHz of its "
				       "CPUs; give percent, for example --cpulimit 50",
				       s->value);
	(void)snprintf(
		buf, 24, "%llu",
		(unsigned long long)(mhz == 0 ? 0 : ((uint64_t)mhz * 100 + host - 1) / host));
	s->value = buf;
	return 0;
}

int settings_apply(struct daemon *d, struct conf_file *f, const struct setting *list, int n,
		   struct berth_error *err)
{
	struct setting rest[SETTINGS_MAX];
	char percent[24];
	size_t n_rest = 0;

	for (int i = 0; i < n; i++) {
		if (list[i].value != NULL && (strcmp(list[i].option, "config") == 0 ||
					      strcmp(list[i].option, "applyconfig") == 0)) {
			int r = settings_sample(d, f, list[i].value, err);

			if (r < 0)
				return r;
		} else {
			rest[n_rest] = list[i];
			if (mhz_to_percent(&rest[n_rest++], percent, err) < 0)
				return -EOPNOTSUPP;
		}
	}
	return param_apply_all(f, rest, n_rest, err);
}
