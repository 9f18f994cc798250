/* console.c - between the console's pty master, its log and the attached client. */
#include "runtime/monitor/console.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/monitor/wake.h"

#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>

enum {
	PIECE = 4096
};

static const char log_name[] = "console.log", log_old_name[] = "console.log.1";

static void log_open(struct console *c, int how)
{
	struct stat st = {0};

	c->log = openat(c->dir, log_name,
			O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC | how, 0600);
	c->log_size = 0;
	if (c->log >= 0 && fstat(c->log, &st) == 0)
		c->log_size = st.st_size < CONSOLE_LOG_MAX ? (uint32_t)st.st_size : CONSOLE_LOG_MAX;
}

/* A full /run costs log lines, never the CT. */
static void log_put(struct console *c, const char *buf, size_t len)
{
	if (c->log_size >= CONSOLE_LOG_MAX) {
		fd_close(&c->log);
		(void)renameat(c->dir, log_name, c->dir, log_old_name);
		log_open(c, O_TRUNC);
	}
	if (c->log >= 0)
		(void)fd_write_all(c->log, buf, len);
	/* Counted even when lost: at the next turn it is tried again. */
	c->log_size += (uint32_t)len;
}

/* The end of the log that an earlier monitor wrote. */
static void ring_preload(struct console *c)
{
	auto_close int fd = openat(c->dir, log_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char buf[PIECE];
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	if (st.st_size > RING_SIZE)
		(void)lseek(fd, st.st_size - RING_SIZE, SEEK_SET);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		ring_put(&c->ring, buf, (size_t)n);
}

void console_init(struct console *c, int epoll, int dir, int master, bool keep_log)
{
	c->epoll = epoll;
	c->dir = dir;
	c->master = master;
	c->client = -1;
	c->budget = CONSOLE_BURST;
	if (keep_log)
		ring_preload(c);
	else
		(void)unlinkat(dir, log_old_name, 0);
	log_open(c, keep_log ? 0 : O_TRUNC);
	/* Edges only: a console that init has closed hangs up for as long as it is closed. */
	if (master >= 0)
		(void)wake_add(epoll, master, EPOLLIN | EPOLLOUT | EPOLLET, WAKE_CONSOLE, 0);
}

static void tell_lost(const struct console *c, uint64_t lost)
{
	char text[80];
	int n = snprintf(text, sizeof(text), "\r\n[berth: %llu bytes of output skipped]\r\n",
			 (unsigned long long)lost);

	(void)send(c->client, text, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void client_feed(struct console *c)
{
	while (c->client >= 0) {
		const char *p;
		uint64_t lost;
		size_t len = ring_peek(&c->ring, &c->cursor, &p, &lost);
		ssize_t n;

		if (lost > 0)
			tell_lost(c, lost);
		if (len == 0)
			return;
		n = send(c->client, p, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			console_detach(c);
		else
			c->cursor += (uint64_t)n;
	}
}

/* Whether all that was typed has gone to init. */
static bool typing_flush(struct console *c)
{
	while (c->typed_done < c->typed) {
		ssize_t n = write(c->master, c->typing + c->typed_done, c->typed - c->typed_done);

		if (n <= 0)
			return false;
		c->typed_done += (uint32_t)n;
	}
	return true;
}

static void client_read(struct console *c)
{
	c->client_more = false;
	if (c->client < 0)
		return;
	/* Bounded a call: an endless paste must not keep the others waiting. */
	for (int i = 0; i < 16 && typing_flush(c) && !c->client_ended; i++) {
		ssize_t n = recv(c->client, c->typing, sizeof(c->typing), MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			return;
		c->client_ended = n <= 0;
		c->typed = n > 0 ? (uint32_t)n : 0;
		c->typed_done = 0;
	}
	c->client_more = !c->client_ended;
}

static void refill(struct console *c, uint64_t now)
{
	uint64_t more = (now - c->refilled) * CONSOLE_RATE;

	c->refilled = now;
	c->budget = more > CONSOLE_BURST - c->budget ? CONSOLE_BURST : c->budget + (uint32_t)more;
}

/* One piece from the master; false when there is nothing (or nobody has the console open). */
static bool master_read(struct console *c, size_t max)
{
	char buf[PIECE];
	ssize_t n = read(c->master, buf, max < sizeof(buf) ? max : sizeof(buf));

	if (n <= 0)
		return false;
	ring_put(&c->ring, buf, (size_t)n);
	log_put(c, buf, (size_t)n);
	return true;
}

void console_run(struct console *c, uint64_t now)
{
	if (c->master < 0)
		return;
	refill(c, now);
	c->waiting = false;
	for (;;) {
		uint64_t before = c->ring.head;

		/* Small budgets are saved up, or a flood would cost a wake-up for a few bytes. */
		if (c->budget < PIECE) {
			c->waiting = true;
			break;
		}
		if (!master_read(c, c->budget))
			break;
		c->budget -= (uint32_t)(c->ring.head - before);
	}
	client_read(c);
	client_feed(c);
}

bool console_wants_tick(const struct console *c)
{
	return c->waiting || (c->client >= 0 && (c->client_more || c->typed_done < c->typed));
}

void console_drain(struct console *c)
{
	for (size_t left = RING_SIZE; c->master >= 0 && left >= PIECE; left -= PIECE)
		if (!master_read(c, PIECE))
			break;
	client_feed(c);
}

static bool is_stream_socket(int fd)
{
	int type = 0;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM;
}

int console_attach(struct console *c, int fd)
{
	int r;

	if (c->master < 0)
		return -ENXIO;
	if (c->client >= 0)
		return -EBUSY;
	if (!is_stream_socket(fd))
		return -EINVAL;
	r = wake_add(c->epoll, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, WAKE_CLIENT, 0);
	if (r < 0)
		return r;
	c->client = fd;
	c->client_ended = c->client_more = false;
	c->typed = c->typed_done = 0;
	c->cursor = c->ring.head;
	return 0;
}

void console_detach(struct console *c)
{
	if (c->client < 0)
		return;
	wake_remove(c->epoll, c->client);
	fd_close(&c->client);
}

void console_resize(const struct console *c, int rows, int cols)
{
	struct winsize w = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols};

	if (c->master >= 0 && rows > 0 && cols > 0 && rows <= UINT16_MAX && cols <= UINT16_MAX)
		(void)ioctl(c->master, TIOCSWINSZ, &w);
}
