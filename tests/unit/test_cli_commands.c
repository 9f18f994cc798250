/*
 * test_cli_commands.c - the real berth against all of berthd but its main: what it asks for, what it prints,
 * how it exits.
 *
 * covers: runtime/cli/main.c runtime/cli/commands.c runtime/cli/cli.c runtime/cli/call.c
 * covers: runtime/cli/help.c runtime/cli/cmd_life.c runtime/cli/cmd_status.c
 * covers: runtime/cli/cmd_config.c runtime/cli/cmd_host.c runtime/cli/cmd_template.c
 * covers: runtime/cli/cmd_exec.c runtime/cli/cmd_list.c runtime/cli/list_fetch.c runtime/cli/complete.c
 * covers: runtime/cli/cmd_log.c runtime/cli/cmd_doctor.c runtime/cli/doctor_apply.c
 * covers: runtime/cli/cmd_undo.c runtime/cli/cmd_migrate.c runtime/cli/cmd_ubc.c
 * covers: runtime/cli/cmd_explain.c runtime/cli/cmd_top.c runtime/cli/cmd_stat.c runtime/cli/cmd_pid.c
 * covers: runtime/daemon/info_use.c
 */
#include "tests/unit/cli_run.h"
#include "tests/unit/varlink_type.h"

#include <time.h>

/* ---- words ---- */

static void help_is_for_everybody_and_needs_no_daemon(void)
{
	host_begin("");
	CHECK(BERTH("--help") == 0 && prints("usage: berth") && prints("  template build"));
	for (const char *const *p =
		     (const char *const[]){"create",  "set",   "start",	  "stop",      "restart",
					   "destroy", "mount", "umount",  "status",    "exec",
					   "exec2",   "enter", "console", "runscript", "list",
					   "doctor",  "ping",  "version", "monitor",   NULL};
	     *p != NULL; p++) {
		CHECK(BERTH(*p, "--help") == 0 && prints("usage: berth ") && prints(*p));
		CHECK(said.complaint[0] == '\0');
	}
	CHECK(BERTH("set", "--help") == 0 && prints("--ram") && prints("Parameters:"));
	CHECK(BERTH("template", "build", "--help") == 0 && prints("template build"));
	CHECK(BERTH("help") == 0 && prints("  destroy "));
	CHECK(BERTH("help", "start") == 0 && prints("usage: berth start"));
	CHECK(BERTH("help", "destroy", "101") == 0 && prints("usage: berth destroy"));
	CHECK(BERTH("--version") == 0 && prints("berth "));
	CHECK(worker_calls()[0] == '\0');
	host_end();
}

static void what_is_no_command_is_refused_with_the_way_out(void)
{
	host_begin("");
	CHECK(BERTH("strat", "101") == status_of(BERTH_ERR_OPTION) && complains("berth --help"));
	CHECK(complains("did you mean 'start'?"));
	CHECK(BERTH("frobnicate") == status_of(BERTH_ERR_OPTION) && !complains("did you mean"));
	CHECK(BERTH("--json", "status") == status_of(BERTH_ERR_OPTION));
	CHECK(complains("{\"error\":\"io.berth.BadOption\",\"message\":\"") &&
	      complains("\"status\":20}"));
	CHECK(BERTH("template") == status_of(BERTH_ERR_OPTION) && complains("build|import"));
	CHECK(BERTH("template", "x") == status_of(BERTH_ERR_OPTION));
	CHECK(BERTH("start") == status_of(BERTH_ERR_OPTION) &&
	      complains("name a CT; usage: berth start"));
	CHECK(BERTH("status", "101", "102") == status_of(BERTH_ERR_OPTION));
	CHECK(BERTH("start", "101", "--nonsense") == status_of(BERTH_ERR_OPTION));
	CHECK(BERTH("stop", "101", "--timeout", "x") == status_of(BERTH_ERR_VALUE));
	CHECK(BERTH("stop", "101", "--timeout", "3601") == status_of(BERTH_ERR_VALUE));
	CHECK(BERTH("stop", "101", "--timeout") == status_of(BERTH_ERR_OPTION));
	CHECK(BERTH("set", "101") == status_of(BERTH_ERR_OPTION) &&
	      complains("give at least one option"));
	CHECK(BERTH("set", "--ram", "1G") == status_of(BERTH_ERR_OPTION));
	CHECK(BERTH("ping", "x") == status_of(BERTH_ERR_OPTION));
	CHECK(BERTH("exec", "101") == status_of(BERTH_ERR_NO_CONFIG));
	CHECK(BERTH("console") == status_of(BERTH_ERR_OPTION));
	CHECK(BERTH("template", "import", "x") == status_of(BERTH_ERR_OPTION));
	CHECK(worker_calls()[0] == '\0' && said.out[0] == '\0');
	host_end();
}

/* A tenant's or an operator's bytes do not steer the terminal, nor break the protocol. */
static void what_is_no_text_is_refused(void)
{
	host_begin("");
	CHECK(BERTH("start", "\xff\xfe") != 0 && said.status > 0);
	CHECK(BERTH("create", "\xff") == status_of(BERTH_ERR_VALUE));
	CHECK(BERTH("set", "101", "--description", "a\xffz") == status_of(BERTH_ERR_VALUE));
	CHECK(BERTH("list", "\xff") == status_of(BERTH_ERR_VALUE));
	CHECK(BERTH("start", "\x1b[2J") > 0 && strchr(said.complaint, '\x1b') == NULL);
	CHECK(worker_calls()[0] == '\0');
	host_end();
}

