/* cli_run.h - the real berth, run against the daemon of daemon_fixture.h. BERTH_BIN: the folder of programs. */
#pragma once

#include "tests/unit/daemon_fixture.h"

#include "runtime/base/spawn.h"

#include <sys/mman.h>

/* How the last command ended. */
static struct {
	int status; /* its exit status, or -1 */
	char out[32768], complaint[4096];
} said;

static inline int output_file(void)
{
	int fd = memfd_create("output", MFD_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

static inline void take_output(int fd, char *buf, size_t size)
{
	ssize_t n = pread(fd, buf, size - 1, 0);

	buf[n > 0 ? n : 0] = '\0';
	(void)close(fd);
}

/* Runs it with the daemon alive, as NAME --root TOP WORDS. */
static inline int run_as(const char *name, const char *const *words)
{
	const char *argv[16] = {NULL, "--root", top};
	struct spawn_fds fds = {.in = -1, .out = output_file(), .err = output_file()};
	char path[BERTH_PATH_MAX];
	int status = 0, n = 3;
	bool ended = false;
	pid_t pid;

	(void)snprintf(path, sizeof(path), "%s/%s", BERTH_BIN, name);
	argv[0] = path;
	while (*words != NULL && n < 15)
		argv[n++] = *words++;
	CHECK(spawn_program(argv, NULL, &fds, &pid, NULL, &err) == 0);
	WAIT_FOR(ended || (ended = waitpid(pid, &status, WNOHANG) == pid));
	said.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	take_output(fds.out, said.out, sizeof(said.out));
	take_output(fds.err, said.complaint, sizeof(said.complaint));
	return said.status;
}

#define BERTH(...) run_as("berth", (const char *const[]){__VA_ARGS__, NULL})

static inline bool prints(const char *text)
{
	return strstr(said.out, text) != NULL;
}

static inline bool complains(const char *text)
{
	return strstr(said.complaint, text) != NULL;
}

static inline int status_of(enum berth_errcode code)
{
	return berth_error_exit_status(code);
}
