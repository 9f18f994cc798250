/*
 * test_cg_ct.c - the life of a CT's cgroups: made, entered, frozen, killed, removed; its devices.
 * With the argument "time" it only prints what the steps of a start cost.
 *
 * covers: cgroups/attach.c cgroups/discovery.c cgroups/freeze.c cgroups/host.c cgroups/probe.c
 */
#include "cgroups/host.h"
#include "tests/unit/cg_live.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

static void a_created_ct_is_delegated_below_its_limits(void)
{
	static const char *const inner[] = {"4242/inner", "4242/inner/cgroup.procs",
					    "4242/inner/cgroup.subtree_control"};
	static const char *const outer[] = {"4242", "4242/cgroup.procs",
					    "4242/inner/cgroup.freeze"};
	int berth = host->hier[0].berth;
	char buf[64];
	struct stat st;
	uint32_t *ctids = NULL;

	fresh();
	for (size_t i = 0; i < 3; i++) {
		CHECK(fstatat(berth, inner[i], &st, 0) == 0 && st.st_uid == OWNER);
		CHECK(fstatat(berth, outer[i], &st, 0) == 0 && st.st_uid == 0);
	}
	CHECK(cg_read(&host->hier[0], CT, "cgroup.max.depth", buf, sizeof(buf)) == 0 &&
	      strcmp(buf, "8") == 0);
	CHECK(cg_read(&host->hier[0], CT, "cgroup.max.descendants", buf, sizeof(buf)) == 0 &&
	      strcmp(buf, "256") == 0);
	CHECK(cg_ct_exists(host, CT) && cg_ct_populated(host, CT, &err) == 0);
	CHECK(cg_ct_list(host, &ctids, &err) == 1 && ctids[0] == CT);
	free(ctids);
	/* What v2 gives to the outer cgroup must be visible in the inner one. */
	if (host->of[CG_MEMORY] == 0)
		CHECK(cg_has_file(&host->hier[0], "4242/inner/memory.current"));
	gone();
	CHECK(nothing_left());
	CHECK(cg_ct_list(host, &ctids, &err) == 0 && ctids == NULL);
	CHECK(ok(cg_ct_remove(host, CT, 0, &err)));
}

static void a_leftover_is_remade_without_its_old_limits(void)
{
	struct cg_limits l = no_limits();

	fresh();
	l.pids = 7;
	CHECK(ok(cg_ct_apply(host, CT, &l, &err)));
	fresh();
	CHECK(strcmp(value_of(CG_PIDS, "pids.max", "pids.max"), "max") == 0);
	gone();
}

static void a_populated_ct_is_not_remade(void)
{
	pid_t pid;

	fresh();
	pid = start_in(child_sleep, false);
	CHECK(cg_ct_create(host, CT, OWNER, OWNER, &err) == -EBUSY);
	CHECK(err.code == BERTH_ERR_RUNNING);
	CHECK(cg_ct_populated(host, CT, &err) == 1);
	CHECK(cg_ct_remove(host, CT, 50, &err) == -EBUSY && err.code == BERTH_ERR_STUCK);
	CHECK(cg_ct_populated(host, CT, &err) == 1);
	CHECK(ok(cg_ct_kill(host, CT, &err)));
	(void)wait_status(pid);
	gone();
}

static int child_devices(void)
{
	auto_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	auto_close int ptmx = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	auto_close int kmsg = open("/dev/kmsg", O_RDONLY | O_CLOEXEC);

	if (null < 0 || (ptmx < 0 && errno == EPERM))
		return 1;
	return kmsg < 0 && errno == EPERM ? 0 : 2;
}

static int child_kmsg_reads(void)
{
	auto_close int writing = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	auto_close int reading = -EBADF;

	if (writing >= 0)
		return 1;
	reading = open("/dev/kmsg", O_RDONLY | O_CLOEXEC);
	return reading >= 0 ? 0 : 2;
}

static int child_mknod(void)
{
	return mknodat(AT_FDCWD, "/tmp/berth-unit-node", S_IFBLK | 0600, makedev(7, 0)) < 0 &&
			       errno == EPERM
		       ? 0
		       : 1;
}

