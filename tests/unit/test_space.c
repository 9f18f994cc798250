/*
 * test_space.c - the watch on the host's file systems, over a volume that is mounted in this process.
 *
 * covers: runtime/daemon/space.c runtime/daemon/space_look.c
 */
#include "tests/unit/daemon_fixture.h"

#include "runtime/daemon/space.h"
#include "runtime/storage/volume.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#define MIB (UINT64_C(1) << 20)

static struct running ct;
static struct client monitor;
static const struct volume_driver *image;
static int private_fd = -EBADF;
static char volume[BERTH_PATH_MAX];

/* The test is the monitor: what is mounted here is mounted there. */
static void mount_volume(void)
{
	static const char *const dirs[] = {NULL};
	char path[BERTH_PATH_MAX];
	auto_close int mnt = -EBADF;
	dev_t dev;

	image = volume_driver_find("image");
	private_fd = dir_open_at(AT_FDCWD, path_private(&d.paths, 101, path));
	CHECK(volume_create(image, private_fd, &(struct volume_limits){.bytes = 256 * MIB}, dirs,
			    &err) == 0);
	CHECK(volume_mount(image, private_fd, NULL, &mnt, &dev, &err) == 0);
	CHECK(mkdir(path_below(run_dir(101), "volume", volume), 0700) == 0);
	CHECK(move_mount(mnt, "", AT_FDCWD, volume, MOVE_MOUNT_F_EMPTY_PATH) == 0);
}

static uint64_t avail(void)
{
	struct statvfs s;

	CHECK(statvfs(volume, &s) == 0);
	return s.f_bavail * s.f_frsize;
}

/* The next event of CT 101: its detail. */
static bool next_event_is(const char *event, const char *part)
{
	json_t *reply = client_wait(&monitor), *p = parameters_of(reply);
	const char *name = json_string_value(json_object_get(p, "event"));
	const char *detail = json_string_value(json_object_get(p, "detail"));
	bool ok = name != NULL && strcmp(name, event) == 0 &&
		  (part == NULL || (detail != NULL && strstr(detail, part) != NULL));

	if (!ok)
		(void)fprintf(stderr, "event %s, %s\n", name, detail != NULL ? detail : "-");
	json_decref(reply);
	return ok;
}

static void a_host_with_room_changes_nothing(void)
{
	d.host.space_reserve = MIB;
	space_begin(&d);
	WAIT_FOR(ct.ct->space.known);
	CHECK(avail() > 240 * MIB && !ct.ct->space.held && ct.ct->volume_trouble == NULL);
	CHECK(!is_there(run_dir(101), "trouble"));
}

static void what_it_takes_is_known(void)
{
	auto_close int fd = -EBADF;
	char name[BERTH_PATH_MAX];

	fd = open(path_below(volume, "taken", name), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && fallocate(fd, 0, 0, 30 << 20) == 0);
	WAIT_FOR(ct.ct->space.grown > 20 * MIB);
	CHECK(unlink(name) == 0);
}

static void without_room_a_volume_gets_nothing_more_and_everybody_is_told(void)
{
	auto_close int fd = -EBADF;
	char name[BERTH_PATH_MAX];

	d.host.space_reserve = UINT64_C(1) << 49; /* more than there is */
	WAIT_FOR(ct.ct->space.held);
	CHECK(next_event_is("space_low", "SPACE_RESERVE"));
	CHECK(next_event_is("held", "No space left"));
	CHECK(avail() == 0);
	fd = open(path_below(volume, "more", name), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && fallocate(fd, 0, 0, 1 << 20) < 0 && errno == ENOSPC);
	CHECK(is_there(run_dir(101), "trouble"));
	CHECK(strstr(text_or_empty(ct.ct->volume_trouble), "held:") != NULL);
}

static void with_room_it_goes_on(void)
{
	d.host.space_reserve = MIB;
	WAIT_FOR(!ct.ct->space.held);
	CHECK(next_event_is("space_ok", NULL) && next_event_is("released", NULL));
	CHECK(avail() > 240 * MIB);
	CHECK(!is_there(run_dir(101), "trouble") && ct.ct->volume_trouble == NULL);
}

/* The kernel's own switch for a test makes ext4 meet an error. */
static void a_volume_that_met_an_error_is_shown(void)
{
	char path[80];
	struct stat st;

	CHECK(stat(volume, &st) == 0);
	(void)snprintf(path, sizeof(path), "/sys/fs/ext4/loop%u/trigger_fs_error",
		       minor(st.st_dev));
	CHECK(file_write_value_at(AT_FDCWD, path, "a test") == 0);
	WAIT_FOR(ct.ct->space.errors > 0);
	CHECK(next_event_is("volume_error", "berth restart 101"));
	CHECK(strstr(text_or_empty(ct.ct->volume_trouble), "read-only") != NULL);
	CHECK(is_there(run_dir(101), "trouble"));
}

static void nothing_of_it_is_the_next_runs(void)
{
	ct.ct->status = CT_STOPPED;
	WAIT_FOR(!ct.ct->space.known);
	CHECK(ct.ct->space.errors == 0 && ct.ct->volume_trouble == NULL);
}

int main(void)
{
	int r = daemon_begin();

	if (r != 0)
		return r;
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		(void)printf("skipped: no mount namespace of its own\n");
		return 77;
	}
	host_begin("");
	running_begin(&ct, 101, "");
	mount_volume();
	client_open(&monitor);
	client_send(&monitor, "io.berth.Container.Monitor", NULL, true);
	RUN(a_host_with_room_changes_nothing);
	RUN(what_it_takes_is_known);
	RUN(without_room_a_volume_gets_nothing_more_and_everybody_is_told);
	RUN(with_room_it_goes_on);
	RUN(a_volume_that_met_an_error_is_shown);
	RUN(nothing_of_it_is_the_next_runs);
	client_close(&monitor);
	CHECK(umount2(volume, MNT_DETACH) == 0);
	CHECK(volume_wait_unused(image, private_fd, 5000, &err) == 0);
	fd_close(&private_fd);
	running_end(&ct);
	host_end();
	return check_failures != 0;
}
