/* methods_send.c - Send and Resolve: the source of a move, and an admin's word on one that was cut. */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/base/parse.h"
#include "runtime/ct/journal.h"
#include "runtime/daemon/destroy.h"
#include "runtime/daemon/made.h"
#include "runtime/daemon/method_wait.h"
#include "runtime/daemon/methods.h"

#include <fcntl.h>
#include <string.h>

enum {
	PEER_MAX = 100
};

/* What a call of Send asks for. Valid while its job begins. */
struct send_order {
	uint32_t new_ctid;
	const char *new_name, *peer;
	bool keep, check_only, start;
};

/* ---- after the worker ---- */

static void release_go(struct job *j, void *data)
{
	(void)data;
	destroy_order(j);
}

/* Whatever the worker said, the journal says whose it is. */
static void sent(struct job *j, const struct worker_result *result)
{
	struct daemon *d = j->d;
	struct ct *ct = j->ct;
	struct berth_error err = result->error;
	const struct life_info go = {.job = j, .go = release_go};

	for (unsigned int i = 0; i < j->n_fds; i++)
		(void)close(j->fds[i]);
	j->n_fds = 0;
	j->ends_with_client = false;
	registry_settled(d, ct);
	if (!result->ok) {
		job_fail(j, &err);
		return;
	}
	event_emit(d, ct->ctid, "moved", NULL);
	if (ct->status != CT_GIVEN || j->save)
		job_done(j, NULL);
	else if (ct_event(ct, LIFE_RELEASE, &go, &err) < 0)
		job_fail(j, &err);
}

static void checked(struct job *j, const struct worker_result *result)
{
	struct berth_error err = result->error;

	if (j->ct->status == CT_SENDING)
		registry_settled(j->d, j->ct);
	if (result->ok)
		job_done(j, NULL);
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
	job_fail(j, &err);
}

static void send_go(struct job *j, void *data)
{
	const struct send_order *o = data;
	char new_ctid[16], id[40];
	const char *args[] = {new_ctid, o->new_name, id, o->peer, NULL, NULL};

	job_take_fds(j);
	if (j->n_fds != 2) {
		refuse_go(j, EINVAL,
			  "is sent over two descriptors: from the other host, and to it");
		return;
	}
	if (j->ct->status == CT_RUNNING && !o->check_only) {
		refuse_go(j, EBUSY, "is running; stop it first");
		return;
	}
	/* random(4): a version 4 UUID for each read. */
	if (file_read_line_at(AT_FDCWD, "/proc/sys/kernel/random/uuid", id, sizeof(id)) < 0) {
		refuse_go(j, EIO, "needs /proc/sys/kernel/random/uuid to be sent");
		return;
	}
	(void)snprintf(new_ctid, sizeof(new_ctid), "%u", o->new_ctid);
	args[4] = o->check_only ? "check" : o->start ? "start" : NULL;
	j->save = o->keep;
	j->ends_with_client =
		true; /* before the commit nothing has happened, and after it the journal stands */
	job_worker(j, "send", args, o->check_only ? checked : sent);
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
	json_int_t n = json_is_integer(ctid) ? json_integer_value(ctid) : ct->ctid;
	struct send_order o = {.keep = method_flag(parameters, "keep"),
			       .check_only = method_flag(parameters, "check_only"),
			       .start = method_flag(parameters, "start")};

	if (n < CTID_MIN || n > (json_int_t)CTID_MAX)
		return berth_error_set(err, BERTH_ERR_VALUE, ERANGE,
				       "CTID %lld: use %d to %u (1 to 100 are reserved)",
				       (long long)n, CTID_MIN, CTID_MAX);
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
