/*
 * test_methods_set.c - Set: all of the settings or none, saved or not, and what the admin is told; Undo.
 *
 * covers: runtime/daemon/set_change.c
 */
#include "tests/unit/daemon_fixture.h"

#include "runtime/daemon/set_recover.h"

#include <time.h>

static json_t *set(const char *option, const char *value, bool save)
{
	return call("io.berth.Container.Set",
		    json_pack("{s:s, s:b, s:[{s:s, s:s}]}", "ct", "101", "save", save, "settings",
			      "option", option, "value", value));
}

/* Of the reply of a set that went well. */
static bool is_noted(json_t *reply, const char *text)
{
	json_t *notes = json_object_get(parameters_of(reply), "notes"), *note;
	bool found = false;
	size_t i;

	json_array_foreach(notes, i, note) found |= strstr(json_string_value(note), text) != NULL;
	return found;
}

static const char *saved(const char *key)
{
	static char value[256];
	struct conf_file *f = NULL;
	const char *v;

	CHECK(store_conf_load(&d.paths, 101, &f, &err) == 0);
	v = conf_get(f, key);
	(void)snprintf(value, sizeof(value), "%s", v != NULL ? v : "(none)");
	conf_free(f);
	return value;
}

static bool is_untouched(void)
{
	return strcmp(saved("HOSTNAME"), "old") == 0 && !is_there(run_dir(101), "live.conf") &&
	       !is_there(run_dir(101), "candidate.conf") && all_idle();
}

static void with_save_it_is_in_the_config_and_the_name_is_new(void)
{
	json_t *reply;

	host_begin("");
	(void)add_ct(101, "NAME=\"web\"\n# kept\nUNKNOWN=\"1\"\n");
	reply = set("name", "web2", true);
	CHECK(!is_noted(reply, "not saved") && code_of(reply) == BERTH_OK);
	CHECK(strcmp(saved("NAME"), "web2") == 0 && strcmp(saved("UNKNOWN"), "1") == 0);
	CHECK(registry_lookup(&d, "web2", NULL) != NULL && !registry_lookup(&d, "web", NULL));
	CHECK(strcmp(worker_calls(), "apply 101,") == 0);
	CHECK(!is_there(run_dir(101), "candidate.conf"));
	host_end();
}

static void without_save_a_stopped_ct_is_as_before(void)
{
	json_t *reply;

	host_begin("");
	(void)add_ct(101, "HOSTNAME=\"old\"\n");
	reply = set("hostname", "new", false);
	CHECK(is_noted(reply, "nothing was changed") && code_of(reply) == BERTH_OK);
	CHECK(worker_calls()[0] == '\0' && strcmp(saved("HOSTNAME"), "old") == 0);
	CHECK(!is_there(run_dir(101), "live.conf"));
	host_end();
}

static void without_save_it_is_in_effect_until_the_stop(void)
{
	struct running r;
	json_t *reply;

	host_begin("");
	running_begin(&r, 101, "HOSTNAME=\"old\"\n");
	reply = set("hostname", "new", false);
	CHECK(is_noted(reply, "add --save") && code_of(reply) == BERTH_OK);
	CHECK(strcmp(saved("HOSTNAME"), "old") == 0 && is_there(run_dir(101), "live.conf"));
	/* A later set of something else does not take it back. */
	on_worker("apply", "grep -q new $TOP/run/berth/ct/101/candidate.conf && say_done\n");
	CHECK(code_of(set("description", "x", true)) == BERTH_OK);
	CHECK(strcmp(saved("HOSTNAME"), "old") == 0 && strcmp(saved("DESCRIPTION"), "x") == 0);
	host_end();
	running_end(&r);
}

static json_t *undo(void)
{
	return call("io.berth.Container.Undo", json_pack("{s:s}", "ct", "101"));
}

