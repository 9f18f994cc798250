/*
 * tree.c - the cgroups that a CT has made below its own: saved as text when it is suspended, made again before
 * its processes are.
 *
 *	D PATH UID GID MODE	a directory, below inner; the lines up to the next D belong to it
 *	F NAME UID GID		a file of it whose owner is not the host's root
 *	K NAME VALUE		a knob; of one that has a line for each device (io.max), one for each of them
 *	X NAME HEX		an extended attribute
 *	P PID			a process in it, by its number in the CT
 *
 * Ids are the CT's own, from 0; -1 is an owner that the CT does not have. systemd escapes what a name may not hold,
 * and others may not: a path is the rest of its line, and none with a newline is taken.
 */
#include "cgroups/tree.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

enum {
	DEPTH_MAX = 64,
	VALUE_MAX = 4096,
	IDS = 65536
};

static const char *const knobs[] = {
	"cgroup.type",	    "cgroup.max.descendants",
	"cgroup.max.depth", "cgroup.subtree_control",
	"memory.min",	    "memory.low",
	"memory.high",	    "memory.max",
	"memory.swap.high", "memory.swap.max",
	"memory.zswap.max", "memory.zswap.writeback",
	"memory.oom.group", "cpu.weight",
	"cpu.max",	    "cpu.max.burst",
	"cpu.uclamp.min",   "cpu.uclamp.max",
	"cpu.idle",	    "cpuset.cpus",
	"cpuset.mems",	    "cpuset.cpus.exclusive",
	"pids.max",	    "io.weight",
	"io.bfq.weight",    "io.prio.class",
	"io.max",	    "io.latency",
	"misc.max",
};

/* ---- saving ---- */

struct save {
	FILE *out;
	uint32_t id_base;
};

static int own_id(const struct save *s, uint32_t id)
{
	return id >= s->id_base && id - s->id_base < IDS ? (int)(id - s->id_base) : -1;
}

static void save_knobs(const struct save *s, int dir)
{
	for (size_t i = 0; i < sizeof(knobs) / sizeof(knobs[0]); i++) {
		char value[VALUE_MAX], *rest = value, *line;

		if (file_read_line_at(dir, knobs[i], value, sizeof(value)) < 0)
			continue;
		while ((line = strsep(&rest, "\n")) != NULL)
			if (*line != '\0')
				(void)fprintf(s->out, "K %s %s\n", knobs[i], line);
	}
}

/* What a host's security module has there is that host's. */
static bool is_carried(const char *attribute)
{
	return strncmp(attribute, "user.", 5) == 0 || strncmp(attribute, "trusted.", 8) == 0;
}

static void save_attributes(const struct save *s, int dir)
{
	char names[VALUE_MAX], value[VALUE_MAX / 2];
	ssize_t n = flistxattr(dir, names, sizeof(names));

	for (ssize_t i = 0; i < n; i += (ssize_t)strlen(names + i) + 1) {
		ssize_t len = fgetxattr(dir, names + i, value, sizeof(value));

		if (len < 0 || !is_carried(names + i) || strpbrk(names + i, " \n") != NULL)
			continue;
		(void)fprintf(s->out, "X %s ", names + i);
		for (ssize_t k = 0; k < len; k++)
			(void)fprintf(s->out, "%02x", (unsigned char)value[k]);
		(void)fputc('\n', s->out);
	}
}

/* "NSpid:	4711	17	1": ours, the CT's, and that of a PID namespace in the CT, whose 1 is not the CT's. */
int cg_tree_inner_pid(const char *status)
{
	const char *p = strstr(status, "\nNSpid:");
	uint64_t pid, next;

	if (p == NULL)
		return -EINVAL;
	p += 7;
	if (parse_next(&p, "\t ", 10, &pid) < 0)
		return -EINVAL;
	if ((*p == '\t' || *p == ' ') && parse_next(&p, "\t ", 10, &next) == 0)
		pid = next;
	return pid == 0 || pid > INT32_MAX ? -EINVAL : (int)pid;
}

static int add_process(struct cg_tree_pids *pids, int pid)
{
	char path[64];
	auto_free char *status = NULL;
	struct cg_tree_pid *bigger;
	int inner, r;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	r = file_read_at(AT_FDCWD, path, 1 << 16, &status, NULL);
	if (r == -ENOENT || r == -ESRCH)
		return 0; /* it has ended */
	inner = r < 0 ? r : cg_tree_inner_pid(status);
	if (inner < 0)
		return inner;
	bigger = reallocarray(pids->v, pids->n + 1, sizeof(*bigger));
	if (bigger == NULL)
		return -ENOMEM;
	pids->v = bigger;
	pids->v[pids->n++] = (struct cg_tree_pid){pid, inner};
	return 0;
}