/* ---- life ---- */

static void each_command_asks_for_its_operation(void)
{
	host_begin("");
	(void)add_ct(101, "NAME=\"web\"\n");
	on_worker("mount", "echo result path=/some/where; say_done\n");
	CHECK(BERTH("mount", "web") == 0 && strcmp(said.out, "/some/where\n") == 0);
	CHECK(BERTH("umount", "101") == 0 && said.out[0] == '\0');
	CHECK(strcmp(worker_calls(), "mount 101,umount 101,") == 0);
	CHECK(BERTH("--json", "mount", "web") == 0 && prints("\"path\": \"/some/where\""));
	CHECK(BERTH("umount", "101") == 0);
	(void)worker_calls();
	on_worker("start", "echo error io.berth.NoTemplate 2 CT 101: gone; exit 1\n");
	CHECK(BERTH("start", "web", "--wait") == status_of(BERTH_ERR_NO_TEMPLATE));
	CHECK(strcmp(said.complaint, "berth: CT 101: gone\n") == 0);
	CHECK(BERTH("restart", "web") == status_of(BERTH_ERR_NO_TEMPLATE));
	CHECK(BERTH("stop", "web", "--fast") == status_of(BERTH_ERR_NOT_RUNNING));
	(void)worker_calls();
	on_worker("destroy", "rm $TOP/etc/berth/ct/$ctid.conf; say_done\n");
	CHECK(BERTH("destroy", "web") == 0 && strcmp(worker_calls(), "destroy 101 order,") == 0);
	CHECK(BERTH("destroy", "web") == status_of(BERTH_ERR_NO_CONFIG));
	host_end();
}

static void a_set_shows_the_notes_and_saves_when_asked(void)
{
	host_begin("");
	add_ct(101, "NUMPROC=\"100\"\n");
	CHECK(BERTH("set", "101", "--hostname", "h", "--save") == 0 && said.complaint[0] == '\0');
	CHECK(BERTH("set", "101", "--hostname", "h") == 0 && complains("nothing was changed"));
	CHECK(BERTH("--quiet", "set", "101", "--hostname", "h") == 0 && !complains("nothing"));
	CHECK(BERTH("--json", "set", "101", "--hostname", "h") == 0 && prints("\"notes\""));
	CHECK(BERTH("set", "101", "--rma", "1G") == status_of(BERTH_ERR_OPTION));
	CHECK(complains("did you mean --ram?"));
	CHECK(BERTH("set", "101", "--reset_ub", "--ram", "1G") == status_of(BERTH_ERR_OPTION));
	CHECK(BERTH("set", "101", "--hostname", "h", "--setmode", "restart") ==
	      status_of(BERTH_ERR_OPTION));
	(void)worker_calls();
	CHECK(BERTH("set", "101", "--reset_ub") == 0 && strcmp(worker_calls(), "apply 101,") == 0);
	host_end();
}

static void a_create_takes_a_number_a_name_or_none(void)
{
	host_begin("");
	on_worker("create", "echo error io.berth.NoTemplate 2 none; exit 1\n");
	CHECK(BERTH("create", "100") == status_of(BERTH_ERR_VALUE) && complains("reserved"));
	CHECK(BERTH("create", "0101") == status_of(BERTH_ERR_VALUE));
	CHECK(BERTH("create", "99999999999") == status_of(BERTH_ERR_VALUE));
	CHECK(worker_calls()[0] == '\0');
	CHECK(BERTH("create", "105", "--ostemplate", "x") == status_of(BERTH_ERR_NO_TEMPLATE));
	CHECK(strncmp(worker_calls(), "create 105 ", 11) == 0);
	CHECK(BERTH("create", "web") == status_of(BERTH_ERR_NO_TEMPLATE));
	CHECK(strncmp(worker_calls(), "create 101 ", 11) == 0);
	CHECK(BERTH("create", "Not A Name") > 0 && worker_calls()[0] == '\0');
	host_end();
}

/* ---- what is told ---- */

/* vzctl's words, and members of Info. */
static void a_status_in_json_is_of_the_interface(void)
{
	static const char *const own[] = {"exist", "mounted", "running"};
	json_t *info = varlink_members(varlink_container, "Info"),
	       *end = varlink_members(varlink_container, "End"), *o, *v;
	const char *key;
	struct ct *ct;

	host_begin("");
	ct = add_ct(101, "");
	ct->ends = (struct ct_ends){.last = END_OOM, .at = 9, .count = {[END_OOM] = 2}};
	CHECK(BERTH("--json", "status", "101") == 0);
	o = json_loads(said.out, 0, NULL);
	check_members(json_object_get(o, "last_end"), end);
	CHECK(json_integer_value(json_object_get(
		      json_object_get(json_object_get(o, "last_end"), "counts"), "oom")) == 2);
	for (size_t i = 0; i < 3; i++)
		CHECK(json_is_boolean(json_object_get(o, own[i])) &&
		      json_object_del(o, own[i]) == 0);
	json_object_foreach(o, key, v) CHECK(json_object_get(info, key) != NULL);
	json_decref(o);
	json_decref(end);
	json_decref(info);
	host_end();
}

