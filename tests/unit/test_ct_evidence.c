/* test_ct_evidence.c - something of a CT is killed or removed on proof, and never without. */
#include "runtime/ct/evidence.h"

#include "tests/unit/check.h"

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

int main(void)
{
	RUN(what_a_create_made_is_told_by_its_uuid);
	RUN(what_was_ordered_to_go_is_that_very_directory);
	RUN(without_times_of_birth_the_uuid_decides);
	RUN(nothing_known_and_nothing_read_prove_nothing);
	return check_failures != 0;
}
