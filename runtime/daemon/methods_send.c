/* methods_send.c - Send and Resolve: the source of a move, and an admin's word on one that was cut. */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/base/parse.h"
#include "runtime/base/value.h"
#include "runtime/ct/journal.h"
#include "runtime/daemon/config_check.h"
#include "runtime/daemon/destroy.h"
#include "runtime/daemon/findings.h"
#include "runtime/daemon/made.h"
#include "runtime/daemon/method_wait.h"
#include "runtime/daemon/methods.h"
#include "runtime/daemon/reboot.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

enum {
	PEER_MAX = 100,
	FROZEN_MAX = 600 /* seconds, unless the order says otherwise */
};

/* What a call of Send asks for. Valid while its job begins. */
struct send_order {
	uint32_t new_ctid;
	const char *new_name, *peer;
	bool keep, check_only, start, online;
	uint32_t timeout; /* seconds that it may stand still up to the commit */
};

/* What the steps of a move have in common: its job's. */
struct move {
	char new_ctid[16], new_name[64], id[40], peer[PEER_MAX];
	bool check_only, start, online;
	uint64_t ahead_bytes, frozen_at; /* the latter as ev_now_ms; 0: it never was */
	uint32_t timeout;
};

/* What the worker has found is told with the error. */
static void keep_findings(struct job *j, const struct worker_result *result)
{
	if (j->findings == NULL)
		j->findings = json_array();
	findings_of_ct(result->values, j->findings);
}

/* ---- after the worker ---- */

static void release_go(struct job *j, void *data)
{
	(void)data;
	destroy_order(j);
}

/*
 * It has not moved, and is here. One that was stopped for it starts again: the call hears why it did not move when it
 * runs, or why it does not. ESTALE: the same order comes again at once.
 */
static void stays(struct job *j, const struct berth_error *why)
{
	struct ct *ct = j->ct;
	bool again = config_can_restart(ct) && reboot_is_marked(j->d, ct);

	if (!again || why->sys == ESTALE) {
		if (again)
			ct_timer_set(ct, LIFE_T_REBOOT, REBOOT_MOVES_MS);
		job_fail(j, why);
		return;
	}
	log_line(LOG_LV_ERROR, ct->ctid, "send: %s; it starts here again", why->msg);
	j->restart = true;
	j->failed = true;
	j->error = *why;
	(void)ct_event(ct, LIFE_T_REBOOT, &(struct life_info){.job = j}, NULL);
}

static json_t *receipt(const struct job *j, const struct worker_result *result)
{
	const struct move *m = j->move;
	uint64_t volume = 0, images = 0;
	json_t *r;

	(void)value_get_u64(result->values, "bytes", &volume);
	(void)value_get_u64(result->values, "bytes_images", &images);
	r = json_pack("{s:I, s:I}", "volume_bytes", (json_int_t)volume, "images_bytes",
		      (json_int_t)images);
	if (m->frozen_at != 0) {
		(void)json_object_set_new(r, "ahead_bytes",
					  json_integer((json_int_t)m->ahead_bytes));
		(void)json_object_set_new(r, "frozen_ms",
					  json_integer((json_int_t)(ev_now_ms() - m->frozen_at)));
	}
	return json_pack("{s:o}", "receipt", r);
}

/* Whatever the worker said, the journal says whose it is. */
static void sent(struct job *j, const struct worker_result *result)
{
	struct daemon *d = j->d;
	struct ct *ct = j->ct;
	struct berth_error err = result->error;
	const struct life_info go = {.job = j, .go = release_go};

	keep_findings(j, result);
	for (unsigned int i = 0; i < j->n_fds; i++)
		(void)close(j->fds[i]);
	j->n_fds = 0;
	j->ends_with_client = false;
	registry_settled(d, ct);
	if (resume_is_due(ct)) { /* it goes on here */
		if (!result->ok)
			log_line(LOG_LV_ERROR, ct->ctid, "send: %s; it goes on here", err.msg);
		j->failed = !result->ok;
		j->error = err;
		(void)ct_event(ct, LIFE_RESUME, &(struct life_info){.job = j}, NULL);
		return;
	}
	if (ct->status == CT_GIVEN)
		reboot_unmark(d, ct);
	if (!result->ok) {
		stays(j, &err);
		return;
	}
	event_emit(d, ct->ctid, "moved", NULL);
	j->reply = receipt(j, result);
	if (ct->status != CT_GIVEN || j->save)
		job_done(j, take_ptr(j->reply));
	else if (ct_event(ct, LIFE_RELEASE, &go, &err) < 0)
		job_fail(j, &err);
}

