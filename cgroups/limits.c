/*
 * limits.c - the table that maps each limit to its v2 and v1 file.
 *
 * A row without a file in the hierarchy that carries its controller does not exist on this host;
 * a wanted limit is then refused, never skipped.
 */
#include "cgroups/host.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"

#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>

enum {
	PERIOD_US = 100000,
	US_PER_PERCENT = 1000,
	IOPRIO_NORMAL = 4,
	UNITS_NORMAL = 1000
};

#define IOPRIO_LEAVE UINT32_MAX

uint32_t cg_io_weight(uint32_t ioprio)
{
	/* OpenVZ's ratios (320 for 0, 500 for 4, 640 for 7) around the kernel's default of 100. */
	static const uint32_t weights[] = {64, 73, 82, 92, 100, 110, 120, 128};

	return weights[ioprio < 7 ? ioprio : 7];
}

static enum cg_want format_u64(uint64_t v, const char *unlimited, char *buf, size_t size)
{
	if (v == CG_UNLIMITED) {
		(void)snprintf(buf, size, "%s", unlimited);
		return CG_DEFAULT;
	}
	(void)snprintf(buf, size, "%llu", (unsigned long long)v);
	return CG_LIMIT;
}

/*
 * None: whoever is above it is put to sleep at each page fault, and where there is no swap nothing is given back
 * meanwhile, so a CT does not end at its limit but crawls for hours just below it (lxd#13147). The row is here because
 * CTs that an older berth started have one.
 */
static enum cg_want format_high(const struct cg_limits *l, bool v2, char *buf, size_t size)
{
	(void)l;
	(void)v2;
	(void)snprintf(buf, size, "max");
	return CG_DEFAULT;
}

static enum cg_want format_memory(const struct cg_limits *l, bool v2, char *buf, size_t size)
{
	return format_u64(l->memory, v2 ? "max" : "-1", buf, size);
}

/* v1 knows the sum only: without a limit of RAM there is none of swap. limits_check refuses that. */
static enum cg_want format_swap(const struct cg_limits *l, bool v2, char *buf, size_t size)
{
	uint64_t sum = l->memory + l->swap;

	if (v2)
		return format_u64(l->swap, "max", buf, size);
	if (l->memory == CG_UNLIMITED || l->swap == CG_UNLIMITED || sum < l->memory)
		sum = CG_UNLIMITED;
	return format_u64(sum, "-1", buf, size);
}

/*
 * v1 charges network buffers to nothing but this counter of its own, of UDP as of TCP, and without a limit not
 * even there. A quarter of the RAM comes on top of it. v2 charges them as memory.
 */
static enum cg_want format_sockets(const struct cg_limits *l, bool v2, char *buf, size_t size)
{
	const uint64_t least = (uint64_t)16 << 20;
	uint64_t share = l->memory / 4 > least ? l->memory / 4 : least;

	(void)v2;
	(void)format_u64(l->memory == CG_UNLIMITED ? CG_UNLIMITED : share, "-1", buf, size);
	return CG_DEFAULT; /* a kernel without it is no reason to refuse a start */
}

static enum cg_want format_cgroups(const struct cg_limits *l, bool v2, char *buf, size_t size)
{
	(void)v2;
	if (l->cgroups == 0)
		return CG_LEAVE;
	return format_u64(l->cgroups == CG_UNLIMITED ? CG_UNLIMITED : l->cgroups + CG_OWN_GROUPS,
			  "max", buf, size);
}

static enum cg_want format_pids(const struct cg_limits *l, bool v2, char *buf, size_t size)
{
	(void)v2;
	return format_u64(l->pids, "max", buf, size);
}

static enum cg_want format_period(const struct cg_limits *l, bool v2, char *buf, size_t size)
{
	(void)v2;
	(void)snprintf(buf, size, "%d", PERIOD_US);
	return l->cpulimit != 0 ? CG_LIMIT : CG_DEFAULT;
}

