/* info.c - what is known of a CT from its files alone. */
#include "runtime/ct/info.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "runtime/base/value.h"
#include "runtime/ct/journal.h"

#include <fcntl.h>
#include <string.h>

int ct_facts_parse(const char *text, struct ct_facts *ret)
{
	struct ct_facts f = {0};
	uint64_t ctid, id_base;

	if (value_get_u64(text, "ctid", &ctid) < 0 || ctid < CTID_MIN || ctid > CTID_MAX ||
	    value_get_u64(text, "id_base", &id_base) < 0 || id_base == 0 ||
	    id_base > UINT32_MAX - 65536 || id_base % 65536 != 0 ||
	    value_get(text, "uuid", f.uuid, sizeof(f.uuid)) < 0 || strlen(f.uuid) != 36 ||
	    value_get(text, "template", f.template_name, sizeof(f.template_name)) < 0 ||
	    !template_name_is_valid(f.template_name) ||
	    value_get(text, "hash", f.template_hash, sizeof(f.template_hash)) < 0 ||
	    strlen(f.template_hash) != 64 || strspn(f.template_hash, "0123456789abcdef") != 64 ||
	    value_get(text, "layout", f.layout, sizeof(f.layout)) < 0 ||
	    value_get(text, "driver", f.driver, sizeof(f.driver)) < 0 ||
	    value_get_u64(text, "created", &f.created) < 0)
		return -EINVAL;
	if (value_get(text, "distribution", f.distribution, sizeof(f.distribution)) == -ENOSPC)
		return -EINVAL;
	/* Of a CT that never moved it is not written. */
	if (value_get_u64(text, "epoch", &f.epoch) == -EINVAL)
		return -EINVAL;
	f.ctid = (uint32_t)ctid;
	f.id_base = (uint32_t)id_base;
	*ret = f;
	return 0;
}

int ct_facts_format(const struct ct_facts *f, char *buf, size_t size)
{
	size_t used = 0;
	int r = 0;

	r |= value_put_u64(buf, size, &used, "ctid", f->ctid);
	r |= value_put(buf, size, &used, "uuid", f->uuid);
	r |= value_put_u64(buf, size, &used, "id_base", f->id_base);
	r |= value_put(buf, size, &used, "template", f->template_name);
	r |= value_put(buf, size, &used, "hash", f->template_hash);
	r |= value_put(buf, size, &used, "layout", f->layout);
	r |= value_put(buf, size, &used, "driver", f->driver);
	r |= value_put(buf, size, &used, "distribution", f->distribution);
	r |= value_put_u64(buf, size, &used, "created", f->created);
	if (f->epoch != 0)
		r |= value_put_u64(buf, size, &used, "epoch", f->epoch);
	return r != 0 ? -ENOSPC : 0;
}

static int pidref_get_value(const char *text, const char *pid_key, const char *start_key,
			    struct pidref *ret)
{
	uint64_t pid, start;

	if (value_get_u64(text, pid_key, &pid) < 0 || pid == 0 || pid > INT32_MAX ||
	    value_get_u64(text, start_key, &start) < 0)
		return -EINVAL;
	ret->pid = (pid_t)pid;
	ret->start_time = start;
	return 0;
}

int ct_run_parse(const char *text, struct ct_run *ret)
{
	struct ct_run run = {0};
	uint64_t signal, dev = 0, notifies, launched;

	if (value_get(text, "boot_id", run.boot_id, sizeof(run.boot_id)) < 0 ||
	    strlen(run.boot_id) != BOOT_ID_LEN ||
	    pidref_get_value(text, "init_pid", "init_start", &run.init) < 0 ||
	    pidref_get_value(text, "monitor_pid", "monitor_start", &run.monitor) < 0 ||
	    value_get_u64(text, "started", &run.started) < 0 ||
	    value_get_u64(text, "stop_signal", &signal) < 0 || signal > 64 ||
	    value_get_u64(text, "notifies", &notifies) < 0 ||
	    value_get_u64(text, "launched", &launched) < 0)
		return -EINVAL;
	run.stop_signal = (int)signal;
	/* A state file of a berth that did not write it names a CT that runs all the same. */
	if (value_get_u64(text, "volume_dev", &dev) == -EINVAL)
		return -EINVAL;
	(void)value_get(text, "stop_command", run.stop_command, sizeof(run.stop_command));
	run.volume_dev = (dev_t)dev;
	run.notifies = notifies != 0;
	run.launched = launched != 0;
	*ret = run;
	return 0;
}

