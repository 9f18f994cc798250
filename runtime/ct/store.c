/* store.c - the files of CTs. */
#include "runtime/ct/store.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "runtime/base/value.h"
#include "runtime/ct/info.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static void conf_cleanup(struct conf_file **f)
{
	conf_free(*f);
}

/* Opens BASE/NAME; -errno with *err set. */
static int open_dir(const char *base, const char *name, struct berth_error *err)
{
	char path[BERTH_PATH_MAX];
	int fd = dir_open_at(AT_FDCWD, path_below(base, name, path));

	if (fd < 0)
		return berth_error_sys(err, fd, "open directory %s", path);
	return fd;
}

static char *conf_name(uint32_t ctid, char buf[24])
{
	(void)snprintf(buf, 24, "%u.conf", ctid);
	return buf;
}

int store_conf_load(const struct berth_paths *p, uint32_t ctid, struct conf_file **ret,
		    struct berth_error *err)
{
	auto_close int dir = open_dir(p->etc, "ct", err);
	struct berth_error why = {0};
	char name[24];
	int r;

	if (dir < 0)
		return dir;
	r = conf_load_at(dir, conf_name(ctid, name), ret, &why);
	if (r == -ENOENT)
		return berth_error_set(err, BERTH_ERR_NO_CONFIG, ENOENT,
				       "CT %u does not exist; `berth list -a` shows those that do",
				       ctid);
	if (r < 0)
		return berth_error_set(err, BERTH_ERR_BROKEN, -r, "CT %u: config %s/ct/%s: %s",
				       ctid, p->etc, name, why.msg);
	return 0;
}

int store_conf_save(const struct berth_paths *p, uint32_t ctid, const struct conf_file *f,
		    struct berth_error *err)
{
	auto_close int dir = open_dir(p->etc, "ct", err);
	struct berth_error why = {0};
	char name[24];
	int r;

	if (dir < 0)
		return dir;
	r = conf_save_at(dir, conf_name(ctid, name), f, &why);
	if (r < 0)
		return berth_error_set(err, BERTH_ERR_SAVE, -r,
				       "CT %u: %s/ct: %s; nothing was changed", ctid, p->etc,
				       why.msg);
	return 0;
}

int store_conf_create(const struct berth_paths *p, uint32_t ctid, const struct conf_file *f,
		      struct berth_error *err)
{
	auto_close int dir = open_dir(p->etc, "ct", err);
	struct berth_error why = {0};
	char name[24];
	int r;

	if (dir < 0)
		return dir;
	r = conf_create_at(dir, conf_name(ctid, name), f, &why);
	if (r == -EEXIST)
		return berth_error_set(err, BERTH_ERR_EXISTS, EEXIST,
				       "CT %u: %s/ct/%s appeared meanwhile; it is kept", ctid,
				       p->etc, name);
	if (r < 0)
		return berth_error_set(err, BERTH_ERR_SAVE, -r,
				       "CT %u: %s/ct: %s; nothing was changed", ctid, p->etc,
				       why.msg);
	return 0;
}

int store_conf_remove(const struct berth_paths *p, uint32_t ctid, struct berth_error *err)
{
	auto_close int dir = open_dir(p->etc, "ct", err);
	char name[24];
	int r;

	if (dir < 0)
		return dir;
	r = file_unlink_at(dir, conf_name(ctid, name));
	if (r < 0)
		return berth_error_sys(err, r, "remove %s/ct/%s", p->etc, name);
	(void)fsync(dir);
	return 0;
}

static int run_conf_save(const struct berth_paths *p, uint32_t ctid, const char *name,
			 const struct conf_file *f, struct berth_error *err)
{
	auto_close int dir = paths_run_ct_open(p, ctid, err);

	return dir < 0 ? dir : conf_save_at(dir, name, f, err);
}

static int run_conf_load(const struct berth_paths *p, uint32_t ctid, const char *name,
			 struct conf_file **ret, struct berth_error *err)
{
	auto_close int dir = paths_run_ct_open(p, ctid, err);

	return dir < 0 ? dir : conf_load_at(dir, name, ret, err);
}

int store_candidate_save(const struct berth_paths *p, uint32_t ctid, const struct conf_file *f,
			 struct berth_error *err)
{
	return run_conf_save(p, ctid, "candidate.conf", f, err);
}

int store_candidate_load(const struct berth_paths *p, uint32_t ctid, struct conf_file **ret,
			 struct berth_error *err)
{
	return run_conf_load(p, ctid, "candidate.conf", ret, err);
}

