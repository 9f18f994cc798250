/* test_methods_info.c - what List and Get tell of a CT: whole, damaged, running or being made. */
#include "tests/unit/daemon_fixture.h"

/* The one CT of a Get; frees nothing: it belongs to *keep. */
static json_t *get(uint32_t ctid, json_t **keep)
{
	json_decref(*keep);
	*keep = call("io.berth.Container.Get", ct_parameter(ctid));
	return json_object_get(parameters_of(*keep), "container");
}

static const char *text(json_t *info, const char *key)
{
	const char *s = json_string_value(json_object_get(info, key));

	return s != NULL ? s : "(none)";
}

static json_int_t resource(json_t *info, const char *name, const char *what)
{
	json_t *r = json_object_get(json_object_get(info, "resources"), name);

	CHECK(json_is_integer(json_object_get(r, what)));
	return json_integer_value(json_object_get(r, what));
}

static void a_stopped_ct_is_told_with_its_wishes(void)
{
	json_t *keep = NULL, *info;

	host_begin("");
	(void)add_ct(101, "NAME=\"web\"\nHOSTNAME=\"web.example.com\"\nONBOOT=\"yes\"\n"
			  "IP_ADDRESS=\"10.0.0.1 fd00::1\"\nCPULIMIT=\"50\"\nUNKNOWN=\"x\"\n");
	info = get(101, &keep);
	CHECK(json_integer_value(json_object_get(info, "ctid")) == 101);
	CHECK(strcmp(text(info, "status"), "stopped") == 0 &&
	      strcmp(text(info, "name"), "web") == 0);
	CHECK(strcmp(text(info, "hostname"), "web.example.com") == 0);
	CHECK(strcmp(text(info, "ostemplate"), "tiny") == 0);
	CHECK(json_array_size(json_object_get(info, "addresses")) == 2);
	CHECK(json_is_true(json_object_get(info, "onboot")));
	CHECK(json_integer_value(json_object_get(info, "cpulimit")) == 50);
	CHECK(strcmp(text(json_object_get(info, "config"), "UNKNOWN"), "x") == 0);
	CHECK(json_object_get(info, "init_pid") == NULL);
	CHECK(json_object_get(info, "description") == NULL);
	CHECK(resource(info, "numproc", "held") == 0);
	CHECK(resource(info, "physpages", "limit") != 0);
	json_decref(keep);
	host_end();
}

static void a_hostname_of_nobody_is_the_one_it_gets(void)
{
	json_t *keep = NULL;

	host_begin("");
	(void)add_ct(101, "RAM=\"unlimited\"\n");
	CHECK(strcmp(text(get(101, &keep), "hostname"), "ct101") == 0);
	json_decref(keep);
	host_end();
}

/* Whatever is damaged: list -a shows it, with all that is always there. */
static void a_damaged_ct_is_told_too(void)
{
	static const char *const always[] = {"ctid", "hostname", "addresses", "config",	  "onboot",
					     "uuid", "disabled", "cpulimit",  "cpuunits", "cpus"};
	json_t *keep = NULL, *info;
	struct ct *ct;

	host_begin("");
	ct = add_ct(101, "");
	put_config(101, "NAME\n");
	CHECK(registry_reload(&d, ct, &err) < 0);
	info = get(101, &keep);
	CHECK(strcmp(text(info, "status"), "broken") == 0);
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		CHECK(json_object_get(info, always[i]) != NULL);
	/* A value that cannot be, too. */
	put_config(101, "CPULIMIT=\"lots\"\n");
	info = get(101, &keep);
	CHECK(strcmp(text(info, "status"), "broken") == 0);
	json_decref(keep);
	host_end();
}

static void a_running_ct_is_told_with_what_it_uses(void)
{
	json_t *keep = NULL, *info;
	struct running r;

	host_begin("");
	running_begin(&r, 101, "HOSTNAME=\"saved\"\n");
	CHECK(cg_host_setup(d.cg, &err) == 0);
	CHECK(cg_ct_create(d.cg, 101, ID_FIRST, ID_FIRST, &err) == 0);
	put_file(run_dir(101), "live.conf", "HOSTNAME=\"live\"\n", 0644);
	info = get(101, &keep);
	CHECK(strcmp(text(info, "status"), "running") == 0);
	CHECK(strcmp(text(info, "hostname"), "live") == 0);
	CHECK(json_integer_value(json_object_get(info, "init_pid")) == r.init);
	CHECK(json_integer_value(json_object_get(info, "monitor_pid")) == getpid());
	CHECK(json_integer_value(json_object_get(info, "uptime")) > 1000);
	CHECK(json_is_integer(json_object_get(info, "cpu_usec")));
	CHECK(json_is_false(json_object_get(info, "booted")));
	r.ct->booted = true;
	CHECK(json_is_true(json_object_get(get(101, &keep), "booted")));
	/* A clock that was set back. */
	r.ct->run.started = UINT32_MAX;
	CHECK(json_integer_value(json_object_get(get(101, &keep), "uptime")) == 0);
	json_decref(keep);
	cgroups_end(101);
	/* Without its cgroup it is told all the same. */
	keep = NULL;
	CHECK(strcmp(text(get(101, &keep), "status"), "running") == 0);
	json_decref(keep);
	host_end();
	running_end(&r);
}

static size_t listed(json_t *parameters)
{
	json_t *reply = call("io.berth.Container.List", parameters);
	size_t n = json_array_size(json_object_get(parameters_of(reply), "containers"));

	CHECK(code_of(reply) == BERTH_OK);
	return n;
}

static void a_list_is_of_those_that_run_or_of_all_or_of_those_named(void)
{
	struct running r;

	host_begin("");
	CHECK(listed(NULL) == 0);
	running_begin(&r, 101, "NAME=\"web\"\n");
	(void)add_ct(102, "");
	add_ct(103, "")->being_created = true;
	CHECK(listed(NULL) == 1);
	CHECK(listed(json_pack("{s:b}", "all", true)) == 2);
	CHECK(listed(json_pack("{s:[]}", "ct")) == 1);
	CHECK(listed(json_pack("{s:[s, s]}", "ct", "102", "web")) == 2);
	/* All or nothing. */
	CHECK(code_of(call("io.berth.Container.List", json_pack("{s:[s, s]}", "ct", "web", "x"))) ==
	      BERTH_ERR_NO_CONFIG);
	CHECK(code_of(call("io.berth.Container.List", json_pack("{s:[s, i]}", "ct", "web", 7))) ==
	      BERTH_ERR_NO_CONFIG);
	CHECK(code_of(call("io.berth.Container.List", json_pack("{s:[s]}", "ct", "103"))) ==
	      BERTH_ERR_NO_CONFIG);
	CHECK(code_of(call("io.berth.Container.Get", ct_parameter(103))) == BERTH_ERR_NO_CONFIG);
	host_end();
	running_end(&r);
}

int main(void)
{
	int r = daemon_begin();

	if (r != 0)
		return r;
	RUN(a_stopped_ct_is_told_with_its_wishes);
	RUN(a_hostname_of_nobody_is_the_one_it_gets);
	RUN(a_damaged_ct_is_told_too);
	RUN(a_running_ct_is_told_with_what_it_uses);
	RUN(a_list_is_of_those_that_run_or_of_all_or_of_those_named);
	return check_failures != 0;
}
