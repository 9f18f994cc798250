/* use.c - what a CT holds, waits for and how fast it goes. */
#include "runtime/daemon/use.h"

#include "runtime/base/amount.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/ct/mounted.h"
#include "runtime/daemon/seen_conf.h"

#include <errno.h>
#include <fcntl.h>

enum {
	LEVELS = 3,
	BELOW = 5 /* percent, until it is calm again */
};

int use_disk(const struct berth_paths *p, const struct ct *ct, struct volume_usage *ret)
{
	const struct volume_driver *driver = volume_driver_find(ct->facts.driver);
	auto_close int private_fd = -EBADF;
	auto_close int mounted = -EBADF;
	char path[BERTH_PATH_MAX];

	if (driver == NULL)
		return -ENOENT;
	if (ct->init_pidfd >= 0)
		mounted = ct_mounted_volume_open(p, ct->ctid, &ct->run.monitor);
	if (mounted < 0)
		private_fd = dir_open_at(AT_FDCWD, path_private(p, ct->ctid, path));
	if (mounted < 0 && private_fd < 0)
		return private_fd;
	return volume_usage(driver, private_fd, mounted, ret, NULL);
}

/* What the volume enforces; the config is a wish until it is set. */
static void disk_limits(const struct seen_conf *c, const struct volume_usage *u, struct use *ret)
{
	if (u == NULL) {
		ret->limit[LEDGER_DISKSPACE] = c != NULL ? c->diskspace : 0;
		ret->limit[LEDGER_DISKINODES] = c != NULL ? c->diskinodes : 0;
		return;
	}
	ret->held[LEDGER_DISKSPACE] = u->bytes_used;
	ret->held[LEDGER_DISKINODES] = u->inodes_used;
	ret->disk_free = u->bytes_free;
	ret->limit[LEDGER_DISKSPACE] = u->bytes_total;
	ret->limit[LEDGER_DISKINODES] = u->inodes_total;
	ret->own_inodes = c != NULL && c->diskinodes_given;
	if (u->inode_limits && ret->own_inodes && c->diskinodes < u->inodes_total)
		ret->limit[LEDGER_DISKINODES] = c->diskinodes; /* from its next start on */
}

void use_limits(const struct seen_conf *c, const struct volume_usage *u, struct use *ret)
{
	static const struct seen_conf nothing;

	disk_limits(c, u, ret);
	if (c == NULL)
		c = &nothing;
	ret->limit[LEDGER_PHYSPAGES] = c->ram;
	ret->limit[LEDGER_SWAPPAGES] = c->swap;
	ret->limit[LEDGER_OOMGUARPAGES] = CG_UNLIMITED;
	ret->limit[LEDGER_NUMPROC] = c->numproc;
	ret->limit[LEDGER_NUMCGROUPS] = c->numcgroups;
	ret->limit[LEDGER_CPULIMIT] = c->cpulimit != 0 ? c->cpulimit : CG_UNLIMITED;
	ret->limit[LEDGER_IOLIMIT] = c->iolimit != 0 ? c->iolimit : CG_UNLIMITED;
	for (enum ledger_resource r = LEDGER_CPUPRESSURE; r < LEDGER_MAX; r++)
		ret->limit[r] = CG_UNLIMITED;
}

void use_read(struct cg_host *cg, const struct ct *ct, const struct cg_stat *st, bool all,
	      struct use *ret)
{
	ret->held[LEDGER_PHYSPAGES] = st->memory;
	ret->held[LEDGER_SWAPPAGES] = st->swap;
	ret->held[LEDGER_OOMGUARPAGES] = st->memory + st->swap;
	ret->held[LEDGER_NUMPROC] = st->pids;
	ret->held[LEDGER_NUMCGROUPS] = st->cgroups;
	for (enum cg_pressure_of of = 0; all && of < CG_PRESSURES; of++)
		cg_ct_pressure(cg, ct->ctid, of, &ret->pressure[of]);
	if (all && ct->run.volume_dev != 0)
		cg_ct_io(cg, ct->ctid, ct->run.volume_dev, &ret->io);
}

