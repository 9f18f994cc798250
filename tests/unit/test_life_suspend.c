/*
 * test_life_suspend.c - a suspend and a resume as berthd lives them: what the images on disk say counts, whoever dies.
 */
#include "tests/unit/daemon_fixture.h"

#include "runtime/checkpoint/dump_record.h"
#include "runtime/daemon/reboot.h"

#define ORDER(name) code_of(call("io.berth.Container." name, ct_parameter(101)))

static char images[BERTH_PATH_MAX];

static void put_images(const char *folder)
{
	const struct checkpoint_record rec = {.uuid = FACTS_UUID,
					      .boot_id = "d1ff4f03-c31a-441c-8a24-9105a65b29ea",
					      .init = {91, 1},
					      .kernel = "6",
					      .tty = "tty[8800:1a]",
					      .hostname = "x",
					      .stop_command = ""};
	char text[RECORD_SIZE_MAX], private[BERTH_PATH_MAX];

	CHECK(checkpoint_record_format(&rec, text, sizeof(text)) == 0);
	path_below(path_private(&d.paths, 101, private), folder, images);
	put_file(images, "record", text, 0600);
}

static void begin(struct running *r)
{
	host_begin("");
	running_begin(r, 101, "");
	on_worker("cleanup", "rm -f $TOP/run/berth/ct/$ctid/state; "
			     "[ \"$1\" != x ] && case \"$*\" in *forget*) "
			     "rm -r $TOP/var/lib/berth/private/$ctid/dump;; esac; say_done\n");
}

static void end(struct running *r)
{
	host_end();
	running_end(r);
}

static void a_ct_is_suspended_and_released(void)
{
	struct running r;

	begin(&r);
	put_images("dump"); /* what the worker would do */
	CHECK(ORDER("Suspend") == BERTH_OK);
	CHECK(strcmp(worker_calls(), "suspend 101,cleanup 101,") == 0);
	CHECK(r.ct->status == CT_SUSPENDED && r.ct->monitor == NULL && r.ct->job == NULL);
	/* It is so after a restart of berthd, too. */
	CHECK(registry_reload(&d, r.ct, &err) == 0 && r.ct->status == CT_SUSPENDED);
	init_end(r.init, SIGKILL);
	end(&r);
}

static void a_suspend_that_fails_leaves_it_running(void)
{
	struct running r;

	begin(&r);
	on_worker("suspend", "echo error io.berth.HelperFailed 5 a message queue; exit 1\n");
	CHECK(ORDER("Suspend") != BERTH_OK && strstr(err.msg, "message queue") != NULL);
	CHECK(strcmp(worker_calls(), "suspend 101,") == 0);
	CHECK(r.ct->status == CT_RUNNING && r.ct->monitor != NULL);
	init_end(r.init, SIGKILL);
	WAIT_FOR(r.ct->job == NULL);
	end(&r);
}

/* Another worker looks at what there is: it takes the suspend back, or finishes it. */
static void a_worker_that_dies_is_followed_by_another(void)
{
	struct running r;

	begin(&r);
	on_worker("suspend",
		  "case \"$*\" in *finish*) echo error io.berth.HelperFailed 5 taken back; "
		  "exit 1;; esac; kill -9 $$\n");
	CHECK(ORDER("Suspend") != BERTH_OK && strstr(err.msg, "taken back") != NULL);
	CHECK(strcmp(worker_calls(), "suspend 101,suspend 101 finish,") == 0);
	CHECK(r.ct->status == CT_RUNNING);
	on_worker("suspend", "kill -9 $$\n");
	CHECK(ORDER("Suspend") != BERTH_OK);
	CHECK(strcmp(worker_calls(), "suspend 101,suspend 101 finish,suspend 101 finish,"
				     "suspend 101 finish,") == 0);
	CHECK(r.ct->status == CT_RUNNING);
	init_end(r.init, SIGKILL);
	WAIT_FOR(r.ct->job == NULL);
	end(&r);
}

/* A CT that may be frozen is none that runs: a worker comes again until it is let go. */
static void what_cannot_be_taken_back_is_tried_again(void)
{
	struct running r;

	begin(&r);
	put_images("dump.new");
	on_worker("suspend",
		  "if [ -e $TOP/can ]; then rm -r $TOP/var/lib/berth/private/$ctid/dump.new; fi; "
		  "echo error io.berth.HelperFailed 5 no thaw; exit 1\n");
	CHECK(ORDER("Suspend") != BERTH_OK && strstr(err.msg, "no thaw") != NULL);
	CHECK(r.ct->status == CT_SUSPENDING && r.ct->job == NULL);
	CHECK(ct_timer_is_set(r.ct, LIFE_T_LOOK) &&
	      strstr(text_or_empty(r.ct->why), "no thaw") != NULL);
	CHECK(strcmp(worker_calls(), "suspend 101,") == 0);
	put_file(top, "can", "", 0644);
	WAIT_FOR(r.ct->status == CT_RUNNING);
	CHECK(strcmp(worker_calls(), "suspend 101 finish,") == 0);
	CHECK(!ct_timer_is_set(r.ct, LIFE_T_LOOK) && r.ct->why == NULL);
	init_end(r.init, SIGKILL);
	WAIT_FOR(r.ct->job == NULL);
	end(&r);
}

