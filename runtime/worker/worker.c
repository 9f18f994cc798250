/* worker.c - finds the operation, runs it, reports how it ended; what several operations need. */
#include "runtime/worker/worker.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fault.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/base/parse.h"
#include "runtime/ct/plan.h"
#include "runtime/ct/spec.h"
#include "runtime/ct/store.h"
#include "runtime/storage/kmsg.h"
#include "runtime/storage/volume.h"
#include "runtime/wire/report.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>

int worker_cg_open(struct worker *w, struct cg_host **ret, struct berth_error *err)
{
	const char *parent = w->host.cgroup_parent;
	struct cg_host *cg;
	int r = cg_host_open(parent[0] != '\0' ? parent : NULL, &cg, err);

	if (r < 0)
		return r;
	r = cg_host_claim(cg, w->paths.root, err);
	if (r < 0)
		cg_host_free(cg);
	else
		*ret = cg;
	return r;
}

int worker_private_dir(struct worker *w, struct berth_error *err)
{
	char path[BERTH_PATH_MAX];

	if (w->private_fd < 0)
		w->private_fd = dir_open_at(AT_FDCWD, path_private(&w->paths, w->ctid, path));
	if (w->private_fd < 0)
		return berth_error_set(err, BERTH_ERR_NO_PRIVATE, -w->private_fd,
				       "CT %u: private area %s: %s", w->ctid, path,
				       strerror(-w->private_fd));
	return w->private_fd;
}

int worker_ct_dir(struct worker *w, struct berth_error *err)
{
	if (w->ct_fd < 0)
		w->ct_fd = paths_run_ct_open(&w->paths, w->ctid, err);
	return w->ct_fd;
}

int worker_run_dir(struct worker *w)
{
	if (w->run_fd < 0)
		w->run_fd = dir_open_at(AT_FDCWD, w->paths.run);
	return w->run_fd;
}

int worker_private_mounts(struct worker *w, struct berth_error *err)
{
	if (unshare(CLONE_NEWNS) < 0)
		return berth_error_sys(err, errno, "make a private mount namespace");
	fd_close(&w->private_fd);
	fd_close(&w->ct_fd);
	fd_close(&w->run_fd);
	/* Slave, not private: what the host unmounts must not stay busy through our copy. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return berth_error_sys(err, errno,
				       "set mount propagation of the private namespace");
	return 0;
}

bool worker_has_word(const struct worker *w, const char *word)
{
	for (int i = 0; i < w->n_args; i++)
		if (strcmp(w->args[i], word) == 0)
			return true;
	return false;
}

int worker_state_write(struct worker *w, const struct ct_run *run, struct berth_error *err)
{
	char text[1024];
	int dir = worker_ct_dir(w, err), r;

	if (dir < 0)
		return dir;
	r = ct_run_format(run, text, sizeof(text));
	if (r == 0)
		r = file_replace_at(dir, "state", text, strlen(text), 0644, false);
	return r < 0 ? berth_error_sys(err, r, "CT %u: write its state file", w->ctid) : 0;
}

int worker_info(struct worker *w, struct ct_info *ret, struct berth_error *err)
{
	int r = ct_info_load(&w->paths, w->ctid, ret, err);

	if (r < 0)
		return r;
	if (ret->status == CT_BROKEN)
		return -EINVAL; /* *err says what is wrong with its facts */
	return ret->status == CT_UNKNOWN ? -EAGAIN : 0; /* the same */
}

int worker_facts(struct worker *w, struct ct_facts *ret, struct berth_error *err)
{
	struct ct_info info;
	int r = worker_info(w, &info, err);

	if (r == 0)
		*ret = info.facts;
	return r;
}

