/* cmd_exec.c - exec, exec2, enter, console, runscript: what runs in a CT on the operator's behalf. */
#include "runtime/base/cleanup.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/command_line.h"
#include "runtime/cli/session.h"

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>

enum {
	EXIT_EXEC_FAILED = 8,
	EXIT_SIGNAL_BASE = 128
};

/* A bare environment: nothing of the operator's enters but the kind of terminal. */
struct exec_env {
	char term[80];
	const char *env[7];
};

static void env_init(struct exec_env *e)
{
	static const char *const fixed[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
		"USER=root", "LOGNAME=root", "SHELL=/bin/sh"};
	const char *term = getenv("TERM");
	size_t n = 0;

	for (; n < sizeof(fixed) / sizeof(fixed[0]); n++)
		e->env[n] = fixed[n];
	(void)snprintf(e->term, sizeof(e->term), "TERM=%s",
		       term != NULL && strlen(term) < 64 ? term : "linux");
	e->env[n++] = e->term;
	e->env[n] = NULL;
}

static int exit_code(int status)
{
	if (WIFSIGNALED(status))
		return EXIT_SIGNAL_BASE + WTERMSIG(status);
	return WEXITSTATUS(status);
}

/* For the audit log. The words of a command are not told: a password may be among them. */
static void tell_session(const struct cli *cli, uint32_t ctid, const char *kind)
{
	char path[BERTH_PATH_MAX];

	if (geteuid() == 0)
		rpc_client_tell(path_daemon_socket(&cli->paths, path), "io.berth.Container.Session",
				json_pack("{s:I, s:s}", "ctid", (json_int_t)ctid, "kind", kind));
}

/* The options before CT, and CT; what stands behind it is left at argv[at]. */
static int take_ct(struct cli *cli, struct args *a, uint32_t *ret, struct berth_error *err)
{
	struct arg arg;
	int r = cli_next(cli, a, &arg, err);

	if (r < 0 || cli->help)
		return r;
	if (r == ARG_END)
		return cli_usage_error(cli, err, "name a CT");
	r = berth_paths_init(&cli->paths, cli->root, err);
	return r < 0 ? r : cli_lookup(cli, arg.value, ret, err);
}

/* Returns the command's own exit code. */
static int run_words(struct cli *cli, struct args *a, struct berth_error *err)
{
	const char *argv[] = {"/bin/sh", "-c", NULL, NULL};
	const char *const *words;
	auto_free char *line = NULL;
	struct exec_env e;
	uint32_t ctid;
	int status, r = take_ct(cli, a, &ctid, err);

	if (r < 0 || cli->help)
		return r;
	if (a->at < a->argc && strcmp(a->argv[a->at], "--") == 0)
		a->at++;
	if (a->at >= a->argc)
		return cli_usage_error(cli, err, "give a command to run");
	/* argv of main ends with NULL. */
	words = (const char *const *)&a->argv[a->at];
	if (strcmp(words[0], "-") == 0) {
		argv[1] = NULL; /* the shell reads its commands from stdin */
	} else {
		line = command_line_join(words);
		if (line == NULL)
			return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "out of memory");
		argv[2] = line;
	}
	env_init(&e);
	tell_session(cli, ctid, cli->command->name);
	r = session_exec(&cli->paths, ctid, argv, e.env, false, &status, err);
	return r < 0 ? r : exit_code(status);
}

int cmd_exec(struct cli *cli, struct args *a, struct berth_error *err)
{
	int r = run_words(cli, a, err);

	return r > 0 ? EXIT_EXEC_FAILED : r;
}

int cmd_exec2(struct cli *cli, struct args *a, struct berth_error *err)
{
	return run_words(cli, a, err);
}

/* "--exec WORDS...": the line to run before the shell, or NULL. */
static int enter_line(struct cli *cli, struct args *a, char **ret, struct berth_error *err)
{
	*ret = NULL;
	if (a->at >= a->argc)
		return 0;
	if (strcmp(a->argv[a->at], "--exec") != 0)
		return cli_usage_error(cli, err, "only --exec may follow CT");
	a->at++;
	if (a->at >= a->argc)
		return cli_usage_error(cli, err, "--exec needs a command");
	*ret = command_line_join((const char *const *)&a->argv[a->at]);
	return *ret != NULL ? 0
			    : berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "out of memory");
}

