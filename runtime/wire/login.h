/*
 * login.h - how somebody gets into a CT: a password's hash, public keys. A client hands them to berthd, and that to a
 * worker, in files without a name (memfd_create(2)), so they are in no config, no log, and no process list. The parsers
 * are pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The words that say what the descriptors are, in the same order. */
#define LOGIN_PASSWORD "userpasswd"
#define LOGIN_KEYS "sshkey"

enum {
	LOGIN_MAX = 2, /* of them in one order */
	LOGIN_USER_MAX = 32,
	LOGIN_HASH_MAX = 255,
	LOGIN_TEXT_MAX = 64 * 1024
};

bool login_user_is_valid(const char *user);
/* crypt(5), or '*' and the like; nothing that could end its field of shadow(5). */
bool login_hash_is_valid(const char *hash);

/* "USER:HASH" and perhaps a newline. -EINVAL. */
int login_parse_hash(const char *text, char user[static LOGIN_USER_MAX + 1],
		     char hash[static LOGIN_HASH_MAX + 1]);

/* Lines of authorized_keys (sshd(8)). NULL, or what is wrong, to follow "line N": *ret_line is set then. */
const char *login_keys_trouble(const char *text, unsigned int *ret_line);
