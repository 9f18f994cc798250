/* criu_run.c - what a suspend and a resume share. */
#include "runtime/worker/criu_run.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "runtime/base/pidref.h"
#include "runtime/base/spawn.h"
#include "runtime/base/value.h"

#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

enum {
	LOG_MAX = 1 << 20
};

int criu_note(const struct worker *w, const char *file, pid_t pid)
{
	struct pidref ref;
	char text[64];
	int r = pidref_get(pid, &ref);

	if (r < 0)
		return r;
	(void)snprintf(text, sizeof(text), "%d %llu\n", ref.pid,
		       (unsigned long long)ref.start_time);
	return file_replace_at(w->ct_fd, file, text, strlen(text), 0600, false);
}

int criu_noted_open(const struct worker *w, const char *file)
{
	char text[64];
	const char *at = text;
	uint64_t pid, start;
	int r = file_read_line_at(w->ct_fd, file, text, sizeof(text));

	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	if (parse_next(&at, "", 10, &pid) < 0 || parse_next(&at, " ", 10, &start) < 0 ||
	    pid > INT32_MAX)
		return -EBADMSG;
	return pidref_open(&(struct pidref){.pid = (pid_t)pid, .start_time = start});
}

int criu_find(const struct worker *w, char path[BERTH_PATH_MAX], struct berth_error *err)
{
	static const char *const places[] = {"/usr/local/sbin/criu", "/usr/sbin/criu",
					     "/sbin/criu"};

	if (w->host.criu[0] != '\0') {
		(void)snprintf(path, BERTH_PATH_MAX, "%s", w->host.criu);
		if (access(path, X_OK) == 0)
			return 0;
		return berth_error_set(err, BERTH_ERR_HELPER, errno,
				       "CRIU=\"%.200s\" of berth.conf: %s", path, strerror(errno));
	}
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		(void)snprintf(path, BERTH_PATH_MAX, "%s", places[i]);
		if (access(path, X_OK) == 0)
			return 0;
	}
	return berth_error_set(err, BERTH_ERR_HELPER, ENOENT,
			       "there is no criu, which suspends and resumes CTs; install it (apt "
			       "install criu), or say where it is: CRIU=\"PATH\" in berth.conf");
}

int criu_version(const struct worker *w, uint32_t *ret, struct berth_error *err)
{
	char path[BERTH_PATH_MAX], text[256];
	uint64_t major, minor, sublevel = 0;
	struct utsname uts;
	const char *at;
	int r = criu_find(w, path, err);

	if (r == 0)
		r = spawn_run_output((const char *const[]){path, "--version", NULL}, text,
				     sizeof(text), err);
	if (r < 0)
		return r;
	at = strstr(text, "Version: ");
	at = at != NULL ? at + strlen("Version: ") : "";
	if (parse_next(&at, "", 10, &major) < 0 || parse_next(&at, ".", 10, &minor) < 0 ||
	    major > 999 || minor > 99)
		return berth_error_set(err, BERTH_ERR_HELPER, EBADMSG,
				       "%.200s does not say its version", path);
	if (parse_next(&at, ".", 10, &sublevel) < 0 || sublevel > 99)
		sublevel = 0; /* "4.2", or that of a checkout */
	*ret = (uint32_t)(major * 10000 + minor * 100 + sublevel);
	(void)uname(&uts);
	return criu_version_check((unsigned int)major, (unsigned int)minor, (unsigned int)sublevel,
				  uts.release, err);
}

int criu_memory_of(struct cg_host *cg, uint32_t ctid, uint64_t *ret, struct berth_error *err)
{
	auto_close int dir = cg_ct_dir(cg, ctid);
	auto_free char *text = NULL;
	uint64_t anon, shmem;
	struct cg_stat st;
	int r = cg_ct_stat_some(cg, ctid, CG_STAT_MEMORY | CG_STAT_SWAP, &st, err);

	if (r < 0)
		return r;
	*ret = st.memory + st.swap;
	if (dir >= 0 && file_read_at(dir, "memory.stat", 1 << 16, &text, NULL) == 0 &&
	    cg_parse_key(text, "anon", &anon) == 0 && cg_parse_key(text, "shmem", &shmem) == 0)
		*ret = anon + shmem + st.swap;
	return 0;
}