static void resolve_dns(struct ct_config *c)
{
	static const char *const files[] = {"/run/systemd/resolve/resolv.conf", "/etc/resolv.conf"};
	auto_close int fd = -EBADF;
	char text[16384];
	ssize_t n;

	if (!c->nameserver_inherit)
		return;
	c->n_nameservers = 0;
	/* The host's own file may be a link (resolvconf(8)): it is followed. */
	for (size_t i = 0; i < 2 && fd < 0; i++)
		fd = open(files[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	n = fd < 0 ? -1 : fd_read_all(fd, text, sizeof(text) - 1);
	if (n < 0)
		return;
	text[n] = '\0';
	spec_inherit_dns(text, c);
}

void worker_guest(const struct worker *w, struct ct_config *c, char hostname[65],
		  struct guest_config *ret)
{
	resolve_dns(c);
	spec_guest_addrs(c);
	spec_guest(c, ret);
	if (c->hostname[0] != '\0')
		(void)snprintf(hostname, 65, "%s", c->hostname);
	else
		(void)snprintf(hostname, 65, "ct%u", w->ctid);
	ret->hostname = hostname;
}

static bool net_has_addr(const struct net_ct *n, const struct net_addr *a)
{
	for (unsigned int i = 0; n != NULL && i < n->n_links; i++)
		if (net_addr_is_in(a, n->links[i].addrs, n->links[i].n_addrs))
			return true;
	return false;
}

int worker_addrs_check(struct worker *w, const struct net_ct *next, const struct net_ct *skip,
		       struct berth_error *err)
{
	int r = 0;

	for (unsigned int l = 0; l < next->n_links; l++)
		for (unsigned int i = 0; r == 0 && i < next->links[l].n_addrs; i++)
			if (!net_has_addr(skip, &next->links[l].addrs[i]))
				r = net_addr_check_free(&next->links[l].addrs[i], w->ctid,
							&next->owner, err);
	return r;
}

int worker_sibling(const char *name, char *buf, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", buf, size);
	char *slash;

	if (n < 0)
		return -errno;
	if ((size_t)n == size)
		return -ENAMETOOLONG;
	buf[n] = '\0';
	slash = strrchr(buf, '/');
	if ((size_t)(slash + 1 - buf) + strlen(name) >= size)
		return -ENAMETOOLONG;
	memcpy(slash + 1, name, strlen(name) + 1);
	return 0;
}

char *worker_mount_path(struct worker *w, char *buf)
{
	(void)snprintf(buf, BERTH_PATH_MAX, "%.400s/root/%u", w->paths.lib, w->ctid);
	return buf;
}

char *worker_template_dir(struct worker *w, char *buf)
{
	return path_below(w->paths.lib, "template", buf);
}

/* Does this private area need the image? One whose facts cannot be read may need any. */
static bool area_needs(int area_fd, const char *name, const char *hash)
{
	auto_close int dir = dir_open_at(area_fd, name);
	struct ct_facts f;
	char text[4096];

	if (dir < 0 || file_read_line_at(dir, "facts", text, sizeof(text)) < 0 ||
	    ct_facts_parse(text, &f) < 0)
		return true;
	return strcmp(f.template_hash, hash) == 0 && strcmp(f.layout, "overlay") == 0;
}

/* By private area, not by config: a CT whose config is lost for a while keeps its image. */
int worker_template_in_use(const char *hash, void *data)
{
	struct worker *w = data;
	char path[BERTH_PATH_MAX];
	auto_closedir DIR *d = opendir(path_below(w->paths.lib, "private", path));
	struct dirent *e;
	uint32_t ctid;

	if (d == NULL)
		return 1;
	while ((e = readdir(d)) != NULL)
		if (parse_ctid(e->d_name, &ctid) == 0 && area_needs(dirfd(d), e->d_name, hash))
			return (int)ctid;
	return 0;
}

static const struct worker_op *find_op(const struct worker_op *ops, const char *name)
{
	for (; ops->name != NULL; ops++)
		if (strcmp(ops->name, name) == 0)
			return ops;
	return NULL;
}

static int take_fixed(struct host_config *h, struct berth_error *err)
{
	const char *fixed = secure_getenv(HOST_FIXED_ENV);

	return fixed != NULL ? host_config_fixed_take(fixed, h, err) : 0;
}

int worker_init(struct worker *w, const char *root, uint32_t ctid, struct berth_error *err)
{
	int r;

	*w = (struct worker){.lock_fd = -EBADF,
			     .ctid = ctid,
			     .private_fd = -EBADF,
			     .ct_fd = -EBADF,
			     .run_fd = -EBADF};
	r = berth_paths_init(&w->paths, root, err);
	if (r < 0)
		return r;
	(void)path_run_ct(&w->paths, ctid, w->ct_path);
	r = store_host_conf_load(&w->paths, &w->host_conf, err);
	if (r == 0)
		r = host_config_from(w->host_conf, &w->host, err);
	if (r == 0)
		r = take_fixed(&w->host, err);
	return r;
}

/* What a worker was given besides its words. */
struct given {
	int lock_fd;
	int fds[ORDER_PASS_MAX];
	unsigned int n_fds;
	const char *root;
	int own; /* of the words: what says how to do it again, --root and on */
};

/* Options before the operation: how many words of argv they are, or -EBADMSG. */
static int take_options(int argc, const char *const *argv, struct given *g)
{
	int at = 0;

	for (; at + 1 < argc && argv[at][0] == '-'; at += 2) {
		const char *value = argv[at + 1];
		int n;

		if (strcmp(argv[at], "--root") == 0) {
			g->root = value;
			return at + 2;
		} else if (strcmp(argv[at], "--lock") == 0) {
			if (parse_int(value, &g->lock_fd) < 0)
				return -EBADMSG;
		} else if (strcmp(argv[at], "--fds") == 0) {
			n = order_list_parse(value, g->fds);
			if (n < 0)
				return n;
			g->n_fds = (unsigned int)n;
		} else {
			return -EBADMSG;
		}
		g->own = at + 2;
	}
	return at;
}

/* argv without argv[0]: [--lock FD] [--fds FD,FD...] [--root DIR] OP [ARGUMENT...]. */
static int worker_run(const struct worker_op *ops, int argc, const char *const *argv,
		      struct given *g, struct berth_error *err)
{
	int at = take_options(argc, argv, g), r;
	const struct worker_op *op = at >= 0 && at < argc ? find_op(ops, argv[at]) : NULL;
	struct worker w;
	uint32_t ctid = 0;

	if (!order_version_fits(getenv(ORDER_VERSION_ENV)))
		return berth_error_set(
			err, BERTH_ERR_UNSUPPORTED, EPROTO,
			"berth was upgraded, and berthd is still the old one: nothing "
			"was done; restart it, containers go on: systemctl restart "
			"berthd");
	if (op == NULL || argc - at - 1 < (op->on_ct ? 1 : 0) + op->min_args)
		return berth_error_set(err, BERTH_ERR_OPTION, EINVAL,
				       "berth-worker is run by berthd, not by hand");
	at++;
	if (op->on_ct && parse_ctid(argv[at++], &ctid) < 0)
		return berth_error_set(err, BERTH_ERR_VALUE, EINVAL, "bad CTID '%s'", argv[at - 1]);
	r = worker_init(&w, g->root, ctid, err);
	w.lock_fd = g->lock_fd;
	w.n_fds = g->n_fds;
	memcpy(w.fds, g->fds, sizeof(w.fds));
	w.argv = argv + g->own;
	w.args = argv + at;
	w.n_args = argc - at;
	if (r == 0)
		r = FAULT_STEP("worker.begin", err);
	if (r == 0)
		r = op->run(&w, err);
	conf_free(w.host_conf);
	return r;
}

/*
 * Waits for an order and appends its words to argv[0..argc-1]. Returns the new argc; 0: berthd has gone
 * away, or has broken off.
 */
static int take_order(const char **argv, int argc, struct given *g)
{
	static char buf[ORDER_SIZE];
	const char *words[ORDER_WORDS + 1];
	int fds[ORDER_FDS], n;
	unsigned int n_fds = 0;
	ssize_t len = fd_recv_message(STDIN_FILENO, buf, sizeof(buf), fds, ORDER_FDS, &n_fds);
	auto_close int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (len <= 0 || n_fds == 0 || null_fd < 0)
		return 0;
	n = order_parse(buf, (size_t)len, words);
	if (n < 0 || dup2(fds[0], STDOUT_FILENO) < 0 || dup2(null_fd, STDIN_FILENO) < 0)
		return 0;
	(void)close(fds[0]);
	if (n_fds > 1)
		g->lock_fd = fds[1];
	for (unsigned int i = 2; i < n_fds; i++)
		g->fds[g->n_fds++] = fds[i];
	memcpy(argv + argc, words, ((size_t)n + 1) * sizeof(words[0]));
	return argc + n;
}

/* The words after the program's name; those of an order take the place of ORDER_WAIT. */
static int run_words(const struct worker_op *ops, int argc, char **argv, struct berth_error *err)
{
	const char *words[ORDER_WORDS + 3] = {NULL};
	struct given g = {.lock_fd = -EBADF};

	if (argc == 0 || argc > 3 || strcmp(argv[argc - 1], ORDER_WAIT) != 0)
		return worker_run(ops, argc, (const char *const *)argv, &g, err);
	for (int i = 0; i < argc - 1; i++)
		words[i] = argv[i];
	cg_host_expect();
	argc = take_order(words, argc - 1, &g);
	if (argc == 0)
		_exit(0);
	return worker_run(ops, argc, words, &g, err);
}

/* What nobody needs to wait for, with nothing of the CT's and nothing of berthd's: neither lock nor report. */
static int linger(int status)
{
	auto_close int null_fd = -EBADF;

	/* The lock before the report: whoever hears the end may take it. */
	(void)close_range(3, ~0U, 0);
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_fd < 0 || dup2(null_fd, STDOUT_FILENO) < 0)
		return status;
	(void)prctl(PR_SET_NAME, "berth-release");
	volume_forget_devices();
	return status;
}

int worker_main(const struct worker_op *ops, int argc, char **argv)
{
	struct berth_error err = {0};

	log_init("berth-worker", LOG_LV_INFO);
	if (argc == 2 && strcmp(argv[1], "points") == 0) {
		fault_list(stdout);
		plan_list(stdout);
		return 0;
	}
	if (fault_init("berth-worker") < 0)
		log_line(LOG_LV_WARNING, 0, FAULT_ENV " names no fault table of root's: not used");
	/* Inherited: the CT's lock, and what adopt is given. Neither is for a program run from here. */
	(void)close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)umask(0022);
	kmsg_mark();
	if (run_words(ops, argc - 1, argv + 1, &err) < 0) {
		report_error(&err);
		return linger(1);
	}
	/* The lock too: whoever hears "done" may go on. */
	(void)close_range(3, ~0U, 0);
	(void)FAULT_POINT("worker.done");
	report_done();
	return linger(0);
}
