/*
 * test_checkpoint.c - what is said to CRIU and heard from it, berth's own record, and what is altered in images.
 *
 * covers: runtime/checkpoint/criu.c runtime/checkpoint/images.c runtime/checkpoint/mend.c
 * covers: runtime/checkpoint/message.c runtime/checkpoint/dump_record.c
 */
#include "runtime/checkpoint/criu.h"
#include "runtime/checkpoint/dump_record.h"
#include "runtime/checkpoint/images.h"
#include "runtime/checkpoint/mend.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- messages; the bytes are those of protobuf's encoding ---- */

static const char notify[] = "\x08\x06\x10\x01\x2a\x0d\x0a\x09post-dump\x10\x2a";
static const char dumped[] = "\x08\x01\x10\x01";
static const char refused[] = "\x08\x01\x10\x00\x38\x05";
static const char restored[] = "\x08\x02\x10\x01\x22\x03\x08\xb9\x60";
static const char version[] = "\x08\x0a\x10\x01\x52\x06\x08\x04\x10\x02\x20\x01";

#define PARSE(text, ret) criu_answer_parse(text, sizeof(text) - 1, ret)

static void answers_are_understood(void)
{
	struct criu_answer a;

	CHECK(PARSE(notify, &a) == 0 && a.kind == CRIU_NOTIFY && a.success && a.pid == 42);
	CHECK(strcmp(a.moment, "post-dump") == 0);
	CHECK(PARSE(dumped, &a) == 0 && a.kind == CRIU_DUMP && a.success);
	CHECK(PARSE(refused, &a) == 0 && !a.success && a.cr_errno == 5);
	CHECK(PARSE(restored, &a) == 0 && a.kind == CRIU_RESTORE && a.pid == 12345);
	CHECK(PARSE(version, &a) == 0 && a.major == 4 && a.minor == 2 && a.sublevel == 1);
}

static void what_is_no_answer_is_refused(void)
{
	struct criu_answer a = {.pid = 7};

	CHECK(PARSE("", &a) == -EBADMSG); /* neither type nor success */
	CHECK(PARSE("\xff\xff\xff", &a) == -EBADMSG);
	CHECK(PARSE("\x08\x63\x10\x01", &a) == -EBADMSG); /* a kind that nobody asks for */
	CHECK(PARSE("\x08\x06\x10\x01", &a) == -EBADMSG); /* a notify of nothing */
	CHECK(PARSE("\x08\x02\x10\x01", &a) == -EBADMSG); /* restored, but whom? */
	CHECK(criu_answer_parse(notify, sizeof(notify) - 4, &a) == -EBADMSG);
	CHECK(a.pid == 7); /* written on success only */
}

static bool holds(const char *buf, ssize_t n, const char *text)
{
	return n > 0 && memmem(buf, (size_t)n, text, strlen(text)) != NULL;
}

static void an_order_says_what_it_has_to(void)
{
	struct criu_order o = {.images_fd = 5,
			       .log_name = "dump.log",
			       .pid = 4711,
			       .freeze_cgroup = "/sys/fs/cgroup/x",
			       .external = {"mnt[]:ms", "mnt[/sys]:sys"}};
	char buf[CRIU_MESSAGE_MAX];
	ssize_t n = criu_order_format(&o, CRIU_DUMP, buf, sizeof(buf));

	CHECK(holds(buf, n, "mnt[/sys]:sys") && holds(buf, n, "/sys/fs/cgroup/x"));
	CHECK(holds(buf, n, "dump.log") && buf[0] == 8 && buf[1] == 1);
	CHECK(criu_order_format(&o, CRIU_DUMP, buf, 10) == -ENOSPC);
	o.root = "/run/ct/root";
	o.inherit_key = "tty[8800:1a]";
	n = criu_order_format(&o, CRIU_RESTORE, buf, sizeof(buf));
	CHECK(holds(buf, n, "/run/ct/root") && holds(buf, n, "tty[8800:1a]"));
	CHECK(!holds(buf, n, "/sys/fs/cgroup/x"));
}

/* ---- a conversation ---- */

static char moments[64];

static int take_moment(const char *moment, pid_t pid, void *data)
{
	(void)snprintf(moments, sizeof(moments), "%s %d", moment, (int)pid);
	return *(int *)data;
}

