/* suspend.h - what the files of a suspend share: suspend_save.c, suspend_finish.c, op_suspend.c. */
#pragma once

#include "netsetup/net.h"
#include "runtime/ct/info.h"
#include "runtime/worker/criu_run.h"

struct suspend {
	struct worker *w;
	struct ct_facts facts;
	struct ct_run run;
	bool booted;
	int init_pidfd;
	struct cg_host *cg;
	struct ct_config config;
	struct conf_file *conf; /* what is in effect */
	struct net_addr addrs[CT_ADDR_MAX];
	struct net_ct net;
	char cgroup[BERTH_PATH_MAX], program[BERTH_PATH_MAX], tty[64];
	int dump_fd; /* the host's root's own */
	int images_fd; /* CRIU's, in it */
	int volume_fd; /* on the CT's own disk, for flush */
	struct criu criu;
	struct checkpoint_record record;
	uint64_t memory, saved; /* bytes to be saved, and in the images */
	bool committed;
	bool stuck; /* not all could be taken back: DUMP_NEW stays, so that it is tried again */
	bool dump_failed; /* CRIU could not, for a reason of the CT's */
	struct berth_error moment; /* why a moment was refused */
};

/* "CT 101: suspend: WHAT: REASON"; r. */
int suspend_fail(const struct suspend *s, int r, const char *what, struct berth_error *err);

/* Of a CT that runs: what is known of it. Nothing is touched; init_pidfd, cg and conf are the caller's then. */
int suspend_look(struct suspend *s, struct berth_error *err);
/* Runs fn inside it, see launch_visit. These two open what berth has put there, and nothing else. */
int suspend_visit(struct suspend *s, int (*fn)(void *, int *, struct berth_error *), int *ret_fd,
		  struct berth_error *err);
int suspend_open_console(void *data, int *ret_fd, struct berth_error *err);
int suspend_open_root(void *data, int *ret_fd, struct berth_error *err);
/* Is there room for its memory on the file system of this directory? BERTH_ERR_NO_SPACE. */
int suspend_room(struct suspend *s, int dir, struct berth_error *err);

/* What the CT's root has made of its network. try: could it be loaded again, too? */
int suspend_save_network(struct suspend *s, bool try, struct berth_error *err);
/* All that CRIU does not save, of a CT that is frozen; the record is filled, and not written. */
int suspend_save(struct suspend *s, struct berth_error *err);

/* Takes its sockets out of repair mode and thaws it. */
int suspend_thaw(struct suspend *s, struct berth_error *err);
/* After a worker that died in the middle: what is committed stands, and what is not is taken back. */
int suspend_finish(struct suspend *s, struct berth_error *err);
