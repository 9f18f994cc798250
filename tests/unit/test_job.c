/* test_job.c - one operation a CT: who holds it, how long, and who is told. */
#include "tests/unit/daemon_fixture.h"

#include "runtime/base/lock.h"
#include "runtime/base/parse.h"

static int ended; /* workers that have told their end */
static struct worker_result last;

static void worker_over(struct job *j, const struct worker_result *result)
{
	(void)j;
	ended++;
	last = *result;
	last.values = NULL;
}

static bool is_locked(uint32_t ctid)
{
	auto_close int dir = dir_open_at(AT_FDCWD, run_dir(ctid));

	return lock_is_held(dir, "lock");
}

static void run_worker(struct job *j, const char *op, const char *const *args)
{
	ended = 0;
	job_worker(j, op, args, worker_over);
	WAIT_FOR(ended == 1);
}

/* The sleep that the worker left. */
static void kill_child(void)
{
	char text[16] = "", path[BERTH_PATH_MAX];
	int pid = 0;

	CHECK(file_read_line_at(AT_FDCWD, path_below(top, "pid", path), text, sizeof(text)) == 0);
	CHECK(parse_int(text, &pid) == 0 && pid > 1 && kill(pid, SIGKILL) == 0);
	(void)unlink(path);
}

static void a_ct_has_one_operation_at_a_time(void)
{
	struct job *j;
	struct ct *ct;

	host_begin("");
	ct = add_ct(101, "");
	j = job_begin(&d, ct, "stop", NULL, &err);
	CHECK(j != NULL && ct->job == j && is_locked(101));
	CHECK(job_begin(&d, ct, "start", NULL, &err) == NULL && err.code == BERTH_ERR_LOCKED);
	CHECK(strstr(err.msg, "CT 101") != NULL && strstr(err.msg, "stop") != NULL);
	job_done(j, NULL);
	CHECK(ct->job == NULL && !is_locked(101));
	j = job_begin(&d, ct, "start", NULL, &err);
	CHECK(j != NULL);
	job_fail(j, &err);
	CHECK(ct->job == NULL && !is_locked(101));
	host_end();
}

static void a_lock_of_another_process_is_respected_and_named(void)
{
	auto_close int dir = -EBADF;
	struct ct *ct;
	int fd;

	host_begin("");
	ct = add_ct(101, "");
	dir = dir_open_at(AT_FDCWD, run_dir(101));
	fd = lock_take(dir, "lock", "backup", NULL);
	CHECK(job_begin(&d, ct, "start", NULL, &err) == NULL && err.code == BERTH_ERR_LOCKED);
	CHECK(strstr(err.msg, "CT 101") != NULL && strstr(err.msg, "backup") != NULL);
	CHECK(ct->job == NULL);
	fd_close(&fd);
	ct->unsettled = true;
	CHECK(job_begin(&d, ct, "start", NULL, &err) == NULL && err.code == BERTH_ERR_LOCKED);
	CHECK(!is_locked(101));
	host_end();
}

static void a_ct_without_a_run_directory_gets_one(void)
{
	struct job *j;
	struct ct *ct;

	host_begin("");
	ct = registry_add(&d, 101);
	j = job_begin(&d, ct, "create", NULL, &err);
	CHECK(j != NULL && is_there(run_dir(101), "lock"));
	job_done(j, NULL);
	/* And when it cannot be made the operation does not begin. */
	put_file(top, "run/berth/ct/102", "", 0644);
	CHECK(job_begin(&d, registry_add(&d, 102), "create", NULL, &err) == NULL);
	CHECK(err.code == BERTH_ERR_SYSTEM && strstr(err.msg, "CT 102") != NULL);
	host_end();
}

/* So that a new berthd sees that the CT is held, whatever has become of the old one. */
static void the_worker_holds_the_lock_as_long_as_it_lives(void)
{
	char text[16] = "", path[BERTH_PATH_MAX];
	struct job *j;
	int pid = 0;

	host_begin("");
	on_worker("start", "sleep 60 >/dev/null 2>&1 & echo $! >$TOP/pid; say_done\n");
	j = job_begin(&d, add_ct(101, ""), "start", NULL, &err);
	run_worker(j, "start", NULL);
	job_done(j, NULL);
	CHECK(last.ok && is_locked(101));
	CHECK(job_begin(&d, d.cts[0], "stop", NULL, &err) == NULL && err.code == BERTH_ERR_LOCKED);
	CHECK(file_read_line_at(AT_FDCWD, path_below(top, "pid", path), text, sizeof(text)) == 0);
	CHECK(parse_int(text, &pid) == 0 && pid > 1 && kill(pid, SIGKILL) == 0);
	WAIT_FOR(!is_locked(101));
	host_end();
}

