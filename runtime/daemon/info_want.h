/*
 * info_want.h - which members of a CT's Info somebody wants: what nobody asked for is not read.
 */
#pragma once

#include "runtime/base/error.h"
#include "runtime/rpc/rpc.h"

#include <stdint.h>

/* One bit each: more than an enum has. */
#define INFO_BOOTED (UINT64_C(1) << 0)
#define INFO_NAME (UINT64_C(1) << 1)
#define INFO_HOSTNAME (UINT64_C(1) << 2)
#define INFO_ADDRESSES (UINT64_C(1) << 3)
#define INFO_DESCRIPTION (UINT64_C(1) << 4)
#define INFO_OSTEMPLATE (UINT64_C(1) << 5)
#define INFO_LAYOUT (UINT64_C(1) << 6)
#define INFO_UUID (UINT64_C(1) << 7)
#define INFO_INIT_PID (UINT64_C(1) << 8)
#define INFO_MONITOR_PID (UINT64_C(1) << 9)
#define INFO_UPTIME (UINT64_C(1) << 10)
#define INFO_ID_BASE (UINT64_C(1) << 11)
#define INFO_ONBOOT (UINT64_C(1) << 12)
#define INFO_DISABLED (UINT64_C(1) << 13)
#define INFO_CPULIMIT (UINT64_C(1) << 14)
#define INFO_CPUUNITS (UINT64_C(1) << 15)
#define INFO_CPUS (UINT64_C(1) << 16)
#define INFO_CPU_USEC (UINT64_C(1) << 17)
#define INFO_LAST_END (UINT64_C(1) << 18)
#define INFO_WHY (UINT64_C(1) << 19)
#define INFO_CONFIG (UINT64_C(1) << 20)
#define INFO_TROUBLE (UINT64_C(1) << 21)
#define INFO_PHYSPAGES (UINT64_C(1) << 22)
#define INFO_SWAPPAGES (UINT64_C(1) << 23)
#define INFO_NUMPROC (UINT64_C(1) << 24)
#define INFO_NUMCGROUPS (UINT64_C(1) << 25)
#define INFO_DISKSPACE (UINT64_C(1) << 26)
#define INFO_DISKINODES (UINT64_C(1) << 27)
#define INFO_COUNTERS (UINT64_C(1) << 28) /* of resources: maxheld and failcnt */
#define INFO_OOMGUARPAGES (UINT64_C(1) << 29)
#define INFO_THROTTLED (UINT64_C(1) << 30) /* resources.cpulimit */
#define INFO_USAGE (UINT64_C(1) << 31) /* counters of this run, and pressure */
#define INFO_EXPLAIN (UINT64_C(1) << 32) /* comes with all resources */
#define INFO_IOLIMIT (UINT64_C(1) << 33) /* resources.iolimit */
#define INFO_RESOURCES                                                                          \
	(INFO_PHYSPAGES | INFO_SWAPPAGES | INFO_OOMGUARPAGES | INFO_NUMPROC | INFO_NUMCGROUPS | \
	 INFO_THROTTLED | INFO_DISKSPACE | INFO_DISKINODES | INFO_IOLIMIT)
#define INFO_ALL ((UINT64_C(1) << 34) - 1)

/* fields: the parameter of List, an array of names, or NULL: all. BERTH_ERR_VALUE names one that is none. */
int info_want_parse(const json_t *fields, uint64_t *ret, struct berth_error *err);
