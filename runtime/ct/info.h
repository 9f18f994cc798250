/*
 * info.h - what is known of a CT from its files alone, without a lock and without berthd: the facts in
 * private/CTID/facts, the state of this boot in RUN/ct/CTID/state and exit.
 */
#pragma once

#include "runtime/base/error.h"
#include "runtime/base/paths.h"
#include "runtime/base/pidref.h"
#include "runtime/ct/life_table.h"

#include <stdbool.h>
#include <stdint.h>

/* A second file with the same: what is lost with the first is told by it. */
#define FACTS_COPY "facts.copy"

/* Fixed when the CT is created; private/CTID/facts. */
struct ct_facts {
	uint32_t ctid;
	char uuid[37];
	uint32_t id_base;
	char template_name[128];
	char template_hash[65];
	char layout[16]; /* overlay, private */
	char driver[16]; /* image */
	char distribution[32];
	uint64_t created; /* seconds since the epoch */
	uint64_t epoch; /* of its ownership: so many times it has moved to another host */
};

/* Of this boot; RUN/ct/CTID/state, written by the worker when init runs. */
struct ct_run {
	char boot_id[BOOT_ID_LEN + 1];
	struct pidref init;
	struct pidref monitor;
	uint64_t started; /* seconds since the epoch */
	int stop_signal; /* asks this init to power off; 0: it knows none */
	char stop_command[32]; /* does so where no signal does; "": there is none */
	dev_t volume_dev; /* the volume's block device, for io limits; 0 for none */
	bool notifies; /* this init says READY=1 when it has booted */
	bool launched; /* false: the starter has not got to the end */
};

/* RUN/ct/CTID/exit, written by the monitor: how init ended. */
struct ct_exit {
	int wait_status; /* wait(2); init killed by SIGHUP = reboot, SIGINT = poweroff */
	bool known; /* false: nobody could tell */
};

struct ct_info {
	uint32_t ctid;
	enum ct_status status;
	enum ct_status
		at_rest; /* what it is for whoever has proof that it does not run; CT_UNKNOWN: not known either */
	struct ct_facts facts;
	struct ct_run run; /* valid when running */
	bool booted;
};

/* Pure parsers (-EINVAL) and printers (-ENOSPC). */
int ct_facts_parse(const char *text, struct ct_facts *ret);
int ct_facts_format(const struct ct_facts *f, char *buf, size_t size);
int ct_run_parse(const char *text, struct ct_run *ret);
int ct_run_format(const struct ct_run *r, char *buf, size_t size);
int ct_exit_parse(const char *text, struct ct_exit *ret);
int ct_exit_format(const struct ct_exit *e, char *buf, size_t size);

/*
 * -ENOENT (BERTH_ERR_NO_CONFIG) when there is no such CT. One that is damaged (CT_BROKEN), or of which it cannot
 * be told what it is (CT_UNKNOWN), is no error; err says why.
 */
int ct_info_load(const struct berth_paths *p, uint32_t ctid, struct ct_info *ret,
		 struct berth_error *err);
/* Its facts alone, whatever else is wrong with it. BERTH_ERR_NO_PRIVATE, _BROKEN or _SYSTEM. */
int ct_facts_load(const struct berth_paths *p, uint32_t ctid, struct ct_facts *ret,
		  struct berth_error *err);
/*
 * The run of this boot whose init is there now, whatever else of the CT is damaged or missing. -ESRCH is
 * proof that the recorded init is not: no state file, one of an earlier boot, or that process is gone.
 * -EBADMSG: the state file is damaged. Any other error says nothing of the CT, but that it cannot be told
 * now. ret_booted may be NULL.
 */
int ct_run_load(const struct berth_paths *p, uint32_t ctid, struct ct_run *ret, bool *ret_booted);
/* Are there complete images of it? When that cannot be told: yes, nobody is to start it then. */
bool ct_is_suspended(const struct berth_paths *p, uint32_t ctid);
/* Is r of a file's open or read the answer "there is none"? Any other error is no answer. */
bool ct_is_absent(int r);
/* The range of ids of private/CTID as far as its facts or their copy can be read; -EINVAL. */
int ct_facts_id_base(const struct berth_paths *p, uint32_t ctid, uint32_t *ret);
/* That of a living init, from its map; -ESRCH. The parser is pure: -EINVAL for a map that is no CT's. */
int ct_run_id_base(const struct pidref *init, uint32_t *ret);
int ct_uid_map_parse(const char *text, uint32_t *ret);
/* All CTIDs that have a config, ascending; returns the count; *ret is malloc'ed. */
int ct_info_list(const struct berth_paths *p, uint32_t **ret, struct berth_error *err);
