/*
 * autostart.h - once a boot of the host: starts the CTs with ONBOOT="yes", and resumes those that are suspended and
 * those that the last shutdown suspended, highest BOOTORDER first.
 */
#pragma once

#include "runtime/daemon/daemon.h"

void autostart_begin(struct daemon *d);
