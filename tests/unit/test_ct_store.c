/* test_ct_store.c - the files of CTs: configs, what is in effect, intents. */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/ct/store.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

static char top[] = "/tmp/berth-test-store.XXXXXX";
static struct berth_paths paths;

static struct conf_file *conf(const char *text)
{
	struct conf_file *f = NULL;

	CHECK(conf_parse(text, strlen(text), &f, NULL) == 0);
	return f;
}

static void put(int (*save)(const struct berth_paths *p, uint32_t ctid, const struct conf_file *f,
			    struct berth_error *err),
		uint32_t ctid, const char *text)
{
	struct conf_file *f = conf(text);

	CHECK(save(&paths, ctid, f, NULL) == 0);
	conf_free(f);
}

static bool name_is(int (*load)(const struct berth_paths *p, uint32_t ctid, struct conf_file **ret,
				struct berth_error *err),
		    uint32_t ctid, const char *name)
{
	struct conf_file *f = NULL;
	bool same = load(&paths, ctid, &f, NULL) == 0 && conf_get(f, "NAME") != NULL &&
		    strcmp(conf_get(f, "NAME"), name) == 0;

	conf_free(f);
	return same;
}

static void what_is_in_effect_is_the_config_until_it_differs(void)
{
	put(store_conf_save, 101, "NAME=\"saved\"\n");
	CHECK(name_is(store_live_load, 101, "saved"));
	put(store_live_save, 101, "NAME=\"live\"\n");
	CHECK(name_is(store_live_load, 101, "live") && name_is(store_conf_load, 101, "saved"));
	store_live_forget(&paths, 101);
	CHECK(name_is(store_live_load, 101, "saved"));
}

static void a_candidate_is_there_until_it_is_put_away(void)
{
	put(store_candidate_save, 101, "NAME=\"next\"\n");
	CHECK(name_is(store_candidate_load, 101, "next"));
	store_candidate_forget(&paths, 101);
	CHECK(!name_is(store_candidate_load, 101, "next"));
}

static void a_missing_and_a_damaged_config_differ(void)
{
	char dir[BERTH_PATH_MAX];
	auto_close int fd = dir_open_at(AT_FDCWD, path_below(paths.etc, "ct", dir));
	struct berth_error err = {0};
	struct conf_file *f = NULL;

	CHECK(store_conf_load(&paths, 555, &f, &err) < 0 && err.code == BERTH_ERR_NO_CONFIG);
	CHECK(file_replace_at(fd, "555.conf", "junk\n", 5, 0644, false) == 0);
	CHECK(store_conf_load(&paths, 555, &f, &err) < 0 && err.code == BERTH_ERR_BROKEN);
	CHECK(strstr(err.msg, "CT 555") != NULL);
	CHECK(store_conf_remove(&paths, 555, NULL) == 0);
	CHECK(store_conf_remove(&paths, 555, NULL) == 0);
}

static struct {
	unsigned int n;
	uint32_t ctid;
	struct store_intent_record rec;
} found;

static void find(uint32_t ctid, const struct store_intent_record *rec, void *data)
{
	(void)data;
	found.n++;
	found.ctid = ctid;
	found.rec = *rec;
}

static void look(void)
{
	memset(&found, 0, sizeof(found));
	CHECK(store_intent_each(&paths, find, NULL, NULL, NULL) == 0);
}

#define UUID "01234567-89ab-4cde-8f01-23456789abcd"

static void an_intent_says_what_which_ids_and_what_may_be_removed(void)
{
	const struct store_intent_record destroy = {INTENT_DESTROY, 655425536, {UUID, 12, 34}};
	const struct store_intent_record create = {INTENT_CREATE, 655491072, {UUID, 0, 0}};

	look();
	CHECK(found.n == 0);
	CHECK(store_intent_write(&paths, 101, &destroy, NULL) == 0);
	look();
	CHECK(found.n == 1 && found.ctid == 101 && found.rec.what == INTENT_DESTROY &&
	      found.rec.id_base == 655425536);
	CHECK(strcmp(found.rec.area.uuid, UUID) == 0 && found.rec.area.inode == 12 &&
	      found.rec.area.born == 34);
	/* The next operation on the CTID replaces it. */
	CHECK(store_intent_write(&paths, 101, &create, NULL) == 0);
	look();
	CHECK(found.n == 1 && found.rec.what == INTENT_CREATE && found.rec.id_base == 655491072);
	CHECK(found.rec.area.inode == 0 && strcmp(found.rec.area.uuid, UUID) == 0);
	store_intent_clear(&paths, 101, true);
	look();
	CHECK(found.n == 0);
}

/* Never a reason to remove anything: it names nothing that may be. */
static void a_damaged_intent_is_a_creates_and_names_nothing(void)
{
	static const char *const bad[] = {
		"op=destroy\nuuid=../../etc\ninode=1\nborn=1\n",
		"op=destroy\nuuid=" UUID "x\ninode=1\nborn=1\n",
		"op=destroy\nuuid=" UUID "\ninode=x\nborn=1\n",
		"op=destroy\nuuid=" UUID "\n",
		"op=destroy\nid_base=655425536\n", /* of berth 0.1 */
	};
	char dir[BERTH_PATH_MAX];
	auto_close int fd = dir_open_at(AT_FDCWD, path_below(paths.lib, "state", dir));

	CHECK(file_replace_at(fd, "102.intent", "op=dest", 7, 0600, false) == 0);
	CHECK(file_replace_at(fd, "103.intent.tmp", "op=destroy\n", 11, 0600, false) == 0);
	look();
	CHECK(found.n == 1 && found.ctid == 102 && found.rec.what == INTENT_CREATE);
	CHECK(found.rec.area.uuid[0] == '\0' && found.rec.area.inode == 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK(file_replace_at(fd, "102.intent", bad[i], strlen(bad[i]), 0600, false) == 0);
		look();
		CHECK(found.n == 1 && found.rec.area.uuid[0] == '\0' && found.rec.area.inode == 0 &&
		      found.rec.area.born == 0);
	}
	store_intent_clear(&paths, 102, false);
}

