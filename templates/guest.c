/* guest.c - one table: which file of the CT gets which text. */
#include "templates/guest.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "templates/guest_text.h"
#include "templates/inroot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct guest_file {
	const char *dir, *name;
	mode_t mode;
	bool owned; /* only with our first line, or when missing */
	int (*text)(const char *old, const struct guest_config *g, char *buf, size_t size);
};

static int hostname_text(const char *old, const struct guest_config *g, char *buf, size_t size)
{
	struct text t;

	(void)old;
	text_start(&t, buf, size);
	if (g->hostname == NULL)
		return text_end(&t);
	if (!hostname_is_valid(g->hostname))
		return -EINVAL;
	text_add(&t, "%s\n", g->hostname);
	return text_end(&t);
}

static int hosts_text(const char *old, const struct guest_config *g, char *buf, size_t size)
{
	if (g->hostname == NULL) {
		buf[0] = '\0';
		return 0;
	}
	return guest_hosts_text(old, g->hostname, g->n_addrs > 0 ? g->addrs[0] : NULL, buf, size);
}

static int resolv_text(const char *old, const struct guest_config *g, char *buf, size_t size)
{
	(void)old;
	return guest_resolv_text(g, buf, size);
}

static int networkd_text(const char *old, const struct guest_config *g, char *buf, size_t size)
{
	(void)old;
	return guest_networkd_text(g, buf, size);
}

static int netplan_text(const char *old, const struct guest_config *g, char *buf, size_t size)
{
	(void)old;
	return guest_netplan_text(g, buf, size);
}

/* NetworkManager leaves the link as the host has made it. */
static int nm_text(const char *old, const struct guest_config *g, char *buf, size_t size)
{
	struct text t;

	(void)old;
	text_start(&t, buf, size);
	if (g->n_addrs > 0)
		text_add(&t, GUEST_OWNED "\n[keyfile]\nunmanaged-devices+=interface-name:venet0\n");
	return text_end(&t);
}

/* A folder that is missing tells that the CT does not use that program. */
static const struct guest_file files[] = {
	{"etc", "hostname", 0644, false, hostname_text},
	{"etc", "hosts", 0644, false, hosts_text},
	{"etc", "resolv.conf", 0644, false, resolv_text},
	{"etc/network", "interfaces", 0644, false, guest_interfaces_text},
	{"etc/systemd/network", "10-venet0.network", 0644, true, networkd_text},
	{"etc/netplan", "10-berth.yaml", 0600, true, netplan_text},
	{"etc/NetworkManager/conf.d", "10-berth.conf", 0644, true, nm_text},
};

/*
 * The old text into buf, "" when the file is missing. 1: not a small regular text file, leave it. The
 * type is checked on what was opened; O_NONBLOCK keeps a planted FIFO from stopping us.
 */
static int read_old(int dirfd, const char *name, char *buf, mode_t *mode)
{
	auto_close int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	ssize_t n;

	buf[0] = '\0';
	if (fd < 0)
		return errno == ENOENT ? 0 : 1;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size >= GUEST_FILE_MAX)
		return 1;
	n = fd_read_all(fd, buf, GUEST_FILE_MAX - 1);
	if (n < 0 || memchr(buf, '\0', (size_t)n) != NULL)
		return 1;
	buf[n] = '\0';
	*mode = st.st_mode & 0777;
	return 0;
}

static int update_file(int root_fd, const struct guest_file *f, const struct guest_config *g)
{
	auto_close int dirfd = inroot_open(root_fd, f->dir, O_RDONLY | O_DIRECTORY);
	auto_free char *old = malloc(GUEST_FILE_MAX);
	auto_free char *new = malloc(GUEST_FILE_MAX);
	mode_t mode = f->mode;
	int r;

	if (old == NULL || new == NULL)
		return -ENOMEM;
	if (dirfd < 0 || read_old(dirfd, f->name, old, &mode) > 0)
		return 0;
	if (f->owned && *old != '\0' && strncmp(old, GUEST_OWNED, strlen(GUEST_OWNED)) != 0)
		return 0;
	r = f->text(old, g, new, GUEST_FILE_MAX);
	if (r < 0 || strcmp(old, new) == 0)
		return r;
	if (*new == '\0')
		return f->owned && unlinkat(dirfd, f->name, 0) < 0 ? -errno : 0;
	r = file_replace_at(dirfd, f->name, new, strlen(new), mode, false);
	return r;
}

int guest_setup(int root_fd, const struct guest_config *g, struct berth_error *err)
{
	int first = 0;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		int r = update_file(root_fd, &files[i], g);

		if (r < 0 && first == 0)
			first = berth_error_sys(err, r, "write /%s/%s in the container",
						files[i].dir, files[i].name);
	}
	return first;
}
