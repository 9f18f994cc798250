/* guest.c - one table: which file of the CT gets which text. */
#include "templates/guest.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "templates/guest_text.h"
#include "templates/inroot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct guest_file {
	const char *dir, *name;
	mode_t mode;
	bool owned; /* only with our first line, or when missing */
	int (*text)(const char *old, const struct guest_config *g, char *buf, size_t size);
	/* NULL: whoever has the folder. Else the folder is made for who does, and others' text gets g = NULL. */
	bool (*uses)(int root_fd);
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

/* Texts that do not depend on the old one. */
#define NEW_TEXT(name, call)                                                                   \
	static int name(const char *old, const struct guest_config *g, char *buf, size_t size) \
	{                                                                                      \
		(void)old;                                                                     \
		return call;                                                                   \
	}

NEW_TEXT(resolv_text, guest_resolv_text(g, buf, size))
NEW_TEXT(resolved_text, guest_resolved_text(g, buf, size))
NEW_TEXT(networkd_text, guest_networkd_text(g, buf, size))
NEW_TEXT(netplan_text, guest_netplan_text(g, buf, size))
NEW_TEXT(nm_text, guest_nm_text(g, buf, size))
NEW_TEXT(rhel_ifcfg_text, guest_rhel_ifcfg_text(g, buf, size))
NEW_TEXT(rhel_route_text, guest_rhel_route_text(g, false, buf, size))
NEW_TEXT(rhel_route6_text, guest_rhel_route_text(g, true, buf, size))
NEW_TEXT(suse_ifcfg_text, guest_suse_ifcfg_text(g, buf, size))
NEW_TEXT(suse_ifroute_text, guest_suse_ifroute_text(g, buf, size))

static int ssh_text(const char *old, const struct guest_config *g, char *buf, size_t size)
{
	return guest_ssh_text(old, g != NULL, buf, size);
}

/* An id that is there stays. */
static int machine_id_text(const char *old, const struct guest_config *g, char *buf, size_t size)
{
	if (*old == '\0' && g != NULL && g->uuid != NULL)
		return guest_machine_id_text(g->uuid, buf, size);
	(void)snprintf(buf, size, "%s", old);
	return 0;
}

static int cron_text(const char *old, const struct guest_config *g, char *buf, size_t size)
{
	if (g->is_new && g->uuid != NULL)
		return guest_cron_text(old, g->uuid, buf, size);
	(void)snprintf(buf, size, "%s", old);
	return 0;
}

/* ---- which programs the CT uses, where a folder does not tell ---- */

static bool is_there(int root_fd, const char *path)
{
	auto_close int fd = inroot_open(root_fd, path, O_PATH);

	return fd >= 0;
}

static bool uses_resolved(int root_fd)
{
	return guest_resolver(root_fd) == GUEST_RESOLVER_RESOLVED;
}

static bool uses_resolvconf(int root_fd)
{
	return guest_resolver(root_fd) == GUEST_RESOLVER_RESOLVCONF;
}

static bool has_openresolv(int root_fd)
{
	return is_there(root_fd, "etc/resolvconf.conf");
}

static bool has_debian_ssh(int root_fd)
{
	return is_there(root_fd, "etc/init.d/ssh") && is_there(root_fd, "etc/default/ssh");
}

bool guest_makes_ssh_keys(int root_fd)
{
	return has_debian_ssh(root_fd) || guest_init_kind(root_fd) == GUEST_INIT_SYSTEMD;
}

static bool lacks_ssh_keys(int root_fd)
{
	return has_debian_ssh(root_fd) && !is_there(root_fd, "etc/ssh/ssh_host_ed25519_key") &&
	       !is_there(root_fd, "etc/ssh/ssh_host_rsa_key") &&
	       guest_init_kind(root_fd) != GUEST_INIT_SYSTEMD;
}

/* The file is there, and systemd does not fill it from $container_uuid. */
static bool lacks_machine_id(int root_fd)
{
	return is_there(root_fd, "etc/machine-id") &&
	       guest_init_kind(root_fd) != GUEST_INIT_SYSTEMD;
}

