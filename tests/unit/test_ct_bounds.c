/* test_ct_bounds.c - how many CTs a host has room for, by the numbers of some hosts. */
#include "runtime/ct/bounds.h"

#include "tests/unit/check.h"

#include <stdio.h>
#include <string.h>

/* A server with 64 GiB and the sysctls that berthd sets. */
static const struct bounds_host large = {
	.descriptors = 65536,
	.nr_open = 1048576,
	.ptys = 65536,
	.pid_max = 4194304,
	.threads_max = 4194304,
	.volumes = 65536,
	.memory_groups = 65535,
	.memory_v2 = true,
	.memory_kib = 64 << 20,
	.id_ranges = 22767,
};

static uint64_t room_of(const struct bounds_host *h, const char *name)
{
	struct bound b[BOUNDS];
	size_t n = bounds_of(h, b);

	for (size_t i = 0; i < n; i++)
		if (strcmp(b[i].name, name) == 0)
			return b[i].cts;
	return UINT64_MAX; /* not known */
}

static const char *first_beyond(const struct bounds_host *h, uint64_t n)
{
	struct bound b[BOUNDS];
	const struct bound *first = bounds_exceeded(b, bounds_of(h, b), n);

	return first != NULL ? first->name : "none";
}

static void a_large_host_has_room_for_5000(void)
{
	CHECK(strcmp(first_beyond(&large, 5000), "none") == 0);
	CHECK(room_of(&large, "descriptors") == 16256); /* (65536 - 512) / 4 */
	CHECK(room_of(&large, "ptys") == 65536 && room_of(&large, "pids") == 1398101);
	CHECK(room_of(&large, "memory-cgroups") == 32767);
	CHECK(room_of(&large, "memory") == 59599); /* 67108864 / 1126 */
	CHECK(room_of(&large, "ids") == 22766);
	CHECK(strcmp(first_beyond(&large, 16256), "none") == 0);
	CHECK(strcmp(first_beyond(&large, 16257), "descriptors") == 0);
}

static void each_bound_is_found_where_5000_exceed_it(void)
{
	struct bounds_host h = large;

	h.ptys = 4096; /* the kernel's own value */
	CHECK(strcmp(first_beyond(&h, 5000), "ptys") == 0 && room_of(&h, "ptys") == 4096);
	CHECK(strcmp(first_beyond(&h, 4096), "none") == 0);
	h = large;
	h.memory_kib = 4 << 20;
	CHECK(strcmp(first_beyond(&h, 5000), "memory") == 0 && room_of(&h, "memory") == 3724);
	h = large;
	h.pid_max = 14999;
	CHECK(strcmp(first_beyond(&h, 5000), "pids") == 0);
	h.pid_max = 15000;
	CHECK(strcmp(first_beyond(&h, 5000), "none") == 0);
	h.threads_max = 14999;
	CHECK(strcmp(first_beyond(&h, 5000), "threads") == 0);
	h = large;
	h.descriptors = 20511;
	CHECK(strcmp(first_beyond(&h, 5000), "descriptors") == 0);
	h.descriptors = 20512;
	CHECK(strcmp(first_beyond(&h, 5000), "none") == 0);
	h.volumes = 3072; /* loop.max_part=255 */
	CHECK(strcmp(first_beyond(&h, 5000), "volumes") == 0);
}

static void the_lowest_is_told_first(void)
{
	struct bounds_host h = large;
	struct bound b[BOUNDS];

	h.ptys = 4096;
	h.memory_kib = 1 << 20;
	CHECK(strcmp(first_beyond(&h, 5000), "memory") == 0);
	CHECK(bounds_of(&h, b) == BOUNDS);
	for (size_t i = 1; i < BOUNDS; i++)
		CHECK(b[i - 1].cts <= b[i].cts);
}

/* A range is taken for good when a CT is made; the CT that has one starts. */
static void ranges_of_ids_bind_those_that_exist(void)
{
	struct bounds_host h = large;

	h.id_ranges = 1001;
	CHECK(room_of(&h, "ids") == 1000 && strcmp(first_beyond(&h, 5000), "none") == 0);
}

static void what_the_host_does_not_tell_is_no_bound(void)
{
	const struct bounds_host none = {0};
	struct bound b[BOUNDS];

	CHECK(bounds_of(&none, b) == 0 && strcmp(first_beyond(&none, 5000), "none") == 0);
}

static void less_than_the_hosts_own_is_room_for_none(void)
{
	struct bounds_host h = large;

	h.descriptors = 100;
	CHECK(room_of(&h, "descriptors") == 0);
}

