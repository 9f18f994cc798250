/*
 * test_methods_host.c - the calls without a CT: ping, doctor and templates.
 *
 * covers: runtime/daemon/methods_template.c runtime/daemon/call_list.c
 */
#include "tests/unit/daemon_fixture.h"

static void a_ping_tells_version_and_pid(void)
{
	json_t *reply;

	host_begin("");
	reply = call("io.berth.Host.Ping", NULL);
	CHECK(json_integer_value(json_object_get(parameters_of(reply), "pid")) == getpid());
	CHECK(strcmp(json_string_value(json_object_get(parameters_of(reply), "version")),
		     BERTH_VERSION) == 0);
	CHECK(code_of(reply) == BERTH_OK);
	host_end();
}

/* The worker of an operation without a CT has no CTID: its first word is the operation. */
static void the_doctor_tells_what_the_worker_finds(void)
{
	json_t *reply;

	host_begin("");
	on_worker("doctor", "echo result swap.level=warning; echo result swap.text=none; "
			    "echo result swap.fix=; say_done\n");
	reply = call("io.berth.Host.Doctor", NULL);
	CHECK(json_array_size(json_object_get(parameters_of(reply), "findings")) == 1);
	CHECK(code_of(reply) == BERTH_OK);
	on_worker("doctor", "kill -9 $$\n");
	CHECK(code_of(call("io.berth.Host.Doctor", NULL)) == BERTH_ERR_HELPER);
	(void)unlink(d.worker_path);
	CHECK(code_of(call("io.berth.Host.Doctor", NULL)) == BERTH_ERR_HELPER);
	host_end();
}

/* The group may ask as often as it likes. */
static void doctors_at_one_time_are_one(void)
{
	struct client c[4];

	host_begin("");
	on_worker("doctor",
		  "echo x >>$TOP/began; while [ ! -e $TOP/go ]; do sleep 0.01; done; "
		  "echo result a.level=ok; echo result a.text=b; echo result a.fix=; say_done\n");
	for (int i = 0; i < 4; i++) {
		client_open(&c[i]);
		client_send(&c[i], "io.berth.Host.Doctor", NULL, false);
	}
	WAIT_FOR(is_there(top, "began"));
	settle_down();
	client_close(&c[1]);
	settle_down();
	put_file(top, "go", "", 0644);
	for (int i = 0; i < 4; i++) {
		json_t *reply;

		if (i == 1)
			continue;
		reply = client_wait(&c[i]);
		CHECK(json_array_size(json_object_get(parameters_of(reply), "findings")) == 1);
		json_decref(reply);
		client_close(&c[i]);
	}
	CHECK(strcmp(worker_calls(), "doctor,") == 0);
	CHECK(code_of(call("io.berth.Host.Doctor", NULL)) == BERTH_OK);
	CHECK(strcmp(worker_calls(), "doctor,") == 0);
	host_end();
}

/* A build is ended, and what it left is swept; what berthd asks a worker for itself goes on. */
static void a_client_that_goes_ends_its_build_alone(void)
{
	struct client c;

	host_begin("");
	on_worker("doctor",
		  "while [ ! -e $TOP/go ]; do sleep 0.01; done; : >$TOP/done; say_done\n");
	on_worker("template-build",
		  "while [ ! -e $TOP/go ]; do sleep 0.01; done; : >$TOP/built; say_done\n");
	on_worker("template-sweep", ": >$TOP/swept; say_done\n");
	client_open(&c);
	client_send(&c, "io.berth.Host.Doctor", NULL, false);
	client_close(&c);
	client_open(&c);
	client_send(&c, "io.berth.Template.Build", json_pack("{s:s}", "name", "tiny"), true);
	client_close(&c);
	WAIT_FOR(is_there(top, "swept"));
	put_file(top, "go", "", 0644);
	WAIT_FOR(is_there(top, "done"));
	CHECK(!is_there(top, "built"));
	settle_down();
	host_end();
}

