/*
 * pools.c - the pools of the kernel that host and CTs share.
 *
 * A floor is so high that what stands behind it is the CT's charged memory: an AIO event costs its CT 64 bytes of
 * ring, an open file 256, a thread 16 KiB, so the CT meets its own limit first. Neighbours are charged to nobody:
 * their table is large, and nothing that host and CTs need of each other is in it (netsetup/venet.c). The same
 * rows are 60-berth.conf, for the time before berthd runs.
 */
#include "runtime/ct/pools.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct pool_floor pool_floors[] = {
	{"fs/aio-max-nr", 2147483647, "one CT could take all AIO events of the host"},
	{"fs/file-max", INT64_MAX, "one CT could open all files of the host"},
	{"fs/inotify/max_user_instances", 8192,
	 "each CT may have so many; its systemd needs about 10"},
	{"fs/inotify/max_user_watches", 524288,
	 "each CT may have so many; its programs watch many files"},
	{"kernel/pid_max", 4194304, "pids of all CTs come from here"},
	{"kernel/threads-max", 4194304, "one CT could take all threads of the host"},
	{"kernel/pty/max", 65536, "each CT and each exec session needs terminals"},
	/* All but 4096 are for the host's devpts and those that berth makes for CTs, each with a limit. */
	{"kernel/pty/reserve", 61440, "a devpts that a tenant mounts could take every terminal"},
	{"net/ipv4/neigh/default/gc_thresh2", 32768, "one table serves the host and all CTs"},
	{"net/ipv4/neigh/default/gc_thresh3", 524288, "one table serves the host and all CTs"},
	{"net/ipv6/neigh/default/gc_thresh2", 32768, "one table serves the host and all CTs"},
	{"net/ipv6/neigh/default/gc_thresh3", 524288, "one table serves the host and all CTs"},
};
const size_t pool_n_floors = sizeof(pool_floors) / sizeof(pool_floors[0]);

/* The first number of a file. */
static int read_number(const char *path, uint64_t *ret)
{
	char line[128];
	int r = file_read_line_at(AT_FDCWD, path, line, sizeof(line));

	if (r < 0)
		return r;
	line[strcspn(line, " \t\n")] = '\0';
	return parse_u64(line, ret);
}

static int read_sysctl(const char *name, uint64_t *ret)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "/proc/sys/%s", name);
	return read_number(path, ret);
}

static int write_sysctl(const char *name, uint64_t value)
{
	char path[96], text[24];

	(void)snprintf(path, sizeof(path), "/proc/sys/%s", name);
	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return file_write_value_at(AT_FDCWD, path, text);
}

void pools_raise(pool_raised_fn *fn, void *data)
{
	for (size_t i = 0; i < pool_n_floors; i++) {
		uint64_t now;
		int r;

		if (read_sysctl(pool_floors[i].name, &now) < 0 || now >= pool_floors[i].floor)
			continue;
		r = write_sysctl(pool_floors[i].name, pool_floors[i].floor);
		if (fn != NULL)
			fn(&pool_floors[i], now, -r, data);
	}
}

/* ---- what is in use ---- */

static bool meminfo_field(const char *text, const char *key, uint64_t *ret)
{
	size_t len = strlen(key);

	for (const char *p = text; p != NULL && *p != '\0'; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, key, len) == 0 && p[len] == ':') {
			*ret = strtoull(p + len + 1, NULL, 10) << 10;
			return true;
		}
	}
	return false;
}

uint64_t pools_kernel_memory(const char *meminfo, uint64_t *ret_total)
{
	static const char *const others[] = {"MemFree",	  "Buffers",	  "Cached", "SwapCached",
					     "AnonPages", "KReclaimable", "Hugetlb"};
	uint64_t left, value;

	if (!meminfo_field(meminfo, "MemTotal", ret_total))
		return *ret_total = 0;
	left = *ret_total;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (!meminfo_field(meminfo, others[i], &value))
			continue;
		left = left > value ? left - value : 0;
	}
	return left;
}

static bool use_memory(struct pool_use *u)
{
	auto_free char *text = NULL;
	uint64_t total;

	if (file_read_at(AT_FDCWD, "/proc/meminfo", 65536, &text, NULL) < 0)
		return false;
	u->used = pools_kernel_memory(text, &total) >> 20;
	u->max = total >> 21; /* a half */
	return true;
}

/* /proc/net/stat/NAME: a line a CPU, and the count in the first column of each, hexadecimal. */
static bool use_neighbours(const char *family, const char *cache, struct pool_use *u)
{
	auto_free char *text = NULL;
	char path[96];
	const char *line;

	(void)snprintf(path, sizeof(path), "net/%s/neigh/default/gc_thresh3", family);
	if (read_sysctl(path, &u->max) < 0)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/net/stat/%s", cache);
	if (file_read_at(AT_FDCWD, path, 1 << 20, &text, NULL) < 0)
		return false;
	line = strchr(text, '\n');
	u->used = line == NULL ? 0 : strtoull(line, NULL, 16);
	return line != NULL;
}

