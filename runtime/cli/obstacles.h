/* obstacles.h - what is in the way of a suspend or a move, as berthd tells it (io.berth.Container.Obstacle). */
#pragma once

#include "runtime/rpc/rpc.h"

#include <stdio.h>

/* One a line, whole, with what mends it; out NULL: none is printed. How many are errors. */
unsigned int obstacles_print(FILE *out, const json_t *findings);
