/*
 * methods_receive.c - Receive: the destination of a move. A worker hears the offer; what berthd makes of it is a CT as
 * by a create, an answer that refuses, or the end of a move that was cut before.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/base/parse.h"
#include "runtime/base/value.h"
#include "runtime/ct/journal.h"
#include "runtime/daemon/found.h"
#include "runtime/daemon/made.h"
#include "runtime/daemon/methods.h"
#include "runtime/daemon/obstacle.h"
#include "runtime/daemon/room.h"
#include "runtime/daemon/settings.h"
#include "runtime/migrate/message.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

enum {
	OFFER_MAX = MESSAGE_SIZE + CONF_FILE_MAX + 2
};

/* A connection of which it is not known yet what will come of it. */
struct receive {
	struct daemon *d;
	struct rpc_call *call; /* NULL: the client has gone */
	struct worker_run *run;
	int none; /* in place of a CT's lock */
	int fds[2]; /* the connection, in and out */
	int file; /* offer and config from the worker, the answer to it */
	struct message_offer offer;
	struct conf_file *conf;
	struct message_answer answer;
};

static void receive_free(struct receive *r)
{
	if (r->call != NULL)
		rpc_call_on_gone(r->call, NULL, NULL);
	fd_close(&r->none);
	fd_close(&r->fds[0]);
	fd_close(&r->fds[1]);
	fd_close(&r->file);
	conf_free(r->conf);
	free(r);
}

static void receive_fail(struct receive *r, const struct berth_error *err)
{
	log_line(LOG_LV_ERROR, 0, "receive: %s", err->msg);
	if (r->call != NULL) {
		rpc_call_on_gone(r->call, NULL, NULL);
		rpc_reply_error(r->call, err);
		r->call = NULL;
	}
	receive_free(r);
}

static void receive_gone(struct rpc_call *call, void *data)
{
	struct receive *r = data;

	(void)call;
	r->call = NULL;
	if (r->run != NULL)
		worker_end(r->run, "its client has gone");
}

/* The words of an operation without a CT, which hears and says something over the connection. */
static int run(struct receive *r, const char *op, worker_done_fn *done, struct berth_error *err)
{
	const char *const argv[] = {op, NULL};
	const int keep[] = {r->none, r->fds[0], r->fds[1], r->file};

	return worker_start_run(r->d, argv, keep, 4, NULL, done, r, &r->run, err);
}

/* ---- a CT that has come, or has not ---- */

static void received(struct job *j, const struct worker_result *result)
{
	struct berth_error err = result->error;
	struct ct *ct = j->ct;
	struct journal journal;
	int r = journal_load(&j->d->paths, ct->ctid, &journal);

	j->ends_with_client = false;
	/* Its config makes it this host's, also when its worker died of that. */
	if (r == 0 && journal.start && strcmp(journal.uuid, ct->going.uuid) == 0)
		j->then_start = true;
	if (result->ok || (r == 0 && made_is_owned(&j->d->paths, ct->ctid) == 1)) {
		made_stands(j, "received");
		return;
	}
	/* A journal that cannot be read is no "no". */
	if (ct_is_absent(r) || (r == 0 && (journal.phase != JOURNAL_READY ||
					   strcmp(journal.uuid, ct->going.uuid) != 0))) {
		made_undo(j, &err);
		return;
	}
	if (ct->status != CT_INCOMING)
		(void)ct_event(ct, LIFE_IN_DOUBT, NULL, NULL);
	job_fail(j, &err);
}

static void receive_run(struct job *j, const char *how)
{
	char base[16];
	const char *args[] = {base, j->ct->going.uuid, how, NULL};

	(void)snprintf(base, sizeof(base), "%u", j->ct->facts.id_base);
	job_worker(j, "receive", args, received);
}

static void begun(struct job *j, const struct worker_result *result)
{
	struct berth_error gone;

	if (result->ok && j->call == NULL) {
		(void)berth_error_set(&gone, BERTH_ERR_SYSTEM, ECANCELED,
				      "CT %u: who sends it has gone", j->ct->ctid);
		made_refuse(j, &gone);
	} else if (result->ok) {
		j->ends_with_client = true; /* a journal that says READY stands all the same */
		receive_run(j, "new");
	} else {
		made_refuse(j, &result->error);
	}
}

static int offer_write(struct job *j, const struct message_offer *o, struct berth_error *err)
{
	auto_close int dir = paths_run_ct_open(&j->d->paths, j->ct->ctid, err);
	char text[MESSAGE_SIZE];
	int r = message_offer_format(o, text);

	if (dir < 0)
		return dir;
	if (r == 0)
		r = file_replace_at(dir, "offer", text, strlen(text), 0600, false);
	return r < 0 ? berth_error_sys(err, r, "CT %u: note its offer", j->ct->ctid) : 0;
}

static void take_connection(struct job *j, struct receive *r)
{
	j->fds[0] = take_fd(&r->fds[0]);
	j->fds[1] = take_fd(&r->fds[1]);
	j->n_fds = 2;
}

