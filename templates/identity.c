/* identity.c - one table: which files make a system itself. */
#include "templates/identity.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "templates/guest.h"
#include "templates/inroot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct identity_file {
	const char *dir, *start, *end; /* names in dir that begin and end so */
	const char *what;
};

static const struct identity_file identity_files[] = {
	{"etc/ssh", "ssh_host_", "_key", "SSH host keys"},
	{"etc/ssh", "ssh_host_", "_key.pub", "SSH host keys"},
	{"etc/ssh", "ssh_host_", "_key-cert.pub", "SSH host keys"},
	{"etc/dropbear", "dropbear_", "_host_key", "SSH host keys"},
	{"etc", "machine-id", "", "machine-id"},
	{"var/lib/dbus", "machine-id", "", "machine-id"},
	{"var/lib/systemd", "random-seed", "", "random seed"},
	{"var/lib/urandom", "random-seed", "", "random seed"},
	{"var/lib/systemd", "credential.secret", "", "systemd's credential key"},
	{"var/lib/NetworkManager", "secret_key", "", "NetworkManager's key"},
	{"var/lib/dhcpcd", "secret", "", "DHCP identity"},
	{"var/lib/dhcpcd", "duid", "", "DHCP identity"},
	{"etc/iscsi", "initiatorname.iscsi", "", "iSCSI name"},
};

static bool is_named(const struct identity_file *f, const char *name)
{
	size_t len = strlen(name), start = strlen(f->start), end = strlen(f->end);

	if (end == 0)
		return strcmp(name, f->start) == 0;
	return len > start + end && strncmp(name, f->start, start) == 0 &&
	       strcmp(name + len - end, f->end) == 0;
}

/* An empty machine-id is no identity; a link to it neither. */
static bool has_content(int dirfd, const char *name)
{
	struct stat st;

	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	       st.st_size > 0;
}

static void add_word(char *found, const char *what)
{
	size_t used = strlen(found);

	if (strstr(found, what) == NULL)
		(void)snprintf(found + used, IDENTITY_TEXT_MAX - used, "%s%s", used > 0 ? ", " : "",
			       what);
}

static int remove_files(int root_fd, const struct identity_file *f, char *found)
{
	auto_close int fd = inroot_open(root_fd, f->dir, O_RDONLY | O_DIRECTORY);
	auto_closedir DIR *d = fd < 0 ? NULL : dir_stream_at(fd, ".");
	struct dirent *e;

	if (d == NULL)
		return fd == -ENOENT || fd == -ENOTDIR ? 0 : fd < 0 ? fd : -errno;
	while ((errno = 0, e = readdir(d)) != NULL) {
		bool counts;

		if (!is_named(f, e->d_name))
			continue;
		counts = has_content(fd, e->d_name);
		if (unlinkat(fd, e->d_name, 0) < 0 && errno != EISDIR)
			return -errno;
		if (counts)
			add_word(found, f->what);
	}
	return -errno;
}

static int empty_machine_id(int root_fd)
{
	auto_close int etc = inroot_open(root_fd, "etc", O_RDONLY | O_DIRECTORY);
	auto_close int fd = -EBADF;

	if (etc < 0)
		return etc == -ENOENT ? 0 : etc;
	fd = openat(etc, "machine-id", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);
	if (fd < 0)
		return errno == EEXIST ? 0
				       : -errno; /* a folder of that name: the guest's own doing */
	return fchmod(fd, 0444) < 0 ? -errno : 0;
}

static bool has_machine_id(int root_fd)
{
	auto_close int etc = inroot_open(root_fd, "etc", O_RDONLY | O_DIRECTORY);

	return etc >= 0 && faccessat(etc, "machine-id", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int identity_remove(int root_fd, char *found)
{
	bool wants_id = has_machine_id(root_fd) || guest_init_kind(root_fd) == GUEST_INIT_SYSTEMD;
	int r = 0;

	*found = '\0';
	for (size_t i = 0; r == 0 && i < sizeof(identity_files) / sizeof(identity_files[0]); i++)
		r = remove_files(root_fd, &identity_files[i], found);
	if (r == 0 && wants_id)
		r = empty_machine_id(root_fd);
	return r;
}
