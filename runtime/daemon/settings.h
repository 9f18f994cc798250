/*
 * settings.h - the settings of a call of Create or Set, and how they change a config.
 */
#pragma once

#include "runtime/config/param.h"
#include "runtime/daemon/daemon.h"

enum {
	SETTINGS_MAX = 256
};

/* The strings stay owned by parameters. Returns the count. */
int settings_get(json_t *parameters, struct setting list[SETTINGS_MAX], struct berth_error *err);

/* Adds the names of the parameter "unset", if there is one: settings without a value. Returns the new count. */
int settings_get_unset(json_t *parameters, struct setting list[SETTINGS_MAX], int n,
		       struct berth_error *err);

/* The last value of an option, or NULL. */
const char *settings_find(const struct setting *list, int n, const char *option);

/* Merges a sample into f. */
int settings_sample(struct daemon *d, struct conf_file *f, const char *name,
		    struct berth_error *err);

/*
 * Is this host able to give the CT the CPUs and NUMA nodes of next? Asked only of a list that differs
 * from that of before (may be NULL): a CT that came from a bigger host can still be changed otherwise.
 */
int settings_check_host(uint32_t ctid, const struct ct_config *before, const struct ct_config *next,
			struct berth_error *err);

/*
 * The settings that f can take: an --ipdel of an address that only the other config has is left out. Of
 * the saved config and the one in effect one may lack it. Returns the count.
 */
int settings_for(const struct conf_file *f, const struct conf_file *other,
		 const struct setting *list, int n, struct setting ret[SETTINGS_MAX]);

/* "config" and "applyconfig" name samples; all others are parameters. */
int settings_apply(struct daemon *d, struct conf_file *f, const struct setting *list, int n,
		   struct berth_error *err);