int store_pending_save(const struct berth_paths *p, uint32_t ctid, const struct conf_file *f,
		       struct berth_error *err)
{
	return run_conf_save(p, ctid, "pending.conf", f, err);
}

int store_pending_load(const struct berth_paths *p, uint32_t ctid, struct conf_file **ret,
		       struct berth_error *err)
{
	return run_conf_load(p, ctid, "pending.conf", ret, err);
}

int store_asked_save(const struct berth_paths *p, uint32_t ctid, const struct conf_file *f,
		     struct berth_error *err)
{
	return run_conf_save(p, ctid, "asked.conf", f, err);
}

int store_asked_load(const struct berth_paths *p, uint32_t ctid, struct conf_file **ret,
		     struct berth_error *err)
{
	return run_conf_load(p, ctid, "asked.conf", ret, err);
}

int store_live_save(const struct berth_paths *p, uint32_t ctid, const struct conf_file *f,
		    struct berth_error *err)
{
	return run_conf_save(p, ctid, "live.conf", f, err);
}

int store_suspended_load(const struct berth_paths *p, uint32_t ctid, int dump_fd,
			 struct conf_file **ret, struct berth_error *err)
{
	struct berth_error why;
	int r = conf_load_at(dump_fd, "config", ret, &why);

	return r == 0 ? 0
		      : berth_error_set(err, BERTH_ERR_BROKEN, -r,
					"CT %u: what it had in effect when it was suspended, "
					"%s/private/%u/dump/config, is damaged or gone: %.200s",
					ctid, p->lib, ctid, why.msg);
}

int store_suspended_save(uint32_t ctid, int dump_fd, const struct conf_file *f,
			 struct berth_error *err)
{
	auto_free char *text = NULL;
	int r = conf_format(f, &text);

	if (r == 0)
		r = file_replace_at(dump_fd, "config", text, strlen(text), 0600, true);
	return r == 0 ? 0
		      : berth_error_sys(err, r, "CT %u: suspend: write what it has in effect",
					ctid);
}

/* Of a CT that does not run; images without a record are what a resume has left. */
static int load_at_rest(const struct berth_paths *p, uint32_t ctid, struct conf_file **ret,
			struct berth_error *err)
{
	char path[BERTH_PATH_MAX], dump[BERTH_PATH_MAX];
	auto_close int dir =
		dir_open_at(AT_FDCWD, path_below(path_private(p, ctid, path), "dump", dump));

	/* Who may not look there is told what is saved. */
	if (dir == -ENOENT || dir == -ENOTDIR || dir == -EACCES ||
	    (dir >= 0 && faccessat(dir, "record", F_OK, 0) < 0 && errno == ENOENT))
		return store_conf_load(p, ctid, ret, err);
	if (dir < 0)
		return berth_error_sys(err, dir, "CT %u: open %s", ctid, dump);
	return store_suspended_load(p, ctid, dir, ret, err);
}

int store_live_load(const struct berth_paths *p, uint32_t ctid, struct conf_file **ret,
		    struct berth_error *err)
{
	char path[BERTH_PATH_MAX];
	auto_close int dir = dir_open_at(AT_FDCWD, path_run_ct(p, ctid, path));
	int r = dir < 0 ? dir : conf_load_at(dir, "live.conf", ret, NULL);

	/* Without a descriptor, or memory, the saved one must not pass for what is in effect. */
	if (r == -EMFILE || r == -ENFILE || r == -ENOMEM || r == -EIO)
		return berth_error_sys(err, r, "CT %u: read %s/live.conf", ctid, path);
	return r == 0 ? 0 : load_at_rest(p, ctid, ret, err);
}

int store_old_save(const struct berth_paths *p, uint32_t ctid, const struct conf_file *f,
		   struct berth_error *err)
{
	auto_close int dir = paths_run_ct_open(p, ctid, err);
	auto_free char *text = NULL;
	int r = dir < 0 ? dir : conf_format(f, &text);

	/* Of this boot: a start waits for no disk. */
	if (dir >= 0 && r == 0)
		r = file_replace_at(dir, "old.conf", text, strlen(text), 0644, false);
	if (dir >= 0 && r < 0)
		return berth_error_sys(err, r, "CT %u: write its old.conf", ctid);
	return r;
}

int store_old_load(const struct berth_paths *p, uint32_t ctid, struct conf_file **ret,
		   struct berth_error *err)
{
	auto_close int dir = paths_run_ct_open(p, ctid, err);

