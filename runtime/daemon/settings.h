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

/* The last value of an option, or NULL. */
const char *settings_find(const struct setting *list, int n, const char *option);

/* Merges a sample into f. */
int settings_sample(struct daemon *d, struct conf_file *f, const char *name,
		    struct berth_error *err);

/* "config" and "applyconfig" name samples; all others are parameters. */
int settings_apply(struct daemon *d, struct conf_file *f, const struct setting *list, int n,
		   struct berth_error *err);
