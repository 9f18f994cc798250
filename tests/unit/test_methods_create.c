/* test_methods_create.c - Create: a CT as it was asked for, or nothing at all of it. */
#include "tests/unit/daemon_fixture.h"

static json_t *settings(const char *option, const char *value)
{
	return option == NULL ? json_array()
			      : json_pack("[{s:s, s:s}]", "option", option, "value", value);
}

/* ctid 0: whichever is free. */
static json_t *create(uint32_t ctid, const char *option, const char *value)
{
	json_t *p = json_pack("{s:o}", "settings", settings(option, value));

	if (ctid != 0)
		(void)json_object_set_new(p, "ctid", json_integer(ctid));
	return call("io.berth.Container.Create", p);
}

/* Out of the way until the worker "makes" it. */
static bool put_aside(uint32_t ctid)
{
	char from[BERTH_PATH_MAX], to[BERTH_PATH_MAX], name[32];

	put_facts(ctid);
	(void)snprintf(name, sizeof(name), "facts.%u", ctid);
	return rename(path_private(&d.paths, ctid, from), path_below(d.paths.lib, name, to)) == 0;
}

/* What the worker does with the candidate: the CT's config and private area. */
static void worker_makes_it(void)
{
	CHECK(put_aside(101) && put_aside(102));
	on_worker("create",
		  "mv $TOP/var/lib/berth/facts.$ctid $TOP/var/lib/berth/private/$ctid && "
		  "cp $TOP/run/berth/ct/$ctid/candidate.conf $TOP/etc/berth/ct/$ctid.conf "
		  "&& [ -e $TOP/var/lib/berth/state/$ctid.intent ] && say_done\n");
}

static bool nothing_is_left(uint32_t ctid)
{
	char intent[32], run[16];

	(void)snprintf(intent, sizeof(intent), "state/%u.intent", ctid);
	(void)snprintf(run, sizeof(run), "ct/%u", ctid);
	return registry_find(&d, ctid) == NULL && !is_there(d.paths.lib, intent) &&
	       !is_there(d.paths.run, run) && !has_config_file(ctid);
}

static void the_first_free_ctid_is_taken(void)
{
	json_t *reply;
	struct ct *ct;

	host_begin("");
	worker_makes_it();
	reply = create(0, "name", "web");
	CHECK(json_integer_value(json_object_get(parameters_of(reply), "ctid")) == 101);
	CHECK(code_of(reply) == BERTH_OK);
	ct = registry_lookup(&d, "web", &err);
	CHECK(ct != NULL && ct->ctid == 101 && ct->status == CT_STOPPED && !ct->being_created);
	CHECK(!is_there(d.paths.lib, "state/101.intent"));
	CHECK(!is_there(run_dir(101), "candidate.conf"));
	CHECK(strncmp(worker_calls(), "create 101 655425536 ", 21) == 0);
	/* The next one has other ids. */
	CHECK(code_of(create(102, NULL, NULL)) == BERTH_OK);
	CHECK(strncmp(worker_calls(), "create 102 655491072 ", 21) == 0);
	host_end();
}

static void defaults_come_from_the_host_and_its_sample(void)
{
	char path[BERTH_PATH_MAX];
	struct conf_file *f = NULL;

	host_begin("DEF_OSTEMPLATE=\"debian-13\"\nVE_LAYOUT=\"private\"\nCONFIGFILE=\"small\"\n");
	put_file(path_below(d.paths.etc, "samples", path), "small.conf", "CPULIMIT=\"50\"\n", 0644);
	worker_makes_it();
	CHECK(code_of(create(101, "hostname", "h")) == BERTH_OK);
	CHECK(store_conf_load(&d.paths, 101, &f, &err) == 0);
	CHECK(strcmp(conf_get(f, "OSTEMPLATE"), "debian-13") == 0);
	CHECK(strcmp(conf_get(f, "VE_LAYOUT"), "private") == 0);
	CHECK(strcmp(conf_get(f, "CPULIMIT"), "50") == 0);
	CHECK(strcmp(conf_get(f, "HOSTNAME"), "h") == 0);
	conf_free(f);
	host_end();
}

static void a_ctid_that_cannot_be_is_refused(void)
{
	static const char *const bad[] = {"1", "100", "0", "-1", "\"101\"", "1.5", "4294967295000"};

	host_begin("");
	(void)add_ct(101, "");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		json_t *p = json_pack("{s:[], s:o}", "settings", "ctid",
				      json_loads(bad[i], JSON_DECODE_ANY, NULL));

		CHECK(code_of(call("io.berth.Container.Create", p)) == BERTH_ERR_VALUE);
	}
	CHECK(code_of(create(101, NULL, NULL)) == BERTH_ERR_EXISTS);
	CHECK(strstr(err.msg, "102") != NULL); /* the next free one */
	CHECK(code_of(call("io.berth.Container.Create", NULL)) == BERTH_ERR_VALUE);
	CHECK(d.n_cts == 1 && worker_calls()[0] == '\0');
	host_end();
}