static void a_status_is_vzctls_line(void)
{
	struct running r;

	host_begin("");
	(void)add_ct(102, "");
	running_begin(&r, 101, "NAME=\"web\"\n");
	CHECK(BERTH("status", "web") == 0);
	CHECK(strcmp(said.out, "CTID 101 exist mounted running\n") == 0);
	CHECK(BERTH("status", "102") == 0);
	CHECK(strcmp(said.out, "CTID 102 exist unmounted down\n") == 0);
	/* A free number is an answer, an unknown name is none. */
	CHECK(BERTH("status", "103") == 0);
	CHECK(strcmp(said.out, "CTID 103 deleted unmounted down\n") == 0);
	CHECK(BERTH("status", "nobody") == status_of(BERTH_ERR_NO_CONFIG));
	CHECK(BERTH("--json", "status", "101") == 0 && prints("\"running\": true"));
	host_end();
	running_end(&r);
}

static void a_list_is_sorted_filtered_and_cut_to_fields(void)
{
	host_begin("");
	(void)add_ct(103, "HOSTNAME=\"a.example.com\"\n");
	(void)add_ct(101, "NAME=\"web\"\nHOSTNAME=\"b.example.org\"\n");
	(void)add_ct(102, "HOSTNAME=\"c.example.com\"\n");
	CHECK(BERTH("list", "-H") == 0 && said.out[0] == '\0'); /* none runs */
	CHECK(BERTH("list", "-1", "-a") == 0);
	CHECK(strstr(said.out, "101") < strstr(said.out, "102") && prints("103"));
	CHECK(BERTH("list", "-a1", "-s", "-hostname") == 0);
	CHECK(strstr(said.out, "102") < strstr(said.out, "101"));
	CHECK(BERTH("list", "-a", "-H", "-h", "*.example.com", "-o", "ctid") == 0);
	CHECK(prints("102") && prints("103") && !prints("101"));
	CHECK(BERTH("list", "-a", "-o", "ctid,nonsense") > 0 && complains("nonsense"));
	CHECK(BERTH("list", "-s", "nonsense") > 0);
	CHECK(BERTH("list", "web", "-H", "-o", "ctid,name,private") == 0 && prints("private/101"));
	CHECK(BERTH("list", "nobody") == status_of(BERTH_ERR_NO_CONFIG));
	CHECK(BERTH("list", "-L") == 0 && prints("hostname"));
	CHECK(BERTH("list", "-a", "-j", "-o", "ctid,hostname") == 0 && prints("\"ctid\": 101"));
	CHECK(BERTH("list", "-a", "-j", "-o", "numproc.m") > 0);
	host_end();
}

static void a_ledger_is_shown_in_vzubcs_columns(void)
{
	host_begin("");
	add_ct(101, "NUMPROC=\"40:50\"\nPHYSPAGES=\"0:65536\"\n")->ledger =
		(struct ledger){.of = {[LEDGER_NUMPROC] = {.maxheld = 45, .failcnt = 7}}};
	registry_find(&d, 101)->ledger_known = true;
	CHECK(BERTH("ubc") == 0 && said.out[0] == '\0'); /* none runs */
	CHECK(BERTH("ubc", "101") == 0 && prints("CT 101") && prints("HELD"));
	CHECK(prints("      numproc         0    0%    0%        45  112%   90%        40        "
		     "50        7\n"));
	CHECK(prints("physpages") && prints("256M"));
	CHECK(BERTH("ubc", "-a", "-q") == 0 && prints("numproc") && !prints("physpages"));
	CHECK(BERTH("ubc", "-aj") == 0 && prints("\"failcnt\": 7") && prints("268435456"));
	CHECK(prints("\"held\": null")); /* of CPU time nothing is held */
	CHECK(BERTH("ubc", "-ap") == 0 &&
	      prints("Version: 2.5\n       uid  resource                     held  "));
	CHECK(prints("\n            numproc                         0                   45         "
		     "          40 "
		     "                  50                    7\n"));
	CHECK(prints("physpages                       0                    0                    0 "
		     "               65536                    0\n"));
	CHECK(BERTH("ubc", "nobody") == status_of(BERTH_ERR_NO_CONFIG));
	CHECK(BERTH("ubc", "--nonsense") == status_of(BERTH_ERR_OPTION));
	host_end();
}

static void what_a_ct_met_is_explained(void)
{
	struct ct *ct;

	host_begin("");
	ct = add_ct(101, "NAME=\"web\"\nNUMPROC=\"40:50\"\n");
	ct->ledger_known = true;
	CHECK(BERTH("explain", "web") == 0 && prints("CT 101 (web) is stopped\n"));
	CHECK(prints("no limit of it bites, and none has in the last hour\n"));
	ledger_hit(&ct->ledger, LEDGER_NUMPROC, (uint64_t)time(NULL) - 60);
	CHECK(BERTH("explain", "101") == 0 && prints("hour numproc: It had as many processes"));
	CHECK(prints("(50)") && prints(", 1 in the last hour\n"));
	CHECK(prints("to relieve it: berth set 101 --numproc 100 --save\n"));
	CHECK(BERTH("explain", "101", "--json") == 0 && prints("\"cause\": \"limit\""));
	CHECK(BERTH("explain", "nobody") == status_of(BERTH_ERR_NO_CONFIG));
	host_end();
}

