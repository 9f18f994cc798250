/*
 * findings.h - what the doctor worker has found of a host, as JSON for io.berth.Host.Doctor, and what others have found
 * of a CT.
 */
#pragma once

#include "runtime/rpc/rpc.h"

/* Pure. values: lines NAME.level=, NAME.text=, NAME.fix=, NAME.sysctl= for each finding. New reference. */
json_t *findings_json(const char *values);

/*
 * Pure. Appends to list the Obstacles of a CT: from lines fN.level=, .name=, .text=, .fix=, .pid=, .command= of the
 * why-not worker, and from lines finding.N= of a source whose destination refuses.
 */
void findings_of_ct(const char *values, json_t *list);
/* The text of the first that must be mended before anything can be done; NULL: there is none. */
const char *findings_refusal(const json_t *list);