static void undo_takes_the_last_set_back_and_a_second_one_does_it_again(void)
{
	json_t *reply;

	host_begin("");
	(void)add_ct(101, "NUMPROC=\"50\"\n");
	CHECK(code_of(undo()) == BERTH_ERR_VALUE);
	CHECK(code_of(set("numproc", "60", true)) == BERTH_OK);
	CHECK(code_of(set("cpulimit", "20", true)) == BERTH_OK);
	put_config(101, "NUMPROC=\"60:60\"\nCPULIMIT=\"20\"\nNAME=\"by-hand\"\n");
	reply = call("io.berth.Container.Undo",
		     json_pack("{s:s, s:b}", "ct", "101", "dry_run", true));
	CHECK(is_noted(reply, "would be undone; then CPULIMIT unset") &&
	      code_of(reply) == BERTH_OK);
	reply = undo();
	CHECK(is_noted(reply, "undone; now CPULIMIT unset") && code_of(reply) == BERTH_OK);
	CHECK(strcmp(saved("CPULIMIT"), "(none)") == 0 && strcmp(saved("NUMPROC"), "60:60") == 0);
	CHECK(strcmp(saved("NAME"), "by-hand") == 0);
	CHECK(code_of(undo()) == BERTH_OK && strcmp(saved("CPULIMIT"), "20") == 0);
	host_end();
}

/* The config's editor is not asked, and an undo of nothing else is left. */
static void undo_leaves_what_was_changed_since(void)
{
	json_t *reply;

	host_begin("");
	(void)add_ct(101, "NUMPROC=\"50\"\n");
	CHECK(code_of(set("numproc", "60", true)) == BERTH_OK);
	put_config(101, "NUMPROC=\"70:70\"\n");
	CHECK(code_of(undo()) == BERTH_ERR_VALUE && strstr(err.msg, "since: NUMPROC") != NULL);
	CHECK(strcmp(saved("NUMPROC"), "70:70") == 0);
	reply = call("io.berth.Container.Set",
		     json_pack("{s:s, s:b, s:[{s:s, s:s}, {s:s, s:s}]}", "ct", "101", "save", true,
			       "settings", "option", "numproc", "value", "80", "option", "cpulimit",
			       "value", "20"));
	CHECK(code_of(reply) == BERTH_OK);
	put_config(101, "NUMPROC=\"90:90\"\nCPULIMIT=\"20\"\n");
	reply = undo();
	CHECK(is_noted(reply, "changed again since: NUMPROC") && code_of(reply) == BERTH_OK);
	CHECK(strcmp(saved("NUMPROC"), "90:90") == 0 && strcmp(saved("CPULIMIT"), "(none)") == 0);
	host_end();
}

/* A set that could not be saved is not the one that an undo takes back. */
static void what_was_not_saved_is_not_the_last_set(void)
{
	char path[BERTH_PATH_MAX];

	host_begin("");
	(void)add_ct(101, "NUMPROC=\"50\"\n");
	CHECK(code_of(set("numproc", "60", true)) == BERTH_OK);
	CHECK(dir_make(path_below(d.paths.etc, "ct/101.conf.tmp/x", path), 0755) == 0);
	CHECK(code_of(set("cpulimit", "20", true)) == BERTH_ERR_SAVE);
	CHECK(rmdir(path) == 0 && rmdir(path_below(d.paths.etc, "ct/101.conf.tmp", path)) == 0);
	CHECK(code_of(undo()) == BERTH_OK && strcmp(saved("NUMPROC"), "50") == 0);
	host_end();
}

static void what_is_unset_has_its_default_again(void)
{
	json_t *p = json_pack("{s:s, s:b, s:[], s:[s, s]}", "ct", "101", "save", true, "settings",
			      "unset", "numproc", "cpulimit");

	host_begin("");
	(void)add_ct(101, "NUMPROC=\"50\"\nCPUUNITS=\"500\"\n");
	CHECK(code_of(call("io.berth.Container.Set", json_incref(p))) == BERTH_OK);
	CHECK(strcmp(saved("NUMPROC"), "(none)") == 0 && strcmp(saved("CPUUNITS"), "500") == 0);
	(void)json_object_set_new(p, "unset", json_pack("[s]", "layout"));
	CHECK(code_of(call("io.berth.Container.Set", json_incref(p))) == BERTH_ERR_OPTION);
	(void)json_object_set_new(p, "unset", json_pack("[i]", 5));
	CHECK(code_of(call("io.berth.Container.Set", p)) == BERTH_ERR_VALUE);
	host_end();
}

