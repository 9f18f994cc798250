/*
 * worker.h - one long operation in a process of its own, so that berthd never blocks and never mounts.
 *
 * berth-worker [--lock FD] [--fds FD,FD...] [--root DIR] OP [ARGUMENT...]: reports on stdout (report.h), logs on stderr. berthd
 * holds the CT's lock through a descriptor that the worker inherits, so the lock lasts as long as
 * the operation, whoever dies.
 */
#pragma once

#include "cgroups/cg.h"
#include "netsetup/net.h"
#include "runtime/base/error.h"
#include "runtime/base/paths.h"
#include "runtime/config/ct_config.h"
#include "runtime/config/file.h"
#include "runtime/ct/info.h"
#include "runtime/wire/order.h"
#include "templates/guest.h"

struct worker {
	struct berth_paths paths;
	struct conf_file *host_conf;
	struct host_config host;
	int lock_fd; /* the CT's lock, inherited; -EBADF: none */
	int fds[ORDER_PASS_MAX]; /* passed on to it (order.h); the words say what they are */
	unsigned int n_fds;
	const char *const *argv; /* all of it, from --root on; ends with NULL */
	const char *const *args; /* of the operation, after the CTID */
	int n_args;
	uint32_t ctid; /* operations on a CT */
	char ct_path[BERTH_PATH_MAX]; /* of ct_fd */
	/* Opened when they are first asked for (worker_*_dir); -EBADF: not yet. */
	int private_fd, ct_fd, run_fd;
};

struct worker_op {
	const char *name;
	bool on_ct; /* the first argument is a CTID */
	int min_args; /* after the CTID */
	int (*run)(struct worker *w, struct berth_error *err);
};

int op_create(struct worker *w, struct berth_error *err);
int op_destroy(struct worker *w, struct berth_error *err);
int op_start(struct worker *w, struct berth_error *err);
int op_suspend(struct worker *w, struct berth_error *err);
int op_why_not(struct worker *w, struct berth_error *err);
int op_resume(struct worker *w, struct berth_error *err);
int op_adopt(struct worker *w, struct berth_error *err);
int op_cleanup(struct worker *w, struct berth_error *err);
int op_apply(struct worker *w, struct berth_error *err);
int op_login(struct worker *w, struct berth_error *err);
int op_mount(struct worker *w, struct berth_error *err);
int op_umount(struct worker *w, struct berth_error *err);
int op_host_setup(struct worker *w, struct berth_error *err);
int op_template_sweep(struct worker *w, struct berth_error *err);
int op_doctor(struct worker *w, struct berth_error *err);
/* All of template-*: becomes berth-worker-template, see op_template.c. */
int op_template(struct worker *w, struct berth_error *err);
/* All of send and receive: becomes berth-worker-migrate, see op_migrate.c. */
int op_migrate(struct worker *w, struct berth_error *err);

/* The whole of a worker program; ops ends with a row without a name. Returns its exit status. */
int worker_main(const struct worker_op *ops, int argc, char **argv);

/* For one operation: paths and configuration of the host; ctid 0: none. The caller frees host_conf. */
int worker_init(struct worker *w, const char *root, uint32_t ctid, struct berth_error *err);

/* ---- what several operations need ---- */

/* cg_host_open with CGROUP_PARENT of berth.conf. */
int worker_cg_open(struct worker *w, struct cg_host **ret, struct berth_error *err);
/* Directories, the worker's own: nobody else closes them. private/CTID. */
int worker_private_dir(struct worker *w, struct berth_error *err);
/* RUN/ct/CTID, made when missing. */
int worker_ct_dir(struct worker *w, struct berth_error *err);
/* RUN; -errno. */
int worker_run_dir(struct worker *w);
/*
 * Leaves the host's mount table alone from here on: mounts of ours stay in a private copy. Directories that were
 * opened before are of the other table, and no mount can go on them: they are opened anew.
 */
int worker_private_mounts(struct worker *w, struct berth_error *err);
/* Was the operation given this word? */
bool worker_has_word(const struct worker *w, const char *word);
/* RUN/ct/CTID/state. */
int worker_state_write(struct worker *w, const struct ct_run *run, struct berth_error *err);
/* What its files say of the CT; one that is damaged, or of which it cannot be told what it is, is an error. */
int worker_info(struct worker *w, struct ct_info *ret, struct berth_error *err);
/* The facts of that. */
int worker_facts(struct worker *w, struct ct_facts *ret, struct berth_error *err);
/*
 * What is told to the CT itself: name servers for "inherit" are those of the host, a CT without a name is
 * "ctN". ret points into c and hostname; of networks only their first addresses are left in c.
 */
void worker_guest(const struct worker *w, struct ct_config *c, char hostname[65],
		  struct guest_config *ret);
/* Does a CT need the image with this hash? Its CTID, or 0. data is the struct worker. */
int worker_template_in_use(const char *hash, void *data);
/* Refuses addresses that this host itself uses; skip (may be NULL): those the CT has already. */
int worker_addrs_check(struct worker *w, const struct net_ct *next, const struct net_ct *skip,
		       struct berth_error *err);
/* The path of a file that is installed beside this program. -errno. */
int worker_sibling(const char *name, char *buf, size_t size);
/* Where `mount` shows the root of a stopped CT. */
char *worker_mount_path(struct worker *w, char *buf);
/* Templates' directory. */
char *worker_template_dir(struct worker *w, char *buf);
