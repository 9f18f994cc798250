/* guest_net.c - what a CT's root has made of its network. */
#include "runtime/worker/guest_net.h"

#include "netsetup/guest_state.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/base/parse.h"
#include "runtime/base/spawn.h"
#include "runtime/launch/launch.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	TIMEOUT_MS = 30000,
	VALUE_MAX = 1024,
	DEPTH_MAX = 6,
	TEXT_MAX = 4 << 20,
	LOST_TOLD = 20
};

struct guest_net {
	uint32_t ctid;
	const struct net_ct *net;
	bool try; /* would nft take its rules again, though they are those of the last save? */
	unsigned int n_lost; /* parts of the network that could not be made again */
	int sysctl_fd, nft_fd, state_fd;
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

/* What is read of a listing that a tenant has a part in (comments, names) is to be rules, and no other file. */
bool guest_rules_include(const char *text)
{
	bool begins = true;

	for (const char *p = text; *p != '\0'; p++) {
		if (begins && strncmp(p, "include", 7) == 0 && !isalnum((unsigned char)p[7]) &&
		    p[7] != '_')
			return true;
		if (strchr("\n;{}", *p) != NULL)
			begins = true;
		else if (*p != ' ' && *p != '\t')
			begins = false;
	}
	return false;
}

/* What nft complains of, in one line. */
static void first_line(int fd, char *buf, size_t size)
{
	ssize_t n = pread(fd, buf, size - 1, 0);

	buf[n < 0 ? 0 : n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
}

static int run_nft(struct guest_net *g, const char *const *argv, int in, int out,
		   char complaint[200], struct berth_error *err)
{
	auto_close int said = memfd_create("nft", MFD_CLOEXEC);
	pid_t pid;
	int status = 0,
	    r = spawn_program(argv, NULL, &(struct spawn_fds){.in = in, .out = out, .err = said},
			      &pid, NULL, err);

	complaint[0] = '\0';
	if (r < 0)
		return r;
	if (waitpid(pid, &status, 0) >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (said >= 0)
		first_line(said, complaint, 200);
	return berth_error_set(err, BERTH_ERR_HELPER, EIO,
			       "CT %u: nft could not %s its packet filter: %s", g->ctid,
			       in >= 0 ? "load" : "list", complaint);
}

static int check_rules(struct guest_net *g, const char *text, struct berth_error *err)
{
	return guest_rules_include(text)
		       ? berth_error_set(err, BERTH_ERR_UNSUPPORTED, EOPNOTSUPP,
					 "CT %u: a name or comment in its packet filter reads as "
					 "\"include\", which nft would take for a file: change it",
					 g->ctid)
		       : 0;
}

static int read_rules(struct guest_net *g, char **ret, struct berth_error *err)
{
	char *text = malloc(TEXT_MAX);
	ssize_t n = text == NULL ? -ENOMEM : pread(g->nft_fd, text, TEXT_MAX - 1, 0);

	if (n == TEXT_MAX - 1 || n < 0) {
		int r = n < 0 ? -errno : -E2BIG;

		free(text);
		return r != -E2BIG ? fail(g, r, "read its packet filter", err)
				   : berth_error_set(err, BERTH_ERR_UNSUPPORTED, E2BIG,
						     "CT %u has more than %d MiB of packet filter, "
						     "which is more than a suspend carries: remove "
						     "some of its rules (nft list ruleset)",
						     g->ctid, TEXT_MAX >> 20);
	}
	text[n] = '\0';
	*ret = text;
	return 0;
}

/* All that it has, and then its rules instead: tried by the kernel, and not done. */
static int try_rules(struct guest_net *g, const char *text, struct berth_error *err)
{
	static const char *const check[] = {"nft", "-c", "-f", "-", NULL};
	auto_close int in = memfd_create("rules", MFD_CLOEXEC);
	char complaint[200];

	if (in < 0 || dprintf(in, "flush ruleset\n%s", text) < 0 || lseek(in, 0, SEEK_SET) < 0)
		return fail(g, -errno, "try its packet filter", err);
	if (run_nft(g, check, in, -1, complaint, err) == 0)
		return 0;
	return berth_error_set(
		err, BERTH_ERR_UNSUPPORTED, EOPNOTSUPP,
		"CT %u: nft would not load its packet filter again (%.160s): rules of "
		"iptables-nft that nft has no words for, and tables that a program "
		"owns, cannot be carried; write them for nft, or flush them",
		g->ctid, complaint);
}

/* A program may have changed them since they were tried. */
static int save_filter(struct guest_net *g, struct berth_error *err)
{
	static const char *const list[] = {"nft", "-s", "list", "ruleset", NULL};
	auto_free char *before = NULL, *text = NULL;
	char complaint[200];
	int r = read_rules(g, &before, err);

	if (r == 0 && ftruncate(g->nft_fd, 0) < 0)
		r = fail(g, errno, "save its packet filter", err);
	if (r == 0)
		r = run_nft(g, list, -1, g->nft_fd, complaint, err);
	if (r == 0)
		r = read_rules(g, &text, err);
	if (r == 0)
		r = check_rules(g, text, err);
	if (r < 0 || text[0] == '\0' || (!g->try && strcmp(before, text) == 0))
		return r;
	return try_rules(g, text, err);
}

static int load_filter(struct guest_net *g, struct berth_error *err)
{
	static const char *const load[] = {"nft", "-f", "-", NULL};
	auto_free char *text = NULL;
	char complaint[200];
	int r = read_rules(g, &text, err);

	if (r == 0)
		r = check_rules(g, text, err);
	return r == 0 ? run_nft(g, load, g->nft_fd, -1, complaint, err) : r;
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

/* ---- addresses, routes and the like ---- */

static int save_state(struct guest_net *g, struct berth_error *err)
{
	FILE *out = fdopen(g->state_fd, "w");
	int r = out == NULL ? fail(g, errno, "save its network", err)
			    : net_guest_save(g->net, out, err);

	if (out != NULL && fclose(out) != 0 && r == 0)
		r = fail(g, errno, "save its network", err);
	return r;
}

static void tell_lost(const char *what, void *data)
{
	struct guest_net *g = data;

	if (++g->n_lost <= LOST_TOLD)
		log_line(LOG_LV_WARNING, g->ctid, "resume: a part of its network is lost: %s",
			 what);
}

static int load_state(struct guest_net *g, struct berth_error *err)
{
	auto_free char *state = malloc(NET_GUEST_STATE_MAX + TEXT_MAX);
	ssize_t n = state == NULL ? -ENOMEM
				  : fd_read_all(g->state_fd, state, NET_GUEST_STATE_MAX + TEXT_MAX);

	int r = n < 0 ? fail(g, (int)n, "read its network", err)
		      : net_guest_load(g->ctid, state, (size_t)n, tell_lost, g, err);

	/* How many there are is the tenant's doing, and the log the host's. */
	if (g->n_lost > LOST_TOLD)
		log_line(LOG_LV_WARNING, g->ctid,
			 "resume: and %u more parts of its network are lost",
			 g->n_lost - LOST_TOLD);
	return r;
}

/* ---- all of it ---- */

static int save_inside(void *data, struct berth_error *err)
{
	struct guest_net *g = data;
	int r = net_guest_check(g->net, err);

	if (r == 0 && (ftruncate(g->sysctl_fd, 0) < 0 || ftruncate(g->state_fd, 0) < 0))
		r = fail(g, errno, "empty the files of its network", err);
	if (r == 0)
		r = check_old_tables(g, err);
	if (r == 0)
		r = save_filter(g, err);
	if (r == 0)
		r = save_state(g, err);
	return r == 0 ? save_sysctls(g, err) : r;
}

/* Sysctls first, as they say what becomes of an address. */
static int load_inside(void *data, struct berth_error *err)
{
	struct guest_net *g = data;
	int r = load_sysctls(g, err);

	if (r == 0)
		r = load_state(g, err);
	return r == 0 ? load_filter(g, err) : r;
}

static int run(struct guest_net *g, int userns_fd, int netns_fd, int dirfd, int flags,
	       int (*fn)(void *, struct berth_error *), struct berth_error *err)
{
	auto_close int sysctl = openat(dirfd, "sysctl", flags | O_CLOEXEC | O_NOFOLLOW, 0600);
	auto_close int nft = openat(dirfd, "nft", flags | O_CLOEXEC | O_NOFOLLOW, 0600);
	auto_close int state = openat(dirfd, "network", flags | O_CLOEXEC | O_NOFOLLOW, 0600);
	const int fds[] = {sysctl, nft, state};

	if (sysctl < 0 || nft < 0 || state < 0)
		return fail(g, errno, "open the files of its network", err);
	g->sysctl_fd = sysctl;
	g->nft_fd = nft;
	g->state_fd = state;
	return launch_in_net(&(struct launch_in_net){.userns_fd = userns_fd,
						     .netns_fd = netns_fd,
						     .fds = fds,
						     .n_fds = 3,
						     .timeout_ms = TIMEOUT_MS,
						     .fn = fn,
						     .data = g},
			     err);
}

int guest_net_save(uint32_t ctid, int userns_fd, int netns_fd, int dirfd, const struct net_ct *net,
		   bool try, struct berth_error *err)
{
	struct guest_net g = {.ctid = ctid, .net = net, .try = try};

	return run(&g, userns_fd, netns_fd, dirfd, O_RDWR | O_CREAT, save_inside, err);
}

int guest_net_load(uint32_t ctid, int userns_fd, int netns_fd, int dirfd, struct berth_error *err)
{
	struct guest_net g = {.ctid = ctid};

	return run(&g, userns_fd, netns_fd, dirfd, O_RDONLY, load_inside, err);
}