	return dir < 0 ? dir : conf_load_at(dir, "old.conf", ret, err);
}

int store_undo_save(const struct berth_paths *p, uint32_t ctid, const struct conf_file *f,
		    struct berth_error *err)
{
	auto_close int dir = paths_run_ct_open(p, ctid, err);
	auto_free char *text = NULL;
	int r = dir < 0 ? dir : conf_format(f, &text);

	if (dir >= 0 && r == 0)
		r = file_replace_at(dir, "undo.new", text, strlen(text), 0600, false);
	if (dir >= 0 && r < 0)
		return berth_error_sys(err, r, "CT %u: write what the set has changed", ctid);
	return r;
}

void store_undo_keep(const struct berth_paths *p, uint32_t ctid)
{
	char path[BERTH_PATH_MAX];
	auto_close int dir = dir_open_at(AT_FDCWD, path_run_ct(p, ctid, path));

	/* None: berthd itself has taken something back, which nobody undoes. */
	if (dir >= 0)
		(void)renameat(dir, "undo.new", dir, "undo");
}

int store_undo_load(const struct berth_paths *p, uint32_t ctid, struct conf_file **ret,
		    struct berth_error *err)
{
	auto_close int dir = paths_run_ct_open(p, ctid, err);
	int r = dir < 0 ? dir : conf_load_at(dir, "undo", ret, err);

	if (r == -ENOENT && dir >= 0)
		return berth_error_set(err, BERTH_ERR_VALUE, ENOENT,
				       "CT %u: nothing to undo: no set since the host has booted",
				       ctid);
	return r;
}

void store_live_keep(const struct berth_paths *p, uint32_t ctid)
{
	char path[BERTH_PATH_MAX];
	auto_close int dir = dir_open_at(AT_FDCWD, path_run_ct(p, ctid, path));

	/* None: what the start wrote is still it. */
	if (dir >= 0)
		(void)renameat(dir, "live.conf", dir, "old.conf");
}

static void run_file_remove(const struct berth_paths *p, uint32_t ctid, const char *name)
{
	char path[BERTH_PATH_MAX];
	auto_close int dir = dir_open_at(AT_FDCWD, path_run_ct(p, ctid, path));

	if (dir >= 0)
		(void)file_unlink_at(dir, name);
}

void store_candidate_forget(const struct berth_paths *p, uint32_t ctid)
{
	run_file_remove(p, ctid, "candidate.conf"); /* first: alone, the others say nothing */
	store_pending_forget(p, ctid);
	run_file_remove(p, ctid, "undo.new");
}

void store_pending_forget(const struct berth_paths *p, uint32_t ctid)
{
	run_file_remove(p, ctid, "pending.conf");
}

void store_asked_forget(const struct berth_paths *p, uint32_t ctid)
{
	run_file_remove(p, ctid, "asked.conf");
}

static void sweep_pending(const struct berth_paths *p, uint32_t ctid)
{
	char path[BERTH_PATH_MAX];
	auto_close int dir = dir_open_at(AT_FDCWD, path_run_ct(p, ctid, path));

	if (dir < 0 || faccessat(dir, "candidate.conf", F_OK, 0) == 0 || errno != ENOENT)
		return;
	(void)file_unlink_at(dir, "pending.conf");
	(void)file_unlink_at(dir, "undo.new");
}

void store_live_forget(const struct berth_paths *p, uint32_t ctid)
{
	run_file_remove(p, ctid, "live.conf");
}

void store_sweep(const struct berth_paths *p, uint32_t ctid)
{
	static const char *const names[] = {
		"candidate.conf.tmp", "pending.conf.tmp", "asked.conf.tmp",
		"asked.conf",	      "live.conf.tmp",	  "restart.tmp",
		"addresses.tmp",      "undo.tmp",	  "undo.new.tmp"};
	auto_close int dir = open_dir(p->etc, "ct", NULL);
	char name[32];

	(void)snprintf(name, sizeof(name), "%u.conf.tmp", ctid);
	if (dir >= 0)
		(void)unlinkat(dir, name, 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		run_file_remove(p, ctid, names[i]);
	sweep_pending(p, ctid);
}

int store_host_conf_load(const struct berth_paths *p, struct conf_file **ret,
			 struct berth_error *err)
{
	auto_close int dir = dir_open_at(AT_FDCWD, p->etc);
	int r = dir < 0 ? dir : conf_load_at(dir, "berth.conf", ret, err);

	if (r == -ENOENT)
		return conf_parse("", 0, ret, err);
	if (r < 0 && err != NULL)
		err->code = BERTH_ERR_NO_GLOBAL_CONFIG;
	return r;
}

static int no_sample(const struct berth_paths *p, int dirfd, const char *name,
		     struct berth_error *err)
{
	auto_closedir DIR *d = dir_stream_at(dirfd, ".");
	struct word_guess g = {.word = name};
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		size_t len = strlen(e->d_name);

		if (len <= 5 || strcmp(e->d_name + len - 5, ".conf") != 0)
			continue;
		e->d_name[len - 5] = '\0';
		if (template_name_is_valid(e->d_name))
			word_guess_try(&g, e->d_name);
	}
	if (g.best != NULL)
		return berth_error_set(err, BERTH_ERR_NO_SAMPLE, ENOENT,
				       "there is no sample '%s'; did you mean %s?", name, g.best);
	return berth_error_set(err, BERTH_ERR_NO_SAMPLE, ENOENT,
			       "there is no sample '%s'; see %s/samples", name, p->etc);
}

