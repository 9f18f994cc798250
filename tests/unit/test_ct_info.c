/* test_ct_info.c - facts, run state and exit records survive printing and refuse damage. */
#include "runtime/ct/info.h"

#include "tests/unit/check.h"

#include <string.h>

static const struct ct_facts facts = {
	.ctid = 101,
	.uuid = "01234567-89ab-cdef-0123-456789abcdef",
	.id_base = 655360000,
	.template_name = "debian-12",
	.template_hash = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
	.layout = "overlay",
	.driver = "image",
	.distribution = "debian",
	.created = 1700000000,
};

static void facts_survive_printing(void)
{
	struct ct_facts back;
	char text[2048], again[2048];

	CHECK(ct_facts_format(&facts, text, sizeof(text)) == 0);
	CHECK(ct_facts_parse(text, &back) == 0);
	CHECK(ct_facts_format(&back, again, sizeof(again)) == 0 && strcmp(text, again) == 0);
	CHECK(back.ctid == 101 && back.id_base == 655360000);
}

static void every_cut_of_facts_is_refused_or_complete(void)
{
	struct ct_facts back;
	char text[2048];
	size_t len;

	CHECK(ct_facts_format(&facts, text, sizeof(text)) == 0);
	len = strlen(text);
	/* A file cut after its last digit cannot be told from a whole one with a shorter number. */
	for (size_t i = len - 20; i > 0; i--) {
		text[i] = '\0';
		CHECK(ct_facts_parse(text, &back) < 0);
	}
}

static void an_identity_mapped_range_is_refused(void)
{
	struct ct_facts bad = facts, back;
	char text[2048];

	bad.id_base = 0;
	CHECK(ct_facts_format(&bad, text, sizeof(text)) == 0);
	CHECK(ct_facts_parse(text, &back) < 0);
	bad.id_base = 100000; /* not a multiple of 65536: could overlap a neighbour */
	CHECK(ct_facts_format(&bad, text, sizeof(text)) == 0);
	CHECK(ct_facts_parse(text, &back) < 0);
}

static void run_state_survives_printing(void)
{
	const struct ct_run run = {
		.boot_id = "01234567-89ab-cdef-0123-456789abcdef",
		.init = {.pid = 1234, .start_time = 99},
		.monitor = {.pid = 1233, .start_time = 98},
		.started = 1700000000,
		.stop_signal = 37,
		.stop_command = "telinit 0",
		.volume_dev = 0x700,
		.notifies = true,
		.launched = true,
	};
	struct ct_run back;
	char text[2048];

	CHECK(ct_run_format(&run, text, sizeof(text)) == 0);
	CHECK(ct_run_parse(text, &back) == 0);
	CHECK(back.init.pid == 1234 && back.monitor.start_time == 98 && back.stop_signal == 37);
	CHECK(strcmp(back.stop_command, "telinit 0") == 0);
	CHECK(back.notifies && back.launched && back.volume_dev == 0x700);
}

static void exit_records_know_a_reboot(void)
{
	struct ct_exit e;

	CHECK(ct_exit_parse("wait_status=1\nknown=1\n", &e) == 0 && e.wait_status == 1 && e.known);
	CHECK(ct_exit_parse("wait_status=-1\nknown=1\n", &e) < 0);
	CHECK(ct_exit_parse("", &e) < 0);
}

int main(void)
{
	RUN(facts_survive_printing);
	RUN(every_cut_of_facts_is_refused_or_complete);
	RUN(an_identity_mapped_range_is_refused);
	RUN(run_state_survives_printing);
	RUN(exit_records_know_a_reboot);
	return check_failures != 0;
}