void use_sample(const struct use *u, struct ledger_sample *s)
{
	s->of[LEDGER_DISKSPACE].maxheld = u->held[LEDGER_DISKSPACE];
	s->of[LEDGER_DISKINODES].maxheld = u->held[LEDGER_DISKINODES];
	for (enum cg_pressure_of of = 0; of < CG_PRESSURES; of++)
		if (u->pressure[of].known)
			s->of[LEDGER_CPUPRESSURE + of].failcnt = u->pressure[of].some.usec / 1000;
}

uint8_t use_level(uint64_t held, uint64_t limit, unsigned int full_at, uint8_t was)
{
	const unsigned int levels[LEVELS] = {80, 95, full_at}, names[LEVELS] = {80, 95, USE_FULL};
	uint8_t level = USE_CALM;

	if (limit == 0 || limit >= INT64_MAX)
		return USE_CALM;
	for (int i = 0; i < LEVELS; i++) {
		unsigned int least = levels[i] - (was >= names[i] ? BELOW : 0);

		if ((double)held * 100 >= (double)limit * least)
			level = (uint8_t)names[i];
	}
	return level;
}

static const char *level_amount(enum ledger_resource r, uint64_t v, char buf[AMOUNT_MAX])
{
	if (r == LEDGER_PHYSPAGES || r == LEDGER_SWAPPAGES || r == LEDGER_DISKSPACE ||
	    v >= INT64_MAX)
		return amount_text(v, buf);
	(void)snprintf(buf, AMOUNT_MAX, "%llu", (unsigned long long)v);
	return buf;
}

void use_level_text(enum ledger_resource r, uint8_t level, uint64_t held, uint64_t limit, char *buf,
		    size_t size)
{
	char a[AMOUNT_MAX], b[AMOUNT_MAX];

	(void)snprintf(buf, size, "%s %s%u %% (%s of %s)", ledger_name(r),
		       level == USE_CALM ? "below " : "", level == USE_CALM ? 80u : level,
		       level_amount(r, held, a), level_amount(r, limit, b));
}

static bool is_run(const struct pidref *a, const struct pidref *b)
{
	return a->pid == b->pid && a->start_time == b->start_time;
}

void use_rate(const struct ct *ct, const struct cg_stat *st, const struct use *u, uint64_t now_ms,
	      struct ct_rate *ret)
{
	const struct ct_rate *before = &ct->rate;
	uint64_t ms = now_ms - before->at_ms;

	*ret = (struct ct_rate){.init = ct->run.init,
				.at_ms = now_ms,
				.cpu_usec = st->cpu_usec,
				.io = u->io,
				.io_stalled_usec = u->pressure[CG_PRESSURE_IO].some.usec};
	if (is_run(&before->init, &ct->run.init) && ms > 0 && st->cpu_usec >= before->cpu_usec)
		ret->cpu_percent = (uint32_t)((st->cpu_usec - before->cpu_usec) / 10 / ms);
}

static uint64_t more(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

bool use_is_at_io_limit(const struct ct_rate *before, const struct ct_rate *now, uint64_t bytes,
			uint64_t operations)
{
	const struct cg_io *a = &before->io, *b = &now->io;
	uint64_t ms = more(now->at_ms, before->at_ms),
		 stalled = more(now->io_stalled_usec, before->io_stalled_usec) / 1000;

	if (!is_run(&before->init, &now->init))
		return false;
	return ledger_is_at_rate(more(b->read_bytes, a->read_bytes), ms, stalled, bytes) ||
	       ledger_is_at_rate(more(b->write_bytes, a->write_bytes), ms, stalled, bytes) ||
	       ledger_is_at_rate(more(b->reads, a->reads), ms, stalled, operations) ||
	       ledger_is_at_rate(more(b->writes, a->writes), ms, stalled, operations);
}
