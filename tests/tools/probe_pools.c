/*
 * probe_pools.c - takes of a pool of the kernel as much as is to be had, and says how much that was and why no
 * more. With "hold" as the last word it keeps all of it until it is killed.
 */
#include "tests/tools/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/if_packet.h>
#include <linux/io_uring.h>
#include <linux/securebits.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned long number(const char *text)
{
	return strtoul(text, NULL, 0);
}

/* All descriptors that the CT lets a process have. */
static void many_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &r);
	}
}

static int told(const char *what, unsigned long n, int error, int argc, char **argv)
{
	printf("%lu %s, then %s\n", n, what, error == 0 ? "enough" : strerror(error));
	(void)fflush(stdout);
	while (argc > 0 && strcmp(argv[argc - 1], "hold") == 0)
		(void)pause();
	return 0;
}

static int ring(int option, unsigned long mib)
{
	struct tpacket_req3 req = {.tp_block_size = 1 << 20,
				   .tp_block_nr = (unsigned int)mib,
				   .tp_frame_size = 1 << 11,
				   .tp_frame_nr = (unsigned int)mib << 9};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), version = TPACKET_V3;

	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0)
		return -1;
	return setsockopt(fd, SOL_PACKET, option, &req, sizeof(req));
}

int pool_rings(int argc, char **argv)
{
	unsigned long want = argc > 1 ? number(argv[0]) : 0, n = 0;

	errno = 0;
	while (n < want && ring(n % 2 == 0 ? PACKET_RX_RING : PACKET_TX_RING, number(argv[1])) == 0)
		n++;
	return told("rings", n, n < want ? errno : 0, argc, argv);
}

int pool_netns(int argc, char **argv)
{
	unsigned long want = argc > 0 ? number(argv[0]) : 0, n = 0;
	int error = 0;

	many_files();
	/* Another user of the CT, who keeps root's privileges. */
	if (argc > 1 && argv[1][0] != 'h' &&
	    (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP) < 0 ||
	     setuid((uid_t)number(argv[1])) < 0))
		error = errno;
	while (n < want && error == 0) {
		if (unshare(CLONE_NEWNET) < 0 ||
		    open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC) < 0)
			error = errno;
		else
			n++;
	}
	return told("network namespaces", n, error, argc, argv);
}

/* Contexts of so many events; a context for one event costs the CT a page as well. */
int pool_aio(int argc, char **argv)
{
	unsigned long want = argc > 1 ? number(argv[0]) : 0, n = 0;
	int error = 0;

	while (n < want && error == 0) {
		aio_context_t c = 0;

		if (syscall(SYS_io_setup, number(argv[1]), &c) < 0)
			error = errno;
		else
			n++;
	}
	return told("AIO contexts", n, error, argc, argv);
}

/* Sends to so many addresses from 10.0.0.2 on: the kernel asks for each. */
int pool_neighbours(int argc, char **argv)
{
	unsigned long want = argc > 0 ? number(argv[0]) : 0, n = 0;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), error = 0, huge = 1 << 30;

	if (fd < 0)
		return told("neighbours", 0, errno, argc, argv);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &huge, sizeof(huge));
	while (n < want) {
		struct sockaddr_in to = {.sin_family = AF_INET,
					 .sin_port = htons(9),
					 .sin_addr.s_addr = htonl(0x0a000002 + (uint32_t)n)};

		/* What waits for an answer fills the socket's buffer, so each has its own after a while. */
		if (sendto(fd, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to)) < 0) {
			if (errno != EAGAIN) {
				error = errno;
				break;
			}
			fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
			continue;
		}
		n++;
	}
	return told("neighbours", n, error, argc, argv);
}

int pool_packets(int argc, char **argv)
{
	unsigned long want = argc > 0 ? number(argv[0]) : 0, n = 0;

	many_files();
	/* 0x0300: every packet, so that closing one has to wait for all that look at it */
	while (n < want && socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0x0300) >= 0)
		n++;
	return told("packet sockets", n, n < want ? errno : 0, argc, argv);
}

static unsigned long take_fds(unsigned long want, int (*take)(void))
{
	unsigned long n = 0;

	many_files();
	errno = 0;
	while (n < want && take() >= 0)
		n++;
	return n;
}

