/* test_rpc_message.c - strict JSON, calls, errors and the embedded interfaces. */
#include "runtime/base/cleanup.h"
#include "runtime/rpc/impl.h"
#include "runtime/rpc/interfaces.h"
#include "tests/unit/check.h"

#include <string.h>

static int parse(const char *text)
{
	json_t *message = NULL;
	int r = rpc_message_parse(text, strlen(text), &message);

	json_decref(message);
	return r;
}

static void only_one_whole_object_is_a_message(void)
{
	CHECK(parse("{\"a\": [1, {\"b\": null}]}") == 0);
	CHECK(parse("[]") == -EBADMSG);
	CHECK(parse("1") == -EBADMSG);
	CHECK(parse("") == -EBADMSG);
	CHECK(parse("{} {}") == -EBADMSG);
	CHECK(parse("{\"a\": 1,}") == -EBADMSG);
	CHECK(parse("{\"a\": \"\xff\"}") == -EBADMSG);
	CHECK(parse("{\"a\": \"x\\u0000y\"}") == -EBADMSG);
}

static void duplicate_keys_are_refused(void)
{
	CHECK(parse("{\"ct\": \"101\", \"ct\": \"102\"}") == -EBADMSG);
	CHECK(parse("{\"p\": {\"ct\": \"101\", \"ct\": \"102\"}}") == -EBADMSG);
}

static void nested(char *out, int depth)
{
	char *p = out;

	for (int i = 0; i < depth; i++) {
		memcpy(p, "{\"a\":", 5);
		p += 5;
	}
	*p++ = '1';
	memset(p, '}', (size_t)depth);
	p[depth] = '\0';
}

static void depth_sixteen_is_the_last(void)
{
	char text[4096];

	nested(text, RPC_DEPTH_MAX);
	CHECK(parse(text) == 0);
	nested(text, RPC_DEPTH_MAX + 1);
	CHECK(parse(text) == -EBADMSG);
	nested(text, 600);
	CHECK(parse(text) == -EBADMSG);
}

static void brackets_in_strings_do_not_count(void)
{
	CHECK(parse("{\"a\": \"[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[[[[[[[[[\"}") == 0);
}

static int request(const char *text, struct rpc_request *ret)
{
	json_t *message = NULL;
	int r = rpc_message_parse(text, strlen(text), &message);

	if (r == 0)
		r = request_parse(message, ret);
	json_decref(message);
	return r;
}

static void a_call_has_a_method_and_flags(void)
{
	struct rpc_request q;

	CHECK(request("{\"method\": \"a.b.C\", \"more\": true}", &q) == 0);
	CHECK(q.more && !q.oneway && !q.upgrade && q.parameters == NULL);
	CHECK(request("{\"method\": \"a.b.C\", \"oneway\": true, \"parameters\": null}", &q) == 0);
	CHECK(q.oneway && q.parameters == NULL);
}

static void a_malformed_call_is_refused(void)
{
	struct rpc_request q;

	CHECK(request("{}", &q) == -EBADMSG);
	CHECK(request("{\"method\": 5}", &q) == -EBADMSG);
	CHECK(request("{\"method\": \"a.B\", \"parameters\": []}", &q) == -EBADMSG);
	CHECK(request("{\"method\": \"a.B\", \"more\": 1}", &q) == -EBADMSG);
	CHECK(request("{\"method\": \"a.B\", \"more\": true, \"oneway\": true}", &q) == -EBADMSG);
}

static void every_error_survives_the_wire(void)
{
	for (enum berth_errcode code = BERTH_ERR_SYSTEM; code < BERTH_ERR_MAX; code++) {
		struct berth_error in = {.code = code, .sys = ENOSPC, .msg = "CT 101: full"};
		struct berth_error out = {0};
		json_t *parameters = error_to_json(&in);

		CHECK(error_from_reply(berth_error_name(code), parameters, "X", &out) == -ENOSPC);
		CHECK(out.code == code && out.sys == ENOSPC && strcmp(out.msg, in.msg) == 0);
		CHECK(json_integer_value(json_object_get(parameters, "code")) ==
		      berth_error_exit_status(code));
		json_decref(parameters);
	}
}

static void a_message_that_is_not_utf8_is_still_told(void)
{
	struct berth_error in = {.code = BERTH_ERR_SYSTEM, .sys = EIO, .msg = "file \xff gone"};
	struct berth_error out = {0};
	json_t *parameters = error_to_json(&in);

	CHECK(error_from_reply("io.berth.System", parameters, "X", &out) == -EIO);
	CHECK(strcmp(out.msg, "file ? gone") == 0);
	json_decref(parameters);
}

static void an_error_that_is_not_ours_is_a_protocol_error(void)
{
	struct berth_error out = {0};
	json_t *parameters = json_pack("{s:s}", "method", "io.berth.Host.Fly");

	CHECK(error_from_reply("org.varlink.service.MethodNotFound", parameters, "Fly", &out) < 0);
	CHECK(out.code == BERTH_ERR_PROTOCOL && strstr(out.msg, "MethodNotFound") != NULL);
	CHECK(error_from_reply("io.berth.System", NULL, "Fly", &out) < 0);
	CHECK(out.code == BERTH_ERR_PROTOCOL);
	json_decref(parameters);
}

/* io.berth.varlink is written by hand; it must list what error.c can say. */
static void the_interface_lists_every_error(void)
{
	for (enum berth_errcode code = BERTH_ERR_SYSTEM; code < BERTH_ERR_MAX; code++) {
		char line[128];

		(void)snprintf(line, sizeof(line), "\nerror %s (",
			       berth_error_name(code) + strlen("io.berth."));
		CHECK(strstr(varlink_errors, line) != NULL);
		if (strstr(varlink_errors, line) == NULL)
			(void)fprintf(stderr, "missing in io.berth.varlink:%s\n", line);
	}
}

static void the_embedded_texts_are_whole(void)
{
	CHECK(strstr(varlink_service, "\ninterface org.varlink.service\n") != NULL);
	CHECK(strstr(varlink_container, "interface io.berth.Container\n") != NULL);
	CHECK(strstr(varlink_host, "method Ping() -> (version: string, pid: int)") != NULL);
	CHECK(strstr(varlink_template, "interface io.berth.Template\n") != NULL);
	CHECK(varlink_host[strlen(varlink_host) - 1] == '\n');
}

int main(void)
{
	RUN(only_one_whole_object_is_a_message);
	RUN(duplicate_keys_are_refused);
	RUN(depth_sixteen_is_the_last);
	RUN(brackets_in_strings_do_not_count);
	RUN(a_call_has_a_method_and_flags);
	RUN(a_malformed_call_is_refused);
	RUN(every_error_survives_the_wire);
	RUN(a_message_that_is_not_utf8_is_still_told);
	RUN(an_error_that_is_not_ours_is_a_protocol_error);
	RUN(the_interface_lists_every_error);
	RUN(the_embedded_texts_are_whole);
	return check_failures != 0;
}
