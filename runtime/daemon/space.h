/*
 * space.h - the host's file systems that hold volumes do not fill up under anybody's feet.
 *
 * Volumes are sparse, so CTs may have been promised more than the host has. Before that ends, what is left is shared
 * out: each volume is told how much it may take until the next look (space_share.h). The shares add up to what there
 * is, so no CT can outrun the watch, and one that wants more is told ENOSPC when it asks; who grew most gets least.
 * The numbers are the kernel's until the unmount: they hold with berthd gone.
 *
 * Here too: a volume that has turned read-only is found, logged and shown.
 */
#pragma once

#include "runtime/daemon/daemon.h"

/* A CT has started: looks at once. */
void space_soon(void);

/* Looks from now on. */
void space_begin(struct daemon *d);
