/*
 * guest_dropins.c - what systemd is told as files under /run: settings that keep a CT dumpable (migration.md 2.5),
 * and SSH host keys, which no template has (identity.h) and Debian makes only when the package is installed.
 * They stand above the units' own files, vanish with the CT, and touch no file of the guest.
 *
 * No MemoryPressureWatch= for each service: systemd 252 would complain once a unit, and newer ones
 * take the manager's default.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "templates/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
	KNOWS_IMPORT = 254, /* the first version with ImportCredential= */
};

#define TEXT_OF_(x) #x
#define TEXT_OF(x) TEXT_OF_(x)

struct dropin {
	const char *dir, *name, *text; /* text NULL: a link to ../NAME */
};

static const struct dropin dropins[] = {
	{"system/service.d", "10-berth.conf",
	 "# From berth: what CRIU cannot dump. \"berth set CTID --features "
	 "nesting:on --save\" gives\n"
	 "# it back at the price of live migration.\n"
	 "[Service]\n"
	 "ProtectHostname=no\n"
	 "PrivateUsers=no\n"
	 "PrivateTmp=no\n"},
	{"system.conf.d", "10-berth.conf",
	 "# From berth: a pressure trigger does not survive a migration, and where memory ends\n"
	 "# process 1 goes last.\n"
	 "[Manager]\n"
	 "DefaultMemoryPressureWatch=off\n"
	 "DefaultOOMScoreAdjust=" TEXT_OF(GUEST_OOM_SCORE) "\n"},
	{"system", "ssh-hostkeys.service",
	 "# From berth: a container gets SSH host keys of its own.\n"
	 "[Unit]\n"
	 "Description=Make this container's own SSH host keys\n"
	 "Documentation=man:ssh-keygen(1)\n"
	 "Before=ssh.service ssh.socket sshd.service sshd.socket\n"
	 "ConditionFileIsExecutable=/usr/bin/ssh-keygen\n"
	 "ConditionPathExists=|!/etc/ssh/ssh_host_ecdsa_key\n"
	 "ConditionPathExists=|!/etc/ssh/ssh_host_ed25519_key\n"
	 "\n"
	 "[Service]\n"
	 "Type=oneshot\n"
	 "ExecStart=/bin/sh -c 'for t in ecdsa ed25519; do f=/etc/ssh/ssh_host_$${t}_key; "
	 "[ -e $$f ] || /usr/bin/ssh-keygen -q -t $$t -N \"\" -f $$f; done'\n"},
	{"system", "ssh-hostkey-rsa.timer",
	 "# From berth: an RSA key takes twice the CPU time of a whole boot, and few clients need "
	 "it.\n"
	 "[Unit]\n"
	 "Description=Make this container's own RSA key for SSH when there is time\n"
	 "Documentation=man:ssh-keygen(1)\n"
	 "ConditionFileIsExecutable=/usr/bin/ssh-keygen\n"
	 "ConditionPathExists=!/etc/ssh/ssh_host_rsa_key\n"
	 "\n"
	 "[Timer]\n"
	 "OnStartupSec=1min\n"
	 "RandomizedDelaySec=5min\n"},
	{"system", "ssh-hostkey-rsa.service",
	 "# From berth: see ssh-hostkey-rsa.timer.\n"
	 "[Unit]\n"
	 "Description=Make this container's own RSA key for SSH\n"
	 "Documentation=man:ssh-keygen(1)\n"
	 "ConditionPathExists=!/etc/ssh/ssh_host_rsa_key\n"
	 "\n"
	 "[Service]\n"
	 "Type=oneshot\n"
	 "CPUSchedulingPolicy=idle\n"
	 "ExecStart=/usr/bin/ssh-keygen -A\n"
	 "ExecStartPost=-/bin/systemctl try-reload-or-restart ssh.service sshd.service\n"},
};

/* Whichever of these the guest starts pulls the keys in. */
static const char *const ssh_units[] = {"ssh.service", "ssh.socket", "sshd.service", "sshd.socket"};
static const char *const ssh_wants[] = {"ssh-hostkeys.service", "ssh-hostkey-rsa.timer"};

/*
 * systemd's own units that ask for credentials, which nobody gives to a CT. Each would keep a mount of ramfs as long
 * as it is active, and CRIU takes no ramfs. Units of the CT's admin have theirs.
 */
static const char *const credential_units[] = {
	"console-getty",
	"container-getty@",
	"getty@",
	"serial-getty@",
	"systemd-firstboot",
	"systemd-journald",
	"systemd-network-generator",
	"systemd-networkd",
	"systemd-resolved",
	"systemd-sysctl",
	"systemd-sysusers",
	"systemd-tmpfiles-clean",
	"systemd-tmpfiles-setup",
	"systemd-tmpfiles-setup-dev",
	"systemd-tmpfiles-setup-dev-early",
	"systemd-udev-load-credentials",
	"systemd-udevd",
	"systemd-vconsole-setup",
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
	char target[64];

	if (dir < 0)
		return dir;
	if (d->text == NULL) {
		(void)snprintf(target, sizeof(target), "../%s", d->name);
		return symlinkat(target, dir, d->name) < 0 ? -errno : 0;
	}
	fd = openat(dir, d->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0444);
	if (fd < 0)
		return -errno;
	return fd_write_all(fd, d->text, strlen(d->text));
}

/* An older systemd would complain of a key that it does not know, a newer one needs both. */
static int clear_credentials(int systemd_fd, const char *unit, int version)
{
	char dir[128], text[256];
	const struct dropin d = {dir, "10-berth.conf", text};

	(void)snprintf(dir, sizeof(dir), "system/%s.service.d", unit);
	(void)snprintf(
		text, sizeof(text),
		"# From berth: CRIU cannot dump the mount that a credential is, and there is "
		"none here.\n[Service]\nLoadCredential=\n%s",
		version >= KNOWS_IMPORT ? "ImportCredential=\n" : "");
	return write_dropin(systemd_fd, &d);
}

static int link_ssh_wants(int systemd_fd)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(ssh_units) / sizeof(ssh_units[0]); i++)
		for (size_t k = 0; r == 0 && k < sizeof(ssh_wants) / sizeof(ssh_wants[0]); k++) {
			char dir[64];
			const struct dropin d = {dir, ssh_wants[k], NULL};

			(void)snprintf(dir, sizeof(dir), "system/%s.wants", ssh_units[i]);
			r = write_dropin(systemd_fd, &d);
		}
	return r;
}

int guest_run_dropins(int run_fd, int version, struct berth_error *err)
{
	auto_close int systemd_fd = make_dirs(run_fd, "systemd");
	int r;

	if (systemd_fd < 0)
		return berth_error_sys(err, systemd_fd, "make /run/systemd in the container");
	for (size_t i = 0; i < sizeof(dropins) / sizeof(dropins[0]); i++) {
		r = write_dropin(systemd_fd, &dropins[i]);

		if (r < 0)
			return berth_error_sys(err, r, "write /run/systemd/%s/%s", dropins[i].dir,
					       dropins[i].name);
	}
	r = link_ssh_wants(systemd_fd);
	if (r < 0)
		return berth_error_sys(err, r, "write the links to /run/systemd/system/%s",
				       ssh_wants[0]);
	for (size_t i = 0; i < sizeof(credential_units) / sizeof(credential_units[0]); i++) {
		r = clear_credentials(systemd_fd, credential_units[i], version);

		if (r < 0)
			return berth_error_sys(err, r, "write /run/systemd/system/%s.service.d",
					       credential_units[i]);
	}
	return 0;
}