/* Each as two strings: of the dump, of the restore. mnt[PLACE]:KEY and mnt[KEY]:SOURCE. */
static const char *const mounts[][2] = {
	{"mnt[]:ms", "mnt[]:ms"},
	{"mnt[/sys]:sys", "mnt[sys]:/run/ct/sys"},
	{"mnt[/sys/fs/cgroup]:cgroup", "mnt[cgroup]:/run/ct/cgroup"},
	{"mnt[/dev/pts]:pts", "mnt[pts]:/run/ct/pts"},
	{"mnt[/dev/console]:console", "mnt[console]:/run/ct/console"},
	{"mnt[/dev/null]:null", "mnt[null]:/run/ct/null"},
	{"mnt[/dev/zero]:zero", "mnt[zero]:/run/ct/zero"},
	{"mnt[/dev/full]:full", "mnt[full]:/run/ct/full"},
	{"mnt[/dev/random]:random", "mnt[random]:/run/ct/random"},
	{"mnt[/dev/urandom]:urandom", "mnt[urandom]:/run/ct/urandom"},
	{"mnt[/dev/tty]:tty", "mnt[tty]:/run/ct/tty"},
	{"mnt[/dev/net/tun]:tun", "mnt[tun]:/run/ct/tun"},
	{"mnt[/dev/fuse]:fuse", "mnt[fuse]:/run/ct/fuse"},
	/* In the order of nothing: view_places has them all, as test_criu_run sees to. */
	{"mnt[/proc/meminfo]:meminfo", "mnt[meminfo]:/run/ct/view/meminfo"},
	{"mnt[/proc/cpuinfo]:cpuinfo", "mnt[cpuinfo]:/run/ct/view/cpuinfo"},
	{"mnt[/proc/stat]:stat", "mnt[stat]:/run/ct/view/stat"},
	{"mnt[/proc/loadavg]:loadavg", "mnt[loadavg]:/run/ct/view/loadavg"},
	{"mnt[/proc/swaps]:swaps", "mnt[swaps]:/run/ct/view/swaps"},
	{"mnt[/proc/diskstats]:diskstats", "mnt[diskstats]:/run/ct/view/diskstats"},
	{"mnt[/sys/devices/system/cpu/online]:online", "mnt[online]:/run/ct/view/online"},
	{"mnt[/sys/fs/cgroup/memory.max]:memory.max", "mnt[memory.max]:/run/ct/view/memory.max"},
	{"mnt[/sys/fs/cgroup/cpu.max]:cpu.max", "mnt[cpu.max]:/run/ct/view/cpu.max"},
};

void criu_externals(struct criu_order *o, bool restore, const char *tty)
{
	size_t n;

	for (n = 0; n < sizeof(mounts) / sizeof(mounts[0]); n++)
		o->external[n] = mounts[n][restore];
	if (!restore)
		o->external[n++] = tty;
	o->external[n] = NULL;
}

int criu_failed(const struct worker *w, const char *what, int images_fd, const char *log,
		const struct berth_error *why, struct berth_error *err)
{
	auto_free char *text = NULL;
	char reason[240] = "";

	if (file_read_at(images_fd, log, LOG_MAX, &text, NULL) == 0)
		criu_log_reason(text, reason, sizeof(reason));
	return berth_error_set(err, why->code, why->sys, "CT %u: %s: %.100s%s%s", w->ctid, what,
			       why->msg, reason[0] != '\0' ? ": " : "", reason);
}

int criu_record_load(const struct worker *w, int dump_fd, struct checkpoint_record *ret,
		     struct berth_error *err)
{
	char text[RECORD_SIZE_MAX];
	int r = file_read_line_at(dump_fd, DUMP_RECORD, text, sizeof(text));

