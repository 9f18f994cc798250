/* netns.c - visits to network namespaces, and the sysctls of the one that we are in. */
#include "netsetup/netns.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>

enum {
	SYSCTL_PATH_MAX = 160,
	LEAVE_TRIES = 3
};

int netns_enter(int netns_fd, int *ret_back, struct berth_error *err)
{
	auto_close int back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (back < 0)
		return berth_error_sys(err, errno, "open the host's network namespace");
	if (setns(netns_fd, CLONE_NEWNET) < 0)
		return berth_error_sys(err, errno, "enter the CT's network namespace");
	*ret_back = take_fd(&back);
	return 0;
}

int netns_leave(int *back, struct berth_error *err)
{
	int r = -1;

	for (int i = 0; i < LEAVE_TRIES && r < 0; i++)
		r = setns(*back, CLONE_NEWNET);
	if (r < 0)
		return berth_error_set(err, BERTH_ERR_SYSTEM, ENOTRECOVERABLE,
				       "cannot return from a CT's network namespace: %s; this "
				       "process must end",
				       strerror(errno));
	fd_close(back);
	return 0;
}

/* "%s" in the name is filled here, not by printf: names come in variables. */
static char *sysctl_path(const char *name, const char *link, char *buf)
{
	const char *hole = strstr(name, "%s");
	int head = hole != NULL ? (int)(hole - name) : (int)strlen(name);

	(void)snprintf(buf, SYSCTL_PATH_MAX, "/proc/sys/net/%.*s%s%s", head, name,
		       hole != NULL && link != NULL ? link : "", hole != NULL ? hole + 2 : "");
	return buf;
}

int net_sysctl_set(const char *name, const char *link, const char *value, struct berth_error *err)
{
	char path[SYSCTL_PATH_MAX];
	int r = file_write_value_at(AT_FDCWD, sysctl_path(name, link, path), value);

	if (r < 0)
		return berth_error_set(err, BERTH_ERR_NET, -r, "write %s to %s: %s", value, path,
				       strerror(-r));
	return 0;
}

int net_sysctl_get(const char *name, const char *link, int *ret)
{
	char path[SYSCTL_PATH_MAX], text[32];
	int r = file_read_line_at(AT_FDCWD, sysctl_path(name, link, path), text, sizeof(text));

	return r < 0 ? r : parse_int(text, ret);
}

bool net_has_ipv6(void)
{
	int all = 1, fresh = 1;

	return net_sysctl_get("ipv6/conf/all/disable_ipv6", NULL, &all) == 0 &&
	       net_sysctl_get("ipv6/conf/default/disable_ipv6", NULL, &fresh) == 0 && all == 0 &&
	       fresh == 0;
}
