/* args.c - the command line of berth-monitor. */
#include "runtime/monitor/args.h"

#include "runtime/base/parse.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

enum {
	FD_MIN = 3,
	FD_MAX = 65535,
	WORD_MAX = 192
};

enum key_kind {
	KEY_FD,
	KEY_FD_OR_NONE,
	KEY_PID,
	KEY_FD_LIST,
	KEY_VIEW,
	KEY_BOOL
};

struct key_row {
	const char *name;
	enum key_kind kind;
	bool required;
	size_t offset; /* of the member it fills */
};

#define MEMBER(m) offsetof(struct monitor_args, m)

static const struct key_row keys[] = {
	{"init", KEY_FD, true, MEMBER(init)},
	{"initpid", KEY_PID, true, MEMBER(init_pid)},
	{"listen", KEY_FD, true, MEMBER(listen)},
	{"dir", KEY_FD, true, MEMBER(dir)},
	{"seccomp", KEY_FD, true, MEMBER(seccomp)},
	{"exec", KEY_FD, true, MEMBER(cgroup.unified)},
	{"v1", KEY_FD_LIST, false, MEMBER(cgroup)},
	{"console", KEY_FD_OR_NONE, false, MEMBER(console)},
	{"devpts", KEY_FD_OR_NONE, false, MEMBER(devpts)},
	{"notify", KEY_FD_OR_NONE, false, MEMBER(notify)},
	{"view", KEY_VIEW, false, MEMBER(view)},
	{"viewuid", KEY_PID, false, MEMBER(view_uid)},
	{"child", KEY_BOOL, false, MEMBER(child)},
	{"booted", KEY_BOOL, false, MEMBER(booted)},
};

enum {
	N_KEYS = sizeof(keys) / sizeof(keys[0])
};

static int parse_fd(const char *word, bool none_allowed, int *ret)
{
	int v, r = parse_int(word, &v);

	if (r < 0)
		return r;
	if ((v < FD_MIN || v > FD_MAX) && !(none_allowed && v == -1))
		return -EINVAL;
	*ret = v;
	return 0;
}

static int parse_fd_list(const char *word, int *fds, unsigned int max, unsigned int *n)
{
	char item[8];

	for (;;) {
		size_t len = strcspn(word, ",");
		int r;

		if (len >= sizeof(item) || *n == max)
			return -EINVAL;
		memcpy(item, word, len);
		item[len] = '\0';
		r = parse_fd(item, false, &fds[*n]);
		if (r < 0)
			return r;
		(*n)++;
		if (word[len] == '\0')
			return 0;
		word += len + 1;
	}
}

static int parse_view(const char *word, struct view_fds *ret)
{
	int fds[1 + VIEW_SOURCES];
	unsigned int n = 0;
	int r = parse_fd_list(word, fds, 1 + VIEW_SOURCES, &n);

	if (r < 0 || n != 1 + VIEW_SOURCES)
		return -EINVAL;
	ret->fuse = fds[0];
	memcpy(ret->source, fds + 1, sizeof(ret->source));
	return 0;
}

static int parse_value(enum key_kind kind, const char *word, void *ret)
{
	switch (kind) {
	case KEY_FD:
	case KEY_FD_OR_NONE:
		return parse_fd(word, kind == KEY_FD_OR_NONE, ret);
	case KEY_PID: {
		int v, r = parse_int(word, &v);

		if (r < 0 || v < 1)
			return -EINVAL;
		*(pid_t *)ret = v;
		return 0;
	}
	case KEY_FD_LIST: {
		struct cg_attach *a = ret;

		return parse_fd_list(word, a->v1, CG_V1_MAX, &a->n_v1);
	}
	case KEY_VIEW:
		return parse_view(word, ret);
	case KEY_BOOL:
		if ((word[0] != '0' && word[0] != '1') || word[1] != '\0')
			return -EINVAL;
		*(bool *)ret = word[0] == '1';
		return 0;
	}
	return -EINVAL;
}

static int parse_word(const char *word, unsigned int *seen, struct monitor_args *a)
{
	size_t len = strcspn(word, "=");

	if (word[len] == '\0' || strlen(word) > WORD_MAX)
		return -EINVAL;
	for (unsigned int i = 0; i < N_KEYS; i++) {
		if (strlen(keys[i].name) != len || strncmp(keys[i].name, word, len) != 0)
			continue;
		if ((*seen & 1u << i) != 0)
			return -EINVAL;
		*seen |= 1u << i;
		return parse_value(keys[i].kind, word + len + 1, (char *)a + keys[i].offset);
	}
	return -EINVAL;
}

/* Every required key was there, and no descriptor serves twice. */
static int check_complete(const struct monitor_args *a, unsigned int seen, const char **ret_bad)
{
	int fds[MONITOR_FDS_MAX];
	unsigned int n;

	for (unsigned int i = 0; i < N_KEYS; i++) {
		if (keys[i].required && (seen & 1u << i) == 0) {
			*ret_bad = keys[i].name;
			return -EINVAL;
		}
	}
	if ((a->view_uid > 0) != (a->view.fuse >= 0)) {
		*ret_bad = "view without viewuid";
		return -EINVAL;
	}
	n = monitor_args_fds(a, fds);
	for (unsigned int i = 1; i < n; i++) {
		if (fds[i] == fds[i - 1]) {
			*ret_bad = "a descriptor named twice";
			return -EINVAL;
		}
	}
	return 0;
}

int monitor_args_parse(int argc, const char *const *argv, struct monitor_args *ret,
		       const char **ret_bad)
{
	struct monitor_args a = {.console = -1, .devpts = -1, .notify = -1, .child = true};
	unsigned int seen = 0;
	int r;

	view_fds_init(&a.view);
	*ret_bad = "CTID and RUNDIR";
	if (argc < 3)
		return -EINVAL;
	*ret_bad = argv[1];
	if (parse_ctid(argv[1], &a.ctid) < 0)
		return -EINVAL;
	*ret_bad = argv[2];
	if (argv[2][0] != '/')
		return -EINVAL;
	a.rundir = argv[2];
	for (int i = 3; i < argc; i++) {
		*ret_bad = argv[i];
		if (parse_word(argv[i], &seen, &a) < 0)
			return -EINVAL;
	}
	r = check_complete(&a, seen, ret_bad);
	if (r == 0)
		*ret = a;
	return r;
}

/* Into its place among n. */
static void insert_fd(int fd, int fds[MONITOR_FDS_MAX], unsigned int *n)
{
	unsigned int at = *n;

	if (fd < 0)
		return;
	for (; at > 0 && fds[at - 1] > fd; at--)
		fds[at] = fds[at - 1];
	fds[at] = fd;
	(*n)++;
}

unsigned int monitor_args_fds(const struct monitor_args *a, int fds[MONITOR_FDS_MAX])
{
	const int one[] = {a->init,    a->listen, a->dir,    a->seccomp,
			   a->console, a->devpts, a->notify, a->cgroup.unified};
	unsigned int n = 0;

	for (unsigned int i = 0; i < sizeof(one) / sizeof(one[0]); i++)
		insert_fd(one[i], fds, &n);
	for (unsigned int i = 0; i < a->cgroup.n_v1; i++)
		insert_fd(a->cgroup.v1[i], fds, &n);
	for (unsigned int i = 0; i < VIEW_SOURCES && a->view_uid > 0; i++)
		insert_fd(a->view.source[i], fds, &n);
	if (a->view_uid > 0)
		insert_fd(a->view.fuse, fds, &n);
	return n;
}
