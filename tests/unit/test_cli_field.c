/*
 * test_cli_field.c - the columns of list: names, suffixes, units, JSON.
 *
 * covers: runtime/cli/list_json.c
 */
#include "runtime/base/cleanup.h"
#include "runtime/cli/field.h"
#include "runtime/cli/list_json.h"
#include "tests/unit/check.h"
#include "tests/unit/cli_fixture.h"
#include "tests/unit/varlink_type.h"

#include <errno.h>
#include <string.h>

static void check_cell(const json_t *info, const char *word, const char *want)
{
	struct field_ref ref;
	auto_free char *got = NULL;

	CHECK(field_parse(word, &ref, NULL) == 0);
	got = field_cell(&ref, info);
	if (got == NULL || strcmp(got, want) != 0)
		(void)fprintf(stderr, "%s: got %s want %s\n", word, got != NULL ? got : "nothing",
			      want);
	CHECK(got != NULL && strcmp(got, want) == 0);
}

static void limits_are_shown_in_openvz_units(void)
{
	json_t *cts = cli_fixture();
	const json_t *ct = json_array_get(cts, 0);

	check_cell(ct, "physpages", "10000");
	check_cell(ct, "physpages.m", "20000");
	check_cell(ct, "physpages.l", "131072");
	check_cell(ct, "physpages.b", "0");
	check_cell(ct, "physpages.f", "7");
	check_cell(ct, "swappages.l", "9223372036854775807");
	check_cell(ct, "numproc", "23");
	check_cell(ct, "numproc.b", "90");
	check_cell(ct, "diskspace", "1024");
	check_cell(ct, "diskspace.h", "2097152");
	check_cell(ct, "diskspace.s", "2097152");
	json_decref(cts);
}

static void what_only_the_config_knows_comes_from_there(void)
{
	json_t *cts = cli_fixture();
	const json_t *ct = json_array_get(cts, 0);

	check_cell(ct, "kmemsize.b", "5");
	check_cell(ct, "kmemsize.l", "9223372036854775807");
	check_cell(ct, "kmemsize", "-");
	check_cell(ct, "bootorder", "3");
	json_decref(cts);
}

static void what_is_not_known_is_a_dash(void)
{
	json_t *cts = cli_fixture();
	const json_t *ct = json_array_get(cts, 1);

	check_cell(ct, "name", "-");
	check_cell(ct, "smart_name", "102");
	check_cell(ct, "ip", "-");
	check_cell(ct, "numproc", "-");
	check_cell(ct, "uptime", "-");
	check_cell(ct, "laverage", "-");
	check_cell(ct, "disabled", "yes");
	json_decref(cts);
}

static void words_come_as_they_are(void)
{
	json_t *cts = cli_fixture();
	const json_t *ct = json_array_get(cts, 0);

	check_cell(ct, "ctid", "101");
	check_cell(ct, "veid", "101");
	check_cell(ct, "smart_name", "web1");
	check_cell(ct, "ip", "10.0.0.101 fd00::101");
	check_cell(ct, "onboot", "yes");
	check_cell(ct, "tm", "debian-12");
	json_decref(cts);
}

static void a_list_of_fields_is_parsed_in_order(void)
{
	struct field_ref refs[FIELDS_MAX];
	char title[32];

	CHECK(field_parse_list("ctid,numproc.l,diskspace.h", refs, NULL) == 3);
	CHECK(strcmp(refs[1].field->name, "numproc") == 0 && refs[1].suffix == 'l');
	CHECK(strcmp(field_title(&refs[1], title), "NPROC.L") == 0);
	CHECK(strcmp(field_title(&refs[0], title), "CTID") == 0);
	CHECK(field_is_number(&refs[2]));
}

static void bad_fields_are_refused(void)
{
	static const char *const lists[] = {"",		  "nope",	 "ctid.l",
					    "numproc.s",  "diskspace.l", "numproc.",
					    "numproc.ll", "ctid,,ip"};
	struct field_ref refs[FIELDS_MAX];

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct berth_error err = {0};

		CHECK(field_parse_list(lists[i], refs, &err) == -EINVAL);
		CHECK(err.code == BERTH_ERR_VALUE);
	}
}

static void check_json(const json_t *info, const char *word, const char *want)
{
	struct field_ref ref;
	json_t *list = json_array(), *printed, *v;
	auto_free char *text = NULL, *got = NULL, *again = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	CHECK(f != NULL && field_parse(word, &ref, NULL) == 0);
	(void)json_array_append(list, (json_t *)(size_t)info);
	CHECK(list_json_print(f, list, &ref, 1) == 0 && fclose(f) == 0);
	json_decref(list);
	printed = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	/* As the library would lay it out. */
	again = json_dumps(printed, JSON_INDENT(2));
	CHECK(again != NULL && strncmp(text, again, strlen(again)) == 0 &&
	      strcmp(text + strlen(again), "\n") == 0);
	v = json_object_get(json_array_get(printed, 0), ref.field->name);
	got = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
	if (got == NULL || strcmp(got, want) != 0)
		(void)fprintf(stderr, "%s: got %s want %s\n", word, got != NULL ? got : "nothing",
			      want);
	CHECK(got != NULL && strcmp(got, want) == 0);
	json_decref(printed);
}

