/*
 * test_destroy.c - a CT is destroyed wholly or is as before; and what runs is not destroyed.
 *
 * covers: runtime/daemon/methods_destroy.c
 */
#include "tests/unit/daemon_fixture.h"

static bool has_intent(void)
{
	char path[BERTH_PATH_MAX];

	return is_there(path_below(d.paths.lib, "state", path), "101.intent");
}

static enum berth_errcode destroy(void)
{
	return code_of(call("io.berth.Container.Destroy", ct_parameter(101)));
}

static void nothing_of_it_is_left_in_the_registry(void)
{
	struct client c;
	json_t *reply;

	host_begin("");
	(void)add_ct(101, "NAME=\"web\"\n");
	client_open(&c);
	client_send(&c, "io.berth.Container.Monitor", NULL, true);
	on_worker("destroy", "[ -e $TOP/var/lib/berth/state/101.intent ] && "
			     "rm $TOP/etc/berth/ct/101.conf && say_done\n");
	CHECK(destroy() == BERTH_OK && strcmp(worker_calls(), "destroy 101 order,") == 0);
	CHECK(registry_find(&d, 101) == NULL && !has_intent());
	CHECK(registry_lookup(&d, "web", &err) == NULL);
	reply = client_wait(&c);
	CHECK(strcmp(json_string_value(json_object_get(parameters_of(reply), "event")),
		     "destroyed") == 0);
	json_decref(reply);
	client_close(&c);
	host_end();
}

static void one_that_could_not_be_removed_lives_on(void)
{
	struct ct *ct;

	host_begin("");
	ct = add_ct(101, "NAME=\"web\"\n");
	on_worker("destroy", "echo error io.berth.Stuck 16 CT 101: stuck; exit 1\n");
	CHECK(destroy() == BERTH_ERR_STUCK && strcmp(err.msg, "CT 101: stuck") == 0);
	CHECK(ct->status == CT_STOPPED && ct->job == NULL);
	/* Or the next berthd would go on with it, whatever the CT does by then. */
	CHECK(!has_intent());
	CHECK(registry_lookup(&d, "web", &err) == ct);
	host_end();
}

static void one_without_its_config_is_broken_and_destroyed_later(void)
{
	struct ct *ct;

	host_begin("");
	ct = add_ct(101, "");
	on_worker("destroy", "rm $TOP/etc/berth/ct/101.conf; kill -9 $$\n");
	CHECK(destroy() == BERTH_ERR_HELPER);
	CHECK(ct->status == CT_BROKEN && has_intent());
	on_worker("destroy", "say_done\n");
	CHECK(destroy() == BERTH_OK && d.n_cts == 0 && !has_intent());
	host_end();
}

static void what_runs_or_is_mounted_is_not_destroyed(void)
{
	struct running r;
	struct job *j;
	struct ct *ct;

	host_begin("");
	running_begin(&r, 101, "");
	CHECK(destroy() == BERTH_ERR_RUNNING && strstr(err.msg, "berth stop 101") != NULL);
	CHECK(worker_calls()[0] == '\0' && !has_intent() && r.ct->status == CT_RUNNING);
	ct = add_ct(102, "");
	ct->status = CT_MOUNTED;
	CHECK(code_of(call("io.berth.Container.Destroy", ct_parameter(102))) == BERTH_ERR_MOUNTED);
	ct->status = CT_STOPPED;
	j = job_begin(&d, ct, "start", NULL, &err);
	j->own = false; /* an admin's, whose client has gone */
	CHECK(code_of(call("io.berth.Container.Destroy", ct_parameter(102))) == BERTH_ERR_LOCKED);
	job_done(j, NULL);
	CHECK(worker_calls()[0] == '\0');
	host_end();
	running_end(&r);
}

static void who_is_not_there_cannot_be_destroyed(void)
{
	host_begin("");
	CHECK(destroy() == BERTH_ERR_NO_CONFIG);
	CHECK(code_of(call("io.berth.Container.Destroy", NULL)) == BERTH_ERR_VALUE);
	CHECK(code_of(call("io.berth.Container.Destroy", json_pack("{s:i}", "ct", 101))) ==
	      BERTH_ERR_VALUE);
	CHECK(worker_calls()[0] == '\0' && d.n_cts == 0);
	host_end();
}

int main(void)
{
	int r = daemon_begin();

	if (r != 0)
		return r;
	RUN(nothing_of_it_is_left_in_the_registry);
	RUN(one_that_could_not_be_removed_lives_on);
	RUN(one_without_its_config_is_broken_and_destroyed_later);
	RUN(what_runs_or_is_mounted_is_not_destroyed);
	RUN(who_is_not_there_cannot_be_destroyed);
	return check_failures != 0;
}