/* Of one cgroup. */
static int list_processes(int dir, struct cg_tree_pids *pids)
{
	auto_free char *text = NULL;
	char *rest, *line;
	int r = file_read_at(dir, "cgroup.procs", 1 << 20, &text, NULL), pid;

	if (r == -EOPNOTSUPP)
		return 0; /* a threaded one: its processes are those of the domain above */
	rest = text;
	while (r == 0 && (line = strsep(&rest, "\n")) != NULL)
		if (*line != '\0')
			r = parse_int(line, &pid) < 0 ? -EINVAL : add_process(pids, pid);
	return r;
}

static int save_processes(const struct save *s, int dir)
{
	struct cg_tree_pids pids = {0};
	int r = list_processes(dir, &pids);

	for (size_t i = 0; r == 0 && i < pids.n; i++)
		(void)fprintf(s->out, "P %d\n", pids.v[i].inner);
	free(pids.v);
	return r;
}

static int list_all(int at, const char *name, int depth, struct cg_tree_pids *ret)
{
	auto_closedir DIR *d = dir_stream_at(at, name);
	struct dirent *e = NULL;
	int r;

	if (d == NULL)
		return errno == ENOENT ? 0 : -errno;
	r = depth > DEPTH_MAX ? -ELOOP : list_processes(dirfd(d), ret);
	while (r == 0 && (errno = 0, e = readdir(d)) != NULL)
		if (e->d_type == DT_DIR && strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0)
			r = list_all(dirfd(d), e->d_name, depth + 1, ret);
	return r == 0 && e == NULL ? -errno : r;
}

int cg_tree_processes(int dirfd, struct cg_tree_pids *ret)
{
	*ret = (struct cg_tree_pids){0};
	return list_all(dirfd, ".", 0, ret);
}

static int save_dir(const struct save *s, int top, const char *path, int depth);

/* Files first, then what is below: the lines of a directory stand together. */
static int save_below(const struct save *s, int top, int dir, const char *path, int depth,
		      bool dirs)
{
	auto_closedir DIR *d = dir_stream_at(dir, ".");
	struct dirent *e = NULL;
	struct stat st;
	int r = 0;

	if (d == NULL)
		return -errno;
	while (r == 0 && (errno = 0, e = readdir(d)) != NULL) {
		char below[PATH_MAX];

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		    (e->d_type == DT_DIR) != dirs)
			continue;
		if (!dirs) {
			if (fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			    (st.st_uid != 0 || st.st_gid != 0))
				(void)fprintf(s->out, "F %s %d %d\n", e->d_name,
					      own_id(s, st.st_uid), own_id(s, st.st_gid));
			continue;
		}
		if (strchr(e->d_name, '\n') != NULL)
			return -EINVAL;
		if ((size_t)snprintf(below, sizeof(below), "%s/%s", path, e->d_name) >=
		    sizeof(below))
			return -ENAMETOOLONG;
		r = save_dir(s, top, below, depth + 1);
	}
	return r == 0 && e == NULL ? -errno : r;
}