/* What a criu says, one message after the other; *heard is what it was answered to the notify. */
static int converse(const char *const *says, const size_t *lens, int answer, bool *heard,
		    struct berth_error *err)
{
	char buf[CRIU_MESSAGE_MAX];
	const struct criu_order o = {.images_fd = 3, .log_name = "l"};
	struct criu c = {.pid = 0};
	int sv[2], r;

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) == 0);
	for (int i = 0; says[i] != NULL; i++)
		CHECK(send(sv[1], says[i], lens[i], 0) == (ssize_t)lens[i]);
	if (heard == NULL)
		(void)shutdown(sv[1], SHUT_WR);
	c.sock = sv[0];
	r = criu_run(&c, &o, CRIU_DUMP, take_moment, &answer, 1000, NULL, err);
	(void)recv(sv[1], buf, sizeof(buf), MSG_DONTWAIT); /* the order */
	if (heard != NULL)
		*heard = recv(sv[1], buf, sizeof(buf), MSG_DONTWAIT) == 4 && buf[3] == 1;
	criu_end(&c);
	(void)close(sv[1]);
	return r;
}

static void each_moment_is_answered(void)
{
	const char *const says[] = {notify, dumped, NULL}, *const fails[] = {notify, refused, NULL};
	const size_t lens[] = {sizeof(notify) - 1, sizeof(dumped) - 1};
	const size_t fail_lens[] = {sizeof(notify) - 1, sizeof(refused) - 1};
	struct berth_error err;
	bool heard;

	CHECK(converse(says, lens, 0, &heard, &err) == 0 && heard);
	CHECK(strcmp(moments, "post-dump 42") == 0);
	CHECK(converse(fails, fail_lens, -1, &heard, &err) < 0 && !heard);
	CHECK(err.code == BERTH_ERR_HELPER && err.sys == 5);
}

static void a_criu_that_dies_or_is_silent_is_an_error(void)
{
	const char *const nothing[] = {NULL}, *const half[] = {notify, NULL};
	const size_t lens[] = {sizeof(notify) - 1};
	struct berth_error err;
	bool heard;

	CHECK(converse(nothing, lens, 0, NULL, &err) < 0 && strstr(err.msg, "died") != NULL);
	CHECK(converse(half, lens, 0, &heard, &err) == -ETIMEDOUT);
	CHECK(err.code == BERTH_ERR_TIMEOUT);
}

static uint64_t grow_twice(void *data)
{
	int *asked = data;

	return (uint64_t)(++*asked < 3 ? *asked : 3);
}

/* Much memory takes its time: it is given up when it stands still. */
static void a_silent_criu_that_goes_on_is_waited_for(void)
{
	const struct criu_order o = {.images_fd = 3, .log_name = "l", .progress = grow_twice};
	struct criu c = {.pid = 0};
	struct berth_error err;
	int sv[2], asked = 0;

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) == 0);
	c.sock = sv[0];
	CHECK(criu_run(&c, &o, CRIU_DUMP, take_moment, &asked, 20, NULL, &err) == -ETIMEDOUT);
	CHECK(asked == 4); /* 1 2 3 3 */
	criu_end(&c);
	(void)close(sv[1]);
}

static void a_kernel_has_its_oldest_criu(void)
{
	struct berth_error err;

	CHECK(criu_version_check(3, 17, 1, "6.1.0-50-amd64", &err) == 0);
	CHECK(criu_version_check(3, 17, 1, "6.13.2", &err) < 0 && strstr(err.msg, "4.1.1"));
	CHECK(criu_version_check(4, 1, 1, "6.15.0", &err) == 0);
	CHECK(criu_version_check(4, 1, 1, "6.18.44-x", &err) < 0 && strstr(err.msg, "4.2.0"));
	CHECK(criu_version_check(4, 2, 0, "6.18.44-x", &err) == 0);
	CHECK(criu_version_check(4, 1, 1, "7.0", &err) < 0);
}

static void the_log_gives_a_reason(void)
{
	char buf[80];

	criu_log_reason("Warn x\n(00.1) Error (criu/util.c:15): rlimit: Can't setup RLIMIT_NOFILE "
			"for self\n"
			"(00.2)      1: Error (criu/files.c:12): Can't dump file 3\n"
			"Error (criu/cr-dump.c:2): Dumping FAILED.\n",
			buf, sizeof(buf));
	CHECK(strcmp(buf, "Can't dump file 3") == 0);
	criu_log_reason("all is well\n", buf, sizeof(buf));
	CHECK(buf[0] == '\0');
	criu_log_reason("Error (a:1): long", buf, 4);
	CHECK(strcmp(buf, "lon") == 0);
	criu_log_reason("Error (", buf, sizeof(buf));
	CHECK(buf[0] == '\0');
}

