/* test_record.c - the records of monitor.sock. */
#include "runtime/wire/record.h"

#include "tests/unit/check.h"

#include <errno.h>
#include <string.h>

static void a_well_made_record_passes(void)
{
	struct mon_record r, out;

	mon_record_init(&r, MON_EXEC);
	r.a = 1;
	CHECK(mon_record_check(&r, sizeof(r), &out) == 0);
	CHECK(out.type == MON_EXEC && out.a == 1);
}

static void a_wrong_length_is_refused(void)
{
	struct mon_record r, out;
	char longer[sizeof(r) + 1] = {0};

	mon_record_init(&r, MON_HELLO);
	memcpy(longer, &r, sizeof(r));
	CHECK(mon_record_check(&r, sizeof(r) - 1, &out) == -EBADMSG);
	CHECK(mon_record_check(longer, sizeof(longer), &out) == -EBADMSG);
	CHECK(mon_record_check(&r, 0, &out) == -EBADMSG);
}

static void an_unknown_type_or_version_is_refused(void)
{
	static const uint16_t types[] = {0, MON_KEEP + 1, MON_STATE - 1, MON_KEPT + 1, 65535};
	struct mon_record r, out;

	for (unsigned int i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		mon_record_init(&r, MON_HELLO);
		r.type = types[i];
		CHECK(mon_record_check(&r, sizeof(r), &out) == -EBADMSG);
	}
	mon_record_init(&r, MON_HELLO);
	r.version = 2;
	CHECK(mon_record_check(&r, sizeof(r), &out) == -EBADMSG);
}

static void text_must_end_except_in_data(void)
{
	struct mon_record r, out;

	mon_record_init(&r, MON_ERROR);
	memset(r.text, 'x', sizeof(r.text));
	CHECK(mon_record_check(&r, sizeof(r), &out) == -EBADMSG);
	r.type = MON_DATA;
	r.a = MON_TEXT_MAX;
	CHECK(mon_record_check(&r, sizeof(r), &out) == 0);
	r.a = MON_TEXT_MAX + 1;
	CHECK(mon_record_check(&r, sizeof(r), &out) == -EBADMSG);
	r.a = -1;
	CHECK(mon_record_check(&r, sizeof(r), &out) == -EBADMSG);
}

static void an_error_text_is_cut_to_fit(void)
{
	char text[500];
	struct mon_record r, out;

	memset(text, 'y', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	mon_record_error(&r, ENOENT, text);
	CHECK(r.a == ENOENT && strlen(r.text) == MON_TEXT_MAX - 1);
	CHECK(mon_record_check(&r, sizeof(r), &out) == 0);
}

int main(void)
{
	RUN(a_well_made_record_passes);
	RUN(a_wrong_length_is_refused);
	RUN(an_unknown_type_or_version_is_refused);
	RUN(text_must_end_except_in_data);
	RUN(an_error_text_is_cut_to_fit);
	return check_failures != 0;
}
