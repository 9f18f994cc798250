/* obstacle.c - what of a CTID is on this host already. */
#include "runtime/daemon/obstacle.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* What cannot be looked at may be there. */
static bool may_be_there(const char *path)
{
	return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

static int refuse_private(const struct daemon *d, uint32_t ctid, const char *path,
			  struct berth_error *err)
{
	return berth_error_set(
		err, BERTH_ERR_EXISTS, EEXIST,
		"CT %u: %s exists already, without a config; put its config %s/ct/%u.conf back to "
		"have CT %u again, or move the private area away, or use another CTID",
		ctid, path, d->paths.etc, ctid, ctid);
}

static int refuse_rest(uint32_t ctid, const char *path, struct berth_error *err)
{
	return berth_error_set(err, BERTH_ERR_EXISTS, EEXIST,
			       "CT %u: %s is left from an earlier CT %u; restart berthd, which "
			       "removes it or logs why it cannot, or use another CTID",
			       ctid, path, ctid);
}

int obstacle_check(const struct daemon *d, uint32_t ctid, struct berth_error *err)
{
	char path[BERTH_PATH_MAX], name[40];

	if (may_be_there(path_ct_config(&d->paths, ctid, path)))
		return berth_error_set(err, BERTH_ERR_EXISTS, EEXIST,
				       "CT %u: its config %s exists already", ctid, path);
	if (may_be_there(path_private(&d->paths, ctid, path)))
		return refuse_private(d, ctid, path, err);
	(void)snprintf(name, sizeof(name), "private/.%u.new", ctid);
	if (may_be_there(path_below(d->paths.lib, name, path)))
		return berth_error_set(err, BERTH_ERR_EXISTS, EEXIST,
				       "CT %u: %s is left from a create by berth 0.1; look at it "
				       "and remove it, or use another CTID",
				       ctid, path);
	(void)snprintf(name, sizeof(name), "state/%u.intent", ctid);
	if (may_be_there(path_below(d->paths.lib, name, path)) ||
	    may_be_there(path_run_ct(&d->paths, ctid, path)))
		return refuse_rest(ctid, path, err);
	if (cg_ct_exists(d->cg, ctid))
		return berth_error_set(err, BERTH_ERR_EXISTS, EEXIST,
				       "CT %u: a cgroup of this CTID exists already: it belongs to "
				       "another berthd with the same CGROUP_PARENT, or is left "
				       "from an earlier CT; use another CTID",
				       ctid);
	return 0;
}
