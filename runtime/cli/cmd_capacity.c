/* cmd_capacity.c - capacity, split and config-check: the host as who sells it sees it. */
#include "runtime/base/cleanup.h"
#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "runtime/cli/capacity.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/list_fetch.h"
#include "runtime/config/param.h"
#include "runtime/ct/store.h"

#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
	LOOK_US = 500000, /* between the two looks at CPU time */
	MEMINFO_MAX = 8192,
	SPLIT_MAX = 10000
};

static void conf_cleanup(struct conf_file **f)
{
	conf_free(*f);
}

/* ---- what the host has ---- */

static uint64_t meminfo(const char *text, const char *key)
{
	const char *at = strstr(text, key);
	uint64_t v;

	if (at == NULL)
		return 0;
	at += strlen(key);
	return parse_next(&at, " ", 10, &v) == 0 ? v << 10 : 0;
}

static int read_host(const struct cli *cli, struct capacity *c, struct berth_error *err)
{
	auto_free char *text = NULL;
	auto_ptr(conf_cleanup) struct conf_file *f = NULL;
	struct host_config host;
	struct statvfs s;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int r = file_read_at(AT_FDCWD, "/proc/meminfo", MEMINFO_MAX, &text, NULL);

	if (r < 0)
		return berth_error_sys(err, r, "read /proc/meminfo");
	/* Its own members alone may read it; the group sees the default then. */
	if (store_host_conf_load(&cli->paths, &f, err) < 0 || host_config_from(f, &host, err) < 0)
		(void)host_config_from(NULL, &host, NULL);
	c->of[CAPACITY_RAM].physical = meminfo(text, "MemTotal:");
	c->of[CAPACITY_SWAP].physical = meminfo(text, "SwapTotal:");
	c->of[CAPACITY_CPU].physical = cpus > 0 ? (uint64_t)cpus * 100 : 100;
	if (statvfs(cli->paths.lib, &s) < 0)
		return berth_error_sys(err, errno, "look at the file system of %s", cli->paths.lib);
	c->of[CAPACITY_DISK].physical = (uint64_t)s.f_bavail * s.f_frsize;
	c->of[CAPACITY_INODES].physical = 0; /* those of a volume are its own */
	if (c->of[CAPACITY_DISK].physical >=
	    host_space_reserve(&host, (uint64_t)s.f_blocks * s.f_frsize))
		c->of[CAPACITY_DISK].physical -=
			host_space_reserve(&host, (uint64_t)s.f_blocks * s.f_frsize);
	else
		c->of[CAPACITY_DISK].physical = 0;
	return 0;
}

/* The files of CTs do not tell what each has: without berthd too little would be called sold. */
static int need_berthd(const struct cli *cli, const json_t *cts, struct berth_error *err)
{
	const json_t *info;
	size_t i;

	json_array_foreach(cts, i, info)
	{
		if (json_object_get(info, "resources") == NULL)
			return berth_error_set(
				err, BERTH_ERR_NO_DAEMON, ECONNREFUSED,
				"berthd does not answer at %s/berthd.sock; start it: "
				"systemctl start berthd",
				cli->paths.run);
	}
	return 0;
}

/* Twice, for the CPU time that is used in between. */
static int read_capacity(struct cli *cli, struct capacity *c, struct berth_error *err)
{
	json_t *needs = json_pack("{s:n, s:n, s:n, s:n, s:n}", "resources", "cpulimit", "cpus",
				  "cpu_usec", "status");
	json_t *first = NULL, *cts = NULL;
	uint64_t begun, used;
	int r = list_fetch(cli, NULL, true, needs, &first, err);

	begun = clock_now_ms();
	if (r == 0) {
		clock_pause_us(LOOK_US);
		r = list_fetch(cli, NULL, true, needs, &cts, err);
	}
	if (r == 0)
		r = need_berthd(cli, cts, err);
	if (r == 0)
		r = read_host(cli, c, err);
	if (r == 0) {
		capacity_add(c, cts);
		used = capacity_cpu_usec(cts);
		used = used > capacity_cpu_usec(first) ? used - capacity_cpu_usec(first) : 0;
		c->of[CAPACITY_CPU].used = used / 10 / (clock_now_ms() - begun);
		/* What its volumes have already is theirs. */
		c->of[CAPACITY_DISK].physical += c->of[CAPACITY_DISK].used;
	}
	json_decref(needs);
	json_decref(first);
	json_decref(cts);
	return r;
}

int cmd_capacity(struct cli *cli, struct args *a, struct berth_error *err)
{
	static const struct opt opts[] = {{"json", 'j', false}, {0}};
	struct capacity c = {0};
	struct arg arg;
	json_t *json;
	int r;

	a->opts = opts;
	while ((r = cli_next(cli, a, &arg, err)) > ARG_END) {
		if (r == ARG_WORD)
			return cli_usage_error(cli, err, NULL);
		cli->json = true;
	}
	if (r < 0 || cli->help)
		return r;
	r = read_capacity(cli, &c, err);
	if (r < 0)
		return r;
	if (!cli->json) {
		capacity_print(&c, stdout);
		return 0;
	}
	json = capacity_json(&c);
	(void)json_dumpf(json, stdout, JSON_INDENT(2));
	(void)putchar('\n');
	json_decref(json);
	return 0;
}

/* ---- split ---- */

struct split {
	uint32_t n;
	uint64_t swap; /* bytes, UINT64_MAX: the host's share */
	const char *name; /* NULL: to stdout */
};

