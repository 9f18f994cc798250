/*
 * addresses.h - RUN/ct/CTID/addresses: every address that this run of a CT has been given, one line each, "LINK ADDRESS"
 * (a link without addresses: "LINK"), and "end". It is written before the kernel gets them, so whoever releases the CT's network
 * finds all that it may have in the nftables sets by keys, and need not read the sets of all CTs. Without the file
 * nothing is known.
 */
#pragma once

#include "netsetup/net.h"
#include "runtime/base/error.h"

#include <stddef.h>

enum {
	CT_ADDRESSES_MAX = 1024 /* a run that had more has no such file */
};

struct ct_addresses {
	unsigned int n;
	struct net_known v[CT_ADDRESSES_MAX];
};

/* Pure. -EINVAL; -E2BIG. */
int ct_addresses_parse(const char *text, size_t len, struct ct_addresses *ret);
/* Pure. All links and addresses of ct, once each; -E2BIG. */
int ct_addresses_add(struct ct_addresses *a, const struct net_ct *ct);

/* run_fd: RUN/ct/CTID. load: -errno, of which -ENOENT is that nothing is known. */
int ct_addresses_load(int run_fd, struct ct_addresses *ret);
/* A new run, of which nothing is given yet but what ct has. */
int ct_addresses_begin(int run_fd, const struct net_ct *ct, struct berth_error *err);
/* What ct has is given, too. */
int ct_addresses_extend(int run_fd, const struct net_ct *ct, struct berth_error *err);
