/* blocks.c - the data of a volume over the link. */
#include "runtime/migrate/blocks.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fault.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void blocks_begin(struct blocks *b, int fd, uint64_t volume_bytes)
{
	*b = (struct blocks){.fd = fd, .volume_bytes = volume_bytes};
	sha256_init(&b->hash);
}

static void count(struct blocks *b, uint64_t at, const uint8_t *data, size_t len)
{
	uint8_t place[2 * BLOCKS_HEAD];

	blocks_head_format(at, place);
	blocks_head_format(len, place + BLOCKS_HEAD);
	sha256_update(&b->hash, sizeof(place), place);
	sha256_update(&b->hash, len, data);
	b->bytes += len;
	b->next = at + len;
}

void blocks_digest(struct blocks *b, struct message_end *end)
{
	uint8_t raw[SHA256_DIGEST_SIZE];

	sha256_digest(&b->hash, sizeof(raw), raw);
	for (size_t i = 0; i < sizeof(raw); i++)
		(void)snprintf(end->sha256 + 2 * i, 3, "%02x", raw[i]);
	end->bytes = b->bytes;
}

/* At most size bytes at b->next, which is data; 0 at the end of the data there. */
static ssize_t read_piece(struct blocks *b, uint8_t *buf, uint64_t data_end)
{
	size_t want = data_end - b->next < BLOCKS_MAX ? (size_t)(data_end - b->next) : BLOCKS_MAX;
	ssize_t n;

	do
		n = pread(b->fd, buf, want, (off_t)b->next);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int blocks_read(int fd, void *buf, size_t n, uint64_t at)
{
	for (size_t done = 0; done < n;) {
		ssize_t got = pread(fd, (uint8_t *)buf + done, n - done, (off_t)(at + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EIO;
		done += (size_t)got;
	}
	return 0;
}

int blocks_put(struct blocks *b, struct link *l, uint8_t *buf, size_t n, struct berth_error *err)
{
	int r = FAULT_STEP("blocks.send", err);

	blocks_head_format(b->next, buf);
	if (r == 0)
		r = link_send(l, FRAME_BLOCKS, STREAM_BLOCKS, buf, BLOCKS_HEAD + n, err);
	if (r == 0)
		count(b, b->next, buf + BLOCKS_HEAD, n);
	return r;
}

static int send_range(struct blocks *b, struct link *l, uint8_t *buf, uint64_t data_end,
		      blocks_progress_fn *progress, void *data, struct berth_error *err)
{
	while (b->next < data_end) {
		ssize_t n = read_piece(b, buf + BLOCKS_HEAD, data_end);
		int r;

		if (n <= 0)
			return berth_error_sys(err, n < 0 ? (int)n : EIO, "read the volume");
		r = blocks_put(b, l, buf, (size_t)n, err);
		if (r < 0)
			return r;
		if (progress != NULL)
			progress(b->bytes, data);
	}
	return 0;
}

int blocks_send(struct blocks *b, struct link *l, blocks_progress_fn *progress, void *data,
		struct message_end *end, struct berth_error *err)
{
	auto_free uint8_t *buf = malloc(FRAME_MAX);

	if (buf == NULL)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM,
				       "no memory to send blocks");
	for (;;) {
		off_t from = lseek(b->fd, (off_t)b->next, SEEK_DATA), to;
		int r;

		if (from < 0 && errno == ENXIO)
			break; /* no data behind that */
		to = from < 0 ? -1 : lseek(b->fd, from, SEEK_HOLE);
		if (to < 0)
			return berth_error_sys(err, errno, "look for the data of the volume");
		b->next = (uint64_t)from;
		r = send_range(b, l, buf, (uint64_t)to, progress, data, err);
		if (r < 0)
			return r;
	}
	blocks_digest(b, end);
	return 0;
}

int blocks_take(struct blocks *b, const uint8_t *payload, size_t len, struct berth_error *err)
{
	const uint8_t *data = payload + BLOCKS_HEAD;
	uint64_t at;
	size_t n;

	if (blocks_parse(payload, len, b->volume_bytes, &at, &n) < 0 || at < b->next)
		return berth_error_set(err, BERTH_ERR_PROTOCOL, EBADMSG,
				       "the other host sends data that lies outside of the volume, "
				       "or sends it twice");
	for (size_t done = 0; done < n;) {
		ssize_t w = pwrite(b->fd, data + done, n - done, (off_t)(at + done));

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return berth_error_set(err,
					       errno == ENOSPC || errno == EDQUOT
						       ? BERTH_ERR_NO_SPACE
						       : BERTH_ERR_SYSTEM,
					       errno, "write the volume: %s", strerror(errno));
		done += (size_t)w;
	}
	count(b, at, data, n);
	return 0;
}

int blocks_verify(struct blocks *b, const struct message_end *end, struct berth_error *err)
{
	struct message_end mine = {0};

	blocks_digest(b, &mine);
	if (mine.bytes == end->bytes && strcmp(mine.sha256, end->sha256) == 0)
		return 0;
	return berth_error_set(err, BERTH_ERR_PROTOCOL, EBADMSG,
			       "the volume is not what was sent: %" PRIu64 " of %" PRIu64
			       " bytes came, or their SHA-256 differs",
			       mine.bytes, end->bytes);
}
