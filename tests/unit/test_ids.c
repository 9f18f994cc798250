/* test_ids.c - a range of user ids is given to one tenant only, whatever is damaged. */
#include "tests/unit/daemon_fixture.h"

#include <sched.h>

static uint32_t next_free(void)
{
	uint32_t base = 0;

	err = (struct berth_error){0};
	return registry_free_id_base(&d, &base, &err) == 0 ? base : 0;
}

static void damage_facts(uint32_t ctid)
{
	char dir[BERTH_PATH_MAX];

	put_file(path_private(&d.paths, ctid, dir), "facts", "junk", 0600);
}

static void add_damaged(uint32_t ctid)
{
	put_config(ctid, "");
	put_facts(ctid);
	damage_facts(ctid);
	CHECK(registry_reload(&d, registry_add(&d, ctid), NULL) < 0);
}

static void a_range_is_taken_with_and_without_a_config(void)
{
	host_begin("");
	CHECK(next_free() == ID_FIRST);
	(void)add_ct(101, "");
	put_facts(102); /* its config is lost, or not put back yet */
	CHECK(next_free() == ID_FIRST + 2 * 65536);
	CHECK(registry_find(&d, 102) == NULL);
	host_end();
}

static void the_copy_of_the_facts_counts_when_they_are_damaged(void)
{
	char dir[BERTH_PATH_MAX], text[64];

	host_begin("");
	add_damaged(101);
	put_facts(102);
	damage_facts(102);
	for (uint32_t ctid = 101; ctid <= 102; ctid++) {
		(void)snprintf(text, sizeof(text), "id_base=%u\n", ID_FIRST + (ctid - 101) * 65536);
		put_file(path_private(&d.paths, ctid, dir), FACTS_COPY, text, 0600);
	}
	CHECK(next_free() == ID_FIRST + 2 * 65536);
	host_end();
}

/* Nobody knows which: but it is one of those that are given first. */
static void while_one_is_unknown_ranges_come_from_the_other_end(void)
{
	uint32_t last = 0x7fff0000u - 65536;

	host_begin("");
	add_damaged(101);
	CHECK(next_free() == last);
	registry_find(&d, 101)->facts.id_base = last;
	CHECK(next_free() == ID_FIRST);
	registry_find(&d, 101)->facts.id_base = 0;
	put_facts(103);
	damage_facts(103);
	registry_remove(&d, registry_find(&d, 101));
	put_facts(101);
	CHECK(next_free() == last && ID_FIRST != last);
	host_end();
}

/* A child in a user namespace with the map of a CT. */
static pid_t tenant_begin(uint32_t base)
{
	int ready[2], mapped[2];
	char map[64], path[64], c = 0;
	pid_t pid;

	CHECK(pipe2(ready, O_CLOEXEC) == 0 && pipe2(mapped, O_CLOEXEC) == 0);
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWUSER) < 0 || write(ready[1], &c, 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	CHECK(read(ready[0], &c, 1) == 1);
	(void)snprintf(map, sizeof(map), "0 %u 65536", base);
	(void)snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	CHECK(file_write_value_at(AT_FDCWD, path, map) == 0);
	for (int i = 0; i < 2; i++) {
		(void)close(ready[i]);
		(void)close(mapped[i]);
	}
	return pid;
}

static void a_running_ct_with_damaged_facts_keeps_its_range(void)
{
	pid_t init;

	host_begin("");
	init = tenant_begin(ID_FIRST);
	add_damaged(101);
	CHECK(dir_make(run_dir(101), 0755) == 0);
	put_state(101, init, 0, true);
	CHECK(next_free() == ID_FIRST + 65536);
	CHECK(registry_find(&d, 101)->facts.id_base == ID_FIRST);
	/* It is remembered: also when it runs no more. */
	init_end(init, SIGKILL);
	CHECK(next_free() == ID_FIRST + 65536);
	host_end();
}

static void while_something_runs_in_an_unknown_range_none_is_given(void)
{
	char path[128], text[16];
	pid_t pid;

	host_begin("");
	put_facts(101);
	damage_facts(101);
	CHECK(cg_host_setup(d.cg, &err) == 0);
	CHECK(cg_ct_create(d.cg, 101, ID_FIRST, ID_FIRST, &err) == 0);
	CHECK(next_free() == 0x7fff0000u - 65536); /* an empty cgroup runs nothing */
	pid = init_begin();
	(void)snprintf(path, sizeof(path), "%s/berth/101/inner/cgroup.procs", cgroup_parent + 1);
	(void)snprintf(text, sizeof(text), "%d", pid);
	CHECK(file_write_value_at(d.cg->hier[0].root, path, text) == 0);
	CHECK(next_free() == 0 && err.code == BERTH_ERR_BROKEN &&
	      strstr(err.msg, "CT 101") != NULL);
	init_end(pid, SIGKILL);
	cgroups_end(101);
	host_end();
}

static void a_map_that_is_no_cts_says_nothing(void)
{
	static const char *const bad[] = {
		"",
		"0 0 4294967295",
		"0 655425536 1",
		"1 655425536 65536",
		"0 655425537 65536",
		"x",
		"0 4294967295 65536",
		"0 1000 65536",
	};
	uint32_t base = 0;

	CHECK(ct_uid_map_parse("         0  655425536      65536\n", &base) == 0 &&
	      base == ID_FIRST);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(ct_uid_map_parse(bad[i], &base) == -EINVAL);
}

int main(void)
{
	int r = daemon_begin();

	if (r != 0)
		return r;
	RUN(a_range_is_taken_with_and_without_a_config);
	RUN(the_copy_of_the_facts_counts_when_they_are_damaged);
	RUN(while_one_is_unknown_ranges_come_from_the_other_end);
	RUN(a_running_ct_with_damaged_facts_keeps_its_range);
	RUN(while_something_runs_in_an_unknown_range_none_is_given);
	RUN(a_map_that_is_no_cts_says_nothing);
	return check_failures != 0;
}
