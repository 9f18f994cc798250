/*
 * mounted.h - the mounted volume of a running CT, seen from outside.
 */
#pragma once

#include "runtime/base/paths.h"
#include "runtime/base/pidref.h"

#include <stdint.h>

/*
 * A directory of the volume, which is mounted in the monitor's mount namespace only. Every part of the
 * path, and the file system behind it, is ours: no tenant can make this block, not even one whose
 * process has got the pid of a monitor that was killed. -ESRCH when it is not mounted there (a
 * monitor that took over from a killed one never had it).
 */
int ct_mounted_volume_open(const struct berth_paths *p, uint32_t ctid,
			   const struct pidref *monitor);
