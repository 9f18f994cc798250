/* create.h - the steps of a create, for whatever else makes a CT on this host. */
#pragma once

#include "runtime/daemon/job.h"

/* The CTID of the call, or a free one; one that is taken, or has something in its way, is refused. */
int create_ctid(struct daemon *d, json_t *parameters, uint32_t *ret, struct berth_error *err);
/* A CT that nobody is shown yet, and its job; the call is still the caller's to answer when there is none. */
struct job *create_job(struct daemon *d, uint32_t ctid, const char *what, struct rpc_call *call,
		       struct berth_error *err);
/* Ids, uuid, and what j->conf names are this CT's from now on. Then: job_disk(j, made_begin, create_written). */
int create_take(struct job *j, struct berth_error *err);
void create_written(struct job *j, const struct worker_result *result);
