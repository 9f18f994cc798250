/* space_look.c - one look at volumes and the host's file systems. Not in berthd's thread. */
#include "runtime/daemon/space_look.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/ct/mounted.h"
#include "runtime/storage/host_free.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum {
	HELD_PART = 4, /* who may take less than this part of the floor is held */
	FREED_PART = 2, /* and goes on at this part */
	LOOK_MAX_MS = 2000,
	LOOKS_AGAIN = 3,
};

/* The host's file system of an open directory; -1 when there are too many. Takes the descriptor if it is new. */
static int find_host(struct space_look *l, int *fd)
{
	struct stat st;
	unsigned int i;

	if (fstat(*fd, &st) < 0)
		return -1;
	for (i = 0; i < l->n_hosts; i++)
		if (l->hosts[i].dev == st.st_dev)
			break;
	if (i == SPACE_HOSTS_MAX)
		return -1;
	if (i == l->n_hosts)
		l->hosts[l->n_hosts++] = (struct space_host){.dev = st.st_dev, .fd = -EBADF};
	if (l->hosts[i].fd < 0)
		l->hosts[i].fd = take_fd(fd);
	return (int)i;
}

static int open_mounted(const struct space_look *l, const struct space_volume *v)
{
	return ct_mounted_volume_open(&l->paths, v->ctid, &v->monitor);
}

static int open_private(const struct space_look *l, const struct space_volume *v)
{
	char path[BERTH_PATH_MAX];

	return dir_open_at(AT_FDCWD, path_private(&l->paths, v->ctid, path));
}

static bool read_room(const struct space_look *l, struct space_volume *v, int private_fd)
{
	const struct volume_driver *d = volume_driver_find(v->driver);
	auto_close int mounted = d != NULL && private_fd >= 0 ? open_mounted(l, v) : -EBADF;

	return mounted >= 0 && volume_room(d, private_fd, mounted, &v->room, NULL) == 0;
}

static void look_at(struct space_look *l, struct space_volume *v)
{
	const struct volume_driver *d = volume_driver_find(v->driver);
	auto_close int private_fd = open_private(l, v);
	uint64_t used;

	v->host = -1;
	if (d == NULL || private_fd < 0)
		return;
	v->seen = read_room(l, v, private_fd);
	if (v->seen) {
		used = v->room.size - v->room.free;
		v->taken = v->s.known && used > v->s.used ? used - v->s.used : 0;
		v->s.grown = space_fade(v->s.grown, l->elapsed_ms) + v->taken;
		v->s.used = used;
		v->s.known = true;
		/* A disk that fails cannot note in the volume that it is to be checked. */
		if (v->room.errors > v->s.errors)
			(void)volume_distrust(d, private_fd);
		v->s.errors = v->room.errors;
		v->s.cause = v->room.cause;
	}
	v->host = find_host(l, &private_fd);
}

/* The free space is read last: what was written meanwhile is counted twice, never not at all. */
static void look_at_host(struct space_look *l, struct space_host *h)
{
	uint64_t gone = 0;
	int index = (int)(h - l->hosts);

	h->n = 0;
	h->total = h->avail = h->room = 0;
	if (h->fd < 0 || host_free(h->fd, &h->total, &h->avail) < 0)
		return;
	h->reserve = host_space_reserve(&l->policy, h->total);
	h->floor = space_floor(h->reserve);
	for (size_t i = 0; i < l->n; i++) {
		const struct space_volume *v = &l->volumes[i];

		if (v->host != index)
			continue;
		h->n++;
		/* What cannot be seen now has what it was given last. */
		gone += v->seen ? v->room.owed : v->s.may;
	}
	gone += h->reserve;
	h->room = h->avail > gone ? h->avail - gone : 0;
}

/*
 * What was written between the look at the volumes and that at the host is counted twice, on a busy host hundreds of MiB:
 * before neighbours of who writes are left with too little for it, everything is read again.
 */
