/*
 * op_apply.c - makes the candidate configuration of a CT true: limits, addresses, disk size and, in a
 * running CT, hostname and DNS. Steps that fail undo the earlier ones: all or nothing.
 *
 * Arguments: [back] - a set that came to no end is taken back, as far as it goes: from the candidate to what was in
 * effect. [dry] - only says what would be written if asked.conf were the candidate, in results change.N.where,
 * change.N.old and change.N.new.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/ct/addresses.h"
#include "runtime/ct/mounted.h"
#include "runtime/ct/plan.h"
#include "runtime/ct/spec.h"
#include "runtime/ct/store.h"
#include "runtime/storage/volume.h"
#include "runtime/wire/report.h"
#include "runtime/worker/guest_update.h"
#include "runtime/worker/host_space.h"
#include "runtime/worker/volume_mount.h"
#include "runtime/worker/worker.h"

#include <fcntl.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>

struct apply {
	struct worker *w;
	struct conf_file *live, *candidate;
	struct ct_config now, next;
	struct ct_info info;
	struct cg_host *cg;
	struct cg_limits limits_now, limits_next;
	struct net_addr addrs_now[CT_ADDR_MAX], addrs_next[CT_ADDR_MAX];
	struct net_ct net_now, net_next;
	int netns_fd;
	bool running;
	unsigned int n_changes; /* that a dry run has said */
	bool takes_back; /* to what was in effect before: as far as it goes */
	bool dry;
};

static int load_configs(struct apply *a, struct berth_error *err)
{
	struct worker *w = a->w;
	int r = store_live_load(&w->paths, w->ctid, &a->live, err);

	if (r == 0)
		r = a->dry ? store_asked_load(&w->paths, w->ctid, &a->candidate, err)
			   : store_candidate_load(&w->paths, w->ctid, &a->candidate, err);
	if (r == 0)
		r = ct_config_from(a->live, w->host_conf, a->takes_back ? &a->next : &a->now, err);
	if (r == 0)
		r = ct_config_from(a->candidate, w->host_conf, a->takes_back ? &a->now : &a->next,
				   err);
	return r;
}

static int step_load(void *ctx, struct berth_error *err)
{
	struct apply *a = ctx;
	struct worker *w = a->w;
	int r = load_configs(a, err);

	if (r == 0)
		r = worker_info(w, &a->info, err);
	if (r == 0)
		r = spec_net(w->ctid, &a->now, &w->host, w->paths.root, a->addrs_now, &a->net_now,
			     err);
	if (r == 0)
		r = spec_net(w->ctid, &a->next, &w->host, w->paths.root, a->addrs_next,
			     &a->net_next, err);
	if (r == 0)
		r = worker_addrs_check(w, &a->net_next, &a->net_now, err);
	if (r == 0 && worker_volume_driver(w, &a->info.facts, err) == NULL)
		r = -EINVAL;
	a->running = r == 0 && a->info.status == CT_RUNNING;
	return r;
}

/* The device that io limits bind to: the volume's, or one of the kind that it will be on. */
static dev_t io_device(const struct apply *a)
{
	return a->running ? a->info.run.volume_dev
			  : volume_io_device(volume_driver_find(a->info.facts.driver));
}

static int step_limits(void *ctx, struct berth_error *err)
{
	struct apply *a = ctx;
	int r = worker_cg_open(a->w, &a->cg, err);
	dev_t dev;

	if (r < 0)
		return r;
	dev = io_device(a);
	spec_cg_limits(&a->now, dev, &a->limits_now);
	spec_cg_limits(&a->next, dev, &a->limits_next);
	r = cg_limits_check(a->cg, &a->limits_next, err);
	if (r == 0 && a->running)
		r = cg_ct_apply(a->cg, a->w->ctid, &a->limits_next, err);
	return r;
}

static void undo_limits(void *ctx)
{
	struct apply *a = ctx;

	if (a->running)
		(void)cg_ct_apply(a->cg, a->w->ctid, &a->limits_now, NULL);
}

/* That of init, and of no process that got its pid meanwhile: it would be the host's, say. */
static int open_netns(const struct pidref *init)
{
	auto_close int init_fd = pidref_open(init);
	auto_close int fd = -EBADF;
	char path[40];

	if (init_fd < 0)
		return init_fd;
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", init->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pidfd_send_signal(init_fd, 0, NULL, 0) < 0)
		return -errno;
	return take_fd(&fd);
}

