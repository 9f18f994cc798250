/* area_remove.c - the removal of a private area, and of no other. */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/ct/area.h"
#include "runtime/storage/volume.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int remove_error(uint32_t ctid, const char *name, int r, struct berth_error *err)
{
	return berth_error_set(err, BERTH_ERR_DESTROY, -r, "CT %u: remove private/%s: %s", ctid,
			       name, strerror(-r));
}

/* 1: it is the one; 0: there is none. */
static int judge(uint32_t ctid, const struct area_id *meant, int r, const struct area_id *found,
		 struct berth_error *err)
{
	if (r == -ENOENT)
		return 0;
	switch (evidence_area(meant, r, found)) {
	case EVIDENCE_YES:
		return 1;
	case EVIDENCE_UNKNOWN:
		return berth_error_set(
			err, BERTH_ERR_DESTROY, -r,
			"CT %u: cannot find out whose private/%u is (%s); it was not removed", ctid,
			ctid, strerror(-r));
	case EVIDENCE_NO:
		break;
	}
	return berth_error_set(err, BERTH_ERR_DESTROY, EEXIST,
			       "CT %u: private/%u is not the private area to remove (its facts say "
			       "UUID %s) and was kept; look at it and move it away",
			       ctid, ctid, found->uuid[0] != '\0' ? found->uuid : "nothing");
}

int area_check(int area_fd, uint32_t ctid, const struct area_id *meant, struct berth_error *err)
{
	struct area_id found = {0};
	int r = area_id_read(area_fd, ctid, &found);

	return judge(ctid, meant, r, &found, err);
}

/* Is it still the directory that was looked at? */
static bool is_same_dir(int area_fd, const char *name, int dir)
{
	struct stat a, b;

	return fstatat(area_fd, name, &a, AT_SYMLINK_NOFOLLOW) == 0 && fstat(dir, &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* To the name of what is being removed. A full disk may have no room for a name: then the disk goes first. */
static int retire(int area_fd, int dir, const char *name, const char *gone)
{
	int r = 0;

	for (int i = 0; i < 2; i++) {
		r = renameat2(area_fd, name, area_fd, gone, RENAME_NOREPLACE) < 0 ? -errno : 0;
		if (r != -ENOSPC && r != -EDQUOT)
			break;
		volume_remove(dir);
	}
	if (r == 0 && !is_same_dir(area_fd, gone, dir)) {
		(void)renameat2(area_fd, gone, area_fd, name, RENAME_NOREPLACE);
		return -ESTALE;
	}
	(void)fsync(area_fd);
	return r;
}

int area_remove(int area_fd, uint32_t ctid, const struct area_id *meant, struct berth_error *err)
{
	char name[AREA_NAME_MAX], gone[AREA_NAME_MAX];
	auto_close int dir = dir_open_at(area_fd, area_name(ctid, name));
	struct area_id found = {0};
	int r = judge(ctid, meant, dir < 0 ? dir : area_id_read_dir(dir, &found), &found, err);

	if (r <= 0)
		return r;
	(void)area_gone_name(ctid, meant->uuid, gone);
	r = tree_remove_at(area_fd, gone);
	if (r < 0)
		return remove_error(ctid, gone, r, err);
	r = retire(area_fd, dir, name, gone);
	if (r < 0)
		return remove_error(ctid, name, r, err);
	return area_remove_left(area_fd, ctid, meant, err);
}

int area_remove_left(int area_fd, uint32_t ctid, const struct area_id *meant,
		     struct berth_error *err)
{
	char names[2][AREA_NAME_MAX];

	(void)area_new_name(ctid, meant->uuid, names[0]);
	(void)area_gone_name(ctid, meant->uuid, names[1]);
	for (int i = 0; i < 2; i++) {
		int r = tree_remove_at(area_fd, names[i]);

		if (r < 0)
			return remove_error(ctid, names[i], r, err);
	}
	(void)fsync(area_fd);
	return 0;
}
