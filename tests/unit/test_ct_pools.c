/* test_ct_pools.c - runtime/ct/pools.c: the shared pools of the kernel, raised, read and judged. */
#include "runtime/ct/pools.h"

#include "runtime/base/fd.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "net.ipv4.x = 1" of the file that sysctl.d(5) gets, against the row. */
static void the_file_for_sysctl_d_says_what_berthd_sets(void)
{
	FILE *f = fopen(SYSCTL_FILE, "re");
	char line[256], want[256];
	size_t rows = 0;

	CHECK(f != NULL);
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (line[0] == '#')
			continue;
		CHECK(rows < pool_n_floors);
		if (rows >= pool_n_floors)
			break;
		(void)snprintf(want, sizeof(want), "%s = %llu\n", pool_floors[rows].name,
			       (unsigned long long)pool_floors[rows].floor);
		for (char *p = want; *p != '='; p++)
			if (*p == '/')
				*p = '.';
		CHECK(strcmp(line, want) == 0);
		rows++;
	}
	CHECK(rows == pool_n_floors);
	if (f != NULL)
		(void)fclose(f);
}

static uint64_t now(const char *name)
{
	char path[96], value[32];

	(void)snprintf(path, sizeof(path), "/proc/sys/%s", name);
	if (file_read_line_at(AT_FDCWD, path, value, sizeof(value)) < 0)
		return UINT64_MAX; /* not in this namespace */
	return strtoull(value, NULL, 10);
}

static void take_raised(const struct pool_floor *p, uint64_t from, int error, void *data)
{
	(void)data;
	CHECK(error == 0 && from < p->floor);
}

/* It only raises; a machine on which berthd has run has these values already. */
static void every_pool_is_at_its_floor_afterwards_and_none_is_lower_than_before(void)
{
	uint64_t before[64];

	for (size_t i = 0; i < pool_n_floors; i++)
		before[i] = now(pool_floors[i].name);
	pools_raise(take_raised, NULL);
	for (size_t i = 0; i < pool_n_floors; i++) {
		CHECK(now(pool_floors[i].name) >= pool_floors[i].floor);
		CHECK(now(pool_floors[i].name) >= before[i]);
	}
}

static void kernel_memory_is_what_neither_files_nor_programs_have(void)
{
	static const char text[] = "MemTotal:       1000 kB\nMemFree:         300 kB\n"
				   "MemAvailable:    600 kB\nBuffers:          50 kB\n"
				   "Cached:          200 kB\nSwapCached:        0 kB\n"
				   "AnonPages:       100 kB\nKReclaimable:     50 kB\n";
	uint64_t total = 0;

	CHECK(pools_kernel_memory(text, &total) == 300 << 10 && total == 1000 << 10);
	CHECK(pools_kernel_memory("", &total) == 0 && total == 0);
	CHECK(pools_kernel_memory("MemTotal: 1 kB\nMemFree: 2 kB\n", &total) == 0);
}

static void what_is_in_use_is_read_with_its_limit(void)
{
	struct pool_use u[POOL_USES];
	size_t n = pools_read(u);

	CHECK(n >= 5 && strcmp(u[0].name, "kernel-memory") == 0);
	CHECK(u[0].used > 0 && u[0].used < u[0].max * 2);
	for (size_t i = 0; i < n; i++)
		CHECK(u[i].max > 0 && u[i].name[0] != '\0' && u[i].what[0] != '\0');
}

static void the_largest_limits_do_not_overflow(void)
{
	struct pool_use u = {"files", "", "", 1000, INT64_MAX};

	CHECK(!pool_is_alarming(&u, false));
	u.used = INT64_MAX;
	CHECK(pool_is_alarming(&u, false) && pool_is_alarming(&u, true));
	u.max = 0;
	CHECK(!pool_is_alarming(&u, true)); /* no such limit */
}

static int n_findings;

static void take_finding(const char *name, const char *level, const char *text, const char *fix,
			 void *data)
{
	(void)data;
	n_findings++;
	CHECK(strchr(name, '.') == NULL && text[0] != '\0');
	/* A setting that is well is named, too: what it takes to stay so. */
	CHECK(strcmp(level, "ok") != 0 || fix[0] == '\0' || strncmp(fix, "sysctl -w ", 10) == 0);
	CHECK(strcmp(level, "ok") == 0 || fix[0] != '\0');
	CHECK(strlen(name) + strlen(fix) < 380);
}

static void doctor_speaks_of_limits_and_of_what_is_used(void)
{
	pools_doctor(take_finding, NULL);
	CHECK(n_findings >= 10);
}

int main(void)
{
	if (geteuid() != 0) {
		(void)printf("skipped: needs root\n");
		return 77;
	}
	RUN(the_file_for_sysctl_d_says_what_berthd_sets);
	RUN(every_pool_is_at_its_floor_afterwards_and_none_is_lower_than_before);
	RUN(kernel_memory_is_what_neither_files_nor_programs_have);
	RUN(what_is_in_use_is_read_with_its_limit);
	RUN(the_largest_limits_do_not_overflow);
	RUN(doctor_speaks_of_limits_and_of_what_is_used);
	return check_failures != 0;
}