/* A CT that has no cgroup here uses nothing; tests/bats/29-top.bats looks at real ones. */
static void what_runs_is_watched_and_processes_are_found(void)
{
	struct running r;
	char pid[16];

	host_begin("");
	(void)add_ct(102, "");
	running_begin(&r, 101, "NAME=\"web\"\n");
	CHECK(BERTH("top", "-b", "-n", "2", "-d", "0.1") == 0 && prints("CTs run") &&
	      prints("THR%"));
	CHECK(BERTH("top", "-j", "-n1", "-d0.1") == 0 && said.out[0] == '[');
	CHECK(BERTH("top", "-s", "nonsense") == status_of(BERTH_ERR_OPTION) &&
	      complains("network"));
	CHECK(BERTH("top", "-d", "nan") == status_of(BERTH_ERR_OPTION));
	CHECK(BERTH("stat", "102", "-j") == 0 && prints("\"status\": \"stopped\""));
	(void)snprintf(pid, sizeof(pid), "%d", getpid());
	CHECK(BERTH("pid", pid) == 0 && prints("Pid\tCTID\tName\n") && prints("\t0\t"));
	CHECK(BERTH("pid", pid, "4194305") == status_of(BERTH_ERR_VALUE) && prints(pid) &&
	      complains("there is no process 4194305"));
	host_end();
	running_end(&r);
}

/* Root sees the files when berthd is not there. */
static void without_berthd_the_files_tell(void)
{
	char path[BERTH_PATH_MAX];
	struct running r;

	host_begin("");
	running_begin(&r, 101, "NAME=\"web\"\nHOSTNAME=\"h\"\nIP_ADDRESS=\"10.0.0.1\"\n");
	(void)add_ct(102, "");
	(void)add_ct(103, "");
	put_config(103, "NAME\n");
	CHECK(unlink(path_daemon_socket(&d.paths, path)) == 0);
	CHECK(BERTH("list", "-H", "-o", "ctid,status,hostname,ip") == 0);
	CHECK(prints("101") && prints("running") && prints("10.0.0.1") && !prints("102"));
	CHECK(BERTH("list", "-a", "-H", "-o", "ctid,status") == 0 && prints("102") &&
	      prints("103"));
	CHECK(BERTH("list", "web", "102", "-1") == 0 && prints("101") && prints("102"));
	CHECK(BERTH("list", "nobody") == status_of(BERTH_ERR_NO_CONFIG));
	CHECK(BERTH("status", "web") == 0 && prints("running"));
	CHECK(BERTH("ping") == status_of(BERTH_ERR_NO_DAEMON) &&
	      complains("systemctl start berthd"));
	CHECK(BERTH("start", "102") == status_of(BERTH_ERR_NO_DAEMON));
	CHECK(BERTH("ubc", "--proc") == status_of(BERTH_ERR_NO_DAEMON) && said.out[0] == '\0');
	CHECK(BERTH("version") == 0 && prints("berthd does not answer"));
	host_end();
	running_end(&r);
}

static void the_host_answers(void)
{
	host_begin("");
	CHECK(BERTH("ping") == 0 && prints("berthd " BERTH_VERSION));
	CHECK(BERTH("--json", "ping") == 0 && prints("\"pid\""));
	CHECK(BERTH("version") == 0 && prints("berth " BERTH_VERSION));
	CHECK(BERTH("--json", "version") == 0 && prints("\"berthd\""));
	on_worker("doctor", "echo result swap.level=warning; echo result swap.text=none; "
			    "echo result swap.fix=swapon; say_done\n");
	CHECK(BERTH("doctor") == 0 && prints("warning") && prints("fix: swapon"));
	on_worker("doctor", "echo result k.level=error; echo result k.text=old; say_done\n");
	CHECK(BERTH("doctor") == status_of(BERTH_ERR_UNSUPPORTED));
	CHECK(BERTH("--json", "doctor") == status_of(BERTH_ERR_UNSUPPORTED) && prints("\"level\""));
	host_end();
}

