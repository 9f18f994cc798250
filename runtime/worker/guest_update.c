/* guest_update.c - changes hostname and DNS inside a running CT. */
#include "runtime/worker/guest_update.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/launch/launch.h"

#include <fcntl.h>
#include <string.h>

enum {
	UPDATE_TIMEOUT_MS = 10000
};

struct update {
	const struct guest_config *guest;
	bool dns;
};

/* Its file is written; no program of a tenant is run for that. */
static int tell_resolver(int root_fd, struct berth_error *err)
{
	const char *command = guest_resolver_reload(guest_resolver(root_fd));

	if (command == NULL)
		return 0;
	return berth_error_set(
		err, BERTH_ERR_EXEC, EINPROGRESS,
		"the new name servers take effect after '%s' in the CT, or at its next start",
		command);
}

/* As the CT's root, in its namespaces. */
static int update_inside(void *data, int *ret_fd, struct berth_error *err)
{
	const struct update *u = data;
	const struct guest_config *g = u->guest;
	auto_close int root = -EBADF;
	int r;

	(void)ret_fd;
	if (g->hostname != NULL && sethostname(g->hostname, strlen(g->hostname)) < 0)
		return berth_error_sys(err, errno, "set the hostname");
	root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return berth_error_sys(err, errno, "open its root");
	r = guest_setup(root, g, err);
	/* Others need not hear of what they did not ask for. */
	if (r == 0 && u->dns)
		r = guest_check_resolver(root, g, err);
	return r == 0 && u->dns ? tell_resolver(root, err) : r;
}

int guest_visit(uint32_t ctid, const struct pidref *init, struct cg_host *cg,
		int (*fn)(void *data, int *ret_fd, struct berth_error *err), void *data,
		struct berth_error *err)
{
	auto_close int init_fd = pidref_open(init);
	struct berth_error why = {0};
	struct cg_attach attach;
	int r;

	if (init_fd < 0)
		return berth_error_sys(err, init_fd, "CT %u: open its init", ctid);
	r = cg_ct_attach(cg, ctid, true, &attach, err);
	if (r < 0)
		return r;
	r = launch_visit(&(struct launch_visit){.init_pidfd = init_fd,
						.cgroup = &attach,
						.timeout_ms = UPDATE_TIMEOUT_MS,
						.fn = fn,
						.data = data},
			 NULL, &why);
	cg_attach_close(&attach);
	if (r < 0)
		return berth_error_set(err,
				       why.code == BERTH_ERR_PASSWD ? why.code : BERTH_ERR_EXEC,
				       why.sys, "CT %u: %.300s", ctid, why.msg);
	return 0;
}

int guest_update(uint32_t ctid, const struct pidref *init, struct cg_host *cg,
		 const struct guest_config *g, bool dns, struct berth_error *err)
{
	struct update update = {g, dns};

	return guest_visit(ctid, init, cg, update_inside, &update, err);
}
