/*
 * test_op_move.c - the workers of a move, both ends on one host: CT 101 goes to 102, whole, or not at all; what is
 * killed or fails around the commit leaves one of the two whose it is, and says nothing that it does not know.
 *
 * covers: runtime/worker/op_migrate.c runtime/worker/migrate_main.c runtime/worker/op_send.c
 * covers: runtime/worker/op_receive.c runtime/worker/op_receive_offer.c runtime/worker/moved_images.c
 * covers: runtime/worker/move_needs.c
 */
#include "runtime/base/fault_table.h"
#include "runtime/ct/journal.h"
#include "runtime/migrate/message.h"
#include "tests/unit/worker_fixture.h"

#include <sys/mman.h>

#define ID "0a1b2c3d-0000-4000-8000-123456789abc"
#define ID_2 "0a1b2c3d-0000-4000-8000-123456789abd"
#define ID_BASE_2 "655491072"

static struct fault_table *table;
static char table_path[BERTH_PATH_MAX];
static int up[2], down[2]; /* from A to B, and back */

/* A worker that runs beside others. */
struct beside {
	pid_t pid;
	int report;
};

static struct beside start(const int *fds, unsigned int n, const char *const *words)
{
	char faults[BERTH_PATH_MAX + 16], list[64] = "", path[BERTH_PATH_MAX];
	const char *env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "ASAN_OPTIONS=detect_leaks=0",
			     faults, NULL};
	const char *argv[16] = {path, "--fds", list, "--root", top};
	struct beside b = {0};
	int p[2], at = n > 0 ? 5 : 3;

	(void)snprintf(path, sizeof(path), "%s/berth-worker", BERTH_BIN);
	(void)snprintf(faults, sizeof(faults), "BERTH_FAULTS=%s", table_path);
	for (unsigned int i = 0; i < n; i++)
		(void)snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%d",
			       i > 0 ? "," : "", fds[i]);
	if (n == 0) {
		argv[1] = "--root";
		argv[2] = top;
	}
	while (*words != NULL)
		argv[at++] = *words++;
	CHECK(pipe2(p, O_CLOEXEC) == 0);
	CHECK(spawn_program(argv, env,
			    &(struct spawn_fds){
				    .in = -1, .out = p[1], .err = 2, .keep = fds, .n_keep = n},
			    &b.pid, NULL, &err) == 0);
	(void)close(p[1]);
	b.report = p[0];
	return b;
}

#define START(fds, n, ...) start(fds, n, (const char *const[]){__VA_ARGS__, NULL})

/* Its end: what it said is in said. */
static enum berth_errcode end_of(struct beside *b)
{
	memset(&said, 0, sizeof(said));
	said.error.code = BERTH_ERR_HELPER; /* without a word: killed */
	read_report(b->report);
	fd_close(&b->report);
	CHECK(waitpid(b->pid, NULL, 0) == b->pid);
	return said.ok ? BERTH_OK : said.error.code;
}

static void connect_ends(void)
{
	CHECK(pipe2(up, O_CLOEXEC) == 0 && pipe2(down, O_CLOEXEC) == 0);
}

/* Each end has its own descriptors only: the end of one is seen by the other. */
static struct beside send_begin(const char *id, const char *flag)
{
	const int fds[] = {down[0], up[1]};
	struct beside a = START(fds, 2, "send", "101", "102", "-", id, "host-b", flag);

	fd_close(&down[0]);
	fd_close(&up[1]);
	return a;
}

/* B hears the offer, as berthd has it done: offer and candidate.conf are where op_receive looks. */
static enum berth_errcode hear_offer(void)
{
	static char text[2 * MESSAGE_SIZE];
	auto_close int file = memfd_create("offer", MFD_CLOEXEC);
	const int fds[] = {up[0], down[1], file};
	struct beside b = START(fds, 3, "receive-offer");
	enum berth_errcode code = end_of(&b);

	memset(text, 0, sizeof(text));
	if (code != BERTH_OK)
		return code;
	CHECK(pread(file, text, sizeof(text) - 2, 0) > 0);
	put_file(run_dir(102), "offer", text);
	put_candidate(102, text + strlen(text) + 1);
	return code;
}

