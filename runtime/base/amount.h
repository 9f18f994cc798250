/* amount.h - numbers as people read them, and as options take them. Pure. */
#pragma once

#include <stdint.h>

enum {
	AMOUNT_MAX = 24
};

/* Bytes with three digits: "512", "1.50K", "256M"; no limit (INT64_MAX and up): "unlimited". Returns buf. */
const char *amount_text(uint64_t bytes, char buf[AMOUNT_MAX]);
/* The same as an option takes it, to the byte: "512M", "1537". */
const char *amount_option(uint64_t bytes, char buf[AMOUNT_MAX]);
/* What to give instead of a limit that is too low: twice, from 8 GiB on half as much again; whole MiB. */
uint64_t amount_more(uint64_t bytes);
