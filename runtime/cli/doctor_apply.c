/*
 * doctor_apply.c - doctor --apply: the sysctls that only have to be raised, now and at each boot. What lowers a value,
 * installs or mounts something is the admin's to decide.
 *
 * In the file of sysctl.d the lines between two marks are berth's: those that are needed no more go. All others are
 * the admin's and stay as they are.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "runtime/cli/doctor.h"

#include <fcntl.h>
#include <string.h>

#define SYSCTL_FILE "61-berth-doctor.conf"
#define BEGIN_MARK "# begin: kept by berth doctor --apply, see berth(8)"
#define END_MARK "# end"

enum {
	PATH_SIZE = 128
};

struct setting {
	char name[80]; /* with dots */
	uint64_t value;
};

struct change {
	json_t *wanted; /* {NAME: VALUE}: every setting that a finding is about */
	json_t *written; /* of these: to be raised */
	json_t *kept; /* of the file: needed as before */
	json_t *removed; /* names */
	json_t *left; /* findings */
};

/* "/proc/sys/fs/aio-max-nr" of "fs.aio-max-nr". */
static void path_of(const char *name, char path[PATH_SIZE])
{
	(void)snprintf(path, PATH_SIZE, "/proc/sys/%s", name);
	for (char *p = path + strlen("/proc/sys/"); *p != '\0'; p++)
		if (*p == '.')
			*p = '/';
}

/* "NAME=VALUE", or "NAME = VALUE" of the file. */
static bool setting_parse(const char *text, size_t len, struct setting *ret)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_.-"), at = n;
	char value[24];

	if (n == 0 || n >= sizeof(ret->name) || n > len)
		return false;
	at += strspn(text + at, " ");
	if (text[at] != '=')
		return false;
	at++;
	at += strspn(text + at, " ");
	if (at >= len || len - at >= sizeof(value))
		return false;
	(void)snprintf(value, sizeof(value), "%.*s", (int)(len - at), text + at);
	(void)snprintf(ret->name, sizeof(ret->name), "%.*s", (int)n, text);
	return parse_u64(value, &ret->value) == 0 && ret->value <= INT64_MAX;
}

/* False when the kernel has no such setting, or one that is no number. */
static bool setting_now(const char *name, uint64_t *ret)
{
	char path[PATH_SIZE], line[64];

	path_of(name, path);
	if (file_read_line_at(AT_FDCWD, path, line, sizeof(line)) < 0)
		return false;
	line[strcspn(line, " \t\n")] = '\0';
	return parse_u64(line, ret) == 0;
}

static void put(json_t *set, const struct setting *s)
{
	(void)json_object_set_new(set, s->name, json_integer((json_int_t)s->value));
}

/* What each finding asks for. */
static void judge(const json_t *findings, struct change *c, unsigned int *errors)
{
	struct setting s;
	uint64_t now;
	json_t *f;
	size_t i;

	json_array_foreach(findings, i, f)
	{
		const char *text = doctor_word(f, "sysctl");
		bool ok = strcmp(doctor_word(f, "level"), "ok") == 0;
		bool has = setting_parse(text, strlen(text), &s);

		if (has)
			put(c->wanted, &s);
		if (ok)
			continue;
		if (has && setting_now(s.name, &now) && now < s.value) {
			put(c->written, &s);
		} else {
			(void)json_array_append(c->left, f);
			*errors += doctor_is_error(f);
		}
	}
}

/*
 * A line of ours: no more is kept than is wanted; of what this kernel does not have nothing can be told. False: somebody
 * else has written it there.
 */
static bool judge_line(const char *line, size_t len, struct change *c)
{
	struct setting s;
	uint64_t unused;
	json_t *wanted;

	if (!setting_parse(line, len, &s))
		return false;
	wanted = json_object_get(c->wanted, s.name);
	if (wanted != NULL && (uint64_t)json_integer_value(wanted) < s.value)
		s.value = (uint64_t)json_integer_value(wanted);
	if (json_object_get(c->written, s.name) != NULL)
		return true;
	if (wanted != NULL || !setting_now(s.name, &unused))
		put(c->kept, &s);
	else
		(void)json_array_append_new(c->removed, json_string(s.name));
	return true;
}

/* What an editor leaves at the end of a line is no difference. */
static bool is_mark(const char *line, size_t len, const char *mark)
{
	while (len > 0 && strchr(" \t\r", line[len - 1]) != NULL)
		len--;
	return len == strlen(mark) && strncmp(line, mark, len) == 0;
}

/* Lines of others go to out, ours are judged. False: a beginning without an end, so nobody knows whose they are. */
static bool read_lines(const char *old, struct change *c, FILE *out)
{
	bool ours = false;

	while (*old != '\0') {
		size_t len = strcspn(old, "\n");

		if (!ours && is_mark(old, len, BEGIN_MARK))
			ours = true;
		else if (ours && is_mark(old, len, END_MARK))
			ours = false;
		else if (!ours || !judge_line(old, len, c))
			(void)fprintf(out, "%.*s\n", (int)len, old);
		old += len;
		old += *old == '\n';
	}
	return !ours;
}