static int take_split(struct cli *cli, struct args *a, struct split *s, struct berth_error *err)
{
	static const struct opt opts[] = {
		{"number", 'n', true}, {"file", 'f', true}, {"swap", 's', true}, {0}};
	struct arg arg;
	int r;

	a->opts = opts;
	while ((r = cli_next(cli, a, &arg, err)) > ARG_END) {
		if (r == ARG_WORD)
			return cli_usage_error(cli, err, NULL);
		if (arg.letter == 'n' &&
		    (parse_u32(arg.value, &s->n) < 0 || s->n < 1 || s->n > SPLIT_MAX))
			return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
					       "-n %.40s: give a number of CTs from 1 to %d",
					       arg.value, (int)SPLIT_MAX);
		if (arg.letter == 's' && param_parse_size(arg.value, 1024, &s->swap) < 0)
			return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
					       "-s %.40s: give a size such as 512M", arg.value);
		if (arg.letter == 'f' && !template_name_is_valid(arg.value))
			return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
					       "-f %.40s is no name of a sample", arg.value);
		if (arg.letter == 'f')
			s->name = arg.value;
	}
	if (r == 0 && !cli->help && s->n == 0)
		return cli_usage_error(cli, err, "give a number of CTs: -n N");
	return r;
}

/* A sample that is there is another's work: it stays. */
static int save_sample(const struct cli *cli, const char *name, const struct conf_file *f,
		       struct berth_error *err)
{
	char path[BERTH_PATH_MAX + 32], file[160];
	auto_close int dir = -EBADF;
	int r;

	(void)snprintf(path, sizeof(path), "%s/samples", cli->paths.etc);
	(void)snprintf(file, sizeof(file), "%s.conf", name);
	dir = dir_open_at(AT_FDCWD, path);
	if (dir < 0)
		return berth_error_sys(err, dir, "open %s", path);
	r = conf_create_at(dir, file, f, err);
	if (r == -EEXIST)
		return berth_error_set(
			err, BERTH_ERR_EXISTS, EEXIST,
			"there is a sample %s already: give another name, or remove %s/%s", name,
			path, file);
	if (r == 0)
		cli_say(cli, "sample %s has been written; use it: berth create CTID --config %s",
			name, name);
	return r;
}

int cmd_split(struct cli *cli, struct args *a, struct berth_error *err)
{
	auto_ptr(conf_cleanup) struct conf_file *f = NULL;
	struct split s = {.swap = UINT64_MAX};
	struct capacity c = {0};
	auto_free char *text = NULL;
	int r = take_split(cli, a, &s, err);

	if (r < 0 || cli->help)
		return r;
	r = read_capacity(cli, &c, err);
	if (r == 0)
		r = conf_parse("", 0, &f, err);
	if (r == 0)
		r = capacity_split(&c, s.n, s.swap, f, err);
	if (r < 0 || s.name != NULL)
		return r < 0 ? r : save_sample(cli, s.name, f, err);
	r = conf_format(f, &text);
	if (r < 0)
		return berth_error_sys(err, r, "write a sample");
	(void)fputs(text, stdout);
	return 0;
}

/* ---- config-check ---- */

static int check_ct(const struct cli *cli, uint32_t ctid, const struct conf_file *host,
		    struct berth_error *err)
{
	auto_ptr(conf_cleanup) struct conf_file *f = NULL;
	struct ct_config config;
	int r = store_conf_load(&cli->paths, ctid, &f, err);

	return r < 0 ? r : store_config_of(&cli->paths, ctid, f, host, &config, err);
}

/* All are looked at; the first error is the command's. */
static int check_list(const struct cli *cli, const uint32_t *ctids, int n,
		      const struct conf_file *host, struct berth_error *err)
{
	int result = 0;

	for (int i = 0; i < n; i++) {
		struct berth_error why = {0};
		int r = check_ct(cli, ctids[i], host, &why);

		if (r == 0) {
			cli_say(cli, "CT %u: its config is valid", ctids[i]);
			continue;
		}
		if (result == 0) {
			*err = why;
			result = r;
		} else {
			(void)fprintf(stderr, "berth: %s\n", why.msg);
		}
	}
	return result;
}

/* words: NULL for all. *ret is malloc'ed; the count, or an error. */
static int find_cts(const struct cli *cli, const json_t *words, uint32_t **ret,
		    struct berth_error *err)
{
	auto_free uint32_t *list = NULL;
	size_t n = json_array_size(words);

	if (words == NULL)
		return ct_info_list(&cli->paths, ret, err);
	list = calloc(n, sizeof(*list));
	if (list == NULL)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "no memory");
	for (size_t i = 0; i < n; i++) {
		int r = cli_lookup(cli, json_string_value(json_array_get(words, i)), &list[i], err);

		if (r < 0)
			return r;
	}
	*ret = list;
	list = NULL;
	return (int)n;
}

static int config_check(const struct cli *cli, const json_t *words, struct berth_error *err)
{
	auto_ptr(conf_cleanup) struct conf_file *host = NULL;
	auto_free uint32_t *ctids = NULL;
	struct host_config checked;
	int r = store_host_conf_load(&cli->paths, &host, err);

	if (r == 0)
		r = host_config_from(host, &checked, err);
	if (r == 0)
		r = find_cts(cli, words, &ctids, err);
	return r < 0 ? r : check_list(cli, ctids, r, host, err);
}

int cmd_config_check(struct cli *cli, struct args *a, struct berth_error *err)
{
	static const struct opt opts[] = {{0}};
	json_t *words = NULL;
	struct arg arg;
	int r;

	a->opts = opts;
	while ((r = cli_next(cli, a, &arg, err)) > ARG_END) {
		r = cli_add_ct(&words, arg.value, err);
		if (r < 0)
			break;
	}
	if (r == 0 && !cli->help)
		r = config_check(cli, words, err);
	json_decref(words);
	return r;
}
