/*
 * evidence.h - may something of a CT be killed or removed? On proof alone, and decided here only.
 *
 * Pure: the caller has read what there is to read. What could not be read is EVIDENCE_UNKNOWN, which
 * is never a yes: nothing is touched, and it is asked again or told.
 */
#pragma once

#include <stdbool.h>
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

/* ---- does a CT run? ---- */

enum evidence_found {
	FOUND_DEAD, /* proof: no process of it is left */
	FOUND_ENDED, /* proof too: its init has exited; how, its parent has not said yet */
	FOUND_ALIVE, /* its recorded init is there */
	FOUND_UNFINISHED, /* a start that did not come to its end: no guest has run */
	FOUND_LOST, /* processes, or a damaged record, so its init is not known: a worker has to look for it */
	FOUND_UNKNOWN /* it cannot be told now */
};

/* What was seen; runtime/ct/look.h sees it. */
struct life_evidence {
	int run; /* of ct_run_load: 0, -ESRCH (proof), -EBADMSG (damaged) or another -errno */
	bool launched; /* when run is 0 */
	bool ended; /* when run is 0: that init has exited, and its parent has not reaped it yet */
	bool has_cgroup;
	int populated; /* of its cgroup: 1, 0 (proof) or -errno */
};

enum evidence_found evidence_life(const struct life_evidence *e);

/* Does this allow to kill what is left, and to clean up? */
bool evidence_allows(enum evidence_found found);
