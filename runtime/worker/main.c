/* main.c - berth-worker: its operations. */
#include "runtime/worker/worker.h"

static const struct worker_op ops[] = {
	{"create", true, 0, op_create},
	{"destroy", true, 0, op_destroy},
	{"start", true, 0, op_start},
	{"suspend", true, 0, op_suspend},
	{"why-not", true, 0, op_why_not},
	{"resume", true, 0, op_resume},
	{"adopt", true, 0, op_adopt},
	{"cleanup", true, 0, op_cleanup},
	{"apply", true, 0, op_apply},
	{"login", true, 1, op_login},
	{"mount", true, 0, op_mount},
	{"umount", true, 0, op_umount},
	{"send", true, 4, op_migrate},
	{"receive", true, 3, op_migrate},
	{"receive-offer", false, 0, op_migrate},
	{"receive-answer", false, 0, op_migrate},
	{"host-setup", false, 0, op_host_setup},
	{"doctor", false, 0, op_doctor},
	{"template-build", false, 1, op_template},
	{"template-import", false, 2, op_template},
	{"template-sweep", false, 1, op_template_sweep},
	{"template-remove", false, 1, op_template},
	{NULL, false, 0, NULL},
};

int main(int argc, char **argv)
{
	return worker_main(ops, argc, argv);
}
