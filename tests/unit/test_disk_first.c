/* test_disk_first.c - what a method reads is read by a thread first, unless the kernel has it in memory. */
#include "tests/unit/daemon_fixture.h"

#include "runtime/daemon/disk_first.h"
#include "runtime/daemon/found.h"

#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/statfs.h>

static void what_was_just_read_or_looked_for_in_vain_is_in_memory(void)
{
	char path[BERTH_PATH_MAX];

	host_begin("");
	put_config(101, "");
	CHECK(file_is_cached(path_ct_config(&d.paths, 101, path)));
	CHECK(access(path_ct_config(&d.paths, 102, path), F_OK) < 0 && file_is_cached(path));
	CHECK(file_is_cached(path_below(d.paths.etc, "ct", path)));
	host_end();
}

/* Not at once: what is changed right after a look could have the same time. */
static void scan_until_current(void)
{
	WAIT_FOR((found_rescan(&d), found_is_current(&d)));
}

static void a_directory_of_configs_is_looked_at_when_it_has_changed(void)
{
	struct timespec times[2];
	char path[BERTH_PATH_MAX];
	struct stat st;

	host_begin("");
	put_facts(101);
	put_config(101, "");
	found_rescan(&d);
	/* It may have been changed in the same moment. */
	CHECK(d.n_cts == 1 && !found_is_current(&d));
	scan_until_current();
	/* As a backup puts it back: with the time that it had. */
	CHECK(stat(path_below(d.paths.etc, "ct", path), &st) == 0);
	put_facts(102);
	put_config(102, "");
	times[0] = times[1] = st.st_mtim;
	CHECK(utimensat(AT_FDCWD, path, times, 0) == 0);
	CHECK(!found_is_current(&d));
	found_rescan(&d);
	CHECK(d.n_cts == 2);
	host_end();
}

/* One that is put back broken, and mended in place: the directory does not change with that. */
static void a_broken_one_is_read_again_all_the_same(void)
{
	host_begin("");
	put_config(101, "");
	found_rescan(&d);
	CHECK(registry_find(&d, 101)->status == CT_BROKEN);
	scan_until_current();
	put_facts(101);
	CHECK(found_is_current(&d));
	found_rescan(&d);
	CHECK(registry_find(&d, 101)->status == CT_STOPPED);
	host_end();
}

/* As after a reboot, or when memory was short. On a file system in memory there is no such thing. */
static bool forgotten(const char *path)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct statfs fs;
	unsigned char in = 1;
	void *map;

	CHECK(fd >= 0 && fstatfs(fd, &fs) == 0);
	if (fs.f_type == TMPFS_MAGIC)
		return false;
	CHECK(fsync(fd) == 0);
	map = mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	/* It is advice: somebody else may hold the page for a moment. file_is_cached would begin to read it. */
	WAIT_FOR(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0 && mincore(map, 1, &in) == 0 &&
		 (in & 1) == 0);
	CHECK(munmap(map, 1) == 0);
	return true;
}

static int gate[2];

static void wait_at_the_gate(void *data)
{
	char c;

	(void)data;
	CHECK(read(gate[0], &c, 1) == 0);
}

static void through_the_gate(void *data)
{
	(void)data;
}

/* All threads wait: what one of them has to read first does not begin, although the loop could read it. */
static void what_is_not_in_memory_is_read_by_a_thread(void)
{
	char path[BERTH_PATH_MAX];
	struct client c;
	struct ct *ct;

	host_begin("");
	put_facts(101);
	put_config(101, "NAME=\"web\"\n");
	(void)path_ct_config(&d.paths, 101, path);
	ct = found_lookup(&d, "web", &err);
	scan_until_current();
	CHECK(ct != NULL && pipe2(gate, O_CLOEXEC) == 0);
	if (forgotten(path)) {
		for (int i = 0; i < 2; i++) /* as many threads as the fixture has */
			CHECK(offload_run(d.disk, wait_at_the_gate, through_the_gate, NULL) == 0);
		client_open(&c);
		client_send(&c, "io.berth.Container.Set",
			    json_pack("{s:s, s:[{s:s, s:s}], s:b}", "ct", "web", "settings",
				      "option", "description", "value", "x", "save", true),
			    false);
		CHECK(ct->job == NULL && client_take(&c) == NULL);
		fd_close(&gate[1]);
		json_decref(client_wait(&c));
		client_close(&c);
	}
	CHECK(d.read_ahead == NULL && ct->job == NULL);
	fd_close(&gate[0]);
	fd_close(&gate[1]);
	host_end();
}

/* Whoever has ordered goes before the thread has read. */
static void a_client_that_goes_meanwhile_is_no_harm(void)
{
	struct client c;

	host_begin("");
	for (int i = 0; i < 20; i++) {
		client_open(&c);
		client_send(&c, "io.berth.Container.List", NULL, false);
		fd_close(&c.fd);
		settle_down();
	}
	WAIT_FOR(offload_pending(d.disk) == 0);
	host_end();
}

int main(void)
{
	RUN(what_was_just_read_or_looked_for_in_vain_is_in_memory);
	RUN(a_directory_of_configs_is_looked_at_when_it_has_changed);
	RUN(a_broken_one_is_read_again_all_the_same);
	RUN(what_is_not_in_memory_is_read_by_a_thread);
	RUN(a_client_that_goes_meanwhile_is_no_harm);
	return check_failures != 0;
}
