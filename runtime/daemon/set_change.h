/*
 * set_change.h - what a set makes of a CT's two configs: the saved one, and the one in effect.
 */
#pragma once

#include "runtime/config/param.h"
#include "runtime/daemon/job.h"

struct set_order {
	const struct setting *list; /* value NULL: the parameter goes back to its default */
	int n;
	bool save;
	bool dry; /* only say what would be done */
	bool undo; /* takes the last set back; list is empty */
	bool come_back; /* what was temporary and is due is taken back; list is empty */
	int64_t until; /* temporary until then, seconds since the epoch; 0: for good */
};

/*
 * Fills j->conf (to be saved), j->live (to be in effect; they differ after a set without --save), j->was, j->before
 * (the same as they were) and j->save. Both have been checked; nothing is written. What is not saved is not asked of
 * the saved config: an address may be in the other one only.
 */
int set_change(struct job *j, const struct set_order *o, struct berth_error *err);

/* PHYSPAGES="0:65536" and so on: the keys that are other than before, as they are now. */
const char *set_change_text(const struct job *j, char *buf, size_t size);

/* What would be written: [{where, old, new}], with what the worker has said first (values: its results). */
json_t *set_changes(const struct job *j, const char *values);
