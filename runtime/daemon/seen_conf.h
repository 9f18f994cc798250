/*
 * seen_conf.h - what of a CT's config `list` shows, kept until the file changes: reading and checking it costs more
 * than all else that is told of a CT.
 */
#pragma once

#include "runtime/base/paths.h"
#include "runtime/config/ct_config.h"
#include "runtime/config/file.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* Which contents a file had; all 0: there was none. */
struct conf_stamp {
	uint64_t ino, size;
	int64_t changed_s, changed_ns;
};

struct seen_conf {
	unsigned int refs; /* counted in berthd's loop alone */
	bool settled; /* a later change shows in its stamps */
	unsigned int host_gen; /* of which berth.conf */
	struct conf_stamp saved, live;
	uint64_t ram, swap, numproc, numcgroups, diskspace, diskinodes, iolimit, iopslimit;
	bool diskinodes_given;
	uint32_t cpulimit, cpuunits, cpus;
	bool onboot, disabled;
	const char *name, *hostname, *description;
	const char *addrs; /* each ends with a NUL, the last one with two */
	const char *keys; /* KEY NUL VALUE NUL ..., an empty key ends it */
	char text[];
};

/* A copy of what conf and c hold; NULL without memory. Stamps are the caller's to fill; one reference. */
struct seen_conf *seen_conf_new(const struct conf_file *f, const struct ct_config *c);
struct seen_conf *seen_conf_ref(struct seen_conf *s);
void seen_conf_unref(struct seen_conf *s);

/* Before the files are read: what they are then. */
void seen_conf_stamp(const struct berth_paths *p, uint32_t ctid, struct conf_stamp *ret_saved,
		     struct conf_stamp *ret_live);
/* Can a later change be told from these stamps, now being the time when they were taken? Pure. */
bool seen_conf_settles(const struct conf_stamp *saved, const struct conf_stamp *live,
		       int64_t now_s);
/* Do the files of s still have the contents that it was read from? NULL is false. */
bool seen_conf_is_current(const struct berth_paths *p, uint32_t ctid, unsigned int host_gen,
			  const struct seen_conf *s);
