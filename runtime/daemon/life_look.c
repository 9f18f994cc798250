/*
 * life_look.c - actions of a CT of which it is not known what it is: after berthd's start, and whenever it could not
 * be told. Nothing is done to it but to look again, until there is proof.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/lock.h"
#include "runtime/base/log.h"
#include "runtime/ct/journal.h"
#include "runtime/ct/look.h"
#include "runtime/daemon/attach.h"
#include "runtime/daemon/config_check.h"
#include "runtime/daemon/destroy.h"
#include "runtime/daemon/end_note.h"
#include "runtime/daemon/life_actions.h"
#include "runtime/daemon/made.h"
#include "runtime/daemon/reboot.h"
#include "runtime/daemon/set_recover.h"
#include "runtime/daemon/strays.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
	HELD_MS = 200, /* until a worker of an earlier berthd has ended */
	LOOK_FIRST_MS = 1000,
	LOOK_MAX_MS = 30000,
	LOST_MS = 10000,
};

static int cannot_tell(struct ct *ct, const struct berth_error *why)
{
	return ct_event(ct, LIFE_CANNOT_TELL, &(struct life_info){.why = why}, NULL);
}

/* 1, 0 or -errno. */
static int is_held(const struct ct *ct)
{
	char path[BERTH_PATH_MAX];
	auto_close int dir = dir_open_at(AT_FDCWD, path_run_ct(&ct->d->paths, ct->ctid, path));

	if (dir < 0)
		return ct_is_absent(dir) ? 0 : dir;
	return lock_is_held(dir, "lock");
}

/* No record of which process is its init: a worker looks. */
static void find_lost(struct ct *ct, const struct berth_error *why)
{
	struct berth_error err;
	struct job *j;

	if (ct->why == NULL) {
		log_line(LOG_LV_WARNING, ct->ctid, "%s: looking for its init", why->msg);
		text_set(&ct->why, "%s", why->msg);
	}
	j = job_begin(ct->d, ct, "adopt", NULL, &err);
	if (j != NULL) {
		job_life_worker(j, "adopt", NULL);
		return;
	}
	log_line(LOG_LV_ERROR, ct->ctid, "adopt: %s", err.msg);
	ct_timer_set(ct, LIFE_T_LOOK, LOST_MS);
}

int act_look(const struct life_call *c)
{
	struct ct *ct = c->ct;
	struct berth_error why;
	int held = is_held(ct);

	ct->unsettled = held == 1 && ct->job == NULL; /* else it is our own worker who holds it */
	if (held < 0) {
		(void)berth_error_sys(&why, held, "CT %u: look at %s/ct/%u/lock", ct->ctid,
				      c->d->paths.run, ct->ctid);
		return cannot_tell(ct, &why);
	}
	if (held == 1 || ct->job != NULL) {
		if (ct->unsettled)
			text_set(&ct->why, "a worker of an earlier berthd is still at work on it");
		ct_timer_set(ct, LIFE_T_LOOK, HELD_MS);
		return 0;
	}
	store_sweep(&c->d->paths, ct->ctid);
	switch (ct_look(&c->d->paths, c->d->cg, ct->ctid, NULL, &why)) {
	case FOUND_ALIVE:
	case FOUND_ENDED: /* who holds it hears of the end, and how it was */
		return ct_event(ct, LIFE_ALIVE, NULL, NULL);
	case FOUND_DEAD:
	case FOUND_UNFINISHED:
		return ct_event(ct, LIFE_DEAD, NULL, NULL);
	case FOUND_LOST:
		find_lost(ct, &why);
		return 0;
	case FOUND_UNKNOWN:
		break;
	}
	return cannot_tell(ct, &why);
}