static struct beside receive_begin(const char *how)
{
	const int fds[] = {up[0], down[1]};
	struct beside b = START(fds, 2, "receive", "102", ID_BASE_2, UUID, how);

	fd_close(&up[0]);
	fd_close(&down[1]);
	return b;
}

static void fault(const char *point, enum fault_action action, int arg, unsigned int skip,
		  unsigned int times)
{
	static unsigned int n;
	struct fault_rule *r = &table->rules[n++ % FAULT_RULES];

	*r = (struct fault_rule){.action = action, .arg = arg, .skip = skip, .times = times};
	(void)snprintf(r->point, sizeof(r->point), "%s", point);
	r->used = 1;
}

static void no_faults(void)
{
	memset(table->rules, 0, sizeof(table->rules));
}

/* How the two ended. */
static enum berth_errcode code_a, code_b;
static char said_a[sizeof(said.error.msg)], said_b[sizeof(said.error.msg)];

static void move(const char *id, const char *how)
{
	struct beside a, b;

	connect_ends();
	a = send_begin(id, NULL);
	if (strcmp(how, "new") == 0) {
		CHECK(is_ok(hear_offer()));
	} else {
		auto_close int file = memfd_create("offer", MFD_CLOEXEC);
		const int fds[] = {up[0], down[1], file};
		struct beside o = START(fds, 3, "receive-offer");

		CHECK(is_ok(end_of(&o)));
	}
	b = receive_begin(how);
	code_b = end_of(&b);
	(void)snprintf(said_b, sizeof(said_b), "%s", said.error.msg);
	code_a = end_of(&a);
	(void)snprintf(said_a, sizeof(said_a), "%s", said.error.msg);
	no_faults();
}

static int phase(uint32_t ctid)
{
	struct journal j;

	return journal_load(&paths, ctid, &j) == 0 ? (int)j.phase : 0;
}

static bool is_owned(void)
{
	return is_there(paths.etc, "ct/102.conf") && is_there(paths.lib, "private/102/volume.img");
}

static bool is_whole_here(void)
{
	struct ct_info info;

	return ct_info_load(&paths, 101, &info, &err) == 0 && info.status == CT_STOPPED;
}

/* What berthd does about the destination's: a destroy of what is a CT, else the undo. */
static void forget_102(void)
{
	char dir[BERTH_PATH_MAX], id[3][40];
	auto_close int areas = dir_open_at(AT_FDCWD, path_below(paths.lib, "private", dir));
	struct area_id meant = {.uuid = UUID};

	CHECK(journal_clear(&paths, 102, &err) == 0);
	if (is_there(paths.etc, "ct/102.conf"))
		CHECK(area_id_read(areas, 102, &meant) == 0);
	area_id_format(&meant, id);
	CHECK(is_ok(WORKER("destroy", "102",
			   is_there(paths.etc, "ct/102.conf") ? "order" : "create", id[0], id[1],
			   id[2])));
	CHECK(!is_there(paths.lib, "private/102") && !is_there(paths.etc, "ct/102.conf"));
}

static void take_back_101(void)
{
	CHECK(journal_clear(&paths, 101, &err) == 0 && is_whole_here());
}

static void it_arrives_whole_and_is_given_here(void)
{
	struct ct_info info;
	struct conf_file *f;

	move(ID, "new");
	CHECK(code_a == BERTH_OK && code_b == BERTH_OK && is_owned());
	CHECK(phase(101) == JOURNAL_GIVEN && phase(102) == JOURNAL_READY);
	CHECK(ct_info_load(&paths, 101, &info, &err) == 0 && info.status == CT_GIVEN);
	CHECK(ct_info_load(&paths, 102, &info, &err) == 0 && info.status == CT_STOPPED);
	CHECK(strcmp(info.facts.uuid, UUID) == 0 && info.facts.epoch == 1);
	CHECK(info.facts.id_base == 655491072);
	CHECK(store_conf_load(&paths, 102, &f, &err) == 0);
	CHECK(strcmp(conf_get(f, "HOSTNAME"), "web") == 0);
	conf_free(f);
	CHECK(!is_there(paths.lib, "private/102/incoming.conf"));
	CHECK(is_ok(WORKER("mount", "102")) && is_ok(WORKER("umount", "102")));
	forget_102();
	take_back_101();
}

