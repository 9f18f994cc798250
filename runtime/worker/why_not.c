/* why_not.c - which of a CT's processes CRIU cannot save, and why. */
#include "runtime/worker/why_not.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "runtime/checkpoint/carry.h"
#include "runtime/checkpoint/sharing.h"
#include "runtime/view/view.h"
#include "runtime/wire/report.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum {
	LINK_MAX_ = 256,
	STATUS_MAX = 1 << 20, /* a process may have very many groups */
	CHILDREN_MAX = 4 << 20,
	MOUNTS_MAX = 16 << 20,
	CLIMB_MAX = 1000, /* parents that are looked at */
	MOUNTS_TOTAL_MAX = 20000, /* of all namespaces; what each takes grows with all of them */
	FDS_TOLD = 8 /* descriptors of one kind and process that are named */
};

/* ---- what is found ---- */

static void tell(unsigned int n, const char *level, const char *name, pid_t pid,
		 const char *command, const char *text, const char *fix)
{
	char key[32], number[16];
	const struct {
		const char *name, *value;
	} values[] = {{"level", level},
		      {"name", name},
		      {"text", text},
		      {"fix", fix},
		      {"pid", pid != 0 ? number : NULL},
		      {"command", command}};

	(void)snprintf(number, sizeof(number), "%d", pid);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		(void)snprintf(key, sizeof(key), "f%u.%s", n, values[i].name);
		if (values[i].value != NULL)
			report_result(key, values[i].value);
	}
}

void why_not_found(struct why_not *y, const char *level, const char *name, pid_t pid,
		   const char *command, const char *text, const char *fix)
{
	unsigned int n = y->n++;

	if (n < WHY_NOT_MAX - 1)
		tell(n, level, name, pid, command, text, fix);
}

void why_not_end(struct why_not *y)
{
	char text[80];

	if (y->n < WHY_NOT_MAX)
		return;
	(void)snprintf(text, sizeof(text), "there are %u more of such findings",
		       y->n - (WHY_NOT_MAX - 1));
	tell(WHY_NOT_MAX - 1, "error", "more", 0, NULL, text, "");
}

/* ---- one process ---- */

struct process {
	pid_t pid;
	int dir; /* /proc/PID */
	bool outside; /* put into the CT from outside: no child of its init, and not saved */
	struct carry_status status;
};

static void found(struct why_not *y, const struct process *p, const char *name, const char *what,
		  const char *fix)
{
	char text[300];

	(void)snprintf(text, sizeof(text), "process %d (%s) has %s", p->pid, p->status.name, what);
	why_not_found(y, p->outside ? "warning" : "error", name, p->pid, p->status.name, text, fix);
}

static int link_at(int dir, const char *name, char buf[LINK_MAX_])
{
	ssize_t n = readlinkat(dir, name, buf, LINK_MAX_ - 1);

	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return 0;
}

/* Gone meanwhile, or a process of the kernel's that has none: nothing is to be found there. */
static bool is_gone(int r)
{
	return r == -ENOENT || r == -ESRCH || r == -ENOTDIR;
}

/* ---- its descriptors ---- */

struct kind {
	const struct carry_no *no;
	unsigned int n;
	char fds[FDS_TOLD * 12];
};

static void add_fd(struct kind *kinds, size_t max, const struct carry_no *no, const char *fd)
{
	size_t used;

	while (max > 0 && kinds->no != NULL && kinds->no != no) {
		kinds++;
		max--;
	}
	if (max == 0)
		return;
	kinds->no = no;
	used = strlen(kinds->fds);
	if (kinds->n++ < FDS_TOLD)
		(void)snprintf(kinds->fds + used, sizeof(kinds->fds) - used, "%s%.10s",
			       used > 0 ? ", " : "", fd);
}

/* A tenant's file system may never answer: what the kernel knows already will do. */
static bool is_queue(const struct why_not *y, int fds, const char *name)
{
	struct statx st;

	return y->queues != 0 && statx(fds, name, AT_STATX_DONT_SYNC, STATX_TYPE, &st) == 0 &&
	       makedev(st.stx_dev_major, st.stx_dev_minor) == y->queues && S_ISREG(st.stx_mode);
}

static const struct carry_no *no_of_fd(const struct why_not *y, int fds, const char *name)
{
	static const struct carry_no queue = {"mqueue", "a POSIX message queue", NULL};
	char link[LINK_MAX_];

	if (link_at(fds, name, link) < 0)
		return NULL;
	if (link[0] == '/' && is_queue(y, fds, name))
		return &queue;
	return carry_no_fd(link);
}

