/* serve.c - the monitor's loop: who connects, what they ask, what the guest says. */
#include "runtime/monitor/monitor.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/base/pidref.h"
#include "runtime/monitor/wake.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum {
	EVENTS_MAX = 32,
	ACCEPT_MAX = 32,
	RECORDS_MAX = 16,
	NOTIFY_MAX = 16,
	CONN_FDS = 4
};

void monitor_drop(struct monitor *m, struct mon_conn *c)
{
	if (c->fd < 0)
		return;
	if (m->console_owner == c) {
		console_detach(&m->console);
		m->console_owner = NULL;
	}
	wake_remove(m->epoll, c->fd);
	(void)close(c->fd);
	exec_enter_drop(m, c);
	conn_client_gone(&m->table, c, m->now + MON_KILL_MS);
	exec_signal(c, SIGHUP);
	exec_signal(c, SIGCONT);
	conn_release(&m->table, c);
}

void monitor_send(struct monitor *m, struct mon_conn *c, const struct mon_record *r, int fd)
{
	if (c->fd >= 0 && fd_send_message(c->fd, r, sizeof(*r), &fd, fd >= 0 ? 1 : 0) < 0)
		monitor_drop(m, c);
}

void monitor_send_error(struct monitor *m, struct mon_conn *c, int sys, const char *text)
{
	struct mon_record r;

	mon_record_error(&r, sys, text);
	monitor_send(m, c, &r, -1);
}

static void send_state(struct monitor *m, struct mon_conn *c)
{
	struct mon_record r;

	mon_record_init(&r, MON_STATE);
	r.a = m->args.init_pid;
	r.b = m->booted;
	r.c = m->exited ? (m->exit_known ? 1 : 2) : 0;
	r.d = m->exit_status;
	memcpy(r.text, m->guest_status, sizeof(m->guest_status));
	monitor_send(m, c, &r, -1);
}

void monitor_push_state(struct monitor *m)
{
	for (unsigned int i = 0; i < MON_CONNS; i++)
		if (m->table.conns[i].in_use && m->table.conns[i].hello)
			send_state(m, &m->table.conns[i]);
}

/* ---- requests ---- */

static void log_watch(struct monitor *m, const struct mon_conn *c, bool writable)
{
	(void)wake_change(m->epoll, c->fd, writable ? EPOLLIN | EPOLLOUT : EPOLLIN, WAKE_CONN,
			  conn_slot(&m->table, c));
}

/* As much of the log as the client takes now; the rest when it can take more. */
static void log_feed(struct monitor *m, struct mon_conn *c)
{
	struct mon_record r;
	int err = 0;

	while (c->log) {
		const char *p;
		uint64_t lost;
		size_t n = ring_peek(&m->console.ring, &c->log_cursor, &p, &lost);

		if (c->log_cursor >= c->log_end)
			n = 0;
		else if (n > c->log_end - c->log_cursor)
			n = (size_t)(c->log_end - c->log_cursor);
		if (n > MON_TEXT_MAX)
			n = MON_TEXT_MAX;
		mon_record_init(&r, n > 0 ? MON_DATA : MON_END);
		r.a = (int32_t)n;
		memcpy(r.text, p, n);
		err = fd_send_message(c->fd, &r, sizeof(r), NULL, 0);
		if (err < 0)
			break;
		c->log_cursor += n;
		c->log = n > 0;
	}
	if (err < 0 && err != -EAGAIN)
		monitor_drop(m, c);
	else
		log_watch(m, c, c->log);
}

static void log_begin(struct monitor *m, struct mon_conn *c)
{
	c->log = true;
	c->log_cursor = ring_oldest(&m->console.ring);
	c->log_end = m->console.ring.head;
	log_feed(m, c);
}

static void attach(struct monitor *m, struct mon_conn *c, const struct mon_record *r, int *fd)
{
	int err = *fd < 0 ? -EINVAL : console_attach(&m->console, *fd);

	switch (err) {
	case 0:
		(void)take_fd(fd);
		m->console_owner = c;
		console_resize(&m->console, r->b, r->c);
		send_state(m, c);
		break;
	case -EBUSY:
		monitor_send_error(m, c, EBUSY, "somebody else is attached to its console");
		break;
	case -ENXIO:
		monitor_send_error(m, c, ENXIO,
				   "the monitor that held its console was killed; restart it");
		break;
	default:
		monitor_send_error(m, c, -err, "attach the console");
	}
}

/* What the CT would miss if this process were killed, for berthd to hold. */
static void send_kept(struct monitor *m, struct mon_conn *c)
{
	struct mon_record r;
	unsigned int n = 0;
	int fds[2];

	mon_record_init(&r, MON_KEPT);
	r.a = m->console.master >= 0;
	r.b = m->args.notify >= 0;
	if (r.a != 0)
		fds[n++] = m->console.master;
	if (r.b != 0)
		fds[n++] = m->args.notify;
	if (fd_send_message(c->fd, &r, sizeof(r), fds, n) < 0)
		monitor_drop(m, c);
}