static enum cg_want format_quota(const struct cg_limits *l, bool v2, char *buf, size_t size)
{
	uint64_t quota = l->cpulimit != 0 ? (uint64_t)l->cpulimit * US_PER_PERCENT : CG_UNLIMITED;
	enum cg_want want = format_u64(quota, v2 ? "max" : "-1", buf, size);
	size_t used = strlen(buf);

	if (v2)
		(void)snprintf(buf + used, size - used, " %d", PERIOD_US);
	return want;
}

static enum cg_want format_weight(const struct cg_limits *l, bool v2, char *buf, size_t size)
{
	uint32_t units = l->cpuunits != 0 ? l->cpuunits : UNITS_NORMAL;

	(void)format_u64(v2 ? cg_weight_from_units(units) : cg_shares_from_units(units), "", buf,
			 size);
	return units == UNITS_NORMAL ? CG_DEFAULT : CG_LIMIT;
}

static enum cg_want format_cpus(const struct cg_limits *l, bool v2, char *buf, size_t size)
{
	(void)v2;
	(void)snprintf(buf, size, "%s", l->cpumask);
	return l->cpumask[0] != '\0' ? CG_LIMIT : CG_DEFAULT;
}

static enum cg_want format_mems(const struct cg_limits *l, bool v2, char *buf, size_t size)
{
	(void)v2;
	(void)snprintf(buf, size, "%s", l->nodemask);
	return l->nodemask[0] != '\0' ? CG_LIMIT : CG_DEFAULT;
}

static enum cg_want format_io_weight(const struct cg_limits *l, bool v2, char *buf, size_t size)
{
	if (l->ioprio == IOPRIO_LEAVE)
		return CG_LEAVE;
	(void)snprintf(buf, size, v2 ? "default %u" : "%u", cg_io_weight(l->ioprio));
	return l->ioprio == IOPRIO_NORMAL ? CG_DEFAULT : CG_LIMIT;
}

static void put_rate(char *buf, size_t size, const char *key, uint64_t v)
{
	size_t used = strlen(buf);

	if (v == 0)
		(void)snprintf(buf + used, size - used, " %smax", key);
	else
		(void)snprintf(buf + used, size - used, " %s%llu", key, (unsigned long long)v);
}

/* A partition is throttled by its disk: io.max takes no other number. */
static dev_t whole_disk(dev_t dev)
{
	char path[96], text[32];
	uint32_t maj, min;
	char *colon;

	(void)snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/partition", major(dev),
		       minor(dev));
	if (faccessat(AT_FDCWD, path, F_OK, 0) < 0)
		return dev;
	(void)snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/../dev", major(dev), minor(dev));
	if (file_read_line_at(AT_FDCWD, path, text, sizeof(text)) < 0)
		return dev;
	colon = strchr(text, ':');
	if (colon == NULL)
		return dev;
	*colon = '\0';
	if (parse_u32(text, &maj) < 0 || parse_u32(colon + 1, &min) < 0)
		return dev;
	return makedev(maj, min);
}

static bool put_device(const struct cg_limits *l, char *buf, size_t size)
{
	dev_t dev;

	if (l->io_dev == 0)
		return false;
	dev = whole_disk(l->io_dev);
	(void)snprintf(buf, size, "%u:%u", major(dev), minor(dev));
	return true;
}

static enum cg_want format_io_max(const struct cg_limits *l, bool v2, char *buf, size_t size)
{
	(void)v2;
	if (!put_device(l, buf, size))
		return CG_LEAVE;
	put_rate(buf, size, "rbps=", l->io_bps);
	put_rate(buf, size, "wbps=", l->io_bps);
	put_rate(buf, size, "riops=", l->io_iops);
	put_rate(buf, size, "wiops=", l->io_iops);
	return l->io_bps != 0 || l->io_iops != 0 ? CG_LIMIT : CG_DEFAULT;
}

/* v1: "MAJ:MIN 0" takes the line away. */
static enum cg_want format_throttle(const struct cg_limits *l, uint64_t v, char *buf, size_t size)
{
	size_t used;