static void a_dry_run_changes_nothing(void)
{
	json_t *reply, *changes;

	host_begin("");
	(void)add_ct(101, "HOSTNAME=\"old\"\n");
	on_worker("apply", "echo result change.0.where=/f; echo result change.0.old=old value\n"
			   "echo result change.0.new=new; say_done\n");
	reply = call("io.berth.Container.Set",
		     json_pack("{s:s, s:b, s:b, s:[{s:s, s:s}]}", "ct", "101", "save", true,
			       "dry_run", true, "settings", "option", "hostname", "value", "new"));
	changes = json_object_get(parameters_of(reply), "changes");
	CHECK(json_array_size(changes) == 2);
	CHECK(strcmp(json_string_value(json_object_get(json_array_get(changes, 0), "old")),
		     "old value") == 0);
	CHECK(strcmp(json_string_value(json_object_get(json_array_get(changes, 1), "new")),
		     "HOSTNAME=\"new\"") == 0);
	CHECK(code_of(reply) == BERTH_OK && is_untouched());
	CHECK(strcmp(worker_calls(), "apply 101 dry,") == 0);
	CHECK(!is_there(run_dir(101), "asked.conf"));
	host_end();
}

static void what_is_for_a_time_is_in_the_config_with_its_end(void)
{
	json_t *p = json_pack("{s:s, s:b, s:i, s:[{s:s, s:s}]}", "ct", "101", "save", false, "for",
			      7200, "settings", "option", "numproc", "value", "90");

	host_begin("");
	(void)add_ct(101, "NUMPROC=\"50\"\n");
	CHECK(code_of(call("io.berth.Container.Set", json_incref(p))) == BERTH_OK);
	CHECK(strcmp(saved("NUMPROC"), "90:90") == 0);
	CHECK(strstr(saved("UNTIL_NUMPROC"), "Z 50") != NULL);
	CHECK(registry_find(&d, 101)->until > (int64_t)time(NULL) + 7100);
	/* A set for good is for good, even of the same value. */
	CHECK(code_of(set("numproc", "90", true)) == BERTH_OK);
	CHECK(strcmp(saved("UNTIL_NUMPROC"), "(none)") == 0);
	CHECK(registry_find(&d, 101)->until == 0);
	(void)json_object_set_new(p, "for", json_integer(0));
	CHECK(code_of(call("io.berth.Container.Set", p)) == BERTH_ERR_VALUE);
	host_end();
}

static void what_a_running_ct_cannot_give_back_is_told(void)
{
	json_t *p = json_pack("{s:s, s:b, s:i, s:[{s:s, s:s}]}", "ct", "101", "save", false, "for",
			      7200, "settings", "option", "diskspace", "value", "2G"),
	       *reply;
	struct running r;

	host_begin("");
	running_begin(&r, 101, "DISKSPACE=\"1048576\"\n");
	reply = call("io.berth.Container.Set", json_incref(p));
	CHECK(is_noted(reply, "shrinks only while its CT is stopped") &&
	      code_of(reply) == BERTH_OK);
	(void)json_object_set_new(p, "settings",
				  json_pack("[{s:s, s:s}]", "option", "numproc", "value", "90"));
	(void)json_object_set_new(p, "ct", json_string("102"));
	(void)add_ct(102, "");
	reply = call("io.berth.Container.Set", p);
	CHECK(!is_noted(reply, "shrinks") && code_of(reply) == BERTH_OK);
	host_end();
	running_end(&r);
}

static void what_takes_effect_later_or_never_is_told(void)
{
	struct running r;
	json_t *reply;

	host_begin("");
	running_begin(&r, 101, "");
	reply = set("features", "nesting:on", true);
	CHECK(is_noted(reply, "berth restart 101") && code_of(reply) == BERTH_OK);
	reply = set("kmemsize", "100000:100000", true);
	CHECK(is_noted(reply, "not enforced by berth: --kmemsize") && code_of(reply) == BERTH_OK);
	on_worker("apply", "echo result note.network=the CT refuses; say_done\n");
	reply = set("ipadd", "10.0.0.1", true);
	CHECK(is_noted(reply, "the CT refuses") && code_of(reply) == BERTH_OK);
	host_end();
	running_end(&r);
}

static void what_the_worker_refuses_changes_nothing(void)
{
	struct running r;

	host_begin("");
	running_begin(&r, 101, "HOSTNAME=\"old\"\n");
	on_worker("apply", "echo error io.berth.Limit 16 CT 101: in use; exit 1\n");
	CHECK(code_of(set("hostname", "new", true)) == BERTH_ERR_LIMIT && is_untouched());
	CHECK(strcmp(worker_calls(), "apply 101,") == 0);
	host_end();
	running_end(&r);
}

