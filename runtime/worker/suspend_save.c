/* suspend_save.c - what berth itself saves of a CT that is suspended: CRIU's images know nothing of it. */
#include "runtime/base/cleanup.h"
#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/storage/volume.h"
#include "runtime/worker/guest_net.h"
#include "runtime/worker/suspend.h"
#include "runtime/worker/thread_filters.h"

#include "cgroups/tree.h"
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

/* As the CT sees them: one that was resumed before is ahead of the host, or behind it. */
static int save_clocks(struct suspend *s)
{
	char path[64];
	auto_free char *offsets = NULL;
	int64_t monotonic = 0, boottime = 0;
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d/timens_offsets", s->run.init.pid);
	r = file_read_at(AT_FDCWD, path, 4096, &offsets, NULL);
	if (r == 0)
		r = checkpoint_offsets_parse(offsets, &monotonic, &boottime);
	if (r < 0 && r != -ENOENT) /* a kernel without time namespaces */
		return r;
	s->record.monotonic = clock_monotonic_ns() + (uint64_t)monotonic;
	s->record.boottime = clock_boottime_ns() + (uint64_t)boottime;
	return 0;
}

static int save_cgroups(struct suspend *s)
{
	auto_close int dir = cg_ct_dir(s->cg, s->w->ctid);
	auto_close int inner = dir < 0 ? dir : dir_open_at(dir, "inner");
	auto_free char *text = NULL;
	size_t len = 0;
	FILE *out;
	int r;

	if (inner < 0)
		return inner;
	out = open_memstream(&text, &len);
	if (out == NULL)
		return -ENOMEM;
	r = cg_tree_save(inner, s->facts.id_base, out);
	if (fclose(out) != 0 && r == 0)
		r = -ENOMEM;
	return r < 0 ? r : file_replace_at(s->dump_fd, DUMP_CGROUPS, text, len, 0600, true);
}

/* The one in its UTS namespace: that may be another by now than the config's. Nothing is done there but to ask. */
static int save_hostname(struct suspend *s)
{
	auto_close int own = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	int r = 0;

	if (own < 0 || setns(s->init_pidfd, CLONE_NEWUTS) < 0)
		return -errno;
	if (gethostname(s->record.hostname, sizeof(s->record.hostname)) < 0)
		r = -errno;
	return setns(own, CLONE_NEWUTS) < 0 ? -errno : r;
}

/* Not in the images: berth makes the CT's network itself. */
int suspend_save_network(struct suspend *s, bool try, struct berth_error *err)
{
	char path[64];
	auto_close int userns = -EBADF, netns = -EBADF;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", s->run.init.pid);
	userns = open(path, O_RDONLY | O_CLOEXEC);
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", s->run.init.pid);
	netns = open(path, O_RDONLY | O_CLOEXEC);
	if (userns < 0 || netns < 0)
		return suspend_fail(s, errno, "open its namespaces", err);
	return guest_net_save(s->w->ctid, userns, netns, s->dump_fd, &s->net, try, err);
}

static int save_threads(const struct suspend *s)
{
	auto_close int dir = cg_ct_dir(s->cg, s->w->ctid);

	return dir < 0 ? dir : thread_filters_save(dir, s->dump_fd);
}

int suspend_save(struct suspend *s, struct berth_error *err)
{
	int r = save_cgroups(s);

	if (r < 0)
		return suspend_fail(s, r, "save its cgroups", err);
	r = save_threads(s);
	if (r < 0)
		return suspend_fail(s, r, "save the filters of its threads", err);
	r = suspend_save_network(s, false, err);
	if (r < 0)
		return r;
	criu_kernel_note(&s->record);
	s->record.init = s->run.init;
	s->record.id_base = s->facts.id_base;
	s->record.started = s->run.started;
	s->record.stop_signal = s->run.stop_signal;
	s->record.notifies = s->run.notifies;
	s->record.booted = s->booted;
	memcpy(s->record.stop_command, s->run.stop_command, sizeof(s->record.stop_command));
	memcpy(s->record.uuid, s->facts.uuid, sizeof(s->record.uuid));
	memcpy(s->record.boot_id, s->run.boot_id, sizeof(s->record.boot_id));
	(void)snprintf(s->record.tty, sizeof(s->record.tty), "%s", s->tty);
	r = save_hostname(s);
	if (r == 0)
		r = save_clocks(s);
	if (r < 0)
		return suspend_fail(s, r, "save its clocks", err);
	r = volume_mounts(volume_driver_find(s->facts.driver), s->w->private_fd, &s->record.mounts,
			  err);
	s->record.mounts_tried = s->record.mounts;
	return r;
}
