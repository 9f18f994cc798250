/*
 * vzctl.h - where vzctl and vzlist of OpenVZ (V6: vzctl 4) answer otherwise than berth does: scripts look for their words and
 * statuses. All of the difference is here; berth itself keeps its own answers.
 */
#pragma once

#include "runtime/cli/cli.h"

/* The version whose answers these are. */
#define VZCTL_VERSION "4.11.1"

/* The program was called by that name. */
bool vzctl_is(const struct cli *cli);
bool vzlist_is(const struct cli *cli);

/* Pure. What is no error for vzctl: the sentence that it says instead, or NULL. */
const char *vzctl_forgives(const char *command, enum berth_errcode code);

/* Before and after a command of vzctl: its sentences about the CT, on stdout. after: it has succeeded. saved: a config was written. */
void vzctl_say(const struct cli *cli, const char *word, bool after, bool saved);

/*
 * Of --layout: OpenVZ's simfs and ploop stand for how a disk is kept, which berth does by itself: true, and the note to be
 * said. berth's own layouts, and what is none: false.
 */
bool vzctl_layout(const char *value, char *note, size_t size);
