/* list_json.c - list --json, indented as json_dumpf does with JSON_INDENT(2), but for last_end, on one line. */
#include "runtime/cli/list_json.h"

#include "runtime/base/cleanup.h"

#include <errno.h>
#include <stdbool.h>

static void print_name(FILE *f, const char *before, const char *name)
{
	(void)fputs(before, f);
	(void)fputs(name, f);
	(void)fputs("\": ", f);
}

/* Most limits are OpenVZ's and nothing here: those are written at once. */
static bool print_unknown(FILE *f, const struct field_limit *l, size_t n)
{
	static const char text[] = "{\n      \"held\": null,\n      \"maxheld\": null,\n"
				   "      \"barrier\": null,\n      \"limit\": null,\n"
				   "      \"failcnt\": null\n    }";

	for (size_t i = 0; i < n; i++)
		if (l[i].known)
			return false;
	if (n != FIELD_LIMITS)
		return false;
	(void)fwrite(text, 1, sizeof(text) - 1, f);
	return true;
}

static void print_limits(FILE *f, const struct field_limit *l, size_t n)
{
	if (print_unknown(f, l, n))
		return;
	for (size_t i = 0; i < n; i++) {
		print_name(f, i == 0 ? "{\n      \"" : ",\n      \"", l[i].name);
		if (l[i].known)
			(void)fprintf(f, "%lld", (long long)l[i].value);
		else
			(void)fputs("null", f);
	}
	(void)fputs("\n    }", f);
}

/* A text, with what JSON wants escaped. */
static int print_text(FILE *f, const json_t *v)
{
	return json_dumpf(v, f, JSON_ENCODE_ANY) < 0 ? -ENOMEM : 0;
}

/* Of texts. */
static int print_array(FILE *f, const json_t *v)
{
	const json_t *item;
	size_t i;
	int r = 0;

	if (json_array_size(v) == 0)
		return fputs("[]", f) < 0 ? -EIO : 0;
	json_array_foreach(v, i, item)
	{
		(void)fputs(i == 0 ? "[\n      " : ",\n      ", f);
		r |= print_text(f, item);
	}
	(void)fputs("\n    ]", f);
	return r;
}

static int print_value(FILE *f, const json_t *v)
{
	if (json_is_null(v))
		(void)fputs("null", f);
	else if (json_is_integer(v))
		(void)fprintf(f, "%lld", (long long)json_integer_value(v));
	else if (json_is_array(v))
		return print_array(f, v);
	else
		return print_text(f, v);
	return 0;
}

static int print_field(FILE *f, const struct field *field, const json_t *info)
{
	struct field_limit limits[FIELD_LIMITS];
	size_t n = field_limits(field, info, limits);
	json_t *v;
	int r;

	print_name(f, "    \"", field->name);
	if (n > 0) {
		print_limits(f, limits, n);
		return 0;
	}
	v = field_json(field, info);
	r = print_value(f, v);
	json_decref(v);
	return r;
}

int list_json_print(FILE *f, const json_t *cts, const struct field_ref *refs, size_t n)
{
	const json_t *info;
	size_t at;
	int r = 0;

	(void)fputs("[", f);
	json_array_foreach(cts, at, info)
	{
		(void)fputs(at == 0 ? "\n  {" : ",\n  {", f);
		for (size_t c = 0; c < n && r == 0; c++) {
			(void)fputs(c == 0 ? "\n" : ",\n", f);
			r = print_field(f, refs[c].field, info);
		}
		(void)fputs(n == 0 ? "}" : "\n  }", f);
		if (r < 0)
			return r;
	}
	(void)fputs(json_array_size(cts) > 0 ? "\n]\n" : "]\n", f);
	return 0;
}
