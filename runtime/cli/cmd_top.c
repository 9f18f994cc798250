/* cmd_top.c - top: all CTs that run, live. */
#include "runtime/base/cleanup.h"
#include "runtime/base/parse.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/style.h"
#include "runtime/cli/top_table.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum {
	DELAY_MS = 2000,
	DELAY_LEAST_MS = 100,
	DELAY_MOST_S = 3600,
	FIRST_MS = 1000 /* the first numbers come no later */
};

struct top_options {
	bool batch;
	uint32_t count; /* how often; 0: until told to stop */
	unsigned int delay_ms;
	const char *sort;
	json_t *words; /* NULL for all */
};

static const struct opt top_opts[] = {{"batch", 'b', false}, {"iterations", 'n', true},
				      {"delay", 'd', true},  {"sort", 's', true},
				      {"json", 'j', false},  {0}};

/* ---- options ---- */

static int take_delay(const char *text, unsigned int *ret, struct berth_error *err)
{
	char *end;
	double s = strtod(text, &end);

	if (*end != '\0' || end == text || !(s * 1000 >= DELAY_LEAST_MS) || s > DELAY_MOST_S)
		return berth_error_set(err, BERTH_ERR_OPTION, EINVAL,
				       "-d %.40s: give seconds from 0.1 to %d", text, DELAY_MOST_S);
	*ret = (unsigned int)(s * 1000);
	return 0;
}

static int take_option(struct cli *cli, const struct arg *arg, struct top_options *o,
		       struct berth_error *err)
{
	switch (arg->letter) {
	case 'b':
		o->batch = true;
		return 0;
	case 'j':
		cli->json = true;
		return 0;
	case 'd':
		return take_delay(arg->value, &o->delay_ms, err);
	case 's':
		o->sort = arg->value;
		return top_sort_check(arg->value, err);
	default:
		if (parse_u32(arg->value, &o->count) == 0 && o->count > 0)
			return 0;
		return berth_error_set(err, BERTH_ERR_OPTION, EINVAL,
				       "-n %.40s: give a number from 1 on", arg->value);
	}
}

static int take_options(struct cli *cli, struct args *a, struct top_options *o,
			struct berth_error *err)
{
	struct arg arg;
	int r;

	a->opts = top_opts;
	while ((r = cli_next(cli, a, &arg, err)) > ARG_END) {
		r = r == ARG_OPTION ? take_option(cli, &arg, o, err)
				    : cli_add_ct(&o->words, arg.value, err);
		if (r < 0)
			return r;
	}
	return r;
}

/* ---- the terminal ---- */

static struct termios before_keys;

/* Also while berthd does not answer. The default action follows; tcsetattr is among signal-safety(7). */
static void on_end(int sig)
{
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &before_keys);
	(void)raise(sig);
}

static bool keys_begin(void)
{
	static const int ends[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};
	const struct sigaction restore = {.sa_handler = on_end, .sa_flags = (int)SA_RESETHAND};
	struct termios t;

	if (tcgetattr(STDIN_FILENO, &before_keys) < 0)
		return false;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		(void)sigaction(ends[i], &restore, NULL);
	t = before_keys;
	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	t.c_cc[VSUSP] = _POSIX_VDISABLE; /* a shell would go on without an echo */
	return tcsetattr(STDIN_FILENO, TCSADRAIN, &t) == 0;
}

static size_t terminal_rows(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
}

/* false: enough. */
static bool take_key(struct top_view *view)
{
	char c = 0;

	if (read(STDIN_FILENO, &c, 1) != 1 || c == 'q')
		return false;
	for (const struct top_key *k = top_sort_keys(); k->name != NULL; k++)
		if (k->letter == c)
			view->sort = k->name;
	if (c == 'r')
		view->reverse = !view->reverse;
	return true;
}

/* false: enough. A key ends the wait. */
static bool wait_ms(const struct top_options *o, struct top_view *view, unsigned int ms)
{
	struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};

	if (poll(o->batch ? NULL : &p, o->batch ? 0 : 1, (int)ms) <= 0)
		return true;
	return take_key(view);
}

/* ---- looks ---- */

static void print_head(size_t n)
{
	double load[3] = {0};
	time_t now = time(NULL);
	char at[16] = "";
	struct tm tm;

	if (localtime_r(&now, &tm) != NULL)
		(void)strftime(at, sizeof(at), "%H:%M:%S", &tm);
	(void)getloadavg(load, 3);
	(void)printf("%s  %zu CTs run, load of the host %.2f %.2f %.2f\n", at, n, load[0], load[1],
		     load[2]);
}

static void print_json(const struct top_row *rows, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(list, usage_json(&rows[i].usage, &rows[i].rate));
	(void)json_dumpf(list, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
	(void)putchar('\n');
	json_decref(list);
}

static void print_look(const struct cli *cli, const struct top_options *o, struct top_view *view,
		       const json_t *before, const json_t *now)
{
	size_t n;
	auto_free struct top_row *rows = top_rows(before, now, &n);

	if (cli->json) {
		print_json(rows, n);
	} else {
		view->columns = style_columns(stdout);
		view->rows = o->batch ? 0 : terminal_rows();
		if (!o->batch)
			(void)fputs("\033[H\033[2J", stdout);
		print_head(n);
		if (view->rows > 1)
			view->rows--;
		top_print(stdout, rows, n, view);
		if (o->batch && o->count != 1)
			(void)putchar('\n');
	}
	(void)fflush(stdout);
}

/* In batch mode there is no look without rates. */
static int look_on(struct cli *cli, struct top_options *o, struct berth_error *err)
{
	unsigned int ms = o->delay_ms < FIRST_MS ? o->delay_ms : FIRST_MS;
	struct top_view view = {.sort = o->sort};
	json_t *before = NULL, *now = NULL;
	uint32_t shown = 0;
	int r;

	for (;;) {
		r = usage_fetch(cli, o->words, &now, err);
		if (r < 0)
			break;
		if (!o->batch || before != NULL) {
			print_look(cli, o, &view, before, now);
			shown++;
			if (before != NULL)
				ms = o->delay_ms;
		}
		json_decref(before);
		before = now;
		now = NULL;
		if ((o->count > 0 && shown == o->count) || ferror(stdout) != 0 ||
		    !wait_ms(o, &view, ms))
			break;
	}
	json_decref(before);
	return r;
}

static int top(struct cli *cli, struct top_options *o, struct berth_error *err)
{
	int r;

	o->batch = o->batch || cli->json || isatty(STDOUT_FILENO) != 1 || !keys_begin();
	r = look_on(cli, o, err);
	if (!o->batch)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &before_keys);
	return r;
}

int cmd_top(struct cli *cli, struct args *a, struct berth_error *err)
{
	struct top_options o = {.delay_ms = DELAY_MS, .sort = "cpu"};
	int r = take_options(cli, a, &o, err);

	if (r == 0 && !cli->help)
		r = top(cli, &o, err);
	json_decref(o.words);
	return r;
}
