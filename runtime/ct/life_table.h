/*
 * life_table.h - the life of a CT as one table: state x event -> next state, action, answer. The rows are in
 * life_table.def. All pure; berthd's ct_event() (runtime/daemon/life.c) is who acts by it.
 */
#pragma once

#include "runtime/base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum ct_status {
#define LIFE_STATE(state, ...) CT_##state,
#define LIFE_ORDER(...)
#define LIFE_FACT(...)
#define LIFE_ROW(...)
#define LIFE_REFUSE(...)
#include "runtime/ct/life_table.def"
	CT_STATUS_MAX
#undef LIFE_STATE
#undef LIFE_ORDER
#undef LIFE_FACT
};

enum life_event {
#define LIFE_STATE(...)
#define LIFE_ORDER(event, ...) LIFE_##event,
#define LIFE_FACT(event, ...) LIFE_##event,
#include "runtime/ct/life_table.def"
	LIFE_EVENT_MAX
#undef LIFE_STATE
#undef LIFE_ORDER
#undef LIFE_FACT
#undef LIFE_ROW
#undef LIFE_REFUSE
};

/* Timers are the last events; each CT has a slot for each. */
#define LIFE_TIMERS (LIFE_EVENT_MAX - LIFE_T_LOOK)

enum life_action {
	ACT_NONE, /* nothing happens in this state */
	ACT_REFUSE, /* an order that this state does not take */
	ACT_GO, /* the step that came with the order */
	ACT_GO_ON, /* the step that set the timer */
	ACT_FAIL, /* the operation has failed and changed nothing */
	ACT_END_WORKER,
	/* start */
	ACT_START,
	ACT_START_AGAIN,
	ACT_STARTED,
	ACT_END_START,
	/* mount */
	ACT_MOUNT,
	ACT_MOUNTED,
	ACT_UMOUNT,
	ACT_UMOUNTED,
	/* stop */
	ACT_STOP,
	ACT_STOP_ON,
	ACT_HURRY,
	ACT_STUCK,
	ACT_UNPROMISE,
	/* suspend and resume */
	ACT_SUSPEND,
	ACT_SUSPENDED,
	ACT_NOT_SUSPENDED,
	ACT_GOES_ON,
	ACT_END_SUSPEND,
	ACT_SUSPEND_AGAIN,
	ACT_FINISH,
	ACT_RESUME,
	ACT_RESUME_AGAIN,
	ACT_FORGET,
	/* the end */
	ACT_AWAIT_RECORD,
	ACT_READ_RECORD,
	ACT_RECORD_IF_ENDED,
	ACT_RELEASE,
	ACT_RELEASE_STOPPED,
	ACT_RELEASED,
	ACT_CLEAN,
	ACT_CLEAN_NOW,
	ACT_CLEAN_AGAIN,
	ACT_CLEAN_LATER,
	ACT_CLEAN_FAILURE,
	ACT_KILL_UNKNOWN,
	/* the monitor */
	ACT_MONITOR,
	ACT_ADOPTED,
	ACT_NOT_ADOPTED,
	/* what is it? */
	ACT_LOOK,
	ACT_LOOK_LATER,
	ACT_LOOKED,
	ACT_TAKE,
	ACT_SETTLE,
	ACT_INCOMING,
	ACT_MAX
};

struct life_cell {
	enum ct_status next;
	enum life_action action;
	/* of an order that is refused; also of one whose action may refuse it */
	enum berth_errcode code;
	const char *sentence;
};

/* Defined for every pair. An order always has code and sentence. */
struct life_cell life_cell(enum ct_status state, enum life_event event);

bool life_is_order(enum life_event event);
/* "start", "worker done": for the log. */
const char *life_event_name(enum life_event event);

/* The answer to an order that is refused. */
int life_refuse(uint32_t ctid, enum ct_status state, enum life_event order,
		struct berth_error *err);

/* "stopped", "mounted", ... as vzlist prints them. */
const char *ct_status_name(enum ct_status s);
/* list shows it without -a: it runs, or something of it may. */
bool ct_status_is_up(enum ct_status s);
/* Its volume is in use, or may be. */
bool ct_status_is_mounted(enum ct_status s);
