/* ledger_watch.c - when ledgers are brought up to date, and what is told of it. */
#include "runtime/daemon/ledger_watch.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/ct/explain.h"
#include "runtime/daemon/info.h"
#include "runtime/daemon/seen_conf.h"
#include "runtime/daemon/troubles.h"
#include "runtime/daemon/use.h"
#include "runtime/storage/kmsg.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <time.h>

enum {
	SLICE = 100, /* CTs at once: some 3 ms of a thread */
	END_TRIES = 300, /* of 10 ms */
	END_PAUSE_MS = 10,
};

/* One CT; in a thread, on copies. */
struct entry {
	uint32_t ctid;
	struct ct_run run;
	struct cg_stat st;
	bool have_stat; /* st is the last there will be */
	bool known; /* ledger holds what was held at most, as berthd has seen it */
	bool full; /* in: when last looked at; out: now */
	struct info_ct info; /* of a running CT: a copy, and what is known of its config */
	struct ct_rate rate; /* out */
	uint8_t level[LEDGER_MAX]; /* out; and what of which limit that is: */
	struct {
		uint64_t held, limit;
	} near[LEDGER_MAX];
	uint64_t killed; /* out: processes that were ended for want of memory since the last look */
	struct ledger ledger; /* out, when result is 0 or damaged */
	bool damaged; /* what was there was no ledger */
	int result;
};

struct look {
	struct daemon *d;
	struct berth_paths paths;
	uint64_t now, now_ms;
	struct conf_file *host_conf;
	struct info_host host;
	size_t n;
	struct entry v[];
};

static struct {
	struct offload *thread; /* NULL: nothing is kept */
	bool looking;
	uint32_t next; /* the CTID that the next look begins at */
	bool failing; /* it was said that ledgers cannot be written */
} only; /* as long as berthd lives */

enum ledger_news ledger_watch_judge(uint64_t cgroups, uint64_t max, bool *full)
{
	bool was = *full;

	*full = max != CG_UNLIMITED && cgroups >= max;
	if (*full == was)
		return LEDGER_SAME;
	return was ? LEDGER_ROOM : LEDGER_FULL;
}

/* ---- in the thread ---- */

/*
 * Which processes the kernel has ended for want of memory stands in its log only. What was read is kept for a while:
 * the counters of two CTs are not read in one moment.
 */
enum {
	KILLED_KEPT = 64
};

static _Thread_local struct {
	char lines[KILLED_KEPT][512];
	unsigned int n; /* so many were kept; the newest has (n - 1) % KILLED_KEPT */
} killed;

static void keep_killed(const char *text, void *data)
{
	(void)data;
	if (strncmp(text, "oom-kill:", 9) == 0)
		(void)snprintf(killed.lines[killed.n++ % KILLED_KEPT], sizeof(killed.lines[0]),
			       "%s", text);
}

/* The last one of a CT; "" when it is not known. */
static const char *killed_name(uint32_t id_base)
{
	static _Thread_local char name[LEDGER_TASK_MAX];
	unsigned int kept;

	kmsg_each(keep_killed, NULL);
	kept = killed.n < KILLED_KEPT ? killed.n : KILLED_KEPT;
	for (unsigned int i = 1; i <= kept; i++)
		if (ledger_killed_parse(killed.lines[(killed.n - i) % KILLED_KEPT], id_base,
					name) == 0)
			return name;
	return "";
}

static void raise_maxheld(struct ledger *l, const struct ledger *known)
{
	for (enum ledger_resource r = 0; r < LEDGER_MAX; r++)
		if (known->of[r].maxheld > l->of[r].maxheld)
			l->of[r].maxheld = known->of[r].maxheld;
}

/* What is full in percent of which limit. ext4 keeps a little for itself. */
static const struct {
	enum ledger_resource r;
	unsigned int full_at;
} levels[] = {
	{LEDGER_NUMPROC, 100},	 {LEDGER_SWAPPAGES, 99}, {LEDGER_DISKSPACE, 99},
	{LEDGER_DISKINODES, 99}, {LEDGER_PHYSPAGES, 99},
};

/*
 * A file system keeps a part for itself: what counts is what may still be written. And page cache fills the RAM of each CT that
 * reads enough, which is well.
 */
static uint64_t level_held(const struct look *k, uint32_t ctid, const struct use *u,
			   enum ledger_resource r)
{
	uint64_t held = u->held[r], cache;

