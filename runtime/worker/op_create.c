/*
 * op_create.c - makes a CT: its private area under a temporary name, then the rename, a first mount, then
 * the config. Whatever a crash leaves is undone by op_destroy, since berthd wrote an intent with its UUID first.
 *
 * Arguments: ID_BASE UUID [from CTID], and what the descriptors are (wire/login.h): of a copy, the other CT's lock. The config to be is RUN/ct/CTID/candidate.conf.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/base/parse.h"
#include "runtime/ct/plan.h"
#include "runtime/ct/spec.h"
#include "runtime/ct/store.h"
#include "runtime/launch/launch.h"
#include "runtime/storage/rootfs.h"
#include "runtime/storage/volume.h"
#include "runtime/wire/report.h"
#include "runtime/worker/create_from.h"
#include "runtime/worker/host_space.h"
#include "runtime/worker/login.h"
#include "runtime/worker/volume_mount.h"
#include "runtime/worker/worker.h"
#include "templates/template.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

struct create {
	struct worker *w;
	struct conf_file *conf;
	struct ct_config config;
	struct template_info template;
	struct ct_facts facts;
	struct net_addr addrs[CT_ADDR_MAX];
	struct net_ct net;
	struct worker_login login;
	struct create_from from;
	int area_fd; /* LIB/private */
	int private_fd; /* LIB/private/.CTID.UUID.new */
	char temp[AREA_NAME_MAX], name[16];
};

static int load_template(struct create *c, struct berth_error *err)
{
	char path[BERTH_PATH_MAX];
	auto_close int dir = dir_open_at(AT_FDCWD, worker_template_dir(c->w, path));
	auto_close int image = -EBADF;
	int r;

	if (dir < 0)
		return berth_error_sys(err, dir, "open directory %s", path);
	r = template_find(dir, c->config.ostemplate, &c->template, err);
	if (r < 0)
		return r;
	image = template_open(dir, &c->template, false, err);
	return image < 0 ? image : 0;
}

/* What this host cannot enforce a start refuses, so it is refused here. Asked of the cgroups as they are now. */
static int check_limits(struct create *c, struct berth_error *err)
{
	struct cg_limits limits;
	struct cg_host *cg;
	int r = worker_cg_open(c->w, &cg, err);

	if (r < 0)
		return r;
	spec_cg_limits(&c->config, volume_io_device(volume_driver_default()), &limits);
	r = cg_limits_check(cg, &limits, err);
	cg_host_free(cg);
	return r;
}

/* A template, or another CT. */
static int load_source(struct create *c, struct berth_error *err)
{
	struct worker *w = c->w;
	int r;

	if (w->n_args == 4 && strcmp(w->args[2], "from") == 0)
		return create_from_load(w, w->args[3], &c->from, &c->template, err);
	r = login_read(w, 2, &c->login, err);
	return r < 0 ? r : load_template(c, err);
}

static int step_load(void *ctx, struct berth_error *err)
{
	struct create *c = ctx;
	struct worker *w = c->w;
	struct ct_facts *f = &c->facts;
	int r = store_candidate_load(&w->paths, w->ctid, &c->conf, err);

	if (r == 0)
		r = ct_config_from(c->conf, w->host_conf, &c->config, err);
	if (r == 0)
		r = spec_net(w->ctid, &c->config, &w->host, w->paths.root, c->addrs, &c->net, err);
	if (r == 0)
		r = worker_addrs_check(w, &c->net, NULL, err);
	if (r == 0)
		r = load_source(c, err);
	if (r == 0)
		r = check_limits(c, err);
	if (r < 0)
		return r;
	if (w->n_args < 2 || parse_u32(w->args[0], &f->id_base) < 0 || w->args[1][0] == '\0' ||
	    !area_uuid_is_valid(w->args[1]))
		return berth_error_set(err, BERTH_ERR_OPTION, EINVAL, "create: bad arguments");
	f->ctid = w->ctid;
	f->created = (uint64_t)time(NULL);
	(void)snprintf(f->uuid, sizeof(f->uuid), "%s", w->args[1]);
	(void)snprintf(f->template_name, sizeof(f->template_name), "%s", c->template.name);
	(void)snprintf(f->template_hash, sizeof(f->template_hash), "%s", c->template.hash);
	(void)snprintf(f->distribution, sizeof(f->distribution), "%s", c->template.distribution);
	(void)snprintf(f->layout, sizeof(f->layout), "%s",
		       c->from.ctid != 0 ? c->from.info.facts.layout : c->config.layout);
	(void)snprintf(f->driver, sizeof(f->driver), "%s",
		       c->from.ctid != 0 ? c->from.info.facts.driver
					 : volume_driver_name(volume_driver_default()));
	return 0;
}

