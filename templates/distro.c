/*
 * distro.c - what init a CT has, and how that init is asked to power off.
 *
 * busybox: SIGUSR2 powers off (SIGUSR1 halts, SIGPWR halts in 1.35, SIGTERM and SIGINT reboot).
 * openrc-init: SIGPWR in versions since 2021. sysvinit reads its orders from a FIFO only, and what Debian's does
 * upon SIGPWR is a script that no package has; runit looks at a file. Both have a command that knows how.
 */
#include "runtime/base/cleanup.h"
#include "templates/guest.h"
#include "templates/inroot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

/* The order of launch_go. */
static const char *const init_paths[] = {"sbin/init", "etc/init", "bin/init"};

struct init_name {
	const char *name; /* last part of what /sbin/init leads to */
	enum guest_init kind;
};

static const struct init_name init_names[] = {
	{"systemd", GUEST_INIT_SYSTEMD},    {"busybox", GUEST_INIT_BUSYBOX},
	{"openrc-init", GUEST_INIT_OPENRC}, {"runit-init", GUEST_INIT_RUNIT},
	{"runit", GUEST_INIT_RUNIT},	    {"finit", GUEST_INIT_FINIT},
	{"init", GUEST_INIT_SYSV},	    {"upstart", GUEST_INIT_SYSV},
};

/* Where the descriptor's file really is: the links are followed by the kernel, inside the root. */
static int fd_name(int fd, char *buf, size_t size)
{
	char link[32];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, buf, size - 1);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return 0;
}

enum guest_init guest_init_kind_named(const char *path)
{
	const char *name = strrchr(path, '/');

	name = name != NULL ? name + 1 : path;
	for (size_t i = 0; i < sizeof(init_names) / sizeof(init_names[0]); i++)
		if (strcmp(name, init_names[i].name) == 0)
			return init_names[i].kind;
	return GUEST_INIT_OTHER;
}

static bool has_telinit(int root_fd)
{
	auto_close int fd = inroot_open(root_fd, "sbin/telinit", O_PATH);

	return fd >= 0;
}

/* Anything may be called init, a script for one: it would run again if it were called like sysvinit's. */
static enum guest_init kind_of(int root_fd, int fd)
{
	char path[PATH_MAX];
	enum guest_init kind;

	if (fd_name(fd, path, sizeof(path)) < 0)
		return GUEST_INIT_OTHER;
	kind = guest_init_kind_named(path);
	return kind == GUEST_INIT_SYSV && !has_telinit(root_fd) ? GUEST_INIT_OTHER : kind;
}

enum guest_init guest_init_kind(int root_fd)
{
	for (size_t i = 0; i < sizeof(init_paths) / sizeof(init_paths[0]); i++) {
		auto_close int fd = inroot_open(root_fd, init_paths[i], O_PATH);
		struct stat st;

		if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
		    (st.st_mode & 0111) != 0)
			return kind_of(root_fd, fd);
	}
	return GUEST_INIT_NONE;
}

int guest_init_stop_signal(enum guest_init kind)
{
	switch (kind) {
	case GUEST_INIT_SYSTEMD:
		return SIGRTMIN + 3; /* the container interface of systemd: halt.target */
	case GUEST_INIT_BUSYBOX:
	case GUEST_INIT_FINIT:
		return SIGUSR2;
	case GUEST_INIT_OPENRC:
	case GUEST_INIT_OTHER:
		return SIGPWR;
	case GUEST_INIT_RUNIT:
	case GUEST_INIT_SYSV:
		return 0;
	case GUEST_INIT_NONE:
	case GUEST_INIT_MAX:
		break;
	}
	return -ENOENT;
}

const char *guest_init_stop_command(enum guest_init kind)
{
	if (kind == GUEST_INIT_SYSV)
		return "telinit 0";
	return kind == GUEST_INIT_RUNIT ? "init 0" : NULL;
}

int guest_stop_signal(int root_fd)
{
	return guest_init_stop_signal(guest_init_kind(root_fd));
}
