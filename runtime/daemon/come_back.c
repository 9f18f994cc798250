/* come_back.c - takes temporary changes back when it is time. */
#include "runtime/daemon/come_back.h"

#include "runtime/base/log.h"
#include "runtime/config/temporary.h"
#include "runtime/daemon/daemon.h"
#include "runtime/daemon/methods.h"
#include "runtime/daemon/read_ahead.h"
#include "runtime/daemon/troubles.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	/* The clock of the host may be set meanwhile; and a CT that cannot be changed just now is asked again. */
	LOOK_MS = 10000,
	REFUSED_MAX_MS = 600000,
	WHY_LEN = 160, /* of a reason, in the trouble */
	TEXT_LEN = 480
};

struct refused {
	char *key, *why;
};

/* Of a CT that something was refused of. A round tries all that is due. */
struct come_back {
	struct refused *list; /* of this round, or, between two, of the last */
	size_t n;
	bool alone; /* this round tries each key by itself */
	bool over; /* the round */
	bool ran; /* the CT did, when it ended */
	char *told; /* the keys that an event has told of */
	uint64_t wait_ms, at_ms; /* the last pause; when it goes on, as ev_now_ms */
};

static void forget_list(struct come_back *b)
{
	for (size_t i = 0; i < b->n; i++) {
		free(b->list[i].key);
		free(b->list[i].why);
	}
	free(b->list);
	b->list = NULL;
	b->n = 0;
}

void come_back_free(struct come_back *b)
{
	if (b == NULL)
		return;
	forget_list(b);
	free(b->told);
	free(b);
}

/* ---- which ---- */

struct picker {
	const struct come_back *b; /* NULL: nothing was refused */
	const char *first; /* due, and not refused in this round */
	size_t n; /* such keys */
};

static bool is_refused(const struct come_back *b, const char *key)
{
	for (size_t i = 0; b != NULL && i < b->n; i++)
		if (strcmp(b->list[i].key, key) == 0)
			return true;
	return false;
}

static void pick(const char *key, void *data)
{
	struct picker *p = data;

	if (is_refused(p->b, key))
		return;
	if (p->n++ == 0)
		p->first = key;
}

static bool is_alone(const struct come_back *b)
{
	return b != NULL && b->alone;
}

int come_back_pick(const struct ct *ct, const struct conf_file *f, int64_t now, char **ret)
{
	struct picker p = {.b = is_alone(ct->back) ? ct->back : NULL};

	*ret = NULL;
	temporary_each_due(f, now, pick, &p);
	if (p.n == 0 || (p.n > 1 && !is_alone(ct->back)))
		return 0;
	*ret = strdup(p.first);
	return *ret != NULL ? 0 : -ENOMEM;
}

/* ---- how it went ---- */

static void note_refused(struct come_back *b, const char *key, const struct berth_error *why)
{
	struct refused *more = reallocarray(b->list, b->n + 1, sizeof(*more));

	if (more == NULL)
		abort();
	b->list = more;
	more[b->n] = (struct refused){.key = strdup(key != NULL ? key : "config"),
				      .why = strdup(why->msg)};
	if (more[b->n].key == NULL || more[b->n].why == NULL)
		abort();
	b->n++;
}

/* Once for the same keys: the numbers in a reason change from try to try. */
static void tell(struct ct *ct)
{
	struct come_back *b = ct->back;
	char text[TEXT_LEN] = "", keys[TEXT_LEN] = "", ctid[32];
	size_t used = 0, used_keys = 0;

	(void)snprintf(ctid, sizeof(ctid), "CT %u: ", ct->ctid);
	for (size_t i = 0; i < b->n && used < sizeof(text) && used_keys < sizeof(keys); i++) {
		const char *why = b->list[i].why;

		if (strncmp(why, ctid, strlen(ctid)) == 0)
			why += strlen(ctid);
		used_keys += (size_t)snprintf(keys + used_keys, sizeof(keys) - used_keys, "%s%s",
					      i > 0 ? ", " : "", b->list[i].key);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s (%.*s)",
					 i > 0 ? ", " : "", b->list[i].key, WHY_LEN, why);
	}
	text_set(&ct->back_trouble,
		 "what was set for a time could not come back: %s; it is tried again, at least "
		 "every 10 minutes; to keep what is set now, set it again with --save",
		 text);
	if (strcmp(text_or_empty(b->told), keys) == 0)
		return;
	text_set(&b->told, "%s", keys);
	log_line(LOG_LV_WARNING, ct->ctid, "%s", text_or_empty(ct->back_trouble));
	event_emit(ct->d, ct->ctid, "not_back", text_or_empty(ct->back_trouble));
}

static void forget_all(struct ct *ct)
{
	come_back_free(ct->back);
	ct->back = NULL;
	if (ct->back_trouble == NULL)
		return;
	text_clear(&ct->back_trouble);
	troubles_write(ct);
}

