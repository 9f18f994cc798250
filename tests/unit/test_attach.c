/*
 * test_attach.c - the hold on a running CT: what berthd believes of a state file and of a monitor.
 *
 * covers: runtime/daemon/monitor_conn.c runtime/daemon/attach.c
 */
#include "tests/unit/daemon_fixture.h"

static bool holds_nothing(const struct ct *ct)
{
	return ct->init_pidfd < 0 && ct->init_watch == NULL && ct->monitor == NULL;
}

static void a_state_file_without_a_living_init_is_no_run(void)
{
	struct ct *ct;
	pid_t init;

	host_begin("");
	ct = add_ct(101, "");
	CHECK(attach_take(&d, ct, &err) < 0 && err.code == BERTH_ERR_NOT_RUNNING);
	init = init_begin();
	put_state(101, init, 0, false); /* the starter has not got to the end */
	CHECK(attach_take(&d, ct, &err) < 0 && err.code == BERTH_ERR_NOT_RUNNING);
	put_state(101, init, 0, true);
	init_end(init, SIGKILL);
	CHECK(attach_take(&d, ct, &err) < 0 && strstr(err.msg, "CT 101") != NULL);
	CHECK(holds_nothing(ct) && ct->status == CT_STOPPED);
	put_file(run_dir(101), "state", "init_pid=1\njunk", 0644);
	CHECK(attach_take(&d, ct, &err) < 0 && ct->status == CT_STOPPED);
	host_end();
}

static void the_monitor_is_asked_for_its_state_and_what_to_keep(void)
{
	struct mon_record rec;
	struct running r;

	host_begin("");
	running_begin(&r, 101, "");
	CHECK(r.ct->status == CT_RUNNING && r.ct->run.init.pid == r.init && !r.ct->booted);
	CHECK(recv(r.conn, &rec, sizeof(rec), 0) == (ssize_t)sizeof(rec) && rec.type == MON_HELLO);
	CHECK(recv(r.conn, &rec, sizeof(rec), 0) == (ssize_t)sizeof(rec) && rec.type == MON_KEEP);
	host_end();
	running_end(&r);
}

/* The hold on init is there all the same: its end must not be missed. */
static void a_missing_monitor_is_told_but_init_is_held(void)
{
	struct ct *ct;
	pid_t init;

	host_begin("");
	ct = add_ct(101, "");
	init = init_begin();
	put_state(101, init, 0, true);
	CHECK(attach_take(&d, ct, &err) == 0 && strstr(err.msg, "monitor") != NULL);
	CHECK(ct->init_pidfd >= 0 && ct->init_watch != NULL && ct->monitor == NULL);
	CHECK(!attach_init_has_ended(ct));
	init_end(init, SIGKILL);
	CHECK(attach_init_has_ended(ct));
	attach_drop(ct);
	/* Nobody knows: that is no "yes". */
	CHECK(holds_nothing(ct) && !attach_init_has_ended(ct));
	host_end();
}

static void a_boot_of_before_is_known_and_a_boot_is_told_once(void)
{
	struct running r;
	struct client c;
	json_t *reply;

	host_begin("");
	running_begin(&r, 101, "");
	client_open(&c);
	client_send(&c, "io.berth.Container.Monitor", NULL, true);
	for (int i = 0; i < 2; i++)
		monitor_says(&r, (struct mon_record){.type = MON_STATE, .a = r.init, .b = 1}, NULL,
			     0);
	reply = client_wait(&c);
	CHECK(strcmp(json_string_value(json_object_get(parameters_of(reply), "event")), "booted") ==
	      0);
	json_decref(reply);
	CHECK(client_take(&c) == NULL && r.ct->booted);
	client_close(&c);
	put_file(run_dir(101), "booted", "", 0644);
	r.ct->booted = false;
	CHECK(attach_take(&d, r.ct, &err) == 0 && r.ct->booted);
	host_end();
	running_end(&r);
}

static bool is_pipe_end(int fd, int other)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && fstat(other, &b) == 0 && a.st_ino == b.st_ino;
}

static void what_the_monitor_gives_is_kept_and_replaced(void)
{
	struct running r;
	int p[2], q[2], fds[2];

	host_begin("");
	running_begin(&r, 101, "");
	CHECK(pipe2(p, O_CLOEXEC) == 0 && pipe2(q, O_CLOEXEC) == 0);
	fds[0] = p[0];
	fds[1] = q[0];
	monitor_says(&r, (struct mon_record){.type = MON_KEPT, .a = 1, .b = 1}, fds, 2);
	CHECK(is_pipe_end(r.ct->kept[0], p[0]) && is_pipe_end(r.ct->kept[1], q[0]));
	CHECK(fcntl(r.ct->kept[0], F_GETFD) == FD_CLOEXEC);
	/* Another monitor has only a notify socket. */
	monitor_says(&r, (struct mon_record){.type = MON_KEPT, .a = 0, .b = 1}, fds, 1);
	CHECK(r.ct->kept[0] < 0 && is_pipe_end(r.ct->kept[1], p[0]));
	for (int i = 0; i < 2; i++) {
		(void)close(p[i]);
		(void)close(q[i]);
	}
	host_end();
	running_end(&r);
}

static int count_fds(void)
{
	auto_closedir DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir) != NULL)
		n++;
	return n;
}

static void a_record_that_lies_is_dropped_and_its_descriptors_closed(void)
{
	static const struct mon_record lies[] = {
		{.type = MON_KEPT, .a = 1, .b = 1}, /* and sends one */
		{.type = MON_KEPT, .a = -1, .b = 2},
		{.type = MON_KEPT, .a = 7, .b = -6},
		{.type = MON_KEPT, .a = INT32_MAX, .b = 1},
		{.type = MON_STATE, .b = 2},
		{.type = 999, .b = 1},
	};
	struct running r;
	int before;

	host_begin("");
	running_begin(&r, 101, "");
	before = count_fds();
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		monitor_says(&r, lies[i], &r.listener, 1);
		CHECK(r.ct->kept[0] < 0 && r.ct->kept[1] < 0 && !r.ct->booted);
		CHECK(count_fds() == before && r.ct->monitor != NULL);
	}
	CHECK(send(r.conn, "x", 1, MSG_NOSIGNAL) == 1);
	settle_down();
	CHECK(r.ct->monitor != NULL && !r.ct->booted);
	host_end();
	running_end(&r);
}

static void after_the_drop_nothing_is_heard(void)
{
	struct running r;

	host_begin("");
	running_begin(&r, 101, "");
	attach_drop(r.ct);
	attach_drop(r.ct);
	CHECK(holds_nothing(r.ct));
	fd_close(&r.conn);
	init_end(r.init, SIGKILL);
	settle_down();
	CHECK(r.ct->job == NULL && worker_calls()[0] == '\0');
	host_end();
	running_end(&r);
}

int main(void)
{
	int r = daemon_begin();

	if (r != 0)
		return r;
	RUN(a_state_file_without_a_living_init_is_no_run);
	RUN(the_monitor_is_asked_for_its_state_and_what_to_keep);
	RUN(a_missing_monitor_is_told_but_init_is_held);
	RUN(a_boot_of_before_is_known_and_a_boot_is_told_once);
	RUN(what_the_monitor_gives_is_kept_and_replaced);
	RUN(a_record_that_lies_is_dropped_and_its_descriptors_closed);
	RUN(after_the_drop_nothing_is_heard);
	return check_failures != 0;
}
