/* ledger.c - sums over the runs of a CT. */
#include "runtime/ct/ledger.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/value.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	NEWS_PART = 16, /* of what was held at most */
	KEY_MAX = 40,
	TEXT_MAX = 4096,
};

static const char file_name[] = "ledger", version[] = "1";

static const char *const names[LEDGER_MAX] = {
	[LEDGER_PHYSPAGES] = "physpages",	[LEDGER_SWAPPAGES] = "swappages",
	[LEDGER_OOMGUARPAGES] = "oomguarpages", [LEDGER_NUMPROC] = "numproc",
	[LEDGER_NUMCGROUPS] = "numcgroups",	[LEDGER_CPULIMIT] = "cpulimit",
	[LEDGER_DISKSPACE] = "diskspace",	[LEDGER_DISKINODES] = "diskinodes",
};

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
		l->of[r].failcnt = sum(l->of[r].failcnt, more);
		l->of[r].seen = counted;
		if (more > 0)
			l->of[r].at = now;
	}
	memcpy(l->boot_id, run->boot_id, sizeof(l->boot_id));
	l->init = run->init;
}

void ledger_hit(struct ledger *l, enum ledger_resource r, uint64_t now)
{
	l->of[r].failcnt = sum(l->of[r].failcnt, 1);
	l->of[r].at = now;
}

bool ledger_is_news(const struct ledger *saved, const struct ledger *now)
{
	for (enum ledger_resource r = 0; r < LEDGER_MAX; r++) {
		uint64_t was = saved->of[r].maxheld, is = now->of[r].maxheld;

		if (now->of[r].failcnt != saved->of[r].failcnt ||
		    (is > was && is - was > was / NEWS_PART))
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
		    parse_number(text, r, "at", &l.of[r].at) < 0)
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
	for (enum ledger_resource i = 0; i < LEDGER_MAX; i++) {
		r |= value_put_u64(buf, size, &used, key_of(i, "maxheld", key), l->of[i].maxheld);
		r |= value_put_u64(buf, size, &used, key_of(i, "failcnt", key), l->of[i].failcnt);
		r |= value_put_u64(buf, size, &used, key_of(i, "seen", key), l->of[i].seen);
		r |= value_put_u64(buf, size, &used, key_of(i, "at", key), l->of[i].at);
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