static void a_new_config_never_takes_the_place_of_another(void)
{
	struct berth_error err = {0};
	struct conf_file *f = conf("NAME=\"second\"\n");

	put(store_conf_create, 105, "NAME=\"first\"\n");
	CHECK(store_conf_create(&paths, 105, f, &err) < 0 && err.code == BERTH_ERR_EXISTS);
	CHECK(name_is(store_conf_load, 105, "first"));
	conf_free(f);
	CHECK(store_conf_remove(&paths, 105, NULL) == 0);
}

static void a_name_leads_to_its_ctid_without_berthd(void)
{
	struct berth_error err = {0};
	uint32_t ctid = 0;

	put(store_conf_save, 104, "NAME=\"web\"\n");
	CHECK(store_lookup(&paths, "web", &ctid, NULL) == 0 && ctid == 104);
	CHECK(store_lookup(&paths, "7777", &ctid, NULL) == 0 && ctid == 7777);
	CHECK(store_lookup(&paths, "nobody", &ctid, &err) < 0 && err.code == BERTH_ERR_NO_CONFIG);
	CHECK(store_lookup(&paths, "wbe", &ctid, &err) < 0 && strstr(err.msg, "did you mean web?"));
	CHECK(store_lookup(&paths, "100", &ctid, &err) < 0 && err.code == BERTH_ERR_VALUE);
}

static void touch(const char *sub, const char *name)
{
	char path[BERTH_PATH_MAX];
	auto_close int dir = dir_open_at(AT_FDCWD, path_below(top, sub, path));

	CHECK(file_replace_at(dir, name, "x", 1, 0600, false) == 0);
}

static bool is_there(const char *sub)
{
	char path[BERTH_PATH_MAX];

	return access(path_below(top, sub, path), F_OK) == 0;
}

static void no_intent(uint32_t ctid, const struct store_intent_record *rec, void *data)
{
	(void)ctid;
	(void)rec;
	(*(int *)data)++;
}

static void what_a_killed_writer_left_is_swept(void)
{
	int n = 0;

	put(store_conf_save, 107, "NAME=\"kept\"\n");
	put(store_live_save, 107, "NAME=\"live\"\n");
	touch("etc/berth/ct", "107.conf.tmp");
	touch("run/berth/ct/107", "live.conf.tmp");
	store_sweep(&paths, 107);
	CHECK(!is_there("etc/berth/ct/107.conf.tmp") &&
	      !is_there("run/berth/ct/107/live.conf.tmp"));
	CHECK(name_is(store_conf_load, 107, "kept") && name_is(store_live_load, 107, "live"));
	touch("var/lib/berth/state", "107.intent.tmp");
	CHECK(store_intent_each(&paths, no_intent, NULL, &n, NULL) == 0);
	CHECK(n == 0 && !is_there("var/lib/berth/state/107.intent.tmp"));
	CHECK(store_conf_remove(&paths, 107, NULL) == 0);
}

static void unreadable_intent(uint32_t ctid, int error, void *data)
{
	CHECK(ctid == 109 && error == EISDIR);
	(*(int *)data)++;
}

static void an_intent_that_cannot_be_read_is_told_and_not_taken_for_none(void)
{
	struct store_intent_record rec = {.what = INTENT_DESTROY};
	struct rlimit old, low;
	char path[BERTH_PATH_MAX];
	int n = 0, fd = dir_open_at(AT_FDCWD, top);

	CHECK(mkdir(path_below(paths.lib, "state/109.intent", path), 0700) == 0);
	CHECK(store_intent_each(&paths, no_intent, unreadable_intent, &n, NULL) == 0);
	CHECK(n == 1 && rmdir(path) == 0);
	/* Room for the directory, and not for a file of it: nobody knows yet what there is. */
	CHECK(store_intent_write(&paths, 109, &rec, NULL) == 0);
	CHECK(fd >= 0 && getrlimit(RLIMIT_NOFILE, &old) == 0);
	low = (struct rlimit){(rlim_t)fd + 1, old.rlim_max};
	fd_close(&fd);
	CHECK(setrlimit(RLIMIT_NOFILE, &low) == 0);
	CHECK(store_intent_each(&paths, no_intent, unreadable_intent, &n, NULL) == -EMFILE);
	CHECK(setrlimit(RLIMIT_NOFILE, &old) == 0 && n == 1);
	store_intent_clear(&paths, 109, false);
}

int main(void)
{
	if (mkdtemp(top) == NULL || berth_paths_init(&paths, top, NULL) < 0 ||
	    berth_paths_make(&paths, NULL) < 0)
		return 1;
	RUN(what_is_in_effect_is_the_config_until_it_differs);
	RUN(a_candidate_is_there_until_it_is_put_away);
	RUN(what_a_killed_writer_left_is_swept);
	RUN(an_intent_that_cannot_be_read_is_told_and_not_taken_for_none);
	RUN(a_missing_and_a_damaged_config_differ);
	RUN(an_intent_says_what_which_ids_and_what_may_be_removed);
	RUN(a_damaged_intent_is_a_creates_and_names_nothing);
	RUN(a_new_config_never_takes_the_place_of_another);
	RUN(a_name_leads_to_its_ctid_without_berthd);
	CHECK(tree_remove_at(AT_FDCWD, top) == 0);
	return check_failures != 0;
}
