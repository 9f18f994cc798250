/* fleet.c - one command for many CTs. */
#include "runtime/cli/fleet.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* Of names and of CTIDs, see param_apply_name. */
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz0123456789"

/* ---- words: pure ---- */

void fleet_word_parse(const char *word, struct fleet_word *ret)
{
	size_t first = strspn(word, "0123456789");
	char from[16];

	*ret = (struct fleet_word){.kind = FLEET_ONE, .text = word};
	if (strpbrk(word, "*?[") != NULL) {
		ret->kind = FLEET_GLOB;
		return;
	}
	if (first == 0 || first >= sizeof(from) || word[first] != '-')
		return;
	(void)snprintf(from, sizeof(from), "%.*s", (int)first, word);
	if (parse_ctid(from, &ret->from) == 0 && parse_ctid(word + first + 1, &ret->to) == 0)
		ret->kind = FLEET_RANGE;
}

bool fleet_word_takes(const struct fleet_word *w, uint32_t ctid, const char *name)
{
	char number[12];

	(void)snprintf(number, sizeof(number), "%u", ctid);
	switch (w->kind) {
	case FLEET_ALL:
		return true;
	case FLEET_RANGE:
		return ctid >= w->from && ctid <= w->to;
	case FLEET_GLOB:
		return fnmatch(w->text, number, 0) == 0 ||
		       (*name != '\0' && fnmatch(w->text, name, 0) == 0);
	case FLEET_ONE:
	default:
		return strcmp(w->text, number) == 0 || strcmp(w->text, name) == 0;
	}
}

/* Those that take many, and the statuses that they have something to do in. */
static const struct {
	const char *command, *statuses; /* NULL: all */
} commands[] = {
	{"start", "stopped mounted"},
	{"stop", "running starting stopping unknown"},
	{"restart", "running"},
	{"suspend", "running"},
	{"resume", "suspended"},
	{"mount", "stopped"},
	{"umount", "mounted"},
	{"destroy", "stopped suspended broken running mounted"},
	{"set", NULL},
};

bool fleet_fits(const char *command, const char *status)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const char *at;

		if (strcmp(commands[i].command, command) != 0)
			continue;
		if (commands[i].statuses == NULL)
			return true;
		at = strstr(commands[i].statuses, status);
		return at != NULL && *status != '\0' && strchr(status, ' ') == NULL &&
		       strchr(" ", at[strlen(status)]) != NULL &&
		       (at == commands[i].statuses || at[-1] == ' ');
	}
	return false;
}

static bool takes_many(const char *command)
{
	return fleet_fits(command, "running") || fleet_fits(command, "stopped") ||
	       fleet_fits(command, "suspended") || fleet_fits(command, "mounted");
}

/* ---- the command line ---- */

static int take_parallel(const char *value, struct fleet *f, struct berth_error *err)
{
	uint32_t n;

	if (value == NULL || parse_u32(value, &n) < 0 || n < 1 || n > FLEET_PARALLEL_MAX)
		return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
				       "invalid --parallel '%.20s'; use 1 to %d",
				       value != NULL ? value : "", FLEET_PARALLEL_MAX);
	f->parallel = n;
	return 0;
}

enum {
	OPT_ALL,
	OPT_PARALLEL
};
const struct opt fleet_opts[] = {{"all", 0, false}, {"parallel", 0, true}, {0}};

/* "--all", "--parallel", "--parallel=4" */
static bool is_own(const struct opt *o, const char *word)
{
	size_t len = strlen(o->name);

	return strncmp(word, "--", 2) == 0 && strncmp(word + 2, o->name, len) == 0 &&
	       (word[2 + len] == '\0' || (o->takes_value && word[2 + len] == '='));
}

/* Global options may stand behind: they are this process's too. */
static void look_at_global(const struct args *a, int i, struct fleet *f)
{
	const char *word = a->argv[i];

	if (strcmp(word, "--json") == 0)
		f->json = true;
	else if (strcmp(word, "--quiet") == 0 || strcmp(word, "-q") == 0)
		f->quiet = true;
	else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		f->help = true;
	else if (strcmp(word, "--root") == 0 && i + 1 < a->argc)
		f->root = a->argv[i + 1];
	else if (strncmp(word, "--root=", 7) == 0)
		f->root = word + 7;
}

