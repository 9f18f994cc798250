/* pool_ct.c - counts what a CT's network namespace holds, from its files in /proc. */
#include "runtime/ct/pool_ct.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	PIECE = 65536,
	LINES_MAX = 1000000 /* more would cost seconds and say nothing new */
};

/* Lines of a table below its heading. The kernel makes such files piece by piece: they have no size. */
static uint64_t count_lines(int dir, const char *name)
{
	auto_close int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	auto_free char *piece = malloc(PIECE);
	uint64_t n = 0;
	ssize_t got;

	if (fd < 0 || piece == NULL)
		return 0;
	while (n < LINES_MAX && (got = read(fd, piece, PIECE)) > 0)
		for (ssize_t i = 0; i < got; i++)
			n += piece[i] == '\n';
	return n > 0 ? n - 1 : 0;
}

/* The number behind "KEY WORD ", at the beginning of a line of sockstat. */
static uint64_t sockstat(const char *text, const char *key)
{
	const char *p = strstr(text, key);

	return p == NULL ? 0 : strtoull(p + strlen(key), NULL, 10);
}

int pool_ct_read(pid_t init, struct pool_ct *ret)
{
	auto_free char *text = NULL, *conns = NULL;
	auto_close int dir = -EBADF;
	char path[40];
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d/net", (int)init);
	dir = dir_open_at(AT_FDCWD, path);
	r = dir < 0 ? dir : file_read_at(dir, "sockstat", PIECE, &text, NULL);
	if (r < 0)
		return r;
	*ret = (struct pool_ct){
		.sockets = sockstat(text, "sockets: used "),
		.raw = sockstat(text, "RAW: inuse "),
		.packet = count_lines(dir, "packet"),
		.neighbours = count_lines(dir, "arp"),
	};
	/* A line a CPU, each with the sum in front, hexadecimal. Absent without conntrack. */
	if (file_read_at(dir, "stat/nf_conntrack", PIECE, &conns, NULL) == 0) {
		const char *line = strchr(conns, '\n');

		ret->connections = line == NULL ? 0 : strtoull(line, NULL, 16);
	}
	return 0;
}

bool pool_ct_unusual(const struct pool_ct *p, char *buf, size_t size)
{
	const struct {
		uint64_t has, many;
		const char *what;
	} rows[] = {
		{p->packet, 500, "packet sockets"},  {p->raw, 500, "raw sockets"},
		{p->neighbours, 5000, "neighbours"}, {p->connections, 100000, "connections"},
		{p->sockets, 100000, "sockets"},
	};
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].has < rows[i].many || used >= size)
			continue;
		used += (size_t)snprintf(buf + used, size - used, "%s%llu %s", used > 0 ? ", " : "",
					 (unsigned long long)rows[i].has, rows[i].what);
	}
	return used > 0;
}
