/* login.h - the password and keys that an order brought, into a CT. */
#pragma once

#include "runtime/wire/login.h"
#include "runtime/worker/volume_mount.h"
#include "runtime/worker/worker.h"
#include "templates/guest_login.h"

struct worker_login {
	char user[LOGIN_USER_MAX + 1], hash[LOGIN_HASH_MAX + 1];
	char *keys; /* NULL: none; freed by login_drop */
	struct guest_login guest; /* points to those */
};

/*
 * The words of the operation from first on say what its descriptors are; each is read whole and checked. No word: guest
 * asks for nothing, which is no error.
 */
int login_read(const struct worker *w, int first, struct worker_login *ret,
	       struct berth_error *err);
void login_drop(struct worker_login *l);
/* Does guest ask for something? */
bool login_is_set(const struct worker_login *l);

/* Into the mounted root of a CT that does not run. */
int login_write(struct worker *w, const struct ct_mounts *m, struct worker_login *l,
		struct berth_error *err);
/* For launch_in_root; data is the guest_login. */
int login_in_root(void *data, int root_fd, struct berth_error *err);
