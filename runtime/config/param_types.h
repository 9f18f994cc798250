/* param_types.h - inside runtime/config: one function a param_type, behind param_apply. */
#pragma once

#include "runtime/config/param.h"

/*
 * Checks value and writes p->key of f. append: add to the set that this command began. A name_x
 * function is pure but for f. Failure: BERTH_ERR_VALUE by param_bad_value.
 */
typedef int param_apply_fn(struct conf_file *f, const struct param *p, const char *value,
			   bool append, struct berth_error *err);

param_apply_fn param_apply_number, param_apply_factor, param_apply_cpulist;
param_apply_fn param_apply_yesno, param_apply_name, param_apply_hostname, param_apply_text,
	param_apply_words, param_apply_features, param_apply_template, param_apply_choice;
param_apply_fn param_apply_addrs, param_apply_dns;

/* The numbers of a value, in its row's unit; where there is one, both are it. "unlimited" is UINT64_MAX. */
struct param_numbers {
	uint64_t barrier, limit;
};

/* Does a row hold numbers, which param_apply_number stores and param_read_numbers reads? */
bool param_is_number(const struct param *p);
int param_read_numbers(const struct param *p, const char *value, struct param_numbers *ret,
		       struct berth_error *err);

/* As param_load, but to the numbers of a row that holds some. */
int param_load_numbers(const struct param *p, const char *value, struct param_numbers *ret,
		       struct berth_error *err);

/* "--ram 5X: WHY; BYTES from 4M to unlimited, for example --ram 512M". */
int param_bad_value(struct berth_error *err, const struct param *p, const char *value,
		    const char *why);

/* The same, as BERTH_ERR_BAD_ADDRESS. */
int param_bad_address(struct berth_error *err, const struct param *p, const char *value,
		      const char *why);

/* conf_set whose failure is a berth_error. */
int param_store(struct conf_file *f, const struct param *p, const char *value,
		struct berth_error *err);
/* printf into the key. */
int param_storef(struct conf_file *f, const struct param *p, struct berth_error *err,
		 const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Lists of words in a value: both cut at spaces and tabs. */
enum {
	PARAM_WORDS_MAX = 64,
	PARAM_WORD_SIZE = 128
};

struct param_words {
	char word[PARAM_WORDS_MAX][PARAM_WORD_SIZE];
	size_t n;
};

/* -E2BIG too many words, -ENAMETOOLONG a word too long. */
int param_split(const char *text, struct param_words *ret);
/* Joins with one space and stores; unsets the key when there is none. */
int param_store_words(struct conf_file *f, const struct param *p, const struct param_words *w,
		      struct berth_error *err);
