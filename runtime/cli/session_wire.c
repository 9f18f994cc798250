/* session_wire.c - connecting to a monitor and speaking its records. */
#include "runtime/cli/session_wire.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

static int connect_error(uint32_t ctid, int sys, const char *path, struct berth_error *err)
{
	/* Its file is there and nobody listens: a stop takes both away. */
	if (sys == ECONNREFUSED)
		return berth_error_set(
			err, BERTH_ERR_HELPER, sys,
			"CT %u: its monitor was killed; the CT runs on, and berthd starts a new "
			"monitor at once: try again, or see: berth status %u",
			ctid, ctid);
	if (sys == ENOENT)
		return berth_error_set(err, BERTH_ERR_NOT_RUNNING, ESRCH,
				       "CT %u is not running; start it: berth start %u", ctid,
				       ctid);
	if (sys == EACCES || sys == EPERM)
		return berth_error_set(err, BERTH_ERR_PERMISSION, sys,
				       "CT %u: only root may enter it; try: sudo berth ...", ctid);
	return berth_error_sys(err, sys, "CT %u: connect to its monitor at %s", ctid, path);
}

/* A path longer than a socket address is reached through its directory's descriptor. */
static int set_address(struct sockaddr_un *addr, const char *path, int *ret_dir)
{
	char dir[BERTH_PATH_MAX];
	const char *slash = strrchr(path, '/');

	addr->sun_family = AF_UNIX;
	if (strlen(path) < sizeof(addr->sun_path)) {
		memcpy(addr->sun_path, path, strlen(path) + 1);
		return 0;
	}
	memcpy(dir, path, (size_t)(slash - path));
	dir[slash - path] = '\0';
	*ret_dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*ret_dir < 0)
		return -errno;
	(void)snprintf(addr->sun_path, sizeof(addr->sun_path), "/proc/self/fd/%d%.32s", *ret_dir,
		       slash);
	return 0;
}

int wire_connect(const struct berth_paths *p, uint32_t ctid, struct berth_error *err)
{
	char path[BERTH_PATH_MAX];
	struct sockaddr_un addr = {0};
	auto_close int dir = -EBADF;
	auto_close int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int r;

	if (sock < 0)
		return berth_error_sys(err, errno, "CT %u: make a socket", ctid);
	r = set_address(&addr, path_monitor_socket(p, ctid, path), &dir);
	if (r < 0)
		return connect_error(ctid, -r, path, err);
	if (connect(sock, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
		return connect_error(ctid, errno, path, err);
	return take_fd(&sock);
}

static void pack(char *buf, size_t size, size_t *used, const void *bytes, size_t len)
{
	if (*used <= size && len <= size - *used)
		memcpy(buf + *used, bytes, len);
	*used += len;
}

static uint32_t count(const char *const *list)
{
	uint32_t n = 0;

	while (list != NULL && list[n] != NULL)
		n++;
	return n;
}

size_t wire_args_pack(const char *const *argv, const char *const *env, char *buf, size_t size)
{
	const uint32_t counts[2] = {count(argv), count(env)};
	size_t used = 0;

	pack(buf, size, &used, counts, sizeof(counts));
	for (uint32_t i = 0; i < counts[0]; i++)
		pack(buf, size, &used, argv[i], strlen(argv[i]) + 1);
	for (uint32_t i = 0; i < counts[1]; i++)
		pack(buf, size, &used, env[i], strlen(env[i]) + 1);
	return used;
}

int wire_args(const char *const *argv, const char *const *env, struct berth_error *err)
{
	size_t size = wire_args_pack(argv, env, NULL, 0);
	auto_free char *buf = malloc(size);
	auto_close int fd = -EBADF;
	int r;

	if (buf == NULL)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "no memory");
	(void)wire_args_pack(argv, env, buf, size);
	fd = memfd_create("berth-args", MFD_CLOEXEC);
	if (fd < 0)
		return berth_error_sys(err, errno, "make a memfd");
	r = fd_write_all(fd, buf, size);
	if (r < 0)
		return berth_error_sys(err, r, "write the arguments");
	return take_fd(&fd);
}

int wire_send(int sock, const struct mon_record *r, const int *fds, unsigned int n_fds,
	      uint32_t ctid, struct berth_error *err)
{
	int e = fd_send_message(sock, r, sizeof(*r), fds, n_fds);

	return e < 0 ? berth_error_sys(err, e, "CT %u: speak to its monitor", ctid) : 0;
}

int wire_receive(int sock, struct mon_record *ret, int *ret_fd, uint32_t ctid,
		 struct berth_error *err)
{
	char buf[sizeof(*ret) + 1];
	unsigned int n_fds = 0;
	int fd = -1;
	ssize_t n = fd_recv_message(sock, buf, sizeof(buf), &fd, 1, &n_fds);

	if (n == 0 || n == -ECONNRESET)
		return berth_error_set(err, BERTH_ERR_NOT_RUNNING, ESRCH,
				       "CT %u: it stopped, or its monitor was killed; see: berth "
				       "status %u",
				       ctid, ctid);
	if (n < 0)
		return berth_error_sys(err, (int)n, "CT %u: hear from its monitor", ctid);
	if (mon_record_check(buf, (size_t)n, ret) < 0) {
		fd_close(&fd);
		return berth_error_set(err, BERTH_ERR_PROTOCOL, EBADMSG,
				       "CT %u: its monitor speaks another protocol than this "
				       "berth " BERTH_VERSION "; restart it with: berth restart %u",
				       ctid, ctid);
	}
	*ret_fd = n_fds == 1 ? fd : -1;
	return 0;
}

int wire_error(const struct mon_record *r, enum berth_errcode code, uint32_t ctid, const char *what,
	       struct berth_error *err)
{
	const char *text = text_is_clean(r->text) ? r->text : "?";

	if (r->a == ESRCH)
		return berth_error_set(err, BERTH_ERR_NOT_RUNNING, ESRCH,
				       "CT %u is no longer running; start it: berth start %u", ctid,
				       ctid);
	return berth_error_set(err, code, r->a, "CT %u: cannot %s: %s: %s", ctid, what, text,
			       strerror(r->a > 0 ? r->a : EINVAL));
}
