/* test_ct_evidence.c - something of a CT is killed or removed on proof, and never without. */
#include "runtime/ct/evidence.h"

#include "tests/unit/check.h"

#include <errno.h>

#define A "01234567-89ab-4cde-8f01-23456789abcd"
#define B "11111111-2222-4333-8444-555555555555"

static enum evidence area(struct area_id meant, struct area_id found)
{
	return evidence_area(&meant, 0, &found);
}

static void what_a_create_made_is_told_by_its_uuid(void)
{
	CHECK(area((struct area_id){A, 0, 0}, (struct area_id){A, 7, 9}) == EVIDENCE_YES);
	CHECK(area((struct area_id){A, 0, 0}, (struct area_id){B, 7, 9}) == EVIDENCE_NO);
	CHECK(area((struct area_id){A, 0, 0}, (struct area_id){"", 7, 9}) == EVIDENCE_NO);
}

static void what_was_ordered_to_go_is_that_very_directory(void)
{
	CHECK(area((struct area_id){A, 7, 9}, (struct area_id){A, 7, 9}) == EVIDENCE_YES);
	/* The same CT out of a backup, where even the number of the directory is the old one. */
	CHECK(area((struct area_id){A, 7, 9}, (struct area_id){A, 7, 10}) == EVIDENCE_NO);
	CHECK(area((struct area_id){A, 7, 9}, (struct area_id){A, 8, 9}) == EVIDENCE_NO);
	CHECK(area((struct area_id){A, 7, 9}, (struct area_id){B, 7, 9}) == EVIDENCE_NO);
	/* Facts that were damaged meanwhile, or before. */
	CHECK(area((struct area_id){A, 7, 9}, (struct area_id){"", 7, 9}) == EVIDENCE_YES);
	CHECK(area((struct area_id){"", 7, 9}, (struct area_id){"", 7, 9}) == EVIDENCE_YES);
	CHECK(area((struct area_id){"", 7, 9}, (struct area_id){"", 7, 8}) == EVIDENCE_NO);
}

static void without_times_of_birth_the_uuid_decides(void)
{
	CHECK(area((struct area_id){A, 7, 0}, (struct area_id){A, 7, 0}) == EVIDENCE_YES);
	CHECK(area((struct area_id){A, 7, 0}, (struct area_id){"", 7, 0}) == EVIDENCE_NO);
	CHECK(area((struct area_id){"", 7, 0}, (struct area_id){"", 7, 0}) == EVIDENCE_YES);
	CHECK(area((struct area_id){"", 7, 0}, (struct area_id){A, 7, 0}) == EVIDENCE_NO);
}

static void nothing_known_and_nothing_read_prove_nothing(void)
{
	const struct area_id known = {A, 7, 9}, nothing = {0};

	CHECK(area(nothing, known) == EVIDENCE_NO && area(nothing, nothing) == EVIDENCE_NO);
	CHECK(evidence_area(&known, -5, &known) == EVIDENCE_UNKNOWN);
	CHECK(evidence_area(&known, -24, &nothing) == EVIDENCE_UNKNOWN);
}

static enum evidence_found judge(int run, bool launched, bool ended, bool has_cgroup, int populated)
{
	const struct life_evidence e = {.run = run,
					.launched = launched,
					.ended = ended,
					.has_cgroup = has_cgroup,
					.populated = populated};

	return evidence_life(&e);
}

static void an_init_that_is_there_is_alive_whatever_the_cgroup_says(void)
{
	/* Also where CGROUP_PARENT was changed under it. */
	CHECK(judge(0, true, false, false, 0) == FOUND_ALIVE);
	CHECK(judge(0, true, false, true, 0) == FOUND_ALIVE);
	CHECK(judge(0, true, false, true, 1) == FOUND_ALIVE);
	CHECK(judge(0, true, false, true, -EMFILE) == FOUND_ALIVE);
	CHECK(!evidence_allows(FOUND_ALIVE));
}

static void an_init_that_has_exited_is_proof(void)
{
	CHECK(judge(0, true, true, true, 1) == FOUND_ENDED && evidence_allows(FOUND_ENDED));
}

static void a_start_that_was_cut_short_is_no_guest(void)
{
	CHECK(judge(0, false, false, true, 1) == FOUND_UNFINISHED);
	CHECK(evidence_allows(FOUND_UNFINISHED));
}

static void an_empty_cgroup_is_proof(void)
{
	CHECK(judge(-ESRCH, false, false, true, 0) == FOUND_DEAD);
	CHECK(judge(-ESRCH, false, false, false, 0) == FOUND_DEAD);
	CHECK(judge(-EBADMSG, false, false, true, 0) == FOUND_DEAD);
	CHECK(judge(-EMFILE, false, false, true, 0) == FOUND_DEAD);
	CHECK(evidence_allows(FOUND_DEAD));
}

static void processes_without_a_record_are_looked_at_first(void)
{
	CHECK(judge(-ESRCH, false, false, true, 1) == FOUND_LOST);
	CHECK(judge(-EBADMSG, false, false, true, 1) == FOUND_LOST);
	CHECK(!evidence_allows(FOUND_LOST));
}

/* No cgroup may mean another cgroup: a damaged record with none beside it is no proof of anything. */
static void a_damaged_record_without_a_cgroup_proves_nothing(void)
{
	CHECK(judge(-EBADMSG, false, false, false, 0) == FOUND_LOST);
	CHECK(judge(-EBADMSG, false, false, false, -EIO) == FOUND_UNKNOWN);
}

static void an_error_is_never_a_no(void)
{
	static const int errors[] = {-EMFILE, -ENFILE, -ENOMEM, -EIO, -EACCES, -EINTR};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		/* The state, the pidfd or the boot id. */
		CHECK(judge(errors[i], false, false, true, 1) == FOUND_UNKNOWN);
		CHECK(judge(errors[i], false, false, false, 0) == FOUND_UNKNOWN);
		CHECK(judge(errors[i], true, false, true, 1) == FOUND_UNKNOWN);
		/* The cgroup. */
		CHECK(judge(-ESRCH, false, false, true, errors[i]) == FOUND_UNKNOWN);
		CHECK(judge(-EBADMSG, false, false, true, errors[i]) == FOUND_UNKNOWN);
		/* Both. */
		CHECK(judge(errors[i], false, false, true, errors[i]) == FOUND_UNKNOWN);
	}
	CHECK(!evidence_allows(FOUND_UNKNOWN));
}

int main(void)
{
	RUN(what_a_create_made_is_told_by_its_uuid);
	RUN(what_was_ordered_to_go_is_that_very_directory);
	RUN(without_times_of_birth_the_uuid_decides);
	RUN(nothing_known_and_nothing_read_prove_nothing);
	RUN(an_init_that_is_there_is_alive_whatever_the_cgroup_says);
	RUN(an_init_that_has_exited_is_proof);
	RUN(a_start_that_was_cut_short_is_no_guest);
	RUN(an_empty_cgroup_is_proof);
	RUN(processes_without_a_record_are_looked_at_first);
	RUN(a_damaged_record_without_a_cgroup_proves_nothing);
	RUN(an_error_is_never_a_no);
	return check_failures != 0;
}
