/*
 * ids.c - which ranges of user ids are taken.
 *
 * Two tenants with one range could kill each other's processes and read each other's memory: a range is
 * free only when it is known of nobody. On the CTs' disks ids begin at 0, so what lies there unused is no
 * danger, and a CT that is put back is refused if its range has gone to another (registry.c).
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/base/parse.h"
#include "runtime/ct/bounds.h"
#include "runtime/daemon/daemon.h"
#include "runtime/launch/launch.h"

#include <stdlib.h>

struct ids {
	struct daemon *d;
	uint32_t *taken;
	size_t n, room;
	uint32_t unknown; /* a CTID whose range nobody knows and that does not run; 0: none */
	uint32_t runs; /* one that runs, so that no range is safe; 0: none */
};

static void take(struct ids *s, uint32_t base)
{
	if (s->n == s->room) {
		uint32_t *bigger = realloc(s->taken, (s->room + 256) * sizeof(*bigger));

		if (bigger == NULL)
			abort();
		s->taken = bigger;
		s->room += 256;
	}
	s->taken[s->n++] = base;
}

static bool may_run(struct ids *s, uint32_t ctid)
{
	return cg_ct_exists(s->d->cg, ctid) && cg_ct_populated(s->d->cg, ctid, NULL) != 0;
}

/* What its facts do not say any more its init does. */
static bool base_of(struct ids *s, uint32_t ctid, uint32_t *ret)
{
	struct ct_run run;

	return ct_facts_id_base(&s->d->paths, ctid, ret) == 0 ||
	       (ct_run_load(&s->d->paths, ctid, &run, NULL) == 0 &&
		ct_run_id_base(&run.init, ret) == 0);
}

static bool take_ct(struct ids *s, uint32_t ctid)
{
	uint32_t base;

	if (base_of(s, ctid, &base)) {
		take(s, base);
		return true;
	}
	if (may_run(s, ctid))
		s->runs = ctid;
	else
		s->unknown = ctid;
	return false;
}

static void take_registered(struct ids *s)
{
	for (size_t i = 0; i < s->d->n_cts; i++) {
		struct ct *ct = s->d->cts[i];

		if (ct->facts.id_base != 0)
			take(s, ct->facts.id_base);
		else if (!ct->being_created && take_ct(s, ct->ctid))
			ct->facts.id_base = s->taken[s->n - 1]; /* also when it runs no more */
	}
}

/* Private areas without a config: their CTs may come back, or run without one. */
static int take_orphans(struct ids *s, struct berth_error *err)
{
	char path[BERTH_PATH_MAX];
	auto_closedir DIR *dir = opendir(path_below(s->d->paths.lib, "private", path));
	struct dirent *e;
	uint32_t ctid;

	if (dir == NULL)
		return berth_error_sys(err, errno, "read directory %s", path);
	while ((e = readdir(dir)) != NULL)
		if (parse_ctid(e->d_name, &ctid) == 0 && registry_find(s->d, ctid) == NULL)
			(void)take_ct(s, ctid);
	return 0;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static bool is_taken(const struct ids *s, uint32_t base)
{
	return s->n > 0 && bsearch(&base, s->taken, s->n, sizeof(base), compare) != NULL;
}

/*
 * From below; but while there is a CT of unknown range from above, where it is not: it came from below. So
 * it is not refused for another's sake when its facts are mended.
 */
static int find(const struct ids *s, uint32_t *ret, struct berth_error *err)
{
	/* The first range is for unpacking archives: no CT ever has it. */
	uint32_t first = s->d->host.id_base_first + IDMAP_SIZE;
	uint32_t n = first < CT_ID_END ? (CT_ID_END - first) / IDMAP_SIZE : 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t base = first + (s->unknown != 0 ? n - 1 - i : i) * IDMAP_SIZE;

		if (is_taken(s, base))
			continue;
		*ret = base;
		return 0;
	}
	return berth_error_set(
		err, BERTH_ERR_RESOURCES, ENOSPC,
		"no range of user ids is left above ID_BASE=%u: a host has room for %u "
		"CTs; destroy one: berth destroy CTID",
		s->d->host.id_base_first, n);
}

int registry_free_id_base(struct daemon *d, uint32_t *ret, struct berth_error *err)
{
	struct ids s = {.d = d};
	int r;

	take_registered(&s);
	r = take_orphans(&s, err);
	if (r == 0 && s.runs != 0)
		r = berth_error_set(
			err, BERTH_ERR_BROKEN, EBUSY,
			"CT %u runs with unknown user ids, so a new CT could get the same ones; "
			"put private/%u/facts back from a backup, or stop it: berth stop %u --fast",
			s.runs, s.runs, s.runs);
	if (r == 0 && s.unknown != 0)
		log_line(LOG_LV_WARNING, s.unknown,
			 "its private/%u/facts is damaged and its range of user ids unknown, so "
			 "new CTs get ranges from the other end",
			 s.unknown);
	if (r == 0 && s.n > 0)
		qsort(s.taken, s.n, sizeof(*s.taken), compare);
	if (r == 0)
		r = find(&s, ret, err);
	free(s.taken);
	return r;
}