static int step_network(void *ctx, struct berth_error *err)
{
	struct apply *a = ctx;
	int r;

	if (!a->running)
		return 0;
	a->netns_fd = open_netns(&a->info.run.init);
	if (a->netns_fd < 0)
		return berth_error_sys(err, -a->netns_fd, "CT %u: open its network namespace",
				       a->w->ctid);
	r = worker_ct_dir(a->w, err);
	r = r < 0 ? r : ct_addresses_extend(r, &a->net_next, err);
	if (r < 0)
		return r;
	r = net_ct_change(&a->net_now, &a->net_next, a->netns_fd, err);
	if (r == -ENOTRECOVERABLE)
		_exit(1); /* stuck in the CT's network namespace */
	if (r == NET_GUEST_REFUSES)
		report_result("note.network", err->msg);
	return r < 0 ? r : 0;
}

static void undo_network(void *ctx)
{
	struct apply *a = ctx;

	a->net_now.probe = false; /* what the CT had is given back unasked */
	if (a->running)
		(void)net_ct_change(&a->net_next, &a->net_now, a->netns_fd, NULL);
}

/* More than there are is no reason to fail: a sample must apply to a CT of any size, and `list` tells the truth. */
static void note_inodes(const struct apply *a, const struct volume_limits *asked, uint64_t has)
{
	const char *why = asked->inode_limits == VOLUME_CAN
				  ? "it takes effect at the next start"
				  : "this kernel cannot hold a volume to fewer (see berth doctor)";
	char text[300];

	if (asked->inodes == 0 || a->next.diskinodes == a->now.diskinodes ||
	    (has <= asked->inodes && asked->inodes - has <= asked->inodes / 50))
		return;
	(void)snprintf(text, sizeof(text),
		       "CT %u: --diskinodes %llu is saved in the config but not in effect: its "
		       "volume has %llu inodes%s; %s",
		       a->w->ctid, (unsigned long long)asked->inodes, (unsigned long long)has,
		       has < asked->inodes ? " at this size" : "",
		       has < asked->inodes ? "more come with more --diskspace" : why);
	report_result("note.disk", text);
}

/* May it have so many bytes more? On a host that promised more than it has, not all of them at once. */
static int promise(const struct apply *a, struct volume_limits *next, struct berth_error *err)
{
	uint64_t more = next->bytes > a->now.diskspace ? next->bytes - a->now.diskspace : 0;
	int r = a->takes_back || more == 0 ? 0 : host_space_promise(a->w, more, err);

	if (r == 1 && more > VOLUME_FIRST_SHARE)
		next->withheld = more - VOLUME_FIRST_SHARE;
	return r < 0 ? -ENOSPC : 0;
}

/* Fewer than are in use would not be wrong for the kernel, but for whoever is in the CT. */
static int refuse_few_inodes(const struct apply *a, const struct volume_driver *d, int private_fd,
			     int mount_fd, const struct volume_limits *next,
			     struct berth_error *err)
{
	struct volume_usage u;
	int r;

	if (a->takes_back || next->inodes == 0 || next->inode_limits != VOLUME_CAN ||
	    a->next.diskinodes == a->now.diskinodes)
		return 0;
	r = volume_usage(d, private_fd, mount_fd, &u, err);
	if (r < 0 || u.inodes_used <= next->inodes)
		return r;
	return berth_error_set(err, BERTH_ERR_QUOTA, ENOSPC,
			       "CT %u: --diskinodes %llu is less than the %llu in use; delete "
			       "files in the CT first",
			       a->w->ctid, (unsigned long long)next->inodes,
			       (unsigned long long)u.inodes_used);
}

static int resize_disk(struct apply *a, bool only_look, struct berth_error *err)
{
	const struct volume_driver *d = volume_driver_find(a->info.facts.driver);
	int private_fd = worker_private_dir(a->w, err);
	auto_close int mounted = -EBADF;
	struct volume_limits next;
	uint64_t inodes;
	int r;

	if (private_fd < 0)
		return private_fd;
	if (a->now.diskspace == a->next.diskspace && a->now.diskinodes == a->next.diskinodes)
		return 0;
	worker_volume_limits(a->w, &a->next, &next);
	if (a->running) {
		mounted = ct_mounted_volume_open(&a->w->paths, a->w->ctid, &a->info.run.monitor);
		if (mounted < 0)
			return berth_error_set(err, BERTH_ERR_QUOTA, -mounted,
					       "CT %u: its volume cannot be reached while it runs; "
					       "stop it first: berth stop %u",
					       a->w->ctid, a->w->ctid);
	}
	r = refuse_few_inodes(a, d, private_fd, a->running ? mounted : -1, &next, err);
	if (r == 0)
		r = promise(a, &next, err);
	if (r < 0 || only_look)
		return r;
	r = volume_resize(d, private_fd, a->running ? mounted : -1, &next, &inodes, err);
	if (r == 0)
		note_inodes(a, &next, inodes);
	return r;
}

