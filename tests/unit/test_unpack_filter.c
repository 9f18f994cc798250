/* test_unpack_filter.c - what an unpacker that somebody has taken over can still do. */
#include "templates/unpack.h"

#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* In a child, as the filter never goes: 0, or the number of the first that is not as it should be. */
static int try_all(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || unpack_filter_load() < 0)
		return 1;
	if (fork() >= 0 || errno != EPERM)
		return 2;
	if (execl("/bin/true", "true", (char *)NULL) == 0 || errno != EPERM)
		return 3;
	if (socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || errno != EPERM)
		return 4;
	if (unshare(CLONE_NEWUSER) == 0 || errno != EPERM)
		return 5;
	/* The first that is allowed and the last that is not. */
	if (syscall(447, 0) >= 0 || errno != EPERM)
		return 6;
	if (getppid() <= 0 || open("/", O_RDONLY | O_DIRECTORY) < 0 || access("/", F_OK) < 0)
		return 7;
	return 0;
}

static void files_are_left_and_nothing_else(void)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(try_all());
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	if (status != 0)
		(void)fprintf(stderr, "status %#x\n", (unsigned int)status);
}

int main(void)
{
	RUN(files_are_left_and_nothing_else);
	return check_failures != 0;
}
