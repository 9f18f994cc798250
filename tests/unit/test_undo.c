/* test_undo.c - what a set has changed is taken back, and no more. */
#include "runtime/config/undo.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct conf_file *parse(const char *text)
{
	struct conf_file *f = NULL;

	CHECK(conf_parse(text, strlen(text), &f, NULL) == 0);
	return f;
}

static void check_text(const struct conf_file *f, const char *want)
{
	char *text = NULL;

	CHECK(conf_format(f, &text) == 0);
	if (strcmp(text, want) != 0)
		(void)fprintf(stderr, "got:\n%swanted:\n%s", text, want);
	CHECK(strcmp(text, want) == 0);
	free(text);
}

static void both_files_go_back_and_later_changes_stay(void)
{
	struct conf_file *saved_was = parse("A=\"1\"\nB=\"\"\n"),
			 *live_was = parse("A=\"1\"\nC=\"3\"\n");
	struct conf_file *saved = parse("A=\"2\"\nN=\"5\"\n"), *live = parse("A=\"2\"\nC=\"3\"\n");
	struct conf_file *note = NULL;
	bool saves = false;

	CHECK(undo_note(saved_was, saved, live_was, live, &note) == 0);
	check_text(note, "SAVED_A=\"=1\"\nTHEN_SAVED_A=\"=2\"\nSAVED_B=\"=\"\nTHEN_SAVED_B=\"-\"\n"
			 "SAVED_N=\"-\"\nTHEN_SAVED_N=\"=5\"\nLIVE_A=\"=1\"\nTHEN_LIVE_A=\"=2\"\n");
	CHECK(conf_set(saved, "LATER", "x") == 0 && conf_set(live, "C", "4") == 0);
	CHECK(undo_apply(note, saved, live, &saves, NULL, NULL) == 4 && saves);
	check_text(saved, "A=\"1\"\nLATER=\"x\"\nB=\"\"\n");
	check_text(live, "A=\"1\"\nC=\"4\"\n");
	conf_free(note);
	/* Of one that was not saved. */
	CHECK(undo_note(saved, saved, live_was, live, &note) == 0);
	CHECK(undo_apply(note, saved, live, &saves, NULL, NULL) == 1 && !saves);
	check_text(live, "A=\"1\"\nC=\"3\"\n");
	conf_free(note);
	conf_free(saved_was);
	conf_free(live_was);
	conf_free(saved);
	conf_free(live);
}

static void add_key(const char *key, void *data)
{
	(void)strncat(data, key, 15 - strlen(data));
}

/* An editor of the file, or a change that came back by itself. */
static void what_others_changed_since_stays_and_is_named(void)
{
	struct conf_file *was = parse("A=\"1\"\nB=\"1\"\nC=\"1\"\n"),
			 *is = parse("A=\"2\"\nB=\"2\"\nC=\"1\"\nD=\"2\"\n"
				     "UNTIL_A=\"x\"\nUNTIL_B=\"x\"\n");
	struct conf_file *saved = parse("A=\"3\"\nB=\"2\"\nC=\"1\"\n"
					"UNTIL_A=\"x\"\nUNTIL_B=\"x\"\n");
	struct conf_file *note = NULL;
	char keys[16] = "";
	bool saves = false;

	CHECK(undo_note(was, is, was, is, &note) == 0);
	CHECK(undo_apply(note, saved, is, &saves, add_key, keys) == 4 && saves);
	CHECK(strcmp(keys, "AD") == 0);
	check_text(saved, "A=\"3\"\nB=\"1\"\nC=\"1\"\nUNTIL_A=\"x\"\n");
	check_text(is, "A=\"2\"\nB=\"1\"\nC=\"1\"\nD=\"2\"\nUNTIL_A=\"x\"\n");
	conf_free(note);
	/* One that an earlier version wrote does not say what it was. */
	note = parse("SAVED_A=\"=1\"\n");
	CHECK(undo_apply(note, saved, is, &saves, add_key, keys) == 1);
	check_text(saved, "A=\"1\"\nB=\"1\"\nC=\"1\"\nUNTIL_A=\"x\"\n");
	conf_free(note);
	conf_free(was);
	conf_free(is);
	conf_free(saved);
}

static void nothing_changed_is_nothing_noted(void)
{
	struct conf_file *f = parse("A=\"1\"\n"), *note = NULL;

	CHECK(undo_note(f, f, f, f, &note) == 0);
	check_text(note, "");
	conf_free(note);
	conf_free(f);
}

static void a_damaged_note_is_refused(void)
{
	static const char *const bad[] = {"A=\"=1\"\n", "SAVED_=\"=1\"\n", "SAVED_A=\"1\"\n",
					  "LIVE_A=\"\"\n", "THEN_SAVED_A=\"2\"\n"};
	struct conf_file *f = parse("A=\"1\"\n");
	bool saves = true;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct conf_file *note = parse(bad[i]);

		CHECK(undo_apply(note, f, f, &saves, NULL, NULL) == -EINVAL && saves);
		conf_free(note);
	}
	check_text(f, "A=\"1\"\n");
	conf_free(f);
}

int main(void)
{
	RUN(both_files_go_back_and_later_changes_stay);
	RUN(what_others_changed_since_stays_and_is_named);
	RUN(nothing_changed_is_nothing_noted);
	RUN(a_damaged_note_is_refused);
	return check_failures != 0;
}