static void handle_record(struct monitor *m, struct mon_conn *c, const struct mon_record *r,
			  int *fds, unsigned int n_fds)
{
	switch ((enum mon_type)r->type) {
	case MON_HELLO:
		c->hello = true;
		send_state(m, c);
		break;
	case MON_EXEC:
		exec_begin(m, c, r, fds, n_fds);
		break;
	case MON_SIGNAL:
		exec_signal(c, r->a);
		break;
	case MON_CONSOLE:
		attach(m, c, r, &fds[0]);
		break;
	case MON_RESIZE:
		if (m->console_owner == c)
			console_resize(&m->console, r->b, r->c);
		break;
	case MON_CONSOLE_LOG:
		log_begin(m, c);
		break;
	case MON_KEEP:
		send_kept(m, c);
		break;
	case MON_STATE:
	case MON_PTY:
	case MON_EXIT:
	case MON_ERROR:
	case MON_DATA:
	case MON_END:
	case MON_KEPT:
		monitor_send_error(m, c, EBADMSG, "an answer instead of a request");
		monitor_drop(m, c);
		break;
	}
}

/* Takes one packet; false when there is no more of them or of the connection. */
static bool conn_read(struct monitor *m, struct mon_conn *c)
{
	char buf[sizeof(struct mon_record) + 1];
	int fds[CONN_FDS] = {-1, -1, -1, -1};
	struct mon_record r;
	unsigned int n_fds = 0;
	ssize_t n = fd_recv_message(c->fd, buf, sizeof(buf), fds, CONN_FDS, &n_fds);

	if (n == -EAGAIN)
		return false;
	if (n > 0 && mon_record_check(buf, (size_t)n, &r) == 0) {
		handle_record(m, c, &r, fds, n_fds);
	} else {
		if (n > 0 || n == -EBADMSG)
			monitor_send_error(m, c, EBADMSG, "a request this monitor does not know");
		monitor_drop(m, c);
	}
	for (unsigned int i = 0; i < CONN_FDS; i++)
		fd_close(&fds[i]);
	return c->in_use && c->fd >= 0;
}

static void conn_ready(struct monitor *m, struct mon_conn *c, uint32_t events)
{
	if (c->log && (events & EPOLLOUT) != 0)
		log_feed(m, c);
	for (int i = 0; i < RECORDS_MAX && c->in_use && c->fd >= 0; i++)
		if (!conn_read(m, c))
			break;
}

/* ---- who connects ---- */

static bool peer_is_root(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.uid == 0;
}

static void refuse(int fd, int sys, const char *text)
{
	struct mon_record r;

	mon_record_error(&r, sys, text);
	(void)fd_send_message(fd, &r, sizeof(r), NULL, 0);
}

static void welcome(struct monitor *m, int *fd)
{
	struct mon_conn *c;

	if (!peer_is_root(*fd)) {
		refuse(*fd, EPERM, "only root may speak to a monitor");
		return;
	}
	c = conn_add(&m->table, *fd);
	if (c == NULL) {
		refuse(*fd, EAGAIN, "too many connections to its monitor");
		return;
	}
	if (wake_add(m->epoll, *fd, EPOLLIN, WAKE_CONN, conn_slot(&m->table, c)) < 0) {
		c->fd = -1;
		conn_release(&m->table, c);
		return;
	}
	(void)take_fd(fd);
	/* Most have sent their request already: no second wake-up for it. */
	conn_ready(m, c, EPOLLIN);
}

static void pause_watch(struct monitor *m, int fd, enum wake_kind kind, bool *paused, bool pause)
{
	*paused = pause;
	(void)wake_change(m->epoll, fd, pause ? 0 : EPOLLIN, kind, 0);
}

static void accept_ready(struct monitor *m)
{
	for (int i = 0; i < ACCEPT_MAX; i++) {
		auto_close int fd =
			accept4(m->args.listen, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			welcome(m, &fd);
			continue;
		}
		/* Out of descriptors or memory: it would only be the same at once again. */
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			pause_watch(m, m->args.listen, WAKE_LISTEN, &m->listen_paused, true);
		return;
	}
}

/* ---- what the guest says ---- */

static void take_news(struct monitor *m, const struct notify_news *news)
{
	if (news->has_status)
		memcpy(m->guest_status, news->status, sizeof(m->guest_status));
	if (!news->ready || m->booted)
		return;
	m->booted = true;
	(void)file_replace_at(m->args.dir, "booted", "1\n", 2, 0600, false);
	monitor_push_state(m);
}

static void notify_ready(struct monitor *m)
{
	char buf[NOTIFY_SIZE_MAX + 1];
	struct notify_news news;

	for (int i = 0; i < NOTIFY_MAX; i++) {
		/* recv(2) has no room for descriptors: the kernel closes those that came along. */
		ssize_t n = recv(m->args.notify, buf, sizeof(buf), MSG_DONTWAIT);

		if (n < 0)
			return;
		if (notify_parse(buf, (size_t)n, &news) == 0)
			take_news(m, &news);
	}
	/* A tenant that floods it waits for the next tick. */
	pause_watch(m, m->args.notify, WAKE_NOTIFY, &m->notify_paused, true);
}

/* ---- the loop ---- */

