/* test_cli_login.c - a password becomes a hash before it goes anywhere, and is gone from the command line. */
#include "runtime/base/cleanup.h"
#include "runtime/cli/login.h"
#include "tests/unit/check.h"

#include <crypt.h>
#include <string.h>
#include <unistd.h>

static struct berth_error err;

static void a_password_is_hashed_with_a_salt_of_its_own(void)
{
	char one[512], two[512], user[LOGIN_USER_MAX + 1], hash[LOGIN_HASH_MAX + 1];
	struct crypt_data data = {0};
	const char *again;

	CHECK(login_hash("root:s e:cret\n", false, one, sizeof(one), &err) == 0);
	CHECK(login_hash("root:s e:cret", false, two, sizeof(two), &err) == 0);
	CHECK(strcmp(one, two) != 0 && strncmp(one, "root:$6$", 8) == 0);
	CHECK(login_parse_hash(one, user, hash) == 0);
	again = crypt_r("s e:cret", hash, &data);
	CHECK(again != NULL && strcmp(again, hash) == 0);
}

static void a_hash_is_taken_as_it_is(void)
{
	char buf[512];

	CHECK(login_hash("root:$6$a$b", true, buf, sizeof(buf), &err) == 0);
	CHECK(strcmp(buf, "root:$6$a$b\n") == 0);
	CHECK(login_hash("root:no hash", true, buf, sizeof(buf), &err) < 0);
	CHECK(err.code == BERTH_ERR_VALUE);
}

static void what_is_no_password_is_refused_without_saying_it(void)
{
	static const char *const bad[] = {"hidden", "root:", "root:a\nhidden", "ro:ot\x01hidden",
					  "hid den:x"};
	char buf[512];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK(login_hash(bad[i], false, buf, sizeof(buf), &err) < 0);
		CHECK(err.code == BERTH_ERR_VALUE && strstr(err.msg, "hidden") == NULL);
	}
}

static void the_command_line_shows_it_no_more(void)
{
	char set[] = "set", ct[] = "101", option[] = "--userpasswd=root:secret";
	char *argv[] = {set, ct, option, NULL};
	const struct args a = {.argc = 3, .argv = argv};
	const struct settings_flags flags = {.userpasswd = option + 13};
	struct login l;
	char text[512] = "";

	CHECK(login_prepare(&flags, &a, &l, &err) == 0);
	CHECK(strcmp(option, "--userpasswd=***********") == 0 && strcmp(ct, "101") == 0);
	CHECK(l.n == 1 && json_array_size(l.words) == 1);
	CHECK(pread(l.fds[0], text, sizeof(text) - 1, 0) > 0);
	CHECK(strncmp(text, "root:$6$", 8) == 0 && strstr(text, "secret") == NULL);
	CHECK(pwrite(l.fds[0], "x", 1, 0) < 0);
	login_drop(&l);
}

int main(void)
{
	RUN(a_password_is_hashed_with_a_salt_of_its_own);
	RUN(a_hash_is_taken_as_it_is);
	RUN(what_is_no_password_is_refused_without_saying_it);
	RUN(the_command_line_shows_it_no_more);
	return check_failures != 0;
}