static void print_lines(FILE *out, json_t *set)
{
	const char *name;
	json_t *value;

	json_object_foreach(set, name, value)(void)
		fprintf(out, "%s = %lld\n", name, (long long)json_integer_value(value));
}

/* The file anew, last of it the lines of ours: they count. */
static int new_text(const char *old, struct change *c, char **ret, size_t *ret_size)
{
	FILE *out = open_memstream(ret, ret_size);
	bool whole;

	if (out == NULL)
		return -ENOMEM;
	whole = read_lines(old, c, out);
	if (json_object_size(c->kept) + json_object_size(c->written) > 0) {
		(void)fputs(BEGIN_MARK "\n", out);
		print_lines(out, c->kept);
		print_lines(out, c->written);
		(void)fputs(END_MARK "\n", out);
	}
	if (fclose(out) != 0)
		return -ENOMEM;
	return whole ? 0 : -EBADMSG;
}

static int write_file(const struct cli *cli, struct change *c, char path[BERTH_PATH_MAX],
		      struct berth_error *err)
{
	auto_free char *old = NULL, *text = NULL;
	char folder[BERTH_PATH_MAX];
	auto_close int dir = -EBADF;
	size_t size = 0;
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
	r = new_text(old != NULL ? old : "", c, &text, &size);
	if (r == -EBADMSG)
		return berth_error_set(
			err, BERTH_ERR_VALUE, EBADMSG,
			"%s has the line '" BEGIN_MARK "' and no line '" END_MARK
			"' after it; put that behind berth's lines, or delete the first",
			path);
	if (r < 0)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "out of memory");
	if (strcmp(text, old != NULL ? old : "") == 0)
		return 0;
	if (size > 0)
		r = file_replace_at(dir, SYSCTL_FILE, text, size, 0644, true);
	else
		r = unlinkat(dir, SYSCTL_FILE, 0) < 0 ? -errno : 0;
	return r < 0 ? berth_error_sys(err, r, "write %s", path) : 0;
}

/* In effect at once, too; a host that --root simulates has the kernel of another. */
static int raise_now(const struct cli *cli, const struct change *c, struct berth_error *err)
{
	char path[PATH_SIZE], text[24];
	const char *name;
	json_t *value;
	int r;

	if (cli->root != NULL)
		return 0;
	json_object_foreach(c->written, name, value)
	{
		path_of(name, path);
		(void)snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(value));
		r = file_write_value_at(AT_FDCWD, path, text);
		if (r < 0)
			return berth_error_sys(err, r, "write %s to %s", text, path);
	}
	return 0;
}

static void print_json(const struct change *c, const char *path)
{
	json_t *o = json_pack("{s:s, s:O, s:O, s:O}", "file", path, "written", c->written,
			      "removed", c->removed, "left", c->left);

	(void)json_dumpf(o, stdout, JSON_INDENT(2));
	(void)putchar('\n');
	json_decref(o);
}

static void print_change(const struct cli *cli, const struct change *c, const char *path)
{
	json_t *value;
	const char *name;
	size_t i;

	if (json_object_size(c->written) + json_array_size(c->removed) == 0)
		(void)puts("nothing to apply");
	if (json_object_size(c->written) > 0)
		(void)printf("written to %s%s:\n", path,
			     cli->root == NULL ? ", and in effect now" : "");
	json_object_foreach(c->written, name, value)(void)
		printf("  %s = %lld\n", name, (long long)json_integer_value(value));
	if (json_array_size(c->removed) > 0)
		(void)printf("no longer needed, removed from %s:\n", path);
	json_array_foreach(c->removed, i, value)(void) printf("  %s\n", json_string_value(value));
	if (json_array_size(c->left) > 0)
		(void)puts("left for you to decide:");
	json_array_foreach(c->left, i, value) doctor_print(value);
}

int doctor_apply(const struct cli *cli, const json_t *findings, unsigned int *errors,
		 struct berth_error *err)
{
	struct change c = {json_object(), json_object(), json_object(), json_array(), json_array()};
	char path[BERTH_PATH_MAX] = "";
	int r;

	judge(findings, &c, errors);
	r = write_file(cli, &c, path, err);
	/* What is in the file and cannot be set now is after the next boot. */
	if (r == 0)
		r = raise_now(cli, &c, err);
	if (r == 0 && cli->json)
		print_json(&c, path);
	else if (r == 0)
		print_change(cli, &c, path);
	json_decref(c.wanted);
	json_decref(c.written);
	json_decref(c.kept);
	json_decref(c.removed);
	json_decref(c.left);
	return r;
}
