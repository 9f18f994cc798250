/*
 * op_login.c - sets a password or SSH keys in a CT that is there: inside, when it runs; else in its root, which is
 * mounted for that, unless an admin has mounted it.
 *
 * Arguments: what the descriptors are (wire/login.h).
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fault.h"
#include "runtime/base/fd.h"
#include "runtime/launch/launch.h"
#include "runtime/worker/guest_update.h"
#include "runtime/worker/login.h"

#include <fcntl.h>
#include <string.h>

static int set_inside(void *data, int *ret_fd, struct berth_error *err)
{
	auto_close int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)ret_fd;
	if (root < 0)
		return berth_error_sys(err, errno, "open its root");
	return guest_login_set(root, data, err);
}

static int set_running(struct worker *w, const struct ct_info *info, struct worker_login *l,
		       struct berth_error *err)
{
	struct cg_host *cg;
	int r = worker_cg_open(w, &cg, err);

	if (r < 0)
		return r;
	r = guest_visit(w->ctid, &info->run.init, cg, set_inside, &l->guest, err);
	cg_host_free(cg);
	return r;
}

static int set_mounted(struct worker *w, const struct ct_facts *f, struct worker_login *l,
		       struct berth_error *err)
{
	struct ct_mounts m;
	char path[BERTH_PATH_MAX];
	int r;

	ct_mounts_init(&m);
	m.root_fd = dir_open_at(AT_FDCWD, worker_mount_path(w, path));
	if (m.root_fd < 0)
		return berth_error_sys(err, m.root_fd, "CT %u: open its root %s", w->ctid, path);
	r = launch_userns(f->id_base, &m.userns_fd, err);
	if (r == 0)
		r = login_write(w, &m, l, err);
	fd_close(&m.root_fd);
	fd_close(&m.userns_fd);
	return r;
}

static int set_stopped(struct worker *w, const struct ct_facts *f, struct worker_login *l,
		       struct berth_error *err)
{
	const struct volume_driver *d = worker_volume_driver(w, f, err);
	struct berth_error late;
	struct ct_mounts m;
	int r = d == NULL ? -EINVAL : worker_private_mounts(w, err), r2;

	ct_mounts_init(&m);
	if (r == 0)
		r = launch_userns(f->id_base, &m.userns_fd, err);
	if (r == 0)
		r = ct_mounts_make(w, f, &m, err);
	if (r < 0)
		return r;
	r = FAULT_STEP("login.write", err);
	if (r == 0)
		r = login_write(w, &m, l, err);
	(void)FAULT_POINT("login.drop");
	ct_mounts_drop(w, &m);
	r2 = volume_wait_unused(d, worker_private_dir(w, &late), 30000, &late);
	if (r == 0 && r2 < 0)
		*err = late;
	return r < 0 ? r : r2;
}

int op_login(struct worker *w, struct berth_error *err)
{
	struct worker_login l;
	struct ct_info info;
	int r = login_read(w, 0, &l, err);

	if (r == 0)
		r = worker_info(w, &info, err);
	if (r == 0)
		r = FAULT_STEP("login.begin", err);
	if (r == 0 && info.status == CT_RUNNING)
		r = set_running(w, &info, &l, err);
	else if (r == 0 && info.status == CT_MOUNTED)
		r = set_mounted(w, &info.facts, &l, err);
	else if (r == 0)
		r = set_stopped(w, &info.facts, &l, err);
	login_drop(&l);
	return r;
}
