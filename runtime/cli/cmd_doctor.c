/*
 * cmd_doctor.c - doctor: what this host can and cannot do. With --apply the sysctls that only have to be raised are
 * written to sysctl.d; what lowers a value, installs or mounts something is the admin's to decide.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/style.h"
#include "runtime/cli/text.h"

#include <fcntl.h>
#include <string.h>

#define SYSCTL_FILE "61-berth-doctor.conf"

static const char *word_of(const json_t *finding, const char *key)
{
	const char *s = json_string_value(json_object_get(finding, key));

	return s != NULL ? s : "";
}

static bool is_error(const json_t *finding)
{
	return strcmp(word_of(finding, "level"), "error") == 0;
}

static void print_finding(const json_t *f)
{
	const char *level = word_of(f, "level");
	enum style style = is_error(f)			   ? STYLE_BAD
			   : strcmp(level, "warning") == 0 ? STYLE_WARN
							   : STYLE_GOOD;
	auto_free char *name = text_escape(word_of(f, "name")),
		       *text = text_escape(word_of(f, "text")),
		       *fix = text_escape(word_of(f, "fix"));

	if (name == NULL || text == NULL || fix == NULL)
		return;
	(void)printf("%s%-8s%s %-18s %s\n", style_begin(stdout, style), level, style_end(stdout),
		     name, text);
	if (*fix != '\0')
		(void)printf("%28sfix: %s\n", "", fix);
}

/* ---- apply ---- */

enum {
	PATH_SIZE = 128
};

struct raise {
	char name[80]; /* with dots */
	uint64_t value;
};

/* "/proc/sys/fs/aio-max-nr" of "fs.aio-max-nr". */
static void path_of(const struct raise *v, char path[PATH_SIZE])
{
	(void)snprintf(path, PATH_SIZE, "/proc/sys/%s", v->name);
	for (char *p = path + strlen("/proc/sys/"); *p != '\0'; p++)
		if (*p == '.')
			*p = '/';
}

/* "sysctl -w NAME=VALUE", if that raises what is in effect: false for every other fix. */
static bool raise_of(const json_t *finding, struct raise *ret)
{
	static const char begin[] = "sysctl -w ";
	const char *fix = word_of(finding, "fix"), *equal = strchr(fix, '=');
	char path[PATH_SIZE], line[64];
	uint64_t now;
	size_t n;

	if (strncmp(fix, begin, strlen(begin)) != 0 || equal == NULL)
		return false;
	fix += strlen(begin);
	n = (size_t)(equal - fix);
	if (n == 0 || n >= sizeof(ret->name) ||
	    strspn(fix, "abcdefghijklmnopqrstuvwxyz0123456789_.-") != n ||
	    parse_u64(equal + 1, &ret->value) < 0)
		return false;
	(void)snprintf(ret->name, sizeof(ret->name), "%.*s", (int)n, fix);
	path_of(ret, path);
	if (file_read_line_at(AT_FDCWD, path, line, sizeof(line)) < 0)
		return false;
	line[strcspn(line, " \t\n")] = '\0';
	return parse_u64(line, &now) == 0 && now < ret->value;
}

/* Lines of an earlier --apply stay, unless the same name is to be raised further. */
static void keep_lines(FILE *out, const char *old, const json_t *written)
{
	while (*old != '\0') {
		size_t len = strcspn(old, "\n"), name = strcspn(old, " =\n");
		char key[80];

		(void)snprintf(key, sizeof(key), "%.*s", (int)name, old);
		if (len > 0 && old[0] != '#' && json_object_get(written, key) == NULL)
			(void)fprintf(out, "%.*s\n", (int)len, old);
		old += len;
		old += *old == '\n';
	}
}

static int write_file(const struct cli *cli, const json_t *written, char path[BERTH_PATH_MAX],
		      struct berth_error *err)
{
	auto_free char *old = NULL, *text = NULL;
	char folder[BERTH_PATH_MAX];
	auto_close int dir = -EBADF;
	const char *name;
	json_t *value;
	size_t size;
	FILE *out;
	int r;

	(void)snprintf(folder, sizeof(folder), "%.400s/etc/sysctl.d",
		       cli->root != NULL ? cli->root : "");
	(void)snprintf(path, BERTH_PATH_MAX, "%.400s/" SYSCTL_FILE, folder);
	r = dir_make(folder, 0755);
	dir = r < 0 ? r : dir_open_at(AT_FDCWD, folder);
	if (dir < 0)
		return berth_error_sys(err, dir, "open directory %s", folder);
	r = file_read_at(dir, SYSCTL_FILE, 65536, &old, NULL);
	if (r < 0 && r != -ENOENT)
		return berth_error_sys(err, r, "read %s", path);
	out = open_memstream(&text, &size);
	if (out == NULL)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "out of memory");
	(void)fputs("# Written by berth doctor --apply, see berth(8).\n", out);
	keep_lines(out, old != NULL ? old : "", written);
	json_object_foreach((json_t *)(uintptr_t)written, name, value)(void)
		fprintf(out, "%s = %lld\n", name, (long long)json_integer_value(value));
	if (fclose(out) != 0)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "out of memory");
	r = file_replace_at(dir, SYSCTL_FILE, text, size, 0644, true);
	return r < 0 ? berth_error_sys(err, r, "write %s", path) : 0;
}

