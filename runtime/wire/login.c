/* login.c - the formats of a password's hash and of public keys. */
#include "runtime/wire/login.h"

#include <errno.h>
#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

bool login_user_is_valid(const char *user)
{
	size_t len = strlen(user);

	return len > 0 && len <= LOGIN_USER_MAX && user[0] != '-' &&
	       user[strspn(user, LETTERS DIGITS "_.-")] == '\0' && strcmp(user, ".") != 0 &&
	       strcmp(user, "..") != 0;
}

bool login_hash_is_valid(const char *hash)
{
	size_t len = strlen(hash);

	return len > 0 && len <= LOGIN_HASH_MAX &&
	       hash[strspn(hash, LETTERS DIGITS "./$=,*!_-")] == '\0';
}

int login_parse_hash(const char *text, char user[static LOGIN_USER_MAX + 1],
		     char hash[static LOGIN_HASH_MAX + 1])
{
	size_t n_user = strcspn(text, ":\n"), n_hash;
	const char *rest = text + n_user + 1;

	if (text[n_user] != ':' || n_user > LOGIN_USER_MAX)
		return -EINVAL;
	n_hash = strcspn(rest, "\n");
	if (n_hash > LOGIN_HASH_MAX || (rest[n_hash] == '\n' && rest[n_hash + 1] != '\0'))
		return -EINVAL;
	memcpy(user, text, n_user);
	user[n_user] = '\0';
	memcpy(hash, rest, n_hash);
	hash[n_hash] = '\0';
	return login_user_is_valid(user) && login_hash_is_valid(hash) ? 0 : -EINVAL;
}

/* ---- keys ---- */

/* Is that the name of a kind of key? They end alike: ssh-ed25519, ecdsa-sha2-nistp256, sk-ssh-ed25519@openssh.com. */
static bool is_kind(const char *word, size_t len)
{
	static const char *const beginnings[] = {"ssh-", "ecdsa-sha2-", "sk-ssh-",
						 "sk-ecdsa-sha2-"};

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
		size_t n = strlen(beginnings[i]);

		if (len > n && strncmp(word, beginnings[i], n) == 0)
			return true;
	}
	return false;
}

/* Behind options, which may hold blanks in quotes, a kind and its key: base64 of a length that is three zero bytes long. */
static bool line_has_key(const char *line, size_t len)
{
	const char *p = line, *end = line + len;

	while (p < end) {
		size_t blank = strspn(p, " \t"), word;

		p += blank < (size_t)(end - p) ? blank : (size_t)(end - p);
		word = strcspn(p, " \t\n");
		if (is_kind(p, word)) {
			const char *key = p + word + strspn(p + word, " \t");
			size_t n = strspn(key, LETTERS DIGITS "+/=");

			return n >= 32 && key + n <= end && strncmp(key, "AAAA", 4) == 0 &&
			       strchr(" \t\n", key[n]) != NULL;
		}
		p += word;
	}
	return false;
}

static const char *line_trouble(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f)
			return "has a control character";
	if (len == 0 || line[0] == '#' || strspn(line, " \t") >= len)
		return NULL;
	if (memmem(line, len, "PRIVATE KEY", 11) != NULL)
		return "begins a private key; give the public one, which ends in .pub";
	return line_has_key(line, len) ? NULL : "is no public key of OpenSSH";
}

const char *login_keys_trouble(const char *text, unsigned int *ret_line)
{
	unsigned int n = 0;
	bool some = false;

	for (const char *line = text;; line++) {
		size_t len = strcspn(line, "\n");
		const char *why = line_trouble(line, len);

		*ret_line = ++n;
		if (why != NULL)
			return why;
		some = some || (len > 0 && line[0] != '#' && strspn(line, " \t") < len);
		line += len;
		if (*line == '\0' || line[1] == '\0')
			break;
	}
	return some ? NULL : "is the last, and there is no key";
}