static int look_at_fds(struct why_not *y, const struct process *p)
{
	auto_closedir DIR *d = dir_stream_at(p->dir, "fd");
	struct kind kinds[16] = {{NULL, 0, ""}};
	const struct carry_no *no;
	struct dirent *e;
	char what[200];

	if (d == NULL)
		return is_gone(-errno) ? 0 : -errno;
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' && (no = no_of_fd(y, dirfd(d), e->d_name)) != NULL)
			add_fd(kinds, sizeof(kinds) / sizeof(kinds[0]), no, e->d_name);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && kinds[i].no != NULL; i++) {
		no = kinds[i].no;
		(void)snprintf(what, sizeof(what), "%s open (fd %s%s), which CRIU cannot save",
			       no->what, kinds[i].fds, kinds[i].n > FDS_TOLD ? ", ..." : "");
		found(y, p, no->name, what, no->fix != NULL ? no->fix : y->queues_fix);
	}
	return 0;
}

/* ---- its namespaces ---- */

static int look_at_namespaces(struct why_not *y, const struct process *p, int init)
{
	static const char *const names[] = {"user", "pid", "ipc", "uts", "cgroup", "time"};
	char path[16], own[LINK_MAX_], its[LINK_MAX_], what[100];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct carry_no *no = carry_no_namespace(names[i]);

		(void)snprintf(path, sizeof(path), "ns/%s", names[i]);
		if (no == NULL || link_at(p->dir, path, own) < 0 || link_at(init, path, its) < 0 ||
		    strcmp(own, its) == 0)
			continue;
		(void)snprintf(what, sizeof(what), "%s, which CRIU cannot save", no->what);
		found(y, p, "namespace", what, no->fix);
	}
	return 0;
}

/* ---- its mounts ---- */

/* The mount namespaces that were looked at, and how all of them share. */
struct mounts {
	ino_t *seen;
	struct process *of; /* who has it; its dir is not open any more */
	size_t n;
	size_t total; /* mounts in them */
	bool too_many; /* told: no more of them are looked at */
	struct shares shares;
	char views[VIEW_FILES]
		  [24]; /* devices of the CT's view of its machine, which is berth's own */
	size_t n_views;
};

static bool is_view(const struct mounts *m, const char *device)
{
	for (size_t i = 0; i < m->n_views; i++)
		if (strcmp(m->views[i], device) == 0)
			return true;
	return false;
}

static void note_view(struct mounts *m, const struct carry_mount *c)
{
	for (size_t i = 0; i < VIEW_FILES && m->n_views < VIEW_FILES; i++)
		if (strcmp(c->type, "fuse") == 0 && !is_view(m, c->device) &&
		    strcmp(c->point + (c->point[0] == '/'),
			   view_places[i].path + (view_places[i].path[0] == '/')) == 0)
			(void)snprintf(m->views[m->n_views++], sizeof(m->views[0]), "%s",
				       c->device);
}

static int judge_mounts(struct why_not *y, struct mounts *m, const struct process *p, char *text)
{
	char *line, *rest = text, what[300];
	const struct carry_no *no;
	struct carry_mount c;

	while ((line = strsep(&rest, "\n")) != NULL) {
		if (line[0] == '\0')
			continue;
		if (carry_mount_parse(line, &c) < 0)
			return -EBADMSG;
		if (p->pid == y->init)
			note_view(m, &c);
		no = is_view(m, c.device) ? NULL : carry_no_mount(c.type);
		if (no == NULL)
			continue;
		(void)snprintf(what, sizeof(what), "%s mounted on %.150s", no->what, c.point);
		found(y, p, no->name, what, no->fix);
	}
	return 0;
}

static int see_namespace(struct mounts *m, const struct process *p, ino_t ino)
{
	ino_t *seen = reallocarray(m->seen, m->n + 1, sizeof(*seen));
	struct process *of;

	if (seen == NULL)
		return -ENOMEM;
	m->seen = seen;
	of = reallocarray(m->of, m->n + 1, sizeof(*of));
	if (of == NULL)
		return -ENOMEM;
	m->of = of;
	m->seen[m->n] = ino;
	m->of[m->n++] = *p;
	return 0;
}

