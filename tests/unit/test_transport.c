/* test_transport.c - the command that reaches another host: its words, its ends, its end. */
#include "runtime/cli/transport.h"

#include "runtime/base/fd.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/berth-transport-XXXXXX", script[64], command[200];
static struct berth_error err;

static void write_script(const char *text)
{
	int fd = open(script, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);

	CHECK(fd >= 0 && fd_write_all(fd, text, strlen(text)) == 0);
	fd_close(&fd);
}

/* All that it says, up to its end. */
static void read_words(const struct transport *t, char *buf, size_t size)
{
	ssize_t n = fd_read_all(t->fds[0], buf, size - 1);

	buf[n > 0 ? n : 0] = '\0';
}

static void the_command_gets_the_host_and_what_to_run_there(void)
{
	struct transport t;
	char said[256];

	write_script("#!/bin/sh\necho \"$#:$*\"\n");
	(void)snprintf(command, sizeof(command), "  %s -x   a;b ", script);
	CHECK(transport_start(command, NULL, "host-b", &t, &err) == 0);
	read_words(&t, said, sizeof(said));
	CHECK(strcmp(said, "5:-x a;b host-b berth receive\n") == 0); /* at blanks, by no shell */
	CHECK(transport_end(&t, 60000) == 0);
}

static void ssh_is_asked_without_a_password_and_gets_its_options(void)
{
	const char *path = getenv("PATH");
	char old[4096], said[256];
	struct transport t;

	(void)snprintf(old, sizeof(old), "%s", path != NULL ? path : "");
	(void)snprintf(script, sizeof(script), "%s/ssh", dir);
	write_script("#!/bin/sh\necho \"$*\"\n");
	CHECK(setenv("PATH", dir, 1) == 0);
	CHECK(transport_start(NULL, "-p 2222", "host-b", &t, &err) == 0);
	read_words(&t, said, sizeof(said));
	CHECK(strcmp(said,
		     "-o BatchMode=yes -o ServerAliveInterval=15 -p 2222 host-b berth receive\n") ==
	      0);
	CHECK(transport_end(&t, 60000) == 0);
	CHECK(setenv("PATH", old, 1) == 0);
}

static void bytes_go_both_ways_and_its_exit_status_is_told(void)
{
	char said[16] = "";
	struct transport t;

	write_script("#!/bin/sh\nhead -c 3\nexit 7\n");
	CHECK(transport_start(script, NULL, "b", &t, &err) == 0);
	CHECK(write(t.fds[1], "abc", 3) == 3);
	read_words(&t, said, sizeof(said));
	CHECK(strcmp(said, "abc") == 0);
	CHECK(transport_end(&t, 60000) == 7 && t.fds[0] < 0 && t.fds[1] < 0);
	write_script("#!/bin/sh\nkill -KILL $$\n");
	CHECK(transport_start(script, NULL, "b", &t, &err) == 0);
	CHECK(transport_end(&t, 60000) == 128 + SIGKILL);
}

static void what_is_no_command_is_told(void)
{
	static char many[400];
	struct transport t;

	CHECK(transport_start("/nonexistent/rsh", NULL, "b", &t, &err) == 0);
	CHECK(transport_end(&t, 60000) == 127);
	CHECK(transport_start(" ", NULL, "b", &t, &err) < 0 && err.code == BERTH_ERR_VALUE);
	for (size_t i = 0; i < sizeof(many) - 1; i++)
		many[i] = i % 2 == 0 ? 'a' : ' ';
	CHECK(transport_start(many, NULL, "b", &t, &err) == -E2BIG && err.code == BERTH_ERR_VALUE);
}

/* As ssh over a link that is cut; it does not even heed SIGTERM. */
static void one_that_hangs_is_ended(void)
{
	struct transport t;
	char said[8];

	write_script("#!/bin/sh\necho up\nexec sleep 1000\n");
	CHECK(transport_start(script, NULL, "host-b", &t, &err) == 0);
	CHECK(read(t.fds[0], said, 3) == 3);
	CHECK(transport_end(&t, 1) == 128 + SIGTERM);
	write_script("#!/bin/sh\ntrap '' TERM\necho up\nexec sleep 1000\n");
	CHECK(transport_start(script, NULL, "host-b", &t, &err) == 0);
	CHECK(read(t.fds[0], said, 3) == 3);
	CHECK(transport_end(&t, 1) == 128 + SIGKILL);
}

int main(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	CHECK(mkdtemp(dir) != NULL);
	(void)snprintf(script, sizeof(script), "%s/rsh", dir);
	RUN(the_command_gets_the_host_and_what_to_run_there);
	RUN(bytes_go_both_ways_and_its_exit_status_is_told);
	RUN(what_is_no_command_is_told);
	RUN(ssh_is_asked_without_a_password_and_gets_its_options);
	RUN(one_that_hangs_is_ended);
	CHECK(tree_remove_at(AT_FDCWD, dir) == 0);
	return check_failures != 0;
}