/* All of it goes with the error; the log has the first. */
static const struct berth_error *refused(const struct job *j, struct berth_error *err)
{
	size_t n = json_array_size(j->findings);
	const char *text = findings_refusal(j->findings);

	(void)berth_error_set(
		err, BERTH_ERR_UNSUPPORTED, EOPNOTSUPP,
		"CT %u cannot be moved while it runs: %.240s%s; see: berth why-not %u", j->ct->ctid,
		text != NULL ? text : "", n > 1 ? ", and more" : "", j->ct->ctid);
	return err;
}

static void checked(struct job *j, const struct worker_result *result)
{
	const struct move *m = j->move;
	struct berth_error err = result->error;

	if (j->ct->status == CT_SENDING) {
		registry_settled(j->d, j->ct);
		if (config_can_restart(j->ct) && reboot_is_marked(j->d, j->ct))
			ct_timer_set(j->ct, LIFE_T_REBOOT, REBOOT_MOVES_MS);
	}
	keep_findings(j, result);
	if (result->ok && (m->online || !m->check_only) && findings_refusal(j->findings) != NULL)
		job_fail(j, refused(j, &err));
	else if (result->ok)
		job_done(j, json_pack("{s:O}", "findings", j->findings));
	else
		job_fail(j, &err);
}

/* ---- Send ---- */

static void refuse_go(struct job *j, int sys, const char *why)
{
	struct berth_error err;

	(void)berth_error_set(&err, sys == EBUSY ? BERTH_ERR_RUNNING : BERTH_ERR_VALUE, sys,
			      "CT %u %s", j->ct->ctid, why);
	if (j->ct->status == CT_SENDING)
		registry_settled(j->d, j->ct);
	stays(j, &err);
}

static void last_go(struct job *j, void *data)
{
	const struct move *m = j->move;
	uint64_t stood = ev_now_ms() - m->frozen_at, may = m->timeout * 1000ULL;
	char left[24];
	const char *args[] = {m->new_ctid, m->new_name, m->id, m->peer, "last", left, NULL};

	(void)data;
	(void)snprintf(left, sizeof(left), "%llu",
		       (unsigned long long)(may > stood ? may - stood : 1));
	j->n_fds = j->n_held;
	j->n_held = 0;
	job_worker(j, "send", args, sent);
}

static int note_that_it_moves(struct job *j, struct berth_error *err)
{
	int r = resume_mark(j->ct);

	return r < 0 ? berth_error_sys(err, r, "CT %u: note that it moves", j->ct->ctid) : 0;
}

/* Before the commit who moves it must be there to hear of it. */
static bool goes_on(const struct job *j, const struct worker_result *result,
		    struct berth_error *err)
{
	*err = result->error;
	if (result->ok && j->call == NULL)
		(void)berth_error_set(err, BERTH_ERR_SYSTEM, ECANCELED,
				      "CT %u: who moves it has gone", j->ct->ctid);
	return result->ok && j->call != NULL;
}

static void noted(struct job *j, const struct worker_result *result)
{
	struct move *m = j->move;
	struct berth_error err;

	if (!goes_on(j, result, &err)) {
		resume_unmark(j->ct);
		job_fail(j, &err);
		return;
	}
	m->frozen_at = ev_now_ms();
	j->suspended = last_go;
	j->n_held = j->n_fds;
	j->n_fds = 0;
	if (ct_event(j->ct, LIFE_SUSPEND, &(struct life_info){.job = j}, &err) < 0) {
		resume_unmark(j->ct);
		job_fail(j, &err);
	}
}

