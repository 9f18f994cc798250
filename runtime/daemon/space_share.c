/* space_share.c - who may take how much of what the host's file system has left. */
#include "runtime/daemon/space_share.h"

#include <stdlib.h>

enum {
	WAIT_MIN_MS = 100,
	WAIT_MS = 1000,
	WAIT_MAX_MS = 2000,
	HALF_LIFE_MS = 600000,
	FADE_STEPS = 16, /* in a half-life */
};
#define FLOOR_MIN (UINT64_C(16) << 20)
#define FLOOR_MAX (UINT64_C(256) << 20)
/* Who takes less is not held back for it. */
#define GROWS_MIN (UINT64_C(1) << 20)

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static int by_grown(const void *a, const void *b)
{
	const struct space_share *x = *(const struct space_share *const *)a;
	const struct space_share *y = *(const struct space_share *const *)b;

	uint64_t a_mib = x->grown / GROWS_MIN, b_mib = y->grown / GROWS_MIN;

	/* Roughly: who is seen for the first time has grown by nothing yet. */
	if (a_mib != b_mib)
		return a_mib < b_mib ? -1 : 1;
	return x->used < y->used ? -1 : x->used > y->used;
}

static uint64_t give(struct space_share *v, uint64_t most)
{
	uint64_t n = least(v->want - v->may, most);

	v->may += n;
	return n;
}

/* The floor of each; those that have grown most are the first to be left without. */
static uint64_t give_floor(uint64_t room, uint64_t floor, struct space_share *v, size_t n)
{
	const struct space_share **order = calloc(n + 1, sizeof(const struct space_share *));

	if (order == NULL)
		abort();
	for (size_t i = 0; i < n; i++)
		order[i] = &v[i];
	qsort(order, n, sizeof(const struct space_share *), by_grown);
	for (size_t i = 0; i < n; i++)
		room -= give(&v[order[i] - v], least(floor, room));
	free(order);
	return room;
}

void space_share(uint64_t room, uint64_t floor, struct space_share *v, size_t n)
{
	uint64_t sum = 0, half, part;
	size_t growing = 0;

	for (size_t i = 0; i < n; i++) {
		sum += v[i].want;
		v[i].may = v[i].want;
		growing += v[i].grown >= GROWS_MIN;
	}
	if (sum <= room || n == 0)
		return;
	for (size_t i = 0; i < n; i++)
		v[i].may = 0;
	/* Evenly among those who are not to blame: none of them is left without for another's sake. */
	if (growing > 0 && growing < n)
		floor = least(floor, room / (n - growing));
	room = give_floor(room, floor, v, n);
	half = growing > 0 ? room / 2 : room;
	part = half / n;
	for (size_t i = 0; i < n; i++)
		room -= give(&v[i], part);
	if (growing == 0)
		return;
	part = room / growing;
	for (size_t i = 0; i < n; i++)
		if (v[i].grown >= GROWS_MIN)
			room -= give(&v[i], part);
}

uint64_t space_floor(uint64_t reserve)
{
	uint64_t floor = reserve / 2;

	return floor < FLOOR_MIN ? FLOOR_MIN : least(floor, FLOOR_MAX);
}

uint64_t space_fade(uint64_t grown, uint64_t elapsed_ms)
{
	const uint64_t step = HALF_LIFE_MS / FADE_STEPS;

	/* Linear within a sixteenth: 0.5 is (1 - 0.0424)^16. */
	for (; elapsed_ms >= step && grown > 0; elapsed_ms -= step)
		grown -= grown / 24 + 1;
	return grown - (uint64_t)((double)grown / 24 * (double)elapsed_ms / (double)step);
}

uint64_t space_wait(const struct space_share *v, const uint64_t *taken, size_t n,
		    uint64_t elapsed_ms, uint64_t took_ms)
{
	uint64_t wait = WAIT_MAX_MS, least_ms = took_ms * 10;

	if (least_ms < WAIT_MIN_MS)
		least_ms = WAIT_MIN_MS;
	for (size_t i = 0; i < n; i++) {
		if (v[i].may == v[i].want)
			continue;
		wait = least(wait, WAIT_MS);
		if (taken[i] > 0)
			wait = least(wait, (uint64_t)((double)v[i].may * (double)elapsed_ms /
						      (double)taken[i] / 2));
	}
	return wait > least_ms ? wait : least_ms;
}
