/*
 * hurry.h - the end of a killed CT that waits for RCU. The kernel waits for a grace period at the close of each
 * packet socket, 5 to 15 ms, one after the other in one process: 20000 of them hold a stop for minutes. While a
 * killed CT lives on for more than a moment, grace periods are expedited (/sys/kernel/rcu_expedited), which
 * takes 50 microseconds and costs all CPUs an interrupt.
 */
#pragma once

#include "runtime/daemon/daemon.h"

enum hurry {
	HURRY_SAME,
	HURRY_ON,
	HURRY_OFF
};
/* Pure: what to do, a look a second. seen: looks in a row that found a killed CT alive. */
enum hurry hurry_judge(bool killed_lives, unsigned int *seen, bool on);

/* Looks from now on, and takes back what a killed berthd left. */
void hurry_begin(struct daemon *d);
