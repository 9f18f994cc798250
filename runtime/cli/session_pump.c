/* session_pump.c - copying bytes one way between two descriptors. */
#include "runtime/cli/session_pump.h"

#include "runtime/base/fd.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	END_OF_TRANSMISSION = 4
}; /* ^D */

void pump_init(struct pump *p, int from, bool own_from, int to, bool own_to)
{
	struct stat st;

	p->from = from;
	p->own_from = own_from;
	p->to = to;
	p->own_to = own_to;
	p->to_file = fstat(to, &st) == 0 && S_ISREG(st.st_mode);
	p->send_eof = false;
	p->limit = SIZE_MAX;
	p->filter = NULL;
	p->len = p->done = 0;
}

static void end_from(struct pump *p)
{
	if (p->own_from)
		fd_close(&p->from);
	p->from = -1;
}

static void end_to(struct pump *p)
{
	if (p->own_to)
		fd_close(&p->to);
	p->to = -1;
}

void pump_close(struct pump *p)
{
	end_from(p);
	end_to(p);
}

void pump_want(const struct pump *p, struct pollfd fds[2])
{
	bool holds = p->done < p->len;

	fds[0] = (struct pollfd){.fd = holds ? -1 : p->from, .events = POLLIN};
	/* Without events it still tells that the reader has gone. */
	fds[1] = (struct pollfd){.fd = p->to, .events = holds ? POLLOUT : 0};
}

static void pump_read(struct pump *p)
{
	size_t max = p->limit < PUMP_SIZE - 1 ? p->limit : PUMP_SIZE - 1;
	ssize_t n = read(p->from, p->buf, max);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		end_from(p);
		p->done = 0;
		p->len = p->send_eof ? 1 : 0;
		p->buf[0] = END_OF_TRANSMISSION;
		return;
	}
	if (p->limit != SIZE_MAX)
		p->limit -= (size_t)n;
	p->len = p->filter == NULL ? (size_t)n : p->filter(p->filter_data, p->buf, (size_t)n);
	p->done = 0;
}

/*
 * The operator's descriptors are shared with others and stay blocking: after POLLOUT a pipe takes
 * PIPE_BUF bytes without blocking, which is all that is promised.
 */
static void pump_write(struct pump *p)
{
	size_t left = p->len - p->done;
	ssize_t n;

	if (!p->own_to && !p->to_file && left > PIPE_BUF)
		left = PIPE_BUF;
	n = write(p->to, p->buf + p->done, left);
	if (n >= 0) {
		p->done += (size_t)n;
	} else if (errno != EAGAIN && errno != EINTR) {
		/* Nobody reads any more: the sender is to learn that the same way. */
		p->done = p->len;
		end_to(p);
		end_from(p);
	}
}

void pump_run(struct pump *p, const struct pollfd fds[2])
{
	if (p->from >= 0 && fds[0].fd == p->from && fds[0].revents != 0 && p->limit > 0)
		pump_read(p);
	if (p->to >= 0 && p->done < p->len && (p->own_to || p->to_file || fds[1].revents != 0))
		pump_write(p);
	else if (p->to >= 0 && (fds[1].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0)
		pump_close(p);
	if (p->from < 0 && p->done == p->len && !p->send_eof)
		end_to(p);
}

bool pump_is_done(const struct pump *p)
{
	return p->to < 0 || (p->done == p->len && (p->from < 0 || p->limit == 0));
}

void pump_finish(struct pump *p, size_t max)
{
	int n = 0;

	if (max == 0 && p->from >= 0 && ioctl(p->from, FIONREAD, &n) == 0 && n >= 0)
		p->limit = (size_t)n;
	else
		p->limit = max;
}
