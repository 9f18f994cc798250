/* life_table.c - the rows of life_table.def as one array, and what the gaps in it mean. */
#include "runtime/ct/life_table.h"

#include <errno.h>
#include <stdio.h>

#define LIFE_ROW(...)
#define LIFE_REFUSE(...)

static const struct {
	const char *word;
	bool up, mounted;
	enum berth_errcode code;
	const char *sentence;
} states[CT_STATUS_MAX] = {
#define LIFE_STATE(state, word, up, mounted, code, sentence) \
	[CT_##state] = {word, up, mounted, BERTH_ERR_##code, sentence},
#define LIFE_ORDER(...)
#define LIFE_FACT(...)
#include "runtime/ct/life_table.def"
#undef LIFE_STATE
#undef LIFE_ORDER
#undef LIFE_FACT
};

static const struct {
	const char *word;
	bool order;
	const char *not_yet;
} events[LIFE_EVENT_MAX] = {
#define LIFE_STATE(...)
#define LIFE_ORDER(event, word, not_yet) [LIFE_##event] = {word, true, not_yet},
#define LIFE_FACT(event, word) [LIFE_##event] = {word, false, NULL},
#include "runtime/ct/life_table.def"
#undef LIFE_ORDER
#undef LIFE_FACT
#undef LIFE_ROW
#undef LIFE_REFUSE
};

static const struct life_cell cells[CT_STATUS_MAX][LIFE_EVENT_MAX] = {
#define LIFE_ORDER(...)
#define LIFE_FACT(...)
#define LIFE_ROW(state, event, next, action) \
	[CT_##state][LIFE_##event] = {CT_##next, ACT_##action, BERTH_OK, NULL},
#define LIFE_REFUSE(state, event, code, sentence) \
	[CT_##state][LIFE_##event] = {CT_##state, ACT_REFUSE, BERTH_ERR_##code, sentence},
#include "runtime/ct/life_table.def"
};

bool life_is_order(enum life_event event)
{
	return events[event].order;
}

const char *life_event_name(enum life_event event)
{
	return events[event].word;
}

struct life_cell life_cell(enum ct_status state, enum life_event event)
{
	struct life_cell c = cells[state][event];

	if (c.action == ACT_NONE) {
		c.next = state;
		c.action = events[event].order ? ACT_REFUSE : ACT_NONE;
	}
	if (events[event].not_yet != NULL)
		return (struct life_cell){state, ACT_REFUSE, BERTH_ERR_UNSUPPORTED,
					  events[event].not_yet};
	if (events[event].order && c.sentence == NULL) {
		c.code = states[state].code;
		c.sentence = states[state].sentence;
	}
	return c;
}

/* "@" is the CTID. */
static void put_sentence(char *buf, size_t size, const char *sentence, uint32_t ctid)
{
	size_t used = 0;

	buf[0] = '\0';
	for (const char *p = sentence; *p != '\0' && used + 12 < size; p++)
		used += (size_t)(*p == '@' ? snprintf(buf + used, size - used, "%u", ctid)
					   : snprintf(buf + used, size - used, "%c", *p));
}

int life_refuse(uint32_t ctid, enum ct_status state, enum life_event order, struct berth_error *err)
{
	struct life_cell c = life_cell(state, order);
	char text[300];

	put_sentence(text, sizeof(text), c.sentence, ctid);
	return berth_error_set(err, c.code, c.code == BERTH_ERR_UNSUPPORTED ? EOPNOTSUPP : EBUSY,
			       "CT %u %s", ctid, text);
}

const char *ct_status_name(enum ct_status s)
{
	return states[s].word;
}

bool ct_status_is_up(enum ct_status s)
{
	return states[s].up;
}

bool ct_status_is_mounted(enum ct_status s)
{
	return states[s].mounted;
}
