/* table.h - the rows of list as text: aligned columns, one row a CT whatever a CT calls itself. */
#pragma once

#include "runtime/cli/field.h"

#include <stdio.h>

struct table_options {
	bool header;
	bool trim; /* cut long values of all columns but the last */
	bool first; /* of several addresses or names the first only, but in the last column */
	size_t columns; /* cut rows there, as ps(1); 0: nowhere */
};

/* cts: an array of Info. -ENOMEM. */
int table_print(FILE *out, const struct field_ref *refs, size_t n, const json_t *cts,
		const struct table_options *o);