static void a_device_outside_of_the_policy_is_refused(void)
{
	const struct cg_device kmsg = {'c', 1, 11, true, false, false};

	fresh();
	CHECK(ok(cg_ct_devices(host, CT, NULL, 0, &err)));
	CHECK(exits_0(child_devices));
	CHECK(exits_0(child_mknod));
	/* Live change, both ways. */
	CHECK(ok(cg_ct_devices(host, CT, &kmsg, 1, &err)));
	CHECK(exits_0(child_kmsg_reads));
	CHECK(ok(cg_ct_devices(host, CT, NULL, 0, &err)));
	CHECK(exits_0(child_devices));
	gone();
	CHECK(cg_ct_devices(host, CT, NULL, 0, &err) == -ENOENT &&
	      err.code == BERTH_ERR_NOT_RUNNING);
}

/* Its own cgroup, as /proc says, ends with "berth/4242/inner" in every hierarchy of ours. */
static int child_where(void)
{
	auto_free char *text = NULL;
	char own[CG_PARENT_MAX];

	if (file_read_at(AT_FDCWD, "/proc/self/cgroup", 65536, &text, NULL) < 0)
		return 1;
	if (cg_parse_own(text, NULL, own, sizeof(own)) < 0 ||
	    strstr(own, "/berth/4242/inner") == NULL)
		return 2;
	for (unsigned int i = 1; i < host->n_hier; i++)
		if (cg_parse_own(text, host->hier[i].controller, own, sizeof(own)) < 0 ||
		    strstr(own, "/berth/4242") == NULL)
			return 3;
	return 0;
}

static void init_and_exec_are_born_in_every_hierarchy(void)
{
	pid_t pid;
	int status;

	fresh();
	CHECK(exits_0(child_where));
	pid = start_in(child_where, true);
	status = wait_status(pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CHECK(cg_has_file(&host->hier[0], "4242/inner/.berth"));
	gone();
	CHECK(nothing_left());
}

/* What root in a CT could mount is its own place, not this host's top: named hierarchies, too. */
static int child_not_at_any_top(void)
{
	auto_free char *text = NULL;
	unsigned int n = 0;

	if (file_read_at(AT_FDCWD, "/proc/self/cgroup", 65536, &text, NULL) < 0)
		return 1;
	for (const char *p = text; (p = strstr(p, "/berth/4242")) != NULL; p++)
		n++;
	return n == cg_parse_count_v1(text) + 1 ? 0 : 2;
}

static void a_ct_is_in_every_hierarchy_that_is_mounted(void)
{
	fresh();
	CHECK(exits_0(child_not_at_any_top));
	gone();
	CHECK(nothing_left());
}

static void a_frozen_ct_stands_still_and_can_be_killed(void)
{
	pid_t pid;
	uint64_t v = 0;
	int status;

	fresh();
	pid = start_in(child_sleep, false);
	CHECK(ok(cg_ct_freeze(host, CT, true, &err)));
	CHECK(cg_read_key(&host->hier[0], CT, "cgroup.events", "frozen", &v) == 0 && v == 1);
	CHECK(ok(cg_ct_freeze(host, CT, false, &err)));
	CHECK(ok(cg_ct_freeze(host, CT, true, &err)));
	CHECK(ok(cg_ct_kill(host, CT, &err)));
	status = wait_status(pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	gone();
	CHECK(cg_ct_freeze(host, CT, true, &err) == -ENOENT && err.code == BERTH_ERR_NOT_RUNNING);
}

static void killing_one_by_one_reaches_the_whole_subtree(void)
{
	pid_t a, b;

	fresh();
	a = start_in(child_sleep, false);
	CHECK(mkdirat(host->hier[0].berth, "4242/inner/deep", 0755) == 0);
	b = start_in(child_sleep, true);
	CHECK(ok(cg_kill_by_pids(host, CT, &err)));
	CHECK(WIFSIGNALED(wait_status(a)) && WIFSIGNALED(wait_status(b)));
	gone();
}

static void a_ct_cannot_make_cgroups_without_end(void)
{
	int n = 0, berth = host->hier[0].berth;
	char name[64];

	fresh();
	for (; n < 400; n++) {
		(void)snprintf(name, sizeof(name), "4242/inner/%d", n);
		if (mkdirat(berth, name, 0755) < 0)
			break;
	}
	CHECK(errno == EAGAIN && n == 255);
	gone();
	CHECK(nothing_left());
}

static bool moved_to(const char *group)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	return file_write_value_at(host->hier[0].root, path, "0") == 0;
}

/* As under systemd: berthd in PARENT/daemon, without a parent given. */
static int child_daemon_leaf(void)
{
	struct cg_host *h = NULL;
	char leaf[96];
	int r;

	(void)snprintf(leaf, sizeof(leaf), "%s/daemon", parent + 1);
	if (mkdirat(host->hier[0].root, leaf, 0755) < 0 || !moved_to(leaf))
		return 1;
	if (!ok(cg_host_open(NULL, &h, &err)))
		return 2;
	r = strcmp(h->hier[0].parent, parent + 1) == 0 ? 0 : 3;
	/* The CTs of both views are the same ones. */
	if (r == 0 && (h->hier[0].berth < 0 || !cg_has_file(&h->hier[0], "4242")))
		r = 4;
	cg_host_free(h);
	return r;
}

static int run_child(child_fn *fn)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(fn());
	return wait_status(pid);
}

