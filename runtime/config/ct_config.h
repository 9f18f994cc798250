/*
 * ct_config.h - the typed view of CTID.conf over berth.conf: what the runtime acts on.
 */
#pragma once

#include "runtime/base/error.h"
#include "runtime/config/file.h"

#include <stdbool.h>
#include <stdint.h>

#define CT_UNLIMITED UINT64_MAX

enum {
	CT_ADDR_MAX = 64,
	CT_DNS_MAX = 8,
	CT_ADDR_TEXT_MAX = 64,
	CT_DOMAIN_MAX = 128,
	CT_PTY_MAX = 65536
};

/* What ties a CT to as many CPUs as it may use at once. */
enum ct_pin {
	CT_PIN_CPUS, /* its `cpus` */
	CT_PIN_LIMIT, /* its `cpulimit`, rounded up, too */
	CT_PIN_NO
};
/* Pure: the word of CPU_PIN (NULL: the default); -EINVAL. */
int ct_pin_parse(const char *word, enum ct_pin *ret);

struct ct_config {
	char name[64]; /* "" when it has none */
	char hostname[65]; /* "" when not set: the runtime uses ctCTID */
	char description[256];
	char ostemplate[128];
	char layout[16]; /* overlay, private */
	char origin_sample[128];
	bool onboot, disabled;
	int bootorder;
	unsigned int stop_timeout; /* seconds */
	bool nesting; /* FEATURES="nesting:on" */
	bool tun, fuse;
	bool capture; /* packet rings */
	bool socketcall; /* sockets of 32-bit programs, of any kind */

	uint64_t ram, swap; /* bytes or CT_UNLIMITED */
	bool by_privvmpages; /* they come from it, see read_memory */
	uint64_t numproc; /* or CT_UNLIMITED */
	uint64_t numcgroups; /* or CT_UNLIMITED */
	unsigned int numpty; /* 1..CT_PTY_MAX */
	uint32_t cpulimit; /* percent of one CPU; 0 none */
	uint32_t cpuunits; /* 8..500000 */
	uint32_t cpus; /* 0: all */
	enum ct_pin pin; /* CPU_PIN of berth.conf */
	char cpumask[128], nodemask[128]; /* "" for all */
	uint32_t ioprio; /* 0..7 */
	uint64_t iolimit; /* bytes/s, 0 none */
	uint64_t iopslimit; /* 0 none */
	uint64_t diskspace; /* bytes, hard limit */
	uint64_t diskinodes; /* hard limit */
	bool diskinodes_given; /* else it follows from the size */

	char addrs[CT_ADDR_MAX][CT_ADDR_TEXT_MAX];
	unsigned int n_addrs;
	char nameservers[CT_DNS_MAX][CT_ADDR_TEXT_MAX]; /* "inherit" is resolved by the reader */
	unsigned int n_nameservers;
	bool nameserver_inherit;
	char searchdomains[CT_DNS_MAX][CT_DOMAIN_MAX];
	unsigned int n_searchdomains;
	bool searchdomain_inherit;
};

/* host: berth.conf (any CT key there is a default), may be NULL. Defaults: ctid.conf(5). */
int ct_config_from(const struct conf_file *ct, const struct conf_file *host, struct ct_config *ret,
		   struct berth_error *err);

/* Host-wide settings of berth.conf(5). */
struct host_config {
	char cgroup_parent[256]; /* CGROUP_PARENT, "" = own */
	char def_ostemplate[128]; /* DEF_OSTEMPLATE */
	char configfile[128]; /* CONFIGFILE: default sample, "" none */
	char ve_layout[16]; /* VE_LAYOUT */
	char nft_table[32]; /* NFT_TABLE, "berth" */
	char group[33]; /* GROUP: read access to the socket, "berth" */
	bool nat; /* NAT=yes */
	bool ipv6; /* IPV6=yes */
	bool ip_probe; /* IP_PROBE=yes */
	bool view; /* VIEW=yes: CTs see their own numbers in /proc */
	unsigned int start_parallel; /* VE_PARALLEL, 0: CPUs */
	uint32_t conntrack_max; /* CONNTRACK_MAX=4096: tracked connections of a CT */
	char criu[256]; /* CRIU: the program; "": where Debian has it */
	unsigned int worker_timeout; /* WORKER_TIMEOUT=3600: seconds without progress */
	uint32_t id_base_first; /* ID_BASE, 655360000; a multiple of 65536 */
	uint64_t space_reserve; /* SPACE_RESERVE in bytes; 0: in percent */
	uint32_t space_reserve_percent; /* 0: the default, which host_space_reserve computes */
	uint32_t
		overcommit; /* DISK_OVERCOMMIT in percent of what there is; 0: any, and it is said */
};
int host_config_from(const struct conf_file *host /* NULL ok */, struct host_config *ret,
		     struct berth_error *err);

/*
 * The values that stay what they are while berthd runs, as cgroups, links and id ranges were made with them. berthd
 * hands them to each worker in its environment, where they stand over a berth.conf that was changed since. No file:
 * a full disk could not take it. A worker that is run by hand has none.
 */
#define HOST_FIXED_ENV "BERTH_FIXED"

enum {
	HOST_FIXED_SIZE = 512
};

/* The assignment, HOST_FIXED_ENV and all; -ENOSPC. */
int host_config_fixed_format(const struct host_config *h, char buf[static HOST_FIXED_SIZE]);
/* Of the value; on an error h is as it was. */
int host_config_fixed_take(const char *value, struct host_config *h, struct berth_error *err);

/* What CTs do not get of a file system of the host of so many bytes. */
uint64_t host_space_reserve(const struct host_config *c, uint64_t total);
