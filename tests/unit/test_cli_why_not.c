/*
 * test_cli_why_not.c - what is in the way of a move, as the real berth prints it; a script finds it, so no CRIU is
 * needed.
 *
 * covers: runtime/cli/cmd_why_not.c runtime/daemon/methods_why_not.c
 */
#include "tests/unit/cli_run.h"

static struct running r;

static void begin(void)
{
	host_begin("");
	running_begin(&r, 101, "");
}

static void end(void)
{
	CHECK(r.ct->status == CT_RUNNING);
	running_end(&r);
	host_end();
}

#define ERROR(n)                                                               \
	"echo result f" n ".level=error; echo result f" n ".name=io_uring\n"   \
	"echo result f" n ".text=ring" n "; echo result f" n ".fix=end" n "\n" \
	"echo result f" n ".pid=4" n "; echo result f" n ".command=redis\n"

static const char *transport(void)
{
	static char path[BERTH_PATH_MAX];

	put_file(top, "rsh", "#!/bin/sh\ncat >/dev/null\n", 0755);
	return path_below(top, "rsh", path);
}

static void each_is_told_with_its_fix_and_a_warning_keeps_nothing(void)
{
	begin();
	CHECK(BERTH("why-not", "101") == 0 && prints("nothing keeps CT 101 from"));
	on_worker("why-not", "echo result f0.level=warning; echo result f0.name=exec\n"
			     "echo result f0.text=a session; say_done\n");
	CHECK(BERTH("why-not", "101") == 0 && prints("warning  exec         a session\n"));
	on_worker("why-not", ERROR("0") ERROR("1") "say_done\n");
	CHECK(BERTH("why-not", "101") == status_of(BERTH_ERR_UNSUPPORTED));
	CHECK(prints("error    io_uring     ring0\n") && prints(" fix: end0\n") &&
	      prints("error    io_uring     ring1\n") && prints(" fix: end1\n"));
	CHECK(!prints("nothing keeps"));
	end();
}

static void a_program_reads_all_of_it(void)
{
	json_t *all;
	const char *name = NULL, *command = NULL;
	int pid = 0;

	begin();
	on_worker("why-not", ERROR("0") "say_done\n");
	CHECK(BERTH("--json", "why-not", "101") == status_of(BERTH_ERR_UNSUPPORTED));
	all = json_loads(said.out, 0, NULL);
	CHECK(json_unpack(json_array_get(all, 0), "{s:[{s:s, s:i, s:s}]}", "findings", "name",
			  &name, "pid", &pid, "command", &command) == 0);
	CHECK(name != NULL && strcmp(name, "io_uring") == 0 && pid == 40);
	CHECK(command != NULL && strcmp(command, "redis") == 0);
	json_decref(all);
	end();
}

static void who_cannot_be_looked_at_is_not_free_to_go(void)
{
	begin();
	CHECK(BERTH("why-not") == status_of(BERTH_ERR_OPTION) && complains("name a CT"));
	CHECK(BERTH("why-not", "102") == status_of(BERTH_ERR_NO_CONFIG));
	on_worker("why-not", "echo error io.berth.System 5 CT 101: look; exit 1\n");
	CHECK(BERTH("why-not", "101") == status_of(BERTH_ERR_SYSTEM) && complains("CT 101: look") &&
	      !prints("nothing keeps"));
	end();
}

static void a_move_while_it_runs_is_told_all_before_it_begins(void)
{
	begin();
	on_worker("why-not", ERROR("0") ERROR("1") "say_done\n");
	on_worker("send", "echo result finding.0=full; echo error io.berth.Unsupported 95 no\n");
	CHECK(BERTH("migrate", "--online", "-e", transport(), "b", "101") == 5);
	CHECK(complains("ring0") && complains("ring1") && complains("full") &&
	      complains("CT 101 cannot move to b: 3 things are in its way"));
	/* One that is stopped for it has only the other host in its way. */
	on_worker("send", "say_done\n");
	CHECK(BERTH("migrate", "--check-only", "-e", transport(), "b", "101") == 0);
	CHECK(prints("with --online, this would be in the way of CT 101:\n") && prints("ring1"));
	end();
}

int main(void)
{
	int ret = daemon_begin();

	if (ret != 0)
		return ret;
	RUN(each_is_told_with_its_fix_and_a_warning_keeps_nothing);
	RUN(a_program_reads_all_of_it);
	RUN(who_cannot_be_looked_at_is_not_free_to_go);
	RUN(a_move_while_it_runs_is_told_all_before_it_begins);
	return check_failures != 0;
}
