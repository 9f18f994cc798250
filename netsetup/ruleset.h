/*
 * ruleset.h - inside netsetup only: the text that goes to nft(8).
 */
#pragma once

#include "netsetup/net.h"

#include <stdio.h>

struct rtnl;

/* Pure: writes the ruleset with every @TABLE@ and @FLOWS@ replaced. */
void ruleset_expand(FILE *out, const char *text, const char *table, uint32_t flows);

struct nft_change;

/* Pure: the statements that put a change into the sets. */
void ruleset_put(FILE *out, const char *table, const struct nft_change *c);

/*
 * Reads the file, expands it and adds the elements of every CT of the owner that is up: what the links and
 * routes of this host say is true, whatever became of the sets. The caller frees *ret.
 */
int ruleset_make(const char *path, const struct net_owner *owner, char **ret,
		 struct berth_error *err);

/* Gives the text to nft(8); check: only looks whether it would be taken. */
int ruleset_load(const char *text, bool check, struct berth_error *err);
