/* guest_net.c - what a CT's root has made of its network. */
#include "runtime/worker/guest_net.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/base/parse.h"
#include "runtime/base/spawn.h"
#include "runtime/launch/launch.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum {
	TIMEOUT_MS = 30000,
	VALUE_MAX = 1024,
	DEPTH_MAX = 6,
	TEXT_MAX = 4 << 20
};

struct guest_net {
	uint32_t ctid;
	const struct net_ct *net;
	int sysctl_fd, nft_fd;
	FILE *out;
};

static int fail(const struct guest_net *g, int r, const char *what, struct berth_error *err)
{
	return berth_error_sys(err, r, "CT %u: %s", g->ctid, what);
}

/* ---- sysctls ---- */

/* Switches that set others are loaded first. */
static bool is_switch(const char *path)
{
	return strstr(path, "/forwarding") != NULL || strstr(path, "ip_forward") != NULL;
}

static void save_one(struct guest_net *g, const char *path, bool switches)
{
	char value[VALUE_MAX];

	if (is_switch(path) == switches &&
	    file_read_line_at(AT_FDCWD, path, value, sizeof(value)) == 0 &&
	    strchr(value, '\n') == NULL)
		(void)fprintf(g->out, "%s %s\n", path, value);
}

static void save_below(struct guest_net *g, const char *dir, int depth, bool switches)
{
	auto_closedir DIR *d = opendir(dir);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		char path[512];

		if (e->d_name[0] == '.' || strpbrk(e->d_name, " \n") != NULL ||
		    (size_t)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) >= sizeof(path))
			continue;
		if (e->d_type == DT_DIR && depth < DEPTH_MAX)
			save_below(g, path, depth + 1, switches);
		else if (e->d_type == DT_REG)
			save_one(g, path, switches);
	}
}

static int save_sysctls(struct guest_net *g, struct berth_error *err)
{
	g->out = fdopen(g->sysctl_fd, "w");
	if (g->out == NULL)
		return fail(g, errno, "save its sysctls", err);
	save_below(g, "/proc/sys/net", 0, true);
	save_below(g, "/proc/sys/net", 0, false);
	return fclose(g->out) != 0 ? fail(g, errno, "save its sysctls", err) : 0;
}

int guest_sysctl_parse(char *line, const char **ret_path, const char **ret_value)
{
	char *blank = strchr(line, ' ');

	if (blank == NULL || strncmp(line, "/proc/sys/net/", 14) != 0)
		return -EINVAL;
	*blank = '\0';
	if (strstr(line, "..") != NULL || strstr(line, "//") != NULL || strlen(line) >= 512)
		return -EINVAL;
	*ret_path = line;
	*ret_value = blank + 1;
	return 0;
}

/* What is so already is left alone, and what the CT's root may not write it has not written. */
static int load_sysctls(struct guest_net *g, struct berth_error *err)
{
	auto_free char *text = malloc(TEXT_MAX);
	char *rest = text, *line;
	ssize_t n = text == NULL ? -ENOMEM : fd_read_all(g->sysctl_fd, text, TEXT_MAX - 1);

	if (n < 0)
		return fail(g, (int)n, "read its sysctls", err);
	text[n] = '\0';
	while ((line = strsep(&rest, "\n")) != NULL) {
		const char *path, *value;
		char now[VALUE_MAX];
		int r;

		if (*line == '\0')
			continue;
		if (guest_sysctl_parse(line, &path, &value) < 0)
			return berth_error_set(err, BERTH_ERR_BROKEN, EBADMSG,
					       "CT %u: its saved sysctls are damaged", g->ctid);
		if (file_read_line_at(AT_FDCWD, path, now, sizeof(now)) < 0 ||
		    strcmp(now, value) == 0)
			continue;
		r = file_write_value_at(AT_FDCWD, path, value);
		/* One that this host does not take, a congestion control that it has not loaded, is told. */
		if (r < 0 && r != -EACCES && r != -EPERM && r != -EINVAL)
			log_line(LOG_LV_WARNING, g->ctid,
				 "resume: sysctl %s is not what it was: %s", path, strerror(-r));
	}
	return 0;
}

