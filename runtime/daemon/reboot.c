/* reboot.c - will a CT that has ended be started again, and when. */
#include "runtime/daemon/reboot.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/ct/journal.h"

#include <fcntl.h>
#include <string.h>

enum {
	QUICK_REBOOT_MS = 10000, /* a CT that lived shorter than this is rebooting in a loop */
	BACKOFF_MAX_MS = 60000,
};

static const char reboot_name[] = "restart";

uint64_t reboot_backoff(uint64_t lived_ms, unsigned int *quick)
{
	uint64_t ms;

	if (lived_ms > QUICK_REBOOT_MS) {
		*quick = 0;
		return 0;
	}
	/* One quick reboot is an admin's; the second in a row is the beginning of a loop. */
	if ((*quick)++ == 0)
		return 0;
	ms = 500ULL << (*quick < 8 ? *quick : 8);
	return ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
}

static int open_run(struct daemon *d, const struct ct *ct)
{
	char path[BERTH_PATH_MAX];

	return dir_open_at(AT_FDCWD, path_run_ct(&d->paths, ct->ctid, path));
}

static bool is_this_boot(const char *boot_id)
{
	char now[BOOT_ID_LEN + 1];

	return boot_id_read(now) == 0 && strcmp(boot_id, now) == 0;
}

void reboot_mark(struct daemon *d, const struct ct *ct)
{
	auto_close int dir = open_run(d, ct);
	char boot_id[BOOT_ID_LEN + 1];

	if (dir >= 0 && boot_id_read(boot_id) == 0)
		(void)file_replace_at(dir, reboot_name, boot_id, strlen(boot_id), 0644, false);
}

void reboot_unmark(struct daemon *d, const struct ct *ct)
{
	auto_close int dir = open_run(d, ct);

	if (dir >= 0)
		(void)file_unlink_at(dir, reboot_name);
}

bool reboot_is_marked(struct daemon *d, const struct ct *ct)
{
	auto_close int dir = open_run(d, ct);
	char text[BOOT_ID_LEN + 2];

	return dir >= 0 && file_read_line_at(dir, reboot_name, text, sizeof(text)) == 0 &&
	       is_this_boot(text);
}

static int open_private(const struct ct *ct)
{
	char path[BERTH_PATH_MAX];

	return dir_open_at(AT_FDCWD, path_private(&ct->d->paths, ct->ctid, path));
}

int resume_mark(const struct ct *ct)
{
	auto_close int dir = open_private(ct);

	return dir < 0 ? dir : file_replace_at(dir, MOVING_MARK, "", 0, 0600, true);
}

void resume_unmark(const struct ct *ct)
{
	auto_close int dir = open_private(ct);

	if (dir >= 0)
		(void)file_unlink_at(dir, MOVING_MARK);
}

bool resume_is_marked(const struct ct *ct)
{
	auto_close int dir = open_private(ct);

	return dir >= 0 && faccessat(dir, MOVING_MARK, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* ---- what a boot resumes ---- */

static const char boot_name[] = "resume";

int boot_mark(const struct ct *ct)
{
	auto_close int dir = open_private(ct);

	return dir < 0 ? dir : file_replace_at(dir, boot_name, "", 0, 0600, false);
}

void boot_unmark(const struct ct *ct)
{
	auto_close int dir = open_private(ct);

	if (dir >= 0)
		(void)file_unlink_at(dir, boot_name);
}

bool boot_is_marked(const struct ct *ct)
{
	auto_close int dir = open_private(ct);

	return dir >= 0 && faccessat(dir, boot_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool boot_is_over(const struct daemon *d)
{
	auto_close int run = dir_open_at(AT_FDCWD, d->paths.run);

	return run >= 0 && faccessat(run, BOOT_OVER_MARK, F_OK, 0) == 0;
}

bool boot_resume_is_due(const struct ct *ct)
{
	return ct->status == CT_SUSPENDED && boot_is_marked(ct) && boot_is_over(ct->d);
}

bool resume_is_due(const struct ct *ct)
{
	if (ct->status == CT_GIVEN || ct->status == CT_STOPPED || ct->status == CT_RUNNING) {
		resume_unmark(ct);
		boot_unmark(ct);
	}
	return ct->status == CT_SUSPENDED && resume_is_marked(ct);
}
