/* info_use.h - what a CT uses and why it is slow, as members of Info. In a thread. */
#pragma once

#include "runtime/daemon/info.h"
#include "runtime/daemon/use.h"

/* The type Usage of io.berth.Container, of a running CT. New reference. */
json_t *info_usage_json(const struct info_host *h, const struct ct *ct, const struct cg_stat *st,
			const struct use *u);
/* An array of its type Explanation. New reference. */
json_t *info_explain_json(const struct info_host *h, const struct ct *ct, bool runs,
			  const struct use *u, const struct ledger *l);