static int step_area(void *ctx, struct berth_error *err)
{
	struct create *c = ctx;
	char path[BERTH_PATH_MAX];

	c->area_fd = dir_open_at(AT_FDCWD, path_below(c->w->paths.lib, "private", path));
	if (c->area_fd < 0)
		return berth_error_sys(err, c->area_fd, "open directory %s", path);
	(void)snprintf(c->name, sizeof(c->name), "%u", c->w->ctid);
	(void)area_new_name(c->w->ctid, c->facts.uuid, c->temp);
	if (faccessat(c->area_fd, c->name, F_OK, 0) == 0)
		return berth_error_set(err, BERTH_ERR_EXISTS, EEXIST,
				       "CT %u: the private area %s/%u exists already; move it away",
				       c->w->ctid, path, c->w->ctid);
	if (mkdirat(c->area_fd, c->temp, 0700) < 0)
		return berth_error_set(err, errno == ENOSPC ? BERTH_ERR_NO_SPACE : BERTH_ERR_CREATE,
				       errno, "CT %u: make %s/%s: %s", c->w->ctid, path, c->temp,
				       strerror(errno));
	c->private_fd = dir_open_at(c->area_fd, c->temp);
	return c->private_fd < 0 ? berth_error_sys(err, c->private_fd, "open %s", c->temp) : 0;
}

static void undo_area(void *ctx)
{
	struct create *c = ctx;

	(void)tree_remove_at(c->area_fd, c->temp);
}

/* A full copy of the template for layout private, in a private mount namespace. */
static int fill_private(struct create *c, const struct volume_driver *d, struct berth_error *err)
{
	char dir[BERTH_PATH_MAX], image[BERTH_PATH_MAX + 80], name[80];
	auto_close int mnt = -EBADF;
	dev_t dev;
	int r;

	report_progress("copying the template", -1);
	(void)snprintf(image, sizeof(image), "%s/%s", worker_template_dir(c->w, dir),
		       template_image_name(&c->template, name));
	r = worker_private_mounts(c->w, err);
	if (r == 0)
		r = volume_mount(d, c->private_fd, NULL, &mnt, &dev, err);
	if (r == 0)
		r = rootfs_prepare(ROOTFS_PRIVATE, mnt, err);
	if (r == 0)
		r = rootfs_fill(image, mnt, err);
	return r;
}

static int step_volume(void *ctx, struct berth_error *err)
{
	struct create *c = ctx;
	const struct volume_driver *d = volume_driver_find(c->facts.driver);
	enum rootfs_layout layout =
		strcmp(c->facts.layout, "private") == 0 ? ROOTFS_PRIVATE : ROOTFS_OVERLAY;
	struct volume_limits l;
	int r;

	worker_volume_limits(c->w, &c->config, &l);
	r = host_space_promise(c->w, l.bytes, err);
	if (r >= 0 && c->from.ctid != 0)
		return create_from_volume(c->w, &c->from, c->private_fd, err);
	if (r >= 0)
		r = volume_create(d, c->private_fd, &l, rootfs_dirs(layout), err);
	if (r == 0 && layout == ROOTFS_PRIVATE)
		r = fill_private(c, d, err);
	if (r == 0)
		r = volume_wait_unused(d, c->private_fd, 30000, err);
	return r;
}

static int step_facts(void *ctx, struct berth_error *err)
{
	struct create *c = ctx;
	char text[2048];
	int r = ct_facts_format(&c->facts, text, sizeof(text));

	if (r == 0)
		r = file_replace_at(c->private_fd, FACTS_COPY, text, strlen(text), 0600, true);
	if (r == 0)
		r = file_replace_at(c->private_fd, "facts", text, strlen(text), 0600, true);
	if (r < 0)
		return berth_error_set(err, r == -ENOSPC ? BERTH_ERR_NO_SPACE : BERTH_ERR_CREATE,
				       -r, "CT %u: write its facts: %s", c->w->ctid, strerror(-r));
	return 0;
}

static int step_rename(void *ctx, struct berth_error *err)
{
	struct create *c = ctx;

	if (renameat2(c->area_fd, c->temp, c->area_fd, c->name, RENAME_NOREPLACE) < 0)
		return berth_error_sys(err, errno, "CT %u: name its private area", c->w->ctid);
	(void)fsync(c->area_fd);
	return 0;
}

