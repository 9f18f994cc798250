/* help.h - usage on stdout. */
#pragma once

#include "runtime/cli/cli.h"

void help_all(const char *program);
void help_command(const struct cli *cli);
