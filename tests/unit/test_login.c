/*
 * test_login.c - what of passwords and keys is taken, and what could do harm in the files of a CT.
 * covers: runtime/wire/login.c
 */
#include "runtime/wire/login.h"

#include "check.h"

#include <string.h>

#define KEY "AAAAC3NzaC1lZDI1NTE5AAAAIEXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPLE"

static char user[LOGIN_USER_MAX + 1], hash[LOGIN_HASH_MAX + 1];

static void a_user_and_a_hash_are_taken_apart(void)
{
	CHECK(login_parse_hash("root:$6$salt$abc./\n", user, hash) == 0);
	CHECK(strcmp(user, "root") == 0 && strcmp(hash, "$6$salt$abc./") == 0);
	CHECK(login_parse_hash("www-data:*", user, hash) == 0 && strcmp(hash, "*") == 0);
}

static void what_could_add_a_field_or_a_line_is_refused(void)
{
	static const char *const bad[] = {
		"",	      "root",	     "root:",	":x",	   "root:a:b", "root:a\nb",
		"root:a\n\n", "ro ot:a",     "ro/ot:a", "-root:a", "root:a b", "..:a",
		"root:a\tb",  "r\xc3\xb6:a", "root:\n", "a\nb:c",  "root:\x7f"};
	char longest[LOGIN_HASH_MAX + 10];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(login_parse_hash(bad[i], user, hash) < 0);
	memset(longest, 'a', sizeof(longest));
	memcpy(longest, "root:", 5);
	longest[5 + LOGIN_HASH_MAX] = '\0';
	CHECK(login_parse_hash(longest, user, hash) == 0);
	longest[5 + LOGIN_HASH_MAX] = 'a';
	longest[6 + LOGIN_HASH_MAX] = '\0';
	CHECK(login_parse_hash(longest, user, hash) < 0);
}

static void public_keys_of_each_kind_are_taken(void)
{
	unsigned int line;

	CHECK(login_keys_trouble("ssh-ed25519 " KEY " me@here\n", &line) == NULL);
	CHECK(login_keys_trouble("# mine\n\nssh-rsa " KEY "\necdsa-sha2-nistp256 " KEY " x",
				 &line) == NULL);
	CHECK(login_keys_trouble("from=\"10.0.0.1 x\",no-pty sk-ssh-ed25519@openssh.com " KEY "\n",
				 &line) == NULL);
}

static void anything_else_names_its_line(void)
{
	unsigned int line = 0;
	const char *why;

	CHECK(login_keys_trouble("", &line) != NULL);
	CHECK(login_keys_trouble("# nothing\n", &line) != NULL && line == 1);
	why = login_keys_trouble("ssh-rsa " KEY "\nhello\n", &line);
	CHECK(why != NULL && line == 2);
	why = login_keys_trouble("-----BEGIN OPENSSH PRIVATE KEY-----\n", &line);
	CHECK(why != NULL && strstr(why, "private") != NULL && line == 1);
	CHECK(login_keys_trouble("ssh-rsa " KEY "\x1b[2J\n", &line) != NULL);
	CHECK(login_keys_trouble("ssh-rsa AAAA\n", &line) != NULL);
	CHECK(login_keys_trouble("ssh-rsa\n" KEY "\n", &line) != NULL);
}

int main(void)
{
	RUN(a_user_and_a_hash_are_taken_apart);
	RUN(what_could_add_a_field_or_a_line_is_refused);
	RUN(public_keys_of_each_kind_are_taken);
	RUN(anything_else_names_its_line);
	return check_failures != 0;
}
