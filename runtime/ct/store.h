/*
 * store.h - the files of CTs: configs under ETC/ct, intents under LIB/state.
 *
 * An intent is written before a create or destroy begins and cleared when it has ended; what stands
 * there at start-up was cut short and is undone (create) or finished (destroy).
 */
#pragma once

#include "runtime/base/error.h"
#include "runtime/base/paths.h"
#include "runtime/config/ct_config.h"
#include "runtime/config/file.h"
#include "runtime/ct/area.h"

#include <stdbool.h>
#include <stdint.h>

/* BERTH_ERR_NO_CONFIG when missing, BERTH_ERR_BROKEN when damaged. The caller frees *ret. */
int store_conf_load(const struct berth_paths *p, uint32_t ctid, struct conf_file **ret,
		    struct berth_error *err);
int store_conf_save(const struct berth_paths *p, uint32_t ctid, const struct conf_file *f,
		    struct berth_error *err);
/* For a new CT: a config that is there already is never written over (BERTH_ERR_EXISTS). */
int store_conf_create(const struct berth_paths *p, uint32_t ctid, const struct conf_file *f,
		      struct berth_error *err);
/* Missing is success. */
int store_conf_remove(const struct berth_paths *p, uint32_t ctid, struct berth_error *err);

/*
 * What a change would make it: RUN/ct/CTID/candidate.conf, read by the worker. While it is there a change is under
 * way, which the next berthd finishes or takes back.
 */
int store_candidate_save(const struct berth_paths *p, uint32_t ctid, const struct conf_file *f,
			 struct berth_error *err);
int store_candidate_load(const struct berth_paths *p, uint32_t ctid, struct conf_file **ret,
			 struct berth_error *err);
/* With store_pending. */
void store_candidate_forget(const struct berth_paths *p, uint32_t ctid);
/* What that change will save: RUN/ct/CTID/pending.conf, written before the candidate. */
int store_pending_save(const struct berth_paths *p, uint32_t ctid, const struct conf_file *f,
		       struct berth_error *err);
int store_pending_load(const struct berth_paths *p, uint32_t ctid, struct conf_file **ret,
		       struct berth_error *err);
void store_pending_forget(const struct berth_paths *p, uint32_t ctid);
/* What is only asked about (set --dry-run): RUN/ct/CTID/asked.conf. Left over, it is swept away. */
int store_asked_save(const struct berth_paths *p, uint32_t ctid, const struct conf_file *f,
		     struct berth_error *err);
int store_asked_load(const struct berth_paths *p, uint32_t ctid, struct conf_file **ret,
		     struct berth_error *err);
void store_asked_forget(const struct berth_paths *p, uint32_t ctid);

/*
 * What a CT has in effect: RUN/ct/CTID/live.conf when a change was made without --save; of a suspended one what it
 * had then, LIB/private/CTID/dump/config; else its config.
 */
int store_live_save(const struct berth_paths *p, uint32_t ctid, const struct conf_file *f,
		    struct berth_error *err);
int store_live_load(const struct berth_paths *p, uint32_t ctid, struct conf_file **ret,
		    struct berth_error *err);
/* The latter alone: dump_fd is the folder. BERTH_ERR_BROKEN. */
int store_suspended_load(const struct berth_paths *p, uint32_t ctid, int dump_fd,
			 struct conf_file **ret, struct berth_error *err);
int store_suspended_save(uint32_t ctid, int dump_fd, const struct conf_file *f,
			 struct berth_error *err);
void store_live_forget(const struct berth_paths *p, uint32_t ctid);
/*
 * What the last run had in effect, RUN/ct/CTID/old.conf: the start writes it, and at the end of the run what was
 * set meanwhile takes its place (store_live_keep). For a reboot of a CT whose config is broken.
 */
int store_old_save(const struct berth_paths *p, uint32_t ctid, const struct conf_file *f,
		   struct berth_error *err);
int store_old_load(const struct berth_paths *p, uint32_t ctid, struct conf_file **ret,
		   struct berth_error *err);
void store_live_keep(const struct berth_paths *p, uint32_t ctid);

/*
 * What the last set has changed (runtime/config/undo.h), RUN/ct/CTID/undo: for as long as this boot lasts. BERTH_ERR_VALUE when
 * there is none. A set that begins writes it as undo.new, which store_undo_keep makes that of the last one;
 * store_candidate_forget drops what was not kept.
 */
int store_undo_save(const struct berth_paths *p, uint32_t ctid, const struct conf_file *f,
		    struct berth_error *err);
/* None is fine. */
void store_undo_keep(const struct berth_paths *p, uint32_t ctid);
int store_undo_load(const struct berth_paths *p, uint32_t ctid, struct conf_file **ret,
		    struct berth_error *err);

/* Removes what a process that was killed while it wrote left of the files above. Nobody else may work on the CT. */
void store_sweep(const struct berth_paths *p, uint32_t ctid);

/* berth.conf; an empty file when there is none. */
int store_host_conf_load(const struct berth_paths *p, struct conf_file **ret,
			 struct berth_error *err);
/* BERTH_ERR_NO_SAMPLE lists the directory. */
int store_sample_load(const struct berth_paths *p, const char *name, struct conf_file **ret,
		      struct berth_error *err);

enum store_intent {
	INTENT_NONE,
	INTENT_CREATE,
	INTENT_DESTROY,
	INTENT_LEFT /* never written: remains under a hidden name, without an intent */
};

/* What an operation wrote down before it began. */
struct store_intent_record {
	enum store_intent what;
	uint32_t
		id_base; /* the range of user ids that it has taken; nobody else gets it meanwhile */
	struct area_id area; /* what it may remove: all zero when that is not known */
};

int store_intent_write(const struct berth_paths *p, uint32_t ctid,
		       const struct store_intent_record *rec, struct berth_error *err);
/* It is over. What is on disk may come back after a power cut, unless it is durable. */
void store_intent_clear(const struct berth_paths *p, uint32_t ctid, bool durable);

/* Calls fn for each intent found, and unreadable for one that a damaged disk, say, keeps from us. */
int store_intent_each(const struct berth_paths *p,
		      void (*fn)(uint32_t ctid, const struct store_intent_record *rec, void *data),
		      void (*unreadable)(uint32_t ctid, int error, void *data), void *data,
		      struct berth_error *err);

/* A CTID in decimal or a NAME of some config; BERTH_ERR_NO_CONFIG. Needs no daemon. */
int store_lookup(const struct berth_paths *p, const char *word, uint32_t *ret,
		 struct berth_error *err);

/* The same of a config that is loaded. */
int store_config_of(const struct berth_paths *p, uint32_t ctid, const struct conf_file *f,
		    const struct conf_file *host, struct ct_config *ret, struct berth_error *err);
/* Typed configuration of a CT over berth.conf. host may be NULL. */
int store_config(const struct berth_paths *p, uint32_t ctid, const struct conf_file *host,
		 struct ct_config *ret, struct berth_error *err);
