/*
 * evidence.h - may something of a CT be killed or removed? On proof alone, and decided here only.
 *
 * Pure: the caller has read what there is to read. What could not be read is EVIDENCE_UNKNOWN, which
 * is never a yes: nothing is touched, and it is asked again or told.
 */
#pragma once

#include <stdint.h>

enum evidence {
	EVIDENCE_NO, /* proven to be another's, or to be alive */
	EVIDENCE_YES,
	EVIDENCE_UNKNOWN, /* a failed read: no memory, no descriptor, a bad disk */
};

/* What tells one private area from every other, also from its own copy out of a backup. */
struct area_id {
	char uuid[37]; /* that of its facts; "" where they are missing or damaged */
	uint64_t inode; /* of the directory; 0: not known */
	uint64_t born; /* when it was made, ns; 0: the file system does not say */
};

/*
 * Is what was found the very private area that a create made or that a destroy was ordered on? A create
 * writes its uuid down before it makes anything, a destroy all three. r: of the reading of found;
 * -errno makes it unknown.
 */
enum evidence evidence_area(const struct area_id *meant, int r, const struct area_id *found);
