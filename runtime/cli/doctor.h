/* doctor.h - what the files of doctor share. */
#pragma once

#include "runtime/cli/cli.h"

/* The text of a member of Finding, "" when it is missing. */
const char *doctor_word(const json_t *finding, const char *key);
bool doctor_is_error(const json_t *finding);
void doctor_print(const json_t *finding);

/*
 * Writes what is safe to sysctl.d and to the kernel, and prints what it wrote and what is left for the admin. Adds the
 * errors among that to *errors.
 */
int doctor_apply(const struct cli *cli, const json_t *findings, unsigned int *errors,
		 struct berth_error *err);
