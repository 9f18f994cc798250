/*
 * dump_record.h - what berth itself knows of a CT that was dumped: the file "record" beside its images. The images are
 * complete, and those of this CT, when it is there.
 */
#pragma once

#include "runtime/base/pidref.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RECORD_VERSION = 2,
	RECORD_SIZE_MAX = 4096
};

struct checkpoint_record {
	char uuid[37]; /* whose it is */
	char boot_id[BOOT_ID_LEN + 1]; /* when it ran, the host's */
	struct pidref init; /* whom it was taken of */
	char kernel[65]; /* uname -r */
	char tty[64]; /* the console as CRIU names it: tty[RDEV:DEV] */
	char hostname[65];
	uint32_t id_base;
	/* Its clocks at the end, nanoseconds. */
	uint64_t monotonic, boottime;
	/*
	 * volume_mounts at the end. A resume that fails has mounted it once more, and nothing of the CT has run: it
	 * writes its own number down before.
	 */
	uint32_t mounts, mounts_tried;
	/* As of struct ct_run. */
	uint64_t started;
	int stop_signal;
	char stop_command[32];
	bool notifies, booted;
};

/* Pure: /proc/PID/timens_offsets in nanoseconds; -EINVAL. */
int checkpoint_offsets_parse(const char *text, int64_t *ret_monotonic, int64_t *ret_boottime);
/* Pure: -EINVAL for what is no record, -EPROTO for one of another version; -ENOSPC. */
int checkpoint_record_parse(const char *text, struct checkpoint_record *ret);
int checkpoint_record_format(const struct checkpoint_record *r, char *buf, size_t size);
