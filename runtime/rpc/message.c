/* message.c - from text to JSON and to what a call or an error means; nothing is trusted. */
#include "runtime/rpc/impl.h"

#include "runtime/base/cleanup.h"

#include <string.h>

/* Before the parser sees it: nesting deeper than we ever use must not cost stack or time. */
static bool depth_is_sane(const char *text, size_t len)
{
	bool quoted = false;
	int depth = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (quoted) {
			if (c == '\\')
				i++;
			else if (c == '"')
				quoted = false;
		} else if (c == '"') {
			quoted = true;
		} else if (c == '{' || c == '[') {
			if (++depth > RPC_DEPTH_MAX)
				return false;
		} else if (c == '}' || c == ']') {
			depth--;
		}
	}
	return true;
}

int rpc_message_parse(const char *text, size_t len, json_t **ret)
{
	json_t *message;

	if (!depth_is_sane(text, len))
		return -EBADMSG;
	message = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(message)) {
		json_decref(message);
		return -EBADMSG;
	}
	*ret = message;
	return 0;
}

/* An absent or null flag is false. */
static int flag_parse(const json_t *message, const char *key, bool *ret)
{
	const json_t *value = json_object_get(message, key);

	if (value != NULL && !json_is_boolean(value) && !json_is_null(value))
		return -EBADMSG;
	*ret = json_is_true(value);
	return 0;
}

int request_parse(const json_t *message, struct rpc_request *ret)
{
	struct rpc_request q = {.method = json_string_value(json_object_get(message, "method")),
				.parameters = json_object_get(message, "parameters")};

	if (q.method == NULL || flag_parse(message, "more", &q.more) < 0 ||
	    flag_parse(message, "oneway", &q.oneway) < 0 ||
	    flag_parse(message, "upgrade", &q.upgrade) < 0)
		return -EBADMSG;
	if (json_is_null(q.parameters))
		q.parameters = NULL;
	if (q.parameters != NULL && !json_is_object(q.parameters))
		return -EBADMSG;
	if (q.more && q.oneway)
		return -EBADMSG;
	*ret = q;
	return 0;
}

json_t *rpc_text(const char *text)
{
	json_t *value = json_string(text);
	auto_free char *copy = NULL;

	if (value != NULL)
		return value;
	copy = strdup(text);
	if (copy == NULL)
		return NULL;
	for (char *p = copy; *p != '\0'; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	return json_string(copy);
}

json_t *error_to_json(const struct berth_error *e)
{
	return json_pack("{s:o, s:i, s:i}", "message", rpc_text(e->msg), "code",
			 berth_error_exit_status(e->code), "errno", e->sys);
}

int error_from_reply(const char *name, const json_t *parameters, const char *method,
		     struct berth_error *err)
{
	const char *text = json_string_value(json_object_get(parameters, "message"));
	json_int_t sys = json_integer_value(json_object_get(parameters, "errno"));
	auto_free char *raw = NULL;

	if (strncmp(name, "io.berth.", strlen("io.berth.")) == 0 && text != NULL)
		return berth_error_set(err, berth_error_from_name(name),
				       sys > 0 && sys < 4096 ? (int)sys : EINVAL, "%s", text);
	raw = parameters != NULL ? json_dumps(parameters, JSON_COMPACT) : NULL;
	return berth_error_set(err, BERTH_ERR_PROTOCOL, EPROTO,
			       "berthd refused %s: %s %s (is it of another version than this "
			       "command? compare: berth --version; berth ping)",
			       method, name, raw != NULL ? raw : "");
}