static void what_a_worker_is_started_with(void)
{
	static const char *const args[] = {"a b", "", "c", NULL};
	struct job *j;

	host_begin("");
	j = job_begin(&d, add_ct(101, ""), "create", NULL, &err);
	run_worker(j, "create", args);
	CHECK(last.ok && strcmp(worker_calls(), "create 101 a b  c,") == 0);
	job_done(j, NULL);
	host_end();
}

static void what_was_kept_goes_to_who_is_to_have_it(void)
{
	struct job *j;
	struct ct *ct;
	int p[2];

	host_begin("");
	ct = add_ct(101, "");
	CHECK(pipe2(p, O_CLOEXEC) == 0);
	ct->kept[1] = p[1];
	on_worker("adopt", "[ -n \"$fds\" ] && [ -e /proc/self/fd/$fds ] && say_done || "
			   "echo error io.berth.System 9 no\n");
	for (int give = 0; give < 2; give++) {
		j = job_begin(&d, ct, "adopt", NULL, &err);
		j->give_kept = give != 0;
		run_worker(j, "adopt", NULL);
		CHECK(last.ok == (give != 0));
		job_done(j, NULL);
	}
	(void)close(p[0]);
	host_end();
}

static bool file_is(const char *name, const char *text)
{
	char path[BERTH_PATH_MAX], found[64] = "";

	return file_read_line_at(AT_FDCWD, path_below(top, name, path), found, sizeof(found)) ==
		       0 &&
	       strcmp(found, text) == 0;
}

/* As the ends of a move's streams will: in the client's order, and closed with the job. */
static void what_the_client_passed_goes_to_each_worker(void)
{
	const char word[] = "hello";
	struct job *j;
	struct ct *ct;
	int a[2], b[2];

	host_begin("");
	ct = add_ct(101, "");
	CHECK(pipe2(a, O_CLOEXEC) == 0 && pipe2(b, O_CLOEXEC) == 0);
	CHECK(write(a[1], word, 5) == 5 && write(b[1], word, 5) == 5);
	on_worker("start", "x=; y=; IFS=, read -r x y <<<\"$fds\"; head -c 2 <&$x >$TOP/got; "
			   "head -c 1 <&$y >>$TOP/got; say_done\n");
	j = job_begin(&d, ct, "start", NULL, &err);
	j->fds[0] = a[0];
	j->fds[1] = b[0];
	j->n_fds = 2;
	run_worker(j, "start", NULL);
	CHECK(last.ok && file_is("got", "heh"));
	run_worker(j, "start", NULL);
	CHECK(last.ok && file_is("got", "lle"));
	job_done(j, NULL);
	CHECK(write(a[1], word, 5) < 0 && errno == EPIPE); /* no reader is left */
	CHECK(write(b[1], word, 5) < 0 && errno == EPIPE);
	(void)close(a[1]);
	(void)close(b[1]);
	host_end();
}

static void a_worker_that_died_is_told_of_with_ct_and_operation(void)
{
	struct job *j;

	host_begin("");
	on_worker("start", "kill -9 $$\n");
	j = job_begin(&d, add_ct(101, ""), "start", NULL, &err);
	run_worker(j, "start", NULL);
	CHECK(!last.ok && last.died && last.error.code == BERTH_ERR_HELPER);
	CHECK(strstr(last.error.msg, "CT 101") != NULL && strstr(last.error.msg, "start") != NULL);
	/* No worker to be had is a result like any other, and it may come at once. */
	(void)unlink(d.worker_path);
	ended = 0;
	job_worker(j, "start", NULL, worker_over);
	CHECK(ended == 1 && !last.ok && !last.died && last.error.code == BERTH_ERR_HELPER);
	job_fail(j, &last.error);
	host_end();
}

static void progress_goes_to_who_asked_for_more(void)
{
	struct client c;
	json_t *reply;

	host_begin("");
	(void)add_ct(101, "");
	on_worker("mount", "echo progress 40 copying; echo progress -1 waiting; "
			   "echo result path=/x; say_done\n");
	client_open(&c);
	client_send(&c, "io.berth.Container.Mount", ct_parameter(101), true);
	reply = client_wait(&c);
	CHECK(json_is_true(json_object_get(reply, "continues")));
	CHECK(json_integer_value(json_object_get(parameters_of(reply), "ctid")) == 101);
	reply = (json_decref(reply), client_wait(&c));
	CHECK(json_object_get(json_object_get(parameters_of(reply), "progress"), "percent") ==
	      NULL);
	json_decref(reply);
	CHECK(code_of(client_wait(&c)) == BERTH_OK);
	client_close(&c);
	CHECK(code_of(call("io.berth.Container.Umount", ct_parameter(101))) == BERTH_OK);
	reply = call("io.berth.Container.Mount", ct_parameter(101));
	CHECK(json_object_get(reply, "continues") == NULL && code_of(reply) == BERTH_OK);
	host_end();
}

