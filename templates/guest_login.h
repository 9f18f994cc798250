/*
 * guest_login.h - a user's password and root's SSH keys, in the files of a CT.
 *
 * As guest_setup it runs with the ids of the CT's root: what a tenant has planted leads back into the CT's own tree, and
 * a link, FIFO or device in place of one of the files is refused. No program of the tenant is run, and none of the C
 * library's ways to look up a user, which the tenant's files could lead anywhere.
 */
#pragma once

#include "runtime/base/error.h"

#include <stddef.h>

struct guest_login {
	const char *user, *hash; /* crypt(5); NULL: no password */
	const char *keys; /* lines for root's authorized_keys; NULL: none */
	unsigned long day; /* of the change, since 1970, for shadow(5) */
};

/* Both or, as far as can be seen beforehand, neither. BERTH_ERR_PASSWD. */
int guest_login_set(int root_fd, const struct guest_login *l, struct berth_error *err);

/* Pure. The new text of passwd(5) or shadow(5); day 0: of passwd. -ENOENT: no such user; -ENOSPC. */
int guest_shadow_text(const char *old, const struct guest_login *l, unsigned long day, char *buf,
		      size_t size);
/* Pure. Is the user's password in shadow(5)? -ENOENT: no such user. */
int guest_passwd_is_shadowed(const char *text, const char *user);
/* Pure. The old text, then the lines of keys that it has not. -ENOSPC. */
int guest_keys_text(const char *old, const char *keys, char *buf, size_t size);
