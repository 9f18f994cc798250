/* test_error.c - errors: every code has one name and one exit status. */
#include "runtime/base/error.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

static void every_code_has_a_name_that_leads_back_to_it(void)
{
	for (enum berth_errcode c = BERTH_OK; c < BERTH_ERR_MAX; c++) {
		CHECK(strncmp(berth_error_name(c), "io.berth.", 9) == 0);
		CHECK(berth_error_from_name(berth_error_name(c)) == c);
	}
}

static void every_failure_has_an_exit_status_of_its_own(void)
{
	for (enum berth_errcode c = BERTH_ERR_SYSTEM; c < BERTH_ERR_MAX; c++) {
		int status = berth_error_exit_status(c);

		CHECK(status > 0 && status < 256);
		for (enum berth_errcode d = BERTH_ERR_SYSTEM; d < c; d++)
			CHECK(berth_error_exit_status(d) != status);
	}
	CHECK(berth_error_exit_status(BERTH_OK) == 0);
}

static void openvz_statuses_are_kept(void)
{
	CHECK(berth_error_exit_status(BERTH_ERR_EXEC) == 8);
	CHECK(berth_error_exit_status(BERTH_ERR_LOCKED) == 9);
	CHECK(berth_error_exit_status(BERTH_ERR_NO_CONFIG) == 14);
	CHECK(berth_error_exit_status(BERTH_ERR_OPTION) == 20);
	CHECK(berth_error_exit_status(BERTH_ERR_VALUE) == 21);
	CHECK(berth_error_exit_status(BERTH_ERR_NOT_RUNNING) == 31);
	CHECK(berth_error_exit_status(BERTH_ERR_RUNNING) == 32);
	CHECK(berth_error_exit_status(BERTH_ERR_MOUNTED) == 41);
	CHECK(berth_error_exit_status(BERTH_ERR_ADDRESS_IN_USE) == 78);
	CHECK(berth_error_exit_status(BERTH_ERR_DISABLED) == 105);
}

static void what_is_unknown_is_a_system_error(void)
{
	CHECK(berth_error_from_name("org.varlink.service.MethodNotFound") == BERTH_ERR_SYSTEM);
	CHECK(strcmp(berth_error_name(BERTH_ERR_MAX), "io.berth.System") == 0);
	CHECK(berth_error_exit_status(BERTH_ERR_MAX) == 3);
}

static void setting_returns_the_negative_errno(void)
{
	struct berth_error err = {0};

	CHECK(berth_error_set(&err, BERTH_ERR_LOCKED, EBUSY, "CT %d", 101) == -EBUSY);
	CHECK(err.code == BERTH_ERR_LOCKED && err.sys == EBUSY && strcmp(err.msg, "CT 101") == 0);
	CHECK(berth_error_set(&err, BERTH_ERR_VALUE, 0, "x") == -EINVAL && err.sys == EINVAL);
	CHECK(berth_error_set(NULL, BERTH_ERR_VALUE, EIO, "x") == -EIO);
	/* Of either sign; what is no errno is none. */
	CHECK(berth_error_set(&err, BERTH_ERR_QUOTA, -EMEDIUMTYPE, "x") == -EMEDIUMTYPE);
	CHECK(err.sys == EMEDIUMTYPE);
	CHECK(berth_error_sys(&err, -ENOSPC, "x") == -ENOSPC && err.sys == ENOSPC);
	CHECK(berth_error_set(&err, BERTH_ERR_VALUE, INT_MIN, "x") == -EINVAL && err.sys == EINVAL);
}

static void a_system_error_says_why(void)
{
	struct berth_error err = {0};

	CHECK(berth_error_sys(&err, -ENOENT, "open %s", "x") == -ENOENT);
	CHECK(strcmp(err.msg, "open x: No such file or directory") == 0);
	CHECK(berth_error_sys(&err, ENOENT, "open") == -ENOENT);
	CHECK(berth_error_sys(NULL, ENOENT, "open") == -ENOENT);
}

static void a_long_message_is_cut(void)
{
	struct berth_error err = {0};
	char text[1000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	CHECK(berth_error_sys(&err, EIO, "%s", text) == -EIO);
	CHECK(strlen(err.msg) == sizeof(err.msg) - 1);
}

static void a_message_names_its_ct_once(void)
{
	struct berth_error err = {0};

	(void)berth_error_set(&err, BERTH_ERR_NET, EIO, "the link is gone");
	berth_error_name_ct(&err, 101);
	CHECK(strcmp(err.msg, "CT 101: the link is gone") == 0 && err.code == BERTH_ERR_NET);
	berth_error_name_ct(&err, 101);
	CHECK(strcmp(err.msg, "CT 101: the link is gone") == 0);
	berth_error_name_ct(NULL, 101);
	memset(err.msg, 'x', sizeof(err.msg) - 1);
	berth_error_name_ct(&err, 4294967295);
	CHECK(strncmp(err.msg, "CT 4294967295: xxx", 18) == 0 && strlen(err.msg) < sizeof(err.msg));
}

int main(void)
{
	RUN(every_code_has_a_name_that_leads_back_to_it);
	RUN(every_failure_has_an_exit_status_of_its_own);
	RUN(openvz_statuses_are_kept);
	RUN(what_is_unknown_is_a_system_error);
	RUN(setting_returns_the_negative_errno);
	RUN(a_system_error_says_why);
	RUN(a_long_message_is_cut);
	RUN(a_message_names_its_ct_once);
	return check_failures != 0;
}
