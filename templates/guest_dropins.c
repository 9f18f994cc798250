/*
 * guest_dropins.c - systemd settings that keep a CT dumpable (migration.md 2.5), as drop-ins under
 * /run: they stand above the units' own files, vanish with the CT, and touch no file of the guest.
 *
 * No MemoryPressureWatch= for each service: systemd 252 would complain once a unit, and newer ones
 * take the manager's default.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "templates/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct dropin {
	const char *dir, *text;
};

static const struct dropin dropins[] = {
	{"system/service.d", "# From berth: what CRIU cannot dump. \"berth set CTID --features "
			     "nesting:on --save\" gives\n"
			     "# it back at the price of live migration.\n"
			     "[Service]\n"
			     "ProtectHostname=no\n"
			     "PrivateUsers=no\n"
			     "PrivateTmp=no\n"},
	{"system.conf.d", "# From berth: a pressure trigger does not survive a migration.\n"
			  "[Manager]\n"
			  "DefaultMemoryPressureWatch=off\n"},
};

/* mkdir -p below fd, one level at a time; returns the last one's descriptor. */
static int make_dirs(int fd, const char *path)
{
	auto_close int at = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	const char *p = path;

	while (at >= 0 && *p != '\0') {
		size_t n = strcspn(p, "/");
		char name[64];
		int next;

		if (n >= sizeof(name))
			return -ENAMETOOLONG;
		memcpy(name, p, n);
		name[n] = '\0';
		if (mkdirat(at, name, 0755) < 0 && errno != EEXIST)
			return -errno;
		next = dir_open_at(at, name);
		(void)close(at);
		at = next;
		p += n + (p[n] == '/');
	}
	return at < 0 ? (fd < 0 ? -EBADF : at) : take_fd(&at);
}

static int write_dropin(int systemd_fd, const struct dropin *d)
{
	auto_close int dir = make_dirs(systemd_fd, d->dir);
	auto_close int fd = -EBADF;

	if (dir < 0)
		return dir;
	fd = openat(dir, "10-berth.conf", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		    0444);
	if (fd < 0)
		return -errno;
	return fd_write_all(fd, d->text, strlen(d->text));
}

int guest_run_dropins(int run_fd, struct berth_error *err)
{
	auto_close int systemd_fd = make_dirs(run_fd, "systemd");

	if (systemd_fd < 0)
		return berth_error_sys(err, systemd_fd, "make /run/systemd in the container");
	for (size_t i = 0; i < sizeof(dropins) / sizeof(dropins[0]); i++) {
		int r = write_dropin(systemd_fd, &dropins[i]);

		if (r < 0)
			return berth_error_sys(err, r, "write /run/systemd/%s/10-berth.conf",
					       dropins[i].dir);
	}
	return 0;
}
