/* ledger.c - sums over the runs of a CT. */
#include "runtime/ct/ledger.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "runtime/base/value.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	NEWS_PART = 16, /* of what was held at most */
	KEY_MAX = 40,
	TEXT_MAX = 8192,
	LAZY_S = 60, /* what rises all the time is written so often */
	RATE_PART = 9, /* of ten: who moves so much of what it may is at its limit */
	BURST_MS = 500,
};

static const char file_name[] = "ledger", version[] = "1";

static const char *const names[LEDGER_MAX] = {
	[LEDGER_PHYSPAGES] = "physpages",	[LEDGER_SWAPPAGES] = "swappages",
	[LEDGER_OOMGUARPAGES] = "oomguarpages", [LEDGER_NUMPROC] = "numproc",
	[LEDGER_NUMCGROUPS] = "numcgroups",	[LEDGER_CPULIMIT] = "cpulimit",
	[LEDGER_DISKSPACE] = "diskspace",	[LEDGER_DISKINODES] = "diskinodes",
	[LEDGER_IOLIMIT] = "iolimit",		[LEDGER_CPUPRESSURE] = "cpupressure",
	[LEDGER_MEMPRESSURE] = "mempressure",	[LEDGER_IOPRESSURE] = "iopressure",
};

/* What the kernel goes on counting by itself, and more often than it is worth writing. */
static bool is_lazy(enum ledger_resource r)
{
	return r == LEDGER_CPULIMIT || r >= LEDGER_CPUPRESSURE;
}

const char *ledger_name(enum ledger_resource r)
{
	return names[r];
}

void ledger_sample_from(const struct cg_stat *st, struct ledger_sample *ret)
{
	*ret = (struct ledger_sample){
		.of = {
			[LEDGER_PHYSPAGES] = {st->memory, st->memory_max_seen,
					      st->memory_failcnt + st->oom_kills},
			[LEDGER_SWAPPAGES] = {st->swap, st->swap_max_seen, st->swap_failcnt},
			[LEDGER_OOMGUARPAGES] = {st->memory + st->swap, st->memory + st->swap,
						 st->oom_kills},
			[LEDGER_NUMPROC] = {st->pids, st->pids_max_seen, st->pids_failcnt},
			[LEDGER_NUMCGROUPS] = {st->cgroups, st->cgroups, LEDGER_NOT_COUNTED},
			[LEDGER_CPULIMIT] = {0, 0, st->throttled},
			[LEDGER_DISKSPACE] = {0, 0, LEDGER_NOT_COUNTED},
			[LEDGER_DISKINODES] = {0, 0, LEDGER_NOT_COUNTED},
			[LEDGER_IOLIMIT] = {0, 0, LEDGER_NOT_COUNTED},
			[LEDGER_CPUPRESSURE] = {0, 0, LEDGER_NOT_COUNTED},
			[LEDGER_MEMPRESSURE] = {0, 0, LEDGER_NOT_COUNTED},
			[LEDGER_IOPRESSURE] = {0, 0, LEDGER_NOT_COUNTED},
		}};
}

static bool is_same_run(const struct ledger *l, const struct ct_run *run)
{
	return l->init.pid == run->init.pid && l->init.start_time == run->init.start_time &&
	       strcmp(l->boot_id, run->boot_id) == 0;
}

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* The parts of the hour move on. A clock that was set back leaves them. */
static void roll(struct ledger *l, uint64_t now)
{
	uint64_t part = now / LEDGER_PART_S, by = part > l->part ? part - l->part : 0;

	for (enum ledger_resource r = 0; by > 0 && r < LEDGER_MAX; r++)
		for (uint64_t i = LEDGER_HOUR; i-- > 0;)
			l->of[r].hour[i] = i >= by ? l->of[r].hour[i - by] : 0;
	if (by > 0)
		l->part = part;
}

static void add(struct ledger *l, enum ledger_resource r, uint64_t more, uint64_t now)
{
	uint32_t *part = &l->of[r].hour[0];

	if (more == 0)
		return;
	roll(l, now);
	l->of[r].failcnt = sum(l->of[r].failcnt, more);
	*part = more > UINT32_MAX - *part ? UINT32_MAX : *part + (uint32_t)more;
	if (l->of[r].at == 0 || now < l->of[r].at || now - l->of[r].at > LEDGER_EPISODE_S)
		l->of[r].since = now;
	l->of[r].at = now;
}

uint64_t ledger_hour(const struct ledger *l, enum ledger_resource r, uint64_t now)
{
	uint64_t part = now / LEDGER_PART_S, by = part > l->part ? part - l->part : 0, n = 0;

	for (uint64_t i = 0; i + by < LEDGER_HOUR; i++)
		n += l->of[r].hour[i];
	return n;
}

