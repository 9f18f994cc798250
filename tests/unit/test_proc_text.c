/* test_proc_text.c - init and monitor are told from what /proc says, whatever a tenant calls his processes. */
#include "runtime/worker/proc_text.h"
#include "tests/unit/check.h"

#include <string.h>

static const char init_status[] =
	"Name:\tsystemd\nUmask:\t0000\nState:\tS "
	"(sleeping)\nUid:\t655425536\t655425536\t655425536\t"
	"655425536\nNStgid:\t4711\t1\nNSpid:\t4711\t1\nNSpgid:\t4711\t1\n";

static void init_is_process_1_of_a_namespace_right_below(void)
{
	CHECK(proc_is_first(init_status));
	CHECK(!proc_is_first("NSpid:\t4711\t2\n"));
	CHECK(!proc_is_first("NSpid:\t1\n"));
	/* A container in the CT. */
	CHECK(!proc_is_first("NSpid:\t4711\t12\t1\n"));
	CHECK(!proc_is_first("NSpid:\n") && !proc_is_first("NSpid:") && !proc_is_first(""));
	CHECK(!proc_is_first("Name:\tNSpid:\t5\t1\nNSpid:\t5\t2\n"));
	CHECK(!proc_is_first("NSpid:\tx\t1\n"));
}

static void root_has_all_four_ids(void)
{
	CHECK(proc_is_root("Name:\tx\nUid:\t0\t0\t0\t0\n"));
	CHECK(!proc_is_root(init_status));
	CHECK(!proc_is_root("Uid:\t655425536\t0\t0\t0\n"));
	CHECK(!proc_is_root("Uid:\t0\t0\t0\n") && !proc_is_root(""));
}

static void a_shell_with_a_command_is_no_init(void)
{
	CHECK(proc_is_shell_command("/bin/sh\0-c\0while :; do sleep 86400; done", 43));
	CHECK(!proc_is_shell_command("/sbin/init", 11));
	/* An init that is a script. */
	CHECK(!proc_is_shell_command("/bin/sh\0/sbin/init", 19));
	CHECK(!proc_is_shell_command("/bin/sh", 8) && !proc_is_shell_command("", 0));
}

static void a_child_that_waits_for_its_exec_is_no_init(void)
{
	CHECK(proc_has_execed("4711 (systemd) S 1 4711 4711 0 -1 4194560 123 0"));
	CHECK(!proc_has_execed("4711 (berth-worker) S 1 4711 4711 0 -1 4194624 123 0"));
	CHECK(!proc_has_execed("4711 (init) Z 1 4711 4711 0 -1 4194560 123 0"));
	/* A name may hold anything. */
	CHECK(!proc_has_execed("4711 (a) S 1 1 1 0 -1 0 (b) S 1 4711 4711 0 -1 64 123"));
	CHECK(!proc_has_execed("4711 (a") && !proc_has_execed("4711 (a) S 1") &&
	      !proc_has_execed(""));
}

static bool monitor(const char *text, size_t len, struct proc_monitor *ret)
{
	return proc_is_monitor(text, len, 101, "/x/run/berth/ct/101", ret);
}

static void a_monitor_is_known_by_ctid_and_directory(void)
{
	static const char good[] =
		"berth-monitor\0"
		"101\0/x/run/berth/ct/101\0init=5\0console=9\0notify=11\0child=1";
	static const char other_host[] = "berth-monitor\0"
					 "101\0/run/berth/ct/101\0init=5";
	static const char other_ct[] = "berth-monitor\0"
				       "102\0/x/run/berth/ct/101\0init=5";
	static const char bare[] = "berth-monitor\0"
				   "101\0/x/run/berth/ct/101\0console=-1\0notify=70000";
	struct proc_monitor m = {0};

	CHECK(monitor(good, sizeof(good), &m) && m.console == 9 && m.notify == 11);
	CHECK(monitor(bare, sizeof(bare), &m) && m.console == -1 && m.notify == -1);
	CHECK(!monitor(other_host, sizeof(other_host), &m));
	CHECK(!monitor(other_ct, sizeof(other_ct), &m));
	CHECK(!monitor("berth-monitor", 13, &m) && !monitor("", 0, &m));
	/* A last word without its NUL is none. */
	CHECK(!monitor(good, 30, &m));
}

int main(void)
{
	RUN(init_is_process_1_of_a_namespace_right_below);
	RUN(root_has_all_four_ids);
	RUN(a_shell_with_a_command_is_no_init);
	RUN(a_child_that_waits_for_its_exec_is_no_init);
	RUN(a_monitor_is_known_by_ctid_and_directory);
	return check_failures != 0;
}
