/*
 * methods_clone.c - Clone: a create whose volume is another CT's. Two jobs: one holds the CT that is copied and does
 * nothing, the other one makes the new CT, and has the first one's lock, which its worker gets too.
 */
#include "runtime/base/log.h"
#include "runtime/config/temporary.h"
#include "runtime/daemon/create.h"
#include "runtime/daemon/disk_first.h"
#include "runtime/daemon/found.h"
#include "runtime/daemon/made.h"
#include "runtime/daemon/method_wait.h"
#include "runtime/daemon/methods.h"
#include "runtime/daemon/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

struct clone_order {
	struct rpc_call *call;
	const struct setting *list;
	int n;
	uint32_t ctid;
};

/* What belongs to one CT alone is not copied: it is asked for. */
static const char *const own_keys[] = {"NAME", "IP_ADDRESS", "HOSTNAME", NULL};

static int check_options(const struct setting *list, int n, struct berth_error *err)
{
	static const char *const fixed[] = {"ostemplate", "layout", "config", "diskspace",
					    "diskinodes"};

	for (int i = 0; i < n; i++)
		for (size_t k = 0; k < sizeof(fixed) / sizeof(fixed[0]); k++)
			if (strcmp(list[i].option, fixed[k]) == 0)
				return berth_error_set(
					err, BERTH_ERR_OPTION, EINVAL,
					"--%s: a clone has that of the CT that it "
					"is made from%s",
					fixed[k], k < 3 ? "" : "; change it afterwards: berth set");
	return 0;
}

static int clone_conf(struct job *j, const struct clone_order *o, struct berth_error *err)
{
	struct daemon *d = j->d;
	struct ct_config typed;
	int r = store_conf_load(&d->paths, j->source->ct->ctid, &j->conf, err);

	if (r < 0)
		return r;
	for (const char *const *key = own_keys; *key != NULL; key++)
		conf_unset(j->conf, *key);
	/* What comes back is the other one's; the copy has for good what it is made with. */
	r = temporary_keep_all(j->conf);
	if (r < 0)
		return berth_error_sys(err, r, "CT %u: copy its config", o->ctid);
	r = settings_apply(d, j->conf, o->list, o->n, err);
	if (r == 0)
		r = ct_config_from(j->conf, d->host_conf, &typed, err);
	if (r == 0)
		r = settings_check_host(j->ct->ctid, NULL, &typed, err);
	return r < 0 ? r : registry_check_unique(d, j->ct, j->conf, err);
}

/* The lock of the CT that is copied, for the worker: whoever dies, nobody touches that CT while it is read. */
static int pass_lock(struct job *j, struct berth_error *err)
{
	int fd = fcntl(j->source->lock_fd, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return berth_error_sys(err, errno, "hand over a lock");
	j->fds[j->n_fds++] = fd;
	return 0;
}

static void clone_go(struct job *source, void *data)
{
	const struct clone_order *o = data;
	struct daemon *d = source->d;
	struct berth_error err;
	struct job *j = create_job(d, o->ctid, "clone", o->call, &err);
	int r;

	if (j == NULL) {
		rpc_reply_error(o->call, &err);
		job_fail(source, &err);
		return;
	}
	j->source = source;
	r = clone_conf(j, o, &err);
	if (r == 0)
		r = create_take(j, &err);
	if (r == 0)
		r = pass_lock(j, &err);
	if (r < 0)
		made_refuse(j, &err);
	else
		job_disk(j, made_begin, create_written);
}

void method_clone(struct rpc_call *call, json_t *parameters, void *data)
{
	struct daemon *d = data;
	struct ct *ct = disk_first(call, parameters, d, json_object_get(parameters, "ct"), true,
				   method_clone)
				? NULL
				: method_ct(call, parameters, d);
	struct setting list[SETTINGS_MAX];
	struct clone_order o = {.call = call, .list = list};
	struct berth_error err;
	int r;

	if (ct == NULL || method_wait(call, parameters, ct, method_clone))
		return;
	found_rescan(d);
	r = o.n = settings_get(parameters, list, &err);
	if (r >= 0)
		r = check_options(list, o.n, &err);
	if (r >= 0)
		r = create_ctid(d, parameters, &o.ctid, &err);
	if (r >= 0)
		r = ct_event(ct, LIFE_COPY, &(struct life_info){.go = clone_go, .data = &o}, &err);
	if (r < 0)
		rpc_reply_error(call, &err);
}