static void a_check_asks_and_changes_nothing(void)
{
	struct message_answer answer = {.state = ANSWER_CLEAR};
	auto_close int file = memfd_create("answer", MFD_CLOEXEC);
	struct beside a, b;
	char text[MESSAGE_SIZE];

	for (int refuse = 0; refuse < 2; refuse++) {
		if (refuse != 0) {
			answer.state = ANSWER_REFUSED;
			CHECK(message_answer_add(&answer, "its cellar is flooded") == 0);
		}
		CHECK(message_answer_format(&answer, text) == 0 && ftruncate(file, 0) == 0);
		CHECK(pwrite(file, text, strlen(text), 0) > 0);
		connect_ends();
		a = send_begin(ID, "check");
		CHECK(is_ok(hear_offer()) && said.values[0] == '\0');
		b = START(((const int[]){up[0], down[1], file}), 3, "receive-answer");
		CHECK(end_of(&b) == BERTH_OK);
		CHECK(end_of(&a) == (refuse != 0 ? BERTH_ERR_UNSUPPORTED : BERTH_OK));
		CHECK(refuse == 0 || says("its cellar is flooded"));
		fd_close(&up[0]);
		fd_close(&down[1]);
	}
	CHECK(is_whole_here() && phase(101) == 0 && !is_there(paths.lib, "private/102"));
}

static void all_that_is_in_the_way_is_found(void)
{
	struct beside a;
	char from[BERTH_PATH_MAX], to[BERTH_PATH_MAX];

	CHECK(rename(path_below(paths.lib, "template/tiny.template", from),
		     path_below(paths.lib, "tiny.aside", to)) == 0);
	connect_ends();
	a = send_begin(ID, NULL);
	CHECK(hear_offer() == BERTH_OK && strstr(said.values, "finding.0=the template 'tiny'"));
	CHECK(rename(to, from) == 0);
	fd_close(&up[0]); /* and B goes away */
	fd_close(&down[1]);
	CHECK(end_of(&a) == BERTH_ERR_PROTOCOL && is_whole_here() && phase(101) == 0);
}

static void what_fails_before_the_commit_is_told_and_stays_here(void)
{
	static const char *const points[] = {"blocks.send", "receive.volume", "receive.ready",
					     "fsyncdir.102.move", "send.before_given"};

	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		fault(points[i], FAULT_ERRNO, ENOSPC, 0, 1);
		move(ID, "new");
		CHECK(code_a != BERTH_OK && code_b != BERTH_OK && !is_owned());
		CHECK(is_whole_here() && phase(101) == 0 && phase(102) == 0);
		forget_102();
	}
}

/* The name is on the disk, but not for sure: it is taken back, or nothing is said. */
static void a_commit_that_may_not_be_durable_is_none(void)
{
	fault("fsyncdir.101.move", FAULT_ERRNO, EIO, 0, 1);
	move(ID, "new");
	CHECK(code_a == BERTH_ERR_SAVE && is_whole_here() && phase(101) == 0);
	CHECK(code_b == BERTH_ERR_PROTOCOL && phase(102) == 0 && !is_owned());
	forget_102();
	fault("fsyncdir.101.move", FAULT_ERRNO, EIO, 0, 1);
	fault("unlink.101.move", FAULT_ERRNO, EIO, 0, 1);
	move(ID, "new");
	CHECK(code_a == BERTH_ERR_SAVE && phase(101) == JOURNAL_GIVEN);
	/* B has heard neither word: it keeps all of it, without a config. */
	CHECK(code_b != BERTH_OK && phase(102) == JOURNAL_READY && !is_owned());
	CHECK(is_there(paths.lib, "private/102/volume.img"));
	/* The same command again. */
	move(ID_2, "resume");
	CHECK(code_a == BERTH_OK && code_b == BERTH_OK && is_owned());
	forget_102();
	take_back_101();
}

static void killed_after_the_commit_it_goes_on_where_it_was(void)
{
	static const char *const points[] = {"send.given", "receive.own"};

	for (size_t i = 0; i < 2; i++) {
		fault(points[i], FAULT_SIGNAL, SIGKILL, 0, 1);
		move(ID, "new");
		CHECK(code_a != BERTH_OK && code_b != BERTH_OK && !is_owned());
		CHECK(phase(101) == JOURNAL_GIVEN && phase(102) == JOURNAL_READY);
		move(ID_2, "resume");
		CHECK(code_a == BERTH_OK && code_b == BERTH_OK && is_owned());
		forget_102();
		take_back_101();
	}
}

