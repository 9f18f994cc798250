/*
 * made.h - the end of what makes a CT, a create or a move to here: it stands, or all that was made of it goes. The job
 * holds a CT with an intent, and ends with it.
 */
#pragma once

#include "runtime/daemon/job.h"

/*
 * The CT stands: the intent goes, event tells of it; with j->then_start it is started, and
 * the call hears how that went. Else it gets ctid and notes.
 */
void made_stands(struct job *j, const char *event);
/*
 * Its worker has failed or died: what ct->going names goes, then the CT, and the call is told why; NULL:
 * that was its order.
 */
void made_undo(struct job *j, const struct berth_error *why);
/* The same before there was a worker. */
void made_refuse(struct job *j, const struct berth_error *why);
/* What is about to be made has this name and these addresses from now on. */
void made_claim(struct ct *ct, const struct conf_file *conf);
/* Intent and candidate.conf of ct->going, id_base and j->conf. In a thread (job_disk). */
int made_begin(struct job *j, struct berth_error *err);

/*
 * Of a CTID whose journal says READY: has it become this host's? 1: its config is there. 0: it has none, or one that
 * somebody has put there meanwhile. -errno: it cannot be told.
 */
int made_is_owned(const struct berth_paths *p, uint32_t ctid);