/* Takes what is the fleet's out of argv. Behind the first option of `set` a word may be a value. */
static int sort_out(const struct cli *cli, const struct args *a, struct fleet *f,
		    struct berth_error *err)
{
	bool words = true, mine = true, sets = strcmp(cli->command->name, "set") == 0;
	int r = 0;

	for (int i = 0; i < a->at; i++)
		f->argv[f->argc++] = a->argv[i];
	f->at = f->argc++; /* the place of a CT */
	for (int i = a->at; i < a->argc && r == 0; i++) {
		char *word = a->argv[i];

		if (words && word[0] != '-') {
			fleet_word_parse(word, &f->words[f->n++]);
		} else if (mine && is_own(&fleet_opts[OPT_ALL], word)) {
			f->words[f->n++] = (struct fleet_word){.kind = FLEET_ALL, .text = word};
		} else if (mine && is_own(&fleet_opts[OPT_PARALLEL], word)) {
			const char *equal = strchr(word, '=');

			r = take_parallel(equal != NULL	    ? equal + 1
					  : i + 1 < a->argc ? a->argv[++i]
							    : NULL,
					  f, err);
		} else {
			look_at_global(a, i, f);
			words = false;
			mine = mine && !sets && strcmp(word, "--") != 0;
			f->argv[f->argc++] = word;
		}
	}
	return r;
}

static bool is_many(const struct fleet *f)
{
	if (f->help)
		return false;
	return f->n > 1 || f->parallel != 0 || (f->n == 1 && f->words[0].kind != FLEET_ONE);
}

/* Has that word, or word=...; *ret: its value. */
static bool has_option(const struct fleet *f, const char *word, const char **ret)
{
	size_t len = strlen(word);

	for (int i = f->at; i < f->argc; i++) {
		if (f->argv[i] == NULL || strncmp(f->argv[i], word, len) != 0)
			continue;
		*ret = f->argv[i][len] == '=' ? f->argv[i] + len + 1
		       : i + 1 < f->argc      ? f->argv[i + 1]
					      : "";
		if (f->argv[i][len] == '=' || f->argv[i][len] == '\0')
			return true;
	}
	return false;
}

/* What is not for many at once. A password stands in our command line until the last CT is done. */
static int check_many(const struct cli *cli, const struct fleet *f, struct berth_error *err)
{
	const char *value;

	for (unsigned int i = 0; strcmp(cli->command->name, "destroy") == 0 && i < f->n; i++)
		if (f->words[i].kind == FLEET_ALL ||
		    (f->words[i].kind == FLEET_GLOB &&
		     strpbrk(f->words[i].text, NAME_CHARS) == NULL))
			return berth_error_set(err, BERTH_ERR_OPTION, EINVAL,
					       "%.60s is not for destroy: name the CTs",
					       f->words[i].text);
	if (has_option(f, "--userpasswd", &value))
		return cli_usage_error(cli, err,
				       "--userpasswd is for one CT: give the command for each");
	if (has_option(f, "--sshkey", &value) && strcmp(value, "-") == 0)
		return cli_usage_error(cli, err,
				       "--sshkey - is for one CT, as standard input is read once: "
				       "give a file");
	return 0;
}

int fleet_take(const struct cli *cli, const struct args *a, struct fleet *ret,
	       struct berth_error *err)
{
	size_t room = (size_t)a->argc + 2;
	int r;

	*ret = (struct fleet){0};
	if (cli->command == NULL || !takes_many(cli->command->name))
		return 0;
	ret->words = calloc(room, sizeof(*ret->words));
	ret->argv = calloc(room, sizeof(*ret->argv));
	if (ret->words == NULL || ret->argv == NULL)
		abort();
	r = sort_out(cli, a, ret, err);
	if (r == 0 && ret->n == 0 && ret->parallel != 0)
		r = cli_usage_error(cli, err, "name CTs, or give --all");
	if (r == 0 && is_many(ret))
		r = check_many(cli, ret, err);
	if (r == 0 && is_many(ret))
		return 1;
	fleet_free(ret);
	return r;
}

void fleet_free(struct fleet *f)
{
	free(f->words);
	free(f->argv);
	*f = (struct fleet){0};
}

/* ---- which CTs ---- */