/* ---- the packet filter ---- */

static int run_nft(struct guest_net *g, const char *const *argv, int in, int out,
		   struct berth_error *err)
{
	pid_t pid;
	int status = 0,
	    r = spawn_program(argv, NULL, &(struct spawn_fds){.in = in, .out = out, .err = -1},
			      &pid, NULL, err);

	if (r < 0)
		return r;
	if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return berth_error_set(err, BERTH_ERR_HELPER, EIO,
				       "CT %u: nft could not %s its packet filter", g->ctid,
				       in >= 0 ? "load" : "list");
	return 0;
}

/* Rules of the old tables are seen by their tools only, which CTs have and hosts have not. */
static int check_old_tables(struct guest_net *g, struct berth_error *err)
{
	static const char *const files[] = {"/proc/net/ip_tables_names",
					    "/proc/net/ip6_tables_names",
					    "/proc/net/arp_tables_names"};
	char text[256];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (file_read_line_at(AT_FDCWD, files[i], text, sizeof(text)) == 0 &&
		    text[0] != '\0')
			return berth_error_set(
				err, BERTH_ERR_UNSUPPORTED, EOPNOTSUPP,
				"CT %u has rules of iptables-legacy (table %.20s), which cannot be "
				"carried: use iptables-nft in it, or flush them",
				g->ctid, text);
	return 0;
}

/* ---- links, addresses, routes ---- */

static int check_links(struct guest_net *g, struct berth_error *err)
{
	struct if_nameindex *all = if_nameindex();
	int r = all == NULL ? fail(g, errno, "list its links", err) : 0;

	for (struct if_nameindex *i = all; r == 0 && i->if_index != 0; i++)
		if (strcmp(i->if_name, "lo") != 0 && strncmp(i->if_name, "venet", 5) != 0)
			r = berth_error_set(err, BERTH_ERR_UNSUPPORTED, EOPNOTSUPP,
					    "CT %u has a link of its own, %s, which cannot be "
					    "carried yet: remove it first",
					    g->ctid, i->if_name);
	if (all != NULL)
		if_freenameindex(all);
	return r;
}

