/* methods_lifecycle.c - Start, Stop, Restart, Mount, Umount. */
#include "runtime/base/cleanup.h"
#include "runtime/base/log.h"
#include "runtime/base/value.h"
#include "runtime/ct/store.h"
#include "runtime/daemon/ended.h"
#include "runtime/daemon/lifecycle.h"
#include "runtime/daemon/method_wait.h"
#include "runtime/daemon/methods.h"

#include <string.h>

struct ct *method_ct(struct rpc_call *call, json_t *parameters, struct daemon *d)
{
	const char *word = json_string_value(json_object_get(parameters, "ct"));
	struct berth_error err;
	struct ct *ct;

	if (word == NULL) {
		(void)berth_error_set(&err, BERTH_ERR_VALUE, EINVAL,
				      "the parameter 'ct' must be a string: a CTID or a name");
		rpc_reply_error(call, &err);
		return NULL;
	}
	ct = registry_lookup(d, word, &err);
	if (ct == NULL)
		rpc_reply_error(call, &err);
	else if (ct->status == CT_BROKEN && ct->job == NULL)
		(void)registry_reload(d, ct, NULL); /* somebody may have mended it */
	return ct;
}

bool method_flag(json_t *parameters, const char *name)
{
	return json_is_true(json_object_get(parameters, name));
}

static const char *mend_of(enum ct_status s)
{
	switch (s) {
	case CT_RUNNING:
		return "stop it first: berth stop";
	case CT_MOUNTED:
		return "unmount it first: berth umount";
	case CT_STOPPED:
	case CT_BROKEN:
	case CT_STARTING:
	case CT_STOPPING:
	case CT_SUSPENDED:
		break;
	}
	return "see: berth status";
}

/* Takes the job when the CT is in the state that the operation needs; else replies. */
static struct job *begin_in(struct rpc_call *call, struct ct *ct, const char *what,
			    enum ct_status need)
{
	static const enum berth_errcode refusal[] = {
		[CT_STOPPED] = BERTH_ERR_NOT_RUNNING, [CT_MOUNTED] = BERTH_ERR_MOUNTED,
		[CT_STARTING] = BERTH_ERR_LOCKED,     [CT_RUNNING] = BERTH_ERR_RUNNING,
		[CT_STOPPING] = BERTH_ERR_LOCKED,     [CT_SUSPENDED] = BERTH_ERR_LOCKED,
		[CT_BROKEN] = BERTH_ERR_BROKEN,
	};
	struct berth_error err;
	struct job *j = NULL;

	if (ct->job == NULL && ct->status == CT_BROKEN && registry_reload(ct->d, ct, &err) < 0) {
		rpc_reply_error(call, &err); /* what is wrong with it */
		return NULL;
	}
	if (ct->job == NULL && !ct->unsettled && ct->status != need)
		(void)berth_error_set(&err, refusal[ct->status], EBUSY, "CT %u is %s; %s %u",
				      ct->ctid, ct_status_name(ct->status), mend_of(ct->status),
				      ct->ctid);
	else
		j = job_begin(ct->d, ct, what, call, &err);
	if (j == NULL)
		rpc_reply_error(call, &err);
	return j;
}

/* DISABLED="yes" in the config: a customer who must not run. */
static bool ct_is_disabled(struct daemon *d, struct ct *ct, struct berth_error *err)
{
	struct ct_config c;
	int r = store_config(&d->paths, ct->ctid, d->host_conf, &c, err);

	if (r < 0)
		return true;
	if (c.disabled)
		(void)berth_error_set(
			err, BERTH_ERR_DISABLED, EPERM,
			"CT %u is disabled; enable it: berth set %u --disabled no --save", ct->ctid,
			ct->ctid);
	return c.disabled;
}

static void unmounted_then_start(struct job *j, const struct worker_result *result)
{
	if (!result->ok) {
		job_fail(j, &result->error);
		return;
	}
	lifecycle_start(j);
}

void method_start(struct rpc_call *call, json_t *parameters, void *data)
{
	struct daemon *d = data;
	struct ct *ct = method_ct(call, parameters, d);
	struct berth_error err;
	struct job *j;
	bool mounted;

	if (ct == NULL || method_wait(call, parameters, ct, method_start))
		return;
	if (ct_is_disabled(d, ct, &err)) {
		rpc_reply_error(call, &err);
		return;
	}
	mounted = ct->status == CT_MOUNTED;
	j = begin_in(call, ct, "start", mounted ? CT_MOUNTED : CT_STOPPED);
	if (j == NULL)
		return;
	(void)ended_cancel_reboot(ct);
	j->wait = method_flag(parameters, "wait");
	j->hold = method_flag(parameters, "hold");
	if (mounted)
		job_worker(j, "umount", NULL, unmounted_then_start);
	else
		lifecycle_start(j);
}

