/*
 * area.h - private areas: LIB/private/CTID, and what a create has not finished or a destroy has begun to
 * remove. Those two are hidden, and named after the CTID and the uuid, so that the name alone says
 * whose they are: .CTID.UUID.new, .CTID.UUID.gone.
 */
#pragma once

#include "runtime/base/error.h"
#include "runtime/ct/evidence.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	AREA_NAME_MAX = 72
};

/* Can it stand in an area_id? Empty is: not known. */
bool area_uuid_is_valid(const char *s);

/* All take area_fd, the directory LIB/private. */

/* Reads what tells private/CTID from others. -ENOENT: it is not there; else -errno: it cannot be told. */
int area_id_read(int area_fd, uint32_t ctid, struct area_id *ret);
/* The same of an open private area. */
int area_id_read_dir(int dir, struct area_id *ret);
/* Three words for a command line and back; -EINVAL. */
void area_id_format(const struct area_id *id, char words[3][40]);
int area_id_parse(const char *const words[3], struct area_id *ret);

/* Its name below LIB/private. */
const char *area_name(uint32_t ctid, char buf[AREA_NAME_MAX]);
/* The name of what is being removed. */
const char *area_gone_name(uint32_t ctid, const char *uuid, char buf[AREA_NAME_MAX]);
/* Where a create builds it. */
const char *area_new_name(uint32_t ctid, const char *uuid, char buf[AREA_NAME_MAX]);
/* Is this the name of what was left unfinished or half removed? -EINVAL: no. */
int area_left_parse(const char *name, uint32_t *ret_ctid, struct area_id *ret);

/*
 * Removes private/CTID if it is the area meant, else BERTH_ERR_DESTROY and it is untouched; not there
 * is success. It is renamed first: from then on a crash leaves nothing that looks like a CT.
 */
int area_remove(int area_fd, uint32_t ctid, const struct area_id *meant, struct berth_error *err);
/* As area_remove, but nothing is removed: 1 would be, 0 nothing there. */
int area_check(int area_fd, uint32_t ctid, const struct area_id *meant, struct berth_error *err);
/* Removes .CTID.UUID.new and .CTID.UUID.gone. */
int area_remove_left(int area_fd, uint32_t ctid, const struct area_id *meant,
		     struct berth_error *err);
