/* peer.c - who is at the other end of a connection, by the kernel's word only. */
#include "runtime/rpc/impl.h"

#include "runtime/base/cleanup.h"

#include <grp.h>
#include <sys/socket.h>

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

gid_t group_lookup(const char *name)
{
	struct group entry;
	struct group *found = NULL;
	char buf[4096];

	if (name == NULL || getgrnam_r(name, &entry, buf, sizeof(buf), &found) != 0 ||
	    found == NULL)
		return 0;
	return found->gr_gid;
}

/* The supplementary groups at the time of connect(2). */
static bool peer_has_group(int fd, gid_t gid)
{
	auto_free gid_t *groups = NULL;
	socklen_t len = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &len) == 0 || errno != ERANGE)
		return false;
	groups = malloc(len);
	if (groups == NULL || getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (size_t i = 0; i < len / sizeof(*groups); i++)
		if (groups[i] == gid)
			return true;
	return false;
}

int peer_identify(int fd, gid_t read_gid, struct rpc_peer *ret)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	*ret = (struct rpc_peer){
		.uid = cred.uid,
		.gid = cred.gid,
		.pid = cred.pid,
		.in_read_group =
			cred.uid == 0 || cred.gid == read_gid || peer_has_group(fd, read_gid),
	};
	return 0;
}