static void too_many_mounts(struct why_not *y, struct mounts *m)
{
	char text[120];

	m->too_many = true;
	(void)snprintf(text, sizeof(text),
		       "it has more than %d mounts in its mount namespaces, too many to look at",
		       MOUNTS_TOTAL_MAX);
	why_not_found(y, "error", "mounts", 0, NULL, text, "unmount them in the CT");
}

static size_t lines_in(const char *text)
{
	size_t n = 0;

	for (; (text = strchr(text, '\n')) != NULL; text++)
		n++;
	return n;
}

static int look_at_mounts(struct why_not *y, struct mounts *m, const struct process *p)
{
	auto_free char *text = NULL, *copy = NULL;
	struct stat st;
	int r;

	/* One from outside has the host's mounts, or the CT's own. */
	if (p->outside || m->too_many)
		return 0;
	if (fstatat(p->dir, "ns/mnt", &st, 0) < 0)
		return is_gone(-errno) ? 0 : -errno;
	for (size_t i = 0; i < m->n; i++)
		if (m->seen[i] == st.st_ino)
			return 0;
	r = file_read_at(p->dir, "mountinfo", MOUNTS_MAX, &text, NULL);
	if (r == -EFBIG) {
		too_many_mounts(y, m);
		return 0;
	}
	if (r < 0) /* EINVAL: it ends just now, and has no mounts any more */
		return is_gone(r) || r == -EINVAL ? 0 : r;
	m->total += lines_in(text);
	if (m->total > MOUNTS_TOTAL_MAX) {
		too_many_mounts(y, m);
		return 0;
	}
	copy = strdup(text);
	r = copy == NULL ? -ENOMEM : see_namespace(m, p, st.st_ino);
	if (r == 0)
		r = shares_read_mountinfo(&m->shares, copy, (uint32_t)m->n - 1);
	return r < 0 ? r : judge_mounts(y, m, p, text);
}

/* How they are shared, CRIU makes again, with the help of sharing.h, or not. */
static void look_at_shares(struct why_not *y, struct mounts *m)
{
	const struct share *bad;
	char what[300];

	(void)shares_mend(&m->shares);
	bad = shares_find_bad(&m->shares);
	if (bad == NULL)
		return;
	(void)snprintf(what, sizeof(what),
		       "a mount on %.120s that shares with others (shared:%u master:%u) in a way "
		       "that CRIU cannot make again",
		       bad->point, bad->shared, bad->master);
	found(y, &m->of[bad->ns], "shared_mount", what,
	      "unmount it, or make it private in the CT: mount --make-private MOUNT");
}

/* ---- all of it ---- */

static int status_at(int dir, const char *name, struct carry_status *ret)
{
	auto_free char *text = NULL;
	int r = file_read_at(dir, name, STATUS_MAX, &text, NULL);

	return r < 0 ? r : carry_status_parse(text, ret);
}

static int look_at(struct why_not *y, struct mounts *m, pid_t pid, bool outside, int init)
{
	struct process p = {.pid = pid, .outside = outside};
	auto_close int dir = -EBADF;
	char path[32], what[100];
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d", pid);
	p.dir = dir = dir_open_at(AT_FDCWD, path);
	r = dir < 0 ? dir : status_at(dir, "status", &p.status);
	if (r < 0)
		return is_gone(r) ? 0 : r;
	if (outside)
		found(y, &p, "exec",
		      "come into the CT from outside (berth exec, enter, nsenter): it is not "
		      "saved, "
		      "and ends",
		      "end that session first");
	if (p.status.tracer != 0) {
		(void)snprintf(what, sizeof(what),
			       "a tracer, process %d, which CRIU cannot be beside",
			       p.status.tracer);
		found(y, &p, "ptrace", what, "end the debugger (strace, gdb)");
	}
	r = look_at_fds(y, &p);
	if (r == 0 && pid != y->init)
		r = look_at_namespaces(y, &p, init);
	return r < 0 ? r : look_at_mounts(y, m, &p);
}

struct pids {
	pid_t *v;
	size_t n;
};

static int add_pid(struct pids *pids, pid_t pid)
{
	pid_t *v = reallocarray(pids->v, pids->n + 1, sizeof(*v));

	if (v == NULL)
		return -ENOMEM;
	pids->v = v;
	v[pids->n++] = pid;
	return 0;
}

