/* test_cg_parse.c - the pure half of cgroups/: texts, units, the limits table, the device program. */
#include "cgroups/host.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/sysmacros.h>

static void a_key_is_found_by_its_whole_name(void)
{
	static const char text[] = "low 0\nhigh 7\nmax 12\noom 1\noom_kill 3\n";
	uint64_t v = 99;

	CHECK(cg_parse_key(text, "max", &v) == 0 && v == 12);
	CHECK(cg_parse_key(text, "oom", &v) == 0 && v == 1);
	CHECK(cg_parse_key(text, "oom_kill", &v) == 0 && v == 3);
	v = 99;
	CHECK(cg_parse_key(text, "oo", &v) == -ENOENT && v == 99);
	CHECK(cg_parse_key("", "max", &v) == -ENOENT);
	CHECK(cg_parse_key("max x\n", "max", &v) == -EINVAL && v == 99);
	CHECK(cg_parse_key("max \n", "max", &v) == -EINVAL);
	CHECK(cg_parse_key("max 99999999999999999999\n", "max", &v) == -EINVAL);
	CHECK(cg_parse_key("frozen 1", "frozen", &v) == 0 && v == 1);
}

static void max_is_unlimited_and_only_one_word_counts(void)
{
	uint64_t v = 5;

	CHECK(cg_parse_max("max", &v) == 0 && v == CG_UNLIMITED);
	CHECK(cg_parse_max("4096\n", &v) == 0 && v == 4096);
	v = 5;
	CHECK(cg_parse_max("", &v) == -EINVAL);
	CHECK(cg_parse_max("maximum", &v) == -EINVAL);
	CHECK(cg_parse_max("1 2", &v) == -EINVAL);
	CHECK(cg_parse_max("1\n2\n", &v) == -EINVAL);
	CHECK(cg_parse_max("-1", &v) == -EINVAL && v == 5);
}

static void cpuunits_keep_their_ratio_within_the_kernels_range(void)
{
	CHECK(cg_weight_from_units(1000) == 100);
	CHECK(cg_weight_from_units(2000) == 200);
	CHECK(cg_weight_from_units(8) == 1);
	CHECK(cg_weight_from_units(0) == 1);
	CHECK(cg_weight_from_units(500000) == 10000);
	CHECK(cg_shares_from_units(1000) == 1024);
	CHECK(cg_shares_from_units(8) == 8);
	CHECK(cg_shares_from_units(0) == 2);
	CHECK(cg_shares_from_units(500000) == 262144);
}

static void a_cpu_list_yields_its_highest_member(void)
{
	unsigned int max = 77;

	CHECK(cg_parse_cpulist("0", &max) == 0 && max == 0);
	CHECK(cg_parse_cpulist("0-3,5", &max) == 0 && max == 5);
	CHECK(cg_parse_cpulist("7,1-2", &max) == 0 && max == 7);
	max = 77;
	CHECK(cg_parse_cpulist("", &max) == -EINVAL);
	CHECK(cg_parse_cpulist("1,", &max) == -EINVAL);
	CHECK(cg_parse_cpulist(",1", &max) == -EINVAL);
	CHECK(cg_parse_cpulist("3-1", &max) == -EINVAL);
	CHECK(cg_parse_cpulist("1-2-3", &max) == -EINVAL);
	CHECK(cg_parse_cpulist("-1", &max) == -EINVAL);
	CHECK(cg_parse_cpulist("1 ", &max) == -EINVAL);
	CHECK(cg_parse_cpulist("99999999", &max) == -EINVAL && max == 77);
}