/* Most of its volume is there: it is suspended for the rest. From the mark on it goes on by itself, here or there. */
static void went_ahead(struct job *j, const struct worker_result *result)
{
	struct move *m = j->move;
	struct berth_error err;

	keep_findings(j, result);
	if (!goes_on(j, result, &err)) {
		job_fail(j, &err);
		return;
	}
	(void)value_get_u64(result->values, "bytes_ahead", &m->ahead_bytes);
	job_disk(j, note_that_it_moves, noted);
}

/* word: what of it is done. */
static void run_send(struct job *j, const char *word, job_next_fn *next)
{
	const struct move *m = j->move;
	const char *args[] = {m->new_ctid, m->new_name, m->id, m->peer, word, NULL};

	job_worker(j, "send", args, next);
}

static void go_online(struct job *j)
{
	int sums = memfd_create("berth-sums", MFD_CLOEXEC);

	if (sums < 0) {
		refuse_go(j, EIO, "cannot be moved: no memory for the sums of its blocks");
		return;
	}
	j->fds[j->n_fds++] = sums;
	run_send(j, "ahead", went_ahead);
}

/* What the CT itself has in the way is known; the other host is asked all the same, so that all is told at once. */
static void looked_at(struct job *j, const struct worker_result *result)
{
	const struct move *m = j->move;
	struct berth_error err;

	keep_findings(j, result);
	j->n_fds = j->n_held;
	j->n_held = 0;
	if (!goes_on(j, result, &err))
		job_fail(j, &err);
	else if (m->check_only && !m->online)
		run_send(j, "check", checked);
	else if (m->check_only || findings_refusal(j->findings) != NULL)
		run_send(j, "check-ahead", checked);
	else
		go_online(j);
}

static int move_begin(struct job *j, const struct send_order *o)
{
	struct move *m = calloc(1, sizeof(*m));

	if (m == NULL)
		abort();
	j->move = m;
	(void)snprintf(m->new_ctid, sizeof(m->new_ctid), "%u", o->new_ctid);
	(void)snprintf(m->new_name, sizeof(m->new_name), "%s", o->new_name);
	(void)snprintf(m->peer, sizeof(m->peer), "%s", o->peer);
	m->check_only = o->check_only;
	m->start = o->start;
	m->online = o->online;
	m->timeout = o->timeout;
	/* random(4): a version 4 UUID for each read. */
	return file_read_line_at(AT_FDCWD, "/proc/sys/kernel/random/uuid", m->id, sizeof(m->id));
}

static void send_go(struct job *j, void *data)
{
	const struct send_order *o = data;

	job_take_fds(j);
	if (j->ct->status == CT_SENDING)
		ct_timer_clear(j->ct, LIFE_T_REBOOT);
	if (j->n_fds != 2) {
		refuse_go(j, EINVAL,
			  "is sent over two descriptors: from the other host, and to it");
		return;
	}
	if (j->ct->status == CT_RUNNING && !o->check_only && !o->online) {
		refuse_go(j, EBUSY, "is running; stop it first");
		return;
	}
	if (move_begin(j, o) < 0) {
		refuse_go(j, EIO, "needs /proc/sys/kernel/random/uuid to be sent");
		return;
	}
	j->save = o->keep;
	j->ends_with_client =
		true; /* before the commit nothing has happened, and after it the journal stands */
	if (j->ct->status == CT_RUNNING && (o->online || !o->start)) {
		j->n_held = j->n_fds;
		j->n_fds = 0;
		job_worker(j, "why-not", NULL, looked_at);
	} else if (o->check_only) {
		run_send(j, o->online ? "check-ahead" : "check", checked);
	} else {
		run_send(j, o->start ? "start" : NULL, sent);
	}
}

static int text_of(json_t *parameters, const char *name, const char *none, const char **ret,
		   struct berth_error *err)
{
	json_t *v = json_object_get(parameters, name);

	*ret = v == NULL || json_is_null(v) ? none : json_string_value(v);
	if (*ret != NULL && (*ret)[0] != '\0' && strlen(*ret) < PEER_MAX && text_is_clean(*ret))
		return 0;
	return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
			       "the parameter '%s' must be a string of 1 to %d characters", name,
			       PEER_MAX - 1);
}

