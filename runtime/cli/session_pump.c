/* session_pump.c - copying bytes one way between two descriptors. */
#include "runtime/cli/session_pump.h"

#include "runtime/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	END_OF_TRANSMISSION = 4, /* ^D */
	PIECE_LENT = 4096
};

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
	p->loan = LOAN_NONE;
	p->lender = p->gauge = p->scratch[0] = p->scratch[1] = -1;
	p->lent = 0;
	p->filter = NULL;
	p->len = p->done = 0;
}

static void end_loan(struct pump *p)
{
	fd_close(&p->gauge);
	fd_close(&p->scratch[0]);
	fd_close(&p->scratch[1]);
	p->loan = LOAN_NONE;
	p->lender = -1;
}

void pump_lend(struct pump *p, int reader)
{
	struct stat st;

	if (fstat(p->from, &st) < 0)
		return;
	if (S_ISREG(st.st_mode))
		p->loan = LOAN_FILE;
	else if (S_ISFIFO(st.st_mode) && pipe2(p->scratch, O_CLOEXEC | O_NONBLOCK) == 0)
		p->loan = LOAN_PIPE;
	else
		return;
	p->lender = p->from;
	p->gauge = fcntl(reader, F_DUPFD_CLOEXEC, 3);
	/* One slot: it can be written again when all of it has been read. */
	if (p->gauge < 0 || (p->loan == LOAN_PIPE && fcntl(p->to, F_SETPIPE_SZ, PIECE_LENT) < 0))
		end_loan(p);
}

static size_t unread(const struct pump *p)
{
	int n = 0;

	return ioctl(p->gauge, FIONREAD, &n) == 0 && n > 0 ? (size_t)n : 0;
}

/* The receiver has had n bytes of the copy: from now on they are gone from the pipe, too. */
static void take_lent(struct pump *p, size_t n)
{
	char buf[PIECE_LENT];

	while (n > 0) {
		ssize_t got = read(p->lender, buf, n < sizeof(buf) ? n : sizeof(buf));

		if (got <= 0)
			break;
		n -= (size_t)got;
	}
	p->lent = 0;
}

static void give_back(struct pump *p)
{
	size_t left;

	if (p->loan == LOAN_NONE)
		return;
	left = p->gauge >= 0 ? unread(p) : 0;
	if (p->loan == LOAN_FILE)
		(void)lseek(p->lender, -(off_t)(left + p->len - p->done), SEEK_CUR);
	else if (p->lent > left + p->len - p->done)
		take_lent(p, p->lent - left - (p->len - p->done));
	end_loan(p);
}

/* A copy of what lies first in the pipe; nothing is taken from there. */
static ssize_t peek_pipe(struct pump *p)
{
	ssize_t n = tee(p->from, p->scratch[1], PIECE_LENT, SPLICE_F_NONBLOCK);

	if (n > 0)
		n = read(p->scratch[0], p->buf, PIECE_LENT);
	if (n > 0)
		p->lent = (size_t)n;
	return n;
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
	give_back(p);
	end_from(p);
	end_to(p);
}

void pump_want(const struct pump *p, struct pollfd fds[2])
{
	bool holds = p->done < p->len || p->lent > 0;

	fds[0] = (struct pollfd){.fd = holds ? -1 : p->from, .events = POLLIN};
	/* Without events it still tells that the reader has gone. */
	fds[1] = (struct pollfd){.fd = p->to, .events = holds ? POLLOUT : 0};
}

static void pump_read(struct pump *p)
{
	size_t max = p->limit < PUMP_SIZE - 1 ? p->limit : PUMP_SIZE - 1;
	ssize_t n = p->loan == LOAN_PIPE ? peek_pipe(p) : read(p->from, p->buf, max);

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
		give_back(p);
		p->done = p->len;
		end_to(p);
		end_from(p);
	}
}

/* All of the copy has been read: who reads is given what comes. */
static void loan_is_used(struct pump *p)
{
	take_lent(p, p->lent);
	(void)fcntl(p->to, F_SETPIPE_SZ, PUMP_SIZE);
	end_loan(p);
}

void pump_run(struct pump *p, const struct pollfd fds[2])
{
	/* Also when something is unread: then the reader has made the pipe larger. */
	if (p->lent > 0 && p->done == p->len && (fds[1].revents & POLLOUT) != 0)
		loan_is_used(p);
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
