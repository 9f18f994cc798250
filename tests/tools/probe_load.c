/* probe_load.c - what a hostile or a busy CT does, in little memory and without a shell. */
#include "tests/tools/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <unistd.h>

enum {
	CLIENTS_MAX = 64
};

static int fail(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	return 1;
}

static unsigned int number(const char *text)
{
	return (unsigned int)strtoul(text, NULL, 0);
}

int load_forks(int argc, char **argv)
{
	unsigned int want = argc > 0 ? number(argv[0]) : 0, n = 0;
	pid_t pid = 0;

	(void)signal(SIGTERM, SIG_IGN);
	for (; n < want; n++) {
		pid = fork();
		if (pid < 0)
			break;
		if (pid == 0) {
			(void)signal(SIGTERM, SIG_DFL);
			for (;;)
				(void)pause();
		}
	}
	printf("%u processes, then %s\n", n, pid < 0 ? strerror(errno) : "enough");
	(void)kill(0, SIGTERM);
	return 0;
}

int load_zombies(int argc, char **argv)
{
	unsigned int n = argc > 0 ? number(argv[0]) : 0;

	while (n-- > 0)
		if (fork() == 0)
			_exit(0);
	for (;;)
		(void)pause();
}

int load_deaf(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	for (int s = 1; s < NSIG; s++)
		(void)signal(s, SIG_IGN);
	for (;;)
		(void)pause();
}

/* ---- a server ---- */

static int listen_on(int type, uint16_t port)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)&a, sizeof(a)) < 0 ||
	    (type == SOCK_STREAM && listen(fd, 16) < 0))
		return -1;
	return fd;
}

static void answer_datagram(int fd)
{
	struct sockaddr_in6 from;
	socklen_t len = sizeof(from);
	char buf[2048];
	ssize_t n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);

	if (n >= 0)
		(void)sendto(fd, buf, (size_t)n, 0, (const struct sockaddr *)&from, len);
}

static void answer_stream(struct pollfd *p)
{
	char buf[4096];
	ssize_t n = read(p->fd, buf, sizeof(buf));

	if (n > 0 && write(p->fd, buf, (size_t)n) == n)
		return;
	(void)close(p->fd);
	p->fd = -1;
}

static void take_client(struct pollfd *p, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	for (int i = 2; fd >= 0 && i < CLIENTS_MAX; i++) {
		if (p[i].fd >= 0)
			continue;
		p[i].fd = fd;
		fd = -1;
	}
	if (fd >= 0)
		(void)close(fd);
}

int load_echo(int argc, char **argv)
{
	uint16_t port = (uint16_t)(argc > 0 ? number(argv[0]) : 7);
	struct pollfd p[CLIENTS_MAX];
	int size = 4 << 20;

	for (int i = 0; i < CLIENTS_MAX; i++)
		p[i] = (struct pollfd){.fd = -1, .events = POLLIN};
	p[0].fd = listen_on(SOCK_STREAM, port);
	p[1].fd = listen_on(SOCK_DGRAM, port);
	/* Many come at once when it goes on after a pause. */
	(void)setsockopt(p[1].fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (p[0].fd < 0 || p[1].fd < 0)
		return fail("listen");
	for (;;) {
		if (poll(p, CLIENTS_MAX, -1) < 0) {
			if (errno == EINTR) /* by a resume, for one */
				continue;
			return fail("poll");
		}
		if (p[0].revents != 0)
			take_client(p, p[0].fd);
		if (p[1].revents != 0)
			answer_datagram(p[1].fd);
		for (int i = 2; i < CLIENTS_MAX; i++)
			if (p[i].fd >= 0 && p[i].revents != 0)
				answer_stream(&p[i]);
	}
}

/* One line there and back: is anybody there? Gives up after 3 seconds. */
int load_ask(int argc, char **argv)
{
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6};
	struct sockaddr_in a4 = {.sin_family = AF_INET};
	const struct timeval limit = {.tv_sec = 3};
	const bool v6 = argc == 2 && strchr(argv[0], ':') != NULL;
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), r;
	char got[6] = "";

	if (argc != 2 || fd < 0)
		return fail("socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	a6.sin6_port = a4.sin_port = htons((uint16_t)number(argv[1]));
	(void)inet_pton(AF_INET6, argv[0], &a6.sin6_addr);
	(void)inet_pton(AF_INET, argv[0], &a4.sin_addr);
	if (v6)
		r = connect(fd, (const struct sockaddr *)&a6, sizeof(a6));
	else
		r = connect(fd, (const struct sockaddr *)&a4, sizeof(a4));
	if (r < 0 || write(fd, "hello", 5) != 5 || read(fd, got, 5) != 5)
		return fail("ask");
	(void)close(fd);
	printf("%s\n", got);
	return 0;
}

/* ---- files ---- */