bool ledger_is_at_rate(uint64_t bytes, uint64_t ms, uint64_t stalled_ms, uint64_t limit)
{
	double rate = (double)bytes * 1000, least = (double)limit / 10 * RATE_PART;

	if (limit == 0 || ms == 0 || bytes == 0)
		return false;
	if (rate / (double)ms >= least)
		return true;
	/* A slow disk makes it wait longer for less, a fast one not so long. */
	return stalled_ms >= BURST_MS && rate / (double)stalled_ms >= least &&
	       rate / (double)stalled_ms <= (double)limit * 2;
}

/* The last "KEY" of a text; what is behind it. The task's name is the tenant's, and may hold anything before. */
static const char *behind_last(const char *text, const char *key)
{
	const char *found = NULL;

	for (const char *p = text; (p = strstr(p, key)) != NULL; p += strlen(key))
		found = p;
	return found != NULL ? found + strlen(key) : NULL;
}

int ledger_killed_parse(const char *line, uint32_t id_base, char ret[LEDGER_TASK_MAX])
{
	const char *task, *pid = behind_last(line, ",pid="), *uid = behind_last(line, ",uid=");
	uint64_t id;
	size_t n;

	if (strncmp(line, "oom-kill:", 9) != 0 || pid == NULL || uid == NULL || uid < pid ||
	    parse_next(&uid, "", 10, &id) < 0 || id < id_base || id - id_base >= 65536)
		return -ENOENT;
	task = strstr(line, ",task_memcg=");
	task = task != NULL ? strstr(task, ",task=") : NULL;
	if (task == NULL || task + 6 > pid - 5)
		return -ENOENT;
	task += 6;
	n = (size_t)(pid - 5 - task);
	if (n >= LEDGER_TASK_MAX)
		n = LEDGER_TASK_MAX - 1;
	for (size_t i = 0; i < n; i++)
		ret[i] = task[i] >= ' ' && task[i] <= '~' ? task[i] : '?';
	ret[n] = '\0';
	return 0;
}

void ledger_take(struct ledger *l, const struct ct_run *run, const struct ledger_sample *s,
		 uint64_t now)
{
	bool same = is_same_run(l, run);

	for (enum ledger_resource r = 0; r < LEDGER_MAX; r++) {
		uint64_t counted = s->of[r].failcnt, seen = same ? l->of[r].seen : 0, more;

		if (s->of[r].maxheld > l->of[r].maxheld)
			l->of[r].maxheld = s->of[r].maxheld;
		if (counted == LEDGER_NOT_COUNTED)
			continue;
		/* Less than before: somebody has reset the kernel's counter (v1 lets root do so). */
		more = counted >= seen ? counted - seen : counted;
		add(l, r, more, now);
		l->of[r].seen = counted;
	}
	memcpy(l->boot_id, run->boot_id, sizeof(l->boot_id));
	l->init = run->init;
}

void ledger_hit(struct ledger *l, enum ledger_resource r, uint64_t now)
{
	add(l, r, 1, now);
}

/* Of what is lazy, the first failure, and then one a while. */
static bool is_failure_news(const struct ledger *saved, const struct ledger *now,
			    enum ledger_resource r)
{
	uint64_t was = saved->of[r].at, is = now->of[r].at;

	if (now->of[r].failcnt == saved->of[r].failcnt)
		return false;
	return !is_lazy(r) || was > is || is - was >= LAZY_S;
}

bool ledger_is_news(const struct ledger *saved, const struct ledger *now)
{
	for (enum ledger_resource r = 0; r < LEDGER_MAX; r++) {
		uint64_t was = saved->of[r].maxheld, is = now->of[r].maxheld;

		if (is_failure_news(saved, now, r) || (is > was && is - was > was / NEWS_PART))
			return true;
	}
	return false;
}

/* ---- the file ---- */

static const char *key_of(enum ledger_resource r, const char *what, char buf[KEY_MAX])
{
	(void)snprintf(buf, KEY_MAX, "%s.%s", names[r], what);
	return buf;
}

/* A resource that an older berth did not know has counted nothing. */
static int parse_number(const char *text, enum ledger_resource r, const char *what, uint64_t *ret)
{
	char key[KEY_MAX];
	int e = value_get_u64(text, key_of(r, what, key), ret);

	return e == -ENOENT ? 0 : e;
}

/* "N N N N N N"; an older berth has not written it. */
static int parse_hour(const char *text, enum ledger_resource r, uint32_t ret[LEDGER_HOUR])
{
	char key[KEY_MAX], v[LEDGER_HOUR * 11 + 1];
	const char *p = v;
	int e = value_get(text, key_of(r, "hour", key), v, sizeof(v));

	for (int i = 0; e == 0 && i < LEDGER_HOUR; i++) {
		uint64_t n = 0;

		if (parse_next(&p, " ", 10, &n) < 0 || n > UINT32_MAX)
			e = -EINVAL;
		ret[i] = (uint32_t)n;
	}
	if (e == 0 && *p != '\0')
		e = -EINVAL;
	return e == -ENOENT ? 0 : e;
}