/* Only what is raised is written; a test host has a sysctl.d of its own and leaves the kernel alone. */
static void doctor_applies_what_is_safe(void)
{
	static const char doctor[] =
		"echo result a.level=warning; echo result a.text=low; "
		"echo result a.sysctl=vm.max_map_count=2147483600; "
		"echo result b.level=warning; echo result b.fix=sysctl -w kernel.pid_max=1; "
		"echo result b.sysctl=kernel.pid_max=1; "
		"echo result c.level=warning; echo result c.fix=modprobe x; "
		"echo result d.level=ok; echo result d.sysctl=vm.nr_hugepages=7; "
		"echo result e.level=warning; echo result e.fix=evil; "
		"echo 'result e.sysctl=../../evil.x=7'; say_done\n";
	/* Between the marks: to be raised more, needed less, not asked for, no such thing in this kernel. */
	static const char before[] = "# mine\nfs.aio-max-nr = 9\n"
				     "# begin: kept by berth doctor --apply, see berth(8)\n"
				     "vm.max_map_count = 5\nvm.nr_hugepages = 9\n"
				     "fs.file-max = 9\nfs.berth_none = 9\n# end\nfs.nr_open=8\n";
	static const char after[] = "# mine\nfs.aio-max-nr = 9\nfs.nr_open=8\n"
				    "# begin: kept by berth doctor --apply, see berth(8)\n"
				    "vm.nr_hugepages = 7\nfs.berth_none = 9\n"
				    "vm.max_map_count = 2147483600\n# end\n";
	char dir[BERTH_PATH_MAX], path[BERTH_PATH_MAX + 32];
	auto_free char *text = NULL, *last = NULL;

	host_begin("");
	on_worker("doctor", doctor);
	(void)snprintf(dir, sizeof(dir), "%s/etc/sysctl.d", top);
	CHECK(mkdir(dir, 0755) == 0);
	put_file(dir, "61-berth-doctor.conf", before, 0644);
	CHECK(BERTH("doctor", "--apply") == 0 && prints("  vm.max_map_count = 2147483600\n"));
	CHECK(prints("61-berth-doctor.conf:\n") && prints("left for you to decide:\n"));
	CHECK(prints("no longer needed, removed from ") && prints("\n  fs.file-max\n"));
	CHECK(prints("modprobe x") && prints("pid_max=1") && prints("evil") &&
	      !prints("hugepages"));
	(void)snprintf(path, sizeof(path), "%s/61-berth-doctor.conf", dir);
	CHECK(file_read_at(AT_FDCWD, path, 4096, &text, NULL) >= 0 && strcmp(text, after) == 0);
	CHECK(BERTH("--json", "doctor", "--apply") == 0 && prints("\"written\": {") &&
	      prints("\"removed\": []") && prints("\"left\": ["));
	/* Of what is ours nothing is needed; the rest stays. */
	put_file(dir, "61-berth-doctor.conf",
		 "# begin: kept by berth doctor --apply, see berth(8)\n"
		 "fs.file-max = 9\n# end\nfs.nr_open=8\n",
		 0644);
	on_worker("doctor", "echo result k.level=error; echo result k.text=old; say_done\n");
	CHECK(BERTH("doctor", "--apply") == status_of(BERTH_ERR_UNSUPPORTED));
	CHECK(file_read_at(AT_FDCWD, path, 4096, &last, NULL) >= 0 &&
	      strcmp(last, "fs.nr_open=8\n") == 0);
	CHECK(BERTH("doctor", "--apply") == status_of(BERTH_ERR_UNSUPPORTED) &&
	      prints("nothing to apply"));
	/* A line of the admin's between the marks is his. */
	put_file(dir, "61-berth-doctor.conf",
		 "# begin: kept by berth doctor --apply, see berth(8)\n# why\n"
		 "net.ipv4.tcp_congestion_control = bbr\nfs.file-max = 9\n# end \r\nfs.nr_open=8\n",
		 0644);
	CHECK(BERTH("doctor", "--apply") == status_of(BERTH_ERR_UNSUPPORTED));
	free(last);
	CHECK(file_read_at(AT_FDCWD, path, 4096, &last, NULL) >= 0 &&
	      strcmp(last, "# why\nnet.ipv4.tcp_congestion_control = bbr\nfs.nr_open=8\n") == 0);
	/* Without an end nobody knows whose the lines are: nothing is written. */
	put_file(dir, "61-berth-doctor.conf",
		 "# begin: kept by berth doctor --apply, see berth(8)\nfs.file-max = 9\n", 0644);
	CHECK(BERTH("doctor", "--apply") == status_of(BERTH_ERR_VALUE));
	free(last);
	CHECK(file_read_at(AT_FDCWD, path, 4096, &last, NULL) >= 0 &&
	      strstr(last, "fs.file-max = 9\n") != NULL);
	/* Nor is an empty file left. */
	put_file(dir, "61-berth-doctor.conf",
		 "# begin: kept by berth doctor --apply, see berth(8)\nfs.file-max = 9\n# end\n",
		 0644);
	CHECK(BERTH("doctor", "--apply") > 0 && access(path, F_OK) < 0);
	host_end();
}

static void templates_are_asked_for_by_full_path(void)
{
	char path[BERTH_PATH_MAX], want[BERTH_PATH_MAX + 64];

	host_begin("");
	CHECK(BERTH("template", "list") == 0 && prints("NAME"));
	CHECK(BERTH("template", "list", "-H") == 0 && said.out[0] == '\0');
	CHECK(BERTH("template", "build", "tiny") == 0 && BERTH("template", "rm", "tiny") == 0);
	CHECK(strcmp(worker_calls(), "template-build tiny,template-remove tiny,") == 0);
	put_file(top, "a.tar", "x", 0644);
	(void)snprintf(path, sizeof(path), "%s/etc/../a.tar", top);
	CHECK(BERTH("template", "import", "x", path) == 0);
	(void)snprintf(want, sizeof(want), "template-import x %s/a.tar,", top);
	CHECK(strcmp(worker_calls(), want) == 0);
	CHECK(BERTH("template", "import", "x", "/nowhere") > 0 &&
	      BERTH("template", "import", "x", "/") == status_of(BERTH_ERR_VALUE));
	CHECK(worker_calls()[0] == '\0');
	host_end();
}

