/*
 * test_settings.c - the settings of Create and Set: what is taken from a call, and what a sample
 * may change.
 *
 * covers: runtime/daemon/settings.c
 */
#include "runtime/daemon/settings.h"
#include "tests/unit/daemon_fixture.h"

static struct setting list[SETTINGS_MAX];

static int get(const char *json)
{
	static json_t *parameters; /* the strings stay there */

	json_decref(parameters);
	parameters = json_loads(json, 0, NULL);
	CHECK(parameters != NULL);
	return settings_get(parameters, list, &err);
}

static void a_list_is_taken_in_order(void)
{
	CHECK(get("{\"settings\":[]}") == 0);
	CHECK(get("{\"settings\":[{\"option\":\"ram\",\"value\":\"1G\"},"
		  "{\"option\":\"ram\",\"value\":\"2G\"},{\"option\":\"name\",\"value\":\"\"}]}") ==
	      3);
	CHECK(strcmp(list[1].option, "ram") == 0 && strcmp(list[1].value, "2G") == 0);
	/* The last one wins. */
	CHECK(strcmp(settings_find(list, 3, "ram"), "2G") == 0);
	CHECK(settings_find(list, 3, "cpus") == NULL && settings_find(list, 0, "ram") == NULL);
}

static void what_is_no_list_of_settings_is_refused(void)
{
	static const char *const bad[] = {
		"{}",
		"{\"settings\":null}",
		"{\"settings\":{}}",
		"{\"settings\":\"ram=1G\"}",
		"{\"settings\":[1]}",
		"{\"settings\":[{}]}",
		"{\"settings\":[{\"option\":\"ram\"}]}",
		"{\"settings\":[{\"option\":\"ram\",\"value\":1}]}",
		"{\"settings\":[{\"option\":null,\"value\":\"x\"}]}",
		"{\"settings\":[{\"option\":\"ram\",\"value\":\"1G\"},null]}",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err.code = BERTH_OK;
		CHECK(get(bad[i]) < 0 && err.code == BERTH_ERR_VALUE);
	}
}

static void there_is_a_most_of_them(void)
{
	json_t *array = json_array(), *p = json_pack("{s:o}", "settings", array);

	for (int i = 0; i < SETTINGS_MAX; i++)
		(void)json_array_append_new(
			array, json_pack("{s:s, s:s}", "option", "ram", "value", "1G"));
	CHECK(settings_get(p, list, &err) == SETTINGS_MAX);
	(void)json_array_append_new(array, json_pack("{s:s, s:s}", "option", "ram", "value", "1G"));
	CHECK(settings_get(p, list, &err) < 0 && err.code == BERTH_ERR_VALUE);
	json_decref(p);
}

static struct conf_file *conf_of(const char *text)
{
	struct conf_file *f = NULL;

	CHECK(conf_parse(text, strlen(text), &f, NULL) == 0);
	return f;
}

static void put_sample(const char *name, const char *text)
{
	char dir[BERTH_PATH_MAX];

	put_file(path_below(d.paths.etc, "samples", dir), name, text, 0644);
}

static bool has(const struct conf_file *f, const char *key, const char *value)
{
	const char *is = conf_get(f, key);

	return value == NULL ? is == NULL : is != NULL && strcmp(is, value) == 0;
}

static void a_sample_sets_limits_and_never_who_a_ct_is(void)
{
	struct conf_file *f;

	host_begin("");
	put_sample("small.conf", "CPULIMIT=\"50\"\nNAME=\"thief\"\nIP_ADDRESS=\"10.0.0.1\"\n"
				 "HOSTNAME=\"thief\"\n");
	f = conf_of("NAME=\"web\"\nCPULIMIT=\"10\"\n");
	CHECK(settings_sample(&d, f, "small", &err) == 0);
	CHECK(has(f, "CPULIMIT", "50") && has(f, "ORIGIN_SAMPLE", "small"));
	CHECK(has(f, "NAME", "web") && has(f, "IP_ADDRESS", NULL) && has(f, "HOSTNAME", NULL));
	conf_free(f);
	host_end();
}

static void a_missing_or_strange_sample_changes_nothing(void)
{
	static const char *const names[] = {"none", "../../etc/passwd", "", "a/b"};
	struct conf_file *f;

	host_begin("");
	f = conf_of("CPULIMIT=\"10\"\n");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		CHECK(settings_sample(&d, f, names[i], &err) < 0);
	put_sample("broken.conf", "CPULIMIT\n");
	CHECK(settings_sample(&d, f, "broken", &err) < 0);
	CHECK(has(f, "CPULIMIT", "10") && has(f, "ORIGIN_SAMPLE", NULL));
	conf_free(f);
	host_end();
}

/* An admin's own words count more than a sample, wherever they stand. */
static void the_sample_comes_first_then_the_rest(void)
{
	static const struct setting both[] = {
		{.option = "cpulimit", .value = "70"},
		{.option = "applyconfig", .value = "small"},
		{.option = "cpus", .value = "1"},
	};
	static const struct setting wrong[] = {
		{.option = "config", .value = "small"},
		{.option = "nonsense", .value = "1"},
	};
	struct conf_file *f;

	host_begin("");
	put_sample("small.conf", "CPULIMIT=\"50\"\nNUMPROC=\"100\"\n");
	f = conf_of("");
	CHECK(settings_apply(&d, f, both, 3, &err) == 0);
	CHECK(has(f, "CPULIMIT", "70") && has(f, "CPUS", "1") && conf_get(f, "NUMPROC") != NULL);
	CHECK(settings_apply(&d, f, wrong, 2, &err) < 0 && err.code == BERTH_ERR_OPTION);
	CHECK(settings_apply(&d, f, NULL, 0, &err) == 0);
	conf_free(f);
	host_end();
}

int main(void)
{
	int r = daemon_begin();

	if (r != 0)
		return r;
	RUN(a_list_is_taken_in_order);
	RUN(what_is_no_list_of_settings_is_refused);
	RUN(there_is_a_most_of_them);
	RUN(a_sample_sets_limits_and_never_who_a_ct_is);
	RUN(a_missing_or_strange_sample_changes_nothing);
	RUN(the_sample_comes_first_then_the_rest);
	(void)get("{}");
	return check_failures != 0;
}
