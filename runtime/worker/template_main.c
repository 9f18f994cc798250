/* template_main.c - berth-worker-template: template build, import and removal, with progress. */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/ct/info.h"
#include "runtime/wire/report.h"
#include "runtime/worker/worker.h"
#include "templates/template.h"

#include <fcntl.h>
#include <string.h>

static void progress(const char *what, int percent, void *data)
{
	(void)data;
	report_progress(what, percent);
}

static int op_build(struct worker *w, struct berth_error *err)
{
	char dir[BERTH_PATH_MAX];

	return template_build(worker_template_dir(w, dir), w->args[0], progress, NULL, err);
}

/* Arguments: NAME ARCHIVE ID_BASE; the ids belong to no CT. */
static int op_import(struct worker *w, struct berth_error *err)
{
	char dir[BERTH_PATH_MAX], note[TEMPLATE_NOTE_MAX];
	auto_close int fd = open(w->args[1], O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int r;

	if (fd < 0)
		return berth_error_set(err, BERTH_ERR_VALUE, errno, "open archive %s: %s",
				       w->args[1], strerror(errno));
	r = template_import(worker_template_dir(w, dir), w->args[0], fd, w->host.id_base_first,
			    progress, NULL, note, err);
	if (r == 0 && note[0] != '\0')
		report_result("note", note);
	return r;
}

static int op_remove(struct worker *w, struct berth_error *err)
{
	char path[BERTH_PATH_MAX];
	auto_close int dir = dir_open_at(AT_FDCWD, worker_template_dir(w, path));

	if (dir < 0)
		return berth_error_sys(err, dir, "open directory %s", path);
	return template_remove(dir, w->args[0], worker_template_in_use, w, err);
}

static const struct worker_op ops[] = {
	{"template-build", false, 1, op_build},
	{"template-import", false, 2, op_import},
	{"template-remove", false, 1, op_remove},
	{NULL, false, 0, NULL},
};

int main(int argc, char **argv)
{
	return worker_main(ops, argc, argv);
}
