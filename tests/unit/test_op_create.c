/*
 * test_op_create.c - a CT is made whole or not at all, and destroyed whatever is left of it.
 *
 * covers: runtime/worker/op_destroy.c runtime/worker/op_template.c runtime/worker/template_main.c
 * covers: runtime/worker/worker.c runtime/worker/main.c
 * covers: runtime/worker/report.c
 */
#include "tests/unit/worker_fixture.h"

static bool is_gone(void)
{
	return !is_there(paths.lib, "private/101") && !is_there(paths.lib, "private/.101.new") &&
	       !is_there(paths.etc, "ct/101.conf");
}

static enum berth_errcode create_with(const char *conf)
{
	put_candidate(101, conf);
	return WORKER("create", "101", ID_BASE, UUID);
}

static void what_was_asked_for_is_there(void)
{
	struct conf_file *f = NULL;
	struct ct_info info;

	CHECK(create_ct("101", "NAME=\"web\"\n# kept\n"));
	CHECK(ct_info_load(&paths, 101, &info, &err) == 0 && info.status == CT_STOPPED);
	CHECK(strcmp(info.facts.uuid, UUID) == 0 && info.facts.id_base == 655425536);
	CHECK(strcmp(info.facts.template_name, "tiny") == 0);
	CHECK(strcmp(info.facts.layout, "overlay") == 0 && info.facts.created > 0);
	CHECK(is_there(paths.lib, "private/101/volume.img"));
	CHECK(!is_there(paths.lib, "private/.101.new"));
	CHECK(store_conf_load(&paths, 101, &f, &err) == 0);
	CHECK(strcmp(conf_get(f, "NAME"), "web") == 0);
	conf_free(f);
	/* A second one of the same number is refused and harms nothing. */
	CHECK(create_with("OSTEMPLATE=\"tiny\"\n") == BERTH_ERR_EXISTS && says("private"));
	CHECK(ct_info_load(&paths, 101, &info, &err) == 0 && info.status == CT_STOPPED);
	CHECK(is_ok(WORKER("destroy", "101")) && is_gone() && !is_there(paths.run, "ct/101"));
}

static void a_copy_of_the_template_is_the_cts_own(void)
{
	CHECK(is_ok(
		create_with("OSTEMPLATE=\"tiny\"\nVE_LAYOUT=\"private\"\nDISKSPACE=\"64M\"\n")));
	CHECK(said.progress > 0 && mounts_of_ours() == 0);
	/* No image is needed any more. */
	CHECK(is_ok(WORKER("template-remove", "tiny")));
	CHECK(is_ok(WORKER("mount", "101")) && is_ok(WORKER("umount", "101")));
	CHECK(is_ok(WORKER("destroy", "101")) && is_gone());
	CHECK(have_template());
}

static void what_cannot_be_made_leaves_nothing(void)
{
	char path[BERTH_PATH_MAX], aside[BERTH_PATH_MAX];

	CHECK(create_with("OSTEMPLATE=\"none\"\n") == BERTH_ERR_NO_TEMPLATE && is_gone());
	CHECK(create_with("OSTEMPLATE=\"tiny\"\nIP_ADDRESS=\"127.0.0.1\"\n") != BERTH_OK);
	CHECK(is_gone());
	CHECK(create_with("OSTEMPLATE=\"tiny\"\nDISKSPACE=\"1K\"\n") != BERTH_OK && is_gone());
	CHECK(create_with("OSTEMPLATE\n") != BERTH_OK && is_gone());
	/* The very last step fails: nowhere to put the config. */
	path_below(paths.etc, "ct", path);
	path_below(paths.etc, "ct.aside", aside);
	CHECK(rename(path, aside) == 0);
	CHECK(create_with("OSTEMPLATE=\"tiny\"\nDISKSPACE=\"64M\"\n") != BERTH_OK && is_gone());
	CHECK(rename(aside, path) == 0);
	(void)unlinkat(AT_FDCWD, path_below(run_dir(101), "candidate.conf", path), 0);
	CHECK(WORKER("create", "101", ID_BASE, UUID) != BERTH_OK && is_gone());
}

static void bad_arguments_are_refused_before_anything_is_made(void)
{
	put_candidate(101, "OSTEMPLATE=\"tiny\"\n");
	CHECK(WORKER("create", "101") == BERTH_ERR_OPTION);
	CHECK(WORKER("create", "101", "x", UUID) == BERTH_ERR_OPTION);
	CHECK(WORKER("create", "101", ID_BASE, "short") == BERTH_ERR_OPTION && is_gone());
	CHECK(WORKER("create") == BERTH_ERR_OPTION);
	CHECK(WORKER("create", "100", ID_BASE, UUID) == BERTH_ERR_VALUE);
	CHECK(WORKER("create", "../1", ID_BASE, UUID) == BERTH_ERR_VALUE);
	CHECK(WORKER("no-such-operation", "101") == BERTH_ERR_OPTION && says("by berthd"));
}

/* What a killed create leaves is removed by the same operation. */
static void a_half_made_ct_is_destroyed_too_and_twice_is_success(void)
{
	char path[BERTH_PATH_MAX];

	put_file(path_below(paths.lib, "private/.101.new", path), "volume.img", "x");
	put_candidate(101, "OSTEMPLATE=\"tiny\"\n");
	CHECK(is_ok(WORKER("destroy", "101")) && is_gone() && !is_there(paths.run, "ct/101"));
	CHECK(is_ok(WORKER("destroy", "101")));
	/* Damaged facts are no hindrance. */
	CHECK(create_ct("101", ""));
	put_file(path_below(paths.lib, "private/101", path), "facts", "junk");
	CHECK(is_ok(WORKER("destroy", "101")) && is_gone());
}

static void a_template_in_use_is_not_removed(void)
{
	char path[BERTH_PATH_MAX];

	CHECK(create_ct("101", ""));
	CHECK(WORKER("template-remove", "tiny") != BERTH_OK && says("tiny"));
	CHECK(is_there(paths.lib, "template/tiny.template"));
	/* Facts that cannot be read may need any image. */
	put_file(path_below(paths.lib, "private/101", path), "facts", "junk");
	CHECK(WORKER("template-remove", "tiny") != BERTH_OK);
	CHECK(is_ok(WORKER("destroy", "101")));
	CHECK(WORKER("template-remove", "none") == BERTH_ERR_NO_TEMPLATE);
	CHECK(WORKER("template-build", "none") != BERTH_OK);
	CHECK(WORKER("template-import", "x", "/does/not/exist") == BERTH_ERR_VALUE);
	CHECK(WORKER("template-import", "x") == BERTH_ERR_OPTION);
	CHECK(is_ok(WORKER("template-remove", "tiny")));
	CHECK(!is_there(paths.lib, "template/tiny.template"));
}

int main(void)
{
	int r = worker_begin(true);

	if (r != 0)
		return r;
	RUN(what_was_asked_for_is_there);
	RUN(a_copy_of_the_template_is_the_cts_own);
	RUN(what_cannot_be_made_leaves_nothing);
	RUN(bad_arguments_are_refused_before_anything_is_made);
	RUN(a_half_made_ct_is_destroyed_too_and_twice_is_success);
	RUN(a_template_in_use_is_not_removed);
	return worker_end();
}
