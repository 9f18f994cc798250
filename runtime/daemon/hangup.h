/* hangup.h - SIGHUP: the log anew, and berth.conf read again. */
#pragma once

#include "runtime/daemon/daemon.h"

/*
 * Opens the log file again and takes over what berth.conf says now. What is broken changes nothing, and what cannot
 * change while CTs run keeps its value; both are logged.
 */
void hangup(struct daemon *d);