/* Without a monitor that answers there is nothing to run it in. */
static void what_does_not_run_has_no_commands_and_no_console(void)
{
	host_begin("");
	(void)add_ct(101, "NAME=\"web\"\n");
	CHECK(BERTH("exec2", "web", "true") == status_of(BERTH_ERR_NOT_RUNNING));
	CHECK(BERTH("exec", "web", "true") == status_of(BERTH_ERR_NOT_RUNNING));
	CHECK(BERTH("exec", "web", "--") == status_of(BERTH_ERR_OPTION));
	CHECK(BERTH("enter", "web") == status_of(BERTH_ERR_NOT_RUNNING));
	CHECK(BERTH("enter", "web", "x") == status_of(BERTH_ERR_OPTION));
	CHECK(BERTH("enter", "web", "--exec") == status_of(BERTH_ERR_OPTION));
	CHECK(BERTH("console", "web") == status_of(BERTH_ERR_NOT_RUNNING));
	CHECK(BERTH("console", "web", "web") == status_of(BERTH_ERR_OPTION));
	put_file(run_dir(101), "console.log", "last words\n", 0600);
	CHECK(BERTH("console", "web", "--log") == 0 && prints("last words"));
	CHECK(BERTH("runscript", "web", "/nowhere") > 0 && worker_calls()[0] == '\0');
	put_file(top, "script", "exit 3\n", 0644);
	host_end();
}

/* The words on stdout, a line each, one behind the other. */
static bool offers(const char *words)
{
	char got[32768];
	size_t used = 0;

	for (const char *line = said.out; *line != '\0'; line = strchr(line, '\n') + 1)
		used += (size_t)snprintf(got + used, sizeof(got) - used, "%.*s ",
					 (int)strcspn(line, "\t\n"), line);
	got[used] = '\0';
	return strcmp(got, words) == 0;
}

#define COMPLETE(...) (BERTH("__complete", __VA_ARGS__) == 0 && said.complaint[0] == '\0')

static void the_shells_are_told_what_may_follow(void)
{
	struct running r;
	char samples[BERTH_PATH_MAX];

	host_begin("");
	(void)add_ct(102, "IP_ADDRESS=\"10.0.0.1 fd00::1\"\n");
	running_begin(&r, 101, "NAME=\"web\"\n");
	(void)snprintf(samples, sizeof(samples), "%s/etc/berth/samples", top);
	(void)mkdir(samples, 0755);
	put_file(samples, "big.conf", "", 0644);
	CHECK(COMPLETE("berth", "sta") && offers("start status stat "));
	CHECK(prints("start\tstart a CT\n"));
	CHECK(COMPLETE("berth", "template", "") && offers("build import list rm "));
	CHECK(COMPLETE("berth", "start", "") && offers("102 "));
	CHECK(COMPLETE("berth", "stop", "") && offers("101 web "));
	CHECK(COMPLETE("/usr/sbin/vzctl", "--quiet", "set", "") && offers("101 web 102 "));
	CHECK(COMPLETE("berth", "set", "101", "--cpul") && offers("--cpulimit "));
	CHECK(COMPLETE("berth", "set", "101", "--onboot", "") && offers("yes no "));
	CHECK(COMPLETE("berth", "set", "102", "--ipdel", "") && offers("10.0.0.1 fd00::1 all "));
	CHECK(COMPLETE("berth", "set", "102", "--applyconfig", "") && offers("big "));
	CHECK(COMPLETE("berth", "create", "--layout", "p") && offers("private "));
	CHECK(COMPLETE("berth", "stop", "101", "--f") && offers("--fast "));
	CHECK(COMPLETE("berth", "list", "-o", "hostn") && offers(":list hostname "));
	CHECK(COMPLETE("vzlist", "-o", "ctid,hostn") && offers(":list ctid,hostname "));
	CHECK(COMPLETE("vzlist", "-o", "ctid,diskspace.") &&
	      offers(":list ctid,diskspace.s ctid,diskspace.h "));
	CHECK(COMPLETE("vzlist", "-s", "-hostn") && offers("-hostname "));
	CHECK(COMPLETE("berth", "runscript", "101", "") && offers(":files "));
	CHECK(COMPLETE("berth", "--root", "/v") && offers(":dirs "));
	CHECK(COMPLETE("berth", "start", "nob") && offers(""));
	CHECK(worker_calls()[0] == '\0');
	host_end();
	running_end(&r);
}

/* Of each command that --help names, wherever --json stands. */
static void every_command_complains_in_json(void)
{
	char help[sizeof(said.out)], first[32], second[32];
	unsigned int n = 0;

	CHECK(BERTH("--help") == 0);
	memcpy(help, said.out, sizeof(help));
	for (const char *line = help; (line = strstr(line, "\n  ")) != NULL; line += 3) {
		bool two = strncmp(line, "\n  template ", 12) == 0;

		if (sscanf(line, " %31s %31s", first, second) != 2)
			continue;
		if (two)
			CHECK(BERTH(first, second, "--nonsense", "--json") > 0);
		else
			CHECK(BERTH(first, "--nonsense", "--json") > 0);
		CHECK(strncmp(said.complaint, "{\"error\":\"io.berth.", 19) == 0);
		CHECK(strchr(said.complaint, '\n') == strrchr(said.complaint, '\n'));
		n++;
	}
	CHECK(n > 20);
}