static void what_is_refused_leaves_nothing(void)
{
	host_begin("");
	(void)add_ct(101, "NAME=\"web\"\nIP_ADDRESS=\"10.0.0.1\"\n");
	CHECK(code_of(create(102, "name", "web")) == BERTH_ERR_NAME_IN_USE);
	CHECK(nothing_is_left(102));
	CHECK(code_of(create(102, "ipadd", "10.0.0.1")) == BERTH_ERR_ADDRESS_IN_USE);
	CHECK(nothing_is_left(102));
	CHECK(code_of(create(102, "ram", "lots")) == BERTH_ERR_VALUE);
	CHECK(nothing_is_left(102));
	CHECK(code_of(create(102, "config", "none")) == BERTH_ERR_NO_SAMPLE);
	CHECK(nothing_is_left(102) && d.n_cts == 1 && worker_calls()[0] == '\0');
	host_end();
}

static void a_failed_worker_is_undone_and_told(void)
{
	host_begin("");
	on_worker("create", "echo error io.berth.NoSpace 28 CT 101: disk full; exit 1\n");
	on_worker("destroy", "rm -r $TOP/run/berth/ct/$ctid; say_done\n");
	CHECK(code_of(create(101, NULL, NULL)) == BERTH_ERR_NO_SPACE);
	CHECK(strcmp(err.msg, "CT 101: disk full") == 0 && nothing_is_left(101));
	CHECK(strstr(worker_calls(), "destroy 101 create,") != NULL);
	/* What cannot be undone now is undone by the next berthd. */
	on_worker("create", "kill -9 $$\n");
	on_worker("destroy", "echo error io.berth.Stuck 16 stuck; exit 1\n");
	CHECK(code_of(create(101, NULL, NULL)) == BERTH_ERR_HELPER);
	CHECK(registry_find(&d, 101) == NULL && is_there(d.paths.lib, "state/101.intent"));
	host_end();
}

static void while_it_is_made_it_is_hidden_and_what_it_wants_is_taken(void)
{
	struct client c;

	host_begin("");
	on_worker("create", "while [ ! -e $TOP/go ]; do sleep 0.01; done; kill -9 $$\n");
	client_open(&c);
	client_send(&c, "io.berth.Container.Create",
		    json_pack("{s:[{s:s, s:s}]}", "settings", "option", "name", "value", "web"),
		    false);
	WAIT_FOR(d.n_cts == 1);
	CHECK(code_of(call("io.berth.Container.Get", ct_parameter(101))) == BERTH_ERR_NO_CONFIG);
	CHECK(code_of(create(102, "name", "web")) == BERTH_ERR_NAME_IN_USE);
	CHECK(code_of(create(101, NULL, NULL)) == BERTH_ERR_EXISTS);
	put_file(top, "go", "", 0644);
	CHECK(code_of(client_wait(&c)) == BERTH_ERR_HELPER);
	client_close(&c);
	host_end();
}

static void a_create_that_nobody_waits_for_is_undone(void)
{
	struct client c;

	host_begin("");
	on_worker("create", "echo $$ >$TOP/pid; exec sleep 1000\n");
	client_open(&c);
	client_send(&c, "io.berth.Container.Create",
		    json_pack("{s:i, s:[]}", "ctid", 101, "settings"), false);
	WAIT_FOR(is_there(top, "pid"));
	CHECK(strncmp(worker_calls(), "create 101 ", 11) == 0);
	client_close(&c);
	WAIT_FOR(d.n_cts == 0);
	CHECK(strncmp(worker_calls(), "destroy 101 create", 18) == 0);
	CHECK(!is_there(d.paths.lib, "state/101.intent"));
	host_end();
}

int main(void)
{
	int r = daemon_begin();

	if (r != 0)
		return r;
	RUN(the_first_free_ctid_is_taken);
	RUN(defaults_come_from_the_host_and_its_sample);
	RUN(a_ctid_that_cannot_be_is_refused);
	RUN(what_is_refused_leaves_nothing);
	RUN(a_failed_worker_is_undone_and_told);
	RUN(while_it_is_made_it_is_hidden_and_what_it_wants_is_taken);
	RUN(a_create_that_nobody_waits_for_is_undone);
	return check_failures != 0;
}