/* ---- the record ---- */

static const struct checkpoint_record sample = {.uuid = "01234567-89ab-4cde-8f01-23456789abcd",
						.boot_id = "d1ff4f03-c31a-441c-8a24-9105a65b29ea",
						.init = {91, 2936374},
						.kernel = "6.18.44",
						.tty = "tty[8800:1a]",
						.hostname = "web1",
						.id_base = 655425536,
						.monotonic = 5000000000,
						.boottime = 6000000000,
						.mounts = 3,
						.mounts_tried = 4,
						.started = 1795985555,
						.stop_signal = 37,
						.stop_command = "",
						.notifies = true};

static void a_record_is_read_as_it_was_written(void)
{
	struct checkpoint_record r;
	char text[RECORD_SIZE_MAX];

	CHECK(checkpoint_record_format(&sample, text, sizeof(text)) == 0);
	CHECK(checkpoint_record_parse(text, &r) == 0 && memcmp(&r, &sample, sizeof(r)) == 0);
	CHECK(checkpoint_record_format(&sample, text, 40) == -ENOSPC);
}

static void a_record_that_is_damaged_is_refused(void)
{
	static const char *const bad[][2] = {
		{"tty[8800", "pty[8800"},      {"tty[8800", "tty[88;0"},
		{"init_pid=91", "init_pid=0"}, {"mounts=3", "mounts=65536"},
		{"booted=0", "booted=2"},      {"kernel=", "colonel="}};
	char text[RECORD_SIZE_MAX], *at;
	struct checkpoint_record r;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char rest[RECORD_SIZE_MAX];

		CHECK(checkpoint_record_format(&sample, text, sizeof(text)) == 0);
		at = strstr(text, bad[i][0]);
		(void)snprintf(rest, sizeof(rest), "%s%s", bad[i][1], at + strlen(bad[i][0]));
		(void)snprintf(at, sizeof(text) - (size_t)(at - text), "%s", rest);
		CHECK(checkpoint_record_parse(text, &r) == -EINVAL);
	}
	CHECK(checkpoint_record_parse("version=99\n", &r) == -EPROTO);
	CHECK(checkpoint_record_parse("", &r) == -EINVAL);
}

static void offsets_of_clocks_are_read(void)
{
	int64_t m = 7, b = 7;

	CHECK(checkpoint_offsets_parse(
		      "monotonic           0         0\nboottime           -3  999999999\n", &m,
		      &b) == 0);
	CHECK(m == 0 && b == -2000000001);
	CHECK(checkpoint_offsets_parse("monotonic 0 0\n", &m, &b) == -EINVAL);
	CHECK(checkpoint_offsets_parse("monotonic 0 -1\nboottime 0 0\n", &m, &b) == -EINVAL);
	CHECK(checkpoint_offsets_parse("monotonic 9999999999999 0\nboottime 0 0\n", &m, &b) ==
	      -EINVAL);
	CHECK(m == 0 && b == -2000000001);
}

/* ---- images ---- */

/* img_version 2, root_ids {1 1 1 1, pid 1, net 2, ipc 3, uts 4, mnt 6, user 7, cgroup 8, time 5}, and a field of later. */
static const char inventory[] = "\x16\x31\x31\x58\x1e\x00\x00\x00"
				"\x08\x02"
				"\x1a\x18\x08\x01\x10\x01\x18\x01\x20\x01\x28\x01\x30\x02\x38\x03"
				"\x40\x04\x48\x06\x50\x07\x58\x08\x60\x05"
				"\x58\x02";
/* Of init: net 20, uts 40, user 12, cgroup 13, time 50. */
static const char ids[] = "\x19\x43\x56\x54\x30\x20\x43\x54\x18\x00\x00\x00"
			  "\x08\x01\x10\x02\x18\x02\x20\x02\x28\x09\x30\x14\x38\x0a\x40\x28"
			  "\x48\x0b\x50\x0c\x58\x0d\x60\x32";

