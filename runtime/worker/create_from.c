/* create_from.c - a create that copies another CT. */
#include "runtime/worker/create_from.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "runtime/ct/mounted.h"
#include "runtime/storage/volume.h"
#include "runtime/wire/report.h"
#include "runtime/worker/volume_mount.h"
#include "templates/identity.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

int create_from_load(struct worker *w, const char *word, struct create_from *ret,
		     struct template_info *ret_template, struct berth_error *err)
{
	const struct ct_facts *f = &ret->info.facts;
	int r;

	if (parse_ctid(word, &ret->ctid) < 0)
		return berth_error_set(err, BERTH_ERR_OPTION, EINVAL, "create: bad arguments");
	r = ct_info_load(&w->paths, ret->ctid, &ret->info, err);
	if (r < 0)
		return r;
	if (ret->info.status != CT_STOPPED && ret->info.status != CT_RUNNING)
		return berth_error_set(err, BERTH_ERR_LOCKED, EBUSY,
				       "CT %u can be copied when it is stopped or runs; it is %s",
				       ret->ctid, ct_status_name(ret->info.status));
	(void)snprintf(ret_template->name, sizeof(ret_template->name), "%s", f->template_name);
	(void)snprintf(ret_template->hash, sizeof(ret_template->hash), "%s", f->template_hash);
	(void)snprintf(ret_template->distribution, sizeof(ret_template->distribution), "%s",
		       f->distribution);
	return 0;
}

/* What it cost the other one, for its admin; of one that ran. */
static void tell(const struct worker *w, const struct create_from *f, const struct volume_cloned *c)
{
	char text[300];

	(void)snprintf(text, sizeof(text), "%s", c->shared ? "shared" : "copied");
	report_result("copied", text);
	if (f->info.status != CT_RUNNING)
		return;
	(void)snprintf(text, sizeof(text),
		       "CT %u: its disk stood still for %" PRIu64
		       " ms while CT %u was made of it%s",
		       f->ctid, c->frozen_ms, w->ctid,
		       c->shared ? ""
				 : "; on a host file system that shares blocks (xfs, btrfs) it "
				   "would be some milliseconds");
	report_result("note.copy", text);
}

static void copied(int percent, void *data)
{
	report_step(data, percent);
}

int create_from_volume(struct worker *w, const struct create_from *f, int private_fd,
		       struct berth_error *err)
{
	const struct volume_driver *d = worker_volume_driver(w, &f->info.facts, err);
	auto_close int from = -EBADF, mounted = -EBADF;
	struct report_step step = {.stage = "copying its volume"};
	struct volume_cloned cloned;
	char path[BERTH_PATH_MAX];
	int r;

	if (d == NULL)
		return -EINVAL;
	from = dir_open_at(AT_FDCWD, path_private(&w->paths, f->ctid, path));
	if (from < 0)
		return berth_error_sys(err, from, "CT %u: open its private area %s", f->ctid, path);
	if (f->info.status == CT_RUNNING)
		mounted = ct_mounted_volume_open(&w->paths, f->ctid, &f->info.run.monitor);
	if (f->info.status == CT_RUNNING && mounted < 0)
		return berth_error_set(err, BERTH_ERR_SYSTEM, mounted,
				       "CT %u: its volume cannot be reached while it runs; stop it "
				       "first: berth stop %u",
				       f->ctid, f->ctid);
	report_step(&step, 0);
	r = volume_clone(d, from, f->info.status == CT_RUNNING ? mounted : -1, private_fd, copied,
			 &step, &cloned, err);
	if (r == 0)
		tell(w, f, &cloned);
	return r;
}

int create_from_identity(void *data, int root_fd, struct berth_error *err)
{
	char found[IDENTITY_TEXT_MAX];
	int r = identity_remove(root_fd, found);

	(void)data;
	return r < 0 ? berth_error_set(err, BERTH_ERR_CREATE, r,
				       "remove the identity that it was copied with: %s",
				       strerror(-r))
		     : 0;
}