	if (r == 0)
		r = checkpoint_record_parse(text, ret);
	if (r == -EPROTO)
		return berth_error_set(err, BERTH_ERR_UNSUPPORTED, ESTALE,
				       "CT %u was suspended by another version of berth; give its "
				       "memory up and start it from its disk: berth stop %u --fast "
				       "&& berth start %u",
				       w->ctid, w->ctid, w->ctid);
	if (r == -EINVAL || r == -ENOENT)
		return berth_error_set(
			err, BERTH_ERR_BROKEN, ESTALE,
			"CT %u: the record of its suspend, %s/private/%u/dump/record, is %s; give "
			"its memory up and start it from its disk: berth stop %u --fast && berth "
			"start %u",
			w->ctid, w->paths.lib, w->ctid, r == -ENOENT ? "gone" : "damaged", w->ctid,
			w->ctid);
	return r < 0 ? berth_error_sys(err, r, "CT %u: read %s/private/%u/dump/record", w->ctid,
				       w->paths.lib, w->ctid)
		     : 0;
}

void criu_kernel_note(struct checkpoint_record *rec)
{
	struct utsname uts;

	(void)uname(&uts);
	(void)snprintf(rec->kernel, sizeof(rec->kernel), "%s", uts.release);
}

int criu_kernel_check(const struct worker *w, const struct checkpoint_record *rec,
		      struct berth_error *err)
{
	struct utsname uts;

	(void)uname(&uts);
	return strcmp(rec->kernel, uts.release) == 0
		       ? 0
		       : berth_error_set(err, BERTH_ERR_UNSUPPORTED, ESTALE,
					 "CT %u was suspended under Linux %.40s, and this is "
					 "%.40s; boot that one to resume it, or give its memory "
					 "up and start it from its disk: berth stop %u --fast && "
					 "berth start %u",
					 w->ctid, rec->kernel, uts.release, w->ctid, w->ctid);
}

/* ---- the volume at rest ---- */

enum {
	SEAL_MAX = 256
};

static int seal_format(const struct volume_stamp *v, char text[SEAL_MAX])
{
	size_t used = 0;
	int r = value_put_u64(text, SEAL_MAX, &used, "mounts", v->mounts);

	r |= value_put_u64(text, SEAL_MAX, &used, "written", v->written);
	r |= value_put_u64(text, SEAL_MAX, &used, "checked", v->checked);
	r |= value_put_u64(text, SEAL_MAX, &used, "sum", v->sum);
	return r != 0 ? -ENOSPC : 0;
}

/* 1: the seal of the same mount is there, and text has it. */
static int seal_read(int dump_fd, const struct volume_stamp *now, char text[SEAL_MAX])
{
	uint64_t n;
	int r = file_read_line_at(dump_fd, DUMP_VOLUME, text, SEAL_MAX);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return value_get_u64(text, "mounts", &n) < 0 ? -EBADMSG : n == now->mounts;
}

int criu_volume_seal(struct worker *w, const struct volume_driver *d)
{
	auto_close int dump = dir_open_at(w->private_fd, DUMP_DIR);
	char text[SEAL_MAX];
	struct checkpoint_record rec;
	struct volume_stamp now;
	int r;

	if (dump < 0 || criu_record_load(w, dump, &rec, NULL) < 0)
		return 0;
	r = volume_stamp(d, w->private_fd, &now, NULL);
	/* Of another mount than the suspend's and a resume's own it fits no more, and is not made to. */
	if (r < 0 || (now.mounts != rec.mounts && now.mounts != rec.mounts_tried))
		return r;
	r = seal_read(dump, &now, text);
	if (r != 0)
		return r < 0 ? r : 0;
	r = seal_format(&now, text);
	return r < 0 ? r : file_replace_at(dump, DUMP_VOLUME, text, strlen(text), 0600, true);
}

int criu_volume_check(int dump_fd, const struct volume_stamp *now)
{
	char was[SEAL_MAX], is[SEAL_MAX];
	int r = seal_read(dump_fd, now, was);

	if (r <= 0)
		return r;
	r = seal_format(now, is);
	if (r < 0)
		return r;
	is[strlen(is) - 1] = '\0'; /* the last newline, which a read leaves out */
	return strcmp(was, is) == 0 ? 0 : -ESTALE;
}
