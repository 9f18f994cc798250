/* probe_beat.c - a thousand questions a second to an echo: how long nobody answers, and what is lost. */
#include "tests/tools/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
	QUESTIONS_MAX = 1 << 20,
	LAST_MS = 3000 /* for what is still on its way at the end */
};

struct beat {
	int fd;
	uint64_t sent, answered, last_us, gap_us; /* gap_us: the longest time between two answers */
	uint64_t refused; /* sends that failed: a router said that it cannot be reached */
};

static volatile sig_atomic_t ended;
static unsigned char answered_udp[QUESTIONS_MAX / 8];

static void end(int sig)
{
	(void)sig;
	ended = 1;
}

static uint64_t now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void note_answer(struct beat *b)
{
	uint64_t now = now_us();

	if (b->last_us != 0 && now - b->last_us > b->gap_us)
		b->gap_us = now - b->last_us;
	b->last_us = now;
}

static int connect_to(const char *address, uint16_t port, int type)
{
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in a4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	const bool v6 = strchr(address, ':') != NULL;
	int fd = socket(v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 ||
	    inet_pton(v6 ? AF_INET6 : AF_INET, address,
		      v6 ? (void *)&a6.sin6_addr : (void *)&a4.sin_addr) != 1 ||
	    connect(fd, v6 ? (const struct sockaddr *)&a6 : (const struct sockaddr *)&a4,
		    v6 ? sizeof(a6) : sizeof(a4)) < 0)
		return -1;
	if (type == SOCK_STREAM)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ? -1 : fd;
}

/* 0, or -1: the connection has ended. */
static int ask_stream(struct beat *b)
{
	uint64_t n = b->sent;

	if (send(b->fd, &n, sizeof(n), MSG_NOSIGNAL) == (ssize_t)sizeof(n))
		b->sent++;
	else if (errno != EAGAIN)
		return -1;
	return 0;
}

static int hear_stream(struct beat *b)
{
	char buf[4096];
	ssize_t n = read(b->fd, buf, sizeof(buf));

	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0)
		return -1;
	b->answered += (uint64_t)n;
	note_answer(b);
	return 0;
}

static void ask_datagram(struct beat *b)
{
	uint32_t n = (uint32_t)b->sent;

	if (b->sent >= QUESTIONS_MAX)
		return;
	if (send(b->fd, &n, sizeof(n), 0) == (ssize_t)sizeof(n))
		b->sent++;
	else
		b->refused++;
}

static void hear_datagrams(struct beat *b)
{
	uint32_t n;
	ssize_t r;

	while ((r = recv(b->fd, &n, sizeof(n), 0)) >= 0 || errno != EAGAIN) {
		if (r != (ssize_t)sizeof(n) || n >= QUESTIONS_MAX) {
			b->refused += r < 0;
			continue;
		}
		if ((answered_udp[n / 8] & 1 << n % 8) == 0)
			b->answered++;
		answered_udp[n / 8] |= (unsigned char)(1 << n % 8);
		note_answer(b);
	}
}

static void report(const struct beat *tcp, const struct beat *udp)
{
	printf("tcp_gap_us=%llu tcp_sent=%llu tcp_left=%llu udp_gap_us=%llu udp_sent=%llu "
	       "udp_lost=%llu udp_refused=%llu\n",
	       (unsigned long long)tcp->gap_us, (unsigned long long)tcp->sent,
	       (unsigned long long)(tcp->sent * sizeof(uint64_t) - tcp->answered),
	       (unsigned long long)udp->gap_us, (unsigned long long)udp->sent,
	       (unsigned long long)(udp->sent - udp->answered), (unsigned long long)udp->refused);
	(void)fflush(stdout);
}

/* Until SIGTERM; then until all is answered, or LAST_MS. */
static int run(struct beat *tcp, struct beat *udp, int timer)
{
	struct pollfd p[] = {{timer, POLLIN, 0}, {tcp->fd, POLLIN, 0}, {udp->fd, POLLIN, 0}};
	uint64_t until = 0, ticks;

	for (;;) {
		(void)poll(p, 3, 100);
		if (ended && until == 0)
			until = now_us() + LAST_MS * 1000;
		if (until != 0 && (now_us() > until ||
				   (tcp->sent * 8 == tcp->answered && udp->sent == udp->answered)))
			return 0;
		if (read(timer, &ticks, sizeof(ticks)) > 0 && until == 0) {
			if (ask_stream(tcp) < 0)
				return -1;
			ask_datagram(udp);
		}
		if (hear_stream(tcp) < 0)
			return -1;
		hear_datagrams(udp);
	}
}

int load_beat(int argc, char **argv)
{
	const struct itimerspec each = {{0, 1000000}, {0, 1000000}};
	struct beat tcp = {.fd = -1}, udp = {.fd = -1};
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), size = 1 << 20, r;

	if (argc != 2)
		return 2;
	(void)signal(SIGTERM, end);
	tcp.fd = connect_to(argv[0], (uint16_t)strtoul(argv[1], NULL, 10), SOCK_STREAM);
	udp.fd = connect_to(argv[0], (uint16_t)strtoul(argv[1], NULL, 10), SOCK_DGRAM);
	if (timer < 0 || tcp.fd < 0 || udp.fd < 0 || timerfd_settime(timer, 0, &each, NULL) < 0) {
		perror("probe beat");
		return 1;
	}
	(void)setsockopt(udp.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	printf("begun\n");
	(void)fflush(stdout);
	r = run(&tcp, &udp, timer);
	if (r < 0)
		perror("probe beat: the TCP connection has ended");
	report(&tcp, &udp);
	return r < 0;
}
