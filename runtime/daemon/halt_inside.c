/* halt_inside.c - one command in a CT, of which nothing but its end is of interest. */
#include "runtime/daemon/halt_inside.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/daemon/monitor_conn.h"
#include "runtime/wire/record.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

enum {
	ARGS_MAX = sizeof(((struct ct_run *)NULL)->stop_command) + 16,
	RECORDS_MAX = 8
};

/* As launch_enter wants them: how many words, no environment, then the words. */
static int pack_words(const char *command, char buf[ARGS_MAX])
{
	uint32_t counts[2] = {1, 0};
	size_t n = strlen(command) + 1;

	memcpy(buf + sizeof(counts), command, n);
	for (char *p = buf + sizeof(counts); *p != '\0'; p++)
		if (*p == ' ') {
			*p = '\0';
			counts[0]++;
			p++;
		}
	memcpy(buf, counts, sizeof(counts));
	return (int)(sizeof(counts) + n);
}

static int make_args(const char *command)
{
	auto_close int fd = memfd_create("berth-halt", MFD_CLOEXEC);
	char buf[ARGS_MAX];
	int n = pack_words(command, buf), r;

	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, buf, (size_t)n);
	return r < 0 ? r : take_fd(&fd);
}

int halt_inside_begin(struct ct *ct, struct berth_error *err)
{
	auto_close int sock = monitor_open(ct->d, ct, err);
	auto_close int args = make_args(ct->run.stop_command);
	auto_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const int fds[] = {args, null, null, null};
	const struct mon_record order = {.version = MON_VERSION, .type = MON_EXEC};
	int r = sock;

	if (r >= 0)
		r = args < 0 || null < 0 ? -EMFILE
					 : fd_send_message(sock, &order, sizeof(order), fds, 4);
	if (r < 0)
		return sock < 0 ? r
				: berth_error_sys(err, r, "CT %u: run %s in it", ct->ctid,
						  ct->run.stop_command);
	return take_fd(&sock);
}

enum halt_inside halt_inside_state(int fd)
{
	char buf[sizeof(struct mon_record) + 1];
	struct mon_record rec;
	unsigned int n_fds;

	if (fd < 0)
		return HALT_FAILED;
	for (int i = 0; i < RECORDS_MAX; i++) {
		ssize_t n = fd_recv_message(fd, buf, sizeof(buf), NULL, 0, &n_fds);

		if (n == -EAGAIN)
			return HALT_UNDER_WAY;
		if (n <= 0 || mon_record_check(buf, (size_t)n, &rec) < 0)
			return HALT_FAILED;
		if (rec.type == MON_EXIT)
			return rec.a == 0 ? HALT_DONE : HALT_FAILED;
		if (rec.type == MON_ERROR)
			return HALT_FAILED;
	}
	return HALT_UNDER_WAY;
}
