/*
 * netns.h - inside netsetup only: a short visit to the network namespace of a CT, and the sysctls
 * below /proc/sys/net of the namespace that the caller is in.
 */
#pragma once

#include "runtime/base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Enters; *ret_back is what netns_leave needs, owned by the caller until then. */
int netns_enter(int netns_fd, int *ret_back, struct berth_error *err);

/*
 * Goes back and closes *back. -ENOTRECOVERABLE: the process is still in the CT's namespace and must
 * end; whatever it did next with the network, it would do inside the CT.
 */
int netns_leave(int *back, struct berth_error *err);

/* "ipv4/ip_forward" below /proc/sys/net; %s in the name stands for the link, if that is not NULL. */
int net_sysctl_set(const char *name, const char *link, const char *value, struct berth_error *err);
/* The number in it; -ENOENT when the kernel has no such setting. */
int net_sysctl_get(const char *name, const char *link, int *ret);

/* IPv6 is in this kernel and not switched off. */
bool net_has_ipv6(void);