static int step_disk(void *ctx, struct berth_error *err)
{
	struct apply *a = ctx;
	int r = resize_disk(a, false, err);

	/* A file system cannot always be given back its old size; the rest must not depend on it. */
	if (r < 0 && a->takes_back) {
		log_line(LOG_LV_WARNING, a->w->ctid, "the disk keeps its new size: %s", err->msg);
		return 0;
	}
	return r;
}

static bool dns_changed(const struct apply *a)
{
	return a->now.n_nameservers != a->next.n_nameservers ||
	       memcmp(a->now.nameservers, a->next.nameservers, sizeof(a->now.nameservers)) != 0 ||
	       a->now.nameserver_inherit != a->next.nameserver_inherit ||
	       memcmp(a->now.searchdomains, a->next.searchdomains, sizeof(a->now.searchdomains)) !=
		       0;
}

static bool guest_part_changed(const struct apply *a)
{
	return strcmp(a->now.hostname, a->next.hostname) != 0 || dns_changed(a) ||
	       a->now.n_addrs != a->next.n_addrs ||
	       memcmp(a->now.addrs, a->next.addrs, sizeof(a->now.addrs)) != 0;
}

static int step_guest(void *ctx, struct berth_error *err)
{
	struct apply *a = ctx;
	struct guest_config g;
	struct berth_error why;
	char hostname[65];

	(void)err;
	if (!a->running || !guest_part_changed(a))
		return 0;
	worker_guest(a->w, &a->next, hostname, &g);
	/* No reason to fail: else a tenant who hides /etc could keep an address that is taken away. */
	if (guest_update(a->w->ctid, &a->info.run.init, a->cg, &g, dns_changed(a), &why) < 0)
		report_result("note.guest", why.msg);
	return 0;
}

/* ---- a dry run ---- */

static void say_change(const char *where, const char *old, const char *new, void *data)
{
	struct apply *a = data;
	char key[32];

	(void)snprintf(key, sizeof(key), "change.%u.where", a->n_changes);
	report_result(key, where);
	(void)snprintf(key, sizeof(key), "change.%u.old", a->n_changes);
	report_result(key, old);
	(void)snprintf(key, sizeof(key), "change.%u.new", a->n_changes++);
	report_result(key, new);
}

static void say_number(struct apply *a, const char *what, uint64_t old, uint64_t new)
{
	char where[48], was[24], is[24];

	if (old == new)
		return;
	(void)snprintf(where, sizeof(where), "volume of CT %u, %s", a->w->ctid, what);
	(void)snprintf(was, sizeof(was), "%llu", (unsigned long long)old);
	(void)snprintf(is, sizeof(is), "%llu", (unsigned long long)new);
	say_change(where, was, is, a);
}

/* All that can be refused without a change. */
static int step_look(void *ctx, struct berth_error *err)
{
	struct apply *a = ctx;
	int r = worker_cg_open(a->w, &a->cg, err);

	if (r < 0)
		return r;
	spec_cg_limits(&a->next, io_device(a), &a->limits_next);
	r = cg_limits_check(a->cg, &a->limits_next, err);
	if (r == 0 && a->running)
		r = cg_ct_changes(a->cg, a->w->ctid, &a->limits_next, say_change, a, err);
	if (r == 0)
		r = resize_disk(a, true, err);
	if (r < 0)
		return r;
	say_number(a, "KiB", a->now.diskspace >> 10, a->next.diskspace >> 10);
	say_number(a, "inodes", a->now.diskinodes, a->next.diskinodes);
	return 0;
}

static const struct plan_step steps[] = {
	{"load", step_load, NULL},
	{"limits", step_limits, undo_limits},
	{"network", step_network, undo_network},
	/* Behind all that may be undone, as a file system cannot always be given back its old size. */
	{"disk", step_disk, NULL},
	/* Never fails, and nothing fails after it: what a tenant has written into those files could not be undone. */
	{"guest", step_guest, NULL},
};
static const struct plan plan = PLAN("apply", steps);

PLAN_POINTS(plan);

int op_apply(struct worker *w, struct berth_error *err)
{
	static struct apply a;
	int r;

	a.w = w;
	a.dry = w->n_args > 0 && strcmp(w->args[0], "dry") == 0;
	a.takes_back = w->n_args > 0 && strcmp(w->args[0], "back") == 0;
	a.netns_fd = -EBADF;
	r = a.dry ? step_load(&a, err) : plan_run(&plan, &a, err);
	if (a.dry && r == 0)
		r = step_look(&a, err);
	conf_free(a.live);
	conf_free(a.candidate);
	return r;
}
