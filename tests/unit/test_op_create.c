/*
 * test_op_create.c - a CT is made whole or not at all, and destroyed whatever is left of it.
 *
 * covers: runtime/worker/op_destroy.c runtime/worker/op_template.c runtime/worker/template_main.c
 * covers: runtime/worker/worker.c runtime/worker/main.c runtime/worker/create_from.c
 */
#include "tests/unit/worker_fixture.h"

#define OTHER "11111111-2222-4333-8444-555555555555"
#define OTHERS_NEW ".101." OTHER ".new"
#define HIDDEN_NEW ".101." UUID ".new"
#define HIDDEN_GONE ".101." UUID ".gone"

static bool is_gone(void)
{
	return !is_there(paths.lib, "private/101") && !is_there(paths.lib, "private/" HIDDEN_NEW) &&
	       !is_there(paths.lib, "private/" HIDDEN_GONE) && !is_there(paths.etc, "ct/101.conf");
}

/* As berthd orders it: what is there now is to go. */
static enum berth_errcode destroy(void)
{
	char dir[BERTH_PATH_MAX], id[3][40];
	auto_close int areas = dir_open_at(AT_FDCWD, path_below(paths.lib, "private", dir));
	struct area_id meant = {0};

	(void)area_id_read(areas, 101, &meant);
	area_id_format(&meant, id);
	return WORKER("destroy", "101", "order", id[0], id[1], id[2]);
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
	CHECK(!is_there(paths.lib, "private/" HIDDEN_NEW));
	CHECK(store_conf_load(&paths, 101, &f, &err) == 0);
	CHECK(strcmp(conf_get(f, "NAME"), "web") == 0);
	conf_free(f);
	/* A second one of the same number is refused and harms nothing. */
	CHECK(create_with("OSTEMPLATE=\"tiny\"\n") == BERTH_ERR_EXISTS && says("private"));
	CHECK(ct_info_load(&paths, 101, &info, &err) == 0 && info.status == CT_STOPPED);
	CHECK(is_ok(destroy()) && is_gone() && !is_there(paths.run, "ct/101"));
}

static void a_copy_of_the_template_is_the_cts_own(void)
{
	CHECK(is_ok(
		create_with("OSTEMPLATE=\"tiny\"\nVE_LAYOUT=\"private\"\nDISKSPACE=\"64M\"\n")));
	CHECK(said.progress > 0 && mounts_of_ours() == 0);
	/* No image is needed any more. */
	CHECK(is_ok(WORKER("template-remove", "tiny")));
	CHECK(is_ok(WORKER("mount", "101")) && is_ok(WORKER("umount", "101")));
	CHECK(is_ok(destroy()) && is_gone());
	CHECK(have_template());
}