int ct_run_format(const struct ct_run *run, char *buf, size_t size)
{
	size_t used = 0;
	int r = 0;

	r |= value_put(buf, size, &used, "boot_id", run->boot_id);
	r |= value_put_u64(buf, size, &used, "init_pid", (uint64_t)run->init.pid);
	r |= value_put_u64(buf, size, &used, "init_start", run->init.start_time);
	r |= value_put_u64(buf, size, &used, "monitor_pid", (uint64_t)run->monitor.pid);
	r |= value_put_u64(buf, size, &used, "monitor_start", run->monitor.start_time);
	r |= value_put_u64(buf, size, &used, "started", run->started);
	r |= value_put_u64(buf, size, &used, "stop_signal", (uint64_t)run->stop_signal);
	if (run->stop_command[0] != '\0')
		r |= value_put(buf, size, &used, "stop_command", run->stop_command);
	r |= value_put_u64(buf, size, &used, "volume_dev", run->volume_dev);
	r |= value_put_u64(buf, size, &used, "notifies", run->notifies);
	r |= value_put_u64(buf, size, &used, "launched", run->launched);
	return r != 0 ? -ENOSPC : 0;
}

int ct_exit_parse(const char *text, struct ct_exit *ret)
{
	uint64_t status, known;

	if (value_get_u64(text, "wait_status", &status) < 0 || status > 0xffff ||
	    value_get_u64(text, "known", &known) < 0)
		return -EINVAL;
	ret->wait_status = (int)status;
	ret->known = known != 0;
	return 0;
}

int ct_exit_format(const struct ct_exit *e, char *buf, size_t size)
{
	size_t used = 0;
	int r = 0;

	r |= value_put_u64(buf, size, &used, "wait_status", (uint64_t)e->wait_status);
	r |= value_put_u64(buf, size, &used, "known", e->known);
	return r != 0 ? -ENOSPC : 0;
}

/* The file of one line records NAME below dirfd, at most 4 KiB. */
static int record_read(int dirfd, const char *name, char *buf, size_t size)
{
	int r = file_read_line_at(dirfd, name, buf, size);

	if (r == 0 && strlen(buf) == size - 1)
		return -EFBIG;
	return r;
}

bool ct_is_absent(int r)
{
	return r == -ENOENT || r == -ENOTDIR;
}

/* What a file that is there, and is not what it should be, gives: no shortage of anything. */
static bool is_damage(int r)
{
	return r == -EBADMSG || r == -EINVAL || r == -EFBIG || r == -EISDIR || r == -ELOOP ||
	       r == -ENXIO;
}

int ct_facts_load(const struct berth_paths *p, uint32_t ctid, struct ct_facts *ret,
		  struct berth_error *err)
{
	char path[BERTH_PATH_MAX], text[4096];
	auto_close int dir = -EBADF;
	struct ct_facts f;
	int r;

	dir = dir_open_at(AT_FDCWD, path_private(p, ctid, path));
	if (ct_is_absent(dir))
		return berth_error_set(err, BERTH_ERR_NO_PRIVATE, -dir,
				       "CT %u has a config but no private area %s; put it back, or "
				       "remove the CT: berth destroy %u",
				       ctid, path, ctid);
	r = dir < 0 ? dir : record_read(dir, "facts", text, sizeof(text));
	if (r == 0)
		r = ct_facts_parse(text, &f);
	if (r == 0 && f.ctid != ctid)
		return berth_error_set(err, BERTH_ERR_BROKEN, EEXIST,
				       "CT %u: %s is a copy of CT %u's private area: its facts "
				       "say CTID %u, UUID %s. A CT keeps its number: move the copy "
				       "to private/%u, or make a new CT %u and copy the files",
				       ctid, path, f.ctid, f.ctid, f.uuid, f.ctid, ctid);
	if (r == 0)
		*ret = f;
	if (ct_is_absent(r) || is_damage(r))
		return berth_error_set(err, BERTH_ERR_BROKEN, -r, "CT %u: %s/facts is damaged: %s",
				       ctid, path, strerror(-r));
	if (r < 0)
		return berth_error_sys(err, r, "CT %u: read %s/facts", ctid, path);
	return 0;
}

/* One number of a file that may be damaged elsewhere. */
static int id_base_in(int dir, const char *name, uint32_t *ret)
{
	char text[4096];
	uint64_t base;

	if (record_read(dir, name, text, sizeof(text)) < 0 ||
	    value_get_u64(text, "id_base", &base) < 0 || base == 0 || base > UINT32_MAX - 65536 ||
	    base % 65536 != 0)
		return -EINVAL;
	*ret = (uint32_t)base;
	return 0;
}