	if (!put_device(l, buf, size))
		return CG_LEAVE;
	used = strlen(buf);
	(void)snprintf(buf + used, size - used, " %llu", (unsigned long long)v);
	return v != 0 ? CG_LIMIT : CG_DEFAULT;
}

static enum cg_want format_bps(const struct cg_limits *l, bool v2, char *buf, size_t size)
{
	(void)v2;
	return format_throttle(l, l->io_bps, buf, size);
}

static enum cg_want format_iops(const struct cg_limits *l, bool v2, char *buf, size_t size)
{
	(void)v2;
	return format_throttle(l, l->io_iops, buf, size);
}

/* Order matters to apply.c only for the memory rows, which stand first. */
const struct cg_limit_row cg_limit_rows[] = {
	{"physpages", CG_MEMORY, "memory.high", NULL, format_high, false},
	{"physpages", CG_MEMORY, "memory.max", "memory.limit_in_bytes", format_memory, false},
	{"swappages", CG_MEMORY, "memory.swap.max", "memory.memsw.limit_in_bytes", format_swap,
	 false},
	{"physpages", CG_MEMORY, NULL, "memory.kmem.tcp.limit_in_bytes", format_sockets, false},
	{"numcgroups", CG_CORE, "cgroup.max.descendants", NULL, format_cgroups, false},
	{"numproc", CG_PIDS, "pids.max", "pids.max", format_pids, false},
	{"cpulimit", CG_CPU, NULL, "cpu.cfs_period_us", format_period, false},
	{"cpulimit", CG_CPU, "cpu.max", "cpu.cfs_quota_us", format_quota, false},
	{"cpuunits", CG_CPU, "cpu.weight", "cpu.shares", format_weight, false},
	{"cpumask", CG_CPUSET, "cpuset.cpus", "cpuset.cpus", format_cpus, false},
	{"nodemask", CG_CPUSET, "cpuset.mems", "cpuset.mems", format_mems, false},
	{"ioprio", CG_IO, "io.weight", "blkio.bfq.weight", format_io_weight, false},
	{"iolimit", CG_IO, "io.max", NULL, format_io_max, true},
	{"iolimit", CG_IO, NULL, "blkio.throttle.read_bps_device", format_bps, true},
	{"iolimit", CG_IO, NULL, "blkio.throttle.write_bps_device", format_bps, true},
	{"iopslimit", CG_IO, NULL, "blkio.throttle.read_iops_device", format_iops, true},
	{"iopslimit", CG_IO, NULL, "blkio.throttle.write_iops_device", format_iops, true},
};
const size_t cg_n_limit_rows = sizeof(cg_limit_rows) / sizeof(cg_limit_rows[0]);

const char *cg_row_file(const struct cg_host *h, const struct cg_limit_row *row)
{
	const struct cg_hier *hi = cg_hier_of(h, row->ctrl);

	if (hi == NULL)
		return NULL;
	/* The weight of iocost; without that, BFQ's own where BFQ is loaded. */
	if (hi->v2 && row->format == format_io_weight && hi->berth >= 0 &&
	    !cg_has_file(hi, row->v2) && cg_has_file(hi, "io.bfq.weight"))
		return "io.bfq.weight";
	return hi->v2 ? row->v2 : row->v1;
}

static const char *row_mend(const struct cg_limit_row *row)
{
	if (strcmp(row->param, "swappages") == 0)
		return "boot with swapaccount=1, or leave swappages unlimited";
	if (strcmp(row->param, "ioprio") == 0)
		return "use the bfq scheduler or a kernel with CONFIG_BLK_CGROUP_IOCOST, or leave "
		       "ioprio at 4";
	return "boot with systemd.unified_cgroup_hierarchy=1 cgroup_no_v1=all "
	       "cgroup_enable=memory, see berth doctor";
}