/* In effect at once, too; a host that --root simulates has the kernel of another. */
static int raise_now(const struct cli *cli, const struct raise *v, struct berth_error *err)
{
	char path[PATH_SIZE], text[24];
	int r;

	if (cli->root != NULL)
		return 0;
	path_of(v, path);
	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)v->value);
	r = file_write_value_at(AT_FDCWD, path, text);
	return r < 0 ? berth_error_sys(err, r, "write %s to %s", text, path) : 0;
}

static void print_applied(const struct cli *cli, const char *path, json_t *written, json_t *left)
{
	json_t *o, *value;
	const char *name;
	size_t i;

	if (cli->json) {
		o = json_pack("{s:s, s:O, s:O}", "file", path, "written", written, "left", left);
		(void)json_dumpf(o, stdout, JSON_INDENT(2));
		(void)putchar('\n');
		json_decref(o);
		return;
	}
	if (json_object_size(written) == 0)
		(void)puts("nothing to apply");
	else
		(void)printf("written to %s%s:\n", path,
			     cli->root == NULL ? ", and in effect now" : "");
	json_object_foreach(written, name, value)(void)
		printf("  %s = %lld\n", name, (long long)json_integer_value(value));
	if (json_array_size(left) > 0)
		(void)puts("left for you to decide:");
	json_array_foreach(left, i, value) print_finding(value);
}

static int apply(const struct cli *cli, const json_t *findings, unsigned int *errors,
		 struct berth_error *err)
{
	json_t *written = json_object(), *left = json_array(), *f;
	char path[BERTH_PATH_MAX] = "";
	struct raise v;
	size_t i;
	int r = 0;

	json_array_foreach(findings, i, f)
	{
		if (strcmp(word_of(f, "level"), "ok") == 0)
			continue;
		if (!raise_of(f, &v) || v.value > INT64_MAX) {
			(void)json_array_append(left, f);
			*errors += is_error(f);
		} else {
			(void)json_object_set_new(written, v.name,
						  json_integer((json_int_t)v.value));
		}
	}
	if (json_object_size(written) > 0)
		r = write_file(cli, written, path, err);
	/* What is in the file and cannot be set now is after the next boot. */
	json_array_foreach(findings, i, f) if (r == 0 && raise_of(f, &v)) r =
		raise_now(cli, &v, err);
	if (r == 0)
		print_applied(cli, path, written, left);
	json_decref(written);
	json_decref(left);
	return r;
}

/* ---- the command ---- */

static unsigned int print_findings(const struct cli *cli, const json_t *findings)
{
	unsigned int errors = 0;
	const json_t *f;
	size_t i;

	json_array_foreach(findings, i, f)
	{
		errors += is_error(f);
		if (!cli->json)
			print_finding(f);
	}
	if (cli->json) {
		(void)json_dumpf(findings, stdout, JSON_INDENT(2));
		(void)putchar('\n');
	}
	return errors;
}

int cmd_doctor(struct cli *cli, struct args *a, struct berth_error *err)
{
	static const struct opt opts[] = {{"apply", 0, false}, {0}};
	json_t *reply = NULL, *findings;
	bool applies = false;
	unsigned int errors = 0;
	struct arg arg;
	int r;

	a->opts = opts;
	while ((r = cli_next(cli, a, &arg, err)) > ARG_END) {
		if (r == ARG_WORD)
			return cli_usage_error(cli, err, "");
		applies = true;
	}
	if (r < 0 || cli->help)
		return r;
	if (applies && geteuid() != 0)
		return berth_error_set(err, BERTH_ERR_PERMISSION, EACCES,
				       "only root may apply fixes; try: sudo berth doctor --apply");
	r = call_berthd(cli, "io.berth.Host.Doctor", json_object(), &reply, err);
	if (r < 0)
		return r;
	findings = json_object_get(reply, "findings");
	if (applies)
		r = apply(cli, findings, &errors, err);
	else
		errors = print_findings(cli, findings);
	json_decref(reply);
	return r < 0 ? r : errors > 0 ? berth_error_exit_status(BERTH_ERR_UNSUPPORTED) : 0;
}
