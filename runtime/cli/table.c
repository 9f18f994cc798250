/* table.c - the rows of list as text. */
#include "runtime/cli/table.h"

#include "runtime/base/cleanup.h"
#include "runtime/cli/style.h"
#include "runtime/cli/text.h"

#include <stdint.h>
#include <string.h>

struct table {
	const struct field_ref *refs;
	size_t n_columns, n_rows;
	char **cells; /* row by row, the header first; escaped */
	size_t width[FIELDS_MAX];
};

static void table_free(struct table *t)
{
	for (size_t i = 0; t->cells != NULL && i < t->n_rows * t->n_columns; i++)
		free(t->cells[i]);
	free(t->cells);
}

/* A script that splits rows at blanks counts columns. */
static void keep_first(const struct field_ref *ref, char *cell)
{
	static const char *const keys[] = {"addresses", "NAMESERVER", "SEARCHDOMAIN"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (ref->field->key != NULL && strcmp(ref->field->key, keys[i]) == 0)
			cell[strcspn(cell, " ")] = '\0';
}

static int fill_row(struct table *t, size_t row, const json_t *info, bool first)
{
	for (size_t c = 0; c < t->n_columns; c++) {
		char title[32];
		auto_free char *raw = info != NULL ? field_cell(&t->refs[c], info)
						   : strdup(field_title(&t->refs[c], title));
		char *cell = raw != NULL ? text_escape(raw) : NULL;

		if (cell != NULL && first && info != NULL && c + 1 < t->n_columns)
			keep_first(&t->refs[c], cell);
		if (cell == NULL)
			return -ENOMEM;
		t->cells[row * t->n_columns + c] = cell;
	}
	return 0;
}

static size_t column_width(const struct table *t, size_t c, const struct table_options *o)
{
	const struct field *f = t->refs[c].field;
	size_t width = f->width;

	for (size_t row = 0; row < t->n_rows; row++) {
		size_t w = text_width(t->cells[row * t->n_columns + c]);

		if (w > width)
			width = w;
	}
	return o->trim && width > f->max ? f->max : width;
}

/* One row on its way out: what is left of the terminal's width. */
struct line {
	FILE *out;
	size_t left;
};

static void put_blanks(struct line *l, size_t n)
{
	for (; n > 0 && l->left > 0; n--, l->left--)
		(void)fputc(' ', l->out);
}

/* Of text at most so many columns. */
static void put_text(struct line *l, const char *text, size_t columns)
{
	size_t w = text_width(text);

	if (columns > l->left)
		columns = l->left;
	if (w > columns)
		w = columns;
	(void)fwrite(text, 1, text_cut(text, w), l->out);
	l->left -= w;
}

static void put_cell(struct line *l, const char *cell, size_t width, bool right, bool last)
{
	size_t w = text_width(cell);

	if (right && w < width)
		put_blanks(l, width - w);
	put_text(l, cell, last ? w : width);
	if (!right && !last && w < width)
		put_blanks(l, width - w);
}

/* A status that needs no look stays as it is. */
static enum style cell_style(const struct field_ref *ref, const char *cell)
{
	static const char *const faint[] = {"stopped", "mounted"};
	static const char *const bad[] = {"broken", "unknown"};

	if (ref->field->key == NULL || strcmp(ref->field->key, "status") != 0)
		return STYLE_NONE;
	if (strcmp(cell, "running") == 0)
		return STYLE_GOOD;
	for (size_t i = 0; i < 2; i++) {
		if (strcmp(cell, faint[i]) == 0)
			return STYLE_FAINT;
		if (strcmp(cell, bad[i]) == 0)
			return STYLE_BAD;
	}
	return STYLE_WARN;
}

static void put_row(FILE *out, const struct table *t, size_t row, size_t columns)
{
	struct line l = {.out = out, .left = columns > 0 ? columns : SIZE_MAX};

	for (size_t c = 0; c < t->n_columns && l.left > 0; c++) {
		const char *cell = t->cells[row * t->n_columns + c];
		enum style style = row == 0 ? STYLE_HEAD : cell_style(&t->refs[c], cell);
		bool styled = style_begin(out, style)[0] != '\0';

		if (c > 0)
			put_blanks(&l, 1);
		if (styled)
			(void)fputs(style_begin(out, style), out);
		put_cell(&l, cell, t->width[c], field_is_number(&t->refs[c]),
			 c + 1 == t->n_columns);
		if (styled)
			(void)fputs(style_end(out), out);
	}
	(void)fputc('\n', out);
}

int table_print(FILE *out, const struct field_ref *refs, size_t n, const json_t *cts,
		const struct table_options *o)
{
	struct table t = {.refs = refs, .n_columns = n, .n_rows = json_array_size(cts) + 1};
	int r = 0;

	t.cells = calloc(t.n_rows * n, sizeof(*t.cells));
	if (t.cells == NULL)
		return -ENOMEM;
	for (size_t row = 0; r == 0 && row < t.n_rows; row++)
		r = fill_row(&t, row, row == 0 ? NULL : json_array_get(cts, row - 1), o->first);
	for (size_t c = 0; r == 0 && c < n; c++)
		t.width[c] = column_width(&t, c, o);
	/* A lone column is for scripts: no blanks before it. */
	if (n == 1)
		t.width[0] = 0;
	for (size_t row = o->header ? 0 : 1; r == 0 && row < t.n_rows; row++)
		put_row(out, &t, row, o->columns);
	table_free(&t);
	return r;
}
