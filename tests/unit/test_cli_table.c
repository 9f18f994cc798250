/* test_cli_table.c - golden output of list. */
#include "runtime/base/cleanup.h"
#include "runtime/cli/table.h"
#include "tests/unit/check.h"
#include "tests/unit/cli_fixture.h"

#include <string.h>

static void check_table(const char *fields, struct table_options o, const char *want)
{
	struct field_ref refs[FIELDS_MAX];
	int n = field_parse_list(fields, refs, NULL);
	json_t *cts = cli_fixture();
	auto_free char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	CHECK(n > 0 && f != NULL);
	CHECK(table_print(f, refs, (size_t)n, cts, &o) == 0);
	CHECK(fclose(f) == 0);
	if (strcmp(text, want) != 0)
		(void)fprintf(stderr, "got:\n%swant:\n%s", text, want);
	CHECK(strcmp(text, want) == 0);
	json_decref(cts);
}

static void the_default_columns_look_like_vzlist(void)
{
	check_table("ctid,numproc,status,ip,hostname", (struct table_options){.header = true},
		    "      CTID      NPROC STATUS    IP_ADDR              HOSTNAME\n"
		    "       101         23 running   10.0.0.101 fd00::101 web1.example.com\n"
		    "       102          - stopped   -                    "
		    "\\x1b]0;x\\x07\\x0a fake\n");
}

static void without_a_header_rows_keep_their_width(void)
{
	check_table("ctid,status", (struct table_options){0},
		    "       101 running\n       102 stopped\n");
}

static void a_lone_column_has_no_blanks(void)
{
	check_table("ctid", (struct table_options){0}, "101\n102\n");
	check_table("physpages.l", (struct table_options){0}, "131072\n-\n");
}

static void long_values_are_cut_but_in_the_last_column(void)
{
	check_table("uuid,ip,ctid", (struct table_options){.trim = true},
		    "u                                    10.0.0.101 fd00::101        101\n"
		    "012345678901234567890123456789012345 -                           102\n");
	check_table("ctid,uuid", (struct table_options){.trim = true},
		    "       101 u\n       102 0123456789012345678901234567890123456789\n");
	check_table("uuid,ctid", (struct table_options){0},
		    "u                                               101\n"
		    "0123456789012345678901234567890123456789        102\n");
}

static void rows_end_where_the_terminal_ends(void)
{
	check_table("ctid,numproc,status,ip,hostname",
		    (struct table_options){.header = true, .columns = 34},
		    "      CTID      NPROC STATUS    IP\n"
		    "       101         23 running   10\n"
		    "       102          - stopped   - \n");
	/* The last column too, which is never cut otherwise. */
	check_table("ctid,uuid", (struct table_options){.columns = 16},
		    "       101 u\n       102 01234\n");
	check_table("ctid,uuid", (struct table_options){.columns = 4}, "    \n    \n");
}

static void the_fake_row_of_a_tenant_is_one_row(void)
{
	struct field_ref refs[FIELDS_MAX];
	int n = field_parse_list("ctid,hostname", refs, NULL);
	json_t *cts = cli_fixture();
	auto_free char *text = NULL;
	size_t size, lines = 0;
	FILE *f = open_memstream(&text, &size);

	CHECK(table_print(f, refs, (size_t)n, cts, &(struct table_options){0}) == 0);
	CHECK(fclose(f) == 0);
	for (const char *p = text; *p != '\0'; p++) {
		lines += *p == '\n';
		CHECK(*p == '\n' || (unsigned char)*p >= 0x20);
	}
	CHECK(lines == 2);
	json_decref(cts);
}

int main(void)
{
	RUN(the_default_columns_look_like_vzlist);
	RUN(without_a_header_rows_keep_their_width);
	RUN(a_lone_column_has_no_blanks);
	RUN(long_values_are_cut_but_in_the_last_column);
	RUN(rows_end_where_the_terminal_ends);
	RUN(the_fake_row_of_a_tenant_is_one_row);
	return check_failures != 0;
}
