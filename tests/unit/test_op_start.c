/*
 * test_op_start.c - a CT of the tiny template: started, adopted, changed while it runs, cleaned away; and
 * what a start that fails leaves.
 *
 * covers: runtime/worker/op_adopt.c runtime/worker/op_apply.c runtime/worker/op_cleanup.c
 * covers: runtime/worker/become.c runtime/worker/guest_update.c runtime/monitor/main.c
 * covers: runtime/worker/lost_run.c
 */
#include "tests/unit/worker_fixture.h"

#include "netsetup/net.h"

#include <fcntl.h>
#include <net/if.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct ct_run run;

static bool nothing_runs(void)
{
	return !cg_ct_exists(cg, 101) && mounts_of_ours() == 0 && if_nametoindex("ct101.0") == 0 &&
	       !is_there(run_dir(101), "state") && !is_there(run_dir(101), "monitor.sock");
}

static bool start(void)
{
	return is_ok(WORKER("start", "101")) && ct_run_load(&paths, 101, &run, NULL) == 0 &&
	       run.launched && run.monitor.pid == said.pid;
}

static bool is_alive(const struct pidref *p)
{
	auto_close int fd = pidref_open(p);

	return fd >= 0;
}

/* Somebody listens for berthd. */
static bool monitor_answers(void)
{
	auto_close int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char path[BERTH_PATH_MAX];

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%.100s",
		       path_monitor_socket(&paths, 101, path));
	return connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
}

/* All that runs is killed; then the worker releases it. */
static bool end(void)
{
	(void)cg_ct_kill(cg, 101, &err);
	(void)waitpid(run.monitor.pid, NULL, 0);
	return is_ok(WORKER("cleanup", "101")) && nothing_runs();
}