static int take_file(void)
{
	return open("/", O_PATH | O_CLOEXEC);
}

static int take_inotify(void)
{
	return inotify_init1(IN_CLOEXEC);
}

int pool_files(int argc, char **argv)
{
	unsigned long want = argc > 0 ? number(argv[0]) : 0, n = take_fds(want, take_file);

	return told("files", n, n < want ? errno : 0, argc, argv);
}

int pool_inotify(int argc, char **argv)
{
	unsigned long want = argc > 0 ? number(argv[0]) : 0, n = take_fds(want, take_inotify);

	return told("inotify instances", n, n < want ? errno : 0, argc, argv);
}

/* System V shared memory segments, which outlive the process: they are removed unless it is to hold them. */
int pool_shm(int argc, char **argv)
{
	static int ids[10000];
	unsigned long want = argc > 0 ? number(argv[0]) : 0, n = 0;
	bool hold = argc > 0 && strcmp(argv[argc - 1], "hold") == 0;
	int error = 0;

	while (n < want && n < sizeof(ids) / sizeof(ids[0])) {
		ids[n] = shmget(IPC_PRIVATE, 4096, 0600);
		if (ids[n] < 0) {
			error = errno;
			break;
		}
		n++;
	}
	for (unsigned long i = 0; !hold && i < n; i++)
		(void)shmctl(ids[i], IPC_RMID, NULL);
	return told("segments", n, error, argc, argv);
}

int pool_mqueue(int argc, char **argv)
{
	unsigned long want = argc > 0 ? number(argv[0]) : 0, n = 0;
	char name[32];

	for (errno = 0; n < want; n++) {
		mqd_t q;

		(void)snprintf(name, sizeof(name), "/q%lu", n);
		q = mq_open(name, O_RDWR | O_CREAT, 0600, NULL);
		if (q < 0 || mq_send(q, "hello", 5, 0) < 0)
			break;
	}
	return told("queues", n, n < want ? errno : 0, argc, argv);
}

int pool_messages(int argc, char **argv)
{
	unsigned long want = argc > 0 ? number(argv[0]) : 0, n = 0;
	const struct {
		long type;
		char text[8];
	} message = {1, "hello"};

	for (errno = 0; n < want; n++) {
		int id = msgget((key_t)(1000 + n), IPC_CREAT | 0600);

		if (id < 0 || msgsnd(id, &message, sizeof(message.text), IPC_NOWAIT) < 0)
			break;
	}
	return told("queues", n, n < want ? errno : 0, argc, argv);
}

int pool_uring(int argc, char **argv)
{
	unsigned long want = argc > 0 ? number(argv[0]) : 0, n = 0;

	for (errno = 0; n < want; n++) {
		struct io_uring_params params = {0};

		if (syscall(SYS_io_uring_setup, 4, &params) < 0)
			break;
	}
	return told("rings", n, n < want ? errno : 0, argc, argv);
}

static const char *devpts;

static int take_pty(void)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/ptmx", devpts);
	return open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

/* Of an instance of devpts: DIR N. */
int pool_ptys(int argc, char **argv)
{
	unsigned long want = argc > 1 ? number(argv[1]) : 0, n;

	devpts = argc > 1 ? argv[0] : "/dev/pts";
	n = take_fds(want, take_pty);
	return told("terminals", n, n < want ? errno : 0, argc, argv);
}

/* Sockets whose receive buffers are full. */
int pool_udp(int argc, char **argv)
{
	static char data[32000];
	unsigned long want = argc > 0 ? number(argv[0]) : 0, n = 0, took = 0;
	int out = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), error = 0;

	many_files();
	for (; n < want && error == 0; n++) {
		struct sockaddr_in a = {.sin_family = AF_INET,
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		socklen_t len = sizeof(a);
		int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

		if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) < 0 ||
		    getsockname(fd, (struct sockaddr *)&a, &len) < 0) {
			error = errno;
			break;
		}
		for (int i = 0; i < 6; i++)
			(void)sendto(out, data, sizeof(data), MSG_DONTWAIT, (struct sockaddr *)&a,
				     len);
		if (recv(fd, data, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
			took++;
	}
	printf("%lu of them hold data; ", took);
	return told("UDP sockets", n, error, argc, argv);
}
