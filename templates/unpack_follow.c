/* unpack_follow.c - hearing the unpacker, which may be in a stranger's hands: nothing of it is waited for without a limit. */
#include "runtime/base/child.h"
#include "runtime/base/ev.h"
#include "templates/unpack.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

int unpack_follow(int fd, const struct unpack_limits *l, struct unpack_report *last,
		  unpack_show_fn *show, void *data)
{
	uint64_t quiet_ms = (uint64_t)(l->quiet > 0 ? l->quiet : l->seconds) * 1000;
	uint64_t now = ev_now_ms(), end = now + (uint64_t)l->seconds * 1000, quiet = now + quiet_ms;
	struct unpack_report r;
	size_t got = 0;

	for (;; now = ev_now_ms()) {
		ssize_t n;

		if (now >= least(end, quiet))
			return now >= end ? -ETIMEDOUT : -ETIME;
		if (fd_wait(fd, POLLIN, (unsigned int)(least(end, quiet) - now)) != 1)
			continue;
		/* What is there: a part of a report is no report, and no progress. */
		n = read(fd, (char *)&r + got, sizeof(r) - got);
		if (n <= 0)
			return 0;
		got += (size_t)n;
		if (got < sizeof(r))
			continue;
		got = 0;
		*last = r;
		if (r.kind != UNPACK_PROGRESS)
			return 0;
		quiet = ev_now_ms() + quiet_ms;
		show(&r, data);
	}
}