static void containers_get_cpus_in_turn(void)
{
	static const struct {
		const char *list, *picked;
		uint32_t n, ctid;
	} rows[] = {
		{"0-3", "0", 1, 100}, {"0-3", "1", 1, 101},	{"0-3\n", "2-3", 2, 101},
		{"0-2", "0,2", 2, 1}, {"0-3", "", 4, 101},	{"0-3", "", 0, 101},
		{"0-3", "", 9, 101},  {"1,3,5-6", "3", 1, 101}, {"1,3,5-6", "1,3,5", 3, 100},
		{"7", "", 1, 101},
	};
	char buf[32], small[4];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK(cg_pick_cpus(rows[i].list, rows[i].n, rows[i].ctid, buf, sizeof(buf)) == 0);
		CHECK(strcmp(buf, rows[i].picked) == 0);
	}
	CHECK(cg_pick_cpus("0-3,", 1, 101, buf, sizeof(buf)) == -EINVAL);
	CHECK(cg_pick_cpus("0,2,4,6,8,10", 5, 101, small, sizeof(small)) == 0);
	CHECK(strcmp(small, "") == 0);
}

static void the_own_place_is_read_per_controller(void)
{
	static const char text[] = "9:name=systemd:/s\n4:memory:/m/x\n2:cpu,cpuacct:/c:d\n0::/u\n";
	char buf[32] = "before";

	CHECK(cg_parse_own(text, NULL, buf, sizeof(buf)) == 0 && strcmp(buf, "/u") == 0);
	CHECK(cg_parse_own(text, "memory", buf, sizeof(buf)) == 0 && strcmp(buf, "/m/x") == 0);
	CHECK(cg_parse_own(text, "cpuacct", buf, sizeof(buf)) == 0 && strcmp(buf, "/c:d") == 0);
	CHECK(cg_parse_own(text, "pids", buf, sizeof(buf)) == -ENOENT);
	CHECK(cg_parse_own(text, "cp", buf, sizeof(buf)) == -ENOENT);
	CHECK(cg_parse_own(text, "memory", buf, 4) == -ENOSPC);
	CHECK(cg_parse_own("", NULL, buf, sizeof(buf)) == -ENOENT);
	CHECK(cg_parse_own("\n::\n0:\n", NULL, buf, sizeof(buf)) == -ENOENT);
}

static void v1_hierarchies_are_counted_without_the_unified_one(void)
{
	CHECK(cg_parse_count_v1("9:name=systemd:/s\n2:cpu,cpuacct:/c:d\n0::/u\n") == 2);
	CHECK(cg_parse_count_v1("0::/\n") == 0);
	CHECK(cg_parse_count_v1("") == 0);
	CHECK(cg_parse_count_v1("\n:\n1\n7:pids") == 1);
}

static void a_service_goes_to_the_root_and_a_daemon_leaf_to_its_parent(void)
{
	char buf[64];

	CHECK(cg_parse_unified_parent("/", buf, sizeof(buf)) == 0 && strcmp(buf, "") == 0);
	CHECK(cg_parse_unified_parent("/system.slice/berthd.service", buf, sizeof(buf)) == 0 &&
	      strcmp(buf, "") == 0);
	CHECK(cg_parse_unified_parent("/system.slice/berthd.service/daemon", buf, sizeof(buf)) ==
		      0 &&
	      strcmp(buf, "system.slice/berthd.service") == 0);
	CHECK(cg_parse_unified_parent("/daemon", buf, sizeof(buf)) == 0 && strcmp(buf, "") == 0);
	CHECK(cg_parse_unified_parent("/x/notdaemon", buf, sizeof(buf)) == 0 &&
	      strcmp(buf, "") == 0);
}

static void a_parent_cannot_climb_out(void)
{
	char buf[32];

	CHECK(cg_parse_parent("/tenants/", buf, sizeof(buf)) == 0 && strcmp(buf, "tenants") == 0);
	CHECK(cg_parse_parent("/", buf, sizeof(buf)) == 0 && strcmp(buf, "") == 0);
	CHECK(cg_parse_parent("//a/b", buf, sizeof(buf)) == 0 && strcmp(buf, "a/b") == 0);
	CHECK(cg_parse_parent("/a/..", buf, sizeof(buf)) == -EINVAL);
	CHECK(cg_parse_parent("/./a", buf, sizeof(buf)) == -EINVAL);
	CHECK(cg_parse_parent("a", buf, sizeof(buf)) == -EINVAL);
	CHECK(cg_parse_parent("", buf, sizeof(buf)) == -EINVAL);
	CHECK(cg_parse_parent("/a\nb", buf, sizeof(buf)) == -EINVAL);
	CHECK(cg_parse_parent("/0123456789012345678901234567890123", buf, sizeof(buf)) == -ENOSPC);
}

