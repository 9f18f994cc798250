/*
 * info_want.h - which members of a CT's Info somebody wants: what nobody asked for is not read.
 */
#pragma once

#include "runtime/base/error.h"
#include "runtime/rpc/rpc.h"

#include <stdint.h>

enum info_member {
	INFO_BOOTED = 1 << 0,
	INFO_NAME = 1 << 1,
	INFO_HOSTNAME = 1 << 2,
	INFO_ADDRESSES = 1 << 3,
	INFO_DESCRIPTION = 1 << 4,
	INFO_OSTEMPLATE = 1 << 5,
	INFO_LAYOUT = 1 << 6,
	INFO_UUID = 1 << 7,
	INFO_INIT_PID = 1 << 8,
	INFO_MONITOR_PID = 1 << 9,
	INFO_UPTIME = 1 << 10,
	INFO_ID_BASE = 1 << 11,
	INFO_ONBOOT = 1 << 12,
	INFO_DISABLED = 1 << 13,
	INFO_CPULIMIT = 1 << 14,
	INFO_CPUUNITS = 1 << 15,
	INFO_CPUS = 1 << 16,
	INFO_CPU_USEC = 1 << 17,
	INFO_LAST_END = 1 << 18,
	INFO_WHY = 1 << 19,
	INFO_CONFIG = 1 << 20,
	INFO_TROUBLE = 1 << 21,
	INFO_PHYSPAGES = 1 << 22,
	INFO_SWAPPAGES = 1 << 23,
	INFO_NUMPROC = 1 << 24,
	INFO_NUMCGROUPS = 1 << 25,
	INFO_DISKSPACE = 1 << 26,
	INFO_DISKINODES = 1 << 27,
	INFO_COUNTERS = 1 << 28, /* of resources: maxheld and failcnt */
	INFO_OOMGUARPAGES = 1 << 29,
	INFO_THROTTLED = 1 << 30, /* resources.cpulimit */
	INFO_RESOURCES = INFO_PHYSPAGES | INFO_SWAPPAGES | INFO_OOMGUARPAGES | INFO_NUMPROC |
			 INFO_NUMCGROUPS | INFO_THROTTLED | INFO_DISKSPACE | INFO_DISKINODES,
	INFO_ALL = INT32_MAX
};

/* fields: the parameter of List, an array of names, or NULL: all. BERTH_ERR_VALUE names one that is none. */
int info_want_parse(const json_t *fields, uint32_t *ret, struct berth_error *err);
