/*
 * guest_net.h - what a CT's root has made of its network: sysctls and the packet filter are carried through a suspend;
 * links, addresses and routes that berth did not make cannot be yet, and are named.
 */
#pragma once

#include "netsetup/net.h"

/* Both as the CT's root, in the CT's network. Files "sysctl" and "nft" of dirfd are written and read. */
int guest_net_save(uint32_t ctid, int userns_fd, int netns_fd, int dirfd, const struct net_ct *net,
		   struct berth_error *err);
int guest_net_load(uint32_t ctid, int userns_fd, int netns_fd, int dirfd, struct berth_error *err);

/* Pure: one "PATH VALUE" of the file sysctl, cut in two; -EINVAL for what is not below /proc/sys/net. */
int guest_sysctl_parse(char *line, const char **ret_path, const char **ret_value);
/* Pure: the destination of the first line of /proc/net/route that is not one of berth's own; "" if there is none. */
void guest_routes_foreign(const char *table, char buf[40]);