static void a_daemon_leaf_makes_its_parent_the_parent(void)
{
	char leaf[96];

	fresh();
	CHECK(run_child(child_daemon_leaf) == 0);
	gone();
	(void)snprintf(leaf, sizeof(leaf), "%s/daemon", parent + 1);
	CHECK(unlinkat(host->hier[0].root, leaf, AT_REMOVEDIR) == 0);
}

/* A parent that holds processes cannot give controllers to children: v2's rule, said clearly. */
static int child_busy_parent(void)
{
	struct cg_host *h = NULL;
	char group[96];
	int r;

	(void)snprintf(group, sizeof(group), "%s-busy", parent);
	if (mkdirat(host->hier[0].root, group + 1, 0755) < 0 || !moved_to(group + 1))
		return 1;
	if (!ok(cg_host_open(group, &h, &err)))
		return 2;
	r = cg_host_setup(h, &err) == -EBUSY && err.code == BERTH_ERR_UNSUPPORTED &&
			    strstr(err.msg, "DelegateSubgroup=daemon") != NULL
		    ? 0
		    : 3;
	(void)cg_host_teardown(h, NULL);
	cg_host_free(h);
	return r;
}

static void a_parent_with_processes_is_refused_on_v2(void)
{
	char group[96];

	if (host->of[CG_MEMORY] != 0)
		return;
	CHECK(run_child(child_busy_parent) == 0);
	(void)snprintf(group, sizeof(group), "%s-busy", parent + 1);
	CHECK(unlinkat(host->hier[0].root, group, AT_REMOVEDIR) == 0);
}

static void print_finding(const char *name, const char *level, const char *text, const char *fix,
			  void *data)
{
	unsigned int *n = data;

	(*n)++;
	(void)printf("# %s %s: %s%s%s\n", level, name, text, fix[0] != '\0' ? "; mend: " : "", fix);
	CHECK((strcmp(level, "ok") == 0) == (fix[0] == '\0'));
}

static void what_is_anothers_changes_hands_only_without_a_ct(void)
{
	CHECK(ok(cg_host_claim(host, "/one", &err)) && ok(cg_host_claim(host, "/one", &err)));
	CHECK(ok(cg_ct_create(host, CT, OWNER, OWNER, &err)));
	CHECK(cg_host_claim(host, "/two", &err) == -EEXIST);
	CHECK(err.code == BERTH_ERR_EXISTS && strstr(err.msg, "(--root /one);") != NULL);
	CHECK(ok(cg_ct_remove(host, CT, 3000, &err)));
	CHECK(ok(cg_host_claim(host, "", &err)) && ok(cg_host_claim(host, "/", &err)));
	CHECK(ok(cg_ct_create(host, CT, OWNER, OWNER, &err)));
	CHECK(cg_host_claim(host, "/one", &err) == -EEXIST);
	CHECK(strstr(err.msg, "(--root /);") != NULL);
	CHECK(ok(cg_ct_remove(host, CT, 3000, &err)));
}