static unsigned int stop_timeout_of(struct daemon *d, struct ct *ct, json_t *parameters)
{
	json_t *asked = json_object_get(parameters, "timeout");
	struct ct_config c;

	if (json_is_integer(asked) && json_integer_value(asked) >= 0 &&
	    json_integer_value(asked) <= 3600)
		return (unsigned int)json_integer_value(asked);
	return store_config(&d->paths, ct->ctid, d->host_conf, &c, NULL) == 0 ? c.stop_timeout
									      : 120;
}

/* lost.c: it runs, and nobody knows which of its processes could be asked to power off. */
static bool can_be_asked(const struct ct *ct, struct berth_error *err)
{
	if (ct->job != NULL || ct->status != CT_RUNNING || ct->init_pidfd >= 0)
		return true;
	(void)berth_error_set(err, BERTH_ERR_BROKEN, ESRCH,
			      "CT %u runs, but its state file is lost and its init was not found; "
			      "it can only be killed: berth stop %u --fast",
			      ct->ctid, ct->ctid);
	return false;
}

static void stop_or_restart(struct rpc_call *call, json_t *parameters, struct daemon *d,
			    bool restart)
{
	struct ct *ct = method_ct(call, parameters, d);
	struct berth_error err;
	struct job *j;

	if (ct == NULL || method_wait(call, parameters, ct, restart ? method_restart : method_stop))
		return;
	if (ended_cancel_reboot(ct) && !restart) {
		rpc_reply(call, NULL);
		return;
	}
	if (!method_flag(parameters, "fast") && !can_be_asked(ct, &err)) {
		rpc_reply_error(call, &err);
		return;
	}
	j = begin_in(call, ct, restart ? "restart" : "stop", CT_RUNNING);
	if (j == NULL)
		return;
	j->fast = method_flag(parameters, "fast");
	j->wait = method_flag(parameters, "wait");
	j->restart = restart;
	j->timeout = stop_timeout_of(d, ct, parameters);
	lifecycle_stop(j);
}

void method_stop(struct rpc_call *call, json_t *parameters, void *data)
{
	stop_or_restart(call, parameters, data, false);
}

/* A CT that is stopped is started: what vzctl restart does. */
void method_restart(struct rpc_call *call, json_t *parameters, void *data)
{
	struct daemon *d = data;
	const char *word = json_string_value(json_object_get(parameters, "ct"));
	struct ct *ct = word != NULL ? registry_lookup(d, word, NULL) : NULL;

	if (ct != NULL && method_wait(call, parameters, ct, method_restart))
		return;
	if (ct != NULL && ct->status != CT_RUNNING)
		method_start(call, parameters, data);
	else
		stop_or_restart(call, parameters, d, true);
}

static void mount_failed_clean(struct job *j, const struct worker_result *result)
{
	struct berth_error err = j->error;

	if (!result->ok)
		log_line(LOG_LV_WARNING, j->ct->ctid, "clean up after a failed mount: %s",
			 result->error.msg);
	registry_settled(j->d, j->ct);
	job_fail(j, &err);
}

static void mounted(struct job *j, const struct worker_result *result)
{
	char path[BERTH_PATH_MAX] = "";

	if (!result->ok) {
		j->error = result->error;
		job_worker(j, "cleanup", NULL, mount_failed_clean); /* a killed one undid nothing */
		return;
	}
	(void)value_get(result->values, "path", path, sizeof(path));
	j->ct->status = CT_MOUNTED;
	job_done(j, json_pack("{s:s}", "path", path));
}

void method_mount(struct rpc_call *call, json_t *parameters, void *data)
{
	struct ct *ct = method_ct(call, parameters, data);
	struct job *j;

	if (ct == NULL || method_wait(call, parameters, ct, method_mount))
		return;
	j = begin_in(call, ct, "mount", CT_STOPPED);
	if (j != NULL)
		job_worker(j, "mount", NULL, mounted);
}

static void unmounted(struct job *j, const struct worker_result *result)
{
	if (!result->ok) {
		job_fail(j, &result->error);
		return;
	}
	j->ct->status = CT_STOPPED;
	job_done(j, NULL);
}

void method_umount(struct rpc_call *call, json_t *parameters, void *data)
{
	struct ct *ct = method_ct(call, parameters, data);
	struct berth_error err;
	struct job *j;

	if (ct == NULL)
		return;
	if (ct->status == CT_STOPPED) {
		(void)berth_error_set(&err, BERTH_ERR_NOT_MOUNTED, EINVAL, "CT %u is not mounted",
				      ct->ctid);
		rpc_reply_error(call, &err);
		return;
	}
	j = begin_in(call, ct, "umount", CT_MOUNTED);
	if (j != NULL)
		job_worker(j, "umount", NULL, unmounted);
}
