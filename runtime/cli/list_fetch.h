/* list_fetch.h - what list shows: berthd's answer, or without it what the files say. */
#pragma once

#include "runtime/cli/cli.h"

/* An array of Info. words: CTIDs and names, NULL for all; all: stopped ones too. */
int list_fetch(struct cli *cli, const json_t *words, bool all, json_t **ret,
	       struct berth_error *err);