/* Two sets at the same time must not both get an address or a name. */
static void what_is_being_set_is_taken_already(void)
{
	struct client c;

	host_begin("");
	(void)add_ct(101, "NAME=\"web\"\n");
	(void)add_ct(102, "");
	on_worker("apply", "if [ $ctid = 101 ]; then while [ ! -e $TOP/go ]; do sleep 0.01; done; "
			   "echo error io.berth.Limit 16 no; exit 1; fi; say_done\n");
	client_open(&c);
	client_send(&c, "io.berth.Container.Set",
		    json_pack("{s:s, s:b, s:[{s:s, s:s}, {s:s, s:s}]}", "ct", "101", "save", true,
			      "settings", "option", "name", "value", "new", "option", "ipadd",
			      "value", "10.0.0.1"),
		    false);
	CHECK(registry_lookup(&d, "web", NULL) != NULL); /* until it is true, it has its old name */
	CHECK(code_of(call("io.berth.Container.Set",
			   json_pack("{s:s, s:b, s:[{s:s, s:s}]}", "ct", "102", "save", true,
				     "settings", "option", "name", "value", "new"))) ==
	      BERTH_ERR_NAME_IN_USE);
	CHECK(code_of(call("io.berth.Container.Set",
			   json_pack("{s:s, s:b, s:[{s:s, s:s}]}", "ct", "102", "save", true,
				     "settings", "option", "ipadd", "value", "10.0.0.1"))) ==
	      BERTH_ERR_ADDRESS_IN_USE);
	put_file(top, "go", "", 0644);
	CHECK(code_of(client_wait(&c)) == BERTH_ERR_LIMIT);
	client_close(&c);
	/* It was refused: they are free. */
	CHECK(code_of(call("io.berth.Container.Set",
			   json_pack("{s:s, s:b, s:[{s:s, s:s}, {s:s, s:s}]}", "ct", "102", "save",
				     true, "settings", "option", "name", "value", "new", "option",
				     "ipadd", "value", "10.0.0.1"))) == BERTH_OK);
	host_end();
}

/* It may have done half of it: another worker goes from there back to what was. */
static void a_worker_that_died_is_taken_back(void)
{
	struct running r;

	host_begin("");
	running_begin(&r, 101, "HOSTNAME=\"old\"\n");
	on_worker("apply", "[ -e $TOP/once ] || { : >$TOP/once; kill -9 $$; }\n"
			   "grep -q new $TOP/run/berth/ct/101/candidate.conf && "
			   "[ ! -e $TOP/run/berth/ct/101/live.conf ] && say_done\n");
	CHECK(code_of(set("hostname", "new", true)) == BERTH_ERR_HELPER);
	CHECK(strcmp(worker_calls(), "apply 101,apply 101 back,") == 0);
	CHECK(strcmp(saved("HOSTNAME"), "old") == 0 && all_idle());
	CHECK(!is_there(run_dir(101), "candidate.conf"));
	host_end();
	running_end(&r);
}

/* As berthd finds it that comes after one that was killed in the middle of a set. */
static void left_by_a_killed_berthd(struct running *r, const char *saved_conf, const char *live,
				    const char *pending, const char *candidate)
{
	running_begin(r, 101, saved_conf);
	put_file(run_dir(101), "live.conf", live, 0644);
	if (pending != NULL)
		put_file(run_dir(101), "pending.conf", pending, 0644);
	put_file(run_dir(101), "candidate.conf", candidate, 0644);
	put_file(run_dir(101), "undo", "SAVED_NUMPROC=\"=1\"\n", 0600);
	put_file(run_dir(101), "undo.new", "SAVED_CPULIMIT=\"-\"\n", 0600);
	set_recover(&d, r->ct);
	WAIT_FOR(all_idle());
	CHECK(!is_there(run_dir(101), "candidate.conf") && !is_there(run_dir(101), "pending.conf"));
	CHECK(!is_there(run_dir(101), "undo.new"));
}

/* That is the last set now. */
static bool would_undo(const char *key)
{
	struct conf_file *f = NULL;
	bool is;

	CHECK(store_undo_load(&d.paths, 101, &f, &err) == 0);
	is = conf_get(f, key) != NULL;
	conf_free(f);
	return is;
}

static const char *live(const char *key)
{
	static char value[256];
	struct conf_file *f = NULL;
	const char *v;

	CHECK(store_live_load(&d.paths, 101, &f, &err) == 0);
	v = conf_get(f, key);
	(void)snprintf(value, sizeof(value), "%s", v != NULL ? v : "(none)");
	conf_free(f);
	return value;
}

