/* rounds.c - a volume that is written to while it is sent. */
#include "runtime/migrate/rounds.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int rounds_open(struct rounds *r, int fd, uint64_t volume_bytes, struct berth_error *err)
{
	uint64_t n = volume_bytes / ROUND_BLOCK + 1;
	void *p;

	*r = (struct rounds){.size = (size_t)n * ROUND_SUM};
	if (ftruncate(fd, (off_t)r->size) < 0)
		return berth_error_sys(err, errno, "make room for the sums of a volume's blocks");
	p = mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return berth_error_sys(err, errno, "map the sums of a volume's blocks");
	r->sums = p;
	return 0;
}

void rounds_close(struct rounds *r)
{
	if (r->sums != NULL)
		(void)munmap(r->sums, r->size);
	r->sums = NULL;
}

/* The next range of data that ends behind at; none: both are UINT64_MAX. */
static int next_data(int fd, uint64_t at, uint64_t *from, uint64_t *to)
{
	off_t f = lseek(fd, (off_t)at, SEEK_DATA), t;

	*from = *to = UINT64_MAX;
	if (f < 0)
		return errno == ENXIO ? 0 : -errno;
	t = lseek(fd, f, SEEK_HOLE);
	if (t < 0)
		return -errno;
	*from = (uint64_t)f;
	*to = (uint64_t)t;
	return 0;
}

static bool is_zero(const uint8_t *p, size_t n)
{
	return p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

static void sum_of(const uint8_t *data, size_t n, uint8_t sum[ROUND_SUM])
{
	struct sha256_ctx h;

	sha256_init(&h);
	sha256_update(&h, n, data);
	sha256_digest(&h, ROUND_SUM, sum);
}

/* The block at b->next, of which buf has room behind the head of a piece. */
static int send_block(struct rounds *r, struct blocks *b, struct link *l, uint8_t *buf, size_t n,
		      struct berth_error *err)
{
	uint8_t *last = r->sums + b->next / ROUND_BLOCK * ROUND_SUM, sum[ROUND_SUM];
	int e = blocks_read(b->fd, buf + BLOCKS_HEAD, n, b->next);

	if (e < 0)
		return berth_error_sys(err, e, "read the volume");
	if (is_zero(last, ROUND_SUM) && is_zero(buf + BLOCKS_HEAD, n))
		return 0;
	sum_of(buf + BLOCKS_HEAD, n, sum);
	if (memcmp(sum, last, ROUND_SUM) == 0)
		return 0;
	e = blocks_put(b, l, buf, n, err);
	if (e == 0)
		memcpy(last, sum, ROUND_SUM);
	return e;
}

int rounds_send(struct rounds *r, struct blocks *b, struct link *l, blocks_progress_fn *progress,
		void *data, struct berth_error *err)
{
	auto_free uint8_t *buf = malloc(BLOCKS_HEAD + ROUND_BLOCK);
	uint64_t from = 0, to = 0;

	if (buf == NULL)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM,
				       "no memory to send blocks");
	/* The page cache is no older than what a loop device has written beside it: see image_clone.c. */
	for (uint64_t at = 0; at < b->volume_bytes; at += ROUND_BLOCK) {
		uint64_t left = b->volume_bytes - at;
		size_t n = left < ROUND_BLOCK ? (size_t)left : ROUND_BLOCK;
		int e = at < to ? 0 : next_data(b->fd, at, &from, &to);

		if (e < 0)
			return berth_error_sys(err, e, "look for the data of the volume");
		if (from >= at + n && is_zero(r->sums + at / ROUND_BLOCK * ROUND_SUM, ROUND_SUM))
			continue;
		b->next = at;
		e = send_block(r, b, l, buf, n, err);
		if (e < 0)
			return e;
		if (progress != NULL)
			progress(at, data);
	}
	return 0;
}
