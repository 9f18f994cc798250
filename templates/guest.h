/*
 * guest.h - what berth writes into a CT's own root before init runs: hostname, hosts, resolv.conf and
 * the distribution's network configuration.
 *
 * guest_setup runs in a child with the ids of the CT's root in the CT's user namespace, but, when the CT does
 * not run yet, with the host's "/": every path is opened by inroot_open (RESOLVE_IN_ROOT, no other
 * file system) below root_fd and every last name with O_NOFOLLOW, so that whatever a tenant planted, links
 * included, leads back into the CT's own tree. A file is written (temp + rename) only when its content differs; a
 * symlink, FIFO or device in place of a file is left alone (behind /etc/resolv.conf there may be a program that has a
 * file of its own, see guest_resolver). No allocation beyond small buffers, no
 * NSS, no programs of the tenant. systemd is made dumpable by read-only drop-ins under /run
 * (guest_run_dropins), never by editing the guest's files.
 */
#pragma once

#include "runtime/base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	GUEST_ADDR_MAX = 64,
	GUEST_DNS_MAX = 8
};

struct guest_config {
	const char *hostname; /* NULL: leave */
	const char *addrs[GUEST_ADDR_MAX]; /* "10.0.0.101" or "fd00::101/64" */
	unsigned int n_addrs;
	const char *nameservers[GUEST_DNS_MAX];
	unsigned int n_nameservers; /* 0: leave resolv.conf */
	const char *searchdomains[GUEST_DNS_MAX];
	unsigned int n_searchdomains;
	bool ipv4, ipv6; /* which default routes to write */
	const char *uuid; /* 36 characters; NULL: leave what follows from it */
	bool is_new; /* nobody has changed anything yet: the times of cron's jobs may be spread */
};

/*
 * root_fd: the CT's "/". Returns 0, or the first failure after trying every file. A failure here is
 * the tenant's own doing (full disk, a directory in the way): the CT can start without these files.
 */
int guest_setup(int root_fd, const struct guest_config *g, struct berth_error *err);

/*
 * Of a CT with name servers in g: does its /etc/resolv.conf take them? BERTH_ERR_UNSUPPORTED when it is a link to the
 * file of a program that we do not know.
 */
int guest_check_resolver(int root_fd, const struct guest_config *g, struct berth_error *err);

/* Who writes the CT's /etc/resolv.conf. */
enum guest_resolver {
	GUEST_RESOLVER_FILE, /* nobody: it is a file, or missing */
	GUEST_RESOLVER_RESOLVED, /* systemd-resolved */
	GUEST_RESOLVER_RESOLVCONF, /* Debian's resolvconf */
	GUEST_RESOLVER_NM, /* NetworkManager */
	GUEST_RESOLVER_NETCONFIG, /* openSUSE's netconfig */
	GUEST_RESOLVER_UNKNOWN /* the link leads to a file of some other program */
};

enum guest_resolver guest_resolver(int root_fd);
/* Pure: the same by where the link leads. */
enum guest_resolver guest_resolver_named(const char *target);
/* The command that makes it read its files again, NULL for none. */
const char *guest_resolver_reload(enum guest_resolver kind);

/* Are SSH host keys made at the first boot? By a unit of ours, or by Debian's init script (see guest_ssh_text). */
bool guest_makes_ssh_keys(int root_fd);

/* What the CT's init is, found by following /sbin/init, /etc/init, /bin/init inside root_fd. */
enum guest_init {
	GUEST_INIT_NONE, /* none of the three can be run */
	GUEST_INIT_OTHER, /* something unknown */
	GUEST_INIT_SYSTEMD,
	GUEST_INIT_BUSYBOX,
	GUEST_INIT_OPENRC,
	GUEST_INIT_RUNIT,
	GUEST_INIT_FINIT,
	GUEST_INIT_SYSV, /* sysvinit, upstart: what has a telinit; with openrc's scripts or others */
	GUEST_INIT_MAX
};

enum guest_init guest_init_kind(int root_fd);
/* Pure: the same by the path of the program that init runs. */
enum guest_init guest_init_kind_named(const char *path);

/*
 * The signal that makes this init power off, 0 when there is none (then there is a command), or
 * -ENOENT without an init. guest_stop_signal is both in one.
 */
int guest_init_stop_signal(enum guest_init kind);
/* What is run in the CT to power it off, words separated by a blank; NULL: send the signal. */
const char *guest_init_stop_command(enum guest_init kind);
int guest_stop_signal(int root_fd);

enum {
	GUEST_SYSTEMD_OLDEST = 230
};

/* The version of the root's systemd, 0 when it cannot be told. */
int guest_systemd_version(int root_fd);
/* Pure: the same by the text of the program, of an older one. */
int guest_systemd_version_in(const char *text, size_t len);
/* -ENOTSUP, with the reason, for one that cannot boot in a CT. */
int guest_systemd_check(int root_fd, struct berth_error *err);

/* The oom_score_adj of what runs in a CT beside its init, which has 0. */
#define GUEST_OOM_SCORE 500

/*
 * Into the CT's freshly mounted /run tmpfs: systemd drop-ins of migration.md 2.5, 0444. Only for
 * GUEST_INIT_SYSTEMD: a /run/systemd/system elsewhere makes programs think that systemd runs. version:
 * of guest_systemd_version.
 */
int guest_run_dropins(int run_fd, int version, struct berth_error *err);

/*
 * Pure: the new text of a file given the old one ("" when missing); for golden tests. Returns 0,
 * -ENOSPC or -EINVAL (a value that could add a line). An empty text: nothing to write. In hosts and
 * interfaces the lines between our two marker lines are ours, all others stay.
 */
int guest_hosts_text(const char *old, const char *hostname, const char *first_addr, char *buf,
		     size_t size);
int guest_resolv_text(const struct guest_config *g, char *buf, size_t size);
int guest_interfaces_text(const char *old, const struct guest_config *g, char *buf, size_t size);
int guest_networkd_text(const struct guest_config *g, char *buf, size_t size);
int guest_netplan_text(const struct guest_config *g, char *buf, size_t size);
int guest_rhel_ifcfg_text(const struct guest_config *g, char *buf, size_t size);
int guest_rhel_route_text(const struct guest_config *g, bool v6, char *buf, size_t size);
int guest_suse_ifcfg_text(const struct guest_config *g, char *buf, size_t size);
int guest_suse_ifroute_text(const struct guest_config *g, char *buf, size_t size);
int guest_netconfig_text(const char *old, const struct guest_config *g, char *buf, size_t size);
int guest_nm_text(const struct guest_config *g, char *buf, size_t size);
/* g NULL: the CT does not use that program (any more). */
int guest_resolved_text(const struct guest_config *g, char *buf, size_t size);
int guest_resolvconf_text(const char *old, const struct guest_config *g, char *buf, size_t size);
int guest_openresolv_text(const char *old, const struct guest_config *g, char *buf, size_t size);
int guest_ssh_text(const char *old, bool wanted, char *buf, size_t size);
int guest_machine_id_text(const char *uuid, char *buf, size_t size);
/* A crontab whose jobs of the distribution run up to six hours earlier, by the uuid; hourly ones at another minute. */
int guest_cron_text(const char *old, const char *uuid, char *buf, size_t size);