/* What is in effect and what is saved differ before it, so neither says what the other was to be. */
static void after_a_kill_both_files_are_new_or_none(void)
{
	struct running r;

	host_begin("");
	left_by_a_killed_berthd(&r, "NUMPROC=\"60\"\nCPULIMIT=\"50\"\n", "NUMPROC=\"150\"\n",
				"NUMPROC=\"60\"\nCPULIMIT=\"50\"\n",
				"NUMPROC=\"150\"\nCPULIMIT=\"50\"\n");
	CHECK(strcmp(worker_calls(), "apply 101,") == 0);
	CHECK(strcmp(live("CPULIMIT"), "50") == 0 && strcmp(live("NUMPROC"), "150") == 0);
	CHECK(would_undo("SAVED_CPULIMIT") && !would_undo("SAVED_NUMPROC"));
	host_end();
	running_end(&r);
	host_begin("");
	left_by_a_killed_berthd(&r, "NUMPROC=\"60\"\n", "NUMPROC=\"150\"\n",
				"NUMPROC=\"60\"\nCPULIMIT=\"50\"\n",
				"NUMPROC=\"150\"\nCPULIMIT=\"50\"\n");
	CHECK(strcmp(worker_calls(), "apply 101 back,") == 0);
	CHECK(strcmp(live("CPULIMIT"), "(none)") == 0 && strcmp(live("NUMPROC"), "150") == 0);
	CHECK(strcmp(saved("CPULIMIT"), "(none)") == 0 && would_undo("SAVED_NUMPROC"));
	host_end();
	running_end(&r);
	/* At its very end. */
	host_begin("");
	left_by_a_killed_berthd(&r, "NUMPROC=\"60\"\n", "NUMPROC=\"150\"\n", NULL,
				"NUMPROC=\"150\"\n");
	CHECK(worker_calls()[0] == '\0' && strcmp(live("NUMPROC"), "150") == 0);
	CHECK(would_undo("SAVED_CPULIMIT"));
	host_end();
	running_end(&r);
	/* Before its config, of one that changes nothing else. */
	host_begin("");
	left_by_a_killed_berthd(&r, "NUMPROC=\"60\"\n", "NUMPROC=\"150\"\n", "NUMPROC=\"70\"\n",
				"NUMPROC=\"150\"\n");
	CHECK(worker_calls()[0] == '\0' && would_undo("SAVED_NUMPROC"));
	host_end();
	running_end(&r);
}

/* What was only asked about is no set under way. */
static void a_dry_run_that_was_killed_is_swept_away(void)
{
	struct running r;

	host_begin("");
	running_begin(&r, 101, "NUMPROC=\"60\"\n");
	put_file(run_dir(101), "asked.conf", "NUMPROC=\"70\"\n", 0644);
	set_recover(&d, r.ct);
	settle_down();
	CHECK(worker_calls()[0] == '\0' && strcmp(live("NUMPROC"), "60") == 0);
	store_sweep(&d.paths, 101);
	CHECK(!is_there(run_dir(101), "asked.conf"));
	host_end();
	running_end(&r);
}

static void what_cannot_be_saved_is_taken_back(void)
{
	char path[BERTH_PATH_MAX];
	struct running r;

	host_begin("");
	running_begin(&r, 101, "HOSTNAME=\"old\"\n");
	/* A directory in the way of the temporary name. */
	CHECK(dir_make(path_below(d.paths.etc, "ct/101.conf.tmp/x", path), 0755) == 0);
	CHECK(code_of(set("hostname", "new", true)) == BERTH_ERR_SAVE);
	CHECK(strcmp(worker_calls(), "apply 101,apply 101 back,") == 0);
	CHECK(strcmp(saved("HOSTNAME"), "old") == 0 && all_idle());
	host_end();
	running_end(&r);
}