int load_project(int argc, char **argv)
{
	struct fsxattr attr;
	int fd = argc == 2 ? open(argv[0], O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0 || ioctl(fd, FS_IOC_FSGETXATTR, &attr) < 0)
		return fail("read the project id");
	attr.fsx_projid = number(argv[1]);
	attr.fsx_xflags |= FS_XFLAG_PROJINHERIT;
	if (ioctl(fd, FS_IOC_FSSETXATTR, &attr) < 0)
		return fail("change the project id");
	printf("changed\n");
	return 0;
}

/* setfsuid takes the file capabilities away: mknod needs its own back. */
static int raise_caps(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data) < 0)
		return -1;
	data[0].effective = data[0].permitted;
	data[1].effective = data[1].permitted;
	return (int)syscall(SYS_capset, &head, data);
}

int load_node(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	(void)setfsgid(number(argv[0]));
	(void)setfsuid(number(argv[0]));
	if (raise_caps() < 0)
		return fail("raise capabilities");
	if (mknod(argv[1], S_IFBLK | 0666, makedev(number(argv[2]), number(argv[3]))) < 0)
		return fail("mknod");
	return 0;
}

/* ---- frames ---- */

static size_t parse_hex(const char *text, unsigned char *buf, size_t size)
{
	size_t n = 0;

	for (; text[0] != '\0' && text[1] != '\0' && n < size; text += 2) {
		const char digits[3] = {text[0], text[1], '\0'};

		buf[n++] = (unsigned char)strtoul(digits, NULL, 16);
	}
	return n;
}

int load_frame(int argc, char **argv)
{
	unsigned char buf[1514];
	struct sockaddr_ll to = {.sll_family = AF_PACKET};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	size_t n;

	if (argc != 2 || fd < 0)
		return fail("packet socket");
	to.sll_ifindex = (int)if_nametoindex(argv[0]);
	n = parse_hex(argv[1], buf, sizeof(buf));
	if (sendto(fd, buf, n, 0, (const struct sockaddr *)&to, sizeof(to)) != (ssize_t)n)
		return fail("send");
	return 0;
}

static int send_from6(const char *from, const char *to, uint16_t port, const char *text)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6};
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || setsockopt(fd, SOL_IPV6, IPV6_TRANSPARENT, &on, sizeof(on)) < 0 ||
	    inet_pton(AF_INET6, from, &a.sin6_addr) != 1 ||
	    bind(fd, (const struct sockaddr *)&a, sizeof(a)) < 0)
		return fail("bind");
	a.sin6_port = htons(port);
	if (inet_pton(AF_INET6, to, &a.sin6_addr) != 1 ||
	    sendto(fd, text, strlen(text), 0, (const struct sockaddr *)&a, sizeof(a)) < 0)
		return fail("send");
	return 0;
}

/* Of the pseudo header of RFC 9293 and a segment without data: 16-bit words, both of even length. */
static uint16_t tcp_sum(in_addr_t from, in_addr_t to, const struct tcphdr *tcp)
{
	struct {
		in_addr_t from, to;
		uint16_t protocol, len;
		struct tcphdr tcp;
	} p = {from, to, htons(IPPROTO_TCP), htons(sizeof(*tcp)), *tcp};
	uint16_t words[sizeof(p) / 2];
	uint32_t sum = 0;

	memcpy(words, &p, sizeof(p));
	for (size_t i = 0; i < sizeof(p) / 2; i++)
		sum += words[i];
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t) ~(sum + (sum >> 16));
}

int load_segment(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET}, from = {0};
	struct tcphdr tcp = {.doff = 5, .window = htons(1000)};
	socklen_t len = sizeof(from);
	int fd;

	if (argc != 3 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
		return 2;
	fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_TCP);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&from, &len) < 0)
		return fail("segment");
	tcp.source = htons((uint16_t)(30000 + getpid() % 30000)); /* another at each call */
	tcp.dest = htons((uint16_t)number(argv[2]));
	tcp.syn = strcmp(argv[0], "syn") == 0;
	tcp.ack = !tcp.syn;
	tcp.seq = htonl(1000);
	tcp.check = tcp_sum(from.sin_addr.s_addr, to.sin_addr.s_addr, &tcp);
	return send(fd, &tcp, sizeof(tcp), 0) < 0 ? fail("segment") : 0;
}

int load_datagram(int argc, char **argv)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	int fd, on = 1;

	if (argc != 4)
		return 2;
	if (strchr(argv[0], ':') != NULL)
		return send_from6(argv[0], argv[1], (uint16_t)number(argv[2]), argv[3]);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_IP, IP_TRANSPARENT, &on, sizeof(on)) < 0 ||
	    inet_pton(AF_INET, argv[0], &a.sin_addr) != 1 ||
	    bind(fd, (const struct sockaddr *)&a, sizeof(a)) < 0)
		return fail("bind");
	a.sin_port = htons((uint16_t)number(argv[2]));
	if (inet_pton(AF_INET, argv[1], &a.sin_addr) != 1 ||
	    sendto(fd, argv[3], strlen(argv[3]), 0, (const struct sockaddr *)&a, sizeof(a)) < 0)
		return fail("send");
	return 0;
}
