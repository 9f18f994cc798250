/* list_fetch.h - what list shows: berthd's answer, or without it what the files say. */
#pragma once

#include "runtime/cli/cli.h"
#include "runtime/ct/end.h"

/*
 * An array of Info. words: CTIDs and names, NULL for all; all: stopped ones too; needs: a set (an object) of the members
 * that are looked at, NULL for all (field_needs).
 */
int list_fetch(struct cli *cli, const json_t *words, bool all, const json_t *needs, json_t **ret,
	       struct berth_error *err);

/* The type End of io.berth.Container. New reference. */
json_t *end_json(const struct ct_ends *e);
