/* test_cli_vzctl.c - vzctl's own answers. covers: runtime/cli/vzctl.c */
#include "runtime/cli/vzctl.h"

#include "check.h"

#include <string.h>

static void what_openvz_takes_for_done_is_no_error(void)
{
	CHECK(vzctl_forgives("stop", BERTH_ERR_NOT_RUNNING) != NULL);
	CHECK(vzctl_forgives("mount", BERTH_ERR_MOUNTED) != NULL);
	CHECK(vzctl_forgives("start", BERTH_ERR_RUNNING) == NULL);
	CHECK(vzctl_forgives("stop", BERTH_ERR_LOCKED) == NULL);
	CHECK(vzctl_forgives("umount", BERTH_ERR_MOUNTED) == NULL);
}

static void openvz_layouts_are_taken_with_a_word(void)
{
	char note[240] = "";

	CHECK(vzctl_layout("simfs", note, sizeof(note)) && strstr(note, "simfs") != NULL);
	CHECK(vzctl_layout("ploop:expanded", note, sizeof(note)) && strstr(note, "ploop") != NULL);
	CHECK(!vzctl_layout("overlay", note, sizeof(note)) &&
	      !vzctl_layout("", note, sizeof(note)));
	CHECK(!vzctl_layout("simfsx", note, sizeof(note)) &&
	      !vzctl_layout("ploo", note, sizeof(note)));
}

static void the_name_of_the_program_decides(void)
{
	CHECK(vzctl_is(&(struct cli){.program = "vzctl"}) &&
	      !vzctl_is(&(struct cli){.program = "berth"}));
	CHECK(vzlist_is(&(struct cli){.program = "vzlist"}) &&
	      !vzlist_is(&(struct cli){.program = "vzctl"}));
}

int main(void)
{
	RUN(what_openvz_takes_for_done_is_no_error);
	RUN(openvz_layouts_are_taken_with_a_word);
	RUN(the_name_of_the_program_decides);
	return check_failures != 0;
}