static void namespaces_that_berth_makes_count_as_crius_own(void)
{
	static const char want[] = "\x08\x01\x10\x01\x18\x01\x20\x01\x28\x01\x38\x03\x48\x06";
	uint8_t out[256];
	ssize_t n =
		images_adopt_namespaces((const uint8_t *)inventory, sizeof(inventory) - 1,
					(const uint8_t *)ids, sizeof(ids) - 1, out, sizeof(out));

	/* Header, and all that it does not know, as they were. */
	CHECK(n == (ssize_t)sizeof(inventory) - 1 && memcmp(out, inventory, 8) == 0);
	CHECK(holds((char *)out, n, "\x58\x02"));
	CHECK(holds((char *)out, n, "\x30\x14\x40\x28\x50\x0c\x58\x0d\x60\x32"));
	/* pid, ipc and mount namespaces are CRIU's to make. */
	CHECK(n > 0 && memmem(out, (size_t)n, want, sizeof(want) - 1) != NULL);
}

static void images_that_are_none_are_refused(void)
{
	char bad[sizeof(inventory)];
	uint8_t out[256];

	for (size_t len = 0; len < sizeof(inventory) - 1; len++)
		CHECK(images_adopt_namespaces((const uint8_t *)inventory, len, (const uint8_t *)ids,
					      sizeof(ids) - 1, out, sizeof(out)) == -EBADMSG);
	memcpy(bad, inventory, sizeof(bad));
	bad[0] ^= 1;
	CHECK(images_adopt_namespaces((const uint8_t *)bad, sizeof(bad) - 1, (const uint8_t *)ids,
				      sizeof(ids) - 1, out, sizeof(out)) == -EBADMSG);
	CHECK(images_adopt_namespaces((const uint8_t *)inventory, sizeof(inventory) - 1,
				      (const uint8_t *)ids, 12, out, sizeof(out)) == -EBADMSG);
	CHECK(images_adopt_namespaces((const uint8_t *)inventory, sizeof(inventory) - 1,
				      (const uint8_t *)ids, sizeof(ids) - 1, out, 20) == -ENOSPC);
}

/* ---- mending ---- */

static void a_timer_is_read_from_fdinfo(void)
{
	struct mend_timer t;

	CHECK(mend_timer_parse(
		      "pos:\t0\nclockid: 1\nticks: 3\nsettime flags: 01\nit_value: (0, 0)\n"
		      "it_interval: (2, 500)\n",
		      &t) == 0);
	CHECK(t.ticks == 3 && t.value[0] == 0 && t.interval[0] == 2 && t.interval[1] == 500);
	CHECK(mend_timer_parse("pos:\t0\nflags:\t02\n", &t) == -EINVAL);
	CHECK(mend_timer_parse("\nticks: x\nit_value: (0, 0)\nit_interval: (1, 0)\n", &t) ==
	      -EINVAL);
	CHECK(mend_timer_parse("\nticks: 1\nit_value: (0, 0)\nit_interval: (1, 1000000000)\n",
			       &t) == -EINVAL);
}

/* A child with a timer that runs and one that does not: neither is touched. */
static void timers_that_are_well_are_left_alone(void)
{
	const struct itimerspec each_hour = {{3600, 0}, {3600, 0}};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), idle, status;
	pid_t pid;

	idle = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	CHECK(timerfd_settime(fd, 0, &each_hour, NULL) == 0);
	pid = fork();
	if (pid == 0)
		for (;;)
			(void)pause();
	CHECK(mend_timers(pid) == 0 && mend_sockets(pid) == 0);
	(void)kill(pid, SIGKILL);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(mend_timers(pid) < 0); /* nobody there */
	(void)close(fd);
	(void)close(idle);
}

int main(void)
{
	RUN(answers_are_understood);
	RUN(what_is_no_answer_is_refused);
	RUN(an_order_says_what_it_has_to);
	RUN(each_moment_is_answered);
	RUN(a_criu_that_dies_or_is_silent_is_an_error);
	RUN(a_silent_criu_that_goes_on_is_waited_for);
	RUN(a_kernel_has_its_oldest_criu);
	RUN(the_log_gives_a_reason);
	RUN(a_record_is_read_as_it_was_written);
	RUN(a_record_that_is_damaged_is_refused);
	RUN(offsets_of_clocks_are_read);
	RUN(namespaces_that_berth_makes_count_as_crius_own);
	RUN(images_that_are_none_are_refused);
	RUN(a_timer_is_read_from_fdinfo);
	RUN(timers_that_are_well_are_left_alone);
	return check_failures != 0;
}