/* The reason is said once; why and the next look stand in the CT. */
int act_look_later(const struct life_call *c)
{
	static const char unknown[] = "it could not be looked at";
	const char *why = c->info->why != NULL ? c->info->why->msg : unknown;
	struct ct *ct = c->ct;
	uint64_t wait = ct->look_wait_ms * 2;

	if (strcmp(text_or_empty(ct->why), why) != 0)
		log_line(LOG_LV_WARNING, ct->ctid,
			 "cannot find out whether it runs: %s; nothing of it is started, killed or "
			 "removed, and berthd keeps trying",
			 why);
	text_set(&ct->why, "%s", why);
	if (c->from != CT_UNKNOWN)
		attach_drop(ct);
	wait = wait < LOOK_FIRST_MS ? LOOK_FIRST_MS : wait;
	ct->look_wait_ms = wait < LOOK_MAX_MS ? wait : LOOK_MAX_MS;
	ct->being_created = false; /* whatever it is, its admin must see it */
	ct_timer_set(ct, LIFE_T_LOOK, ct->look_wait_ms);
	return 0;
}

/* The worker that looked for its init has ended. */
int act_looked(const struct life_call *c)
{
	struct berth_error err = c->info->result->error;
	struct ct *ct = c->ct;
	auto_free char *why = NULL;

	if (c->info->result->ok) {
		job_done(c->j, NULL);
		ct_timer_set(ct, LIFE_T_LOOK, 1);
		return 0;
	}
	if (err.code == BERTH_ERR_NOT_RUNNING) {
		log_line(LOG_LV_WARNING, ct->ctid, "what is left of it is no CT: %s", err.msg);
		job_done(c->j, NULL);
		return ct_event(ct, LIFE_DEAD, NULL, NULL);
	}
	job_fail(c->j, &err);
	ct->being_created = false;
	text_set(&why, "its state file is lost or damaged, and: %s", err.msg);
	if (strcmp(text_or_empty(why), text_or_empty(ct->why)) != 0)
		log_line(LOG_LV_ERROR, ct->ctid,
			 "%s; exec and console do not work until that is repaired; to end it: "
			 "berth stop %u --fast",
			 text_or_empty(why), ct->ctid);
	free(ct->why);
	ct->why = take_ptr(why);
	ct_timer_set(ct, LIFE_T_LOOK, LOST_MS);
	return 0;
}

/* ---- it lives ---- */

/* An intent of an earlier berthd is stale: no destroy begins under a CT that runs, and a create had ended. */
static void forget_intent(struct ct *ct)
{
	if (ct->intent != INTENT_NONE)
		store_intent_clear(&ct->d->paths, ct->ctid, true);
	ct->intent = INTENT_NONE;
	ct->being_created = false;
}

int act_take(const struct life_call *c)
{
	struct ct *ct = c->ct;
	struct berth_error err;
	int r = attach_take(c->d, ct, &err);

	/* Also when it has just ended: the next look will see that. */
	if (r < 0)
		return cannot_tell(ct, &err);
	text_clear(&ct->why);
	ct->look_wait_ms = 0;
	ct_timer_clear(ct, LIFE_T_LOOK);
	ct_timer_clear(ct, LIFE_T_CLEAN);
	forget_intent(ct);
	ct->ran_with_old = config_check(c->d, ct->ctid, &err) < 0;
	log_line(LOG_LV_INFO, ct->ctid, "adopted: init is %d", ct->run.init.pid);
	set_recover(c->d, ct);
	if (life_has_half_images(ct))
		return ct_event(ct, LIFE_HALF, NULL, NULL);
	if (ct->monitor == NULL)
		return ct_event(ct, LIFE_MONITOR_GONE, NULL, NULL);
	return 0;
}

/* ---- nothing of it runs ---- */

/* 1, 0 or -errno. */
static int is_there(const char *path)
{
	if (access(path, F_OK) == 0)
		return 1;
	return ct_is_absent(-errno) ? 0 : -errno;
}

static int has_config(const struct ct *ct)
{
	char path[BERTH_PATH_MAX];

	return is_there(path_ct_config(&ct->d->paths, ct->ctid, path));
}

