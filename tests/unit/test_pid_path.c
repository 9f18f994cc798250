/* test_pid_path.c - which CT a process is in. */
#include "runtime/cli/pid_path.h"
#include "tests/unit/check.h"

static void the_path_tells_a_ct_and_its_init_confirms_it(void)
{
	static const char
		init[] = "12:cpu:/x/berth/999\n0::/system.slice/berthd/berth/101/inner/init.scope",
		process[] = "0::/system.slice/berthd/berth/101/inner/system.slice/ssh.service\n";
	uint32_t ctid = 0;
	size_t at = 0;

	CHECK(pid_path_guess(process, &at, &ctid) == 0 && ctid == 101);
	CHECK(pid_path_guess(process, &at, &ctid) < 0);
	CHECK(pid_path_is_in(process, init, 101));
	CHECK(pid_path_is_in("0::/system.slice/berthd/berth/101/inner", init, 101));
	CHECK(!pid_path_is_in("0::/system.slice/berthd/berth/101/innermost", init, 101));
	CHECK(!pid_path_is_in("0::/system.slice/berthd/berth/101", init, 101));
	CHECK(!pid_path_is_in("0::/other/berth/101/inner", init, 101));
	CHECK(!pid_path_is_in(process, init, 102));
	CHECK(!pid_path_is_in("1:x:/", init, 101) && !pid_path_is_in(process, "", 101));
}

/* A CT names the cgroups that it makes. */
static void a_ct_cannot_pass_for_another(void)
{
	static const char forged[] = "0::/berth/101/inner/berth/102/inner/x",
			  init_102[] = "0::/berth/102/inner",
			  init_101[] = "0::/berth/101/inner/berth/101/inner";
	uint32_t ctid = 0;
	size_t at = 0;

	CHECK(pid_path_guess(forged, &at, &ctid) == 0 && ctid == 101);
	CHECK(pid_path_guess(forged, &at, &ctid) == 0 && ctid == 102);
	CHECK(!pid_path_is_in(forged, init_102, 102));
	CHECK(pid_path_is_in(forged, init_101, 101));
	CHECK(pid_path_is_in("0::/berth/101/inner", init_101, 101));
}

static void what_is_no_ct_is_the_hosts(void)
{
	static const char *const texts[] = {"",
					    "0::/",
					    "0::/berth",
					    "0::/berth/",
					    "0::/berth/101",
					    "0::/berth/99/inner",
					    "0::/berth/0101/inner",
					    "0::/berth/101x/inner",
					    "0::/berth/99999999999999999999/inner",
					    "1:name=x:/berth/101/inner\n",
					    "0::/\n/berth/101/inner"};
	uint32_t ctid;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t at = 0;

		CHECK(pid_path_guess(texts[i], &at, &ctid) < 0);
	}
}

static void the_pid_inside_is_one_level_down(void)
{
	uint32_t pid = 0;

	CHECK(pid_inside("Name:\tx\nNSpid:\t4711\t17\t3\n", &pid) == 0 && pid == 17);
	CHECK(pid_inside("Name:\tx\nNSpid:\t4711\n", &pid) < 0 &&
	      pid_inside("Name:\tx\n", &pid) < 0);
	CHECK(pid_inside("NSpid:\t4711\tx", &pid) < 0);
}

int main(void)
{
	RUN(the_path_tells_a_ct_and_its_init_confirms_it);
	RUN(a_ct_cannot_pass_for_another);
	RUN(what_is_no_ct_is_the_hosts);
	RUN(the_pid_inside_is_one_level_down);
	return check_failures != 0;
}