static void memory_on_cgroup_v1_takes_one_group_a_ct(void)
{
	struct bounds_host h = large;

	h.memory_v2 = false;
	CHECK(room_of(&h, "memory-cgroups") == 65535);
}

/* ---- doctor ---- */

static char names[400], last_text[400], last_fix[200], last_level[16];

static void take(const char *name, const char *level, const char *text, const char *fix, void *data)
{
	size_t used = strlen(names);

	(void)data;
	CHECK(strlen(text) < 239);
	(void)snprintf(names + used, sizeof(names) - used, "%s,", name);
	(void)snprintf(last_text, sizeof(last_text), "%s", text);
	(void)snprintf(last_fix, sizeof(last_fix), "%s", fix);
	(void)snprintf(last_level, sizeof(last_level), "%s", level);
}

static const char *doctor(const struct bounds_host *h, uint64_t n)
{
	names[0] = '\0';
	bounds_doctor(h, n, take, NULL);
	return names;
}

static void doctor_tells_the_room_while_there_is_enough(void)
{
	CHECK(strcmp(doctor(&large, 5000), "bounds,") == 0 && strcmp(last_level, "ok") == 0);
	CHECK(strstr(last_text, "room for 16256 CTs") != NULL && last_fix[0] == '\0');
}

static void doctor_warns_from_four_fifths_on_with_the_sysctl_that_mends_it(void)
{
	struct bounds_host h = large;

	h.ptys = 6251;
	CHECK(strcmp(doctor(&h, 5000), "bounds,") == 0);
	h.ptys = 6250;
	CHECK(strcmp(doctor(&h, 5000), "bound-ptys,") == 0 && strcmp(last_level, "warning") == 0);
	CHECK(strcmp(last_fix, "sysctl -w kernel.pty.max=6251") == 0);
	h.ptys = 6251; /* as it says */
	CHECK(strcmp(doctor(&h, 5000), "bounds,") == 0);
}

static void doctor_names_every_bound_that_is_near(void)
{
	struct bounds_host h = large;

	h.ptys = 4096;
	h.pid_max = 32768;
	h.threads_max = 15000;
	h.memory_kib = 4 << 20;
	CHECK(strcmp(doctor(&h, 5000), "bound-memory,bound-ptys,bound-threads,") == 0);
	CHECK(strcmp(last_fix, "sysctl -w kernel.threads-max=18753") == 0);
	h = large;
	h.id_ranges = 5001;
	CHECK(strcmp(doctor(&h, 5000), "bound-ids,") == 0);
	CHECK(strcmp(last_fix, "move CTs to another host") == 0);
}

static void few_descriptors_are_the_kernels_limit_not_berthds(void)
{
	struct bounds_host h = large;

	CHECK(strcmp(doctor(&h, 16000), "bound-descriptors,") == 0);
	CHECK(strncmp(last_fix, "move", 4) == 0);
	h.descriptors = h.nr_open = 8192;
	CHECK(strcmp(doctor(&h, 5000), "bound-descriptors,") == 0);
	CHECK(strcmp(last_fix, "sysctl -w fs.nr_open=25516") == 0);
	h.nr_open = 1048576; /* an admin's LimitNOFILE */
	CHECK(strcmp(doctor(&h, 5000), "bound-descriptors,") == 0);
	CHECK(strncmp(last_fix, "raise LimitNOFILE", 17) == 0);
}

static void this_host_tells_its_bounds(void)
{
	struct bounds_host h;

	bounds_read(65536, true, 655360000, &h);
	CHECK(h.descriptors == 65536 && h.nr_open > 0 && h.ptys > 0 && h.pid_max > 0);
	CHECK(h.threads_max > 0 && h.memory_kib > 0 && h.volumes > 1000 && h.id_ranges == 22767);
	bounds_read(1000, true, CT_ID_END, &h);
	CHECK(h.descriptors == 1000 && h.id_ranges == 0);
}

int main(void)
{
	RUN(a_large_host_has_room_for_5000);
	RUN(each_bound_is_found_where_5000_exceed_it);
	RUN(the_lowest_is_told_first);
	RUN(ranges_of_ids_bind_those_that_exist);
	RUN(what_the_host_does_not_tell_is_no_bound);
	RUN(less_than_the_hosts_own_is_room_for_none);
	RUN(memory_on_cgroup_v1_takes_one_group_a_ct);
	RUN(doctor_tells_the_room_while_there_is_enough);
	RUN(doctor_warns_from_four_fifths_on_with_the_sysctl_that_mends_it);
	RUN(doctor_names_every_bound_that_is_near);
	RUN(few_descriptors_are_the_kernels_limit_not_berthds);
	RUN(this_host_tells_its_bounds);
	return check_failures != 0;
}