static int has_private(const struct ct *ct)
{
	char path[BERTH_PATH_MAX];

	return is_there(path_private(&ct->d->paths, ct->ctid, path));
}

/* Does it still have something of a run: files, cgroup? When in doubt: the cleanup is harmless. */
static bool has_leftovers(const struct ct *ct)
{
	static const char *const names[] = {"state", "volume", "exit"};
	char path[BERTH_PATH_MAX];
	auto_close int dir = dir_open_at(AT_FDCWD, path_run_ct(&ct->d->paths, ct->ctid, path));

	if (dir < 0 && !ct_is_absent(dir))
		return true;
	for (size_t i = 0; dir >= 0 && i < sizeof(names) / sizeof(names[0]); i++)
		if (faccessat(dir, names[i], F_OK, 0) == 0 || !ct_is_absent(-errno))
			return true;
	return cg_ct_exists(ct->d->cg, ct->ctid);
}

static bool had_run(const struct ct *ct)
{
	char path[BERTH_PATH_MAX], file[BERTH_PATH_MAX];

	return is_there(path_below(path_run_ct(&ct->d->paths, ct->ctid, path), "state", file)) == 1;
}

static int settle_ct(struct ct *ct)
{
	bool leftovers = has_leftovers(ct);

	/* It ended while no berthd was there. */
	if (had_run(ct)) {
		end_note(ct, NULL);
		if (ct->ends.last == END_REBOOTED)
			reboot_mark(ct->d, ct);
		config_keep_old(ct->d, ct->ctid);
	}
	registry_settled(ct->d, ct);
	if (ct->status == CT_UNKNOWN)
		return 0; /* and looked at again */
	store_candidate_forget(&ct->d->paths, ct->ctid);
	if (ct->status == CT_GIVEN)
		reboot_unmark(ct->d, ct);
	if (ct->status == CT_MOUNTED)
		return 0;
	if (leftovers)
		return ct_event(ct, LIFE_T_CLEAN, NULL, NULL);
	if (resume_is_due(ct) || boot_resume_is_due(ct))
		return ct_event(ct, LIFE_RESUME, NULL, NULL);
	if (config_can_restart(ct) && reboot_is_marked(ct->d, ct))
		return ct_event(ct, LIFE_T_REBOOT, NULL, NULL);
	return 0;
}

/* ---- a CTID without a config ---- */

static void collected(struct job *j, const struct worker_result *result)
{
	struct daemon *d = j->d;
	struct ct *ct = j->ct;

	if (!result->ok) {
		job_fail(j, &result->error);
	} else {
		strays_remove_run(d, ct->ctid);
		job_done(j, NULL);
	}
	registry_remove(d, ct);
}

static int collect(struct ct *ct)
{
	struct berth_error err;
	struct job *j = job_begin(ct->d, ct, "collect", NULL, &err);

	if (j != NULL) {
		job_worker(j, "cleanup", NULL, collected);
		return 0;
	}
	log_line(LOG_LV_ERROR, ct->ctid, "collect: %s", err.msg);
	registry_remove(ct->d, ct);
	return 0;
}

/* ---- intents ---- */

static void finish(struct ct *ct, enum store_intent what)
{
	struct berth_error err;
	struct job *j;

	ct->being_created = true; /* nobody may touch it until it is gone */
	ct->going_by = what;
	log_line(LOG_LV_WARNING, ct->ctid, "an unfinished %s is %s",
		 what == INTENT_DESTROY ? "destroy" : "create",
		 what == INTENT_DESTROY ? "finished" : "undone");
	j = job_begin(ct->d, ct, "recovery", NULL, &err);
	if (j != NULL) {
		destroy_run(j);
		return;
	}
	log_line(LOG_LV_ERROR, ct->ctid, "recovery: %s", err.msg);
	ct->intent = what;
	ct_timer_set(ct, LIFE_T_LOOK, LOST_MS);
}