/* Else it could never come back. */
static void what_comes_back_is_taken(void)
{
	host_begin("");
	(void)add_ct(
		101,
		"NAME=\"b\"\nUNTIL_NAME=\"2099-01-01T00:00:00Z a\"\n"
		"IP_ADDRESS=\"10.0.0.2\"\nUNTIL_IP_ADDRESS=\"2099-01-01T00:00:00Z 10.0.0.1\"\n");
	(void)add_ct(102, "HOSTNAME=\"old\"\n");
	CHECK(code_of(call("io.berth.Container.Set",
			   json_pack("{s:s, s:b, s:[{s:s, s:s}]}", "ct", "102", "save", true,
				     "settings", "option", "name", "value", "a"))) ==
	      BERTH_ERR_NAME_IN_USE);
	CHECK(strstr(err.msg, "berth set 101 --name b --save") != NULL);
	CHECK(code_of(call("io.berth.Container.Set",
			   json_pack("{s:s, s:b, s:[{s:s, s:s}]}", "ct", "102", "save", true,
				     "settings", "option", "ipadd", "value", "10.0.0.1"))) ==
	      BERTH_ERR_ADDRESS_IN_USE);
	CHECK(strstr(err.msg, "comes back to CT 101") != NULL);
	/* What the message advises frees it. */
	CHECK(code_of(set("name", "b", true)) == BERTH_OK);
	CHECK(code_of(call("io.berth.Container.Set",
			   json_pack("{s:s, s:b, s:[{s:s, s:s}]}", "ct", "102", "save", true,
				     "settings", "option", "name", "value", "a"))) == BERTH_OK);
	host_end();
}

static void what_cannot_be_is_refused_before_anything_is_done(void)
{
	host_begin("");
	(void)add_ct(101, "HOSTNAME=\"old\"\n");
	(void)add_ct(102, "NAME=\"web\"\nIP_ADDRESS=\"10.0.0.1\"\n");
	CHECK(code_of(set("name", "web", true)) == BERTH_ERR_NAME_IN_USE && is_untouched());
	CHECK(code_of(set("ipadd", "10.0.0.1", true)) == BERTH_ERR_ADDRESS_IN_USE &&
	      is_untouched());
	CHECK(code_of(set("ram", "lots", true)) == BERTH_ERR_VALUE && is_untouched());
	CHECK(code_of(set("rma", "1G", true)) == BERTH_ERR_OPTION && is_untouched());
	CHECK(code_of(set("ostemplate", "x", true)) == BERTH_ERR_OPTION);
	CHECK(strstr(err.msg, "--ostemplate") != NULL && is_untouched());
	CHECK(code_of(call("io.berth.Container.Set", ct_parameter(101))) == BERTH_ERR_VALUE);
	CHECK(code_of(call("io.berth.Container.Set", ct_parameter(103))) == BERTH_ERR_NO_CONFIG);
	CHECK(worker_calls()[0] == '\0');
	host_end();
}

static void two_sets_do_not_mix(void)
{
	struct client c;

	host_begin("");
	(void)add_ct(101, "HOSTNAME=\"old\"\n");
	on_worker("apply", "while [ ! -e $TOP/go ]; do sleep 0.01; done; say_done\n");
	client_open(&c);
	client_send(&c, "io.berth.Container.Set",
		    json_pack("{s:s, s:b, s:[{s:s, s:s}]}", "ct", "101", "save", true, "settings",
			      "option", "hostname", "value", "one"),
		    false);
	CHECK(code_of(set("hostname", "two", true)) == BERTH_ERR_LOCKED);
	put_file(top, "go", "", 0644);
	CHECK(code_of(client_wait(&c)) == BERTH_OK && strcmp(saved("HOSTNAME"), "one") == 0);
	client_close(&c);
	host_end();
}

int main(void)
{
	int r = daemon_begin();

	if (r != 0)
		return r;
	RUN(with_save_it_is_in_the_config_and_the_name_is_new);
	RUN(without_save_a_stopped_ct_is_as_before);
	RUN(without_save_it_is_in_effect_until_the_stop);
	RUN(undo_takes_the_last_set_back_and_a_second_one_does_it_again);
	RUN(undo_leaves_what_was_changed_since);
	RUN(what_was_not_saved_is_not_the_last_set);
	RUN(what_is_unset_has_its_default_again);
	RUN(a_dry_run_changes_nothing);
	RUN(what_is_for_a_time_is_in_the_config_with_its_end);
	RUN(what_a_running_ct_cannot_give_back_is_told);
	RUN(what_takes_effect_later_or_never_is_told);
	RUN(what_the_worker_refuses_changes_nothing);
	RUN(what_is_being_set_is_taken_already);
	RUN(a_worker_that_died_is_taken_back);
	RUN(after_a_kill_both_files_are_new_or_none);
	RUN(a_dry_run_that_was_killed_is_swept_away);
	RUN(what_cannot_be_saved_is_taken_back);
	RUN(what_comes_back_is_taken);
	RUN(what_cannot_be_is_refused_before_anything_is_done);
	RUN(two_sets_do_not_mix);
	return check_failures != 0;
}