static int save_dir(const struct save *s, int top, const char *path, int depth)
{
	auto_close int dir = openat(top, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int r;

	if (dir < 0 || fstat(dir, &st) < 0)
		return -errno;
	if (depth > DEPTH_MAX)
		return -ELOOP;
	if (ftell(s->out) > CG_TREE_TEXT_MAX)
		return -E2BIG;
	(void)fprintf(s->out, "D %d %d %o %s\n", own_id(s, st.st_uid), own_id(s, st.st_gid),
		      st.st_mode & 07777, path);
	save_knobs(s, dir);
	save_attributes(s, dir);
	r = save_processes(s, dir);
	if (r == 0)
		r = save_below(s, top, dir, path, depth, false);
	return r == 0 ? save_below(s, top, dir, path, depth, true) : r;
}

int cg_tree_save(int inner_fd, uint32_t id_base, FILE *out)
{
	const struct save s = {out, id_base};
	int r = save_dir(&s, inner_fd, ".", 0);

	if (r == 0 && ferror(out))
		r = -EIO;
	return r == 0 && ftell(out) > CG_TREE_TEXT_MAX ? -E2BIG : r;
}

/* ---- the text ---- */

/* -1: not of the CT's. */
static int take_id(const char *word, int *ret)
{
	if (strcmp(word, "-1") == 0)
		*ret = -1;
	else if (parse_int(word, ret) < 0 || *ret < 0 || *ret >= IDS)
		return -EINVAL;
	return 0;
}

static char *next_word(char **rest)
{
	char *w = strsep(rest, " ");

	return w != NULL && *w != '\0' ? w : NULL;
}

/* Below inner, whatever stands there. */
static bool path_is_inside(const char *p)
{
	if (strcmp(p, ".") == 0)
		return true;
	if (strncmp(p, "./", 2) != 0)
		return false;
	for (p += 2;; p++) {
		size_t n = strcspn(p, "/");

		if (n == 0 || (n == 1 && p[0] == '.') || (n == 2 && strncmp(p, "..", 2) == 0))
			return false;
		p += n;
		if (*p == '\0')
			return true;
	}
}

static bool name_is_plain(const char *s)
{
	return s != NULL && s[0] != '.' && strchr(s, '/') == NULL;
}

static int take_owner(char **rest, struct cg_tree_line *l)
{
	const char *uid = next_word(rest), *gid = next_word(rest);

	return uid == NULL || gid == NULL || take_id(uid, &l->uid) < 0 || take_id(gid, &l->gid) < 0
		       ? -EINVAL
		       : 0;
}

static int take_dir(char *rest, struct cg_tree_line *l)
{
	const char *mode;
	char *end;

	if (take_owner(&rest, l) < 0)
		return -EINVAL;
	mode = next_word(&rest);
	l->name = rest;
	if (mode == NULL || rest == NULL || !path_is_inside(rest))
		return -EINVAL;
	l->mode = (unsigned int)strtoul(mode, &end, 8);
	return *end != '\0' || l->mode > 07777 ? -EINVAL : 0;
}

static int take_file(char *rest, struct cg_tree_line *l)
{
	l->name = next_word(&rest);
	return name_is_plain(l->name) ? take_owner(&rest, l) : -EINVAL;
}

static int take_knob(char *rest, struct cg_tree_line *l)
{
	l->name = next_word(&rest);
	l->value = rest;
	for (size_t i = 0; i < sizeof(knobs) / sizeof(knobs[0]); i++)
		if (l->name != NULL && rest != NULL && strcmp(knobs[i], l->name) == 0)
			return 0;
	return -EINVAL;
}

static int take_attribute(char *rest, struct cg_tree_line *l)
{
	size_t n;

	l->name = next_word(&rest);
	l->value = rest;
	if (l->name == NULL || rest == NULL || !is_carried(l->name))
		return -EINVAL;
	n = strlen(rest);
	return n % 2 != 0 || n > VALUE_MAX || strspn(rest, "0123456789abcdef") != n ? -EINVAL : 0;
}

int cg_tree_line_parse(char *text, struct cg_tree_line *ret)
{
	struct cg_tree_line l = {.kind = text[0], .uid = -1, .gid = -1};
	int r = -EINVAL;

	if (text[0] == '\0' || text[1] != ' ')
		return -EINVAL;
	if (l.kind == 'D')
		r = take_dir(text + 2, &l);
	else if (l.kind == 'F')
		r = take_file(text + 2, &l);
	else if (l.kind == 'K')
		r = take_knob(text + 2, &l);
	else if (l.kind == 'X')
		r = take_attribute(text + 2, &l);
	else if (l.kind == 'P')
		r = parse_int(text + 2, &l.pid) < 0 || l.pid < 1 ? -EINVAL : 0;
	if (r == 0)
		*ret = l;
	return r;
}

/* ---- making it again ---- */

struct load {
	int top, dir;
	uint32_t id_base;
	enum cg_tree_part part;
	const struct cg_tree_pids *pids;
};

static uid_t host_id(const struct load *l, int id)
{
	return id < 0 ? (uid_t)0 : (uid_t)(l->id_base + (uint32_t)id);
}

static int load_dir(struct load *l, const struct cg_tree_line *line)
{
	fd_close(&l->dir);
	if (l->part == CG_TREE_DIRS && mkdirat(l->top, line->name, line->mode) < 0 &&
	    errno != EEXIST)
		return -errno;
	l->dir = openat(l->top, line->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (l->dir < 0)
		return -errno;
	if (l->part != CG_TREE_DIRS)
		return 0;
	if (fchown(l->dir, host_id(l, line->uid), host_id(l, line->gid)) < 0 ||
	    fchmod(l->dir, line->mode) < 0)
		return -errno;
	return 0;
}

/* "memory pids" to "+memory +pids". */
static void plus_each(const char *words, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	while (*words != '\0' && used + 1 < size) {
		size_t n = strcspn(words, " ");

		used += (size_t)snprintf(buf + used, size - used, "+%.*s ", (int)n, words);
		words += n + (words[n] == ' ');
	}
}

/*
 * The CT's own limits within its limits: one that this kernel or host does not take (a device that is not there,
 * a policy of I/O that this device has not, the weight 0 that kernels before 6.12 tell of an idle group) is no reason to lose the CT.
 */
bool cg_tree_may_differ(int r, const char *knob)
{
	return (r == -ERANGE || r == -EINVAL || r == -ENODEV || r == -EOPNOTSUPP || r == -EBUSY) &&
	       strncmp(knob, "cgroup.", 7) != 0;
}

static bool has_line(const char *text, const char *line)
{
	size_t n = strlen(line);

	for (; text != NULL; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (strncmp(text, line, n) == 0 && (text[n] == '\0' || text[n] == '\n'))
			return true;
	}
	return false;
}

/* A knob that has its value is left alone: some refuse what they say themselves. */
static int load_knob(const struct load *l, const struct cg_tree_line *line)
{
	char now[VALUE_MAX], next[VALUE_MAX];
	int r = file_read_line_at(l->dir, line->name, now, sizeof(now));

	if (r == -ENOENT || (r == 0 && has_line(now, line->value)))
		return 0;
	if (strcmp(line->name, "cgroup.type") == 0 && strcmp(line->value, "threaded") != 0)
		return 0;
	if (strcmp(line->name, "cgroup.subtree_control") == 0)
		plus_each(line->value, next, sizeof(next));
	else
		(void)snprintf(next, sizeof(next), "%s", line->value);
	if (next[0] == '\0')
		return 0;
	r = file_write_value_at(l->dir, line->name, next);
	return cg_tree_may_differ(r, line->name) ? 0 : r;
}

/* Of a value that the reader has let pass. */
static unsigned int hex_digit(char c)
{
	return (unsigned int)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static int load_attribute(const struct load *l, const struct cg_tree_line *line)
{
	unsigned char value[VALUE_MAX / 2];
	size_t n = strlen(line->value) / 2;

	for (size_t i = 0; i < n; i++)
		value[i] = (unsigned char)(hex_digit(line->value[2 * i]) << 4 |
					   hex_digit(line->value[2 * i + 1]));
	return fsetxattr(l->dir, line->name, value, n, 0) < 0 ? -errno : 0;
}

static int load_process(const struct load *l, const struct cg_tree_line *line)
{
	for (size_t i = 0; i < l->pids->n; i++)
		if (l->pids->v[i].inner == line->pid) {
			char word[16];

			(void)snprintf(word, sizeof(word), "%d", l->pids->v[i].pid);
			return file_write_value_at(l->dir, "cgroup.procs", word);
		}
	return 0;
}

static int load_line(struct load *l, const struct cg_tree_line *line)
{
	if (line->kind == 'D')
		return load_dir(l, line);
	if (l->dir < 0)
		return -EINVAL;
	if (line->kind == 'F' && l->part == CG_TREE_DIRS)
		return fchownat(l->dir, line->name, host_id(l, line->uid), host_id(l, line->gid),
				AT_SYMLINK_NOFOLLOW) < 0 &&
				       errno != ENOENT
			       ? -errno
			       : 0;
	if (line->kind == 'X' && l->part == CG_TREE_DIRS)
		return load_attribute(l, line);
	if (line->kind == 'K' && l->part == CG_TREE_KNOBS)
		return load_knob(l, line);
	if (line->kind == 'P' && l->part == CG_TREE_PROCESSES)
		return load_process(l, line);
	return 0;
}

int cg_tree_load(int inner_fd, uint32_t id_base, const char *text, enum cg_tree_part part,
		 const struct cg_tree_pids *pids, char *ret_bad, size_t size)
{
	struct load l = {
		.top = inner_fd, .dir = -EBADF, .id_base = id_base, .part = part, .pids = pids};
	auto_free char *copy = strdup(text);
	char *rest = copy, *line;
	int r = copy == NULL ? -ENOMEM : 0;

	while (r == 0 && (line = strsep(&rest, "\n")) != NULL) {
		struct cg_tree_line parsed;

		if (*line == '\0')
			continue;
		(void)snprintf(ret_bad, size, "%s", line);
		r = cg_tree_line_parse(line, &parsed);
		if (r == 0)
			r = load_line(&l, &parsed);
	}
	fd_close(&l.dir);
	return r;
}
