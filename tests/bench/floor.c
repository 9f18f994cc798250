/*
 * floor.c - what the kernel alone needs for a container: clone3 with all namespaces, an overlay mount,
 * pivot_root, exec. Prints the median of N rounds in microseconds. The rest of a start is ours.
 *
 * usage: floor ROUNDS LOWER PROGRAM    LOWER: a directory with PROGRAM in it, PROGRAM exits at once
 */
#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void child(const char *lower, char *program)
{
	char *argv[] = {program, NULL}, *env[] = {NULL};
	char options[600];

	(void)snprintf(options, sizeof(options), "lowerdir=%s,upperdir=/mnt/u,workdir=/mnt/w",
		       lower);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", "/mnt", "tmpfs", 0, NULL) < 0 || mkdir("/mnt/u", 0755) < 0 ||
	    mkdir("/mnt/w", 0755) < 0 || mkdir("/mnt/r", 0755) < 0 ||
	    mount("overlay", "/mnt/r", "overlay", 0, options) < 0 || chdir("/mnt/r") < 0 ||
	    syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0)
		_exit(126);
	(void)execve(program, argv, env);
	_exit(127);
}

static uint64_t once(const char *lower, char *program)
{
	struct clone_args args = {.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
					   CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP,
				  .exit_signal = SIGCHLD};
	uint64_t begin = now_us();
	int status;
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0)
		child(lower, program);
	if (pid < 0 || waitpid((pid_t)pid, &status, 0) < 0 || status != 0) {
		(void)fprintf(stderr, "floor: the child failed (status %d, %d)\n", status, errno);
		exit(1);
	}
	return now_us() - begin;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	uint64_t times[1000];
	int rounds;

	if (argc != 4 || sscanf(argv[1], "%d", &rounds) != 1 || rounds < 1 || rounds > 1000)
		return 2;
	for (int i = 0; i < rounds; i++)
		times[i] = once(argv[2], argv[3]);
	qsort(times, (size_t)rounds, sizeof(times[0]), compare);
	(void)printf("%llu\n", (unsigned long long)times[rounds / 2]);
	return 0;
}
