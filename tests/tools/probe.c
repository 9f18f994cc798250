/*
 * probe.c - a static program that tests put into a CT, to see what a CT may do: whatever the CT holds,
 * and in every system call ABI of an x86-64 kernel. See probe.h.
 */
#include "tests/tools/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static long call_i386(long nr, const uint64_t arg[5])
{
	long r;

	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(nr), "b"(arg[0]), "c"(arg[1]), "d"(arg[2]), "S"(arg[3]), "D"(arg[4])
			 : "memory", "r8", "r9", "r10", "r11");
	return (int32_t)r;
}

static long call_x64(long nr, const uint64_t arg[5])
{
	register uint64_t r10 __asm__("r10") = arg[3];
	register uint64_t r8 __asm__("r8") = arg[4];
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(nr), "D"(arg[0]), "S"(arg[1]), "d"(arg[2]), "r"(r10), "r"(r8)
			 : "memory", "rcx", "r11");
	return r;
}

long abi_call(enum abi abi, long nr, const uint64_t arg[5])
{
	if (abi == ABI_I386)
		return call_i386(nr, arg);
	return call_x64(abi == ABI_X32 ? nr | 0x40000000 : nr, arg);
}

int abi_try(enum abi abi, long nr, const uint64_t arg[5])
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return errno;
	if (pid == 0) {
		long r = abi_call(abi, nr, arg);

		_exit(r < 0 && r > -1000 ? (int)-r : 0);
	}
	if (waitpid(pid, &status, 0) < 0)
		return errno;
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

const char *abi_result(int result)
{
	static char text[2][80];
	static int turn;
	char *t = text[turn ^= 1];

	if (result == 0)
		return "success";
	if (result >= 1000)
		(void)snprintf(t, sizeof(text[0]), "signal %d", result - 1000);
	else
		(void)snprintf(t, sizeof(text[0]), "errno %d (%s)", result, strerror(result));
	return t;
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{"table", policy_table, "x64|i386|x32 [FLAGS]: every row of the system call table"},
	{"sockets", policy_sockets, "x64|i386: every family and protocol"},
	{"unknown", policy_unknown, "x64|i386: numbers that no kernel of today knows"},
	{"handle", policy_handle, "x64|i386: open the root by its handle"},
	{"terminal", policy_terminal, "type into the terminal on stdin"},
	{"forks", load_forks, "N: processes at once; how many came to be, why no more"},
	{"zombies", load_zombies, "N: leave that many, then sleep"},
	{"deaf", load_deaf, "ignore all signals and sleep"},
	{"fuse", load_fuse, "DIR: mount a file system there that never answers"},
	{"echo", load_echo, "PORT: answer on TCP and UDP with what comes"},
	{"ask", load_ask, "ADDRESS PORT: is there an echo?"},
	{"beat", load_beat,
	 "ADDRESS PORT: ask an echo a thousand times a second, until SIGTERM; the longest silence, "
	 "and what is lost"},
	{"project", load_project, "FILE ID: change its project id"},
	{"node", load_node, "UID PATH MAJOR MINOR: mknod as a file system user"},
	{"frame", load_frame, "INTERFACE HEX: one raw frame"},
	{"rings", pool_rings, "N MIB [hold]: packet rings of so many MiB"},
	{"netns", pool_netns, "N [UID] [hold]: network namespaces"},
	{"aio", pool_aio, "N EVENTS [hold]: AIO contexts"},
	{"neighbours", pool_neighbours, "N [hold]: ask for 10.0.0.2 and so many after it"},
	{"packets", pool_packets, "N [hold]: packet sockets"},
	{"files", pool_files, "N [hold]: open files"},
	{"inotify", pool_inotify, "N [hold]: inotify instances"},
	{"shm", pool_shm, "N [hold]: System V shared memory segments"},
	{"mqueue", pool_mqueue,
	 "N [hold]: POSIX message queues /q0, ..., with a message in each; they stay"},
	{"messages", pool_messages,
	 "N [hold]: System V message queues, with a message in each; they stay"},
	{"uring", pool_uring, "N [hold]: io_urings"},
	{"ptys", pool_ptys, "DIR N [hold]: terminals of the devpts DIR"},
	{"udp", pool_udp, "N [hold]: UDP sockets with full buffers"},
	{"datagram", load_datagram, "FROM TO PORT TEXT: one UDP datagram from any address"},
	{"segment", load_segment,
	 "syn|ack TO PORT: one TCP segment of a connection that nobody has"},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (argc > 1 && strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 2, argv + 2);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		(void)fprintf(stderr, "probe %s %s\n", commands[i].name, commands[i].help);
	return 2;
}
