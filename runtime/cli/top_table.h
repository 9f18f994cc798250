/* top_table.h - what top shows: a row a CT, sorted. Pure. */
#pragma once

#include "runtime/cli/usage.h"

#include <stdio.h>

struct top_row {
	struct usage usage;
	struct usage_rate rate;
};

struct top_view {
	const char *sort; /* a name of top_sort_keys */
	bool reverse;
	size_t columns, rows; /* of the terminal; 0: no end */
};

/* Which order, by which letter on the keyboard, and what it is called in the help. Ends with name NULL. */
struct top_key {
	const char *name;
	char letter;
};
const struct top_key *top_sort_keys(void);
/* BERTH_ERR_OPTION with what there is. */
int top_sort_check(const char *name, struct berth_error *err);

/* Rows of the CTs of now that run, with what came since before (an array of Info, or NULL). malloc'ed, *ret_n of them. */
struct top_row *top_rows(const json_t *before, const json_t *now, size_t *ret_n);
/* Sorts them, and prints a header and a row each. */
void top_print(FILE *out, struct top_row *rows, size_t n, const struct top_view *view);
