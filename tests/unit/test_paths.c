/* test_paths.c - one --root moves everything. */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/paths.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static void without_a_root_the_places_are_the_real_ones(void)
{
	struct berth_paths p;

	CHECK(berth_paths_init(&p, NULL, NULL) == 0);
	CHECK(strcmp(p.etc, "/etc/berth") == 0 && strcmp(p.lib, "/var/lib/berth") == 0);
	CHECK(strcmp(p.run, "/run/berth") == 0);
	CHECK(berth_paths_init(&p, "/", NULL) == 0 && strcmp(p.run, "/run/berth") == 0);
}

static void a_root_stands_before_all_of_them(void)
{
	char buf[BERTH_PATH_MAX];
	struct berth_paths p;

	CHECK(berth_paths_init(&p, "/srv/b//", NULL) == 0);
	CHECK(strcmp(path_ct_config(&p, 101, buf), "/srv/b/etc/berth/ct/101.conf") == 0);
	CHECK(strcmp(path_private(&p, 101, buf), "/srv/b/var/lib/berth/private/101") == 0);
	CHECK(strcmp(path_run_ct(&p, 101, buf), "/srv/b/run/berth/ct/101") == 0);
	CHECK(strcmp(path_daemon_socket(&p, buf), "/srv/b/run/berth/berthd.sock") == 0);
	CHECK(strcmp(path_monitor_socket(&p, 101, buf), "/srv/b/run/berth/ct/101/monitor.sock") ==
	      0);
	CHECK(strcmp(path_below(p.etc, "x", buf), "/srv/b/etc/berth/x") == 0);
	CHECK(strcmp(path_below(p.etc, "", buf), "/srv/b/etc/berth") == 0);
}

static void a_bad_root_is_refused(void)
{
	struct berth_error err = {0};
	struct berth_paths p;
	char longer[400];

	CHECK(berth_paths_init(&p, "srv", &err) == -EINVAL && err.code == BERTH_ERR_VALUE);
	memset(longer, '/', sizeof(longer));
	longer[1] = 'a';
	longer[sizeof(longer) - 2] = 'a';
	longer[sizeof(longer) - 1] = '\0';
	CHECK(berth_paths_init(&p, longer, &err) == -ENAMETOOLONG);
}

static void check_mode(const char *base, const char *name, mode_t want)
{
	char path[BERTH_PATH_MAX];
	struct stat st;

	CHECK(stat(path_below(base, name, path), &st) == 0 && (st.st_mode & 07777) == want);
}

static void what_tenants_have_is_closed_to_others(void)
{
	char top[] = "/tmp/berth-test-paths.XXXXXX";
	struct berth_error err = {0};
	char path[BERTH_PATH_MAX];
	struct berth_paths p;

	CHECK(mkdtemp(top) != NULL);
	CHECK(berth_paths_init(&p, top, NULL) == 0);
	CHECK(berth_paths_make(&p, &err) == 0);
	CHECK(berth_paths_make(&p, &err) == 0);
	check_mode(p.lib, "", 0700);
	check_mode(p.lib, "private", 0700);
	check_mode(p.lib, "template", 0700);
	check_mode(p.run, "", 0755);
	check_mode(p.run, "ct", 0700);
	check_mode(p.etc, "ct", 0700);
	check_mode(p.etc, "samples", 0755);
	/* A CT's own, whoever comes first, and what an earlier version left open. */
	for (int i = 0; i < 2; i++) {
		auto_close int fd = paths_run_ct_open(&p, 101, &err);

		CHECK(fd >= 0);
		check_mode(p.run, "ct/101", 0700);
		CHECK(fchmod(fd, 0755) == 0);
	}
	CHECK(unlinkat(AT_FDCWD, path_run_ct(&p, 101, path), AT_REMOVEDIR) == 0);
	CHECK(symlink("/tmp", path) == 0);
	CHECK(paths_run_ct_open(&p, 101, &err) < 0 && strstr(err.msg, "CT 101") != NULL);
	CHECK(tree_remove_at(AT_FDCWD, top) == 0);
}

int main(void)
{
	RUN(without_a_root_the_places_are_the_real_ones);
	RUN(a_root_stands_before_all_of_them);
	RUN(a_bad_root_is_refused);
	RUN(what_tenants_have_is_closed_to_others);
	return check_failures != 0;
}
