/* cmd_list.c - list, also known as vzlist. */
#include "runtime/base/cleanup.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/list_fetch.h"
#include "runtime/cli/list_json.h"
#include "runtime/cli/style.h"
#include "runtime/cli/table.h"
#include "runtime/cli/vzctl.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

struct list_options {
	bool all, stopped, names, no_header, one, json, no_trim, fields_only;
	const char *fields, *sort, *hostname, *name, *description;
	json_t *words; /* NULL for all */
};

static const struct opt list_opts[] = {
	{"all", 'a', false},	    {"stopped", 'S', false},
	{"name", 'n', false},	    {"no-header", 'H', false},
	{"one", '1', false},	    {"json", 'j', false},
	{"no-trim", 't', false},    {"list", 'L', false},
	{"output", 'o', true},	    {"sort", 's', true},
	{"hostname", 'h', true},    {"name_filter", 'N', true},
	{"description", 'd', true}, {0},
};

static void take_option(const struct arg *arg, struct list_options *o)
{
	switch (arg->letter) {
	case 'a':
		o->all = true;
		break;
	case 'S':
		o->all = o->stopped = true;
		break;
	case 'n':
		o->names = true;
		break;
	case 'H':
		o->no_header = true;
		break;
	case '1':
		o->one = true;
		break;
	case 'j':
		o->json = true;
		break;
	case 't':
		o->no_trim = true;
		break;
	case 'L':
		o->fields_only = true;
		break;
	case 'o':
		o->fields = arg->value;
		break;
	case 's':
		o->sort = arg->value;
		break;
	case 'h':
		o->hostname = arg->value;
		break;
	case 'N':
		o->name = arg->value;
		break;
	case 'd':
		o->description = arg->value;
		break;
	default:
		break;
	}
}

static int take_options(struct cli *cli, struct args *a, struct list_options *o,
			struct berth_error *err)
{
	struct arg arg;
	int r;

	a->opts = list_opts;
	while ((r = cli_next(cli, a, &arg, err)) > ARG_END) {
		if (r == ARG_OPTION) {
			take_option(&arg, o);
			cli->json = cli->json || o->json; /* its errors too */
			continue;
		}
		r = cli_add_ct(&o->words, arg.value, err);
		if (r < 0)
			return r;
	}
	return r;
}

static bool matches(const json_t *info, const char *key, const char *glob)
{
	const char *text = json_string_value(json_object_get(info, key));

	return glob == NULL || fnmatch(glob, text != NULL ? text : "", 0) == 0;
}

static bool is_shown(const json_t *info, const struct list_options *o)
{
	const char *status = json_string_value(json_object_get(info, "status"));

	if (o->stopped && (status == NULL || strcmp(status, "stopped") != 0))
		return false;
	return matches(info, "hostname", o->hostname) && matches(info, "name", o->name) &&
	       matches(info, "description", o->description);
}

/* What is wrong with a CT is told beside the table that everybody reads. */
static bool shows_trouble(const struct list_options *o, bool json)
{
	return o->fields == NULL && !o->one && !json;
}

struct sort_key {
	struct field_ref ref;
	bool descending;
};

static int compare_cts(const void *a, const void *b, void *data)
{
	static const struct field ctid = {.source = FIELD_INT, .key = "ctid"};
	static const struct field_ref by_ctid = {&ctid, '\0'};
	const struct sort_key *key = data;
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	int r = field_compare(&key->ref, x, y);

	if (key->descending)
		r = -r;
	return r != 0 ? r : field_compare(&by_ctid, x, y);
}

/* The CTs that the options leave, in their order. New reference. */
static json_t *select_cts(const json_t *all, const struct list_options *o, struct sort_key *key)
{
	size_t i, n = 0;
	json_t **cts = calloc(json_array_size(all) + 1, sizeof(json_t *));
	json_t *info, *list = json_array();

	if (cts == NULL)
		return list;
	json_array_foreach(all, i, info) if (is_shown(info, o)) cts[n++] = info;
	qsort_r(cts, n, sizeof(json_t *), compare_cts, key);
	for (i = 0; i < n; i++)
		(void)json_array_append(list, cts[i]);
	free(cts);
	return list;
}

static int print_json(const json_t *cts, const char *fields, struct berth_error *err)
{
	struct field_ref refs[FIELDS_MAX];
	int n = 0;

	if (fields != NULL)
		n = field_parse_list(fields, refs, err);
	else
		for (const struct field *f = field_table(); f->name != NULL && n < FIELDS_MAX; f++)
			if (f->source != FIELD_UNKNOWN)
				refs[n++] = (struct field_ref){f, '\0'};
	if (n < 0)
		return n;
	for (int i = 0; i < n; i++)
		if (refs[i].suffix != '\0')
			return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
					       "remove the suffix from %s.%c; JSON shows all "
					       "numbers of a limit under its name",
					       refs[i].field->name, refs[i].suffix);
	if (list_json_print(stdout, cts, refs, (size_t)n) < 0)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "out of memory");
	return 0;
}