static void end_round(struct ct *ct)
{
	struct come_back *b = ct->back;

	if (b->n == 0) {
		forget_all(ct);
		return;
	}
	b->wait_ms = b->wait_ms == 0 ? LOOK_MS : b->wait_ms * 2;
	if (b->wait_ms > REFUSED_MAX_MS)
		b->wait_ms = REFUSED_MAX_MS;
	b->at_ms = ev_now_ms() + b->wait_ms;
	b->alone = false;
	b->over = true;
	b->ran = ct->status == CT_RUNNING;
	tell(ct);
	troubles_write(ct);
}

void come_back_ended(struct ct *ct, const struct conf_file *f, const char *key,
		     const struct berth_error *refused)
{
	struct picker p = {0};

	if (ct->back == NULL && refused == NULL)
		return;
	if (ct->back == NULL && (ct->back = calloc(1, sizeof(*ct->back))) == NULL)
		abort();
	if (ct->back->over) {
		forget_list(ct->back);
		ct->back->over = false;
	}
	ct->back->at_ms = ev_now_ms();
	p.b = ct->back;
	if (refused != NULL && key == NULL && !ct->back->alone && f != NULL) {
		ct->back->alone = true; /* one of several, nobody knows which */
	} else {
		if (refused != NULL)
			note_refused(ct->back, key, refused);
		if (ct->back->alone && f != NULL)
			temporary_each_due(f, (int64_t)time(NULL), pick, &p);
		if (p.n == 0)
			end_round(ct);
	}
	come_back_soon(ct->d);
}

/* ---- when ---- */

static bool is_due(const struct ct *ct, int64_t now)
{
	return ct->until != 0 && ct->until <= now;
}

/* It may be another answer when the CT has started, or stopped. */
static bool is_ready(const struct ct *ct)
{
	const struct come_back *b = ct->back;

	return b == NULL || ev_now_ms() >= b->at_ms ||
	       (b->over && b->ran != (ct->status == CT_RUNNING));
}

static uint64_t wait_of(const struct ct *ct, int64_t now)
{
	if (ct->back != NULL && !is_due(ct, now))
		return 1; /* somebody else has settled it */
	if (ct->until > now)
		return (uint64_t)(ct->until - now) * 1000;
	if (ct->until == 0 || ct->back == NULL)
		return LOOK_MS;
	return is_ready(ct) ? 1 : ct->back->at_ms - ev_now_ms();
}

static uint64_t wait_ms(const struct daemon *d)
{
	int64_t now = (int64_t)time(NULL);
	uint64_t wait = LOOK_MS;

	for (size_t i = 0; i < d->n_cts; i++) {
		uint64_t one = wait_of(d->cts[i], now);

		wait = one < wait ? one : wait;
	}
	return wait > 0 ? wait : 1;
}

static void order(struct ct *ct)
{
	/* A CT that takes no set now (it is suspended, or somebody is at work on it) is asked again. */
	if (set_come_back(ct) < 0 && ct->back != NULL) {
		ct->back->at_ms = ev_now_ms() + LOOK_MS;
		ct->back->ran = ct->status == CT_RUNNING;
	}
}

/* Configs that are not in memory: a thread reads them, as the loop must not wait for a disk. */
struct reading {
	struct daemon *d;
	struct berth_paths paths;
	size_t n;
	uint32_t ctids[];
};

static bool reads; /* one is under way */

static void read_work(void *data)
{
	const struct reading *r = data;

	for (size_t i = 0; i < r->n; i++)
		read_ahead_ct(&r->paths, r->ctids[i]);
}

static void read_done(void *data)
{
	struct reading *r = data;

	reads = false;
	for (size_t i = 0; i < r->n; i++) {
		struct ct *ct = registry_find(r->d, r->ctids[i]);

		if (ct != NULL && is_due(ct, (int64_t)time(NULL)) && is_ready(ct))
			order(ct);
	}
	come_back_soon(r->d);
	free(r);
}

static void look(struct ev_source *s, void *data)
{
	struct daemon *d = data;
	int64_t now = (int64_t)time(NULL);
	struct reading *r = calloc(1, sizeof(*r) + d->n_cts * sizeof(r->ctids[0]));

	(void)s;
	if (r == NULL)
		abort();
	*r = (struct reading){.d = d, .paths = d->paths};
	for (size_t i = 0; i < d->n_cts; i++) {
		struct ct *ct = d->cts[i];

		if (!is_due(ct, now))
			forget_all(ct);
		if (!is_due(ct, now) || !is_ready(ct))
			continue;
		if (read_ahead_is_done(&d->paths, ct->ctid))
			order(ct);
		else
			r->ctids[r->n++] = ct->ctid;
	}
	if (r->n == 0 || reads) {
		free(r);
	} else {
		reads = true;
		if (offload_run(d->disk, read_work, read_done, r) < 0)
			abort();
	}
	(void)ev_timer_set(d->come_back, reads ? LOOK_MS : wait_ms(d));
}

void come_back_begin(struct daemon *d)
{
	if (ev_add_timer(d->ev, 1, look, d, &d->come_back) < 0)
		abort();
}

void come_back_soon(struct daemon *d)
{
	if (d->come_back != NULL)
		(void)ev_timer_set(d->come_back, wait_ms(d));
}
