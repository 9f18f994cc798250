/*
 * info.h - all that is told of one CT: files, cgroups and superblocks are read for it, which may wait for a disk.
 */
#pragma once

#include "runtime/daemon/daemon.h"
#include "runtime/daemon/info_want.h"

struct seen_conf;

/* Of one CT, in a thread: a copy of what the registry knows; texts of it that info_json shows are its own. */
struct info_ct {
	struct ct ct;
	struct seen_conf *seen; /* what is known of its config, or NULL */
	struct seen_conf *fresh; /* read meanwhile: it takes the place of seen */
};

struct info_host {
	struct daemon *d; /* of it only what stays as it is is looked at */
	const struct conf_file *conf; /* berth.conf, a copy, */
	unsigned int conf_gen; /* and the which one that is */
	uint64_t want; /* INFO_* */
	/* Read once for all CTs that are asked for: the text of /proc/net/dev, or NULL; for explain: */
	const char *links;
	struct cg_pressure pressure[CG_PRESSURES];
	unsigned int cpus; /* 0: not known */
	uint32_t neighbour, neighbour_percent; /* see struct explain_in */
};

/*
 * What is known of its config, read anew when the files are others than before; it stays i's. NULL with *err filled when
 * it cannot be read.
 */
const struct seen_conf *info_config(const struct info_host *h, struct info_ct *i,
				    struct berth_error *err);
/* New reference. Also learns i->ct.oom_kills and i->fresh. */
json_t *info_json(const struct info_host *h, struct info_ct *i);
/* In the loop: the registry takes what the copy has learnt, unless it is another run's by now. */
void info_learn(struct daemon *d, struct info_ct *i);
