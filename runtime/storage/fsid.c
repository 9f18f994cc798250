/* fsid.c - another fsuid and fsgid for a moment. */
#include "runtime/storage/fsid.h"

#include <errno.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

static int caps_get(struct __user_cap_data_struct caps[2])
{
	struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};

	return syscall(SYS_capget, &h, caps) < 0 ? -errno : 0;
}

static int caps_set(struct __user_cap_data_struct caps[2])
{
	struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};

	return syscall(SYS_capset, &h, caps) < 0 ? -errno : 0;
}

/* setfsuid(2) tells nothing but the id before: asking with an invalid one shows what is now. */
static int set_ids(uid_t uid, gid_t gid, struct berth_error *err)
{
	(void)setfsgid(gid);
	(void)setfsuid(uid);
	if ((gid_t)setfsgid((gid_t)-1) == gid && (uid_t)setfsuid((uid_t)-1) == uid)
		return 0;
	return berth_error_set(err, BERTH_ERR_PERMISSION, EPERM,
			       "cannot act on files as uid %u: berth-worker needs CAP_SETUID and "
			       "CAP_SETGID in the initial user namespace",
			       uid);
}

/* The kernel drops the file capabilities when fsuid leaves 0, so they are put back. */
int fsid_enter(struct fsid *f, struct berth_error *err)
{
	int r = caps_get(f->caps);

	if (r < 0)
		return berth_error_sys(err, r, "capget");
	f->old_gid = (gid_t)setfsgid((gid_t)-1);
	f->old_uid = (uid_t)setfsuid((uid_t)-1);
	r = set_ids(f->uid, f->uid, err);
	if (r == 0) {
		r = caps_set(f->caps);
		if (r < 0)
			r = berth_error_sys(err, r, "capset");
	}
	if (r < 0)
		(void)fsid_leave(f, NULL);
	return r;
}

int fsid_leave(struct fsid *f, struct berth_error *err)
{
	int r = set_ids(f->old_uid, f->old_gid, err);
	int c = caps_set(f->caps);

	if (r == 0 && c < 0)
		return berth_error_sys(err, c, "capset");
	return r;
}
