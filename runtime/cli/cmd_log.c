/*
 * cmd_log.c - log: what berthd and its workers have said of one CT, who ordered what, and what its console shows.
 *
 * berthd notes in RUN/log where its lines are: the journal, or a file.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "runtime/base/spawn.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/session.h"
#include "runtime/cli/text.h"
#include "runtime/ct/store.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* What is done with a line of the CT. */
struct lines {
	json_t *list; /* NULL: print */
	bool audit; /* lines of the audit log */
	bool console; /* the console's, too */
	char mark[24]; /* "ct=101 " */
};

/*
 * Is the line about the CT? "... berthd: info: ct=101 stop: done", in the journal without the level. What tenants
 * and admins have put into a line stands behind its first "ct=".
 */
static bool is_about(const struct lines *l, const char *line)
{
	const char *ct = strstr(line, l->audit ? " ct=" : ": ct=");

	if (l->audit)
		return ct != NULL && ct == strchr(line, ' ') &&
		       strncmp(ct + 1, l->mark, strlen(l->mark)) == 0;
	return ct != NULL && strncmp(ct + 2, l->mark, strlen(l->mark)) == 0;
}

static void take_line(struct lines *l, char *line)
{
	auto_free char *text = NULL;

	line[strcspn(line, "\n")] = '\0';
	text = is_about(l, line) ? text_escape(line) : NULL;
	if (text == NULL)
		return;
	if (l->list != NULL)
		(void)json_array_append_new(l->list, json_string(text));
	else
		(void)puts(text);
}

static int take_stream(struct lines *l, int fd, const char *what, struct berth_error *err)
{
	FILE *in = fdopen(fd, "r");
	auto_free char *line = NULL;
	size_t size = 0;
	int r = 0;

	if (in == NULL) {
		(void)close(fd);
		return berth_error_sys(err, errno, "read %s", what);
	}
	while (getline(&line, &size, in) >= 0)
		take_line(l, line);
	if (ferror(in))
		r = berth_error_sys(err, errno, "read %s", what);
	(void)fclose(in);
	return r;
}

static int take_journal(struct lines *l, struct berth_error *err)
{
	static const char *const argv[] = {"journalctl", "-u",	    "berthd.service", "-o",
					   "short-iso",	 "--quiet", "--no-pager",     NULL};
	int pair[2], status = 0, r;
	struct spawn_fds fds = {.in = -1, .err = STDERR_FILENO};
	pid_t pid;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return berth_error_sys(err, errno, "make a pipe");
	fds.out = pair[1];
	r = spawn_program(argv, NULL, &fds, &pid, NULL, err);
	(void)close(pair[1]);
	if (r < 0) {
		(void)close(pair[0]);
		return r;
	}
	r = take_stream(l, pair[0], "the journal", err);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r == 0 && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
		r = berth_error_set(err, BERTH_ERR_HELPER, EIO,
				    "journalctl failed; may you read the journal? try: sudo %s",
				    "journalctl -u berthd");
	return r;
}

/* must: it is an error that there is none. */
static int take_file(struct lines *l, const char *path, bool must, const char *what,
		     struct berth_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0 && errno == ENOENT && !must)
		return 0;
	if (fd < 0)
		return berth_error_sys(err, errno, "open %s %s", what, path);
	return take_stream(l, fd, path, err);
}

/* The file, and before it the one that logrotate(8) has put aside last. */
static int take_files(struct lines *l, const char *path, bool must, const char *what,
		      struct berth_error *err)
{
	char older[BERTH_PATH_MAX + 8];
	int r;

	(void)snprintf(older, sizeof(older), "%s.1", path);
	r = take_file(l, older, false, what, err);
	return r < 0 ? r : take_file(l, path, must, what, err);
}

