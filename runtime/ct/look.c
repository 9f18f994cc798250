/* look.c - what there is to see of a CT's run. */
#include "runtime/ct/look.h"

#include <errno.h>

enum evidence_found ct_look(const struct berth_paths *p, struct cg_host *cg, uint32_t ctid,
			    struct ct_run *ret_run, struct berth_error *why)
{
	struct life_evidence e = {0};
	enum evidence_found found;
	struct ct_run run;
	int runs;

	e.run = ct_run_load(p, ctid, &run, NULL);
	if (e.run == 0) {
		e.launched = run.launched;
		runs = pidref_runs(&run.init);
		e.ended = runs == 0;
		if (runs < 0)
			e.run = runs;
	}
	e.has_cgroup = cg_ct_exists(cg, ctid);
	e.populated = cg_ct_populated(cg, ctid, why);
	found = evidence_life(&e);
	/* populated may have been the one: then cg_ct_populated has said why. */
	if (found == FOUND_UNKNOWN && e.populated >= 0)
		(void)berth_error_sys(why, e.run, "CT %u: read %s/ct/%u/state and its init", ctid,
				      p->run, ctid);
	if (found == FOUND_LOST)
		(void)berth_error_set(why, BERTH_ERR_UNKNOWN, EUCLEAN,
				      "CT %u: %s/ct/%u/state is %s, and %s", ctid, p->run, ctid,
				      e.run == -EBADMSG ? "damaged" : "missing or out of date",
				      e.has_cgroup ? "its cgroup has processes"
						   : "it has no cgroup that could tell");
	if (e.run == 0 && ret_run != NULL)
		*ret_run = run;
	return found;
}