static int send_order_of(json_t *parameters, const struct ct *ct, struct send_order *ret,
			 struct berth_error *err)
{
	json_t *ctid = json_object_get(parameters, "new_ctid");
	json_t *timeout = json_object_get(parameters, "timeout");
	json_int_t may = json_is_integer(timeout) ? json_integer_value(timeout) : FROZEN_MAX;
	json_int_t n = json_is_integer(ctid) ? json_integer_value(ctid) : ct->ctid;
	struct send_order o = {.keep = method_flag(parameters, "keep"),
			       .check_only = method_flag(parameters, "check_only"),
			       .start = method_flag(parameters, "start"),
			       .online = method_flag(parameters, "online")};

	if (n < CTID_MIN || n > (json_int_t)CTID_MAX)
		return berth_error_set(err, BERTH_ERR_VALUE, ERANGE,
				       "CTID %lld: use %d to %u (1 to 100 are reserved)",
				       (long long)n, CTID_MIN, CTID_MAX);
	if (may < 1 || may > 86400)
		return berth_error_set(err, BERTH_ERR_VALUE, ERANGE,
				       "timeout %lld: use 1 to 86400 seconds", (long long)may);
	o.timeout = (uint32_t)may;
	o.new_ctid = (uint32_t)n;
	if (text_of(parameters, "new_name", "-", &o.new_name, err) < 0 ||
	    text_of(parameters, "peer", "another host", &o.peer, err) < 0)
		return -EINVAL;
	if (strcmp(o.new_name, "-") != 0 && !name_is_valid(o.new_name))
		return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
				       "'%s' cannot be the name of a CT", o.new_name);
	*ret = o;
	return 0;
}

void method_send(struct rpc_call *call, json_t *parameters, void *data)
{
	struct ct *ct = method_ct(call, parameters, data);
	struct send_order o;
	struct berth_error err;
	const struct life_info info = {.call = call, .go = send_go, .data = &o};

	if (ct == NULL || method_wait(call, parameters, ct, method_send))
		return;
	if (send_order_of(parameters, ct, &o, &err) < 0 || ct_event(ct, LIFE_SEND, &info, &err) < 0)
		rpc_reply_error(call, &err);
}

/* ---- Resolve ---- */

static int take_back(struct job *j, struct berth_error *err)
{
	return journal_clear(&j->d->paths, j->ct->ctid, err);
}

static void taken_back(struct job *j, const struct worker_result *result)
{
	struct berth_error err = result->error;

	registry_settled(j->d, j->ct);
	if (result->ok)
		job_done(j, NULL);
	else
		job_fail(j, &err);
}

static void taken(struct job *j, const struct worker_result *result)
{
	struct berth_error err = result->error;

	if (result->ok || made_is_owned(&j->d->paths, j->ct->ctid) == 1)
		made_stands(j, "received");
	else
		job_fail(j, &err);
}

static void take_go(struct job *j, void *data)
{
	char base[16];
	const char *args[] = {base, j->ct->going.uuid, "take", NULL};

	(void)data;
	(void)snprintf(base, sizeof(base), "%u", j->ct->facts.id_base);
	if (j->ct->status == CT_GIVEN)
		job_disk(j, take_back, taken_back);
	else
		job_worker(j, "receive", args, taken);
}

static void let_go_of(struct job *j, const struct worker_result *result)
{
	struct berth_error err = result->error;

	if (result->ok)
		made_undo(j, NULL);
	else
		job_fail(j, &err);
}

static void release_any_go(struct job *j, void *data)
{
	(void)data;
	if (j->ct->status == CT_DESTROYING)
		destroy_order(j);
	else
		job_disk(j, take_back, let_go_of);
}

void method_resolve(struct rpc_call *call, json_t *parameters, void *data)
{
	struct ct *ct = method_ct(call, parameters, data);
	bool take = method_flag(parameters, "take");
	const struct life_info info = {.call = call, .go = take ? take_go : release_any_go};
	struct berth_error err;

	if (ct != NULL && !method_wait(call, parameters, ct, method_resolve) &&
	    ct_event(ct, take ? LIFE_TAKE : LIFE_RELEASE, &info, &err) < 0)
		rpc_reply_error(call, &err);
}
