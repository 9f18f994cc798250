/* look.c - what there is to see of a CT's run. */
#include "runtime/ct/look.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/checkpoint/dump_record.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* Its cgroup was ordered to be frozen. */
static bool is_frozen(const struct cg_host *cg, uint32_t ctid)
{
	auto_close int dir = cg_ct_dir(cg, ctid);
	char word[8];

	return dir >= 0 && file_read_line_at(dir, "cgroup.freeze", word, sizeof(word)) == 0 &&
	       strcmp(word, "1") == 0;
}

/*
 * Complete images of a CT are removed before any of its processes goes on. So while they are there, processes are those
 * that they were taken of, frozen for ever, or those that a resume was making: nobody misses either. r: of
 * ct_run_load.
 */
static bool images_are_all(const struct berth_paths *p, const struct cg_host *cg, uint32_t ctid,
			   int r, const struct ct_run *run)
{
	char path[BERTH_PATH_MAX], text[RECORD_SIZE_MAX];
	auto_close int dir = dir_open_at(AT_FDCWD, path_private(p, ctid, path));
	struct checkpoint_record rec;

	if (dir < 0 || file_read_line_at(dir, "dump/record", text, sizeof(text)) < 0 ||
	    checkpoint_record_parse(text, &rec) < 0)
		return false;
	/* Images that were put back beside a CT that runs say nothing of that. */
	if (r == 0 && run->launched && !is_frozen(cg, ctid))
		return rec.init.pid == run->init.pid &&
		       rec.init.start_time == run->init.start_time &&
		       strcmp(rec.boot_id, run->boot_id) == 0;
	return r == 0 || (r == -ESRCH && is_frozen(cg, ctid));
}

enum evidence_found ct_look(const struct berth_paths *p, struct cg_host *cg, uint32_t ctid,
			    struct ct_run *ret_run, struct berth_error *why)
{
	struct life_evidence e = {0};
	enum evidence_found found;
	struct ct_run run;
	int runs;

	e.run = ct_run_load(p, ctid, &run, NULL);
	if (images_are_all(p, cg, ctid, e.run, &run))
		return FOUND_DEAD;
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