/* A file of init's in /proc. */
static const char *of_init(const char *name)
{
	static char text[16384];
	char path[128];
	auto_close int fd = -EBADF;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", run.init.pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : fd_read_all(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static enum berth_errcode apply(const char *conf)
{
	char text[512];

	(void)snprintf(text, sizeof(text),
		       "OSTEMPLATE=\"tiny\"\nVE_LAYOUT=\"overlay\"\nDISKSPACE=\"64M\"\n%s", conf);
	put_candidate(101, text);
	return WORKER("apply", "101");
}

static void a_start_leads_to_init_network_and_monitor(void)
{
	uint64_t pid = 0;

	CHECK(start());
	CHECK(value_get_u64(said.values, "init_pid", &pid) == 0);
	CHECK(pid == (uint64_t)run.init.pid && is_alive(&run.init));
	CHECK(cg_ct_exists(cg, 101) && if_nametoindex("ct101.0") != 0 && monitor_answers());
	/* The CT is mounted in its monitor's namespace, not in ours. */
	CHECK(mounts_of_ours() == 0);
	CHECK(strstr(of_init("root/etc/hostname"), "first") != NULL);
	CHECK(end());
	/* Any number of times. */
	CHECK(is_ok(WORKER("cleanup", "101")) && nothing_runs());
}

/* The lock of a CT that starts is free when the worker says so, whatever number it had. */
static void the_lock_is_given_back_by_any_number(void)
{
	char path[BERTH_PATH_MAX];
	auto_close int other = -EBADF;
	int fd = open(path_below(run_dir(101), "lock", path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	worker_lock = fcntl(fd, F_DUPFD_CLOEXEC, 200);
	CHECK(worker_lock >= 200 && flock(fd, LOCK_EX | LOCK_NB) == 0 && start());
	(void)close(fd);
	fd_close(&worker_lock);
	worker_lock = -1;
	other = open(path, O_RDWR | O_CLOEXEC);
	CHECK(flock(other, LOCK_EX | LOCK_NB) == 0);
	CHECK(end());
}

static void a_held_ct_runs_a_shell_instead_of_init(void)
{
	CHECK(is_ok(WORKER("start", "101", "hold")));
	CHECK(ct_run_load(&paths, 101, &run, NULL) == 0 && run.stop_signal == 0 && !run.notifies);
	CHECK(end());
}

static void a_killed_monitor_gets_a_successor_of_the_same_init(void)
{
	struct pidref init;

	CHECK(start());
	init = run.init;
	CHECK(kill(run.monitor.pid, SIGKILL) == 0);
	(void)waitpid(run.monitor.pid, NULL, 0);
	CHECK(is_alive(&init) && !monitor_answers());
	CHECK(WORKER("adopt", "101", "console") == BERTH_ERR_OPTION);
	CHECK(is_ok(WORKER("adopt", "101")));
	CHECK(ct_run_load(&paths, 101, &run, NULL) == 0 && run.monitor.pid == said.pid);
	CHECK(run.init.pid == init.pid && run.init.start_time == init.start_time);
	CHECK(run.launched && monitor_answers());
	CHECK(end());
	CHECK(WORKER("adopt", "101") == BERTH_ERR_NOT_RUNNING);
}

static bool is_the_same(const struct pidref *a, const struct pidref *b)
{
	return a->pid == b->pid && a->start_time == b->start_time;
}

/* Nobody may take it for dead and clean it up alive. */
static void a_ct_that_lost_its_state_file_is_found_again(void)
{
	struct pidref init, monitor;
	char path[BERTH_PATH_MAX];

	CHECK(start());
	init = run.init;
	monitor = run.monitor;
	CHECK(unlink(path_below(run_dir(101), "state", path)) == 0);
	CHECK(is_ok(WORKER("adopt", "101")) && waitpid(said.pid, NULL, 0) == said.pid);
	CHECK(ct_run_load(&paths, 101, &run, NULL) == 0 && run.launched);
	CHECK(is_the_same(&run.init, &init) && is_the_same(&run.monitor, &monitor));
	CHECK(run.stop_signal == SIGUSR2); /* as busybox wants it */
	/* Damaged, and its monitor dead as well. */
	CHECK(kill(monitor.pid, SIGKILL) == 0 && waitpid(monitor.pid, NULL, 0) == monitor.pid);
	put_file(run_dir(101), "state", "junk");
	CHECK(is_ok(WORKER("adopt", "101")));
	CHECK(ct_run_load(&paths, 101, &run, NULL) == 0 && run.monitor.pid == said.pid);
	CHECK(is_the_same(&run.init, &init) && monitor_answers());
	CHECK(end());
}

static bool has_addr(const char *addr)
{
	return strstr(of_init("net/fib_trie"), addr) != NULL;
}

static void what_is_changed_is_true_in_the_running_ct(void)
{
	CHECK(start());
	CHECK(is_ok(apply("HOSTNAME=\"second\"\nIP_ADDRESS=\"10.0.0.2\"\nNUMPROC=\"77\"\n"
			  "NAMESERVER=\"192.0.2.53\"\n")));
	CHECK(strstr(of_init("root/etc/hostname"), "second") != NULL);
	CHECK(strstr(of_init("root/etc/resolv.conf"), "192.0.2.53") != NULL);
	CHECK(has_addr("10.0.0.2") && !has_addr("10.0.0.1"));
	CHECK(end());
}

static void what_cannot_be_changed_changes_nothing(void)
{
	CHECK(start());
	/* The disk comes last and cannot shrink below what is in it: all before is undone. */
	CHECK(apply("HOSTNAME=\"third\"\nIP_ADDRESS=\"10.0.0.3\"\nDISKSPACE=\"1M\"\n") != BERTH_OK);
	CHECK(has_addr("10.0.0.1") && !has_addr("10.0.0.3"));
	CHECK(apply("IP_ADDRESS=\"127.0.0.1\"\n") != BERTH_OK && has_addr("10.0.0.1"));
	CHECK(apply("CPUMASK=\"4000\"\nIP_ADDRESS=\"10.0.0.3\"\n") != BERTH_OK);
	CHECK(has_addr("10.0.0.1") && !has_addr("10.0.0.3"));
	CHECK(apply("NAME\n") != BERTH_OK && is_alive(&run.init));
	CHECK(end());
}

static void a_stopped_ct_takes_only_what_concerns_its_disk(void)
{
	CHECK(is_ok(apply("DISKSPACE=\"96M\"\nHOSTNAME=\"first\"\n")) && nothing_runs());
	CHECK(apply("CPUMASK=\"4000\"\n") != BERTH_OK && nothing_runs());
	CHECK(WORKER("apply", "102") != BERTH_OK);
}

static void a_start_that_fails_undoes_all_it_did(void)
{
	char from[BERTH_PATH_MAX], to[BERTH_PATH_MAX], root[BERTH_PATH_MAX] = "";

	CHECK(WORKER("start", "102") == BERTH_ERR_NO_CONFIG && !cg_ct_exists(cg, 102));
	/* The image of its template is gone: after the cgroup, before the clone. */
	path_below(paths.lib, "template/image", from);
	path_below(paths.lib, "template/aside", to);
	CHECK(rename(from, to) == 0 && WORKER("start", "101") == BERTH_ERR_NO_TEMPLATE);
	CHECK(nothing_runs() && rename(to, from) == 0);
	/* A monitor that cannot be run: after the network. */
	CHECK(mount("/dev/null", BERTH_BIN "/berth-monitor", NULL, MS_BIND, NULL) == 0);
	CHECK(WORKER("start", "101") == BERTH_ERR_HELPER && says("berth-monitor"));
	CHECK(nothing_runs() && umount(BERTH_BIN "/berth-monitor") == 0);
	/* No init in it: found when nearly all was done. */
	CHECK(is_ok(WORKER("mount", "101")));
	CHECK(value_get(said.values, "path", root, sizeof(root)) == 0);
	path_below(root, "sbin/init", from);
	path_below(root, "sbin/aside", to);
	CHECK(rename(from, to) == 0 && is_ok(WORKER("umount", "101")));
	CHECK(WORKER("start", "101") == BERTH_ERR_BAD_TEMPLATE && says("berth mount 101"));
	CHECK(nothing_runs());
	/* Only a shell is needed to hold it. */
	CHECK(is_ok(WORKER("start", "101", "hold")));
	CHECK(ct_run_load(&paths, 101, &run, NULL) == 0 && end());
	CHECK(is_ok(WORKER("mount", "101")) && rename(to, from) == 0);
	CHECK(is_ok(WORKER("umount", "101")) && nothing_runs());
}

/* Whatever whoever ordered it believes: nothing of a CT is cleaned up that is not proved to be dead. */
static void a_clean_up_refuses_what_runs(void)
{
	static const char *const damage[] = {"", "junk", "boot_id=x\ninit_pid=1\n", NULL};
	char state[BERTH_PATH_MAX], aside[BERTH_PATH_MAX];

	CHECK(start());
	CHECK(WORKER("cleanup", "101") == BERTH_ERR_RUNNING &&
	      says("nothing of it was cleaned up"));
	CHECK(is_alive(&run.init) && is_alive(&run.monitor));
	path_below(run_dir(101), "state", state);
	path_below(run_dir(101), "aside", aside);
	CHECK(rename(state, aside) == 0);
	for (int i = -1; i < 0 || damage[i] != NULL; i++) {
		if (i >= 0)
			put_file(run_dir(101), "state", damage[i]);
		CHECK(WORKER("cleanup", "101") == BERTH_ERR_RUNNING && says("--fast"));
		CHECK(is_alive(&run.init) && is_alive(&run.monitor) && monitor_answers());
	}
	CHECK(rename(aside, state) == 0 && end());
}

/* A worker that was killed half-way, by all that it may leave. */
static void a_clean_up_works_on_whatever_is_there(void)
{
	CHECK(start());
	CHECK(kill(run.monitor.pid, SIGKILL) == 0);
	(void)waitpid(run.monitor.pid, NULL, 0);
	put_file(run_dir(101), "console.log", "it says why a CT went down");
	CHECK(is_ok(WORKER("cleanup", "101", "kill")) && nothing_runs());
	CHECK(waitpid(run.init.pid, NULL, 0) == run.init.pid);
	CHECK(is_there(run_dir(101), "console.log"));
	CHECK(cg_ct_create(cg, 101, 655425536, 655425536, &err) == 0);
	put_file(run_dir(101), "state", "junk");
	CHECK(is_ok(WORKER("cleanup", "101")) && nothing_runs());
}

int main(void)
{
	int r = worker_begin(true);

	if (r != 0)
		return r;
	/* Inits whose monitor is killed come to us and are waited for. */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	(void)signal(SIGCHLD, SIG_DFL);
	CHECK(create_ct("101", "HOSTNAME=\"first\"\nIP_ADDRESS=\"10.0.0.1\"\n"));
	RUN(a_start_leads_to_init_network_and_monitor);
	RUN(the_lock_is_given_back_by_any_number);
	RUN(a_held_ct_runs_a_shell_instead_of_init);
	RUN(a_killed_monitor_gets_a_successor_of_the_same_init);
	RUN(a_ct_that_lost_its_state_file_is_found_again);
	RUN(what_is_changed_is_true_in_the_running_ct);
	RUN(what_cannot_be_changed_changes_nothing);
	RUN(a_stopped_ct_takes_only_what_concerns_its_disk);
	RUN(a_start_that_fails_undoes_all_it_did);
	RUN(a_clean_up_refuses_what_runs);
	RUN(a_clean_up_works_on_whatever_is_there);
	CHECK(is_ok(WORKER("destroy", "101", "order", UUID, "0", "0")));
	return worker_end();
}
