/* room.c - is there room for one more CT? */
#include "runtime/daemon/room.h"

#include <errno.h>
#include <sys/resource.h>

enum {
	KEEP_MS = 60000
};

static uint64_t own_descriptors(void)
{
	struct rlimit l;

	return getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur != RLIM_INFINITY ? l.rlim_cur : 0;
}

int room_judge(const struct bounds_host *h, uint32_t ctid, uint64_t n, struct berth_error *err)
{
	struct bound b[BOUNDS];
	const struct bound *first = bounds_exceeded(b, bounds_of(h, b), n);
	char fix[120];

	if (first == NULL)
		return 0;
	bound_fix(first, n, fix, sizeof(fix));
	return berth_error_set(
		err, BERTH_ERR_RESOURCES, ENOSPC,
		"there is no room for CT %u: %llu CTs run, and this host has %llu %s, "
		"enough for %llu; %s",
		ctid, (unsigned long long)n - 1, (unsigned long long)first->has, first->what,
		(unsigned long long)first->cts, fix);
}

/*
 * Of the host's bounds what was read within this minute: a start is not to read five files of the kernel's each time.
 * again: what is so now.
 */
static const struct bounds_host *bounds_now(const struct daemon *d, bool again)
{
	static struct bounds_host h;
	static uint64_t read_ms;
	const uint64_t now = ev_now_ms();

	if (again || read_ms == 0 || now - read_ms > KEEP_MS) {
		bounds_read(0, d->cg == NULL || cg_host_probe(d->cg)->memory_v2,
			    d->host.id_base_first, &h);
		read_ms = now;
	}
	h.descriptors = own_descriptors();
	return &h;
}

int room_check(const struct ct *ct, struct berth_error *err)
{
	const struct daemon *d = ct->d;
	struct berth_error none;
	uint64_t n = 1;

	for (size_t i = 0; i < d->n_cts; i++)
		n += d->cts[i] != ct && ct_status_is_up(d->cts[i]->status);
	if (room_judge(bounds_now(d, false), ct->ctid, n, &none) == 0)
		return 0;
	/* Refused for what is so, not for what was: somebody may have made room. */
	return room_judge(bounds_now(d, true), ct->ctid, n, err);
}