static void undo_rename(void *ctx)
{
	struct create *c = ctx;
	struct berth_error why;
	struct area_id made = {0};

	(void)snprintf(made.uuid, sizeof(made.uuid), "%s", c->facts.uuid);
	if (area_remove(c->area_fd, c->w->ctid, &made, &why) < 0)
		log_line(LOG_LV_WARNING, c->w->ctid, "undo the create: %s", why.msg);
}

/*
 * The facts stand: a removal of the template from now on sees them. One that came before is over
 * when its lock is free.
 */
static int step_image(void *ctx, struct berth_error *err)
{
	struct create *c = ctx;
	char path[BERTH_PATH_MAX], name[80];
	auto_close int dir = dir_open_at(AT_FDCWD, worker_template_dir(c->w, path));

	if (strcmp(c->facts.layout, "overlay") != 0)
		return 0;
	if (dir < 0 || flock(dir, LOCK_SH) < 0 ||
	    faccessat(dir, template_image_name(&c->template, name), F_OK, 0) < 0)
		return berth_error_set(err, BERTH_ERR_NO_TEMPLATE, ENOENT,
				       "CT %u: the template '%s' was removed meanwhile", c->w->ctid,
				       c->config.ostemplate);
	return 0;
}

static int forget_identity(const struct ct_mounts *m, struct berth_error *err)
{
	return launch_in_root(&(struct launch_in_root){.userns_fd = m->userns_fd,
						       .root_fd = m->root_fd,
						       .fn = create_from_identity},
			      err);
}

/*
 * Mounts it once, as a start does, and writes the guest's files: a CT that cannot be mounted is not made, and
 * its first start finds the work done.
 */
static int step_first_mount(void *ctx, struct berth_error *err)
{
	struct create *c = ctx;
	struct worker *w = c->w;
	struct berth_error why = {0};
	struct guest_config guest;
	struct ct_mounts m;
	char hostname[65];
	int r = worker_private_mounts(w, err);

	ct_mounts_init(&m);
	m.inodes = ct_mounts_inodes(&c->config);
	if (r == 0)
		r = launch_userns(c->facts.id_base, &m.userns_fd, err);
	if (r == 0)
		r = ct_mounts_make(w, &c->facts, &m, err);
	if (r < 0)
		return r;
	r = c->from.ctid == 0 ? 0 : forget_identity(&m, err);
	worker_guest(w, &c->config, hostname, &guest);
	guest.uuid = c->facts.uuid;
	guest.is_new = true;
	if (launch_write_files(m.userns_fd, m.root_fd, &guest, &why) < 0)
		log_line(LOG_LV_WARNING, w->ctid, "write the container's own files: %s", why.msg);
	if (r == 0 && login_is_set(&c->login))
		r = login_write(w, &m, &c->login, err);
	ct_mounts_drop(w, &m);
	if (r < 0)
		return r;
	return volume_wait_unused(volume_driver_find(c->facts.driver), c->private_fd, 30000, err);
}

/* Its programs run, but their sockets need a decision of the admin's. */
static void note_i386(const struct create *c)
{
	char text[200];

	if (strcmp(c->template.arch, "i386") != 0 || c->config.socketcall)
		return;
	(void)snprintf(text, sizeof(text),
		       "CT %u: its template is for i386, whose programs have no sockets without "
		       "--features socketcall:on; see ctid.conf(5)",
		       c->w->ctid);
	report_result("note.arch", text);
}

/* The commit point: from here on the CT exists. */
static int step_config(void *ctx, struct berth_error *err)
{
	struct create *c = ctx;

	note_i386(c);
	return store_conf_create(&c->w->paths, c->w->ctid, c->conf, err);
}

static const struct plan_step steps[] = {
	{"load", step_load, NULL},
	{"area", step_area, undo_area},
	{"volume", step_volume, NULL},
	{"facts", step_facts, NULL},
	{"rename", step_rename, undo_rename},
	{"image", step_image, NULL},
	{"first_mount", step_first_mount, NULL},
	{"config", step_config, NULL},
};
static const struct plan plan = PLAN("create", steps);

PLAN_POINTS(plan);

int op_create(struct worker *w, struct berth_error *err)
{
	struct create c = {.w = w, .area_fd = -EBADF, .private_fd = -EBADF};
	int r = plan_run(&plan, &c, err);

	login_drop(&c.login);
	conf_free(c.conf);
	fd_close(&c.private_fd);
	fd_close(&c.area_fd);
	return r;
}