int store_sample_load(const struct berth_paths *p, const char *name, struct conf_file **ret,
		      struct berth_error *err)
{
	auto_close int dir = open_dir(p->etc, "samples", err);
	char file[140];
	int r;

	if (dir < 0)
		return dir;
	if (!template_name_is_valid(name))
		return berth_error_set(err, BERTH_ERR_NO_SAMPLE, EINVAL,
				       "'%s' cannot be the name of a sample", name);
	(void)snprintf(file, sizeof(file), "%s.conf", name);
	r = conf_load_at(dir, file, ret, err);
	if (r == -ENOENT)
		return no_sample(p, dir, name, err);
	return r;
}

static const char *const intent_names[] = {
	[INTENT_CREATE] = "create", [INTENT_DESTROY] = "destroy"};

static int intent_format(const struct store_intent_record *rec, char *buf, size_t size)
{
	size_t used = 0;
	int r = 0;

	r |= value_put(buf, size, &used, "op", intent_names[rec->what]);
	r |= value_put_u64(buf, size, &used, "id_base", rec->id_base);
	r |= value_put(buf, size, &used, "uuid", rec->area.uuid);
	r |= value_put_u64(buf, size, &used, "inode", rec->area.inode);
	r |= value_put_u64(buf, size, &used, "born", rec->area.born);
	return r != 0 ? -ENOSPC : 0;
}

int store_intent_write(const struct berth_paths *p, uint32_t ctid,
		       const struct store_intent_record *rec, struct berth_error *err)
{
	auto_close int dir = open_dir(p->lib, "state", err);
	char name[24], text[256];
	int r;

	if (dir < 0)
		return dir;
	(void)snprintf(name, sizeof(name), "%u.intent", ctid);
	r = intent_format(rec, text, sizeof(text));
	if (r == 0)
		r = file_replace_at(dir, name, text, strlen(text), 0600, true);
	if (r < 0)
		return berth_error_set(err, r == -ENOSPC ? BERTH_ERR_NO_SPACE : BERTH_ERR_SAVE, -r,
				       "CT %u: write %s/state/%s: %s", ctid, p->lib, name,
				       strerror(-r));
	return 0;
}

void store_intent_clear(const struct berth_paths *p, uint32_t ctid, bool durable)
{
	auto_close int dir = open_dir(p->lib, "state", NULL);
	char name[24];

	(void)snprintf(name, sizeof(name), "%u.intent", ctid);
	if (dir >= 0 && file_unlink_at(dir, name) == 0 && durable)
		(void)fsync(dir);
}

/* What is not there or makes no sense stays zero: then nothing may be removed for it. */
static void intent_parse(const char *text, struct store_intent_record *ret)
{
	struct store_intent_record rec = {.what = INTENT_CREATE};
	struct area_id *a = &rec.area;
	uint64_t id_base = 0;
	char op[16] = "";

	/* A torn intent can only be a create's: nothing was made before it was whole. */
	(void)value_get(text, "op", op, sizeof(op));
	if (strcmp(op, "destroy") == 0)
		rec.what = INTENT_DESTROY;
	(void)value_get_u64(text, "id_base", &id_base);
	rec.id_base = id_base <= UINT32_MAX ? (uint32_t)id_base : 0;
	if (value_get(text, "uuid", a->uuid, sizeof(a->uuid)) < 0 ||
	    value_get_u64(text, "inode", &a->inode) < 0 ||
	    value_get_u64(text, "born", &a->born) < 0 || !area_uuid_is_valid(a->uuid))
		rec.area = (struct area_id){0};
	*ret = rec;
}

