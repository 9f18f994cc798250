/* test_found.c - a CT whose files are put back is there for the next who asks, without a restart. */
#include "tests/unit/daemon_fixture.h"

#include "runtime/daemon/found.h"

static enum berth_errcode start(uint32_t ctid)
{
	return code_of(call("io.berth.Container.Start", ct_parameter(ctid)));
}

static size_t listed(void)
{
	json_t *reply = call("io.berth.Container.List", json_pack("{s:b}", "all", 1));
	size_t n = json_array_size(json_object_get(parameters_of(reply), "containers"));

	json_decref(reply);
	return n;
}

static void a_config_that_appears_is_a_ct(void)
{
	host_begin("");
	CHECK(listed() == 0 && start(101) == BERTH_ERR_NO_CONFIG);
	put_facts(101);
	put_config(101, "NAME=\"web\"\nIP_ADDRESS=\"10.0.0.1\"\n");
	CHECK(listed() == 1 && registry_find(&d, 101)->status == CT_STOPPED);
	/* By name, as the first who asks. */
	put_facts(102);
	put_config(102, "NAME=\"db\"\n");
	CHECK(found_lookup(&d, "db", &err) == registry_find(&d, 102) && d.n_cts == 2);
	CHECK(found_lookup(&d, "none", &err) == NULL && err.code == BERTH_ERR_NO_CONFIG);
	host_end();
}

/* Before anybody has asked for it: its name, its address and its ids are taken. */
static void what_it_has_is_taken(void)
{
	json_t *p;

	host_begin("");
	put_facts(101);
	put_config(101, "NAME=\"web\"\nIP_ADDRESS=\"10.0.0.1\"\n");
	p = json_pack("{s:i, s:[{s:s, s:s}]}", "ctid", 102, "settings", "option", "ipadd", "value",
		      "10.0.0.1");
	CHECK(code_of(call("io.berth.Container.Create", p)) == BERTH_ERR_ADDRESS_IN_USE);
	host_end();
}

static void a_broken_one_that_is_mended_is_whole(void)
{
	char path[BERTH_PATH_MAX], aside[BERTH_PATH_MAX];
	struct ct *ct;

	host_begin("");
	put_config(101, "");
	CHECK(listed() == 1);
	ct = registry_find(&d, 101);
	CHECK(ct->status == CT_BROKEN);
	put_facts(101);
	CHECK(listed() == 1 && ct->status == CT_STOPPED);
	/* The other way round: what has gone is not believed any longer. */
	CHECK(rename(path_private(&d.paths, 101, path), path_below(top, "aside", aside)) == 0);
	found_reread(ct);
	CHECK(ct->status == CT_BROKEN);
	host_end();
}

static void a_copy_is_told_from_the_ct_it_was_made_of(void)
{
	char from[BERTH_PATH_MAX], to[BERTH_PATH_MAX], text[2048];
	struct ct *ct;

	host_begin("");
	(void)add_ct(101, "");
	put_facts(102);
	/* private/102 holds the facts of 101. */
	{
		auto_close int dir = dir_open_at(AT_FDCWD, path_private(&d.paths, 101, from));

		CHECK(file_read_line_at(dir, "facts", text, sizeof(text)) == 0);
	}
	put_file(path_private(&d.paths, 102, to), "facts", text, 0600);
	put_config(102, "");
	ct = found_lookup(&d, "102", &err);
	CHECK(ct != NULL && ct->status == CT_BROKEN);
	CHECK(registry_reload(&d, ct, &err) < 0 && err.code == BERTH_ERR_BROKEN);
	CHECK(strstr(err.msg, "copy of CT 101's") != NULL && strstr(err.msg, "000000000101"));
	/* With another CTID in it, it has still the same UUID. */
	memcpy(strstr(text, "ctid=101"), "ctid=102", 8);
	put_file(to, "facts", text, 0600);
	CHECK(registry_reload(&d, ct, &err) < 0 && strstr(err.msg, "UUID") != NULL);
	CHECK(registry_find(&d, 101)->status == CT_STOPPED);
	host_end();
}

int main(void)
{
	int r = daemon_begin();

	if (r != 0)
		return r;
	RUN(a_config_that_appears_is_a_ct);
	RUN(what_it_has_is_taken);
	RUN(a_broken_one_that_is_mended_is_whole);
	RUN(a_copy_is_told_from_the_ct_it_was_made_of);
	return check_failures != 0;
}
