/*
 * fault.h - fault injection points: places with a name where a test makes this process stop, be killed, or
 * get an error number, in every build. HACKING.md says how a test uses them.
 *
 * They are dead unless the program was started with BERTH_FAULTS=FILE in its environment: one pointer is
 * compared with NULL. The file is a table (fault_table.h) that only root may write; it is mapped, so points
 * need no descriptor, hold in children of clone3 too, and end with exec: nothing of it comes into a CT, whose
 * programs get environments of their own.
 */
#pragma once

#include "runtime/base/error.h"
#include "runtime/base/fault_table.h"

#include <stdio.h>

#define FAULT_ENV "BERTH_FAULTS"

extern struct fault_table *fault_table; /* NULL: no test is about */

/* At the start of main. -errno, for the program to log, for a table that is not root's alone or damaged: not used. */
int fault_init(const char *program);

/* "BERTH_FAULTS=..." for a program of ours that is run from here; NULL when no test is about. */
const char *fault_environment(void);

/* Prints the names of this program's points, one a line. Those of plans are plan_list's. */
void fault_list(FILE *out);

/* Slow path of the macros below. 0 or -errno; does not return from "kill". */
int fault_reach(const char *point);
int fault_reach_file(const char *call, const char *path);

/*
 * A point: 0, or the -errno that a test wants. Where nothing can fail the value is dropped, and only stop
 * and kill make a difference. `berthd points` and `berth-worker points` list every one.
 */
#define FAULT_POINT(text)                                                                \
	__extension__({                                                                  \
		static const char *const fault_name_                                     \
			__attribute__((used, section("berth_faults"))) = (text);         \
		__builtin_expect(fault_table == NULL, 1) ? 0 : fault_reach(fault_name_); \
	})

/* As FAULT_POINT, where *err is filled when something fails. */
#define FAULT_STEP(text, err)                                                                      \
	__extension__({                                                                            \
		int fault_r_ = FAULT_POINT(text);                                                  \
		fault_r_ < 0 ? berth_error_sys(err, fault_r_, "fault injected at %s", (text)) : 0; \
	})

/* A point of one system call on one file: "open.state". The last word of the path counts. */
static inline int fault_file(const char *call, const char *path)
{
	return __builtin_expect(fault_table == NULL, 1) ? 0 : fault_reach_file(call, path);
}
