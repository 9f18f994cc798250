/*
 * pack.h - a directory of plain files, the images of a suspended CT, as one run of bytes: for each file a head with its
 * name and size, and its data; a head without a name ends it. The parser of a head is pure.
 */
#pragma once

#include "runtime/migrate/blocks.h"

#include <sys/types.h>

enum {
	PACK_NAME = 64, /* bytes of a name's field, padded with zero bytes */
	PACK_HEAD = 16 + PACK_NAME,
	PACK_FILES_MAX = 100000
};

struct pack_entry {
	uint64_t size; /* bytes */
	char name[PACK_NAME]; /* "": the end */
};

void pack_head_format(const struct pack_entry *e, uint8_t head[static PACK_HEAD]);
/* A name is letters, digits, '.', '-' and '_', and does not begin with a '.'. -EBADMSG. */
int pack_head_parse(const uint8_t head[static PACK_HEAD], struct pack_entry *ret);

/* Sends all files of the directory, but for that name, as pieces of b, which has no file of its own. */
int pack_send(int dir_fd, const char *except, struct blocks *b, struct link *l,
	      struct berth_error *err);
/*
 * Makes the files of a pack in a directory that is empty. It begins at *at in a file of so many bytes; *at is its end
 * then. BERTH_ERR_PROTOCOL, BERTH_ERR_NO_SPACE.
 */
int pack_unpack(int fd, uint64_t bytes, off_t *at, int dir_fd, struct berth_error *err);
