/* login_order.h - what a call brings of passwords and keys: words, and a descriptor for each. */
#pragma once

#include "runtime/daemon/job.h"
#include "runtime/wire/login.h"

/* Appends the words to args, which ends with NULL afterwards, and takes the descriptors of the job's call. No words: 0. */
int login_order(struct job *j, json_t *parameters, const char *args[static LOGIN_MAX + 1],
		struct berth_error *err);
