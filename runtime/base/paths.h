/*
 * paths.h - where everything lives. One setting, --root DIR, moves all of it, so that several
 * hosts can be simulated on one machine.
 */
#pragma once

#include "runtime/base/error.h"

#include <stdint.h>

enum {
	BERTH_PATH_MAX = 512
};

struct berth_paths {
	char root[256]; /* "" or an absolute directory without a trailing slash */
	char etc[BERTH_PATH_MAX]; /* ROOT/etc/berth: berth.conf, ct/, samples/ */
	char lib[BERTH_PATH_MAX]; /* ROOT/var/lib/berth: private/, template/, dump/, state/ */
	char run[BERTH_PATH_MAX]; /* ROOT/run/berth: berthd.sock, ct/ */
};

/* root NULL or "" means the real places. */
int berth_paths_init(struct berth_paths *p, const char *root, struct berth_error *err);

/* Makes the directories that are missing: /var/lib/berth and below 0700, /run/berth 0755. */
int berth_paths_make(const struct berth_paths *p, struct berth_error *err);

/*
 * A descriptor of RUN/ct/CTID, which is made when it is missing: 0700, whoever comes first, and made so when an
 * earlier version has left it open to others.
 */
int paths_run_ct_open(const struct berth_paths *p, uint32_t ctid, struct berth_error *err);

/* Each formats into buf (BERTH_PATH_MAX bytes) and returns buf. */
char *path_ct_config(const struct berth_paths *p, uint32_t ctid, char *buf);
char *path_private(const struct berth_paths *p, uint32_t ctid, char *buf);
char *path_run_ct(const struct berth_paths *p, uint32_t ctid, char *buf);
char *path_audit(const struct berth_paths *p, char *buf); /* LIB/audit.log, the older half is .1 */
char *path_daemon_socket(const struct berth_paths *p, char *buf);
char *path_monitor_socket(const struct berth_paths *p, uint32_t ctid, char *buf);

/* base + "/" + name into buf. */
char *path_below(const char *base, const char *name, char *buf);