static void a_clone_is_a_ct_of_its_own(void)
{
	struct ct_info info;
	char path[BERTH_PATH_MAX];

	CHECK(create_ct("101", "DISKSPACE=\"64M\"\n"));
	put_candidate(102, "OSTEMPLATE=\"tiny\"\nDISKSPACE=\"64M\"\n");
	CHECK(WORKER("create", "102", "655491072", OTHER, "from", "999") != BERTH_OK);
	CHECK(WORKER("create", "102", "655491072", OTHER, "from", "x") == BERTH_ERR_OPTION);
	CHECK(!is_there(paths.lib, "private/102"));
	CHECK(is_ok(WORKER("create", "102", "655491072", OTHER, "from", "101")));
	CHECK(ct_info_load(&paths, 102, &info, &err) == 0 && info.status == CT_STOPPED);
	CHECK(strcmp(info.facts.uuid, OTHER) == 0 && info.facts.id_base == 655491072);
	CHECK(strcmp(info.facts.template_name, "tiny") == 0);
	CHECK(is_ok(destroy()) && is_gone()); /* 101 */
	CHECK(is_ok(WORKER("mount", "102")) && is_ok(WORKER("umount", "102")));
	CHECK(is_ok(WORKER("destroy", "102", "create", OTHER, "0", "0")));
	CHECK(!is_there(paths.lib, path_below("private", "102", path)));
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

/* What a killed create leaves is removed, twice is success. */
static void a_half_made_ct_is_undone(void)
{
	char path[BERTH_PATH_MAX];

	put_file(path_below(paths.lib, "private/" HIDDEN_NEW, path), "volume.img", "x");
	put_candidate(101, "OSTEMPLATE=\"tiny\"\n");
	CHECK(is_ok(WORKER("destroy", "101", "create", UUID, "0", "0")));
	CHECK(is_gone() && !is_there(paths.run, "ct/101"));
	CHECK(is_ok(WORKER("destroy", "101", "create", UUID, "0", "0")));
	/* Killed at the very end: all of it goes, the config too. */
	CHECK(create_ct("101", "") && is_there(paths.etc, "ct/101.conf"));
	CHECK(is_ok(WORKER("destroy", "101", "create", UUID, "0", "0")) && is_gone());
}

static void the_undo_of_a_create_removes_what_that_create_made_and_no_more(void)
{
	char path[BERTH_PATH_MAX];

	/* A customer's CT, and a create of the same number that came to no end. */
	CHECK(create_ct("101", ""));
	put_file(path_below(paths.lib, "private/" OTHERS_NEW, path), "volume.img", "x");
	CHECK(is_ok(WORKER("destroy", "101", "create", OTHER, "0", "0")));
	CHECK(is_there(paths.lib, "private/101/volume.img") && is_there(paths.etc, "ct/101.conf"));
	CHECK(!is_there(paths.lib, "private/" OTHERS_NEW));
	/* One that is not known to have made anything. */
	CHECK(is_ok(WORKER("destroy", "101", "create", "-", "0", "0")));
	CHECK(is_ok(WORKER("destroy", "101", "left", UUID, "0", "0")));
	CHECK(is_there(paths.lib, "private/101/volume.img") && is_there(paths.etc, "ct/101.conf"));
	/* A config that somebody put there while it was made. */
	put_candidate(101, "OSTEMPLATE=\"tiny\"\nNAME=\"another\"\n");
	CHECK(is_ok(WORKER("destroy", "101", "create", UUID, "0", "0")));
	CHECK(is_there(paths.etc, "ct/101.conf") && !is_there(paths.lib, "private/101"));
	put_candidate(101, "OSTEMPLATE=\"tiny\"\nDISKSPACE=\"64M\"\n");
	CHECK(WORKER("create", "101", ID_BASE, UUID) == BERTH_ERR_EXISTS && says("101.conf"));
	CHECK(is_there(paths.etc, "ct/101.conf") && !is_there(paths.lib, "private/101"));
	CHECK(is_ok(destroy()) && is_gone());
}

static void a_destroy_removes_the_area_that_was_ordered_to_go_and_no_other(void)
{
	char path[BERTH_PATH_MAX], aside[BERTH_PATH_MAX];

	CHECK(create_ct("101", ""));
	CHECK(WORKER("destroy", "101", "order", OTHER, "0", "0") == BERTH_ERR_DESTROY &&
	      says(UUID));
	CHECK(WORKER("destroy", "101", "order", "-", "0", "0") == BERTH_ERR_DESTROY);
	CHECK(WORKER("destroy", "101", "order", UUID, "1", "1") == BERTH_ERR_DESTROY);
	CHECK(WORKER("destroy", "101") == BERTH_ERR_OPTION);
	CHECK(WORKER("destroy", "101", "order", "x", "0", "0") == BERTH_ERR_OPTION);
	CHECK(WORKER("destroy", "101", "what", UUID, "0", "0") == BERTH_ERR_OPTION);
	CHECK(is_there(paths.lib, "private/101/volume.img") && is_there(paths.etc, "ct/101.conf"));
	/* Going on after a crash, it meets a CT that was put back from a backup. */
	CHECK(rename(path_below(paths.lib, "private/101", path),
		     path_below(paths.lib, "aside", aside)) == 0);
	CHECK(is_ok(WORKER("destroy", "101", "order", UUID, "1", "1")));
	CHECK(is_there(paths.etc, "ct/101.conf"));
	CHECK(rename(aside, path) == 0);
	/* Damaged facts are no hindrance, nor that there are none. */
	put_file(path, "facts", "junk");
	CHECK(is_ok(destroy()) && is_gone() && is_ok(destroy()));
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
	CHECK(is_ok(destroy()));
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
	RUN(a_clone_is_a_ct_of_its_own);
	RUN(what_cannot_be_made_leaves_nothing);
	RUN(bad_arguments_are_refused_before_anything_is_made);
	RUN(a_half_made_ct_is_undone);
	RUN(the_undo_of_a_create_removes_what_that_create_made_and_no_more);
	RUN(a_destroy_removes_the_area_that_was_ordered_to_go_and_no_other);
	RUN(a_template_in_use_is_not_removed);
	return worker_end();
}
