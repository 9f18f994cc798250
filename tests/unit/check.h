/*
 * check.h - the unit tests' only helper: CHECK says where and what, RUN names the claim. CHECK_SOON is for
 * what another process or the kernel does in its own time: it waits for the very thing, never for a while.
 * A test program returns check_failures != 0.
 */
#pragma once

#include <poll.h>
#include <stdio.h>

enum {
	CHECK_PATIENCE_MS = 60000 /* of a machine that is very busy: nobody waits so long else */
};

static int check_failures;

#define CHECK(cond)                                                                              \
	do {                                                                                     \
		if (!(cond)) {                                                                   \
			(void)fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #cond); \
			check_failures++;                                                        \
		}                                                                                \
	} while (0)

/* Asks again and again until it is so. */
#define CHECK_SOON(cond)                                                        \
	do {                                                                    \
		for (int ms_ = 0; !(cond) && ms_ < CHECK_PATIENCE_MS; ms_ += 5) \
			(void)poll(NULL, 0, 5);                                 \
		CHECK(cond);                                                    \
	} while (0)

#define RUN(test)                                                                            \
	do {                                                                                 \
		int before_ = check_failures;                                                \
		test();                                                                      \
		(void)printf("%s %s\n", check_failures == before_ ? "ok" : "FAILED", #test); \
	} while (0)
