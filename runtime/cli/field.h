/*
 * field.h - the columns of list: vzlist's names, out of the Info of io.berth.Container. Pure.
 */
#pragma once

#include "runtime/base/error.h"
#include "runtime/rpc/rpc.h"

#include <stdbool.h>
#include <stddef.h>

enum field_source {
	FIELD_INT,
	FIELD_TEXT,
	FIELD_YESNO,
	FIELD_IP, /* the list of addresses */
	FIELD_SMART, /* the name, else the CTID */
	FIELD_END, /* why and when the last run ended */
	FIELD_CONFIG, /* the text of a key of the config */
	FIELD_CONFIG_INT,
	FIELD_TEMPORARY, /* what of the config comes back by itself, and when */
	FIELD_RESOURCE, /* suffixes .m .b .l .f; without: held */
	FIELD_DISK, /* suffixes .s .h; without: used */
	FIELD_UNKNOWN, /* accepted for vzlist's scripts, shown to nobody else: always "-" */
};

struct field {
	const char *name;
	const char *title;
	enum field_source source;
	const char *key; /* of Info, of the config, or of its resources */
	unsigned int unit; /* of a resource: bytes that the number shown counts */
	const char *conf_key; /* of a resource: where barrier and limit are kept */
	unsigned int width, max; /* columns at least, and at most on a terminal */
};

/* One column that was asked for: "physpages.l". */
struct field_ref {
	const struct field *field;
	char suffix; /* 0, m, b, l, f, s, h */
};

enum {
	FIELDS_MAX = 96
};

/* Ends with name NULL. */
const struct field *field_table(void);

/* "ctid,numproc.l,status". Returns the count or -EINVAL (BERTH_ERR_VALUE). */
int field_parse_list(const char *text, struct field_ref refs[FIELDS_MAX], struct berth_error *err);
int field_parse(const char *word, struct field_ref *ret, struct berth_error *err);

/*
 * Adds to the set needs (an object) what of Info the column is made of, by the names of List's `fields`; json: for
 * field_json.
 */
void field_needs(const struct field_ref *ref, bool json, json_t *needs);

bool field_is_number(const struct field_ref *ref);
/* "LPHYSPAGES" for physpages.l; buf of 32 bytes. */
const char *field_title(const struct field_ref *ref, char *buf);

/* "PHYSPAGES until 2026-11-30T06:12:00Z, then 0:65536; ..." of an Info with its config, malloc'ed; "": nothing comes back. */
char *field_temporary(const json_t *info);

/* The text of a cell, as it came, not escaped; malloc'ed. "-" where there is none. */
char *field_cell(const struct field_ref *ref, const json_t *info);

struct field_limit {
	const char *name;
	bool known;
	int64_t value;
};

enum {
	FIELD_LIMITS = 5
};

/* For list --json: the members of a limit; how many, 0 for another kind of field. */
size_t field_limits(const struct field *f, const json_t *info,
		    struct field_limit ret[FIELD_LIMITS]);

/* For list --json: a number, a text or a list, of every other field. New reference. */
json_t *field_json(const struct field *f, const json_t *info);

/* Orders two CTs by a field, as qsort(3). */
int field_compare(const struct field_ref *ref, const json_t *a, const json_t *b);