static void json_nests_limits_and_keeps_types(void)
{
	json_t *cts = cli_fixture();
	const json_t *a = json_array_get(cts, 0), *b = json_array_get(cts, 1);

	check_json(a, "numproc",
		   "{\"held\":23,\"maxheld\":40,\"barrier\":90,\"limit\":100,\"failcnt\":0}");
	check_json(a, "diskspace", "{\"usage\":1024,\"softlimit\":2097152,\"hardlimit\":2097152}");
	check_json(a, "ctid", "101");
	check_json(a, "ip", "[\"10.0.0.101\",\"fd00::101\"]");
	check_json(a, "onboot", "true");
	check_json(a, "hostname", "\"web1.example.com\"");
	check_json(b, "name", "null");
	check_json(b, "uptime", "null");
	check_json(b, "hostname", "\"\\u001B]0;x\\u0007\\n fake\"");
	json_decref(cts);
}

static void numbers_sort_as_numbers(void)
{
	json_t *cts = cli_fixture();
	const json_t *a = json_array_get(cts, 0), *b = json_array_get(cts, 1);
	struct field_ref ref;

	CHECK(field_parse("numproc", &ref, NULL) == 0);
	CHECK(field_compare(&ref, a, b) > 0); /* unknown comes first */
	CHECK(field_parse("ctid", &ref, NULL) == 0);
	CHECK(field_compare(&ref, a, b) < 0 && field_compare(&ref, a, a) == 0);
	CHECK(field_parse("status", &ref, NULL) == 0);
	CHECK(field_compare(&ref, a, b) < 0);
	json_decref(cts);
}

static const char *needs(const char *word, bool json)
{
	static char words[200];
	json_t *set = json_object(), *v;
	struct field_ref ref;
	const char *key;

	words[0] = '\0';
	CHECK(field_parse(word, &ref, NULL) == 0);
	field_needs(&ref, json, set);
	json_object_foreach(set, key, v)(void)
		snprintf(words + strlen(words), sizeof(words) - strlen(words), "%s ", key);
	json_decref(set);
	return words;
}

/* Of a column, berthd is asked for no more than it shows: each number is a file that it reads. */
static void a_column_needs_what_it_shows(void)
{
	CHECK(strcmp(needs("hostname", false), "hostname ") == 0);
	CHECK(strcmp(needs("ip", false), "addresses ") == 0);
	CHECK(strcmp(needs("private", false), "") == 0);
	CHECK(strcmp(needs("ends", false), "last_end ") == 0);
	CHECK(strcmp(needs("nameserver", false), "config ") == 0);
	CHECK(strcmp(needs("numproc", false), "resources.numproc.held ") == 0);
	CHECK(strcmp(needs("numproc.l", false), "resources.numproc.held ") == 0);
	CHECK(strcmp(needs("numproc.f", false), "resources.numproc ") == 0);
	CHECK(strcmp(needs("physpages.b", false), "resources.physpages.held config ") == 0);
	CHECK(strcmp(needs("kmemsize", false), "config ") == 0);
	CHECK(strcmp(needs("diskspace", false), "resources.diskspace.held ") == 0);
	CHECK(strcmp(needs("laverage", false), "") == 0);
	CHECK(strcmp(needs("numproc", true), "resources.numproc config ") == 0);
}

/*
 * What `list --json` shows is made of members of Info and of nothing else, and each member is shown: where the private
 * area lies is the one thing that berth knows itself.
 */
static void each_field_is_of_the_interface_and_each_member_is_shown(void)
{
	json_t *members = varlink_members(varlink_container, "Info"), *shown = json_object(), *v;
	const char *key;
	size_t n = 0;

	for (const struct field *f = field_table(); f->name != NULL; f++) {
		struct field_ref ref = {f, '\0'};
		json_t *set = json_object();

		n++;
		field_needs(&ref, true, set);
		json_object_foreach(set, key, v)
		{
			char member[64];

			(void)snprintf(member, sizeof(member), "%.*s", (int)strcspn(key, "."), key);
			(void)json_object_set_new(shown, member, json_string("?"));
		}
		CHECK(json_object_size(set) > 0 || f->source == FIELD_UNKNOWN ||
		      strcmp(f->name, "private") == 0);
		json_decref(set);
	}
	CHECK(n <= FIELDS_MAX); /* all of them at once */
	/* These fill no column: `explain` shows them. */
	CHECK(json_object_del(members, "usage") == 0 && json_object_del(members, "explain") == 0);
	check_members(shown, members);
	check_members(members, shown);
	json_decref(shown);
	json_decref(members);
}

static void the_last_end_is_a_word_and_a_time(void)
{
	json_t *info = json_pack("{s:{s:s, s:i, s:s, s:{s:i}}}", "last_end", "reason", "oom", "at",
				 1000000000, "detail", "", "counts", "oom", 2);
	struct field_ref ref;
	json_t *end;

	check_cell(info, "last_end", "oom 2001-09-09T01:46:40Z");
	CHECK(field_parse("last_end", &ref, NULL) == 0);
	end = field_json(ref.field, info);
	CHECK(json_equal(end, json_object_get(info, "last_end")));
	json_decref(end);
	json_decref(info);
	info = json_object();
	check_cell(info, "last_end", "-");
	json_decref(info);
}

int main(void)
{
	RUN(each_field_is_of_the_interface_and_each_member_is_shown);
	RUN(the_last_end_is_a_word_and_a_time);
	RUN(limits_are_shown_in_openvz_units);
	RUN(what_only_the_config_knows_comes_from_there);
	RUN(what_is_not_known_is_a_dash);
	RUN(words_come_as_they_are);
	RUN(a_list_of_fields_is_parsed_in_order);
	RUN(bad_fields_are_refused);
	RUN(json_nests_limits_and_keeps_types);
	RUN(numbers_sort_as_numbers);
	RUN(a_column_needs_what_it_shows);
	return check_failures != 0;
}