static void look_closer(struct space_look *l, struct space_host *h)
{
	int index = (int)(h - l->hosts);

	for (int tries = 0; tries < LOOKS_AGAIN && h->room < h->floor * h->n; tries++) {
		for (size_t i = 0; i < l->n; i++) {
			struct space_volume *v = &l->volumes[i];
			auto_close int private_fd = -EBADF;

			if (!v->seen || v->host != index)
				continue;
			private_fd = open_private(l, v);
			v->seen = read_room(l, v, private_fd);
		}
		look_at_host(l, h);
	}
}

static void tell(const struct space_look *l, struct space_volume *v, uint64_t may)
{
	const struct volume_driver *d = volume_driver_find(v->driver);
	auto_close int mounted = -EBADF;
	uint64_t keep = v->room.free - may;

	if (keep < v->room.own)
		keep = v->room.own;
	/* Most CTs write nothing from one look to the next. */
	if (keep - keep % v->room.unit == v->room.kept) {
		v->s.may = may;
		return;
	}
	mounted = open_mounted(l, v);
	if (mounted >= 0 && volume_keep(d, mounted, keep, NULL) == 0)
		v->s.may = may;
}

static void judge(const struct space_host *h, struct space_volume *v, const struct space_share *s)
{
	uint64_t part = h->floor / (v->s.held ? FREED_PART : HELD_PART);

	v->s.held = s->may < s->want && s->may < part;
}

static void share_host(struct space_look *l, struct space_host *h)
{
	auto_free struct space_volume **of = calloc(l->n + 1, sizeof(struct space_volume *));
	auto_free struct space_share *shares = calloc(l->n + 1, sizeof(struct space_share));
	auto_free uint64_t *taken = calloc(l->n + 1, sizeof(uint64_t));
	uint64_t sum = 0, wait;
	size_t n = 0;

	if (of == NULL || shares == NULL || taken == NULL)
		abort();
	for (size_t i = 0; i < l->n; i++) {
		struct space_volume *v = &l->volumes[i];

		if (!v->seen || v->host != (int)(h - l->hosts))
			continue;
		shares[n].want = v->room.free > v->room.own ? v->room.free - v->room.own : 0;
		shares[n].grown = v->s.grown;
		shares[n].used = v->s.used;
		taken[n] = v->taken;
		sum += shares[n].want;
		of[n++] = v;
	}
	if (n == 0)
		return;
	space_share(h->room, h->floor, shares, n);
	/* First who gets less than before: at no moment may they take more than there is. */
	for (size_t i = 0; i < n; i++)
		if (shares[i].may < of[i]->s.may)
			tell(l, of[i], shares[i].may);
	for (size_t i = 0; i < n; i++) {
		if (shares[i].may >= of[i]->s.may)
			tell(l, of[i], shares[i].may);
		judge(h, of[i], &shares[i]);
	}
	h->low = sum > h->room && h->room < h->floor * n * (h->was_low ? 3 : 2);
	wait = space_wait(shares, taken, n, l->elapsed_ms, 0);
	if (wait < l->wait_ms)
		l->wait_ms = wait;
}

void space_look_run(struct space_look *l)
{
	uint64_t begun = ev_now_ms(), took;

	l->wait_ms = UINT64_MAX;
	for (unsigned int i = 0; i < l->n_hosts; i++) {
		l->hosts[i].fd = -EBADF;
		l->hosts[i].was_low = l->hosts[i].low;
		l->hosts[i].low = false;
	}
	for (size_t i = 0; i < l->n; i++)
		look_at(l, &l->volumes[i]);
	for (unsigned int i = 0; i < l->n_hosts; i++)
		look_at_host(l, &l->hosts[i]);
	for (unsigned int i = 0; i < l->n_hosts; i++)
		look_closer(l, &l->hosts[i]);
	for (unsigned int i = 0; i < l->n_hosts; i++)
		share_host(l, &l->hosts[i]);
	for (unsigned int i = 0; i < l->n_hosts; i++)
		fd_close(&l->hosts[i].fd);
	took = ev_now_ms() - begun;
	/* Looking takes a tenth of the time at most; but a disk that is slow is no reason to look away. */
	if (l->wait_ms < took * 10)
		l->wait_ms = took * 10;
	if (l->wait_ms > LOOK_MAX_MS)
		l->wait_ms = LOOK_MAX_MS;
}
