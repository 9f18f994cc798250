/*
 * end_note.h - the end of a run is written down: in the log, in RUN/ct/CTID/ends, in memory for list and status.
 */
#pragma once

#include "runtime/daemon/daemon.h"

/*
 * Before anything is cleaned up: the OOM kills are read from the CT's cgroup, how init ended from its exit record.
 * order: what somebody ordered; NULL: nobody did.
 */
void end_note(struct ct *ct, const struct ct_end_facts *order);

/* How init ended by its exit record alone; END_UNSEEN when there is none of this boot. */
enum ct_end_reason end_record_judge(const struct ct *ct);
