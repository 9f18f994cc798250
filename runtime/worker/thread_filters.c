/* thread_filters.c - which threads get their seccomp filters from us, and that they do. */
#include "runtime/worker/thread_filters.h"

#include "cgroups/tree.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/base/parse.h"
#include "runtime/checkpoint/inject.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Beside the images, which CRIU gets without what is in these. */
#define DUMP_THREADS "threads"
#define DUMP_FILTERS "filters"

enum {
	THREADS_MAX = 16 << 20, /* bytes of the file */
	CORE_MAX = 1 << 20,
	SECCOMP_MAX = 64 << 20
};

typedef int thread_fn(pid_t tid, const char *status, void *data);

static int one_thread(int tasks, const char *name, thread_fn *fn, void *data)
{
	auto_free char *status = NULL;
	char path[64];
	int tid, r;

	if (parse_int(name, &tid) < 0)
		return 0;
	(void)snprintf(path, sizeof(path), "%.30s/status", name);
	r = file_read_at(tasks, path, 65536, &status, NULL);
	if (r == -ENOENT || r == -ESRCH)
		return 0; /* it has ended */
	if (r < 0)
		return r;
	return fn(tid, status, data);
}

/* Each thread of the CT. */
static int each_thread(int cg_fd, thread_fn *fn, void *data)
{
	struct cg_tree_pids pids = {NULL, 0};
	int r = cg_tree_processes(cg_fd, &pids);

	for (size_t i = 0; r == 0 && i < pids.n; i++) {
		char path[48];
		auto_closedir DIR *d = NULL;
		struct dirent *e;

		(void)snprintf(path, sizeof(path), "/proc/%d/task", pids.v[i].pid);
		d = opendir(path);
		while (r == 0 && d != NULL && (e = readdir(d)) != NULL)
			r = one_thread(dirfd(d), e->d_name, fn, data);
		if (d == NULL && errno != ENOENT && errno != ESRCH)
			r = -errno;
	}
	free(pids.v);
	return r;
}

/* ---- suspend ---- */

static int write_thread(pid_t tid, const char *status, void *data)
{
	struct filter_thread t;

	(void)tid;
	if (filter_thread_of(status, &t) <= 0)
		return 0; /* one that has ended, and is not waited for, has no such lines */
	return fprintf(data, "%d %d\n", t.inner, t.no_new_privs) < 0 ? -ENOMEM : 0;
}

int thread_filters_save(int cg_fd, int dump_fd)
{
	auto_free char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int r;

	if (out == NULL)
		return -ENOMEM;
	r = INJECT_WORKS ? each_thread(cg_fd, write_thread, out) : 0;
	if (fclose(out) != 0 && r == 0)
		r = -ENOMEM;
	return r < 0 ? r : file_replace_at(dump_fd, DUMP_THREADS, text, len, 0600, true);
}

/* ---- resume ---- */

void thread_filters_free(struct thread_filters *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->v[i].filters);
	free(f->v);
	free(f->tids);
	free(f->as);
	filter_set_free(f->set);
	*f = (struct thread_filters){0};
}

static int compare(const void *a, const void *b)
{
	const struct filter_thread *x = a, *y = b;

	return (x->inner > y->inner) - (x->inner < y->inner);
}

/* The file, sorted. Of a CT that an older berth has suspended there is none. */
static int load(struct thread_filters *f, int dump_fd)
{
	auto_free char *text = NULL;
	char *rest;
	size_t room = 0;
	int r = file_read_at(dump_fd, DUMP_THREADS, THREADS_MAX, &text, NULL);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (const char *p = text; *p != '\0'; p++)
		room += *p == '\n';
	f->v = calloc(room + 1, sizeof(*f->v));
	f->tids = calloc(room + 1, sizeof(*f->tids));
	f->as = calloc(room + 1, sizeof(const struct filter_thread *));
	if (f->v == NULL || f->tids == NULL || f->as == NULL)
		return -ENOMEM;
	rest = text;
	for (char *line; f->n < room && (line = strsep(&rest, "\n")) != NULL;) {
		r = filter_thread_parse(line, &f->v[f->n]);
		if (r < 0)
			return r;
		f->n++;
	}
	qsort(f->v, f->n, sizeof(*f->v), compare);
	return INJECT_WORKS || f->n == 0 ? 0 : -EOPNOTSUPP;
}