static void receive_new(struct receive *r)
{
	struct daemon *d = r->d;
	uint32_t ctid = r->offer.new_ctid;
	struct ct *ct = registry_add(d, ctid);
	char path[BERTH_PATH_MAX];
	struct berth_error err;
	struct job *j;

	ct->being_created = true;
	j = job_begin(d, ct, "receive", r->call, &err);
	if (j == NULL) {
		/* Made for the lock, and empty: before, there was none (obstacle.c). */
		(void)rmdir(path_run_ct(&d->paths, ctid, path));
		registry_remove(d, ct);
		receive_fail(r, &err);
		return;
	}
	r->call = NULL;
	take_connection(j, r);
	(void)memcpy(ct->going.uuid, r->offer.uuid, sizeof(ct->going.uuid));
	ct->going_by = INTENT_CREATE;
	j->conf = take_ptr(r->conf);
	j->then_start = r->offer.start;
	made_claim(ct, j->conf);
	if (registry_free_id_base(d, &ct->facts.id_base, &err) < 0 ||
	    offer_write(j, &r->offer, &err) < 0)
		made_refuse(j, &err);
	else
		job_disk(j, made_begin, begun);
	receive_free(r);
}

static void resume_go(struct job *j, void *data)
{
	const struct receive *r = data;

	j->then_start = r->offer.start;
	take_connection(j, data);
	receive_run(j, "resume");
}

static void receive_resume(struct receive *r, struct ct *ct)
{
	struct rpc_call *call = r->call;
	const struct life_info info = {.call = call, .go = resume_go, .data = r};
	struct berth_error err;

	if (ct_event(ct, LIFE_RECEIVE, &info, &err) < 0) {
		receive_fail(r, &err);
		return;
	}
	r->call = NULL;
	receive_free(r);
}

/* ---- what is in the way ---- */

static void answered(const struct worker_result *result, void *data)
{
	struct receive *r = data;
	struct berth_error err = result->error;

	r->run = NULL;
	if (result->ok && r->answer.state == ANSWER_REFUSED)
		(void)berth_error_set(&err, BERTH_ERR_UNSUPPORTED, EOPNOTSUPP,
				      "CT %u was not taken: %.280s", r->offer.new_ctid,
				      r->answer.findings[0]);
	if (!result->ok || r->answer.state == ANSWER_REFUSED) {
		receive_fail(r, &err);
		return;
	}
	if (r->call != NULL) {
		struct rpc_call *call = take_ptr(r->call);

		rpc_call_on_gone(call, NULL, NULL);
		rpc_reply(call, NULL);
	}
	receive_free(r);
}

static void answer(struct receive *r)
{
	char text[MESSAGE_SIZE];
	struct berth_error err;
	int e = message_answer_format(&r->answer, text);

	if (e == 0 && ftruncate(r->file, 0) < 0)
		e = -errno;
	if (e == 0 && pwrite(r->file, text, strlen(text), 0) != (ssize_t)strlen(text))
		e = -EIO;
	if (e < 0)
		(void)berth_error_sys(&err, e, "write the answer");
	else
		e = run(r, "receive-answer", answered, &err);
	if (e < 0)
		receive_fail(r, &err);
}

static struct ct *find_uuid(struct daemon *d, const char *uuid)
{
	for (size_t i = 0; i < d->n_cts; i++)
		if (strcmp(d->cts[i]->facts.uuid, uuid) == 0 ||
		    strcmp(d->cts[i]->going.uuid, uuid) == 0)
			return d->cts[i];
	return NULL;
}

/* As far as there is room: who moves a CT whose every part is in the way reads the first ones first. */
static void find(struct receive *r, const char *finding)
{
	r->answer.state = ANSWER_REFUSED;
	(void)message_answer_add(&r->answer, finding);
}

static void look_at_numbers(struct receive *r)
{
	const struct message_offer *o = &r->offer;
	const struct ct *twin = find_uuid(r->d, o->uuid);
	struct ct self = {.d = r->d, .ctid = o->new_ctid};
	struct berth_error why;

	if (twin != NULL) {
		(void)berth_error_set(
			&why, BERTH_ERR_EXISTS, EEXIST,
			"CT %u there is this very CT (UUID %s, %s); if it has moved away "
			"from there: berth migrate --resolve --release %u",
			twin->ctid, o->uuid, ct_status_name(twin->status), twin->ctid);
		find(r, why.msg);
	} else if (registry_find(r->d, o->new_ctid) != NULL) {
		(void)berth_error_set(&why, BERTH_ERR_EXISTS, EEXIST,
				      "CT %u exists there already; the next free CTID is %u: %u:%u",
				      o->new_ctid, registry_free_ctid(r->d), o->ctid,
				      registry_free_ctid(r->d));
		find(r, why.msg);
	} else if (obstacle_check(r->d, o->new_ctid, &why) < 0) {
		find(r, why.msg);
	}
	if (o->given)
		find(r, "it was given to that host, and is not there: it never arrived, was moved "
			"on, or was destroyed; find out which before you take it back: berth "
			"migrate --resolve --take");
	if (registry_check_unique(r->d, &self, r->conf, &why) < 0)
		find(r, why.msg);
}

