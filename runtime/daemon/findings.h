/*
 * findings.h - what the doctor worker has found, as JSON for io.berth.Host.Doctor.
 */
#pragma once

#include "runtime/rpc/rpc.h"

/* Pure. values: lines NAME.level=, NAME.text=, NAME.fix=, NAME.sysctl= for each finding. New reference. */
json_t *findings_json(const char *values);