/* stop --fast ends the worker; the next one takes the suspend back, or finds it done. */
static void a_suspend_is_ended_by_a_stop(void)
{
	struct running r;

	begin(&r);
	on_worker("suspend",
		  "case \"$*\" in *finish*) echo error io.berth.HelperFailed 5 taken back; "
		  "exit 1;; esac; touch $TOP/there; exec sleep 100\n");
	CHECK(ct_event(r.ct, LIFE_SUSPEND, NULL, &err) == 0);
	WAIT_FOR(is_there(top, "there"));
	CHECK(ct_event(r.ct, LIFE_KILL, NULL, &err) == 0 && r.ct->status == CT_SUSPENDING);
	WAIT_FOR(r.ct->status == CT_STOPPING);
	init_end(r.init, SIGKILL);
	fd_close(&r.conn);
	WAIT_FOR(r.ct->status == CT_STOPPED && r.ct->job == NULL);
	CHECK(strncmp(worker_calls(), "suspend 101,suspend 101 finish,cleanup 101", 42) == 0);
	end(&r);

	begin(&r);
	put_images("dump");
	on_worker("suspend", "case \"$*\" in *finish*) say_done; exit 0;; esac; "
			     "touch $TOP/there; exec sleep 100\n");
	CHECK(ct_event(r.ct, LIFE_SUSPEND, NULL, &err) == 0);
	WAIT_FOR(is_there(top, "there"));
	CHECK(ct_event(r.ct, LIFE_KILL, NULL, &err) == 0);
	WAIT_FOR(r.ct->status == CT_STOPPED && r.ct->job == NULL);
	CHECK(strcmp(worker_calls(), "suspend 101,suspend 101 finish,cleanup 101 forget,") == 0);
	init_end(r.init, SIGKILL);
	end(&r);
}

static void an_end_during_a_suspend_is_noticed_behind_it(void)
{
	struct running r;

	begin(&r);
	on_worker("suspend", "touch $TOP/there; until [ -e $TOP/go ]; do sleep 0.01; done; "
			     "echo error io.berth.HelperFailed 5 it died; exit 1\n");
	CHECK(ct_event(r.ct, LIFE_SUSPEND, NULL, &err) == 0 && r.ct->status == CT_SUSPENDING);
	WAIT_FOR(is_there(top, "there"));
	init_end(r.init, SIGKILL);
	fd_close(&r.conn);
	settle_down();
	CHECK(r.ct->status == CT_SUSPENDING);
	put_file(top, "go", "", 0644);
	WAIT_FOR(r.ct->status == CT_STOPPED);
	end(&r);
}

static void a_resume_that_fails_leaves_it_suspended(void)
{
	struct running r;

	begin(&r);
	put_images("dump");
	CHECK(ORDER("Suspend") == BERTH_OK && *worker_calls() != '\0');
	on_worker("resume", "echo error io.berth.Broken 116 stale; exit 1\n");
	CHECK(ORDER("Resume") != BERTH_OK && strstr(err.msg, "stale") != NULL);
	CHECK(strcmp(worker_calls(), "resume 101,cleanup 101,") == 0);
	CHECK(r.ct->status == CT_SUSPENDED);
	init_end(r.init, SIGKILL);
	end(&r);
}

/* A berthd of a host that is up finds what its boot wanted resumed. */
static void begin_boot(struct running *r)
{
	begin(r);
	put_images("dump");
	put_file(d.paths.run, "autostarted", "", 0644);
	CHECK(ORDER("Suspend") == BERTH_OK && *worker_calls() != '\0');
	CHECK(boot_mark(r->ct) == 0 && boot_resume_is_due(r->ct));
}

