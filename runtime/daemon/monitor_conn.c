/* monitor_conn.c - berthd's connection to a CT's monitor. */
#include "runtime/daemon/monitor_conn.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/daemon/boot_wait.h"
#include "runtime/wire/record.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

struct monitor_conn {
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

/* The monitor's answer to MON_KEEP: the descriptors become the CT's. */
static void take_kept(struct ct *ct, const struct mon_record *rec, int *fds)
{
	int i = 0;

	monitor_forget_kept(ct);
	if (rec->a == 1)
		ct->kept[0] = take_fd(&fds[i++]);
	if (rec->b == 1)
		ct->kept[1] = take_fd(&fds[i]);
	/* Rather a console that a killed monitor takes along than no descriptor for the next order. */
	for (i = 0; i < 2; i++)
		if (fd_is_reserve(ct->kept[i]))
			fd_close(&ct->kept[i]);
}

void monitor_forget_kept(struct ct *ct)
{
	fd_close(&ct->kept[0]);
	fd_close(&ct->kept[1]);
}

/* The guest has said that it has booted. */
static void has_booted(struct ct *ct)
{
	if (ct->booted)
		return;
	ct->booted = true;
	event_emit(ct->d, ct->ctid, "booted", NULL);
	boot_wait_done(ct);
}

static void on_record(struct ev_source *s, uint32_t events, void *data)
{
	struct monitor_conn *m = data;
	struct ct *ct = m->ct;
	struct mon_record rec;
	char buf[sizeof(rec) + 1];
	int fds[2] = {-EBADF, -EBADF};
	unsigned int n_fds = 0;
	ssize_t n = fd_recv_message(m->fd, buf, sizeof(buf), fds, 2, &n_fds);

	(void)s;
	(void)events;
	/* What it gives to keep finds no descriptor free: the CT does without, the monitor is there. */
	if (n == -EAGAIN || n == -EBADMSG)
		return;
	if (n <= 0) {
		monitor_disconnect(ct);
		(void)ct_event(ct, LIFE_MONITOR_GONE, NULL, NULL);
		return;
	}
	if (mon_record_check(buf, (size_t)n, &rec) < 0)
		rec.type = 0;
	if (rec.type == MON_KEPT && n_fds == (unsigned int)rec.a + (unsigned int)rec.b)
		take_kept(ct, &rec, fds);
	fd_close(&fds[0]);
	fd_close(&fds[1]);
	if (rec.type == MON_STATE && rec.b == 1)
		has_booted(ct);
}

int monitor_open(struct daemon *d, const struct ct *ct, struct berth_error *err)
{
	auto_close int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char path[BERTH_PATH_MAX];

	if (fd < 0)
		return berth_error_sys(err, errno, "make a socket");
	if (fd_is_reserve(fd))
		return berth_error_sys(err, EMFILE, "CT %u: hold a connection to its monitor",
				       ct->ctid);
	path_monitor_socket(&d->paths, ct->ctid, path);
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%.*s", (int)sizeof(a.sun_path) - 1, path);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return berth_error_sys(err, errno, "CT %u: connect to its monitor at %s", ct->ctid,
				       path);
	return take_fd(&fd);
}

static int connect_socket(struct daemon *d, struct ct *ct, struct berth_error *err)
{
	auto_close int fd = monitor_open(d, ct, err);
	struct mon_record hello = {.version = MON_VERSION, .type = MON_HELLO};
	struct mon_record keep = {.version = MON_VERSION, .type = MON_KEEP};

	if (fd < 0)
		return fd;
	if (send(fd, &hello, sizeof(hello), MSG_NOSIGNAL) < 0 ||
	    send(fd, &keep, sizeof(keep), MSG_NOSIGNAL) < 0)
		return berth_error_sys(err, errno, "CT %u: talk to its monitor", ct->ctid);
	return take_fd(&fd);
}

int monitor_connect(struct daemon *d, struct ct *ct, struct berth_error *err)
{
	struct monitor_conn *m;
	int fd = connect_socket(d, ct, err), r;

	if (fd < 0)
		return fd;
	monitor_disconnect(ct);
	m = calloc(1, sizeof(*m));
	if (m == NULL)
		abort();
	m->ct = ct;
	m->fd = fd;
	r = ev_add_io(d->ev, fd, EPOLLIN, on_record, m, &m->watch);
	if (r < 0) {
		(void)close(fd);
		free(m);
		return berth_error_sys(err, r, "CT %u: watch its monitor", ct->ctid);
	}
	ct->monitor = m;
	return 0;
}
