/* test_methods_login.c - SetLogin: what it passes to its worker, and never looks at. */
#include "tests/unit/daemon_fixture.h"

static struct ct *ct;

static enum berth_errcode set(const char *words, bool with_fd)
{
	auto_free char *text = NULL;
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	enum berth_errcode code;
	struct client c;

	CHECK(asprintf(&text,
		       "{\"method\":\"io.berth.Container.SetLogin\",\"parameters\":{\"ct\":\"101\","
		       "\"login\":[%s]}}",
		       words) > 0);
	client_open(&c);
	CHECK(fd_send_message(c.fd, text, strlen(text) + 1, &fd, with_fd) == 0);
	(void)close(fd);
	settle_down();
	code = code_of(client_wait(&c));
	client_close(&c);
	return code;
}

static void begin(void)
{
	host_begin("");
	ct = add_ct(101, "NAME=\"web\"\n");
	on_worker("login", "[ -n \"$fds\" ] && say_done\n");
	on_worker("cleanup", "say_done\n");
}

static void words_and_descriptors_go_to_the_worker(void)
{
	begin();
	CHECK(set("\"userpasswd\"", true) == BERTH_OK);
	CHECK(strstr(worker_calls(), "login 101 userpasswd") != NULL);
	CHECK(ct->status == CT_STOPPED && ct->job == NULL);
	host_end();
}

static void a_call_that_says_something_else_starts_no_worker(void)
{
	begin();
	CHECK(set("\"userpasswd\"", false) == BERTH_ERR_VALUE);
	CHECK(set("", true) == BERTH_ERR_VALUE && set("", false) == BERTH_ERR_VALUE);
	CHECK(set("\"password\"", true) == BERTH_ERR_VALUE && set("7", true) == BERTH_ERR_VALUE);
	CHECK(set("\"sshkey\",\"sshkey\"", true) == BERTH_ERR_VALUE);
	CHECK(set("\"userpasswd\",\"sshkey\",\"sshkey\"", true) == BERTH_ERR_VALUE);
	CHECK(worker_calls()[0] == '\0');
	host_end();
}

static void after_a_failure_what_was_mounted_is_cleaned_up(void)
{
	begin();
	on_worker("login", "exit 1\n");
	CHECK(set("\"sshkey\"", true) != BERTH_OK);
	CHECK(strstr(worker_calls(), "cleanup 101") != NULL && ct->status == CT_STOPPED);
	host_end();
}

int main(void)
{
	RUN(words_and_descriptors_go_to_the_worker);
	RUN(a_call_that_says_something_else_starts_no_worker);
	RUN(after_a_failure_what_was_mounted_is_cleaned_up);
	return check_failures != 0;
}
