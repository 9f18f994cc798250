/*
 * test_disk_first.c - what a method reads is read by a thread first, unless the kernel has it in memory.
 * covers: runtime/daemon/read_ahead.c
 */
#include "tests/unit/daemon_fixture.h"

#include "runtime/daemon/disk_first.h"
#include "runtime/daemon/found.h"
#include "runtime/daemon/read_ahead.h"

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
static void forget(const char *path)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	unsigned char in = 1;
	void *map;

	CHECK(fd >= 0 && fsync(fd) == 0);
	map = mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	/* It is advice: somebody else may hold the page for a moment. file_is_cached would begin to read it. */
	WAIT_FOR(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0 && mincore(map, 1, &in) == 0 &&
		 (in & 1) == 0);
	CHECK(munmap(map, 1) == 0);
}

enum {
	TRIES = 20
};

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

static bool can_forget(const char *path)
{
	struct statfs fs;

	CHECK(statfs(path, &fs) == 0);
	return fs.f_type != TMPFS_MAGIC;
}

/* Until the gate is opened no thread does anything; there are as many as the fixture has. */
static void close_the_gate(void)
{
	CHECK(pipe2(gate, O_CLOEXEC) == 0);
	for (int i = 0; i < 2; i++)
		CHECK(offload_run(d.disk, wait_at_the_gate, through_the_gate, NULL) == 0);
}

static void open_the_gate(void)
{
	fd_close(&gate[1]);
	WAIT_FOR(offload_pending(d.disk) == 0);
	fd_close(&gate[0]);
}

/* A CT that nobody remembers the config of. */
static struct ct *web(char path[BERTH_PATH_MAX])
{
	struct ct *ct;

	put_facts(101);
	put_config(101, "NAME=\"web\"\n");
	(void)path_ct_config(&d.paths, 101, path);
	ct = found_lookup(&d, "web", &err);
	CHECK(ct != NULL);
	scan_until_current();
	return ct;
}

/*
 * What one of the threads has to read first does not begin, although the loop could read it. The kernel may be done
 * with the read that the look begins before the look ends: then all is in memory, and it is tried again.
 */
static void what_is_not_in_memory_is_read_by_a_thread(void)
{
	char path[BERTH_PATH_MAX];
	bool held = false;
	struct client c;
	struct ct *ct;

	host_begin("");
	ct = web(path);
	for (int i = 0; i < TRIES && !held && can_forget(path); i++) {
		close_the_gate();
		forget(path);
		client_open(&c);
		client_send(&c, "io.berth.Container.Set",
			    json_pack("{s:s, s:[{s:s, s:s}], s:b}", "ct", "web", "settings",
				      "option", "description", "value", "x", "save", true),
			    false);
		held = ct->job == NULL;
		open_the_gate();
		json_decref(client_wait(&c));
		client_close(&c);
		CHECK(d.read_ahead == NULL && ct->job == NULL);
	}
	CHECK(held || !can_forget(path));
	host_end();
}

/* The worker is done, and what comes next reads the config. */
static void what_comes_after_a_worker_is_read_by_a_thread(void)
{
	char path[BERTH_PATH_MAX], go[BERTH_PATH_MAX];
	bool held = false;
	struct client c;
	struct ct *ct;

	host_begin("");
	ct = web(path);
	on_worker("mount", "while [ ! -e $TOP/go ]; do sleep 0.01; done; say_done\n");
	(void)path_below(top, "go", go);
	for (int i = 0; i < TRIES && !held && can_forget(path); i++) {
		client_open(&c);
		client_send(&c, "io.berth.Container.Mount", ct_parameter(101), false);
		WAIT_FOR(ct->job != NULL && ct->job->worker != NULL);
		close_the_gate();
		forget(path);
		put_file(top, "go", "", 0644);
		WAIT_FOR(ct->job == NULL || ct->job->worker == NULL);
		settle_down();
		held = ct->job != NULL && client_take(&c) == NULL;
		open_the_gate();
		if (held)
			json_decref(client_wait(&c));
		client_close(&c);
		WAIT_FOR(ct->job == NULL);
		CHECK(unlink(go) == 0);
		CHECK(code_of(call("io.berth.Container.Umount", ct_parameter(101))) == BERTH_OK);
	}
	CHECK(held || !can_forget(path));
	host_end();
}

static void who_is_known_is_found_by_halves(void)
{
	static const uint32_t known[] = {101, 105, 200};

	CHECK(read_ahead_is_known(known, 3, 101) && read_ahead_is_known(known, 3, 105) &&
	      read_ahead_is_known(known, 3, 200));
	CHECK(!read_ahead_is_known(known, 3, 100) && !read_ahead_is_known(known, 3, 102) &&
	      !read_ahead_is_known(known, 3, 201) && !read_ahead_is_known(known, 0, 101));
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
	RUN(who_is_known_is_found_by_halves);
	RUN(what_comes_after_a_worker_is_read_by_a_thread);
	RUN(a_client_that_goes_meanwhile_is_no_harm);
	return check_failures != 0;
}