/* A folder that is missing tells that the CT does not use that program. */
static const struct guest_file files[] = {
	{"etc", "hostname", 0644, false, hostname_text, NULL},
	{"etc", "hosts", 0644, false, hosts_text, NULL},
	{"etc", "resolv.conf", 0644, false, resolv_text, NULL},
	{"etc/systemd/resolved.conf.d", "10-berth.conf", 0644, true, resolved_text, uses_resolved},
	{"etc/resolvconf/resolv.conf.d", "base", 0644, false, guest_resolvconf_text,
	 uses_resolvconf},
	{"etc", "resolvconf.conf", 0644, false, guest_openresolv_text, has_openresolv},
	{"etc/network", "interfaces", 0644, false, guest_interfaces_text, NULL},
	{"etc/systemd/network", "10-venet0.network", 0644, true, networkd_text, NULL},
	{"etc/netplan", "10-berth.yaml", 0600, true, netplan_text, NULL},
	{"etc/NetworkManager/conf.d", "10-berth.conf", 0644, true, nm_text, NULL},
	{"etc/sysconfig/network-scripts", "ifcfg-venet0", 0644, true, rhel_ifcfg_text, NULL},
	{"etc/sysconfig/network-scripts", "route-venet0", 0644, true, rhel_route_text, NULL},
	{"etc/sysconfig/network-scripts", "route6-venet0", 0644, true, rhel_route6_text, NULL},
	{"etc/sysconfig/network", "ifcfg-venet0", 0644, true, suse_ifcfg_text, NULL},
	{"etc/sysconfig/network", "ifroute-venet0", 0644, true, suse_ifroute_text, NULL},
	{"etc/sysconfig/network", "config", 0644, false, guest_netconfig_text, NULL},
	{"etc/default", "ssh", 0644, false, ssh_text, lacks_ssh_keys},
	{"etc", "machine-id", 0444, false, machine_id_text, lacks_machine_id},
	{"etc", "crontab", 0644, false, cron_text, NULL},
	{"etc/crontabs", "root", 0600, false, cron_text, NULL},
	{"etc/cron.d", "0hourly", 0644, false, cron_text, NULL},
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

/* The folder of f, made when that is all that is missing of it. -ENOENT: the CT does not use the program. */
static int open_folder(int root_fd, const struct guest_file *f, bool used)
{
	int fd = inroot_open(root_fd, f->dir, O_RDONLY | O_DIRECTORY);
	const char *slash = strrchr(f->dir, '/');
	auto_close int parent = -EBADF;
	char path[64];

	if (fd != -ENOENT || f->uses == NULL || !used || slash == NULL)
		return fd;
	(void)snprintf(path, sizeof(path), "%.*s", (int)(slash - f->dir), f->dir);
	parent = inroot_open(root_fd, path, O_RDONLY | O_DIRECTORY);
	if (parent < 0 || (mkdirat(parent, slash + 1, 0755) < 0 && errno != EEXIST))
		return parent < 0 ? parent : -errno;
	return inroot_open(root_fd, f->dir, O_RDONLY | O_DIRECTORY);
}

static int update_file(int root_fd, const struct guest_file *f, const struct guest_config *g)
{
	bool used = f->uses == NULL || f->uses(root_fd);
	auto_close int dirfd = open_folder(root_fd, f, used);
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
	r = f->text(old, used ? g : NULL, new, GUEST_FILE_MAX);
	if (r < 0 || strcmp(old, new) == 0)
		return r;
	if (*new == '\0' && f->owned)
		return unlinkat(dirfd, f->name, 0) < 0 ? -errno : 0;
	/* Nothing to say, or a file that held our section alone. */
	if (*new == '\0' && strstr(old, GUEST_BEGIN) == NULL)
		return 0;
	r = file_replace_at(dirfd, f->name, new, strlen(new), mode, false);
	return r;
}

int guest_check_resolver(int root_fd, const struct guest_config *g, struct berth_error *err)
{
	if (g->n_nameservers == 0 || guest_resolver(root_fd) != GUEST_RESOLVER_UNKNOWN)
		return 0;
	return berth_error_set(err, BERTH_ERR_UNSUPPORTED, ENOTSUP,
			       "--nameserver has no effect: /etc/resolv.conf in the container is a "
			       "link to the file of a program that berth does not know; make it a "
			       "file, or configure that program");
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
