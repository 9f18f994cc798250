/* migrate.h - the operations of berth-worker-migrate. */
#pragma once

#include "runtime/worker/worker.h"

enum {
	MIGRATE_QUIET_MS = 120000, /* that the other host may be silent */
	MIGRATE_WORKING_MS = 20000 /* so often it says that it still checks a volume */
};

int op_send(struct worker *w, struct berth_error *err);
int op_receive(struct worker *w, struct berth_error *err);
int op_receive_offer(struct worker *w, struct berth_error *err);
int op_receive_answer(struct worker *w, struct berth_error *err);

/* The template with this hash, under whatever name; BERTH_ERR_NO_TEMPLATE names the one it has at the source. */
struct template_info;
int migrate_template(struct worker *w, const char *hash, const char *name,
		     struct template_info *ret, struct berth_error *err);
/* A layout that this berth has. */
int migrate_check_layout(const char *layout, struct berth_error *err);
/* What this host cannot enforce a start refuses. */
int migrate_check_limits(struct worker *w, const struct ct_config *c, const char *driver,
			 struct berth_error *err);
/* Addresses of the CT that this host itself has. */
int migrate_check_addrs(struct worker *w, uint32_t ctid, const struct ct_config *c,
			struct berth_error *err);