static int take_thread(struct filter_thread *t, const struct filter_set *set, int images_fd)
{
	auto_free char *core = NULL;
	char name[32];
	size_t len;
	int r;

	(void)snprintf(name, sizeof(name), "core-%d.img", t->inner);
	r = file_read_at(images_fd, name, CORE_MAX, &core, &len);
	if (r == 0)
		r = filter_core_read((const uint8_t *)core, len, &t->oldest);
	return r < 0 || t->oldest < 0 ? r : filter_thread_chain(t, set);
}

/* As it was before any resume: one that fails is tried again. */
static int load_image(int dump_fd, int images_fd, char **ret, size_t *len)
{
	int r = file_read_at(dump_fd, DUMP_FILTERS, SECCOMP_MAX, ret, len);

	if (r != -ENOENT)
		return r;
	r = file_read_at(images_fd, "seccomp.img", SECCOMP_MAX, ret, len);
	return r < 0 ? r : file_replace_at(dump_fd, DUMP_FILTERS, *ret, *len, 0600, true);
}

static int strip(const struct thread_filters *f, const char *image, size_t len, int images_fd)
{
	auto_free uint8_t *next = NULL;
	struct filter_set *copy = NULL;
	size_t next_len;
	int r = filter_set_read((const uint8_t *)image, len, &copy);

	if (r == 0)
		r = filter_set_strip(copy, f->v, f->n, &next, &next_len);
	filter_set_free(copy);
	return r < 0 ? r : file_replace_at(images_fd, "seccomp.img", next, next_len, 0600, false);
}

int thread_filters_take(struct thread_filters *f, int dump_fd, int images_fd)
{
	auto_free char *image = NULL;
	size_t len;
	int r = load(f, dump_fd);

	if (r < 0 || f->n == 0)
		return r;
	r = load_image(dump_fd, images_fd, &image, &len);
	if (r == 0)
		r = filter_set_read((const uint8_t *)image, len, &f->set);
	for (size_t i = 0; r == 0 && i < f->n; i++)
		r = take_thread(&f->v[i], f->set, images_fd);
	return r < 0 ? r : strip(f, image, len, images_fd);
}

static int compare_inner(const void *key, const void *v)
{
	const struct filter_thread *t = v;

	return (*(const int *)key > t->inner) - (*(const int *)key < t->inner);
}

static struct filter_thread *find(const struct thread_filters *f, int inner)
{
	return inner < 0 ? NULL : bsearch(&inner, f->v, f->n, sizeof(*f->v), compare_inner);
}

static int hold_thread(pid_t tid, const char *status, void *data)
{
	struct thread_filters *f = data;
	struct filter_thread *t = find(f, filter_number_of(status, "\nNSpid:"));
	int r;

	if (t == NULL)
		return 0;
	if (t->oldest < 0)
		f->as[t - f->v] = find(f, filter_number_of(status, "\nNStgid:"));
	r = inject_hold(tid);
	if (r == 0)
		f->tids[t - f->v] = tid;
	return r == -ESRCH ? 0 : r;
}

int thread_filters_hold(struct thread_filters *f, int cg_fd)
{
	return f->n == 0 ? 0 : each_thread(cg_fd, hold_thread, f);
}

/* One without a number of its own has the filters of its process. */
static int give(const struct thread_filters *f, size_t i)
{
	struct filter_thread t = f->v[i];

	if (f->as[i] != NULL) {
		t.filters = f->as[i]->filters;
		t.n = f->as[i]->n;
	}
	return inject_filters(f->tids[i], &t);
}

void thread_filters_give(struct thread_filters *f, uint32_t ctid)
{
	for (size_t i = 0; i < f->n; i++) {
		int r = f->tids[i] == 0 ? 0 : give(f, i);

		if (r == 0 || r == -ESRCH)
			continue;
		log_line(LOG_LV_ERROR, ctid,
			 "process %d cannot have its system call filters again, and is killed: %s",
			 f->v[i].inner, strerror(-r));
		(void)kill(f->tids[i], SIGKILL);
	}
}
