/* room.c - is there room for one more CT? */
#include "runtime/daemon/room.h"

#include <errno.h>
#include <sys/resource.h>

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

int room_check(const struct ct *ct, struct berth_error *err)
{
	const struct daemon *d = ct->d;
	struct bounds_host h;
	uint64_t n = 1;

	for (size_t i = 0; i < d->n_cts; i++)
		n += d->cts[i] != ct && ct_status_is_up(d->cts[i]->status);
	bounds_read(own_descriptors(), d->cg == NULL || cg_host_probe(d->cg)->memory_v2,
		    d->host.id_base_first, &h);
	return room_judge(&h, ct->ctid, n, err);
}
