/*
 * parse.h - strict parsers of small words. Pure functions; -EINVAL for a bad word, -ERANGE for a
 * number out of range. Outputs are untouched on failure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal digits only: no sign, no space, no suffix. */
int parse_u64(const char *s, uint64_t *ret);
int parse_u32(const char *s, uint32_t *ret);
int parse_int(const char *s, int *ret);

/* The number at the head of a text, base 10 or 16, behind bytes of skip; *s moves behind it. */
int parse_next(const char **s, const char *skip, unsigned int base, uint64_t *ret);

/* "90s", "30m", "2h", "1d", "1w", or a number: seconds. */
int parse_duration(const char *s, uint64_t *ret_seconds);

enum {
	CTID_MIN = 101
};
#define CTID_MAX 2147483644u

/* A CTID: 101..2147483644, no leading zero. 1..100 are reserved (-ERANGE), 0 is the host. */
int parse_ctid(const char *s, uint32_t *ret);

/* A CT name: [a-z0-9][a-z0-9-]{0,62}, not all digits. */
bool name_is_valid(const char *s);

/* A template or sample name: [A-Za-z0-9][A-Za-z0-9._+-]{0,126}. */
bool template_name_is_valid(const char *s);

/* A host name: labels of [A-Za-z0-9-], dots between, at most 64 bytes (HOST_NAME_MAX). */
bool hostname_is_valid(const char *s);

/* No byte below 0x20 and no 0x7f: nothing that could add a line to a file or colour a terminal. */
bool text_is_clean(const char *s);

/*
 * How many letters were typed wrong, too many, too few or in the wrong order (Damerau and Levenshtein's distance, no
 * letter moved twice); of more than 31 bytes in b: its length.
 */
size_t word_distance(const char *a, const char *b);

/*
 * "did you mean": start with {.word = WHAT_WAS_TYPED}, try what there is; best is NULL when nothing is near, else a copy
 * of the candidate in the struct itself. What begins with the word is near, too.
 */
struct word_guess {
	const char *word, *best;
	size_t distance;
	char copy[40];
};

void word_guess_try(struct word_guess *g, const char *candidate);

/* What other tools call it. The last pair has typed NULL. */
struct word_pair {
	const char *typed, *means;
};

void word_guess_other(struct word_guess *g, const struct word_pair *pairs);