/* What the worker has found, and what is known here. */
static void look_around(struct receive *r, const struct worker_result *result)
{
	const struct ct coming = {.d = r->d, .ctid = r->offer.new_ctid};
	struct ct_config c;
	struct berth_error why;
	char key[20], text[400];

	r->answer.state = ANSWER_CLEAR;
	look_at_numbers(r);
	for (unsigned int i = 0; i < MESSAGE_FINDINGS; i++) {
		(void)snprintf(key, sizeof(key), "finding.%u", i);
		if (value_get(result->values, key, text, sizeof(text)) == 0)
			find(r, text);
	}
	if (r->offer.start && !r->offer.given && room_check(&coming, &why) < 0)
		find(r, why.msg);
	/* An invalid config is told by the worker. */
	if (ct_config_from(r->conf, r->d->host_conf, &c, &why) == 0 &&
	    settings_check_host(r->offer.new_ctid, NULL, &c, &why) < 0)
		find(r, why.msg);
}

/*
 * Is it the source of what waits here? That owns it as long as it has not given it, and says so by a move with a new
 * id; another host with a copy of the CT says nothing about this one.
 */
static bool continues(const struct journal *j, const struct message_offer *o)
{
	return strcmp(j->uuid, o->uuid) == 0 && j->epoch == o->epoch && j->peer_ctid == o->ctid &&
	       (strcmp(j->id, o->id) == 0 || !o->given);
}

/* The source removes its own upon this word: it is not given for what is damaged, going, or cannot be told. */
static bool has_it_whole(const struct ct *ct)
{
	return ct->status != CT_INCOMING && ct->status != CT_GIVEN && ct->status != CT_BROKEN &&
	       ct->status != CT_UNKNOWN && ct->status != CT_DESTROYING;
}

/* The move goes on that was cut at its last word: here it is, or it waits for that. */
static bool goes_on(struct receive *r)
{
	const struct message_offer *o = &r->offer;
	struct ct *ct = registry_find(r->d, o->new_ctid);
	struct journal j;

	if (ct == NULL || ct->being_created || o->check_only)
		return false;
	if (ct->status == CT_INCOMING && journal_load(&r->d->paths, ct->ctid, &j) == 0 &&
	    continues(&j, o)) {
		receive_resume(r, ct);
		return true;
	}
	found_reread(ct);
	if (o->given && has_it_whole(ct) && strcmp(ct->facts.uuid, o->uuid) == 0 &&
	    ct->facts.epoch >= o->epoch) {
		r->answer.state = ANSWER_OWNED;
		answer(r);
		return true;
	}
	return false;
}

static int read_offer(struct receive *r, struct berth_error *err)
{
	auto_free char *text = calloc(1, OFFER_MAX + 2);
	const char *config;
	int e;

	if (text == NULL)
		abort();
	if (pread(r->file, text, OFFER_MAX, 0) <= 0 || message_offer_parse(text, &r->offer) < 0)
		return berth_error_set(err, BERTH_ERR_PROTOCOL, EBADMSG, "no offer came");
	config = text + strlen(text) + 1;
	e = conf_parse(config, strlen(config), &r->conf, err);
	if (e == 0 && r->offer.new_name[0] != '\0')
		(void)conf_set(r->conf, "NAME", r->offer.new_name);
	return e;
}

static void offered(const struct worker_result *result, void *data)
{
	struct receive *r = data;
	struct berth_error err = result->error;

	r->run = NULL;
	if (!result->ok || read_offer(r, &err) < 0) {
		receive_fail(r, &err);
		return;
	}
	if (r->call == NULL) {
		receive_free(r);
		return;
	}
	found_rescan(r->d);
	if (goes_on(r))
		return;
	look_around(r, result);
	if (r->answer.state == ANSWER_CLEAR && !r->offer.check_only)
		receive_new(r);
	else
		answer(r);
}

void method_receive(struct rpc_call *call, json_t *parameters, void *data)
{
	struct receive *r = calloc(1, sizeof(*r));
	int fds[RPC_FDS_MAX];
	unsigned int n = rpc_call_take_fds(call, fds);
	struct berth_error err;

	(void)parameters;
	if (r == NULL)
		abort();
	r->d = data;
	r->call = call;
	for (unsigned int i = 2; i < n; i++)
		(void)close(fds[i]);
	r->fds[0] = n > 0 ? fds[0] : -EBADF;
	r->fds[1] = n > 1 ? fds[1] : -EBADF;
	r->none = open("/dev/null", O_RDONLY | O_CLOEXEC);
	r->file = memfd_create("berth-offer", MFD_CLOEXEC);
	if (n != 2 || r->none < 0 || r->file < 0) {
		(void)berth_error_set(
			&err, BERTH_ERR_VALUE, EINVAL,
			"a CT is received over two descriptors: from the other host, and "
			"to it");
		receive_fail(r, &err);
		return;
	}
	rpc_call_on_gone(call, receive_gone, r);
	if (run(r, "receive-offer", offered, &err) < 0)
		receive_fail(r, &err);
}
