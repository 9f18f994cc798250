/* test_strays.c - what lies under a CTID without a config: taken when it is ours, else only named. */
#include "tests/unit/daemon_fixture.h"

#include "netsetup/link.h"
#include "runtime/base/spawn.h"
#include "runtime/ct/spec.h"
#include "runtime/daemon/strays.h"

#include <sched.h>

#define LEFT(ctid, end) "." ctid "." FACTS_UUID "." end

static void make(const char *base, const char *name)
{
	char path[BERTH_PATH_MAX];

	CHECK(dir_make(path_below(base, name, path), 0755) == 0);
}

static void what_is_ours_is_taken_and_hidden(void)
{
	struct ct *ct;

	host_begin("");
	make(d.paths.lib, "private/" LEFT("101", "new"));
	make(d.paths.lib, "private/.103.damaged.gone");
	make(d.paths.run, "ct/102");
	strays_collect(&d);
	CHECK(d.n_cts == 3);
	ct = registry_find(&d, 101);
	CHECK(ct != NULL && ct->being_created && ct->intent == INTENT_LEFT);
	CHECK(ct != NULL && strcmp(ct->going.uuid, FACTS_UUID) == 0 && ct->going.inode == 0);
	ct = registry_find(&d, 103);
	CHECK(ct != NULL && ct->intent == INTENT_LEFT && ct->going.uuid[0] == '\0');
	ct = registry_find(&d, 102);
	CHECK(ct != NULL && ct->being_created && ct->intent == INTENT_NONE);
	CHECK(registry_lookup(&d, "101", NULL) == NULL && registry_lookup(&d, "102", NULL) == NULL);
	host_end();
}

static void a_ct_with_a_config_is_no_stray(void)
{
	struct ct *ct;

	host_begin("");
	ct = add_ct(101, "");
	make(d.paths.lib, "private/" LEFT("101", "new"));
	strays_collect(&d);
	CHECK(d.n_cts == 1 && !ct->being_created && ct->intent == INTENT_NONE);
	host_end();
}

static void other_names_are_left_alone(void)
{
	static const char *const names[] = {
		"private/.new",
		"private/..new",
		"private/.101.new", /* of berth 0.1: nobody knows whose it is */
		"private/" LEFT("100", "new"),
		"private/" LEFT("1o1", "new"),
		"private/" LEFT("-5", "new"),
		"private/" LEFT("99999999999999999999", "new"),
		"private/" LEFT("0101", "new"),
		"private/" LEFT(" 101", "new"),
		"private/" LEFT("101", "new2"),
		"private/" LEFT("101", "new.new"),
		"private/.101.short.new",
		"private/101." FACTS_UUID ".new",
		"private/.101",
	};
	static const char *const runs[] = {"ct/1", "ct/100", "ct/x", "ct/101.old", "ct/+101"};

	host_begin("");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		make(d.paths.lib, names[i]);
	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++)
		make(d.paths.run, runs[i]);
	strays_collect(&d);
	CHECK(d.n_cts == 0);
	host_end();
}

/* What the daemon says into its log while fn runs. */
static const char *log_of(void (*fn)(struct daemon *))
{
	static char text[4096];
	char path[BERTH_PATH_MAX];
	int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	auto_close int fd =
		open(path_below(top, "log", path), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t n;

	log_init("test", LOG_LV_INFO);
	CHECK(dup2(fd, STDERR_FILENO) == STDERR_FILENO);
	fn(&d);
	CHECK(dup2(saved, STDERR_FILENO) == STDERR_FILENO);
	(void)close(saved);
	log_init("test", LOG_LV_ERROR);
	n = pread(fd, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static int ip(const char *const *argv)
{
	return spawn_run(argv, &err);
}

#define IP(...) ip((const char *const[]){"ip", "link", __VA_ARGS__, NULL})

/* A cgroup may be another berthd's (--root), an area is worth more than we know; a link says whose it is. */
static void what_is_left_is_named_and_kept(void)
{
	struct net_owner owner;
	char alias[NET_ALIAS_MAX];
	const char *text;

	host_begin("");
	owner = spec_net_owner(&d.host, d.paths.root);
	(void)add_ct(101, "");
	make(d.paths.lib, "private/102");
	CHECK(unshare(CLONE_NEWNET) == 0);
	CHECK(IP("add", "ct103.0", "type", "veth", "peer", "name", "p0") == 0);
	CHECK(IP("set", "ct103.0", "alias", net_alias(&owner, alias)) == 0);
	CHECK(IP("add", "ct105.0", "type", "veth", "peer", "name", "p1") == 0);
	owner.root = "/nonexistent/b";
	CHECK(IP("set", "ct105.0", "alias", net_alias(&owner, alias)) == 0);
	CHECK(cg_host_setup(d.cg, &err) == 0);
	CHECK(cg_ct_create(d.cg, 104, ID_FIRST, ID_FIRST, &err) == 0);
	text = log_of(strays_report);
	CHECK(strstr(text, "ct=101") == NULL);
	CHECK(strstr(text, "ct=102") != NULL && strstr(text, "private/102") != NULL);
	CHECK(strstr(text, "ct=103") != NULL && strstr(text, "ip link del ct103.0") != NULL);
	CHECK(strstr(text, "ct=104") != NULL && strstr(text, "cgroup") != NULL);
	CHECK(strstr(text, "105") == NULL);
	CHECK(d.n_cts == 1 && is_there(d.paths.lib, "private/102") && cg_ct_exists(d.cg, 104));
	cgroups_end(104);
	host_end();
}

static void a_run_directory_goes_and_its_neighbour_stays(void)
{
	host_begin("");
	make(d.paths.run, "ct/101/root");
	make(d.paths.run, "ct/1010");
	put_file(run_dir(101), "console.log", "x", 0600);
	strays_remove_run(&d, 101);
	CHECK(!is_there(d.paths.run, "ct/101") && is_there(d.paths.run, "ct/1010"));
	strays_remove_run(&d, 101);
	host_end();
}

int main(void)
{
	int r = daemon_begin();

	if (r != 0)
		return r;
	RUN(what_is_ours_is_taken_and_hidden);
	RUN(a_ct_with_a_config_is_no_stray);
	RUN(other_names_are_left_alone);
	RUN(what_is_left_is_named_and_kept);
	RUN(a_run_directory_goes_and_its_neighbour_stays);
	return check_failures != 0;
}