struct picked {
	char word[80]; /* a CTID; of what is not there the word itself, for the command to say so */
	uint32_t ctid;
};

static bool is_picked(const struct picked *list, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].word, word) == 0)
			return true;
	return false;
}

static void pick(struct picked *list, size_t *n, uint32_t ctid, const char *word)
{
	char text[80];

	if (ctid != 0)
		(void)snprintf(text, sizeof(text), "%u", ctid);
	else
		(void)snprintf(text, sizeof(text), "%s", word);
	if (is_picked(list, *n, text))
		return;
	list[*n].ctid = ctid;
	(void)snprintf(list[(*n)++].word, sizeof(list->word), "%s", text);
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

/* A CT whose name it is goes before what the word might mean. */
static struct fleet_word meant(const struct fleet_word *w, const json_t *all)
{
	const json_t *ct;
	size_t i;

	json_array_foreach(all, i, ct) if (w->kind == FLEET_RANGE &&
					   strcmp(text_of(ct, "name"), w->text) ==
						   0) return (struct fleet_word){.kind = FLEET_ONE,
										 .text = w->text};
	return *w;
}

/* In the order of the words, and of CTIDs for one word. */
static int pick_word(const struct cli *cli, const struct fleet_word *typed, const json_t *all,
		     struct picked *list, size_t *n, struct berth_error *err)
{
	struct fleet_word w = meant(typed, all);
	bool some = false;
	const json_t *ct;
	size_t i;

	json_array_foreach(all, i, ct)
	{
		uint32_t ctid = (uint32_t)json_integer_value(json_object_get(ct, "ctid"));

		if (!fleet_word_takes(&w, ctid, text_of(ct, "name")))
			continue;
		some = true;
		if (w.kind == FLEET_ONE || fleet_fits(cli->command->name, text_of(ct, "status")))
			pick(list, n, ctid, NULL);
	}
	if (some || w.kind == FLEET_ALL)
		return 0;
	if (w.kind != FLEET_ONE)
		return berth_error_set(err, BERTH_ERR_NO_CONFIG, ENOENT,
				       "there is no CT %s%.60s; `berth list -a` shows those that "
				       "there are",
				       w.kind == FLEET_RANGE ? "in the range " : "like ", w.text);
	pick(list, n, 0, w.text);
	return 0;
}

/* ---- one process each ---- */

struct answer {
	int status; /* of the command; < 0: err says why */
	struct berth_error err;
};

struct going {
	pid_t pid; /* 0: a free place */
	int fd;
	const struct picked *ct;
};

static _Noreturn void child(struct cli *cli, const struct fleet *f, const struct picked *ct, int fd)
{
	struct answer answer = {0};
	struct args a = {.argc = f->argc, .argv = f->argv, .at = f->at};
	char word[80];

	(void)snprintf(word, sizeof(word), "%s", ct->word);
	f->argv[f->at] = word;
	cli->many = true;
	/* What it prints as JSON is not in ours. */
	if (cli->json && freopen("/dev/null", "we", stdout) == NULL)
		_exit(3);
	answer.status = cli->command->run(cli, &a, &answer.err);
	if (fflush(stdout) != 0 && answer.status >= 0)
		answer.status = berth_error_sys(&answer.err, errno, "write output");
	_exit(fd_write_all(fd, &answer, sizeof(answer)) < 0);
}

static int begin(struct cli *cli, const struct fleet *f, const struct picked *ct, struct going *g,
		 struct berth_error *err)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return berth_error_sys(err, errno, "pipe");
	(void)fflush(NULL);
	g->pid = fork();
	if (g->pid == 0)
		child(cli, f, ct, fds[1]);
	(void)close(fds[1]);
	if (g->pid < 0) {
		g->pid = 0;
		(void)close(fds[0]);
		return berth_error_sys(err, errno, "fork");
	}
	g->fd = fds[0];
	g->ct = ct;
	return 0;
}

static void tell_json(json_t *list, const struct picked *ct, const struct answer *a, int status)
{
	json_t *o = json_pack("{s:s, s:i}", "ct", ct->word, "status", status);

	if (a->status < 0) {
		(void)json_object_set_new(o, "error", json_string(berth_error_name(a->err.code)));
		(void)json_object_set_new(o, "message", json_string(a->err.msg));
	}
	(void)json_array_append_new(list, o);
}