/* Another berth may claim it between this one's claim and its first CT: then that CT is not made. */
static void a_claim_that_was_lost_makes_no_ct(void)
{
	struct cg_host *other;

	CHECK(ok(cg_host_open(parent, &other, &err)));
	CHECK(ok(cg_host_claim(host, "/one", &err)));
	CHECK(ok(cg_host_claim(other, "/two", &err)));
	CHECK(ok(cg_ct_create(other, CT + 1, OWNER, OWNER, &err)));
	CHECK(cg_ct_create(host, CT, OWNER, OWNER, &err) == -EEXIST);
	CHECK(strstr(err.msg, "(--root /two);") != NULL && !cg_ct_exists(host, CT));
	CHECK(ok(cg_ct_remove(other, CT + 1, 3000, &err)));
	/* The other has none any more. */
	CHECK(ok(cg_ct_create(host, CT, OWNER, OWNER, &err)));
	CHECK(cg_host_claim(other, "/two", &err) == -EEXIST);
	CHECK(ok(cg_ct_remove(host, CT, 3000, &err)));
	cg_host_free(other);
}

static void doctor_agrees_with_the_probe(void)
{
	const struct cg_probe *p = cg_host_probe(host);
	unsigned int n = 0;

	CHECK(p->hybrid == (host->of[CG_MEMORY] > 0 || host->of[CG_PIDS] > 0));
	CHECK(p->memory && p->cpu && p->pids && p->freeze && p->kill && p->devices);
	CHECK(p->memory_v2 == (host->of[CG_MEMORY] == 0));
	cg_doctor(host, print_finding, &n);
	CHECK(n >= 9);
}

static void print_times(void)
{
	struct cg_limits l = {.memory = 512 * MIB,
			      .swap = 256 * MIB,
			      .pids = 1000,
			      .cpulimit = 50,
			      .cpuunits = 1000,
			      .ioprio = 4};
	struct cg_host *h = NULL;
	struct cg_stat s;
	double t[9];
	pid_t pid;

	t[0] = now_ms();
	CHECK(ok(cg_host_open(parent, &h, &err)));
	t[1] = now_ms();
	CHECK(ok(cg_ct_create(h, CT, OWNER, OWNER, &err)));
	t[2] = now_ms();
	CHECK(ok(cg_ct_apply(h, CT, &l, &err)));
	t[3] = now_ms();
	CHECK(ok(cg_ct_devices(h, CT, NULL, 0, &err)));
	t[4] = now_ms();
	pid = start_in(child_where, false);
	t[5] = now_ms();
	(void)wait_status(pid);
	t[6] = now_ms();
	CHECK(ok(cg_ct_stat(h, CT, &s, &err)));
	t[7] = now_ms();
	CHECK(ok(cg_ct_remove(h, CT, 3000, &err)));
	t[8] = now_ms();
	cg_host_free(h);
	(void)printf("# ms: open %.3f create %.3f apply %.3f devices %.3f clone %.3f child %.3f "
		     "stat %.3f remove %.3f\n",
		     t[1] - t[0], t[2] - t[1], t[3] - t[2], t[4] - t[3], t[5] - t[4], t[6] - t[5],
		     t[7] - t[6], t[8] - t[7]);
}

static void run_all(void)
{
	RUN(a_created_ct_is_delegated_below_its_limits);
	RUN(a_leftover_is_remade_without_its_old_limits);
	RUN(a_populated_ct_is_not_remade);
	RUN(a_device_outside_of_the_policy_is_refused);
	RUN(init_and_exec_are_born_in_every_hierarchy);
	RUN(a_ct_is_in_every_hierarchy_that_is_mounted);
	RUN(a_frozen_ct_stands_still_and_can_be_killed);
	RUN(killing_one_by_one_reaches_the_whole_subtree);
	RUN(a_ct_cannot_make_cgroups_without_end);
	RUN(a_daemon_leaf_makes_its_parent_the_parent);
	RUN(a_parent_with_processes_is_refused_on_v2);
	RUN(what_is_anothers_changes_hands_only_without_a_ct);
	RUN(a_claim_that_was_lost_makes_no_ct);
	RUN(doctor_agrees_with_the_probe);
}

int main(int argc, char **argv)
{
	int r = live_begin("test_cg_ct");

	if (r != 0)
		return r;
	CHECK(ok(cg_host_setup(host, &err)));
	if (argc > 1 && strcmp(argv[1], "time") == 0) {
		for (int i = 0; i < 8; i++)
			print_times();
	} else {
		run_all();
	}
	return live_end();
}
