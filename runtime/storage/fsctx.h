/*
 * fsctx.h - a new mount by fsopen(2), with the kernel's reason in the error.
 */
#pragma once

#include "runtime/base/error.h"

struct fsctx_option {
	const char *key;
	const char *value; /* NULL: a flag */
};

/*
 * What is mounted. kernel_type is "ext4"; the list of options ends with a NULL key; log_word is
 * what the file system's kernel messages begin with; where names the thing in errors.
 */
struct fsctx_spec {
	const char *kernel_type;
	const char *log_word;
	const char *where;
	const struct fsctx_option *options;
	unsigned int attr; /* MOUNT_ATTR_* */
};

/*
 * Stores a detached mount. before (may be NULL) runs just before the file system is made and after
 * just after it, with data: for credentials. Errors are BERTH_ERR_MOUNT.
 */
int fsctx_mount(const struct fsctx_spec *s, int (*before)(void *data, struct berth_error *err),
		int (*after)(void *data, struct berth_error *err), void *data, int *ret_mount_fd,
		struct berth_error *err);