static void when_the_client_goes_the_operation_goes_on(void)
{
	struct client c;
	struct ct *ct;

	host_begin("");
	ct = add_ct(101, "");
	on_worker("mount",
		  "while [ ! -e $TOP/go ]; do sleep 0.01; done; echo progress 1 x; say_done\n");
	client_open(&c);
	client_send(&c, "io.berth.Container.Mount", ct_parameter(101), true);
	CHECK(ct->job != NULL && ct->job->call != NULL);
	client_close(&c);
	CHECK(ct->job != NULL && ct->job->call == NULL);
	put_file(top, "go", "", 0644);
	WAIT_FOR(ct->job == NULL);
	CHECK(ct->status == CT_MOUNTED);
	host_end();
}

static void a_worker_is_ended_on_order_and_counts_as_dead(void)
{
	struct job *j;

	host_begin("");
	/* A child of its holds the report open. */
	on_worker("start", "sleep 1000 2>/dev/null & echo $! >$TOP/pid; wait\n");
	j = job_begin(&d, add_ct(101, ""), "start", NULL, &err);
	ended = 0;
	job_worker(j, "start", NULL, worker_over);
	WAIT_FOR(is_there(top, "pid"));
	CHECK(ended == 0 && j->worker != NULL);
	job_end_worker(j, "the test says so");
	WAIT_FOR(ended == 1);
	CHECK(last.died && last.error.code == BERTH_ERR_TIMEOUT && j->worker == NULL);
	CHECK(strstr(last.error.msg, "the test says so") != NULL);
	job_fail(j, &last.error);
	kill_child();
	host_end();
}

static void a_worker_that_says_nothing_is_ended_in_time(void)
{
	struct job *j;

	host_begin("WORKER_TIMEOUT=\"2\"\n");
	on_worker("start", "sleep 1000 2>/dev/null & echo $! >$TOP/pid; wait\n");
	j = job_begin(&d, add_ct(101, ""), "start", NULL, &err);
	run_worker(j, "start", NULL);
	CHECK(last.died && strstr(last.error.msg, "no progress for 2 s") != NULL);
	job_fail(j, &last.error);
	kill_child();
	WAIT_FOR(!is_locked(101)); /* the child had it too */
	/* One that goes on saying something, often enough on a busy machine too, may be long. */
	on_worker("start", "i=0; while [ $i -lt 25 ]; do sleep 0.1; echo progress $i x; "
			   "i=$((i + 1)); done; say_done\n");
	j = job_begin(&d, d.cts[0], "start", NULL, &err);
	run_worker(j, "start", NULL);
	CHECK(last.ok);
	job_done(j, NULL);
	host_end();
}

static void who_joins_is_answered_with_the_job(void)
{
	struct client c;
	struct ct *ct;

	host_begin("");
	ct = add_ct(101, "");
	on_worker("start", "sleep 1000 2>/dev/null & echo $! >$TOP/pid; wait\n");
	client_open(&c);
	client_send(&c, "io.berth.Container.Start", ct_parameter(101), false);
	WAIT_FOR(is_there(top, "pid"));
	CHECK(code_of(call("io.berth.Container.Stop",
			   json_pack("{s:s, s:b}", "ct", "101", "fast", true))) == BERTH_OK);
	CHECK(ct->status == CT_STOPPED && ct->job == NULL);
	CHECK(code_of(client_wait(&c)) == BERTH_ERR_TIMEOUT &&
	      strstr(err.msg, "stop --fast") != NULL);
	CHECK(strcmp(worker_calls(), "start 101,cleanup 101,") == 0);
	client_close(&c);
	kill_child();
	host_end();
}

int main(void)
{
	int r = daemon_begin();

	if (r != 0)
		return r;
	RUN(a_ct_has_one_operation_at_a_time);
	RUN(a_lock_of_another_process_is_respected_and_named);
	RUN(a_ct_without_a_run_directory_gets_one);
	RUN(the_worker_holds_the_lock_as_long_as_it_lives);
	RUN(what_a_worker_is_started_with);
	RUN(what_was_kept_goes_to_who_is_to_have_it);
	RUN(what_the_client_passed_goes_to_each_worker);
	RUN(a_worker_that_died_is_told_of_with_ct_and_operation);
	RUN(progress_goes_to_who_asked_for_more);
	RUN(when_the_client_goes_the_operation_goes_on);
	RUN(a_worker_is_ended_on_order_and_counts_as_dead);
	RUN(a_worker_that_says_nothing_is_ended_in_time);
	RUN(who_joins_is_answered_with_the_job);
	return check_failures != 0;
}
