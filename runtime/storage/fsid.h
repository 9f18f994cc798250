/*
 * fsid.h - acting on files as another id, with all capabilities kept.
 *
 * Overlay acts on its upper layer with the credentials of whoever made it. Through an idmapped upper
 * layer uid 0 is nobody (EOVERFLOW), so the mounter has to have the CT's mapped root as fsuid.
 */
#pragma once

#include "runtime/base/error.h"

#include <linux/capability.h>
#include <sys/types.h>

struct fsid {
	uid_t uid; /* wanted */
	uid_t old_uid;
	gid_t old_gid;
	struct __user_cap_data_struct caps[2];
};

/* For the calling thread only. fsid_leave undoes it. */
int fsid_enter(struct fsid *f, struct berth_error *err);
int fsid_leave(struct fsid *f, struct berth_error *err);
