/*
 * look.h - what there is to see of a CT's run: its state file, its init, its cgroup. evidence.h judges it.
 *
 * An error is never a "no": whoever cannot look (no descriptor, no memory, a file that cannot be read) has
 * seen nothing, and nothing is done to the CT.
 */
#pragma once

#include "cgroups/cg.h"
#include "runtime/ct/evidence.h"
#include "runtime/ct/info.h"

/*
 * Looks and judges. why, when it is FOUND_UNKNOWN (with the system call's error) or FOUND_LOST: a sentence. ret_run (may be NULL):
 * valid for FOUND_ALIVE, FOUND_ENDED and FOUND_UNFINISHED.
 */
enum evidence_found ct_look(const struct berth_paths *p, struct cg_host *cg, uint32_t ctid,
			    struct ct_run *ret_run, struct berth_error *why);