	if (r == LEDGER_DISKSPACE && u->disk_free < u->limit[r])
		return u->limit[r] - u->disk_free;
	if (r != LEDGER_PHYSPAGES || use_level(held, u->limit[r], USE_FULL, USE_FULL) == USE_CALM)
		return held;
	cache = cg_ct_cache(k->d->cg, ctid);
	return held > cache ? held - cache : 0;
}

static void measure_level(const struct look *k, struct entry *e, const struct use *u,
			  enum ledger_resource r, unsigned int full_at)
{
	uint64_t held = level_held(k, e->ctid, u, r);

	e->level[r] = use_level(held, u->limit[r], full_at, e->info.ct.level[r]);
	if (r == LEDGER_DISKSPACE && explain_disk_is_full(u->limit[r], u->disk_free))
		e->level[r] = USE_FULL;
	e->near[r].held = held;
	e->near[r].limit = u->limit[r];
}

/* What no counter of the kernel's tells: a disk that is full, a rate that is reached. */
static void measure(const struct look *k, struct entry *e, struct ledger *l,
		    struct ledger_sample *s)
{
	const struct ct *ct = &e->info.ct;
	const struct seen_conf *c = info_config(&k->host, &e->info, NULL);
	struct volume_usage v;
	struct use u = {0};

	use_limits(c, use_disk(&k->paths, ct, &v) == 0 ? &v : NULL, &u);
	use_read(k->d->cg, ct, &e->st, true, &u);
	use_sample(&u, s);
	use_rate(ct, &e->st, &u, k->now_ms, &e->rate);
	if (c != NULL && use_is_at_io_limit(&ct->rate, &e->rate, c->iolimit, c->iopslimit))
		ledger_hit(l, LEDGER_IOLIMIT, k->now);
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		enum ledger_resource r = levels[i].r;

		measure_level(k, e, &u, r, levels[i].full_at);
		if ((r == LEDGER_DISKSPACE || r == LEDGER_DISKINODES) && e->level[r] == USE_FULL &&
		    ct->level[r] != USE_FULL)
			ledger_hit(l, r, k->now);
	}
}

static void bring_up_to_date(const struct look *k, struct entry *e)
{
	struct ledger_sample s;
	struct ledger saved, l;
	int r = ledger_load(&k->paths, e->ctid, &saved);

	e->damaged = r == -EBADMSG;
	e->result = e->damaged ? 0 : r;
	if (e->result < 0)
		return; /* it cannot be told now what it was */
	l = saved;
	if (e->known)
		raise_maxheld(&l, &e->ledger);
	ledger_sample_from(&e->st, &s);
	if (!e->have_stat)
		measure(k, e, &l, &s);
	ledger_take(&l, &e->run, &s, k->now);
	e->killed = l.of[LEDGER_OOMGUARPAGES].failcnt - saved.of[LEDGER_OOMGUARPAGES].failcnt;
	if (e->killed > 0)
		(void)snprintf(l.killed, sizeof(l.killed), "%s",
			       killed_name(e->info.ct.facts.id_base));
	if (ledger_watch_judge(e->st.cgroups, e->st.cgroups_max, &e->full) == LEDGER_FULL)
		ledger_hit(&l, LEDGER_NUMCGROUPS, k->now);
	if (e->have_stat || ledger_is_news(&saved, &l))
		e->result = ledger_save(&k->paths, e->ctid, &l, e->damaged);
	e->ledger = l;
}

static void look_work(void *data)
{
	struct look *k = data;

	for (size_t i = 0; i < k->n; i++) {
		struct entry *e = &k->v[i];

		e->result = e->have_stat ? 0 : cg_ct_stat(k->d->cg, e->ctid, &e->st, NULL);
		if (e->result == 0)
			bring_up_to_date(k, e);
		else
			e->result = -ENOENT; /* its end is told elsewhere */
	}
}

/* After a berthd that was killed; the first in the thread, so that nothing is being written. */
struct sweep {
	struct berth_paths paths;
	size_t n;
	uint32_t ctids[];
};

static void sweep_work(void *data)
{
	const struct sweep *s = data;

	for (size_t i = 0; i < s->n; i++)
		ledger_sweep(&s->paths, s->ctids[i]);
	kmsg_mark();
}

/* ---- what is told ---- */

