/* op_host.c - what berthd needs of the host once, and what doctor finds. */
#include "netsetup/net.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/base/parse.h"
#include "runtime/ct/pools.h"
#include "runtime/ct/spec.h"
#include "runtime/wire/report.h"
#include "runtime/worker/host_checks.h"
#include "runtime/worker/volume_mount.h"
#include "runtime/worker/worker.h"
#include "templates/template.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* Images that no name and no CT has, and what killed builds left. Not worth a failure. */
static void sweep_templates(struct worker *w)
{
	char path[BERTH_PATH_MAX];
	auto_close int dir = dir_open_at(AT_FDCWD, worker_template_dir(w, path));
	unsigned int removed;

	if (dir >= 0)
		(void)template_sweep(dir, worker_template_in_use, w, &removed, NULL);
}

/* Not worth a failure: doctor warns of what is low. */
static void raised(const struct pool_floor *p, uint64_t from, int error, void *data)
{
	(void)data;
	if (error == 0)
		log_line(LOG_LV_INFO, 0, "raised /proc/sys/%s from %llu to %llu: %s", p->name,
			 (unsigned long long)from, (unsigned long long)p->floor, p->what);
	else
		log_line(LOG_LV_WARNING, 0, "raise /proc/sys/%s from %llu to %llu: %s", p->name,
			 (unsigned long long)from, (unsigned long long)p->floor, strerror(error));
}

/*
 * Argument: a template whose build or import was killed. A child of it that is still dying holds the lock of its
 * stage: waited for, as nothing else would come back for it.
 */
int op_template_sweep(struct worker *w, struct berth_error *err)
{
	char path[BERTH_PATH_MAX], stage[sizeof(".stage-") + NAME_MAX];
	auto_close int dir = dir_open_at(AT_FDCWD, worker_template_dir(w, path));
	auto_close int fd = -EBADF;

	if (dir < 0)
		return berth_error_sys(err, dir, "open %s", path);
	(void)snprintf(stage, sizeof(stage), ".stage-%s", w->args[0]);
	fd = dir_open_at(dir, stage);
	if (fd >= 0 && flock(fd, LOCK_EX) < 0)
		return berth_error_sys(err, errno, "lock %s", stage);
	if (fd >= 0)
		(void)close(take_fd(&fd));
	return template_sweep(dir, worker_template_in_use, w, NULL, err);
}

/* Once a boot; doctor asks again. Unknown is no failure: then volumes are taken as they are. */
static void probe_volumes(struct worker *w)
{
	struct berth_error why;

	if (worker_inode_limits(w) == VOLUME_UNKNOWN && worker_probe_volumes(w, &why) < 0)
		log_line(LOG_LV_WARNING, 0, "find out whether volumes can have fewer inodes: %s",
			 why.msg);
}

int op_host_setup(struct worker *w, struct berth_error *err)
{
	char path[BERTH_PATH_MAX];
	const struct net_owner owner = spec_net_owner(&w->host, w->paths.root);
	struct cg_host *cg;
	int r = worker_cg_open(w, &cg, err);

	if (r == 0) {
		r = cg_host_setup(cg, err);
		if (r == 0)
			r = cg_host_claim(cg, w->paths.root, err);
		cg_host_free(cg);
	}
	if (r == 0 && (r = worker_sibling("berth.nft", path, sizeof(path))) < 0)
		return berth_error_sys(err, r, "find berth.nft");
	if (r == 0)
		r = net_host_setup(path, &owner, err);
	pools_raise(raised, NULL);
	probe_volumes(w);
	sweep_templates(w);
	return r;
}

/* "NAME=NUMBER" of the fix "sysctl -w NAME=NUMBER"; "" for every other one. */
static const char *sysctl_of(const char *fix)
{
	static const char begin[] = "sysctl -w ";
	const char *setting = fix + sizeof(begin) - 1, *equal;
	uint64_t unused;

	if (strncmp(fix, begin, sizeof(begin) - 1) != 0)
		return "";
	equal = strchr(setting, '=');
	return equal != NULL && parse_u64(equal + 1, &unused) == 0 ? setting : "";
}

/*
 * Four results a finding: NAME.level, NAME.text, NAME.fix, NAME.sysctl. Of one that is ok the checks name the setting,
 * too, that keeps it so: nobody needs that as a fix.
 */
static void finding(const char *name, const char *level, const char *text, const char *fix,
		    void *data)
{
	bool ok = strcmp(level, "ok") == 0;
	const char *const values[][2] = {{"level", level},
					 {"text", text},
					 {"fix", ok || fix == NULL ? "" : fix},
					 {"sysctl", fix != NULL ? sysctl_of(fix) : ""}};
	char word[64];

	(void)data;
	(void)snprintf(word, sizeof(word), "%s", name);
	for (char *p = word; *p != '\0'; p++)
		if (*p == '.' || *p == ' ')
			*p = '-'; /* the key ends at the first dot */
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		char key[80];

		(void)snprintf(key, sizeof(key), "%s.%s", word, values[i][0]);
		report_result(key, values[i][1] != NULL ? values[i][1] : "");
	}
}

int op_doctor(struct worker *w, struct berth_error *err)
{
	struct berth_error why;

	(void)err;
	(void)worker_probe_volumes(w, &why);
	host_checks(w, finding, NULL);
	return 0;
}
