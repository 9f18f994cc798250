/* frame.c - messages in a byte stream: a NUL behind each. */
#include "runtime/rpc/impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

ssize_t frame_find(const char *buf, size_t len, size_t max)
{
	const char *end = len > 0 ? memchr(buf, '\0', len) : NULL;
	size_t n = end != NULL ? (size_t)(end - buf) : len;

	if (n > max)
		return -EMSGSIZE;
	if (end == NULL)
		return 0;
	/* An empty message would read as "none yet" and stall the connection for ever. */
	return n > 0 ? (ssize_t)n : -EBADMSG;
}

ssize_t rpc_frame_find(const char *buf, size_t len)
{
	return frame_find(buf, len, RPC_MESSAGE_MAX);
}

size_t buffer_pending(const struct rpc_buffer *b)
{
	return b->len - b->used;
}

int buffer_reserve(struct rpc_buffer *b, size_t n)
{
	size_t size = b->size > 0 ? b->size : 4096;
	char *data;

	if (b->used > 0) {
		memmove(b->data, b->data + b->used, buffer_pending(b));
		b->len -= b->used;
		b->used = 0;
	}
	if (b->size - b->len >= n)
		return 0;
	while (size - b->len < n)
		size *= 2;
	data = realloc(b->data, size);
	if (data == NULL)
		return -ENOMEM;
	b->data = data;
	b->size = size;
	return 0;
}

void buffer_consume(struct rpc_buffer *b, size_t n)
{
	b->used += n;
	if (b->used == b->len)
		buffer_free(b); /* hundreds of idle connections must not hold memory */
}

void buffer_free(struct rpc_buffer *b)
{
	free(b->data);
	*b = (struct rpc_buffer){0};
}