/* A did not commit, and starts again: B's word READY is answered with an abort, and B lets go. */
static void one_that_was_not_given_is_taken_back_from_who_waits_for_it(void)
{
	fault("send.before_given", FAULT_SIGNAL, SIGKILL, 0, 1);
	move(ID, "new");
	CHECK(is_whole_here() && phase(101) == 0 && phase(102) == JOURNAL_READY && !is_owned());
	move(ID_2, "resume");
	CHECK(code_a == BERTH_ERR_PROTOCOL && strstr(said_a, "give the command again") != NULL);
	CHECK(is_whole_here() && phase(101) == 0 && phase(102) == 0 && !is_owned());
	forget_102();
}

static void an_admins_take_needs_the_very_area_that_came(void)
{
	char path[BERTH_PATH_MAX];

	fault("send.given", FAULT_SIGNAL, SIGKILL, 0, 1);
	move(ID, "new");
	CHECK(WORKER("receive", "102", ID_BASE_2, "11111111-2222-4333-8444-555555555555", "take") ==
	      BERTH_ERR_BROKEN);
	CHECK(says("put that back") && !is_owned());
	/* A config that somebody has put there is kept. */
	put_file(path_below(paths.etc, "ct", path), "102.conf", "NAME=\"another\"\n");
	CHECK(WORKER("receive", "102", ID_BASE_2, UUID, "take") == BERTH_ERR_EXISTS);
	CHECK(unlink(path_below(paths.etc, "ct/102.conf", path)) == 0);
	CHECK(is_ok(WORKER("receive", "102", ID_BASE_2, UUID, "take")) && is_owned());
	forget_102();
	take_back_101();
}

static void a_given_one_goes_only_where_it_was_given(void)
{
	struct beside a;

	fault("send.given", FAULT_SIGNAL, SIGKILL, 0, 1);
	move(ID, "new");
	connect_ends();
	a = START(((const int[]){down[0], up[1]}), 2, "send", "101", "103", "-", ID_2, "host-b");
	CHECK(end_of(&a) == BERTH_ERR_VALUE && says("cannot become CT 103"));
	for (int i = 0; i < 2; i++) {
		fd_close(&up[i]);
		fd_close(&down[i]);
	}
	forget_102();
	take_back_101();
}

static void bad_words_and_missing_descriptors_are_refused(void)
{
	CHECK(WORKER("send", "101", "102", "-", ID, "b") == BERTH_ERR_OPTION);
	CHECK(WORKER("send", "101", "102") == BERTH_ERR_OPTION);
	CHECK(WORKER("receive", "102", ID_BASE_2, UUID, "new") == BERTH_ERR_OPTION);
	CHECK(WORKER("receive-offer") == BERTH_ERR_OPTION);
	CHECK(WORKER("receive-answer") == BERTH_ERR_OPTION);
	CHECK(is_whole_here());
}

static int table_begin(void)
{
	int fd = open(path_below(top, "faults", table_path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && ftruncate(fd, sizeof(*table)) == 0);
	table = mmap(NULL, sizeof(*table), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (table == MAP_FAILED)
		return 1;
	table->magic = FAULT_MAGIC;
	return 0;
}

int main(void)
{
	int r = worker_begin(true);

	if (r != 0)
		return r;
	if (table_begin() != 0 || !create_ct("101", "HOSTNAME=\"web\"\n"))
		return 1;
	RUN(it_arrives_whole_and_is_given_here);
	RUN(a_check_asks_and_changes_nothing);
	RUN(all_that_is_in_the_way_is_found);
	RUN(what_fails_before_the_commit_is_told_and_stays_here);
	RUN(a_commit_that_may_not_be_durable_is_none);
	RUN(killed_after_the_commit_it_goes_on_where_it_was);
	RUN(one_that_was_not_given_is_taken_back_from_who_waits_for_it);
	RUN(an_admins_take_needs_the_very_area_that_came);
	RUN(a_given_one_goes_only_where_it_was_given);
	RUN(bad_words_and_missing_descriptors_are_refused);
	return worker_end();
}
