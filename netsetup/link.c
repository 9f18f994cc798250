/* link.c - the host's end of a link of ours: found by its name, removed. For all drivers that use veth pairs. */
#include "netsetup/driver.h"
#include "runtime/base/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	LINK_PAUSE_US = 200
};

int net_link_find(struct rtnl *r, const struct net_link_id *id, const char *own,
		  struct rtnl_link *ret, enum net_whose *ret_whose, struct berth_error *err)
{
	struct berth_error e = {0};
	int res = rtnl_link_by_name(r, id->host, ret, &e);

	*ret_whose = NET_NOBODY;
	if (res == -ENODEV)
		return 0;
	if (res == 0)
		*ret_whose = ret->veth ? net_alias_whose(ret->alias, own) : NET_FOREIGN;
	else if (err != NULL)
		*err = e;
	return res;
}

static int refuse_foreign(uint32_t ctid, const struct rtnl_link *link, struct berth_error *err)
{
	char text[NET_ALIAS_TEXT];

	return berth_error_set(err, BERTH_ERR_NET, EEXIST,
			       "CT %u: the link %s exists already and belongs to %s; use another "
			       "CTID, or rename that link: ip link set %s name NEW",
			       ctid, link->name, net_alias_text(link->alias, text), link->name);
}

int net_link_remove(struct rtnl *r, const struct net_link_id *id, const char *own,
		    struct berth_error *err)
{
	struct rtnl_link link;
	enum net_whose whose;
	int res = net_link_find(r, id, own, &link, &whose, err);

	if (res < 0 || whose == NET_NOBODY)
		return res;
	if (whose != NET_OURS)
		return refuse_foreign(id->ctid, &link, err);
	rtnl_link_del(r, link.name);
	return rtnl_commit(r, err);
}

/* Whoever has removed a link waits for RCU in the kernel, 10 to 40 ms after it is gone: this process does. */
static _Noreturn void remover(const struct net_link_id *id, const char *own, pid_t parent)
{
	struct rtnl *r = NULL;

	/* Not without its parent: the next start may have made a link of that name. And with none of its files. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent ||
	    close_range(0, ~0U, 0) < 0 || rtnl_open("", &r, NULL) < 0)
		_exit(1);
	_exit(net_link_remove(r, id, own, NULL) < 0);
}

/* Is there nothing to be waited for any more? The link is gone, or its remover. */
static bool is_removed(struct rtnl *r, const struct net_link_id *id, const char *own, pid_t pid)
{
	struct rtnl_link link;
	enum net_whose whose;

	return net_link_find(r, id, own, &link, &whose, NULL) < 0 || whose != NET_OURS ||
	       waitpid(pid, NULL, WNOHANG) != 0;
}

int net_link_take(struct rtnl *r, const struct net_link_id *id, const char *own,
		  struct berth_error *err)
{
	struct rtnl_link link;
	enum net_whose whose;
	pid_t self = getpid(), pid = fork();
	int res;

	if (pid == 0)
		remover(id, own, self);
	while (pid > 0 && !is_removed(r, id, own, pid))
		clock_pause_us(LINK_PAUSE_US);
	/* One that came too late must not find the link of the next start. */
	if (pid > 0 && waitpid(pid, NULL, WNOHANG) == 0)
		(void)kill(pid, SIGKILL);
	res = net_link_find(r, id, own, &link, &whose, err);
	if (res < 0 || whose != NET_OURS) /* the usual case: there is none */
		return res;
	rtnl_link_del(r, link.name);
	return rtnl_commit(r, err);
}
