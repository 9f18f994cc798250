/* methods_destroy.c - Destroy. */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/daemon/destroy.h"
#include "runtime/daemon/method_wait.h"
#include "runtime/daemon/methods.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* Writes down which private area is ordered to go: that one, and none that is put in its place. */
static int destroy_intent(struct job *j, struct berth_error *err)
{
	struct daemon *d = j->d;
	const struct ct *ct = j->ct;
	struct store_intent_record rec = {INTENT_DESTROY, .id_base = ct->facts.id_base};
	char path[BERTH_PATH_MAX];
	auto_close int areas = dir_open_at(AT_FDCWD, path_below(d->paths.lib, "private", path));
	int r = areas < 0 ? areas : area_id_read(areas, ct->ctid, &rec.area);

	if (r < 0 && r != -ENOENT)
		return berth_error_set(err, BERTH_ERR_DESTROY, -r,
				       "CT %u: %s/%u cannot be read: %s; nothing was removed",
				       ct->ctid, path, ct->ctid, strerror(-r));
	j->area = rec.area;
	r = store_intent_write(&d->paths, ct->ctid, &rec, err);
	/* A full disk gets room by a destroy; one that cannot be written would keep half of it. */
	if (r == -EROFS)
		return r;
	if (r < 0)
		log_line(LOG_LV_WARNING, ct->ctid, "destroy without an intent: %s", err->msg);
	return 0;
}

static void destroy_begun(struct job *j, const struct worker_result *result)
{
	struct berth_error err = result->error;

	if (!result->ok) {
		registry_settled(j->d, j->ct); /* nothing was done */
		job_fail(j, &err);
		return;
	}
	j->ct->going = j->area;
	j->ct->going_by = INTENT_DESTROY;
	destroy_run(j);
}

static void destroy_go(struct job *j, void *data)
{
	(void)data;
	job_disk(j, destroy_intent, destroy_begun);
}

void method_destroy(struct rpc_call *call, json_t *parameters, void *data)
{
	struct ct *ct = method_ct_read(call, parameters, data, method_destroy);
	struct berth_error err;

	if (ct != NULL && !method_wait(call, parameters, ct, method_destroy) &&
	    ct_event(ct, LIFE_DESTROY, &(struct life_info){.call = call, .go = destroy_go}, &err) <
		    0)
		rpc_reply_error(call, &err);
}