static void a_line_is_found_by_its_device(void)
{
	static const char text[] = "8:16 rbps=1\n8:1 rbps=2 wbps=max\n";
	char buf[32];

	CHECK(cg_parse_line(text, "8:1", buf, sizeof(buf)) == 0 &&
	      strcmp(buf, "8:1 rbps=2 wbps=max") == 0);
	CHECK(cg_parse_line(text, "8:3", buf, sizeof(buf)) == -ENOENT);
	CHECK(cg_parse_line(text, "8:1", buf, 8) == -ENOSPC);
	CHECK(cg_parse_has_word("cpuset cpu io\n", "cpu"));
	CHECK(!cg_parse_has_word("cpuset io", "cpu"));
	CHECK(!cg_parse_has_word("", "cpu"));
}

static const struct cg_limit_row *find_row(const char *file, bool v2)
{
	for (size_t i = 0; i < cg_n_limit_rows; i++) {
		const char *have = v2 ? cg_limit_rows[i].v2 : cg_limit_rows[i].v1;

		if (have != NULL && strcmp(have, file) == 0)
			return &cg_limit_rows[i];
	}
	return NULL;
}

static bool row_says(const char *file, bool v2, const struct cg_limits *l, enum cg_want want,
		     const char *value)
{
	const struct cg_limit_row *row = find_row(file, v2);
	char buf[CG_VALUE_MAX];

	if (row == NULL || row->format(l, v2, buf, sizeof(buf)) != want)
		return false;
	if (strcmp(buf, value) != 0)
		(void)fprintf(stderr, "%s: '%s', not '%s'\n", file, buf, value);
	return strcmp(buf, value) == 0;
}

static void each_limit_has_its_words_in_both_versions(void)
{
	const struct cg_limits l = {.memory = 512ull << 20,
				    .swap = 256ull << 20,
				    .pids = 100,
				    .cgroups = 50,
				    .cpulimit = 50,
				    .cpuunits = 2000,
				    .cpumask = "0-1",
				    .ioprio = 7,
				    .io_bps = 1000,
				    .io_dev = makedev(250, 0)};

	CHECK(row_says("memory.max", true, &l, CG_LIMIT, "536870912"));
	CHECK(row_says("memory.high", true, &l, CG_DEFAULT, "max"));
	CHECK(row_says("memory.swap.max", true, &l, CG_LIMIT, "268435456"));
	CHECK(row_says("memory.limit_in_bytes", false, &l, CG_LIMIT, "536870912"));
	CHECK(row_says("memory.memsw.limit_in_bytes", false, &l, CG_LIMIT, "805306368"));
	CHECK(row_says("pids.max", true, &l, CG_LIMIT, "100"));
	CHECK(row_says("memory.kmem.tcp.limit_in_bytes", false, &l, CG_DEFAULT, "134217728"));
	CHECK(row_says("cgroup.max.descendants", true, &l, CG_LIMIT, "52"));
	CHECK(row_says("cpu.max", true, &l, CG_LIMIT, "50000 100000"));
	CHECK(row_says("cpu.cfs_quota_us", false, &l, CG_LIMIT, "50000"));
	CHECK(row_says("cpu.weight", true, &l, CG_LIMIT, "200"));
	CHECK(row_says("cpu.shares", false, &l, CG_LIMIT, "2048"));
	CHECK(row_says("cpuset.cpus", true, &l, CG_LIMIT, "0-1"));
	CHECK(row_says("cpuset.mems", true, &l, CG_DEFAULT, ""));
	CHECK(row_says("io.weight", true, &l, CG_LIMIT, "default 128"));
	CHECK(row_says("io.max", true, &l, CG_LIMIT,
		       "250:0 rbps=1000 wbps=1000 riops=max wiops=max"));
	CHECK(row_says("blkio.throttle.read_bps_device", false, &l, CG_LIMIT, "250:0 1000"));
	CHECK(row_says("blkio.throttle.write_iops_device", false, &l, CG_DEFAULT, "250:0 0"));
}

