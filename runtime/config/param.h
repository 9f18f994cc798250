/*
 * param.h - the parameters of a CT: one table, params.def, makes the options of create and set, the
 * keys of ctid.conf(5), their parsers, printers, the manual's list and the completion.
 */
#pragma once

#include "runtime/base/error.h"
#include "runtime/base/parse.h"
#include "runtime/config/file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum param_type {
	PARAM_BYTES, /* 512M, 1G; no suffix: bytes. Stored in the conf unit of the row */
	PARAM_PAGES, /* barrier[:limit]; no suffix: pages of 4096 */
	PARAM_KIB, /* soft[:hard]; no suffix: KiB */
	PARAM_COUNT, /* barrier[:limit], no suffix */
	PARAM_NUMBER, /* plain integer in range */
	PARAM_PERCENT, /* 50, 50%, 800MHz refused with the reason */
	PARAM_YESNO,
	PARAM_NAME,
	PARAM_HOSTNAME,
	PARAM_TEXT,
	PARAM_CPULIST, /* 0-3,5 or all */
	PARAM_ADDRS, /* space list in the conf; --ipadd adds, --ipdel removes */
	PARAM_DNS, /* address list or "inherit" */
	PARAM_WORDS, /* space list of domains or "inherit" */
	PARAM_RATE, /* bytes a second with suffix */
	PARAM_FACTOR, /* 1.5 */
	PARAM_LEGACY, /* UBC parameters that have no mainline counterpart: stored, said once */
	PARAM_FEATURES, /* name:on|off[,...], merged into what is set */
	PARAM_TEMPLATE, /* the name of a template or sample */
	PARAM_CHOICE, /* one of the words of arg */
	PARAM_TYPE_MAX
};

enum param_apply {
	PARAM_LIVE, /* takes effect in a running CT */
	PARAM_RESTART, /* at the next start */
	PARAM_CREATE, /* fixed when the CT is created */
	PARAM_STORED, /* kept for scripts; berth enforces nothing (set says so once) */
};

struct param {
	const char *option; /* "ram", as in --ram */
	const char *key; /* "PHYSPAGES", as in CTID.conf */
	enum param_type type;
	enum param_apply apply;
	uint64_t unit; /* bytes that a bare number counts: 1, 1024, 4096; 0: a count, no suffix */
	uint64_t min, max; /* of the number, in the row's unit; UINT64_MAX: "unlimited" is fine */
	const char *arg; /* "BYTES", for usage and manual */
	const char *example; /* "512M" */
	const char *help; /* one line, for the manual and completion */
};

/* The whole table; ends with option NULL. */
const struct param *param_table(void);
/* '-' and '_' are the same in an option. */
const struct param *param_find_option(const char *option);
/* The first row of the key: its grammar takes the stored form. */
const struct param *param_find_key(const char *key);
/* Tries all options, and what other tools call them. */
void param_guess_option(struct word_guess *g);

/* One change asked for by an admin: "--ram 512M" is {"ram", "512M"}, in the order typed. value NULL: the key goes. */
struct setting {
	const char *option;
	const char *value;
};

/* Pure numbers. "unlimited" is UINT64_MAX. */
int param_parse_size(const char *text, uint64_t unit, uint64_t *ret); /* result in bytes */
int param_parse_pair(const char *text, uint64_t unit, bool suffix_ok, uint64_t *barrier,
		     uint64_t *limit); /* bytes, or counts for unit 1 */

/* Pure. "800MHz", "800m": MHz; false for anything else. */
bool param_parse_mhz(const char *text, uint32_t *ret);

/*
 * Pure. The first number of the list want ("0-3,5") that is not in the list have, -1 when all are.
 * What is no list has no numbers.
 */
int64_t param_cpulist_outside(const char *want, const char *have);

/*
 * Applies one setting to a config file in memory: checks the value, writes the key(s) in canonical
 * form. BERTH_ERR_OPTION for an unknown option, BERTH_ERR_VALUE names option, value and range.
 */
int param_apply(struct conf_file *f, const struct setting *s, struct berth_error *err);

/*
 * Applies the settings of one command, in order. Options that replace a whole set (nameserver,
 * searchdomain) replace it at their first occurrence and add at the next ones. On failure f may
 * hold some of them: work on a copy.
 */
int param_apply_all(struct conf_file *f, const struct setting *settings, size_t n,
		    struct berth_error *err);

/*
 * Checks one stored value (key of param_find_key) and writes it to f in canonical form.
 * BERTH_ERR_BROKEN names the key.
 */
int param_load(struct conf_file *f, const char *key, const char *value, struct berth_error *err);

/*
 * Merges a sample into a config (--config, --applyconfig): all keys but HOSTNAME, IP_ADDRESS,
 * OSTEMPLATE, VE_ROOT, VE_PRIVATE, NETIF and what else names one CT (NAME, UUID, VEID). Known keys
 * are checked.
 */
int param_apply_sample(struct conf_file *f, const struct conf_file *sample,
		       struct berth_error *err);

/*
 * The keys that take effect at the next start (PARAM_RESTART) become what started has them at; one that started has
 * not is taken out. started: the config that a run began with, f: what was set since. BERTH_ERR_SYSTEM.
 */
int param_keep_started(struct conf_file *f, const struct conf_file *started,
		       struct berth_error *err);