/* Its line, and its exit status. */
static int end(const struct cli *cli, const struct fleet *f, struct going *g, json_t *list,
	       fleet_report_fn *report)
{
	const struct args a = {.argc = f->argc, .argv = f->argv, .at = f->argc};
	struct answer answer;
	int status;

	if (fd_read_all(g->fd, &answer, sizeof(answer)) != (ssize_t)sizeof(answer))
		answer.status =
			berth_error_set(&answer.err, BERTH_ERR_SYSTEM, ECHILD,
					"CT %s: the process that did it has died", g->ct->word);
	fd_close(&g->fd);
	g->pid = 0;
	/* Of an error that names no CT nobody would know whose it is. */
	if (answer.status < 0 && g->ct->ctid != 0)
		berth_error_name_ct(&answer.err, g->ct->ctid);
	status = answer.status < 0 ? berth_error_exit_status(answer.err.code) : answer.status;
	if (cli->json)
		tell_json(list, g->ct, &answer, status);
	else if (answer.status < 0)
		(void)report(cli, &a, &answer.err);
	else if (!cli->quiet && cli->command->run != cmd_mount)
		(void)printf("CT %s: %s: %s\n", g->ct->word, cli->command->name,
			     status == 0 ? "done" : "failed");
	(void)fflush(stdout);
	return status;
}

/* Waits for one of them. */
static int wait_one(const struct cli *cli, const struct fleet *f, struct going *g, unsigned int n,
		    json_t *list, fleet_report_fn *report)
{
	pid_t pid;

	do
		pid = waitpid(-1, NULL, 0);
	while (pid < 0 && errno == EINTR);
	for (unsigned int i = 0; i < n; i++)
		if (g[i].pid == pid && pid > 0)
			return end(cli, f, &g[i], list, report);
	return 0;
}

static int work(struct cli *cli, struct fleet *f, const struct picked *list, size_t n,
		json_t *answers, fleet_report_fn *report, struct berth_error *err)
{
	struct going going[FLEET_PARALLEL_MAX] = {0};
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned int most = f->parallel != 0 ? f->parallel : cpus < 1 ? 1 : (unsigned int)cpus;
	unsigned int running = 0;
	int worst = 0, r = 0;

	if (most > FLEET_PARALLEL_MAX)
		most = FLEET_PARALLEL_MAX;
	for (size_t at = 0; (r == 0 && at < n) || running > 0;) {
		unsigned int free_place = 0;
		int status;

		if (r == 0 && at < n && running < most) {
			while (going[free_place].pid != 0)
				free_place++;
			r = begin(cli, f, &list[at++], &going[free_place], err);
			running += r == 0;
			continue;
		}
		status = wait_one(cli, f, going, most, answers, report);
		running--;
		worst = status > worst ? status : worst;
	}
	return r < 0 ? r : worst;
}

static int list_all(struct cli *cli, json_t **ret, struct berth_error *err)
{
	int r = berth_paths_init(&cli->paths, cli->root, err);

	return r < 0 ? r
		     : call_berthd(cli, "io.berth.Container.List",
				   json_pack("{s:b, s:[s]}", "all", 1, "fields", "name"), ret, err);
}

int fleet_run(struct cli *cli, struct fleet *f, fleet_report_fn *report, struct berth_error *err)
{
	json_t *reply = NULL, *answers = json_array();
	auto_free struct picked *list = NULL;
	const json_t *all;
	size_t n = 0;
	int r;

	cli->json = cli->json || f->json;
	cli->quiet = cli->quiet || f->quiet;
	cli->root = f->root != NULL ? f->root : cli->root;
	r = list_all(cli, &reply, err);
	all = json_object_get(reply, "containers");
	list = calloc(json_array_size(all) + f->n + 1, sizeof(*list));
	if (list == NULL)
		abort();
	for (unsigned int i = 0; r == 0 && i < f->n; i++)
		r = pick_word(cli, &f->words[i], all, list, &n, err);
	if (r == 0)
		r = work(cli, f, list, n, answers, report, err);
	if (r >= 0 && cli->json) {
		(void)json_dumpf(answers, stdout, JSON_INDENT(2));
		(void)putchar('\n');
	}
	json_decref(reply);
	json_decref(answers);
	return r;
}