int ct_facts_id_base(const struct berth_paths *p, uint32_t ctid, uint32_t *ret)
{
	char path[BERTH_PATH_MAX];
	auto_close int dir = dir_open_at(AT_FDCWD, path_private(p, ctid, path));
	struct ct_facts f;
	char text[4096];

	if (dir < 0)
		return -EINVAL;
	/* Whole facts first: a digit more or less makes another range of a torn number. */
	if (record_read(dir, "facts", text, sizeof(text)) == 0 && ct_facts_parse(text, &f) == 0) {
		*ret = f.id_base;
		return 0;
	}
	return id_base_in(dir, FACTS_COPY, ret);
}

/* The next number of a line of columns. */
static int next_number(const char **p, uint64_t *ret)
{
	char word[24];
	size_t n;

	*p += strspn(*p, " ");
	n = strcspn(*p, " \n");
	if (n >= sizeof(word))
		return -EINVAL;
	memcpy(word, *p, n);
	word[n] = '\0';
	*p += n;
	return parse_u64(word, ret);
}

int ct_uid_map_parse(const char *text, uint32_t *ret)
{
	uint64_t inside, outside, n;

	/* The first line is that of root inside. A CT inside has more users than one, the host has all. */
	if (next_number(&text, &inside) < 0 || next_number(&text, &outside) < 0 ||
	    next_number(&text, &n) < 0 || inside != 0 || n < 65536 || outside < 65536 ||
	    outside > UINT32_MAX - 65536 || outside % 65536 != 0)
		return -EINVAL;
	*ret = (uint32_t)outside;
	return 0;
}

int ct_run_id_base(const struct pidref *init, uint32_t *ret)
{
	char path[40], text[256];
	struct pidref now;
	uint32_t base;

	(void)snprintf(path, sizeof(path), "/proc/%d/uid_map", init->pid);
	if (file_read_line_at(AT_FDCWD, path, text, sizeof(text)) < 0 ||
	    ct_uid_map_parse(text, &base) < 0)
		return -ESRCH;
	/* Asked afterwards: it was this process all the time. */
	if (pidref_get(init->pid, &now) < 0 || now.start_time != init->start_time)
		return -ESRCH;
	*ret = base;
	return 0;
}

/* Is init of the state file still that process? 0, -ESRCH: it is not, or cannot be told. */
static int run_check(const struct ct_run *run)
{
	char boot_id[BOOT_ID_LEN + 1];
	struct pidref now;
	int r = pidref_get(run->init.pid, &now), b;

	/* Whatever boot it was of. */
	if (r == -ESRCH || (r == 0 && now.start_time != run->init.start_time))
		return -ESRCH;
	b = boot_id_read(boot_id);
	if (b == 0 && strcmp(boot_id, run->boot_id) != 0)
		return -ESRCH;
	return r < 0 ? r : b;
}

int ct_run_load(const struct berth_paths *p, uint32_t ctid, struct ct_run *ret, bool *ret_booted)
{
	char path[BERTH_PATH_MAX], text[4096];
	auto_close int dir = dir_open_at(AT_FDCWD, path_run_ct(p, ctid, path));
	int r = dir < 0 ? dir : record_read(dir, "state", text, sizeof(text));
	struct ct_run run;

	if (ct_is_absent(r))
		return -ESRCH;
	if (r == 0)
		r = ct_run_parse(text, &run);
	if (is_damage(r))
		return -EBADMSG;
	if (r == 0)
		r = run_check(&run);
	if (r < 0)
		return r;
	*ret = run;
	if (ret_booted != NULL)
		*ret_booted = faccessat(dir, "booted", F_OK, 0) == 0;
	return 0;
}

/* 1, 0 or -errno. */
static int is_mounted(const struct berth_paths *p, uint32_t ctid)
{
	char path[BERTH_PATH_MAX];
	auto_close int dir = dir_open_at(AT_FDCWD, path_run_ct(p, ctid, path));
	int r = dir < 0 ? dir : 0;

	if (r == 0 && faccessat(dir, "mounted", F_OK, 0) < 0)
		r = -errno;
	return r == 0 ? 1 : ct_is_absent(r) ? 0 : r;
}

bool ct_is_suspended(const struct berth_paths *p, uint32_t ctid)
{
	char path[BERTH_PATH_MAX], file[BERTH_PATH_MAX];

	return access(path_below(path_private(p, ctid, path), "dump/record", file), F_OK) == 0 ||
	       !ct_is_absent(-errno);
}

/*
 * Is it this CT that has moved away? A journal that cannot be read is no "no": it is not started before that is known.
 */
