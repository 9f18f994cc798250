/*
 * list_json.h - list --json.
 *
 * Written as it goes, one CT after the other: a tree and a text of 1000 CTs are some MiB, and making them took two
 * thirds of the time of the command. Most of what is written are numbers of limits, and those need no library.
 */
#pragma once

#include "runtime/cli/field.h"

#include <stdio.h>

/* cts: an array of io.berth.Container's Info. -ENOMEM; what f says of its own (ferror) is the caller's. */
int list_json_print(FILE *f, const json_t *cts, const struct field_ref *refs, size_t n);