static void tell_full(struct daemon *d, struct ct *ct, const struct cg_stat *st)
{
	char path[256];

	cg_ct_max_descendants_path(d->cg, ct->ctid, path, sizeof(path));
	text_set(&ct->limit_trouble,
		 "it has as many cgroups as it may (%llu of %llu): its programs get EAGAIN "
		 "for more (%.120s); to raise the limit: berth set %u --numcgroups %llu "
		 "--save",
		 (unsigned long long)st->cgroups, (unsigned long long)st->cgroups_max, path,
		 ct->ctid,
		 (unsigned long long)(st->cgroups_max < 512 ? 1024 : st->cgroups_max * 2));
	log_line(LOG_LV_WARNING, ct->ctid, "%s", text_or_empty(ct->limit_trouble));
	event_emit(d, ct->ctid, "limit", text_or_empty(ct->limit_trouble));
}

static void tell_room(struct daemon *d, struct ct *ct, const struct cg_stat *st)
{
	text_clear(&ct->limit_trouble);
	log_line(LOG_LV_INFO, ct->ctid, "it may make cgroups again (%llu of %llu)",
		 (unsigned long long)st->cgroups, (unsigned long long)st->cgroups_max);
	event_emit(d, ct->ctid, "limit_ok", "numcgroups");
}

static bool is_of_this_run(const struct ct *ct, const struct entry *e)
{
	return ct->run.init.pid == e->run.init.pid &&
	       ct->run.init.start_time == e->run.init.start_time;
}

static void take_limit(struct daemon *d, struct ct *ct, const struct entry *e)
{
	enum ledger_news news =
		ledger_watch_judge(e->st.cgroups, e->st.cgroups_max, &ct->at_cgroup_limit);

	if (news == LEDGER_FULL)
		tell_full(d, ct, &e->st);
	if (news == LEDGER_ROOM)
		tell_room(d, ct, &e->st);
	if (news != LEDGER_SAME)
		troubles_write(ct);
}

/* Each change once; use_level() has seen to it that nothing flutters. */
static void tell_levels(struct daemon *d, const struct ct *ct, const struct entry *e)
{
	char text[96];

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		enum ledger_resource r = levels[i].r;

		if (e->level[r] == ct->level[r])
			continue;
		use_level_text(r, e->level[r], e->near[r].held, e->near[r].limit, text,
			       sizeof(text));
		event_emit(d, ct->ctid, "limit_level", text);
	}
}

/* Once, and once when it works again: the counts stay in the cgroups meanwhile. */
static void tell_failure(const struct entry *e)
{
	bool failed = e->result < 0 && e->result != -ENOENT;

	if (e->damaged)
		log_line(LOG_LV_ERROR, e->ctid,
			 "its ledger is damaged and begins anew; the old one is kept in its "
			 "private area as ledger.damaged");
	if (failed == only.failing || (e->result == -ENOENT))
		return;
	only.failing = failed;
	if (failed)
		log_line(LOG_LV_ERROR, e->ctid, "keep its ledger (private/%u/ledger): %s", e->ctid,
			 strerror(-e->result));
	else
		log_line(LOG_LV_INFO, 0, "ledgers can be kept again");
}

static void take_entry(struct daemon *d, const struct entry *e)
{
	struct ct *ct = registry_find(d, e->ctid);

	tell_failure(e);
	if (ct == NULL || e->result < 0)
		return;
	if (!ct->ledger_known && !e->have_stat)
		troubles_write(ct); /* an earlier berthd's may be past */
	ct->ledger = e->ledger;
	ct->ledger_known = true;
	if (!e->have_stat) {
		if (is_of_this_run(ct, e) && ct->status == CT_RUNNING)
			tell_levels(d, ct, e);
		ct->rate = e->rate;
		memcpy(ct->level, e->level, sizeof(ct->level));
	}
	if (!e->have_stat && is_of_this_run(ct, e) && ct->status == CT_RUNNING)
		take_limit(d, ct, e);
}

static void take_all(struct look *k)
{
	for (size_t i = 0; i < k->n; i++) {
		take_entry(k->d, &k->v[i]);
		info_learn(k->d, &k->v[i].info);
		seen_conf_unref(k->v[i].info.seen);
		seen_conf_unref(k->v[i].info.fresh);
	}
	conf_free(k->host_conf);
	free(k);
}

static void look_done(void *data)
{
	only.looking = false;
	take_all(data);
}