static enum ct_status status_of_rest(const struct berth_paths *p, const struct ct_info *info,
				     struct berth_error *err)
{
	struct journal j;
	int r = journal_load(p, info->ctid, &j);

	if (r == 0 && j.phase == JOURNAL_GIVEN && strcmp(j.uuid, info->facts.uuid) == 0)
		return CT_GIVEN;
	if (r == 0 || ct_is_absent(r))
		return ct_is_suspended(p, info->ctid) ? CT_SUSPENDED : CT_STOPPED;
	if (r == -EBADMSG) {
		(void)berth_error_set(
			err, BERTH_ERR_BROKEN, EUCLEAN,
			"CT %u: it cannot be told whether it has moved to another host: "
			"%s/state/%u.move is damaged. If it is on no other host, remove "
			"that file",
			info->ctid, p->lib, info->ctid);
		return CT_BROKEN;
	}
	(void)berth_error_sys(err, r, "CT %u: read %s/state/%u.move", info->ctid, p->lib,
			      info->ctid);
	return CT_UNKNOWN;
}

static enum ct_status status_of_files(const struct berth_paths *p, struct ct_info *info,
				      struct berth_error *err)
{
	int facts = ct_facts_load(p, info->ctid, &info->facts, err), r, mounted;

	if (facts < 0)
		return err->code == BERTH_ERR_SYSTEM ? CT_UNKNOWN : CT_BROKEN;
	r = ct_run_load(p, info->ctid, &info->run, &info->booted);
	if (r == 0)
		return info->run.launched ? CT_RUNNING : CT_STARTING;
	mounted = is_mounted(p, info->ctid);
	if ((r == -ESRCH || r == -EBADMSG) && mounted >= 0)
		info->at_rest = mounted == 1 ? CT_MOUNTED : status_of_rest(p, info, err);
	if (r == -ESRCH && mounted >= 0)
		return info->at_rest;
	if (r == -EBADMSG)
		(void)berth_error_set(
			err, BERTH_ERR_UNKNOWN, EUCLEAN,
			"CT %u: cannot find out whether it runs: %s/ct/%u/state is damaged",
			info->ctid, p->run, info->ctid);
	else
		(void)berth_error_sys(err, r == -ESRCH ? mounted : r,
				      "CT %u: cannot find out whether it runs: read %s/ct/%u",
				      info->ctid, p->run, info->ctid);
	return CT_UNKNOWN;
}

int ct_info_load(const struct berth_paths *p, uint32_t ctid, struct ct_info *ret,
		 struct berth_error *err)
{
	char path[BERTH_PATH_MAX];
	struct ct_info info = {.ctid = ctid, .at_rest = CT_UNKNOWN};
	struct berth_error why;

	if (access(path_ct_config(p, ctid, path), F_OK) < 0) {
		if (!ct_is_absent(-errno))
			return berth_error_sys(err, errno, "CT %u: look for its config %s", ctid,
					       path);
		return berth_error_set(err, BERTH_ERR_NO_CONFIG, ENOENT,
				       "CT %u does not exist; `berth list -a` shows those that do",
				       ctid);
	}
	info.status = status_of_files(p, &info, err != NULL ? err : &why);
	*ret = info;
	return 0;
}

static int compare_ctid(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* "101.conf" to 101. */
static int ctid_from_conf_name(const char *name, uint32_t *ret)
{
	char word[16];
	size_t len = strcspn(name, ".");

	if (len >= sizeof(word) || strcmp(name + len, ".conf") != 0)
		return -EINVAL;
	memcpy(word, name, len);
	word[len] = '\0';
	return parse_ctid(word, ret);
}

int ct_info_list(const struct berth_paths *p, uint32_t **ret, struct berth_error *err)
{
	char path[BERTH_PATH_MAX];
	auto_closedir DIR *d = NULL;
	auto_free uint32_t *list = NULL;
	size_t n = 0, room = 0;
	struct dirent *e;

	d = opendir(path_below(p->etc, "ct", path));
	if (d == NULL && errno != ENOENT)
		return berth_error_sys(err, errno, "read directory %s", path);
	while (d != NULL && (e = readdir(d)) != NULL) {
		uint32_t ctid;

		if (ctid_from_conf_name(e->d_name, &ctid) < 0)
			continue;
		if (n == room) {
			uint32_t *bigger = realloc(list, (room + 64) * sizeof(*list));

			if (bigger == NULL)
				return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM,
						       "out of memory");
			list = bigger;
			room += 64;
		}
		list[n++] = ctid;
	}
	if (n > 0)
		qsort(list, n, sizeof(*list), compare_ctid);
	*ret = take_ptr(list);
	return (int)n;
}