static void errors_are_json_wherever_json_is_asked_for(void)
{
	static const char begin[] = "{\"error\":\"io.berth.";

	host_begin("");
	CHECK(BERTH("strat", "--json") > 0 && strncmp(said.complaint, begin, 19) == 0);
	CHECK(BERTH("start", "nobody", "--json") > 0 && strncmp(said.complaint, begin, 19) == 0);
	CHECK(BERTH("start", "--wiat", "1", "--json") > 0 &&
	      strncmp(said.complaint, begin, 19) == 0);
	CHECK(BERTH("list", "-j", "nobody") > 0 && strncmp(said.complaint, begin, 19) == 0);
	CHECK(BERTH("--json", "exec", "nobody", "id") > 0 &&
	      strncmp(said.complaint, begin, 19) == 0);
	CHECK(BERTH("list", "--nonsense", "-j") > 0 && strncmp(said.complaint, begin, 19) == 0);
	every_command_complains_in_json();
	/* What is behind the CT is the command's. */
	CHECK(BERTH("exec", "nobody", "--json") > 0 && strncmp(said.complaint, "berth: ", 7) == 0);
	CHECK(BERTH("exec", "nobody", "ip", "--json") > 0 &&
	      strncmp(said.complaint, "berth: ", 7) == 0);
	host_end();
}

static void mistakes_are_answered_with_the_nearest_word(void)
{
	host_begin("");
	(void)add_ct(101, "");
	CHECK(BERTH("ls") > 0 && complains("did you mean 'list'?"));
	CHECK(BERTH("snapshot", "101") > 0 && complains("no command 'snapshot' yet"));
	CHECK(BERTH("set", "101", "--netif_add", "eth0") > 0 &&
	      complains("no option --netif_add yet"));
	CHECK(BERTH("show", "101") > 0 && complains("did you mean 'status'?"));
	CHECK(BERTH("create", "--memory", "1G") > 0 && complains("did you mean --ram?"));
	CHECK(BERTH("create", "--disk", "1G") > 0 && complains("did you mean --diskspace?"));
	CHECK(BERTH("list", "-o", "ram") > 0 && complains("did you mean physpages?"));
	CHECK(BERTH("template", "bild") > 0 && complains("did you mean 'template build'?"));
	CHECK(BERTH("templat", "list") > 0 && complains("did you mean 'template'?"));
	CHECK(BERTH("start", "101", "--wiat") > 0 && complains("did you mean --wait?"));
	CHECK(BERTH("list", "--sotr", "x") > 0 && complains("did you mean --sort?"));
	CHECK(BERTH("list", "-o", "hostnmae") > 0 && complains("did you mean hostname?"));
	CHECK(BERTH("create", "102", "--layout", "privat") > 0 &&
	      complains("unknown layout (did you mean private?)"));
	CHECK(BERTH("set", "101", "--features", "fues:on") > 0 &&
	      complains("use nesting, tun, fuse"));
	host_end();
}

static void the_log_of_a_ct_is_its_lines_only(void)
{
	char line[BERTH_PATH_MAX + 16];

	host_begin("");
	(void)add_ct(101, "NAME=\"web\"\n");
	CHECK(BERTH("log", "101") == status_of(BERTH_ERR_UNSUPPORTED) && complains("--log FILE"));
	put_file(top, "d.log.1", "T berthd: info: ct=101 older\nT berthd: info: ready\n", 0600);
	put_file(top, "d.log",
		 "T berthd: info: ct=101 start by uid=0 pid=7\nT berthd: info: ct=1010 x\n"
		 "T berthd: info: ct=102 set description=\": ct=101 forged\"\n"
		 "T berth-worker: error: ct=101 late\n",
		 0600);
	(void)snprintf(line, sizeof(line), "%s/d.log", top);
	put_file(d.paths.run, "log", line, 0644);
	CHECK(BERTH("log", "web") == 0);
	CHECK(strcmp(said.out, "T berthd: info: ct=101 older\n"
			       "T berthd: info: ct=101 start by uid=0 pid=7\n"
			       "T berth-worker: error: ct=101 late\n") == 0);
	CHECK(BERTH("--json", "log", "101") == 0 &&
	      prints("[\n  \"T berthd: info: ct=101 older\","));
	put_file(run_dir(101), "console.log", "last words\n", 0600);
	CHECK(BERTH("log", "101") == 0 && prints("late\n-- console of CT 101 --\nlast words\n"));
	CHECK(BERTH("log", "101", "--no-console") == 0 && !prints("last words"));
	/* It was destroyed: its number is all that is left. */
	CHECK(BERTH("log", "1010") == 0 && prints("ct=1010 x"));
	CHECK(BERTH("log", "nobody") == status_of(BERTH_ERR_NO_CONFIG));
	host_end();
}

/* The transport is a script that says how it was called; nobody reads what goes to it. */
static const char *transport(void)
{
	static char path[BERTH_PATH_MAX];

	put_file(top, "rsh", "#!/bin/sh\necho \"$*\" >>${0%/*}/reached\ncat >/dev/null\n", 0755);
	return path_below(top, "rsh", path);
}

static bool transport_said(const char *line)
{
	char path[BERTH_PATH_MAX], text[256] = "";

	(void)file_read_line_at(AT_FDCWD, path_below(top, "reached", path), text, sizeof(text));
	(void)unlink(path);
	return strcmp(text, line) == 0;
}