static void end_done(void *data)
{
	take_all(data);
}

/* ---- in the loop ---- */

static bool is_looked_at(const struct ct *ct)
{
	return (ct->status == CT_RUNNING || ct->status == CT_STOPPING) && ct->init_pidfd >= 0;
}

/* Nothing of the last run is the next one's. */
static void forget_ended(struct ct *ct)
{
	if (is_looked_at(ct) && ct->limit_init.pid == ct->run.init.pid &&
	    ct->limit_init.start_time == ct->run.init.start_time)
		return;
	ct->limit_init = ct->run.init;
	ct->at_cgroup_limit = false;
	text_clear(&ct->limit_trouble);
}

static struct look *look_new(struct daemon *d, size_t room)
{
	struct look *k = calloc(1, sizeof(*k) + room * sizeof(k->v[0]));

	if (k == NULL)
		abort();
	k->d = d;
	k->paths = d->paths;
	k->now = (uint64_t)time(NULL);
	k->now_ms = ev_now_ms();
	k->host_conf = conf_copy(d->host_conf);
	if (k->host_conf == NULL)
		abort();
	k->host = (struct info_host){.d = d, .conf = k->host_conf, .conf_gen = d->host_conf_gen};
	return k;
}

static void look_add(struct look *k, struct ct *ct, const struct ct_run *run)
{
	k->v[k->n++] = (struct entry){.ctid = ct->ctid,
				      .run = *run,
				      .known = ct->ledger_known,
				      .ledger = ct->ledger,
				      .full = ct->at_cgroup_limit,
				      .info = {.ct = *ct, .seen = seen_conf_ref(ct->seen)}};
}

void ledger_watch_look(struct daemon *d)
{
	struct look *k;
	size_t begin = 0, room;

	/* A disk that hangs holds this thread, and nobody else. */
	if (only.looking || only.thread == NULL)
		return;
	room = d->n_cts < SLICE ? d->n_cts : SLICE;
	k = look_new(d, room);
	while (begin < d->n_cts && d->cts[begin]->ctid < only.next)
		begin++;
	for (size_t i = 0; i < d->n_cts && k->n < room; i++) {
		struct ct *ct = d->cts[(begin + i) % d->n_cts];

		forget_ended(ct);
		if (!is_looked_at(ct))
			continue;
		look_add(k, ct, &ct->run);
		only.next = ct->ctid + 1;
	}
	if (k->n == 0) {
		take_all(k);
		return;
	}
	only.looking = true;
	if (offload_run(only.thread, look_work, look_done, k) < 0)
		abort();
}

/* Of a run that nobody was attached to, the state file of this boot says which it was. */
static bool find_run(const struct ct *ct, struct ct_run *ret)
{
	char path[BERTH_PATH_MAX], text[1024];
	auto_close int dir = -EBADF;

	*ret = ct->run;
	if (ret->init.pid > 0)
		return true;
	dir = dir_open_at(AT_FDCWD, path_run_ct(&ct->d->paths, ct->ctid, path));
	return dir >= 0 && file_read_line_at(dir, "state", text, sizeof(text)) == 0 &&
	       ct_run_parse(text, ret) == 0;
}

void ledger_watch_ended(struct ct *ct, const struct cg_stat *st)
{
	struct ct_run run;
	struct look *k;

	if (only.thread == NULL || !find_run(ct, &run))
		return;
	k = look_new(ct->d, 1);
	look_add(k, ct, &run);
	k->v[0].st = *st;
	k->v[0].have_stat = true;
	if (offload_run(only.thread, look_work, end_done, k) < 0)
		abort();
}

void ledger_watch_begin(struct daemon *d)
{
	struct sweep *s = malloc(sizeof(*s) + d->n_cts * sizeof(s->ctids[0]));

	if (s == NULL || offload_new(d->ev, 1, &only.thread) < 0)
		abort();
	s->paths = d->paths;
	s->n = d->n_cts;
	for (size_t i = 0; i < s->n; i++)
		s->ctids[i] = d->cts[i]->ctid;
	if (offload_run(only.thread, sweep_work, free, s) < 0)
		abort();
}

void ledger_watch_end(void)
{
	for (int i = 0; only.thread != NULL && offload_pending(only.thread) > 0 && i < END_TRIES;
	     i++)
		(void)poll(NULL, 0, END_PAUSE_MS);
}
