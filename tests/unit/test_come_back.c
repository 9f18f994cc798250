/* test_come_back.c - temporary changes end when it is time, also when that was while berthd was down. */
#include "tests/unit/daemon_fixture.h"

#include "runtime/daemon/come_back.h"

static bool saved_is(uint32_t ctid, const char *key, const char *want)
{
	struct conf_file *f = NULL;
	const char *v;
	bool same;

	CHECK(store_conf_load(&d.paths, ctid, &f, &err) == 0);
	v = conf_get(f, key);
	same = v == want || (v != NULL && want != NULL && strcmp(v, want) == 0);
	conf_free(f);
	return same;
}

static void what_is_due_comes_back_and_the_rest_waits(void)
{
	const char *calls;

	host_begin("");
	on_worker("apply", "say_done\n");
	(void)add_ct(101, "CPULIMIT=\"50\"\nUNTIL_CPULIMIT=\"2001-01-01T00:00:00Z 20\"\n"
			  "NUMPROC=\"90\"\nUNTIL_NUMPROC=\"2099-01-01T00:00:00Z\"\n");
	(void)add_ct(102, "CPULIMIT=\"50\"\nUNTIL_CPULIMIT=\"2001-01-01T00:00:00Z\"\n");
	(void)add_ct(103, "CPULIMIT=\"50\"\nUNTIL_CPULIMIT=\"2099-01-01T00:00:00Z 7\"\n");
	(void)add_ct(104, "CPULIMIT=\"50\"\n");
	come_back_begin(&d);
	WAIT_FOR(saved_is(101, "CPULIMIT", "20") && saved_is(102, "CPULIMIT", NULL) && all_idle());
	CHECK(saved_is(101, "UNTIL_CPULIMIT", NULL) && saved_is(102, "UNTIL_CPULIMIT", NULL));
	CHECK(saved_is(101, "NUMPROC", "90") && saved_is(103, "CPULIMIT", "50"));
	calls = worker_calls(); /* the second one would tell nothing */
	CHECK(strcmp(calls, "apply 101,apply 102,") == 0 ||
	      strcmp(calls, "apply 102,apply 101,") == 0);
	CHECK(registry_find(&d, 101)->until > 4000000000 && registry_find(&d, 102)->until == 0);
	host_end();
}

/* Memory that the CT uses, say: it holds its own key, and only that. */
static void what_is_refused_holds_no_other_key(void)
{
	struct ct *ct;

	host_begin("");
	on_worker("apply",
		  "if grep -q 'PHYSPAGES=.0:100' $TOP/run/berth/ct/101/candidate.conf; then "
		  "echo error io.berth.Limit 16 CT 101: its memory is in use; exit 1; fi\n"
		  "say_done\n");
	ct = add_ct(101, "CPULIMIT=\"50\"\nUNTIL_CPULIMIT=\"2001-01-01T00:00:00Z 20\"\n"
			 "PHYSPAGES=\"0:90000\"\nUNTIL_PHYSPAGES=\"2001-01-01T00:00:00Z 0:10000\"\n"
			 "NUMPROC=\"90\"\nUNTIL_NUMPROC=\"2001-01-01T00:00:00Z\"\n");
	come_back_begin(&d);
	WAIT_FOR(ct->back_trouble != NULL && all_idle());
	CHECK(saved_is(101, "CPULIMIT", "20") && saved_is(101, "NUMPROC", NULL));
	CHECK(saved_is(101, "PHYSPAGES", "0:90000"));
	CHECK(saved_is(101, "UNTIL_PHYSPAGES", "2001-01-01T00:00:00Z 0:10000"));
	CHECK(strstr(ct->back_trouble, "PHYSPAGES (its memory is in use)") != NULL);
	CHECK(strcmp(worker_calls(), "apply 101,apply 101,apply 101,apply 101,") == 0);
	/* And no more until its pause is over. */
	come_back_soon(&d);
	settle_down();
	CHECK(worker_calls()[0] == '\0');
	/* Who makes it permanent has settled it. */
	CHECK(code_of(call("io.berth.Container.Set",
			   json_pack("{s:s, s:b, s:[{s:s, s:s}]}", "ct", "101", "save", true,
				     "settings", "option", "physpages", "value", "0:90000"))) ==
	      BERTH_OK);
	WAIT_FOR(ct->back_trouble == NULL && ct->until == 0 && all_idle());
	host_end();
}

/* Not at once again and again, while somebody is at work in an editor. */
static void a_config_that_cannot_be_read_has_its_pause(void)
{
	struct ct *ct;

	host_begin("");
	on_worker("apply", "echo '((' >$TOP/etc/berth/ct/101.conf\n"
			   "echo error io.berth.Limit 16 CT 101: its memory is in use; exit 1\n");
	ct = add_ct(101, "CPULIMIT=\"50\"\nUNTIL_CPULIMIT=\"2001-01-01T00:00:00Z 20\"\n"
			 "NUMPROC=\"90\"\nUNTIL_NUMPROC=\"2001-01-01T00:00:00Z\"\n");
	come_back_begin(&d);
	WAIT_FOR(ct->back_trouble != NULL && all_idle());
	CHECK(strstr(text_or_empty(ct->back_trouble), "back: config (") != NULL);
	CHECK(strcmp(worker_calls(), "apply 101,") == 0);
	host_end();
}

int main(void)
{
	int r = daemon_begin();

	if (r != 0)
		return r;
	RUN(what_is_due_comes_back_and_the_rest_waits);
	RUN(what_is_refused_holds_no_other_key);
	RUN(a_config_that_cannot_be_read_has_its_pause);
	return check_failures != 0;
}
