/*
 * host_space.h - what CTs were promised on the host's file system, and what is there. Volumes are sparse, so the
 * promises may exceed it; DISK_OVERCOMMIT of berth.conf(5) says how far.
 */
#pragma once

#include "runtime/worker/worker.h"

/* Bytes. */
struct host_space {
	uint64_t promised; /* the sizes of all volumes there */
	uint64_t room; /* what volumes can have all together: what they have, and what is free */
	uint64_t avail, reserve; /* what is free, and what of it is the host's own */
	unsigned int n; /* volumes */
	unsigned int frail; /* those that a full host can damage */
	const char *mend; /* what mends these; NULL: there are none */
};

int host_space_read(struct worker *w, struct host_space *ret, struct berth_error *err);

/* Pure: promised in percent of what there is. */
uint64_t host_space_percent(const struct host_space *s);

/*
 * Before the CT is promised so many bytes more: BERTH_ERR_NO_SPACE when berth.conf does not allow it; a result
 * "note.disk" and 1 when there is not that much, 0 when there is.
 */
int host_space_promise(struct worker *w, uint64_t more, struct berth_error *err);