static bool addr_is_ours(const struct guest_net *g, const struct ifaddrs *i)
{
	struct net_addr a = {.family = i->ifa_addr->sa_family};

	if (a.family == AF_INET) {
		a.v4 = ((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr;
		if ((ntohl(a.v4.s_addr) >> 24) == 127)
			return true;
	} else {
		a.v6 = ((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr;
		if (IN6_IS_ADDR_LINKLOCAL(&a.v6) || IN6_IS_ADDR_LOOPBACK(&a.v6))
			return true;
	}
	for (unsigned int l = 0; l < g->net->n_links; l++)
		if (net_addr_is_in(&a, g->net->links[l].addrs, g->net->links[l].n_addrs))
			return true;
	return false;
}

static int check_addrs(struct guest_net *g, struct berth_error *err)
{
	struct ifaddrs *all = NULL;
	int r = getifaddrs(&all) < 0 ? fail(g, errno, "list its addresses", err) : 0;

	for (struct ifaddrs *i = all; r == 0 && i != NULL; i = i->ifa_next)
		if (i->ifa_addr != NULL &&
		    (i->ifa_addr->sa_family == AF_INET || i->ifa_addr->sa_family == AF_INET6) &&
		    !addr_is_ours(g, i))
			r = berth_error_set(
				err, BERTH_ERR_UNSUPPORTED, EOPNOTSUPP,
				"CT %u has an address on %s that its config has not, "
				"and that cannot be carried yet: add it by berth set, or "
				"remove it",
				g->ctid, i->ifa_name);
	freeifaddrs(all);
	return r;
}

void guest_routes_foreign(const char *table, char buf[40])
{
	const char *line = strchr(table, '\n'); /* the first names the columns */

	buf[0] = '\0';
	while (line != NULL && *++line != '\0') {
		const char *at = line + strcspn(line, "\t ");
		uint64_t to, via;

		/* Ours is the one that leads to 169.254.0.1; the kernel's own need no gateway and lead to a link. */
		if (parse_next(&at, "\t ", 16, &to) == 0 && parse_next(&at, "\t ", 16, &via) == 0 &&
		    !(to == 0 && via == htonl(0xa9fe0001))) {
			struct in_addr a = {.s_addr = (in_addr_t)to};

			(void)inet_ntop(AF_INET, &a, buf, 40);
			return;
		}
		line = strchr(line, '\n');
	}
}

static int check_routes(struct guest_net *g, struct berth_error *err)
{
	auto_free char *text = NULL;
	char to[40];

	if (file_read_at(AT_FDCWD, "/proc/net/route", 1 << 20, &text, NULL) < 0)
		return 0;
	guest_routes_foreign(text, to);
	return to[0] == '\0'
		       ? 0
		       : berth_error_set(err, BERTH_ERR_UNSUPPORTED, EOPNOTSUPP,
					 "CT %u has a route of its own, to %s, which cannot be "
					 "carried yet: remove it first",
					 g->ctid, to);
}

/* ---- all of it ---- */

static int save_inside(void *data, struct berth_error *err)
{
	static const char *const list[] = {"nft", "-s", "list", "ruleset", NULL};
	struct guest_net *g = data;
	int r = check_links(g, err);

	if (r == 0)
		r = check_addrs(g, err);
	if (r == 0)
		r = check_routes(g, err);
	if (r == 0)
		r = check_old_tables(g, err);
	if (r == 0)
		r = run_nft(g, list, -1, g->nft_fd, err);
	return r == 0 ? save_sysctls(g, err) : r;
}

static int load_inside(void *data, struct berth_error *err)
{
	static const char *const load[] = {"nft", "-f", "-", NULL};
	struct guest_net *g = data;
	int r = load_sysctls(g, err);

	return r == 0 ? run_nft(g, load, g->nft_fd, -1, err) : r;
}

static int run(struct guest_net *g, int userns_fd, int netns_fd, int dirfd, int flags,
	       int (*fn)(void *, struct berth_error *), struct berth_error *err)
{
	auto_close int sysctl = openat(dirfd, "sysctl", flags | O_CLOEXEC | O_NOFOLLOW, 0600);
	auto_close int nft = openat(dirfd, "nft", flags | O_CLOEXEC | O_NOFOLLOW, 0600);
	const int fds[] = {sysctl, nft};

	if (sysctl < 0 || nft < 0)
		return fail(g, errno, "open the files of its network", err);
	g->sysctl_fd = sysctl;
	g->nft_fd = nft;
	return launch_in_net(&(struct launch_in_net){.userns_fd = userns_fd,
						     .netns_fd = netns_fd,
						     .fds = fds,
						     .n_fds = 2,
						     .timeout_ms = TIMEOUT_MS,
						     .fn = fn,
						     .data = g},
			     err);
}

int guest_net_save(uint32_t ctid, int userns_fd, int netns_fd, int dirfd, const struct net_ct *net,
		   struct berth_error *err)
{
	struct guest_net g = {.ctid = ctid, .net = net};

	return run(&g, userns_fd, netns_fd, dirfd, O_WRONLY | O_CREAT | O_TRUNC, save_inside, err);
}

int guest_net_load(uint32_t ctid, int userns_fd, int netns_fd, int dirfd, struct berth_error *err)
{
	struct guest_net g = {.ctid = ctid};

	return run(&g, userns_fd, netns_fd, dirfd, O_RDONLY, load_inside, err);
}
