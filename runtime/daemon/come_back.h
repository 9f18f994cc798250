/*
 * come_back.h - changes with an end (set --for) are taken back when it is time, also when berthd, the CT or the host
 * were down then. What comes back, and when, is in the CT's config: runtime/config/temporary.h.
 */
#pragma once

struct daemon;

/* From now on, of all CTs of d. Once. */
void come_back_begin(struct daemon *d);
/* A CT's ->until has changed. Nothing before come_back_begin. */
void come_back_soon(struct daemon *d);