/* All of it came by a move, and the last word did not. */
static bool is_incoming(const struct ct *ct)
{
	struct journal j;
	int r = journal_load(&ct->d->paths, ct->ctid, &j);

	/* What cannot be read may be it: then nothing is undone. */
	return r == 0 ? j.phase == JOURNAL_READY && strcmp(j.uuid, ct->going.uuid) == 0
		      : !ct_is_absent(r);
}

/* It came by a move, and ran where it came from. */
static bool is_to_start(const struct ct *ct)
{
	struct journal j;

	return journal_load(&ct->d->paths, ct->ctid, &j) == 0 && j.phase == JOURNAL_READY &&
	       j.start && strcmp(j.uuid, ct->facts.uuid) == 0;
}

static void start_moved(struct ct *ct)
{
	struct berth_error err;

	if (ct->status != CT_STOPPED && ct->status != CT_SUSPENDED)
		return;
	if (ct_event(ct, ct->status == CT_SUSPENDED ? LIFE_RESUME : LIFE_START, NULL, &err) < 0)
		log_line(LOG_LV_ERROR, ct->ctid, "start it where it has moved: %s", err.msg);
}

/* Its name and addresses are taken, as of any CT. */
static void claim_incoming(struct ct *ct)
{
	char path[BERTH_PATH_MAX];
	auto_close int dir = dir_open_at(AT_FDCWD, path_private(&ct->d->paths, ct->ctid, path));
	struct conf_file *f;
	struct berth_error why;

	if (dir < 0 || conf_load_at(dir, JOURNAL_INCOMING_CONF, &f, &why) < 0)
		return;
	made_claim(ct, f);
	conf_free(f);
}

int act_incoming(const struct life_call *c)
{
	struct ct *ct = c->ct;

	claim_incoming(ct);
	ct->going_by = INTENT_CREATE;
	ct->being_created = false; /* its admin must see it */
	(void)ct_facts_load(&c->d->paths, ct->ctid, &ct->facts, NULL);
	log_line(LOG_LV_WARNING, ct->ctid,
		 "all of it has come by a move, but not the source's last word: it waits for that, "
		 "or for "
		 "berth migrate --resolve");
	return 0;
}

/*
 * Nothing of it runs. A create with config and private area has come to its commit point: it stands, however
 * damaged. A destroy is finished.
 */
int act_settle(const struct life_call *c)
{
	struct ct *ct = c->ct;
	int config = has_config(ct), private = has_private(ct);
	enum store_intent what = ct->intent;
	struct berth_error why;
	bool start = false;
	int r;

	if (config < 0 || private < 0) {
		(void)berth_error_sys(&why, config < 0 ? config : private,
				      "CT %u: look for its config and its private area", ct->ctid);
		return cannot_tell(ct, &why);
	}
	text_clear(&ct->why);
	ct->look_wait_ms = 0;
	ct->intent = INTENT_NONE;
	if (what == INTENT_CREATE && is_incoming(ct) &&
	    (config == 0 || made_is_owned(&c->d->paths, ct->ctid) != 1))
		return ct_event(ct, LIFE_IN_DOUBT, NULL, NULL);
	if (what != INTENT_NONE && (what != INTENT_CREATE || config == 0 || private == 0)) {
		finish(ct, what);
		return 0;
	}
	if (config == 0)
		return collect(ct);
	if (what == INTENT_CREATE) {
		start = is_to_start(ct);
		if (journal_clear(&c->d->paths, ct->ctid, &why) < 0)
			log_line(LOG_LV_WARNING, ct->ctid, "%s", why.msg);
		store_intent_clear(&c->d->paths, ct->ctid, true);
	}
	ct->being_created = false;
	r = settle_ct(ct);
	if (start)
		start_moved(ct);
	return r;
}
