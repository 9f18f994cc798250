/* test_methods_clone.c - Clone: two CTs are held, and both are free again whatever comes of it. */
#include "tests/unit/daemon_fixture.h"

static struct ct *ct;

static json_t *clone(const char *option, const char *value)
{
	json_t *list = option == NULL ? json_array()
				      : json_pack("[{s:s, s:s}]", "option", option, "value", value);

	return call("io.berth.Container.Clone", json_pack("{s:s, s:I, s:o}", "ct", "101", "ctid",
							  (json_int_t)102, "settings", list));
}

static void begin(void)
{
	char from[BERTH_PATH_MAX], to[BERTH_PATH_MAX];

	host_begin("");
	ct = add_ct(101,
		    "NAME=\"web\"\nHOSTNAME=\"web\"\nIP_ADDRESS=\"10.0.0.1\"\nCPULIMIT=\"50\"\n");
	put_facts(102);
	CHECK(rename(path_private(&d.paths, 102, from), path_below(d.paths.lib, "made", to)) == 0);
	on_worker("create", "[ $5 = from ] && [ $6 = 101 ] && [ -n \"$fds\" ] && "
			    "mv $TOP/var/lib/berth/made $TOP/var/lib/berth/private/$ctid && "
			    "cp $TOP/run/berth/ct/$ctid/candidate.conf "
			    "$TOP/etc/berth/ct/$ctid.conf && say_done\n");
	on_worker("destroy", "rm -rf $TOP/run/berth/ct/$ctid; say_done\n");
}

static void the_new_one_has_the_settings_but_not_what_is_the_others_own(void)
{
	auto_free char *text = NULL;
	char path[BERTH_PATH_MAX];

	begin();
	CHECK(code_of(clone("ipadd", "10.0.0.2")) == BERTH_OK);
	CHECK(registry_find(&d, 102) != NULL && registry_find(&d, 102)->job == NULL);
	CHECK(ct->job == NULL && ct->status == CT_STOPPED);
	CHECK(file_read_at(AT_FDCWD, path_ct_config(&d.paths, 102, path), 65536, &text, NULL) == 0);
	CHECK(text != NULL && strstr(text, "CPULIMIT=\"50\"") != NULL);
	CHECK(text != NULL && strstr(text, "web") == NULL && strstr(text, "10.0.0.1\"") == NULL);
	CHECK(text != NULL && strstr(text, "10.0.0.2") != NULL);
	host_end();
}

static void what_fails_leaves_one_ct_and_no_lock(void)
{
	begin();
	on_worker("create", "exit 1\n");
	CHECK(code_of(clone(NULL, NULL)) != BERTH_OK);
	CHECK(registry_find(&d, 102) == NULL && ct->job == NULL);
	CHECK(code_of(clone("ipadd", "10.0.0.1")) == BERTH_ERR_ADDRESS_IN_USE);
	CHECK(registry_find(&d, 102) == NULL && ct->job == NULL);
	CHECK(code_of(clone("layout", "private")) == BERTH_ERR_OPTION);
	CHECK(!has_config_file(102) && !is_there(d.paths.run, "ct/102"));
	host_end();
}

int main(void)
{
	RUN(the_new_one_has_the_settings_but_not_what_is_the_others_own);
	RUN(what_fails_leaves_one_ct_and_no_lock);
	return check_failures != 0;
}
