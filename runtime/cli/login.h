/*
 * login.h - a password and SSH keys of a command line, as berthd takes them: hashed, in files without a name, whose
 * descriptors go with a call. The password itself never leaves this process.
 */
#pragma once

#include "runtime/cli/settings.h"
#include "runtime/wire/login.h"

struct login {
	json_t *words; /* NULL: none */
	int fds[LOGIN_MAX];
	unsigned int n;
};

/*
 * From --userpasswd USER:PASSWORD (--crypted: USER:HASH; "-": a line of standard input) and --sshkey FILE ("-" too). The
 * password is overwritten where the process list shows it, in a. BERTH_ERR_VALUE. login_drop frees, also a zeroed one.
 */
int login_prepare(const struct settings_flags *flags, const struct args *a, struct login *ret,
		  struct berth_error *err);
void login_drop(struct login *l);

/* Pure. "USER:PASSWORD", and perhaps a newline, to "USER:HASH" by SHA-512 of crypt(5), which every libc knows. */
int login_hash(const char *text, bool crypted, char *buf, size_t size, struct berth_error *err);
