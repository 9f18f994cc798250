/*
 * check.h - the unit tests' only helper: CHECK says where and what, RUN names the claim.
 * A test program returns check_failures != 0.
 */
#pragma once

#include <stdio.h>

static int check_failures;

#define CHECK(cond)                                                                              \
	do {                                                                                     \
		if (!(cond)) {                                                                   \
			(void)fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #cond); \
			check_failures++;                                                        \
		}                                                                                \
	} while (0)

#define RUN(test)                                                                            \
	do {                                                                                 \
		int before_ = check_failures;                                                \
		test();                                                                      \
		(void)printf("%s %s\n", check_failures == before_ ? "ok" : "FAILED", #test); \
	} while (0)
