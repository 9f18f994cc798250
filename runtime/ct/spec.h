/*
 * spec.h - translates a CT's configuration into the small structs of the lower modules.
 */
#pragma once

#include "cgroups/cg.h"
#include "netsetup/net.h"
#include "runtime/config/ct_config.h"
#include "runtime/launch/launch.h"
#include "runtime/storage/volume.h"
#include "templates/guest.h"

void spec_cg_limits(const struct ct_config *c, dev_t io_dev, struct cg_limits *ret);

void spec_volume_limits(const struct ct_config *c, struct volume_limits *ret);

/* The SECCOMP_* rows that its features lift. */
unsigned int spec_seccomp(const struct ct_config *c);

/* Whose links are ours. root: of berth_paths. Both stay the caller's. */
struct net_owner spec_net_owner(const struct host_config *host, const char *root);

/* addrs has room for CT_ADDR_MAX. */
int spec_net(uint32_t ctid, const struct ct_config *c, const struct host_config *host,
	     const char *root, struct net_addr *addrs, struct net_ct *ret, struct berth_error *err);

/* Of each network the address that its own link gets. What spec_net needs of c is lost. */
void spec_guest_addrs(struct ct_config *c);
/* The strings stay owned by c. inherited: the host's own name servers, for "inherit". */
void spec_guest(const struct ct_config *c, struct guest_config *ret);

/*
 * Pure: name servers out of the text of /etc/resolv.conf into c (for "inherit"); loopback ones are
 * left out, since the guest cannot reach them.
 */
void spec_inherit_dns(const char *resolv_conf, struct ct_config *c);
