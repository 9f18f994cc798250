/*
 * undo.h - what a set has changed, so that it can be taken back: a file of lines
 *
 *	SAVED_PHYSPAGES="=0:131072"   the config had this value
 *	THEN_SAVED_PHYSPAGES="=0:262144"   and then this
 *	LIVE_CPULIMIT="-"             what was in effect had no such key
 *
 * Only differing keys are noted: what else is changed meanwhile stays, and what is not any more as the set made it
 * stays too; what stays in the config is not taken back in effect either. All pure.
 */
#pragma once

#include "runtime/config/file.h"

#include <stdbool.h>

/* The ways from saved back to saved_was, and from live to live_was. -ENOMEM, -EINVAL for a value too long. */
int undo_note(const struct conf_file *saved_was, const struct conf_file *saved,
	      const struct conf_file *live_was, const struct conf_file *live,
	      struct conf_file **ret);
typedef void undo_left_fn(const char *key, void *data);

/*
 * Goes them. *ret_saves: something of the config is changed. left, or NULL, hears of each key that stays as somebody
 * else has changed it since. How many keys; -ENOMEM, -EINVAL for a damaged note.
 */
int undo_apply(const struct conf_file *note, struct conf_file *saved, struct conf_file *live,
	       bool *ret_saves, undo_left_fn *left, void *data);