static int take_log(struct cli *cli, struct lines *l, struct berth_error *err)
{
	auto_close int run = dir_open_at(AT_FDCWD, cli->paths.run);
	char place[BERTH_PATH_MAX];
	int r = run < 0 ? run : (int)file_read_line_at(run, "log", place, sizeof(place));

	if (r < 0)
		return berth_error_set(err, BERTH_ERR_UNSUPPORTED, -r,
				       "berthd logs to no file and no journal here; start it with "
				       "--log FILE, see berthd(8)");
	return strcmp(place, "journal") == 0 ? take_journal(l, err)
					     : take_files(l, place, true, "berthd's log", err);
}

/* Who did what: only root may read it, and only who asks for it by name is told so. */
static int take_audit(struct cli *cli, struct lines *l, bool wanted, struct berth_error *err)
{
	char path[BERTH_PATH_MAX];

	(void)path_audit(&cli->paths, path);
	l->audit = true;
	if (!wanted) {
		if (l->list != NULL || access(path, R_OK) < 0)
			return 0;
		(void)printf("-- who did what to it --\n");
	}
	return take_files(l, path, false, "the audit log",
			  err); /* it begins with the first order */
}

/* What the console has shown lately: only of this boot of the host, and only root may read it. */
static void print_console(struct cli *cli, uint32_t ctid)
{
	char path[BERTH_PATH_MAX], file[BERTH_PATH_MAX + 16];
	struct berth_error none;

	(void)snprintf(file, sizeof(file), "%s/console.log", path_run_ct(&cli->paths, ctid, path));
	if (access(file, R_OK) < 0)
		return;
	(void)printf("-- console of CT %u --\n", ctid);
	(void)fflush(stdout);
	/* What a tenant wrote, among lines of ours: whatever it is piped to may show it on a terminal. */
	(void)session_console_log(&cli->paths, ctid, STDOUT_FILENO, true, &none);
}

/* A CT that was destroyed has lines still: its number is enough. */
static int ctid_of(struct cli *cli, const char *word, uint32_t *ret, struct berth_error *err)
{
	return parse_ctid(word, ret) == 0 ? 0 : store_lookup(&cli->paths, word, ret, err);
}

static int take_words(struct cli *cli, struct args *a, const char **ret_ct, struct lines *l,
		      struct berth_error *err)
{
	static const struct opt opts[] = {{"no-console", 0, false}, {"audit", 0, false}, {0}};
	struct arg arg;
	int r;

	a->opts = opts;
	while ((r = cli_next(cli, a, &arg, err)) > ARG_END) {
		if (r == ARG_OPTION && strcmp(arg.name, "audit") == 0)
			l->audit = true;
		else if (r == ARG_OPTION)
			l->console = false;
		else if (*ret_ct == NULL)
			*ret_ct = arg.value;
		else
			return cli_usage_error(cli, err, "give one CT");
	}
	if (r == 0 && *ret_ct == NULL && !cli->help)
		return cli_usage_error(cli, err, "name a CT");
	return r;
}

int cmd_log(struct cli *cli, struct args *a, struct berth_error *err)
{
	const char *word = NULL;
	struct lines l = {.console = true};
	bool only_audit;
	uint32_t ctid;
	int r = take_words(cli, a, &word, &l, err);

	if (r < 0 || cli->help)
		return r;
	r = ctid_of(cli, word, &ctid, err);
	if (r < 0)
		return r;
	(void)snprintf(l.mark, sizeof(l.mark), "ct=%u ", ctid);
	l.list = cli->json ? json_array() : NULL;
	only_audit = l.audit;
	r = only_audit ? 0 : take_log(cli, &l, err);
	if (r == 0)
		r = take_audit(cli, &l, only_audit, err);
	if (r == 0 && cli->json) {
		(void)json_dumpf(l.list, stdout, JSON_INDENT(2));
		(void)putchar('\n');
	} else if (r == 0 && l.console && !only_audit) {
		print_console(cli, ctid);
	}
	json_decref(l.list);
	return r;
}