static void what_a_boot_cannot_resume_now_is_tried_again(void)
{
	struct running r;

	begin_boot(&r);
	on_worker("resume", "echo error io.berth.Resources 12 no memory; exit 1\n");
	CHECK(ct_event(r.ct, LIFE_RESUME, NULL, &err) == 0);
	WAIT_FOR(r.ct->job == NULL);
	CHECK(strcmp(worker_calls(), "resume 101,cleanup 101,") == 0);
	CHECK(r.ct->status == CT_SUSPENDED && strstr(r.ct->why, "no memory") != NULL);
	CHECK(ct_timer_is_set(r.ct, LIFE_T_RESUME) && r.ct->resume_wait_ms == 2000);
	(void)ct_event(r.ct, LIFE_T_RESUME, NULL, NULL);
	WAIT_FOR(r.ct->job == NULL);
	CHECK(strcmp(worker_calls(), "resume 101,cleanup 101,") == 0);
	CHECK(ct_timer_is_set(r.ct, LIFE_T_RESUME) && r.ct->resume_wait_ms == 4000);
	/* Its admin gives the memory up. */
	CHECK(ct_event(r.ct, LIFE_KILL, NULL, &err) == 0);
	WAIT_FOR(r.ct->job == NULL);
	CHECK(r.ct->status == CT_STOPPED && !ct_timer_is_set(r.ct, LIFE_T_RESUME));
	CHECK(!boot_is_marked(r.ct));
	init_end(r.init, SIGKILL);
	end(&r);
}

/* Its memory is its admin's to decide on. */
static void what_a_boot_can_never_resume_stays_suspended(void)
{
	struct running r;

	begin_boot(&r);
	on_worker("resume", "echo error io.berth.Broken 116 stale; exit 1\n");
	CHECK(ct_event(r.ct, LIFE_RESUME, NULL, &err) == 0);
	WAIT_FOR(r.ct->job == NULL);
	CHECK(strcmp(worker_calls(), "resume 101,cleanup 101,") == 0);
	CHECK(r.ct->status == CT_SUSPENDED && strstr(r.ct->why, "stale") != NULL);
	CHECK(!ct_timer_is_set(r.ct, LIFE_T_RESUME) && !boot_is_marked(r.ct));
	init_end(r.init, SIGKILL);
	end(&r);
}

/* Who orders a resume hears why it cannot be, and decides. */
static void an_order_to_resume_never_costs_the_memory(void)
{
	struct running r;

	begin_boot(&r);
	on_worker("resume", "echo error io.berth.Broken 116 stale; exit 1\n");
	CHECK(ORDER("Resume") != BERTH_OK && strstr(err.msg, "stale") != NULL);
	CHECK(strcmp(worker_calls(), "resume 101,cleanup 101,") == 0);
	CHECK(r.ct->status == CT_SUSPENDED);
	init_end(r.init, SIGKILL);
	end(&r);
}

static void what_is_in_its_memory_can_be_given_up(void)
{
	struct running r;

	begin(&r);
	put_images("dump");
	CHECK(ORDER("Suspend") == BERTH_OK && *worker_calls() != '\0');
	CHECK(ct_event(r.ct, LIFE_KILL, NULL, &err) == 0);
	WAIT_FOR(r.ct->job == NULL);
	CHECK(strcmp(worker_calls(), "cleanup 101 forget,") == 0 && r.ct->status == CT_STOPPED);
	init_end(r.init, SIGKILL);
	end(&r);
}

/* An earlier berthd and its worker died together. */
static void half_a_suspend_is_taken_back_when_it_is_found(void)
{
	struct running r;

	begin(&r);
	put_images("dump.new");
	on_worker("suspend", "rm -r $TOP/var/lib/berth/private/$ctid/dump.new; "
			     "echo error io.berth.HelperFailed 5 taken back; exit 1\n");
	attach_drop(r.ct);
	r.ct->status = CT_UNKNOWN;
	fd_close(&r.conn);
	CHECK(ct_event(r.ct, LIFE_ALIVE, NULL, NULL) == 0);
	WAIT_FOR(r.ct->job == NULL);
	CHECK(strcmp(worker_calls(), "suspend 101 finish,") == 0 && r.ct->status == CT_RUNNING);
	init_end(r.init, SIGKILL);
	WAIT_FOR(r.ct->job == NULL);
	end(&r);
}

int main(void)
{
	RUN(a_ct_is_suspended_and_released);
	RUN(a_suspend_that_fails_leaves_it_running);
	RUN(a_worker_that_dies_is_followed_by_another);
	RUN(what_cannot_be_taken_back_is_tried_again);
	RUN(a_suspend_is_ended_by_a_stop);
	RUN(an_end_during_a_suspend_is_noticed_behind_it);
	RUN(a_resume_that_fails_leaves_it_suspended);
	RUN(what_a_boot_cannot_resume_now_is_tried_again);
	RUN(what_a_boot_can_never_resume_stays_suspended);
	RUN(an_order_to_resume_never_costs_the_memory);
	RUN(what_is_in_its_memory_can_be_given_up);
	RUN(half_a_suspend_is_taken_back_when_it_is_found);
	return check_failures != 0;
}