int cg_row_refuse(const struct cg_host *h, const struct cg_limit_row *row, struct berth_error *err)
{
	const struct cg_hier *hi = cg_hier_of(h, row->ctrl);
	const char *file = cg_row_file(h, row);

	if (hi == NULL)
		return berth_error_set(err, BERTH_ERR_LIMIT, EOPNOTSUPP,
				       "%s cannot be enforced on this host: controller %s (%s) is "
				       "in no cgroup hierarchy below %s; %s",
				       row->param, cg_ctrl_name(row->ctrl, true),
				       row->v2 != NULL ? row->v2 : row->v1, h->hier[0].mount,
				       row_mend(row));
	return berth_error_set(
		err, BERTH_ERR_LIMIT, EOPNOTSUPP,
		"%s cannot be enforced on this host: this kernel has no %s in %s; %s", row->param,
		file != NULL ? file : row->v2, hi->mount, row_mend(row));
}

static int check_row(const struct cg_host *h, const struct cg_limit_row *row,
		     const struct cg_limits *want, struct berth_error *err)
{
	const struct cg_hier *hi = cg_hier_of(h, row->ctrl);
	const char *file = cg_row_file(h, row);
	char value[CG_VALUE_MAX];

	/* A row that the other version of cgroups has, or that is extra (memory.high). */
	if (hi != NULL && file == NULL)
		return 0;
	/* Nobody has this controller: v2's rows speak for it, once. */
	if (hi == NULL && row->v2 == NULL)
		return 0;
	if (row->format(want, hi == NULL || hi->v2, value, sizeof(value)) != CG_LIMIT)
		return 0;
	if (hi != NULL && (hi->berth < 0 || cg_has_file(hi, file)))
		return 0;
	return cg_row_refuse(h, row, err);
}

static int check_list(const char *param, const char *list, const char *have_file,
		      struct berth_error *err)
{
	char text[256];
	unsigned int max, have = 0;

	if (list[0] == '\0')
		return 0;
	if (cg_parse_cpulist(list, &max) < 0)
		return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
				       "%s '%s' is not a list such as 0-3,5", param, list);
	if (file_read_line_at(AT_FDCWD, have_file, text, sizeof(text)) == 0)
		(void)cg_parse_cpulist(text, &have);
	if (max > have)
		return berth_error_set(err, BERTH_ERR_LIMIT, ERANGE,
				       "%s '%s' names %u, this host has 0-%u (%s)", param, list,
				       max, have, have_file);
	return 0;
}

int cg_limits_check_combined(const struct cg_host *h, const struct cg_limits *want,
			     struct berth_error *err)
{
	const struct cg_hier *mem = cg_hier_of(h, CG_MEMORY);

	if (mem != NULL && !mem->v2 && want->swap != CG_UNLIMITED && want->memory == CG_UNLIMITED)
		return berth_error_set(err, BERTH_ERR_LIMIT, EINVAL,
				       "swappages without physpages cannot be enforced on this "
				       "host: memory.memsw.limit_in_bytes limits their sum; set "
				       "physpages (--ram) too");
	if ((want->io_bps != 0 || want->io_iops != 0) && major(want->io_dev) == 0)
		return berth_error_set(err, BERTH_ERR_LIMIT, ENODEV,
				       "%s cannot be enforced: no block device is below the CT's "
				       "volume (io.max needs one); set it to 0",
				       want->io_bps != 0 ? "iolimit" : "iopslimit");
	return 0;
}

int cg_limits_check(const struct cg_host *h, const struct cg_limits *want, struct berth_error *err)
{
	int r = cg_limits_check_combined(h, want, err);

	if (r == 0)
		r = check_list("cpumask", want->cpumask, "/sys/devices/system/cpu/possible", err);
	if (r == 0)
		r = check_list("nodemask", want->nodemask, "/sys/devices/system/node/has_memory",
			       err);
	for (size_t i = 0; r == 0 && i < cg_n_limit_rows; i++)
		r = check_row(h, &cg_limit_rows[i], want, err);
	return r;
}
