/* methods_lifecycle.c - Start, Stop, Restart, Mount, Umount. */
#include "runtime/base/cleanup.h"
#include "runtime/base/log.h"
#include "runtime/base/value.h"
#include "runtime/ct/store.h"
#include "runtime/daemon/config_check.h"
#include "runtime/daemon/disk_first.h"
#include "runtime/daemon/found.h"
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
	ct = found_lookup(d, word, &err);
	if (ct == NULL)
		rpc_reply_error(call, &err);
	else
		found_reread(ct);
	return ct;
}

struct ct *method_ct_read(struct rpc_call *call, json_t *parameters, struct daemon *d,
			  rpc_method_fn *fn)
{
	if (disk_first(call, parameters, d, json_object_get(parameters, "ct"), false, fn))
		return NULL;
	return method_ct(call, parameters, d);
}

bool method_flag(json_t *parameters, const char *name)
{
	return json_is_true(json_object_get(parameters, name));
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

/* Gives the order to the CT; it is answered there, or here when it is not taken. */
static void order(struct ct *ct, enum life_event event, const struct life_info *info)
{
	struct berth_error err;

	if (ct_event(ct, event, info, &err) < 0)
		rpc_reply_error(info->call, &err);
}

static void start_or_restart(struct rpc_call *call, json_t *parameters, struct ct *ct,
			     enum life_event event)
{
	const struct life_info info = {.call = call,
				       .wait = method_flag(parameters, "wait"),
				       .hold = method_flag(parameters, "hold")};
	struct berth_error err;

	/* One that is incoming has no config yet. */
	if (ct->status != CT_INCOMING && ct_is_disabled(ct->d, ct, &err))
		rpc_reply_error(call, &err);
	else
		order(ct, event, &info);
}

void method_start(struct rpc_call *call, json_t *parameters, void *data)
{
	struct ct *ct = method_ct_read(call, parameters, data, method_start);

	if (ct != NULL && !method_wait(call, parameters, ct, method_start))
		start_or_restart(call, parameters, ct, LIFE_START);
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

/* Work of berthd's own that a stop --fast is about: the end of the CT, a start, a suspend. */
static bool can_hurry(const struct ct *ct)
{
	return !ct->unsettled && (ct->status == CT_STOPPING || ct->status == CT_RELEASING ||
				  ct->status == CT_STARTING || ct->status == CT_SUSPENDING);
}

/* With --fast nothing is waited for: whoever is at work on the CT is made to hurry, or ended. */
void method_stop(struct rpc_call *call, json_t *parameters, void *data)
{
	struct daemon *d = data;
	bool fast = method_flag(parameters, "fast");
	struct ct *ct = fast ? method_ct(call, parameters, d)
			     : method_ct_read(call, parameters, d, method_stop);

	if (ct == NULL ||
	    ((!fast || !can_hurry(ct)) && method_wait(call, parameters, ct, method_stop)))
		return;
	order(ct, fast ? LIFE_KILL : LIFE_STOP,
	      &(struct life_info){.call = call,
				  .moves = !fast && method_flag(parameters, "moves"),
				  .timeout = fast ? 0 : stop_timeout_of(d, ct, parameters)});
}

/* A CT that is stopped is started: what vzctl restart does. */
void method_restart(struct rpc_call *call, json_t *parameters, void *data)
{
	struct daemon *d = data;
	struct ct *ct = method_ct_read(call, parameters, d, method_restart);
	struct berth_error err, why;

	if (ct == NULL || method_wait(call, parameters, ct, method_restart))
		return;
	if (ct->status != CT_RUNNING || ct->job != NULL) {
		start_or_restart(call, parameters, ct, LIFE_RESTART);
		return;
	}
	/* Before anything is stopped. */
	if (config_check(d, ct->ctid, &why) < 0) {
		(void)berth_error_set(&err, why.code, why.sys,
				      "%.250s; it was not stopped and runs on", why.msg);
		berth_error_name_ct(&err, ct->ctid);
		rpc_reply_error(call, &err);
		return;
	}
	order(ct, LIFE_RESTART,
	      &(struct life_info){.call = call,
				  .wait = method_flag(parameters, "wait"),
				  .fast = method_flag(parameters, "fast"),
				  .timeout = stop_timeout_of(d, ct, parameters)});
}

void method_mount(struct rpc_call *call, json_t *parameters, void *data)
{
	struct ct *ct = method_ct_read(call, parameters, data, method_mount);

	if (ct != NULL && !method_wait(call, parameters, ct, method_mount))
		order(ct, LIFE_MOUNT, &(struct life_info){.call = call});
}

void method_umount(struct rpc_call *call, json_t *parameters, void *data)
{
	struct ct *ct = method_ct_read(call, parameters, data, method_umount);

	if (ct != NULL && !method_wait(call, parameters, ct, method_umount))
		order(ct, LIFE_UMOUNT, &(struct life_info){.call = call});
}

void method_suspend(struct rpc_call *call, json_t *parameters, void *data)
{
	struct ct *ct = method_ct_read(call, parameters, data, method_suspend);

	if (ct != NULL && !method_wait(call, parameters, ct, method_suspend))
		order(ct, LIFE_SUSPEND, &(struct life_info){.call = call});
}

void method_resume(struct rpc_call *call, json_t *parameters, void *data)
{
	struct ct *ct = method_ct_read(call, parameters, data, method_resume);
	struct berth_error err;

	if (ct == NULL || method_wait(call, parameters, ct, method_resume))
		return;
	if (ct_is_disabled(ct->d, ct, &err))
		rpc_reply_error(call, &err);
	else
		order(ct, LIFE_RESUME, &(struct life_info){.call = call});
}

/* It was noted when it came (audit.c). */
void method_session(struct rpc_call *call, json_t *parameters, void *data)
{
	(void)parameters;
	(void)data;
	rpc_reply(call, NULL);
}
