/* freeze.c - freezing and killing a whole CT, both through the unified cgroup. */
#include "cgroups/host.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"

#include <signal.h>
#include <string.h>

enum {
	FREEZE_MS = 10000,
	PROCS_TEXT_MAX = 1 << 20,
	KILL_ROUNDS = 100
};

static int refuse(uint32_t ctid, const char *what, const char *file, int r, struct berth_error *err)
{
	if (r == -ENOENT || r == -ENODEV)
		return berth_error_set(err, BERTH_ERR_NOT_RUNNING, ENOENT,
				       "CT %u has no cgroup: it is not running", ctid);
	return berth_error_sys(err, r, "CT %u: %s by %s", ctid, what, file);
}

int cg_ct_freeze(struct cg_host *h, uint32_t ctid, bool frozen, struct berth_error *err)
{
	const struct cg_hier *hi = &h->hier[0];
	int r = hi->berth < 0 ? -ENOENT : cg_write(hi, ctid, "cgroup.freeze", frozen ? "1" : "0");

	if (r < 0)
		return refuse(ctid, frozen ? "freeze" : "thaw", "cgroup.freeze", r, err);
	r = cg_wait_event(hi, ctid, "frozen", frozen ? 1 : 0, FREEZE_MS);
	if (r == 0)
		return 0;
	if (frozen)
		(void)cg_write(hi, ctid, "cgroup.freeze", "0");
	if (r == -ETIMEDOUT)
		return berth_error_set(
			err, BERTH_ERR_STUCK, ETIMEDOUT,
			"CT %u was not frozen within %d s (cgroup.events) and runs on; find the "
			"process that waits in the kernel: ps -eo pid,stat,wchan,args | grep ' D'",
			ctid, FREEZE_MS / 1000);
	return refuse(ctid, "freeze", "cgroup.events", r, err);
}

int cg_ct_thaw(struct cg_host *h, uint32_t ctid, struct berth_error *err)
{
	const struct cg_hier *hi = &h->hier[0];
	int r = hi->berth < 0 ? -ENOENT : cg_write(hi, ctid, "cgroup.freeze", "0");

	return r < 0 ? refuse(ctid, "thaw", "cgroup.freeze", r, err) : 0;
}

/* "0" is a process outside of our pid namespace: not to be killed by number. */
static int kill_line(const char *line, size_t len, int *left)
{
	char word[16];
	uint32_t pid;

	if (len == 0 || len >= sizeof(word))
		return 0;
	memcpy(word, line, len);
	word[len] = '\0';
	if (parse_u32(word, &pid) < 0 || pid < 2)
		return 0;
	(*left)++;
	return kill((pid_t)pid, SIGKILL) < 0 && errno != ESRCH ? -errno : 0;
}

static int kill_listed(int parent, const char *name, int dirfd, void *data)
{
	auto_free char *text = NULL;
	int r = file_read_at(dirfd, "cgroup.procs", PROCS_TEXT_MAX, &text, NULL);

	(void)parent;
	(void)name;
	if (r < 0) /* EOPNOTSUPP: threaded, its processes are listed above */
		return r == -ENODEV || r == -ENOENT || r == -EOPNOTSUPP ? 0 : r;
	for (const char *p = text; r == 0 && *p != '\0';) {
		size_t len = strcspn(p, "\n");

		r = kill_line(p, len, data);
		p += len;
		p += *p == '\n';
	}
	return r;
}

/* Frozen, nothing in it can fork or leave, and a pid listed stays what it is until it is killed. */
int cg_kill_by_pids(struct cg_host *h, uint32_t ctid, struct berth_error *err)
{
	const struct cg_hier *hi = &h->hier[0];
	char name[16];
	int r = cg_write(hi, ctid, "cgroup.freeze", "1"), left = 1;

	if (r < 0)
		return refuse(ctid, "kill", "cgroup.freeze", r, err);
	(void)snprintf(name, sizeof(name), "%u", ctid);
	(void)cg_wait_event(hi, ctid, "frozen", 1, 1000);
	for (int round = 0; r == 0 && left > 0 && round < KILL_ROUNDS; round++) {
		left = 0;
		r = cg_walk(hi->berth, name, kill_listed, &left);
		if (r == 0 && left > 0)
			(void)cg_wait_event(hi, ctid, "populated", 0, 20);
	}
	(void)cg_write(hi, ctid, "cgroup.freeze", "0");
	return r < 0 ? refuse(ctid, "kill", "cgroup.procs", r, err) : 0;
}

int cg_ct_kill(struct cg_host *h, uint32_t ctid, struct berth_error *err)
{
	const struct cg_hier *hi = &h->hier[0];
	int r = hi->berth < 0 ? -ENOENT : cg_write(hi, ctid, "cgroup.kill", "1");

	if (r == 0)
		return 0;
	if (r == -ENOENT && cg_ct_exists(h, ctid))
		return cg_kill_by_pids(h, ctid, err);
	return refuse(ctid, "kill", "cgroup.kill", r, err);
}
