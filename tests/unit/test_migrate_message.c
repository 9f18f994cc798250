/* test_migrate_message.c - what two hosts say to each other is understood exactly, or not at all. */
#include "runtime/migrate/message.h"

#include "tests/unit/check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define UUID "0a1b2c3d-0000-4000-8000-123456789abc"
#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct message_offer offer = {.ctid = 101,
					   .new_ctid = 202,
					   .new_name = "web",
					   .uuid = UUID,
					   .epoch = 3,
					   .id = UUID,
					   .template_name = "debian-12",
					   .template_hash = HASH,
					   .layout = "overlay",
					   .driver = "image",
					   .created = 5,
					   .volume_bytes = 1 << 30,
					   .volume_used = 1 << 20,
					   .check_only = true};

static void hello_and_version(void)
{
	struct message_hello h = {1, 3, "berth 0.1.0", UUID}, back;
	char text[MESSAGE_SIZE];
	struct berth_error err;

	CHECK(message_hello_format(&h, text) == 0 && message_hello_parse(text, &back) == 0);
	CHECK(back.min == 1 && back.max == 3 && strcmp(back.id, UUID) == 0);
	CHECK(message_version(&back, &err) == PROTOCOL_MAX);
	back.min = PROTOCOL_MAX + 1;
	back.max = PROTOCOL_MAX + 2;
	CHECK(message_version(&back, &err) == -EPROTONOSUPPORT && err.code == BERTH_ERR_PROTOCOL &&
	      strstr(err.msg, "upgrade") != NULL);
	CHECK(message_hello_parse("", &back) == -EBADMSG);
	h.max = 0;
	CHECK(message_hello_format(&h, text) == 0 && message_hello_parse(text, &back) == -EBADMSG);
}

static void an_offer_comes_out_as_it_went_in(void)
{
	struct message_offer back;
	char text[MESSAGE_SIZE];

	CHECK(message_offer_format(&offer, text) == 0 && message_offer_parse(text, &back) == 0);
	CHECK(back.ctid == 101 && back.new_ctid == 202 && back.epoch == 3 && back.created == 5);
	CHECK(strcmp(back.new_name, "web") == 0 && strcmp(back.template_hash, HASH) == 0);
	CHECK(back.volume_bytes == 1 << 30 && back.check_only && !back.given);
}

/* One line of a good offer takes another value. */
static int parse_with(const char *key, const char *value)
{
	struct message_offer back;
	char text[MESSAGE_SIZE], out[MESSAGE_SIZE] = "";
	size_t used = 0;

	(void)message_offer_format(&offer, text);
	for (char *line, *rest = text; (line = strsep(&rest, "\n")) != NULL && *line != '\0';) {
		bool is_it = strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == '=';

		used += (size_t)snprintf(out + used, sizeof(out) - used, "%s%s%s\n",
					 is_it ? key : line, is_it ? "=" : "", is_it ? value : "");
	}
	return message_offer_parse(out, &back);
}

static void names_that_are_paths_or_too_much_are_refused(void)
{
	static const char *const bad[][2] = {
		{"uuid", "../../../../../../../../etc/passwd00"},
		{"uuid", ""},
		{"uuid", "------------------------------------"},
		{"id", "x"},
		{"template", "../debian-12"},
		{"template", "a/b"},
		{"template", ""},
		{"hash", "/etc/passwd"},
		{"hash", HASH "0"},
		{"layout", "../x"},
		{"driver", "image/../.."},
		{"new_name", "../x"},
		{"new_name", "UPPER"},
		{"ctid", "0"},
		{"ctid", "-1"},
		{"new_ctid", "100"},
		{"new_ctid", "4294967297"},
		{"volume_bytes", "0"},
		{"volume_bytes", "18446744073709551615"},
		{"volume_used", "1073741825"},
		{"check_only", "2"},
		{"epoch", "18446744073709551616"},
		{"epoch", "9223372036854775808"},
	};

	CHECK(parse_with("new_name", "") == 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK(parse_with(bad[i][0], bad[i][1]) == -EBADMSG);
		if (parse_with(bad[i][0], bad[i][1]) != -EBADMSG)
			(void)fprintf(stderr, "%s=%s\n", bad[i][0], bad[i][1]);
	}
}

static void an_answer_tells_all_findings(void)
{
	static struct message_answer a, back;
	char text[MESSAGE_SIZE], longest[1000];

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	a.state = ANSWER_REFUSED;
	CHECK(message_answer_format(&a, text) == 0 &&
	      message_answer_parse(text, &back) == -EBADMSG);
	for (int i = 0; i < MESSAGE_FINDINGS; i++)
		CHECK(message_answer_add(&a, i == 0 ? "the\x1b[31m name\nreason" : longest) == 0);
	CHECK(message_answer_add(&a, "one more") == -E2BIG);
	CHECK(message_answer_format(&a, text) == 0 && message_answer_parse(text, &back) == 0);
	CHECK(back.state == ANSWER_REFUSED && back.n == MESSAGE_FINDINGS);
	CHECK(strcmp(back.findings[0], "the?[31m name") == 0);
	CHECK(message_answer_parse("state=refused\nfinding.0=a\x1b[31m\n", &back) == -EBADMSG);
	CHECK(message_answer_parse("state=owned\n", &back) == 0 && back.state == ANSWER_OWNED);
	CHECK(message_answer_parse("state=yes\n", &back) == -EBADMSG);
	CHECK(message_answer_parse("", &back) == -EBADMSG);
}

static void ends_and_reasons(void)
{
	struct message_end e = {7, HASH}, back;
	char text[MESSAGE_SIZE], reason[MESSAGE_REASON_MAX];

	CHECK(message_end_format(&e, text) == 0 && message_end_parse(text, &back) == 0);
	CHECK(back.bytes == 7 && strcmp(back.sha256, HASH) == 0);
	CHECK(message_end_parse("bytes=7\nsha256=abc\n", &back) == -EBADMSG);
	CHECK(message_reason_format("disk full\nrm -rf /", text) == 0);
	message_reason(text, reason);
	CHECK(strcmp(reason, "disk full") == 0);
	message_reason("", reason);
	CHECK(reason[0] != '\0');
}

int main(void)
{
	RUN(hello_and_version);
	RUN(an_offer_comes_out_as_it_went_in);
	RUN(names_that_are_paths_or_too_much_are_refused);
	RUN(an_answer_tells_all_findings);
	RUN(ends_and_reasons);
	return check_failures != 0;
}