static void no_limit_is_the_kernels_default_in_both_versions(void)
{
	const struct cg_limits l = {.memory = CG_UNLIMITED,
				    .swap = CG_UNLIMITED,
				    .pids = CG_UNLIMITED,
				    .ioprio = UINT32_MAX};

	CHECK(row_says("memory.max", true, &l, CG_DEFAULT, "max"));
	CHECK(row_says("memory.limit_in_bytes", false, &l, CG_DEFAULT, "-1"));
	CHECK(row_says("memory.memsw.limit_in_bytes", false, &l, CG_DEFAULT, "-1"));
	CHECK(row_says("pids.max", false, &l, CG_DEFAULT, "max"));
	CHECK(row_says("cpu.max", true, &l, CG_DEFAULT, "max 100000"));
	CHECK(row_says("cpu.cfs_quota_us", false, &l, CG_DEFAULT, "-1"));
	CHECK(row_says("cpu.weight", true, &l, CG_DEFAULT, "100"));
	CHECK(find_row("io.weight", true)->format(&l, true, (char[8]){0}, 8) == CG_LEAVE);
	CHECK(find_row("io.max", true)->format(&l, true, (char[8]){0}, 8) == CG_LEAVE);
}

static void swap_without_a_ram_limit_never_overflows(void)
{
	struct cg_limits l = {.memory = CG_UNLIMITED, .swap = 4096};

	CHECK(row_says("memory.memsw.limit_in_bytes", false, &l, CG_DEFAULT, "-1"));
	l = (struct cg_limits){.memory = CG_UNLIMITED - 10, .swap = 4096};
	CHECK(row_says("memory.memsw.limit_in_bytes", false, &l, CG_DEFAULT, "-1"));
}

static void the_device_program_is_bounded(void)
{
	static struct cg_device many[200];
	struct bpf_insn insns[CG_DEVICE_INSN_MAX];
	struct cg_device tun = {'c', 10, 200, true, true, false};
	int plain = cg_device_compile(NULL, 0, insns, CG_DEVICE_INSN_MAX);

	CHECK(plain > 10 && plain < 100);
	CHECK(insns[plain - 1].code == (BPF_JMP | BPF_EXIT) && insns[plain - 2].imm == 0);
	CHECK(cg_device_compile(&tun, 1, insns, CG_DEVICE_INSN_MAX) > plain);
	tun.type = 'x';
	CHECK(cg_device_compile(&tun, 1, insns, CG_DEVICE_INSN_MAX) == -EINVAL);
	for (size_t i = 0; i < 200; i++)
		many[i] = (struct cg_device){'b', 8, (uint32_t)i, true, false, false};
	CHECK(cg_device_compile(many, 200, insns, CG_DEVICE_INSN_MAX) == -E2BIG);
	CHECK(cg_device_compile(many, 5000, insns, CG_DEVICE_INSN_MAX) == -E2BIG);
}

int main(void)
{
	RUN(a_key_is_found_by_its_whole_name);
	RUN(max_is_unlimited_and_only_one_word_counts);
	RUN(cpuunits_keep_their_ratio_within_the_kernels_range);
	RUN(a_cpu_list_yields_its_highest_member);
	RUN(containers_get_cpus_in_turn);
	RUN(the_own_place_is_read_per_controller);
	RUN(v1_hierarchies_are_counted_without_the_unified_one);
	RUN(a_service_goes_to_the_root_and_a_daemon_leaf_to_its_parent);
	RUN(a_parent_cannot_climb_out);
	RUN(a_line_is_found_by_its_device);
	RUN(each_limit_has_its_words_in_both_versions);
	RUN(no_limit_is_the_kernels_default_in_both_versions);
	RUN(swap_without_a_ram_limit_never_overflows);
	RUN(the_device_program_is_bounded);
	return check_failures != 0;
}
