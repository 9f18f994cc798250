/*
 * end.h - why a run of a CT ended: said in the log, in the event, in `status` and `list`, and counted.
 */
#pragma once

#include "runtime/ct/info.h"

#include <stddef.h>

enum ct_end_reason {
	END_NONE, /* it has not ended since the host booted */
	END_STOPPED, /* by order; it heeded it */
	END_KILLED, /* by order: stop --fast, or it did not heed a stop in time */
	END_HALTED, /* it powered itself off */
	END_REBOOTED, /* it rebooted itself, or was restarted by order */
	END_OOM, /* the kernel killed its init for lack of memory */
	END_DIED, /* its init ended or was killed otherwise */
	END_SHUTDOWN, /* the host goes down */
	END_MOVED, /* to another host */
	END_UNSEEN, /* nobody saw how */
	END_MAX
};

struct ct_ends {
	enum ct_end_reason last;
	uint64_t at; /* seconds since the epoch */
	char detail[128]; /* "init exited with status 3"; "" when the reason says all */
	uint64_t count[END_MAX];
};

/* What is known when init has ended. */
struct ct_end_facts {
	bool known; /* wait_status is */
	int wait_status;
	bool ordered, restart, killed; /* stop or restart of an admin; killed: with SIGKILL */
	bool shutdown; /* the order was the host's */
	uint64_t oom_kills; /* of the CT's cgroup, since it was last looked at */
};

/* Pure. detail gets what the reason does not say. */
enum ct_end_reason ct_end_judge(const struct ct_end_facts *f, char *detail, size_t size);

/* "oom": one word, for events and fields. */
const char *ct_end_word(enum ct_end_reason r);
/* "was killed by the kernel: out of memory": goes on after "CT 101". */
const char *ct_end_sentence(enum ct_end_reason r);
/* An admin should look at it. */
bool ct_end_is_bad(enum ct_end_reason r);

/* RUN/ct/CTID/ends. Pure parser (-EINVAL) and printer (-ENOSPC). */
int ct_ends_parse(const char *text, struct ct_ends *ret);
int ct_ends_format(const struct ct_ends *e, char *buf, size_t size);
/* Nothing of it is END_NONE. */
void ct_ends_load(const struct berth_paths *p, uint32_t ctid, struct ct_ends *ret);