int cmd_enter(struct cli *cli, struct args *a, struct berth_error *err)
{
	auto_free char *line = NULL, *script = NULL;
	const char *argv[] = {"/bin/sh", "-c", NULL, NULL};
	struct exec_env e;
	uint32_t ctid;
	int status, r = take_ct(cli, a, &ctid, err);

	if (r < 0 || cli->help)
		return r;
	r = enter_line(cli, a, &line, err);
	if (r < 0)
		return r;
	script = command_line_login(line);
	if (script == NULL)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "out of memory");
	argv[2] = script;
	env_init(&e);
	tell_session(cli, ctid, "enter");
	cli_say(cli, "entered into CT %u", ctid);
	r = session_exec(&cli->paths, ctid, argv, e.env, isatty(STDIN_FILENO) == 1, &status, err);
	if (r < 0)
		return r;
	cli_say(cli, "exited from CT %u", ctid);
	return exit_code(status);
}

int cmd_console(struct cli *cli, struct args *a, struct berth_error *err)
{
	static const struct opt opts[] = {{"log", 0, false}, {0}};
	const char *word = NULL;
	bool log = false;
	struct arg arg;
	uint32_t ctid;
	int r;

	a->opts = opts;
	while ((r = cli_next(cli, a, &arg, err)) > ARG_END) {
		if (r == ARG_OPTION)
			log = true;
		else if (word == NULL)
			word = arg.value;
		else
			return cli_usage_error(cli, err, "give one CT");
	}
	if (r < 0 || cli->help)
		return r;
	if (word == NULL)
		return cli_usage_error(cli, err, "name a CT");
	r = cli_lookup(cli, word, &ctid, err);
	if (r < 0)
		return r;
	if (log)
		return session_console_log(&cli->paths, ctid, STDOUT_FILENO,
					   isatty(STDOUT_FILENO) == 1, err);
	tell_session(cli, ctid, "console");
	cli_say(cli, "console of CT %u; press Enter, Esc and '.' to detach", ctid);
	return session_console(&cli->paths, ctid, err);
}

/* Makes the script this process's stdin, from where the session copies it into the CT. */
static int open_script(const char *path, char *head, size_t size, struct berth_error *err)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return berth_error_sys(err, errno, "open script %s", path);
	n = pread(fd, head, size - 1, 0);
	if (n < 0)
		return berth_error_sys(err, errno, "read script %s", path);
	head[n] = '\0';
	if (dup2(fd, STDIN_FILENO) < 0)
		return berth_error_sys(err, errno, "use script %s", path);
	return 0;
}

/* A stopped CT is held for the script and stopped again: its init never runs. */
static int run_held(struct cli *cli, uint32_t ctid, const char *const *argv, const char *const *env,
		    int *ret_status, struct berth_error *err)
{
	struct berth_error late;
	char word[16];
	int r;

	(void)snprintf(word, sizeof(word), "%u", ctid);
	r = call_berthd(cli, "io.berth.Container.Start",
			json_pack("{s:s, s:b}", "ct", word, "hold", 1), NULL, err);
	if (r < 0)
		return r;
	r = session_exec(&cli->paths, ctid, argv, env, false, ret_status, err);
	if (call_berthd(cli, "io.berth.Container.Stop",
			json_pack("{s:s, s:b}", "ct", word, "fast", 1), NULL, &late) < 0 &&
	    r == 0) {
		r = -late.sys;
		*err = late;
	}
	return r;
}

int cmd_runscript(struct cli *cli, struct args *a, struct berth_error *err)
{
	char head[256], buf[256];
	const char *argv[3];
	struct exec_env e;
	uint32_t ctid;
	int status, r = take_ct(cli, a, &ctid, err);

	if (r < 0 || cli->help)
		return r;
	if (a->at + 1 != a->argc)
		return cli_usage_error(cli, err, "give one script");
	r = open_script(a->argv[a->at], head, sizeof(head), err);
	if (r < 0)
		return r;
	command_line_interpreter(head, buf, sizeof(buf), argv);
	env_init(&e);
	tell_session(cli, ctid, "runscript");
	r = session_exec(&cli->paths, ctid, argv, e.env, false, &status, err);
	if (r < 0 && err->code == BERTH_ERR_NOT_RUNNING)
		r = run_held(cli, ctid, argv, e.env, &status, err);
	return r < 0 ? r : exit_code(status);
}