static void children_ready(struct monitor *m)
{
	struct signalfd_siginfo info[8];

	while (read(m->children, info, sizeof(info)) > 0)
		;
	exec_reap(m);
}

static void dispatch(struct monitor *m, uint64_t tag, uint32_t events)
{
	struct mon_conn *c = &m->table.conns[wake_slot_of(tag)];

	switch (wake_kind_of(tag)) {
	case WAKE_LISTEN:
		accept_ready(m);
		break;
	case WAKE_CHILDREN:
		children_ready(m);
		break;
	case WAKE_NOTIFY:
		notify_ready(m);
		break;
	case WAKE_INIT:
		init_exit_probe(m);
		break;
	case WAKE_CONSOLE:
	case WAKE_CLIENT:
		console_run(&m->console, m->now);
		break;
	case WAKE_CONN:
		conn_ready(m, c, events);
		break;
	case WAKE_ENTER:
		if (c->in_use)
			exec_entered(m, c);
		break;
	case WAKE_REPLY:
		if (c->in_use)
			exec_reply(m, c);
		break;
	}
}

static bool wants_tick(const struct monitor *m)
{
	return m->listen_paused || m->notify_paused || m->exit_asked || m->exited ||
	       m->reap_again || seen_is_due(m) || m->table.n_doomed > 0 ||
	       m->table.n_entering > 0 || console_wants_tick(&m->console);
}

static void tick(struct monitor *m)
{
	if (m->listen_paused)
		pause_watch(m, m->args.listen, WAKE_LISTEN, &m->listen_paused, false);
	if (m->notify_paused)
		pause_watch(m, m->args.notify, WAKE_NOTIFY, &m->notify_paused, false);
	if (m->exit_asked)
		init_exit_probe(m);
	if (console_wants_tick(&m->console))
		console_run(&m->console, m->now);
	seen_begin(m);
	exec_kill_overdue(m);
	exec_enter_overdue(m);
	if (m->reap_again)
		exec_reap(m);
}

/* The last sessions died with init; their clients are to hear how. */
static bool is_finished(const struct monitor *m)
{
	return m->exited && (m->table.n_sessions == 0 || m->now >= m->exit_deadline);
}

static void loop(struct monitor *m)
{
	struct epoll_event events[EVENTS_MAX];
	uint64_t ticked = 0;

	while (!is_finished(m)) {
		int n = epoll_wait(m->epoll, events, EVENTS_MAX, wants_tick(m) ? MON_TICK_MS : -1);

		m->now = clock_now_ms();
		for (int i = 0; i < n; i++)
			dispatch(m, events[i].data.u64, events[i].events);
		if (wants_tick(m) && m->now - ticked >= MON_TICK_MS) {
			ticked = m->now;
			tick(m);
		}
	}
}

static int watch_children(struct monitor *m)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	m->children = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return m->children < 0 ? -errno
			       : wake_add(m->epoll, m->children, EPOLLIN, WAKE_CHILDREN, 0);
}

/* Only mapped: its pages are touched, and counted, in the children that load it. */
static int map_seccomp(struct monitor *m)
{
	struct stat st;
	void *p;

	if (fstat(m->args.seccomp, &st) < 0)
		return -errno;
	if (st.st_size < (off_t)sizeof(*m->seccomp))
		return -EINVAL;
	p = mmap(NULL, sizeof(*m->seccomp), PROT_READ, MAP_SHARED, m->args.seccomp, 0);
	if (p == MAP_FAILED)
		return -errno;
	m->seccomp = p;
	return 0;
}

static int set_up(struct monitor *m)
{
	int r = map_seccomp(m);

	if (r < 0)
		return r;
	m->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (m->epoll < 0)
		return -errno;
	/* The starter's backlog may be short: a hundred may connect at once. */
	if (listen(m->args.listen, MON_CONNS) < 0)
		return -errno;
	r = watch_children(m);
	if (r == 0)
		r = wake_add(m->epoll, m->args.listen, EPOLLIN, WAKE_LISTEN, 0);
	if (r == 0)
		r = wake_add(m->epoll, m->args.init, EPOLLIN, WAKE_INIT, 0);
	if (r == 0 && m->args.notify >= 0)
		r = wake_add(m->epoll, m->args.notify, EPOLLIN, WAKE_NOTIFY, 0);
	return r;
}

/* What an earlier run left there is not about this init. */
static void init_files(struct monitor *m)
{
	(void)unlinkat(m->args.dir, "exit", 0);
	m->booted = m->args.booted;
	if (m->booted)
		(void)file_replace_at(m->args.dir, "booted", "1\n", 2, 0600, false);
	else
		(void)unlinkat(m->args.dir, "booted", 0);
}

int monitor_run(struct monitor *m)
{
	struct pidref init;
	int r = set_up(m);

	if (r < 0)
		return r;
	m->now = clock_now_ms();
	init_files(m);
	if (pidref_get(m->args.init_pid, &init) == 0)
		m->init_start = init.start_time;
	console_init(&m->console, m->epoll, m->args.dir, m->args.console, !m->args.child);
	seen_begin(m);
	loop(m);
	return 0;
}