static int intent_read(int dir, const char *name, uint32_t *ret_ctid,
		       struct store_intent_record *ret)
{
	char word[16], text[512];
	size_t len = strcspn(name, ".");
	int r;

	if (len >= sizeof(word) || strcmp(name + len, ".intent") != 0)
		return -EINVAL;
	memcpy(word, name, len);
	word[len] = '\0';
	if (parse_ctid(word, ret_ctid) < 0)
		return -EINVAL;
	r = file_read_line_at(dir, name, text, sizeof(text));
	if (r == 0)
		intent_parse(text, ret);
	return r;
}

int store_intent_each(const struct berth_paths *p,
		      void (*fn)(uint32_t ctid, const struct store_intent_record *rec, void *data),
		      void (*unreadable)(uint32_t ctid, int error, void *data), void *data,
		      struct berth_error *err)
{
	auto_close int fd = open_dir(p->lib, "state", err);
	auto_closedir DIR *d = fd < 0 ? NULL : dir_stream_at(fd, ".");
	struct dirent *e;

	if (fd < 0)
		return fd;
	if (d == NULL)
		return berth_error_sys(err, errno, "read %s/state", p->lib);
	while ((e = readdir(d)) != NULL) {
		struct store_intent_record rec;
		uint32_t ctid;
		int r;

		/* Of a berthd that was killed while it wrote; only berthd writes here, and there is one. */
		if (strstr(e->d_name, ".intent.tmp") != NULL) {
			(void)unlinkat(fd, e->d_name, 0);
			continue;
		}
		r = intent_read(fd, e->d_name, &ctid, &rec);
		/* What the whole host lacks for a while: its ids must not pass for free. */
		if (r == -EMFILE || r == -ENFILE || r == -ENOMEM)
			return berth_error_sys(err, r, "read %s/state/%s", p->lib, e->d_name);
		if (r == 0)
			fn(ctid, &rec, data);
		else if (r != -EINVAL)
			unreadable(ctid, -r, data);
	}
	return 0;
}

int store_lookup(const struct berth_paths *p, const char *word, uint32_t *ret,
		 struct berth_error *err)
{
	auto_free uint32_t *list = NULL;
	struct word_guess g = {.word = word};
	uint32_t ctid;
	int r = parse_ctid(word, &ctid), n;

	if (r == 0) {
		*ret = ctid;
		return 0;
	}
	if (r == -ERANGE)
		return berth_error_set(err, BERTH_ERR_VALUE, ERANGE,
				       "CTID %s: 1 to 100 are reserved; use %d to %u", word,
				       CTID_MIN, CTID_MAX);
	n = ct_info_list(p, &list, err);
	if (n < 0)
		return n;
	for (int i = 0; i < n; i++) {
		auto_ptr(conf_cleanup) struct conf_file *f = NULL;
		const char *name;

		if (store_conf_load(p, list[i], &f, NULL) < 0)
			continue;
		name = conf_get(f, "NAME");
		if (name != NULL && strcmp(name, word) == 0) {
			*ret = list[i];
			return 0;
		}
		if (name != NULL && name_is_valid(name))
			word_guess_try(&g, name);
	}
	if (g.best != NULL)
		return berth_error_set(err, BERTH_ERR_NO_CONFIG, ENOENT,
				       "CT %.64s does not exist; did you mean %s?", word, g.best);
	return berth_error_set(err, BERTH_ERR_NO_CONFIG, ENOENT,
			       "CT %.64s does not exist; `berth list -a` shows those that do",
			       word);
}

int store_config_of(const struct berth_paths *p, uint32_t ctid, const struct conf_file *f,
		    const struct conf_file *host, struct ct_config *ret, struct berth_error *err)
{
	struct berth_error why = {0};

	if (ct_config_from(f, host, ret, &why) < 0)
		return berth_error_set(err, BERTH_ERR_BROKEN, why.sys,
				       "CT %u: config %s/ct/%u.conf: %s", ctid, p->etc, ctid,
				       why.msg);
	return 0;
}

int store_config(const struct berth_paths *p, uint32_t ctid, const struct conf_file *host,
		 struct ct_config *ret, struct berth_error *err)
{
	auto_ptr(conf_cleanup) struct conf_file *f = NULL;
	int r = store_conf_load(p, ctid, &f, err);

	return r < 0 ? r : store_config_of(p, ctid, f, host, ret, err);
}
