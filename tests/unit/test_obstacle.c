/* test_obstacle.c - a CTID of which anything is there is not free, and the refusal says what and the way out. */
#include "tests/unit/daemon_fixture.h"

#include "runtime/daemon/obstacle.h"

static bool is_refused(const char *word)
{
	err = (struct berth_error){0};
	return obstacle_check(&d, 101, &err) < 0 && err.code == BERTH_ERR_EXISTS &&
	       strstr(err.msg, word) != NULL && registry_free_ctid(&d) == 102;
}

static void make_and_see(const char *base, const char *name, const char *word)
{
	char path[BERTH_PATH_MAX];

	CHECK(dir_make(path_below(base, name, path), 0755) == 0);
	CHECK(is_refused(word));
	CHECK(rmdir(path) == 0 && obstacle_check(&d, 101, &err) == 0);
}

static void each_thing_that_may_be_a_cts_is_in_the_way(void)
{
	host_begin("");
	CHECK(obstacle_check(&d, 101, &err) == 0 && registry_free_ctid(&d) == 101);
	make_and_see(d.paths.lib, "private/101", "put its config");
	make_and_see(d.paths.lib, "private/.101.new", "look at it");
	make_and_see(d.paths.lib, "state/101.intent", "restart berthd");
	make_and_see(d.paths.run, "ct/101", "restart berthd");
	make_and_see(d.paths.etc, "ct/101.conf", "exists already");
	CHECK(cg_host_setup(d.cg, &err) == 0);
	CHECK(cg_ct_create(d.cg, 101, ID_FIRST, ID_FIRST, &err) == 0);
	CHECK(is_refused("cgroup"));
	cgroups_end(101);
	host_end();
}

/* An error is no "no": a broken link, a path that cannot be walked. */
static void what_cannot_be_looked_at_counts_as_there(void)
{
	char path[BERTH_PATH_MAX];

	host_begin("");
	CHECK(symlink("/nowhere", path_private(&d.paths, 101, path)) == 0);
	CHECK(is_refused("private/101"));
	CHECK(unlink(path) == 0 && obstacle_check(&d, 101, &err) == 0);
	path_below(d.paths.lib, "state", path);
	CHECK(rmdir(path) == 0);
	put_file(d.paths.lib, "state", "", 0600);
	CHECK(obstacle_check(&d, 101, &err) < 0);
	host_end();
}

int main(void)
{
	int r = daemon_begin();

	if (r != 0)
		return r;
	RUN(each_thing_that_may_be_a_cts_is_in_the_way);
	RUN(what_cannot_be_looked_at_counts_as_there);
	return check_failures != 0;
}
