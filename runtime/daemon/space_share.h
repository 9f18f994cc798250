/*
 * space_share.h - who may take how much of what the host's file system has left. Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Bytes. */
struct space_share {
	uint64_t want; /* what the volume could still take */
	uint64_t grown; /* what it has taken lately */
	uint64_t used; /* what it has taken ever: decides where the rest is equal */
	uint64_t may; /* out: what it may take until the next look, at most want */
};

/*
 * The shares add up to `room` at most, so the host has what each of them may take, however fast they do it.
 * When there is enough for all, each may take what it wants. Else everybody is given `floor` first, who has grown least
 * before who has grown most (those who do not grow share evenly where it is not enough); what is left goes by halves to all and to those that grow now.
 */
void space_share(uint64_t room, uint64_t floor, struct space_share *v, size_t n);

/* What a look has to keep back for the host, and what every CT is given first. */
uint64_t space_floor(uint64_t reserve);

/* "Lately": what was taken fades by half in ten minutes. */
uint64_t space_fade(uint64_t grown, uint64_t elapsed_ms);

/*
 * Milliseconds until the next look: before the fastest of them has taken half of its share. took_ms: how long
 * the last look took; looking costs at most a tenth of a CPU.
 */
uint64_t space_wait(const struct space_share *v, const uint64_t *taken, size_t n,
		    uint64_t elapsed_ms, uint64_t took_ms);
