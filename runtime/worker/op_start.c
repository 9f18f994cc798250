/*
 * op_start.c - starts a CT (arguments: "hold": with a waiting shell for an init; "old": with the config of its
 * last run). All but how its init comes to be is bring_up's.
 */
#include "runtime/ct/store.h"
#include "runtime/launch/launch.h"
#include "runtime/worker/bring_up.h"
#include "runtime/worker/worker.h"

#include <errno.h>
#include <stdio.h>

struct start {
	struct launch_spec spec;
	bool hold; /* no init: a shell that waits */
};

/* A shell as process 1 reaps what scripts leave behind. */
static const char *const hold_argv[] = {"/bin/sh", "-c", "while :; do sleep 86400; done", NULL};

static void know_stop(struct ct_run *run, enum guest_init kind)
{
	const char *command = guest_init_stop_command(kind);

	run->stop_signal = guest_init_stop_signal(kind);
	(void)snprintf(run->stop_command, sizeof(run->stop_command), "%s",
		       command != NULL ? command : "");
}

/* How it is asked to power off, and whether it says when it has booted. */
static int know_init(struct bring_up *b, struct berth_error *err)
{
	const struct start *s = b->data;
	enum guest_init kind = guest_init_kind(b->mounts.root_fd);

	if (s->hold)
		return 0;
	if (kind == GUEST_INIT_NONE)
		return berth_error_set(
			err, BERTH_ERR_BAD_TEMPLATE, ENOENT,
			"CT %u: there is no /sbin/init to run in its root; repair it: "
			"berth mount %u",
			b->w->ctid, b->w->ctid);
	know_stop(&b->run, kind);
	b->run.notifies = kind == GUEST_INIT_SYSTEMD;
	return 0;
}

static int launch_prepare(struct bring_up *b, struct berth_error *err)
{
	struct start *s = b->data;
	int r = know_init(b, err);

	if (r < 0)
		return r;
	s->spec = (struct launch_spec){
		.ctid = b->w->ctid,
		.id_base = b->facts.id_base,
		.hostname = b->hostname,
		.uuid = b->facts.uuid,
		.root_fd = b->mounts.root_fd,
		.userns_fd = b->ns.userns_fd,
		.netns_fd = b->ns.netns_fd,
		.cgroup = &b->attach,
		.seccomp = b->seccomp,
		.memory = b->config.ram == CT_UNLIMITED ? 0 : b->config.ram,
		.init_argv = s->hold ? hold_argv : NULL,
		.dev_tun = b->config.tun,
		.dev_fuse = b->config.fuse,
		.nesting = b->config.nesting,
		.pts_fd = b->pts_fd,
		.view_fd = b->view.mount_fd,
		.host_covered = b->host_covered,
	};
	return launch_clone(&s->spec, &b->child, err);
}

static int launch_ignite(struct bring_up *b, struct berth_error *err)
{
	struct start *s = b->data;

	return launch_go(&s->spec, &b->child, err);
}

static void launch_undo(struct bring_up *b)
{
	launch_abort(&b->child);
}

static const struct ignition launch_ignition = {
	.prepare = launch_prepare, .go = launch_ignite, .abort = launch_undo};

int op_start(struct worker *w, struct berth_error *err)
{
	struct start s = {.hold = worker_has_word(w, "hold")};
	struct bring_up b = {.w = w, .ignition = &launch_ignition, .data = &s};

	if (worker_has_word(w, "old")) {
		int r = store_old_load(&w->paths, w->ctid, &b.conf, err);

		if (r < 0)
			return r;
	}
	return bring_up(&b, err);
}
