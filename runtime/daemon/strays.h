/*
 * strays.h - what is on this host under a CTID that has no config.
 *
 * Ours, and worth a look, is what lies in our own directories: RUN/ct/CTID and the hidden names of area.h.
 * A cgroup or a link alone may be another berthd's (--root): it is only named in the log.
 */
#pragma once

#include "runtime/daemon/daemon.h"

/* Puts CTIDs into the registry that have something of ours and no config. recover.c settles them. */
void strays_collect(struct daemon *d);

/* Says which cgroups, links and private areas belong to no CT. */
void strays_report(struct daemon *d);

/* Removes the run directory of a CTID of which nothing else is left. */
void strays_remove_run(struct daemon *d, uint32_t ctid);
