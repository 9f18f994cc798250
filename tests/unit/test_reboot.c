/* test_reboot.c - a CT that reboots in a loop waits longer each time; a wish to restart is kept. */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/daemon/end_note.h"
#include "runtime/daemon/reboot.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>

static char top[] = "/tmp/berth-test-reboot.XXXXXX";
static struct daemon d;
static struct ct ct = {.d = &d, .ctid = 101};
static int run_fd = -EBADF;

static void one_quick_reboot_is_an_admins(void)
{
	unsigned int quick = 0;

	CHECK(reboot_backoff(500, &quick) == 0);
	CHECK(reboot_backoff(500, &quick) > 0);
}

static void a_loop_waits_longer_and_longer_up_to_a_minute(void)
{
	unsigned int quick = 1;
	uint64_t last = 0;

	for (int i = 0; i < 20; i++) {
		uint64_t ms = reboot_backoff(100, &quick);

		CHECK(ms >= last && ms > 0 && ms <= 60000);
		last = ms;
	}
	CHECK(last == 60000);
}

static void a_ct_that_has_lived_is_forgiven(void)
{
	unsigned int quick = 9;

	CHECK(reboot_backoff(60000, &quick) == 0 && quick == 0);
}

static void a_wish_to_restart_is_kept_for_this_boot(void)
{
	CHECK(!reboot_is_marked(&d, &ct));
	reboot_mark(&d, &ct);
	CHECK(reboot_is_marked(&d, &ct));
	reboot_unmark(&d, &ct);
	CHECK(!reboot_is_marked(&d, &ct));
	CHECK(file_replace_at(run_fd, "restart", "00000000-0000-4000-8000-000000000000", 36, 0644,
			      false) == 0);
	CHECK(!reboot_is_marked(&d, &ct));
}

static void write_run(const char *boot_id, int wait_status)
{
	struct ct_run run = {.init = {5, 7}, .monitor = {6, 8}, .started = 1, .launched = true};
	struct ct_exit e = {.wait_status = wait_status, .known = true};
	char text[1024];

	(void)snprintf(run.boot_id, sizeof(run.boot_id), "%s", boot_id);
	CHECK(ct_run_format(&run, text, sizeof(text)) == 0 &&
	      file_replace_at(run_fd, "state", text, strlen(text), 0644, false) == 0);
	CHECK(ct_exit_format(&e, text, sizeof(text)) == 0 &&
	      file_replace_at(run_fd, "exit", text, strlen(text), 0644, false) == 0);
}

static void only_a_reboot_of_this_boot_counts(void)
{
	char boot_id[BOOT_ID_LEN + 1];

	CHECK(!(end_record_judge(&ct) == END_REBOOTED));
	CHECK(boot_id_read(boot_id) == 0);
	write_run(boot_id, SIGHUP);
	CHECK((end_record_judge(&ct) == END_REBOOTED));
	write_run(boot_id, SIGINT);
	CHECK(!(end_record_judge(&ct) == END_REBOOTED));
	write_run("00000000-0000-4000-8000-000000000000", SIGHUP);
	CHECK(!(end_record_judge(&ct) == END_REBOOTED));
}

int main(void)
{
	char path[BERTH_PATH_MAX];

	if (mkdtemp(top) == NULL || berth_paths_init(&d.paths, top, NULL) < 0 ||
	    dir_make(path_run_ct(&d.paths, 101, path), 0755) < 0 ||
	    (run_fd = dir_open_at(AT_FDCWD, path)) < 0)
		return 1;
	RUN(one_quick_reboot_is_an_admins);
	RUN(a_loop_waits_longer_and_longer_up_to_a_minute);
	RUN(a_ct_that_has_lived_is_forgiven);
	RUN(a_wish_to_restart_is_kept_for_this_boot);
	RUN(only_a_reboot_of_this_boot_counts);
	CHECK(tree_remove_at(AT_FDCWD, top) == 0);
	return check_failures != 0;
}
