/*
 * autostart.h - once a boot of the host: starts the CTs with ONBOOT="yes", or resumes those of them that are
 * suspended, highest BOOTORDER first.
 */
#pragma once

#include "runtime/daemon/daemon.h"

void autostart_begin(struct daemon *d);
