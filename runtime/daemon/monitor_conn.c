/* monitor_conn.c - berthd's connection to a CT's monitor. */
#include "runtime/daemon/monitor_conn.h"

#include "runtime/base/cleanup.h"
#include "runtime/daemon/lifecycle.h"
#include "runtime/monitor/record.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

struct monitor_conn {
	struct daemon *d;
	struct ct *ct;
	int fd;
	struct ev_source *watch;
};

void monitor_disconnect(struct ct *ct)
{
	struct monitor_conn *m = ct->monitor;

	if (m == NULL)
		return;
	ct->monitor = NULL;
	ev_remove(m->watch);
	(void)close(m->fd);
	free(m);
}

static void on_record(struct ev_source *s, uint32_t events, void *data)
{
	struct monitor_conn *m = data;
	struct daemon *d = m->d;
	struct ct *ct = m->ct;
	struct mon_record rec;
	char buf[sizeof(rec) + 1];
	ssize_t n = recv(m->fd, buf, sizeof(buf), MSG_DONTWAIT);

	(void)s;
	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		monitor_disconnect(ct);
		lifecycle_monitor_gone(d, ct);
		return;
	}
	if (mon_record_check(buf, (size_t)n, &rec) < 0 || rec.type != MON_STATE)
		return;
	if (rec.b == 1)
		lifecycle_booted(d, ct);
}

static int connect_socket(struct daemon *d, struct ct *ct, struct berth_error *err)
{
	auto_close int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct mon_record hello = {.version = MON_VERSION, .type = MON_HELLO};
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char path[BERTH_PATH_MAX];

	if (fd < 0)
		return berth_error_sys(err, errno, "make a socket");
	path_monitor_socket(&d->paths, ct->ctid, path);
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%.*s", (int)sizeof(a.sun_path) - 1, path);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return berth_error_sys(err, errno, "CT %u: connect to its monitor at %s", ct->ctid,
				       path);
	if (send(fd, &hello, sizeof(hello), MSG_NOSIGNAL) < 0)
		return berth_error_sys(err, errno, "CT %u: talk to its monitor", ct->ctid);
	return take_fd(&fd);
}

int monitor_connect(struct daemon *d, struct ct *ct, struct berth_error *err)
{
	struct monitor_conn *m;
	int fd = connect_socket(d, ct, err);

	if (fd < 0)
		return fd;
	monitor_disconnect(ct);
	m = calloc(1, sizeof(*m));
	if (m == NULL)
		abort();
	m->d = d;
	m->ct = ct;
	m->fd = fd;
	if (ev_add_io(d->ev, fd, EPOLLIN, on_record, m, &m->watch) < 0)
		abort();
	ct->monitor = m;
	return 0;
}
