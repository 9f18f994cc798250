/* migrate_main.c - berth-worker-migrate: the two ends of a move. */
#include "runtime/worker/migrate.h"

static const struct worker_op ops[] = {
	{"send", true, 4, op_send},
	{"receive", true, 3, op_receive},
	{"receive-offer", false, 0, op_receive_offer},
	{"receive-answer", false, 0, op_receive_answer},
	{NULL, false, 0, NULL},
};

int main(int argc, char **argv)
{
	return worker_main(ops, argc, argv);
}
