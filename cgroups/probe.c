/* probe.c - what this host's cgroups can enforce, and how to get what they cannot. */
#include "cgroups/host.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* Whether one file of a limit is there; before setup, the controller's presence must do. */
static bool can(const struct cg_host *h, enum cg_ctrl c, const char *v2, const char *v1)
{
	const struct cg_hier *hi = cg_hier_of(h, c);

	if (hi == NULL)
		return false;
	return hi->berth < 0 || cg_has_file(hi, hi->v2 ? v2 : v1);
}

const struct cg_probe *cg_host_probe(const struct cg_host *h)
{
	const struct cg_hier *mem = cg_hier_of(h, CG_MEMORY), *uni = &h->hier[0];
	struct cg_probe *p = &h->probed->probe;

	if (h->probed->known)
		return p;
	for (enum cg_ctrl c = 0; c < CG_CTRL_MAX; c++)
		p->hybrid = p->hybrid || h->of[c] > 0;
	p->memory = can(h, CG_MEMORY, "memory.max", "memory.limit_in_bytes");
	p->swap = can(h, CG_MEMORY, "memory.swap.max", "memory.memsw.limit_in_bytes");
	p->memory_v2 = mem != NULL && mem->v2;
	p->cpu = can(h, CG_CPU, "cpu.max", "cpu.cfs_quota_us");
	p->cpuset = can(h, CG_CPUSET, "cpuset.cpus", "cpuset.cpus");
	p->pids = can(h, CG_PIDS, "pids.max", "pids.max");
	p->io = can(h, CG_IO, "io.max", "blkio.throttle.read_bps_device");
	p->freeze = uni->berth < 0 || cg_has_file(uni, "cgroup.freeze");
	p->kill = uni->berth < 0 || cg_has_file(uni, "cgroup.kill");
	p->devices = cg_device_probe() == 0;
	(void)snprintf(p->unified, sizeof(p->unified), "%s", uni->mount);
	h->probed->known = true;
	return p;
}

#define TO_V2 "boot with systemd.unified_cgroup_hierarchy=1 cgroup_no_v1=all"

struct finding {
	const char *name, *level, *text, *fix;
};

static void tell(cg_doctor_fn *fn, void *data, bool good, const char *good_text,
		 const struct finding *bad)
{
	if (good)
		fn(bad->name, "ok", good_text, "", data);
	else
		fn(bad->name, bad->level, bad->text, bad->fix, data);
}

static void doctor_limits(const struct cg_probe *p, cg_doctor_fn *fn, void *data)
{
	const struct {
		bool good;
		const char *good_text;
		struct finding bad;
	} rows[] = {
		{p->memory,
		 "physpages is enforced",
		 {"cgroup-memory", "error", "no memory controller: physpages is refused",
		  "boot with cgroup_enable=memory"}},
		{p->swap,
		 "swappages is enforced",
		 {"cgroup-swap", "warning", "no swap accounting: swappages is refused",
		  "boot with swapaccount=1"}},
		{p->cpu,
		 "cpulimit and cpuunits are enforced",
		 {"cgroup-cpu", "error", "no cpu controller: cpulimit and cpuunits are refused",
		  TO_V2}},
		{p->pids,
		 "numproc is enforced",
		 {"cgroup-pids", "error",
		  "no pids controller: numproc is refused, a fork bomb in "
		  "a CT can stop this host",
		  TO_V2}},
		{p->cpuset,
		 "cpumask and nodemask are enforced",
		 {"cgroup-cpuset", "warning",
		  "no cpuset controller: cpumask and nodemask are "
		  "refused",
		  TO_V2}},
		{p->io,
		 "iolimit and iopslimit are enforced",
		 {"cgroup-io", "warning",
		  "no io controller with throttling: iolimit and iopslimit "
		  "are refused",
		  TO_V2}},
		{p->devices,
		 "device access is filtered by BPF",
		 {"cgroup-devices", "error",
		  "bpf(2) refuses BPF_CGROUP_DEVICE programs: CTs "
		  "cannot be isolated from host devices",
		  "use a kernel with CONFIG_CGROUP_BPF; run berthd as root"}},
		{p->freeze && p->kill,
		 "suspend and stop act on a whole CT at once",
		 {"cgroup-freeze", "warning",
		  "no cgroup.freeze or cgroup.kill: suspend is "
		  "refused and stop kills one by one",
		  "use Linux 5.14 or newer"}},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		tell(fn, data, rows[i].good, rows[i].good_text, &rows[i].bad);
}

/* Which of our controllers are on v1: "memory cpu". */
static void list_v1(const struct cg_host *h, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (enum cg_ctrl c = 0; c < CG_CTRL_MAX && used < size; c++)
		if (h->of[c] > 0)
			used += (size_t)snprintf(buf + used, size - used, "%s%s",
						 used > 0 ? " " : "", cg_ctrl_name(c, false));
}

/* A CT's root may mount any v1 hierarchy: where the CT is in none of its own, it sees the top. */
static void doctor_unattached(const struct cg_host *h, cg_doctor_fn *fn, void *data)
{
	auto_free char *own = NULL;
	char text[256];
	unsigned int n;

	if (file_read_at(AT_FDCWD, "/proc/self/cgroup", 65536, &own, NULL) < 0)
		return;
	n = cg_parse_count_v1(own);
	if (n < h->n_hier)
		return;
	(void)snprintf(
		text, sizeof(text),
		"%u of %u cgroup v1 hierarchies cannot be reached (mounted nowhere, or more than "
		"%d): root in a CT can mount them and read where the host's processes are",
		n - (h->n_hier - 1), n, CG_V1_MAX);
	fn("cgroup-v1-unattached", "warning", text,
	   "mount each that /proc/self/cgroup lists below /sys/fs/cgroup, or " TO_V2, data);
}

static void doctor_hybrid(const struct cg_host *h, const struct cg_probe *p, cg_doctor_fn *fn,
			  void *data)
{
	char text[320], list[64];

	if (!p->hybrid) {
		fn("cgroup-hierarchy", "ok", "all controllers are in the unified hierarchy", "",
		   data);
		return;
	}
	list_v1(h, list, sizeof(list));
	(void)snprintf(text, sizeof(text),
		       "controllers on cgroup v1: %s. Limits hold, but a CT sees no controllers "
		       "of its own, its writeback is not throttled, and each start moves init "
		       "through %u hierarchies",
		       list, h->n_hier - 1);
	fn("cgroup-hierarchy", "warning", text, TO_V2, data);
	if (p->memory && !p->memory_v2)
		fn("cgroup-memory", "warning",
		   "memory is on cgroup v1: swappages limits RAM and swap together, and maxheld of "
		   "swap is sampled",
		   TO_V2, data);
}

void cg_doctor(const struct cg_host *h, cg_doctor_fn *fn, void *data)
{
	const struct cg_probe *p = cg_host_probe(h);

	doctor_hybrid(h, p, fn, data);
	doctor_unattached(h, fn, data);
	doctor_limits(p, fn, data);
}