static void templates_are_listed_with_the_recipes(void)
{
	char path[BERTH_PATH_MAX];
	json_t *reply;

	host_begin("");
	reply = call("io.berth.Template.List", NULL);
	CHECK(json_array_size(json_object_get(parameters_of(reply), "templates")) == 0);
	CHECK(json_array_size(json_object_get(parameters_of(reply), "recipes")) > 0);
	CHECK(code_of(reply) == BERTH_OK);
	CHECK(rmdir(path_below(d.paths.lib, "template", path)) == 0);
	CHECK(code_of(call("io.berth.Template.List", NULL)) == BERTH_ERR_SYSTEM);
	host_end();
}

static void what_the_worker_is_asked_for(void)
{
	host_begin("");
	CHECK(code_of(call("io.berth.Template.Build", json_pack("{s:s}", "name", "tiny"))) ==
	      BERTH_OK);
	CHECK(code_of(call("io.berth.Template.Import",
			   json_pack("{s:s, s:s}", "name", "x", "path", "/a b"))) == BERTH_OK);
	CHECK(code_of(call("io.berth.Template.Remove", json_pack("{s:s}", "name", "x"))) ==
	      BERTH_OK);
	CHECK(strcmp(worker_calls(),
		     "template-build tiny,template-import x /a b,template-remove x,") == 0);
	on_worker("template-remove", "echo error io.berth.NoTemplate 2 no template x; exit 1\n");
	CHECK(code_of(call("io.berth.Template.Remove", json_pack("{s:s}", "name", "x"))) ==
	      BERTH_ERR_NO_TEMPLATE);
	CHECK(strcmp(err.msg, "no template x") == 0);
	host_end();
}

static void a_call_without_what_it_needs_starts_nothing(void)
{
	static const char *const methods[] = {"Build", "Import", "Remove"};

	host_begin("");
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "io.berth.Template.%s", methods[i]);
		CHECK(code_of(call(name, NULL)) == BERTH_ERR_VALUE);
		CHECK(code_of(call(name, json_pack("{s:s}", "name", ""))) == BERTH_ERR_VALUE);
		CHECK(code_of(call(name, json_pack("{s:i}", "name", 1))) == BERTH_ERR_VALUE);
	}
	CHECK(code_of(call("io.berth.Template.Import", json_pack("{s:s}", "name", "x"))) ==
	      BERTH_ERR_VALUE);
	CHECK(strstr(err.msg, "'path'") != NULL && worker_calls()[0] == '\0');
	(void)unlink(d.worker_path);
	CHECK(code_of(call("io.berth.Template.Remove", json_pack("{s:s}", "name", "x"))) ==
	      BERTH_ERR_HELPER);
	host_end();
}

static void progress_goes_to_who_asked_for_more(void)
{
	struct client c;
	json_t *reply;

	host_begin("");
	on_worker("template-build",
		  "echo progress 40 unpacking; echo progress -1 packing; say_done\n");
	client_open(&c);
	client_send(&c, "io.berth.Template.Build", json_pack("{s:s}", "name", "tiny"), true);
	reply = client_wait(&c);
	CHECK(json_is_true(json_object_get(reply, "continues")));
	CHECK(json_integer_value(json_object_get(json_object_get(parameters_of(reply), "progress"),
						 "percent")) == 40);
	json_decref(reply);
	json_decref(client_wait(&c));
	CHECK(code_of(client_wait(&c)) == BERTH_OK);
	client_close(&c);
	host_end();
}

int main(void)
{
	int r = daemon_begin();

	if (r != 0)
		return r;
	RUN(a_ping_tells_version_and_pid);
	RUN(doctors_at_one_time_are_one);
	RUN(the_doctor_tells_what_the_worker_finds);
	RUN(a_client_that_goes_ends_its_build_alone);
	RUN(templates_are_listed_with_the_recipes);
	RUN(what_the_worker_is_asked_for);
	RUN(a_call_without_what_it_needs_starts_nothing);
	RUN(progress_goes_to_who_asked_for_more);
	return check_failures != 0;
}
