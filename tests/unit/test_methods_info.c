/*
 * test_methods_info.c - what List and Get tell of a CT: whole, damaged, running or being made; what List is asked for.
 *
 * covers: runtime/daemon/info.c runtime/daemon/info_want.c runtime/daemon/seen_conf.c
 */
#include "tests/unit/daemon_fixture.h"
#include "tests/unit/varlink_type.h"

#include "runtime/daemon/info_want.h"
#include "runtime/daemon/seen_conf.h"

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

static void check_type(json_t *o, const char *type)
{
	json_t *members = varlink_members(varlink_container, type);

	CHECK(json_is_object(o));
	check_members(o, members);
	json_decref(members);
}

/* With all that can be told: nothing that the .varlink file does not have, and each of its members by name. */
static void what_is_told_is_what_the_interface_has(void)
{
	json_t *all = varlink_members(varlink_container, "Info"), *keep = NULL, *info, *v;
	uint64_t bits = 0, want;
	struct running r;
	const char *key;

	host_begin("");
	running_begin(&r, 101, "NAME=\"web\"\nDESCRIPTION=\"shop\"\n");
	CHECK(cg_host_setup(d.cg, &err) == 0);
	CHECK(cg_ct_create(d.cg, 101, ID_FIRST, ID_FIRST, &err) == 0);
	r.ct->ends = (struct ct_ends){.last = END_OOM, .at = 1, .count = {[END_OOM] = 2}};
	info = get(101, &keep);
	check_type(info, "Info");
	check_type(json_object_get(info, "last_end"), "End");
	json_object_foreach(json_object_get(info, "resources"), key, v) check_type(v, "Resource");
	check_type(json_object_get(info, "usage"), "Usage");
	json_object_foreach(json_object_get(json_object_get(info, "usage"), "pressure"), key, v)
		check_type(v, "Pressure");
	CHECK(json_object_size(json_object_get(info, "resources")) == 9);
	json_object_foreach(all, key, v)
	{
		json_t *one = json_pack("[s]", key);

		CHECK(info_want_parse(one, &want, &err) == 0);
		bits |= want;
		json_decref(one);
	}
	CHECK(bits == INFO_ALL);
	json_decref(keep);
	json_decref(all);
	cgroups_end(101);
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

/* The members of the one Info of a List with these fields, as "a b c". */
static const char *members(json_t *fields)
{
	static char words[400];
	json_t *reply = call("io.berth.Container.List",
			     json_pack("{s:b, s:o}", "all", true, "fields", fields));
	json_t *info = json_array_get(json_object_get(parameters_of(reply), "containers"), 0), *v;
	const char *key;

	words[0] = '\0';
	json_object_foreach(info, key, v)(void)
		snprintf(words + strlen(words), sizeof(words) - strlen(words), "%s%s",
			 words[0] != '\0' ? " " : "", key);
	json_decref(reply);
	return words;
}

static void a_list_has_the_members_that_are_asked_for(void)
{
	json_t *reply, *res;

	host_begin("");
	(void)add_ct(101, "NAME=\"web\"\nIP_ADDRESS=\"10.0.0.1\"\n");
	CHECK(strcmp(members(json_array()), "ctid status") == 0);
	CHECK(strcmp(members(json_pack("[s, s]", "ctid", "name")), "ctid status name") == 0);
	CHECK(strcmp(members(json_pack("[s, s]", "uuid", "addresses")),
		     "ctid status uuid addresses") == 0);
	CHECK(strcmp(members(json_pack("[s]", "resources.numproc")), "ctid status resources") == 0);
	CHECK(strlen(members(json_null())) > 100);
	CHECK(code_of(call("io.berth.Container.List", json_pack("{s:[s]}", "fields", "nmae"))) ==
	      BERTH_ERR_VALUE);
	CHECK(code_of(call("io.berth.Container.List", json_pack("{s:[i]}", "fields", 7))) ==
	      BERTH_ERR_VALUE);
	CHECK(code_of(call("io.berth.Container.List", json_pack("{s:s}", "fields", "name"))) ==
	      BERTH_ERR_VALUE);
	reply = call("io.berth.Container.List",
		     json_pack("{s:b, s:[s]}", "all", true, "fields", "resources.numproc.held"));
	res = json_object_get(
		json_array_get(json_object_get(parameters_of(reply), "containers"), 0),
		"resources");
	CHECK(json_object_size(res) == 1);
	res = json_object_get(res, "numproc");
	CHECK(json_is_integer(json_object_get(res, "held")) &&
	      json_is_integer(json_object_get(res, "limit")) &&
	      json_object_get(res, "maxheld") == NULL);
	json_decref(reply);
	host_end();
}

static void members_are_known_by_name(void)
{
	uint64_t want = 0;
	json_t *all = json_pack("[s, s]", "resources", "resources.diskspace.held");

	CHECK(info_want_parse(NULL, &want, &err) == 0 && want == INFO_ALL);
	CHECK(info_want_parse(all, &want, &err) == 0 && want == (INFO_RESOURCES | INFO_COUNTERS));
	json_decref(all);
	for (size_t i = 0; i < 3; i++) {
		static const char *const bad[] = {"resources.", "resources.numproc.max",
						  "resources.cpu"};
		json_t *one = json_pack("[s]", bad[i]);

		CHECK(info_want_parse(one, &want, &err) == -EINVAL);
		CHECK(strstr(err.msg, bad[i]) != NULL);
		json_decref(one);
	}
}

/* Half of the CTs each, in two threads, where there are two CPUs: in order, each once. */
static void a_long_list_is_whole_and_in_order(void)
{
	json_t *reply, *list;

	host_begin("");
	for (uint32_t ctid = 101; ctid < 301; ctid++)
		(void)add_ct(ctid, "");
	reply = call("io.berth.Container.List",
		     json_pack("{s:b, s:[s]}", "all", true, "fields", "ctid"));
	list = json_object_get(parameters_of(reply), "containers");
	CHECK(json_array_size(list) == 200);
	for (size_t i = 0; i < json_array_size(list); i++)
		CHECK(json_integer_value(json_object_get(json_array_get(list, i), "ctid")) ==
		      101 + (json_int_t)i);
	json_decref(reply);
	host_end();
}

/* As if it had been written long ago. */
static bool is_kept(struct ct *ct)
{
	struct seen_conf *was = ct->seen;
	json_t *keep = NULL;

	(void)get(ct->ctid, &keep);
	json_decref(keep);
	return was != NULL && ct->seen == was;
}

static void a_config_is_read_again_when_it_has_changed(void)
{
	json_t *keep = NULL;
	struct ct *ct;

	host_begin("");
	ct = add_ct(101, "HOSTNAME=\"one\"\n");
	CHECK(strcmp(text(get(101, &keep), "hostname"), "one") == 0);
	/* Just written: whoever writes it once more may do so within the same tick of the clock. */
	CHECK(!is_kept(ct));
	ct->seen->settled = true;
	CHECK(is_kept(ct));
	put_config(101, "HOSTNAME=\"two\"\n");
	CHECK(strcmp(text(get(101, &keep), "hostname"), "two") == 0);
	ct->seen->settled = true;
	/* What is in effect comes and goes; berth.conf is a part of it. */
	put_file(run_dir(101), "live.conf", "HOSTNAME=\"live\"\n", 0644);
	CHECK(strcmp(text(get(101, &keep), "hostname"), "live") == 0);
	ct->seen->settled = true;
	d.host_conf_gen++;
	CHECK(!is_kept(ct));
	ct->seen->settled = true;
	put_config(101, "NAME\n");
	put_file(run_dir(101), "live.conf", "NAME\n", 0644);
	CHECK(strcmp(text(get(101, &keep), "status"), "broken") == 0);
	json_decref(keep);
	host_end();
}

static void a_stamp_settles_when_its_second_is_over(void)
{
	struct conf_stamp none = {0}, a = {.ino = 1, .changed_s = 100},
			  b = {.ino = 2, .changed_s = 105};

	CHECK(seen_conf_settles(&a, &none, 102) && !seen_conf_settles(&a, &none, 101));
	CHECK(!seen_conf_settles(&a, &b, 106) && seen_conf_settles(&a, &b, 107));
	CHECK(!seen_conf_settles(&none, &none, 1000));
	/* A clock that was set back: read each time until it has caught up. */
	CHECK(!seen_conf_settles(&a, &none, 50));
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
	RUN(what_is_told_is_what_the_interface_has);
	RUN(a_list_has_the_members_that_are_asked_for);
	RUN(members_are_known_by_name);
	RUN(a_long_list_is_whole_and_in_order);
	RUN(a_config_is_read_again_when_it_has_changed);
	RUN(a_stamp_settles_when_its_second_is_over);
	RUN(a_list_is_of_those_that_run_or_of_all_or_of_those_named);
	return check_failures != 0;
}