static int put_hour(char *buf, size_t size, size_t *used, enum ledger_resource r,
		    const uint32_t hour[LEDGER_HOUR])
{
	char key[KEY_MAX], v[LEDGER_HOUR * 11 + 1];
	int at = 0;

	for (int i = 0; i < LEDGER_HOUR; i++)
		at += snprintf(v + at, sizeof(v) - (size_t)at, "%s%u", i > 0 ? " " : "", hour[i]);
	return value_put(buf, size, used, key_of(r, "hour", key), v);
}

/* What a berth before had not. */
static int parse_recent(const char *text, struct ledger *l)
{
	int e = value_get_u64(text, "part", &l->part);

	if (e == 0 || e == -ENOENT)
		e = value_get(text, "killed", l->killed, sizeof(l->killed));
	if (e == 0 && !text_is_clean(l->killed))
		e = -EINVAL;
	return e == -ENOENT ? 0 : e;
}

int ledger_parse(const char *text, struct ledger *ret)
{
	struct ledger l = {0};
	uint64_t pid = 0;
	char v[8] = "";
	int e = 0;

	if (value_get(text, "version", v, sizeof(v)) < 0 || strcmp(v, version) != 0 ||
	    value_get(text, "boot_id", l.boot_id, sizeof(l.boot_id)) < 0 ||
	    value_get_u64(text, "init", &pid) < 0 || pid > INT32_MAX ||
	    value_get_u64(text, "init_start", &l.init.start_time) < 0)
		return -EINVAL;
	l.init.pid = (pid_t)pid;
	for (enum ledger_resource r = 0; r < LEDGER_MAX && e == 0; r++)
		if (parse_number(text, r, "maxheld", &l.of[r].maxheld) < 0 ||
		    parse_number(text, r, "failcnt", &l.of[r].failcnt) < 0 ||
		    parse_number(text, r, "seen", &l.of[r].seen) < 0 ||
		    parse_number(text, r, "at", &l.of[r].at) < 0 ||
		    parse_number(text, r, "since", &l.of[r].since) < 0 ||
		    parse_hour(text, r, l.of[r].hour) < 0)
			e = -EINVAL;
	if (e == 0 && parse_recent(text, &l) < 0)
		e = -EINVAL;
	if (e == 0)
		*ret = l;
	return e;
}

int ledger_format(const struct ledger *l, char *buf, size_t size)
{
	size_t used = 0;
	char key[KEY_MAX];
	int r = value_put(buf, size, &used, "version", version);

	r |= value_put(buf, size, &used, "boot_id", l->boot_id);
	r |= value_put_u64(buf, size, &used, "init", (uint64_t)l->init.pid);
	r |= value_put_u64(buf, size, &used, "init_start", l->init.start_time);
	r |= value_put_u64(buf, size, &used, "part", l->part);
	if (l->killed[0] != '\0')
		r |= value_put(buf, size, &used, "killed", l->killed);
	for (enum ledger_resource i = 0; i < LEDGER_MAX; i++) {
		r |= value_put_u64(buf, size, &used, key_of(i, "maxheld", key), l->of[i].maxheld);
		r |= value_put_u64(buf, size, &used, key_of(i, "failcnt", key), l->of[i].failcnt);
		r |= value_put_u64(buf, size, &used, key_of(i, "seen", key), l->of[i].seen);
		r |= value_put_u64(buf, size, &used, key_of(i, "at", key), l->of[i].at);
		r |= value_put_u64(buf, size, &used, key_of(i, "since", key), l->of[i].since);
		r |= put_hour(buf, size, &used, i, l->of[i].hour);
	}
	return r != 0 ? -ENOSPC : 0;
}

static int open_private(const struct berth_paths *p, uint32_t ctid)
{
	char path[BERTH_PATH_MAX];

	return dir_open_at(AT_FDCWD, path_private(p, ctid, path));
}

int ledger_load(const struct berth_paths *p, uint32_t ctid, struct ledger *ret)
{
	auto_close int dir = open_private(p, ctid);
	auto_free char *text = NULL;
	int r = dir < 0 ? dir : file_read_at(dir, file_name, TEXT_MAX, &text, NULL);

	*ret = (struct ledger){0};
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r == -EFBIG ? -EBADMSG : r;
	return ledger_parse(text, ret) < 0 ? -EBADMSG : 0;
}

void ledger_sweep(const struct berth_paths *p, uint32_t ctid)
{
	auto_close int dir = open_private(p, ctid);

	if (dir >= 0)
		(void)unlinkat(dir, "ledger.tmp", 0);
}

int ledger_save(const struct berth_paths *p, uint32_t ctid, const struct ledger *l, bool damaged)
{
	auto_close int dir = open_private(p, ctid);
	char text[TEXT_MAX];

	if (dir < 0)
		return dir;
	if (ledger_format(l, text, sizeof(text)) < 0)
		return -ENOSPC;
	if (damaged)
		(void)renameat(dir, file_name, dir, "ledger.damaged");
	return file_replace_at(dir, file_name, text, strlen(text), 0600, true);
}
