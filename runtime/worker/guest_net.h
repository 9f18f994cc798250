/*
 * guest_net.h - what a CT's root has made of its network is carried through a suspend: sysctls, the packet filter, and
 * what netsetup/guest_state.h says. What cannot be is named.
 */
#pragma once

#include "netsetup/net.h"

/*
 * Both as the CT's root, in the CT's network. Files "sysctl", "nft" and "network" of dirfd are written and read. try:
 * would the packet filter be taken again, too? Without it that is asked when the file nft, of a save before, has
 * another one. BERTH_ERR_UNSUPPORTED.
 */
int guest_net_save(uint32_t ctid, int userns_fd, int netns_fd, int dirfd, const struct net_ct *net,
		   bool try, struct berth_error *err);
int guest_net_load(uint32_t ctid, int userns_fd, int netns_fd, int dirfd, struct berth_error *err);

/* Pure: one "PATH VALUE" of the file sysctl, cut in two; -EINVAL for what is not below /proc/sys/net. */
int guest_sysctl_parse(char *line, const char **ret_path, const char **ret_value);
/* Pure: would nft read another file for these rules? */
bool guest_rules_include(const char *text);