static void a_move_hands_the_two_ends_of_its_transport_to_berthd(void)
{
	const char *rsh;

	host_begin("");
	(void)add_ct(101, "NAME=\"web\"\n");
	rsh = transport();
	on_worker("send", "[ ${fds%,*} != $fds ] && say_done\n");
	CHECK(BERTH("migrate", "--check-only", "-e", rsh, "host-b", "web:202:shop") == 0);
	CHECK(transport_said("host-b berth receive"));
	CHECK(strncmp(worker_calls(), "send 101 202 shop ", 18) == 0);
	CHECK(BERTH("migrate", "-e", rsh, "host-b", "101") == 0);
	CHECK(strncmp(worker_calls(), "send 101 101 - ", 15) == 0);
	/* What a try that was cut had left there is gone now: once more, and no oftener. */
	on_worker("send",
		  "echo error io.berth.Protocol 116 CT 101: give the command again; exit 1\n");
	CHECK(BERTH("migrate", "-e", rsh, "host-b", "101") == status_of(BERTH_ERR_PROTOCOL));
	CHECK(complains("give the command again"));
	(void)transport_said("");
	on_worker("send", "if [ -e $TOP/tried ]; then say_done; else : >$TOP/tried; "
			  "echo error io.berth.Protocol 116 again; exit 1; fi\n");
	CHECK(BERTH("migrate", "-e", rsh, "host-b", "101") == 0);
	/* The first that fails is the last. */
	(void)worker_calls();
	CHECK(BERTH("migrate", "-e", rsh, "host-b", "102", "101") ==
	      status_of(BERTH_ERR_NO_CONFIG));
	CHECK(worker_calls()[0] == '\0');
	host_end();
}

static void one_that_runs_is_not_stopped_before_it_is_known_that_it_can_move(void)
{
	struct running r;

	host_begin("");
	running_begin(&r, 101, "");
	on_worker("send", "echo error io.berth.Unsupported 95 CT 101: no room there; exit 1\n");
	CHECK(BERTH("migrate", "-e", transport(), "host-b", "101") ==
	      status_of(BERTH_ERR_UNSUPPORTED));
	CHECK(complains("no room there") && r.ct->status == CT_RUNNING);
	CHECK(strstr(worker_calls(), " check,") != NULL);
	CHECK(BERTH("migrate", "--online", "-e", transport(), "host-b", "101") ==
	      status_of(BERTH_ERR_UNSUPPORTED));
	CHECK(strstr(worker_calls(), " ahead,") != NULL && r.ct->status == CT_RUNNING);
	running_end(&r);
	host_end();
}

static void words_of_a_move_that_make_no_sense_are_refused(void)
{
	host_begin("");
	(void)add_ct(101, "");
	CHECK(BERTH("migrate", "host-b") == status_of(BERTH_ERR_OPTION) && complains("a CT"));
	CHECK(BERTH("migrate", "host-b", "101:1") == status_of(BERTH_ERR_VALUE));
	CHECK(BERTH("migrate", "host-b", "101:202:../x") == status_of(BERTH_ERR_VALUE));
	CHECK(BERTH("migrate", "host-b", ":202") == status_of(BERTH_ERR_VALUE));
	CHECK(BERTH("migrate", "-r", "maybe", "host-b", "101") == status_of(BERTH_ERR_VALUE));
	CHECK(BERTH("migrate", "--take", "101") == status_of(BERTH_ERR_OPTION));
	CHECK(BERTH("migrate", "--resolve", "101") == status_of(BERTH_ERR_OPTION));
	CHECK(BERTH("migrate", "--resolve", "--take", "--release", "101") ==
	      status_of(BERTH_ERR_OPTION));
	CHECK(BERTH("migrate", "--resolve", "--take", "101") == status_of(BERTH_ERR_VALUE));
	CHECK(complains("no unfinished move"));
	CHECK(BERTH("migrate", "-e", " ", "host-b", "101") == status_of(BERTH_ERR_VALUE));
	CHECK(BERTH("receive", "101") == status_of(BERTH_ERR_OPTION));
	CHECK(worker_calls()[0] == '\0' && said.out[0] == '\0');
	host_end();
}

int main(void)
{
	int r = daemon_begin();

	if (r != 0)
		return r;
	RUN(help_is_for_everybody_and_needs_no_daemon);
	RUN(what_is_no_command_is_refused_with_the_way_out);
	RUN(what_is_no_text_is_refused);
	RUN(the_log_of_a_ct_is_its_lines_only);
	RUN(the_shells_are_told_what_may_follow);
	RUN(errors_are_json_wherever_json_is_asked_for);
	RUN(mistakes_are_answered_with_the_nearest_word);
	RUN(each_command_asks_for_its_operation);
	RUN(a_set_shows_the_notes_and_saves_when_asked);
	RUN(a_create_takes_a_number_a_name_or_none);
	RUN(a_status_in_json_is_of_the_interface);
	RUN(a_status_is_vzctls_line);
	RUN(a_list_is_sorted_filtered_and_cut_to_fields);
	RUN(a_ledger_is_shown_in_vzubcs_columns);
	RUN(what_a_ct_met_is_explained);
	RUN(what_runs_is_watched_and_processes_are_found);
	RUN(without_berthd_the_files_tell);
	RUN(the_host_answers);
	RUN(doctor_applies_what_is_safe);
	RUN(templates_are_asked_for_by_full_path);
	RUN(what_does_not_run_has_no_commands_and_no_console);
	RUN(a_move_hands_the_two_ends_of_its_transport_to_berthd);
	RUN(one_that_runs_is_not_stopped_before_it_is_known_that_it_can_move);
	RUN(words_of_a_move_that_make_no_sense_are_refused);
	return check_failures != 0;
}
