/* made.c - the end of what makes a CT. */
#include "runtime/daemon/made.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/ct/journal.h"
#include "runtime/daemon/destroy.h"
#include "runtime/daemon/reboot.h"
#include "runtime/daemon/room.h"

#include <fcntl.h>
#include <string.h>

static int made_forget(struct job *j, struct berth_error *err)
{
	char path[BERTH_PATH_MAX];
	auto_close int run = dir_open_at(AT_FDCWD, path_run_ct(&j->d->paths, j->ct->ctid, path));

	/* While there is an intent, its config, or nothing of it, says as much as the journal. */
	if (journal_clear(&j->d->paths, j->ct->ctid, err) < 0)
		log_line(LOG_LV_WARNING, j->ct->ctid, "%s", err->msg);
	store_candidate_forget(&j->d->paths, j->ct->ctid);
	if (run >= 0)
		(void)unlinkat(run, "offer", 0);
	store_intent_clear(&j->d->paths, j->ct->ctid, false);
	return 0;
}

static void made_forgotten(struct job *j, const struct worker_result *result)
{
	struct daemon *d = j->d;
	struct ct *ct = j->ct;
	struct berth_error err = j->error;

	(void)result;
	if (err.code == BERTH_OK)
		job_done(j, NULL);
	else
		job_fail(j, &err);
	registry_remove(d, ct);
}

static void made_gone(struct job *j, const struct worker_result *result)
{
	if (result->died && destroy_go_on(j, made_gone))
		return;
	/* What could not be removed is tried again at the next start of berthd. */
	if (result->ok) {
		job_disk(j, made_forget, made_forgotten);
		return;
	}
	log_line(LOG_LV_ERROR, j->ct->ctid, "undo the %s: %s", j->what, result->error.msg);
	if (j->error.code == BERTH_OK)
		j->error = result->error;
	made_forgotten(j, result);
}

/* It ran where it came from. Whoever moves it hears how that goes. */
static void start_here(struct job *j)
{
	const struct life_info go = {.job = j};
	struct ct *ct = j->ct;
	struct berth_error err;
	int r = 0;

	for (unsigned int i = 0; i < j->n_fds; i++)
		(void)close(j->fds[i]);
	j->n_fds = 0;
	if (ct->status == CT_SUSPENDED) { /* it came with its memory */
		(void)ct_event(ct, LIFE_RESUME, &go, NULL);
		return;
	}
	r = room_check(ct, &err);
	if (r == 0)
		r = ct_event(ct, LIFE_START, &go, &err);
	if (r < 0)
		job_fail(j, &err);
}

static void made_settled(struct job *j, const struct worker_result *result)
{
	struct ct *ct = j->ct;

	(void)result;
	ct->being_created = false;
	registry_settled(j->d, ct);
	event_emit(j->d, ct->ctid, j->event, NULL);
	if (j->then_start) {
		start_here(j);
		return;
	}
	resume_unmark(ct); /* an admin has taken it, who resumes it */
	job_done(j, json_pack("{s:I, s:O*}", "ctid", (json_int_t)ct->ctid, "notes", j->notes));
}

void made_stands(struct job *j, const char *event)
{
	j->event = event;
	job_disk(j, made_forget, made_settled);
}

void made_undo(struct job *j, const struct berth_error *why)
{
	j->error = why != NULL ? *why : (struct berth_error){0};
	destroy_worker(j, made_gone);
}

void made_claim(struct ct *ct, const struct conf_file *conf)
{
	const char *name = conf_get(conf, "NAME"), *a = conf_get(conf, "IP_ADDRESS");

	(void)snprintf(ct->name, sizeof(ct->name), "%s", name != NULL ? name : "");
	free(ct->addrs);
	ct->addrs = a != NULL ? strdup(a) : NULL;
}

/* Drops what create made before its worker ran. */
static int unmake(struct job *j, struct berth_error *err)
{
	char path[BERTH_PATH_MAX], name[16];
	auto_close int dir = dir_open_at(AT_FDCWD, path_below(j->d->paths.run, "ct", path));

	(void)err;
	store_intent_clear(&j->d->paths, j->ct->ctid, false);
	(void)snprintf(name, sizeof(name), "%u", j->ct->ctid);
	if (dir >= 0)
		(void)tree_remove_at(dir, name);
	return 0;
}

void made_refuse(struct job *j, const struct berth_error *err)
{
	j->error = *err;
	job_disk(j, unmake, made_forgotten);
}

int made_begin(struct job *j, struct berth_error *err)
{
	const struct berth_paths *p = &j->d->paths;
	const struct ct *ct = j->ct;
	const struct store_intent_record rec = {
		.what = INTENT_CREATE, .id_base = ct->facts.id_base, .area = ct->going};
	int r = store_intent_write(p, ct->ctid, &rec, err);

	return r < 0 ? r : store_candidate_save(p, ct->ctid, j->conf, err);
}

static int conf_text(int r, struct conf_file *f, char **ret)
{
	if (r == 0)
		r = conf_format(f, ret);
	conf_free(f);
	return r;
}

int made_is_owned(const struct berth_paths *p, uint32_t ctid)
{
	auto_free char *came = NULL, *there = NULL;
	char path[BERTH_PATH_MAX];
	auto_close int dir = -EBADF;
	struct conf_file *f = NULL;
	struct berth_error why;
	int r;

	if (access(path_ct_config(p, ctid, path), F_OK) < 0)
		return ct_is_absent(-errno) ? 0 : -errno;
	dir = dir_open_at(AT_FDCWD, path_private(p, ctid, path));
	if (dir < 0)
		return dir;
	if (faccessat(dir, JOURNAL_INCOMING_CONF, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return ct_is_absent(-errno) ? 1 : -errno;
	r = conf_load_at(dir, JOURNAL_INCOMING_CONF, &f, &why);
	r = conf_text(r, f, &came);
	f = NULL;
	if (r == 0) {
		r = store_conf_load(p, ctid, &f, &why);
		r = conf_text(r, f, &there);
	}
	return r < 0 ? r : strcmp(came, there) == 0;
}