/* /proc/PID/task/TID/children, as CRIU goes down the tree. */
static int add_children_of(struct pids *pids, int tasks, const char *tid)
{
	auto_free char *text = NULL;
	char path[48], *rest, *word;
	int r, pid;

	(void)snprintf(path, sizeof(path), "%.20s/children", tid);
	r = file_read_at(tasks, path, CHILDREN_MAX, &text, NULL);
	if (r < 0)
		return is_gone(r) ? 0 : r;
	for (rest = text; r == 0 && (word = strsep(&rest, " \n")) != NULL;)
		if (parse_int(word, &pid) == 0 && pid > 0)
			r = add_pid(pids, pid);
	return r;
}

static int add_children(struct pids *pids, pid_t pid)
{
	auto_closedir DIR *d = NULL;
	char path[48];
	int r = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", pid);
	d = opendir(path);
	if (d == NULL)
		return is_gone(-errno) ? 0 : -errno;
	while (r == 0) {
		struct dirent *e;

		errno = 0;
		e = readdir(d);
		if (e == NULL)
			return is_gone(-errno) ? 0 : -errno;
		if (e->d_name[0] != '.')
			r = add_children_of(pids, dirfd(d), e->d_name);
	}
	return r;
}

/* The list grows while it is gone through. */
static int find_tree(struct pids *pids, pid_t init)
{
	int r = add_pid(pids, init);

	for (size_t i = 0; r == 0 && i < pids->n; i++)
		r = add_children(pids, pids->v[i]);
	return r;
}

static bool has_pid(const struct pids *pids, pid_t pid)
{
	for (size_t i = 0; i < pids->n; i++)
		if (pids->v[i] == pid)
			return true;
	return false;
}

/* Up from pid: 1, it comes from the CT's init; 0, it does not; -ESRCH, it is gone. */
static int is_below_init(const struct pids *tree, int proc, pid_t pid)
{
	struct carry_status status;
	pid_t at = pid;
	char path[32];

	/* Whose parent ends meanwhile has another then: once more. Who always has a new one is taken for the CT's. */
	for (unsigned int n = 0; n < CLIMB_MAX; n++) {
		int r;

		(void)snprintf(path, sizeof(path), "%d/status", at);
		r = status_at(proc, path, &status);
		if (is_gone(r) && at == pid)
			return -ESRCH;
		if (r < 0 && !is_gone(r))
			return r;
		at = r < 0 ? pid : status.parent;
		if (at <= 1 && !has_pid(tree, at))
			return 0;
		if (has_pid(tree, at))
			return 1;
	}
	return 1;
}

/*
 * What is in the CT's PID namespace and not in the tree: born since that was read, or left out by the kernel, which
 * tells the children of one that runs on as well as it can (proc(5)); or from outside.
 */
static int find_rest(struct pids *outside, struct pids *tree, int init)
{
	auto_closedir DIR *d = opendir("/proc");
	char of[LINK_MAX_], its[LINK_MAX_], path[48];
	struct dirent *e;
	int pid, below, r = link_at(init, "ns/pid", of);

	if (r == 0 && d == NULL)
		r = -errno;
	while (r == 0 && (errno = 0, e = readdir(d)) != NULL) {
		if (parse_int(e->d_name, &pid) < 0)
			continue;
		(void)snprintf(path, sizeof(path), "%d/ns/pid", pid);
		if (link_at(dirfd(d), path, its) < 0 || strcmp(of, its) != 0 || has_pid(tree, pid))
			continue;
		below = is_below_init(tree, dirfd(d), pid);
		if (below < 0)
			r = is_gone(below) ? 0 : below;
		else
			r = add_pid(below == 1 ? tree : outside, pid);
	}
	return r < 0 ? r : -errno;
}

int why_not_processes(struct why_not *y)
{
	struct pids tree = {NULL, 0}, outside = {NULL, 0};
	struct mounts m = {.n = 0};
	auto_close int init = -EBADF;
	char path[32];
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d", y->init);
	init = dir_open_at(AT_FDCWD, path);
	r = init < 0 ? init : find_tree(&tree, y->init);
	if (r == 0)
		r = find_rest(&outside, &tree, init);
	for (size_t i = 0; r == 0 && i < tree.n; i++)
		r = look_at(y, &m, tree.v[i], false, init);
	for (size_t i = 0; r == 0 && i < outside.n; i++)
		r = look_at(y, &m, outside.v[i], true, init);
	if (r == 0 && !m.too_many)
		look_at_shares(y, &m);
	free(tree.v);
	free(outside.v);
	free(m.seen);
	free(m.of);
	shares_free(&m.shares);
	return r;
}