/* "0.50 0.40 0.30 1/275 19676": 275 threads, the kernel's own among them. */
static bool use_threads(const char *limit, struct pool_use *u)
{
	char line[128];
	const char *slash;

	if (file_read_line_at(AT_FDCWD, "/proc/loadavg", line, sizeof(line)) < 0 ||
	    (slash = strchr(line, '/')) == NULL || read_sysctl(limit, &u->max) < 0)
		return false;
	u->used = strtoull(slash + 1, NULL, 10);
	return true;
}

static bool use_sysctls(const char *used, const char *max, struct pool_use *u)
{
	return read_sysctl(used, &u->used) >= 0 && read_sysctl(max, &u->max) >= 0;
}

size_t pools_read(struct pool_use uses[POOL_USES])
{
	struct pool_use all[POOL_USES] = {
		{"kernel-memory", "MiB of kernel memory, of half the RAM", "", 0, 0},
		{"aio", "AIO events", "fs.aio-max-nr", 0, 0},
		{"files", "open files", "fs.file-max", 0, 0},
		{"ptys", "terminals", "kernel.pty.max", 0, 0},
		{"threads", "threads", "kernel.threads-max", 0, 0},
		{"pids", "pids", "kernel.pid_max", 0, 0},
		{"neighbours-ipv4", "IPv4 neighbours", "net.ipv4.neigh.default.gc_thresh3", 0, 0},
		{"neighbours-ipv6", "IPv6 neighbours", "net.ipv6.neigh.default.gc_thresh3", 0, 0},
		{"connections", "connections of the host", "net.netfilter.nf_conntrack_max", 0, 0},
	};
	const bool shown[POOL_USES] = {
		use_memory(&all[0]),
		use_sysctls("fs/aio-nr", "fs/aio-max-nr", &all[1]),
		use_sysctls("fs/file-nr", "fs/file-max", &all[2]),
		use_sysctls("kernel/pty/nr", "kernel/pty/max", &all[3]),
		use_threads("kernel/threads-max", &all[4]),
		use_threads("kernel/pid_max", &all[5]),
		use_neighbours("ipv4", "arp_cache", &all[6]),
		use_neighbours("ipv6", "ndisc_cache", &all[7]),
		use_sysctls("net/netfilter/nf_conntrack_count", "net/netfilter/nf_conntrack_max",
			    &all[8]),
	};
	size_t n = 0;

	for (size_t i = 0; i < POOL_USES; i++)
		if (shown[i])
			uses[n++] = all[i];
	return n;
}

bool pool_is_alarming(const struct pool_use *u, bool was)
{
	uint64_t percent = was ? POOL_CALM_PERCENT : POOL_ALARM_PERCENT;

	/* Divided first: file-max is close to the end of the type. */
	return u->max > 0 && u->used >= u->max / 100 * percent + u->max % 100 * percent / 100;
}

/* ---- doctor ---- */

static void dotted(const char *name, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s", name);
	for (char *p = buf; *p != '\0'; p++)
		if (*p == '/')
			*p = '.';
}

static void find_floor(const struct pool_floor *p, pool_finding_fn *fn, void *data)
{
	char dots[64], name[80], text[200], fix[120];
	uint64_t now;
	bool low;

	if (read_sysctl(p->name, &now) < 0)
		return;
	low = now < p->floor;
	dotted(p->name, dots, sizeof(dots));
	(void)snprintf(name, sizeof(name), "sysctl-%s", dots);
	for (char *c = name; *c != '\0'; c++)
		if (*c == '.')
			*c = '-';
	(void)snprintf(text, sizeof(text), "%s is %llu%s%s", dots, (unsigned long long)now,
		       low ? ": " : "", low ? p->what : "");
	(void)snprintf(fix, sizeof(fix), "sysctl -w %s=%llu", dots, (unsigned long long)p->floor);
	fn(name, low ? "warning" : "ok", text, fix, data);
}

static void find_use(const struct pool_use *u, pool_finding_fn *fn, void *data)
{
	char name[40], text[200], fix[120] = "";
	bool alarm = pool_is_alarming(u, false);

	(void)snprintf(name, sizeof(name), "pool-%s", u->name);
	(void)snprintf(text, sizeof(text), "%llu of %llu %s", (unsigned long long)u->used,
		       (unsigned long long)u->max, u->what);
	if (alarm && u->limit[0] != '\0')
		(void)snprintf(fix, sizeof(fix),
			       "find the CT that uses most of it, or: sysctl -w %s=%llu", u->limit,
			       (unsigned long long)u->max * 2);
	else if (alarm)
		(void)snprintf(fix, sizeof(fix),
			       "find the CT that uses most of it; berth stop CTID frees it");
	fn(name, alarm ? "warning" : "ok", text, fix, data);
}

void pools_doctor(pool_finding_fn *fn, void *data)
{
	struct pool_use uses[POOL_USES];
	size_t n = pools_read(uses);

	for (size_t i = 0; i < pool_n_floors; i++)
		find_floor(&pool_floors[i], fn, data);
	for (size_t i = 0; i < n; i++)
		find_use(&uses[i], fn, data);
}