/* The columns of the table. */
static int row_fields(const struct list_options *o, struct field_ref refs[FIELDS_MAX],
		      struct berth_error *err)
{
	const char *fields = o->fields;

	if (o->one)
		fields = "ctid";
	else if (fields == NULL)
		fields = o->names ? "ctid,numproc,status,ip,name"
				  : "ctid,numproc,status,ip,hostname";
	return field_parse_list(fields, refs, err);
}

/* What is to be asked for, a set; NULL: everything. */
static json_t *list_needs(const struct list_options *o, bool json, const struct sort_key *key)
{
	struct field_ref refs[FIELDS_MAX];
	struct berth_error unused;
	json_t *needs;
	int n;

	if (json && o->fields == NULL)
		return NULL;
	n = json ? field_parse_list(o->fields, refs, &unused) : row_fields(o, refs, &unused);
	needs = json_object();
	for (int i = 0; i < n; i++)
		field_needs(&refs[i], json, needs);
	field_needs(&key->ref, false, needs);
	if (o->hostname != NULL)
		(void)json_object_set_new(needs, "hostname", json_null());
	if (o->name != NULL)
		(void)json_object_set_new(needs, "name", json_null());
	if (o->description != NULL)
		(void)json_object_set_new(needs, "description", json_null());
	if (shows_trouble(o, json))
		(void)json_object_set_new(needs, "trouble", json_null());
	return needs;
}

static int print_rows(const struct cli *cli, const json_t *cts, const struct list_options *o,
		      struct berth_error *err)
{
	struct field_ref refs[FIELDS_MAX];
	struct table_options t = {
		.header = !o->no_header && !o->one,
		.first = vzlist_is(cli),
		.trim = !o->no_trim && isatty(STDOUT_FILENO) == 1,
		.columns = o->no_trim ? 0 : style_columns(stdout),
	};
	int n;

	n = row_fields(o, refs, err);
	if (n < 0)
		return n;
	if (table_print(stdout, refs, (size_t)n, cts, &t) < 0)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "out of memory");
	return 0;
}

/* What no column of the default table has room for. */
static void print_trouble(const struct cli *cli, const json_t *cts, const struct list_options *o)
{
	const json_t *info;
	size_t i;

	if (!shows_trouble(o, o->json || cli->json))
		return;
	json_array_foreach(cts, i, info)
		cli_trouble(cli, (uint32_t)json_integer_value(json_object_get(info, "ctid")),
			    json_string_value(json_object_get(info, "trouble")));
}

/* On a terminal: a table without rows is no answer to who has just made a CT. */
static void print_hint(const struct cli *cli, const json_t *cts, const struct list_options *o)
{
	if (json_array_size(cts) > 0 || o->all || o->one || o->no_header || o->words != NULL ||
	    o->hostname != NULL || o->name != NULL || o->description != NULL || cli->quiet ||
	    isatty(STDOUT_FILENO) != 1)
		return;
	(void)fflush(stdout);
	(void)fprintf(stderr, "no CT is running; to list all: %s%s -a\n", cli->program,
		      strcmp(cli->program, "vzlist") == 0 ? "" : " list");
}

static int parse_sort(const char *text, struct sort_key *ret, struct berth_error *err)
{
	ret->descending = text != NULL && text[0] == '-';
	return field_parse(text == NULL ? "ctid" : text + ret->descending, &ret->ref, err);
}

static void print_fields(void)
{
	for (const struct field *f = field_table(); f->name != NULL; f++)
		if (f->source != FIELD_UNKNOWN)
			(void)printf("%-15s %s\n", f->name, f->title);
}

static int list(struct cli *cli, const struct list_options *o, struct berth_error *err)
{
	bool json = o->json || cli->json;
	json_t *all = NULL, *cts, *needs;
	struct field_ref unused[FIELDS_MAX];
	struct sort_key key;
	int r = parse_sort(o->sort, &key, err);

	/* A bad field is told before anybody is asked. */
	if (r == 0 && o->fields != NULL)
		r = field_parse_list(o->fields, unused, err);
	if (r < 0)
		return r;
	needs = list_needs(o, json, &key);
	r = list_fetch(cli, o->words, o->all, needs, &all, err);
	json_decref(needs);
	if (r < 0)
		return r;
	cts = select_cts(all, o, &key);
	r = json ? print_json(cts, o->fields, err) : print_rows(cli, cts, o, err);
	if (r == 0)
		print_trouble(cli, cts, o);
	if (r == 0 && !json)
		print_hint(cli, cts, o);
	json_decref(cts);
	json_decref(all);
	return r;
}

int cmd_list(struct cli *cli, struct args *a, struct berth_error *err)
{
	struct list_options o = {0};
	int r = take_options(cli, a, &o, err);

	if (r == 0 && !cli->help && o.fields_only)
		print_fields();
	else if (r == 0 && !cli->help)
		r = list(cli, &o, err);
	json_decref(o.words);
	return r;
}
