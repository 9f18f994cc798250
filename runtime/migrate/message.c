/* message.c - what the two hosts of a move say to each other: pure. */
#include "runtime/migrate/message.h"

#include "runtime/base/parse.h"
#include "runtime/base/value.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool is_hex(const char *s, size_t len)
{
	return strlen(s) == len && strspn(s, "0123456789abcdef") == len;
}

static bool is_uuid(const char *s)
{
	static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	for (size_t i = 0; i < sizeof(shape) - 1; i++)
		if (shape[i] == '-' ? s[i] != '-'
				    : s[i] == '\0' || strchr("0123456789abcdef", s[i]) == NULL)
			return false;
	return s[sizeof(shape) - 1] == '\0';
}

/* A word of ours: a driver, a layout. */
static bool is_word(const char *s)
{
	return s[0] != '\0' && s[strspn(s, "abcdefghijklmnopqrstuvwxyz")] == '\0';
}

static int get_u32(const char *text, const char *key, uint32_t *ret)
{
	uint64_t v;

	if (value_get_u64(text, key, &v) < 0 || v > UINT32_MAX)
		return -EBADMSG;
	*ret = (uint32_t)v;
	return 0;
}

static int get_ctid(const char *text, const char *key, uint32_t *ret)
{
	return get_u32(text, key, ret) < 0 || *ret < CTID_MIN || *ret > CTID_MAX ? -EBADMSG : 0;
}

/* What must be a text that fits and has no byte that could colour a terminal. */
static int get_text(const char *text, const char *key, char *buf, size_t size)
{
	return value_get(text, key, buf, size) < 0 || !text_is_clean(buf) ? -EBADMSG : 0;
}

static int get_uuid(const char *text, const char *key, char buf[37])
{
	return value_get(text, key, buf, 37) < 0 || !is_uuid(buf) ? -EBADMSG : 0;
}

/* ---- hello ---- */

int message_hello_format(const struct message_hello *h, char buf[static MESSAGE_SIZE])
{
	size_t used = 0;
	int r = 0;

	r |= value_put(buf, MESSAGE_SIZE, &used, "protocol", "berth-migrate");
	r |= value_put_u64(buf, MESSAGE_SIZE, &used, "min", h->min);
	r |= value_put_u64(buf, MESSAGE_SIZE, &used, "max", h->max);
	r |= value_put(buf, MESSAGE_SIZE, &used, "program", h->program);
	r |= value_put(buf, MESSAGE_SIZE, &used, "id", h->id);
	return r != 0 ? -ENOSPC : 0;
}

int message_hello_parse(const char *text, struct message_hello *ret)
{
	struct message_hello h = {0};
	char protocol[16];

	if (value_get(text, "protocol", protocol, sizeof(protocol)) < 0 ||
	    strcmp(protocol, "berth-migrate") != 0 || get_u32(text, "min", &h.min) < 0 ||
	    get_u32(text, "max", &h.max) < 0 || h.min == 0 || h.min > h.max ||
	    get_text(text, "program", h.program, sizeof(h.program)) < 0 ||
	    get_uuid(text, "id", h.id) < 0)
		return -EBADMSG;
	*ret = h;
	return 0;
}

int message_version(const struct message_hello *other, struct berth_error *err)
{
	if (other->min <= PROTOCOL_MAX && other->max >= PROTOCOL_MIN)
		return (int)(other->max < PROTOCOL_MAX ? other->max : PROTOCOL_MAX);
	return berth_error_set(err, BERTH_ERR_PROTOCOL, EPROTONOSUPPORT,
			       "%s at the other end speaks versions %u to %u of the migration "
			       "protocol, this host %d to %d: upgrade the older one",
			       other->program, other->min, other->max, PROTOCOL_MIN, PROTOCOL_MAX);
}

/* ---- offer ---- */

int message_offer_format(const struct message_offer *o, char buf[static MESSAGE_SIZE])
{
	size_t used = 0;
	int r = 0;

	r |= value_put_u64(buf, MESSAGE_SIZE, &used, "ctid", o->ctid);
	r |= value_put_u64(buf, MESSAGE_SIZE, &used, "new_ctid", o->new_ctid);
	r |= value_put(buf, MESSAGE_SIZE, &used, "new_name", o->new_name);
	r |= value_put(buf, MESSAGE_SIZE, &used, "uuid", o->uuid);
	r |= value_put_u64(buf, MESSAGE_SIZE, &used, "epoch", o->epoch);
	r |= value_put(buf, MESSAGE_SIZE, &used, "id", o->id);
	r |= value_put(buf, MESSAGE_SIZE, &used, "template", o->template_name);
	r |= value_put(buf, MESSAGE_SIZE, &used, "hash", o->template_hash);
	r |= value_put(buf, MESSAGE_SIZE, &used, "layout", o->layout);
	r |= value_put(buf, MESSAGE_SIZE, &used, "driver", o->driver);
	r |= value_put_u64(buf, MESSAGE_SIZE, &used, "created", o->created);
	r |= value_put_u64(buf, MESSAGE_SIZE, &used, "volume_bytes", o->volume_bytes);
	r |= value_put_u64(buf, MESSAGE_SIZE, &used, "volume_used", o->volume_used);
	r |= value_put_u64(buf, MESSAGE_SIZE, &used, "check_only", o->check_only);
	r |= value_put_u64(buf, MESSAGE_SIZE, &used, "suspended", o->suspended);
	r |= value_put_u64(buf, MESSAGE_SIZE, &used, "start", o->start);
	r |= value_put_u64(buf, MESSAGE_SIZE, &used, "given", o->given);
	if (o->suspended)
		r |= needs_format(&o->needs, buf, MESSAGE_SIZE, &used);
	return r != 0 ? -ENOSPC : 0;
}

static int offer_names(const char *text, struct message_offer *o)
{
	if (value_get(text, "new_name", o->new_name, sizeof(o->new_name)) < 0 ||
	    (o->new_name[0] != '\0' && !name_is_valid(o->new_name)) ||
	    get_uuid(text, "uuid", o->uuid) < 0 || get_uuid(text, "id", o->id) < 0 ||
	    value_get(text, "template", o->template_name, sizeof(o->template_name)) < 0 ||
	    !template_name_is_valid(o->template_name) ||
	    value_get(text, "hash", o->template_hash, sizeof(o->template_hash)) < 0 ||
	    !is_hex(o->template_hash, 64) ||
	    value_get(text, "layout", o->layout, sizeof(o->layout)) < 0 || !is_word(o->layout) ||
	    value_get(text, "driver", o->driver, sizeof(o->driver)) < 0 || !is_word(o->driver))
		return -EBADMSG;
	return 0;
}

int message_offer_parse(const char *text, struct message_offer *ret)
{
	struct message_offer o = {0};
	uint64_t check_only, suspended, start, given;

	if (get_ctid(text, "ctid", &o.ctid) < 0 || get_ctid(text, "new_ctid", &o.new_ctid) < 0 ||
	    offer_names(text, &o) < 0 || value_get_u64(text, "epoch", &o.epoch) < 0 ||
	    value_get_u64(text, "created", &o.created) < 0 ||
	    value_get_u64(text, "volume_bytes", &o.volume_bytes) < 0 ||
	    value_get_u64(text, "volume_used", &o.volume_used) < 0 ||
	    value_get_u64(text, "check_only", &check_only) < 0 || check_only > 1 ||
	    value_get_u64(text, "suspended", &suspended) < 0 || suspended > 1 ||
	    value_get_u64(text, "start", &start) < 0 || start > 1 ||
	    value_get_u64(text, "given", &given) < 0 || given > 1)
		return -EBADMSG;
	/* The next move adds one. */
	if (o.epoch > INT64_MAX)
		return -EBADMSG;
	/* Files are no longer than that (off_t). */
	if (o.volume_bytes == 0 || o.volume_bytes > INT64_MAX || o.volume_used > o.volume_bytes)
		return -EBADMSG;
	if (suspended == 1 && needs_parse(text, &o.needs) < 0)
		return -EBADMSG;
	o.check_only = check_only == 1;
	o.suspended = suspended == 1;
	o.start = start == 1;
	o.given = given == 1;
	*ret = o;
	return 0;
}

/* ---- answer ---- */

static const char *const states[ANSWER_STATES] = {
	[ANSWER_REFUSED] = "refused", [ANSWER_CLEAR] = "clear", [ANSWER_SEND] = "send",
	[ANSWER_READY] = "ready",     [ANSWER_OWNED] = "owned",
};

int message_answer_add(struct message_answer *a, const char *finding)
{
	if (a->n == MESSAGE_FINDINGS)
		return -E2BIG;
	message_reason(finding, a->findings[a->n++]);
	return 0;
}

int message_answer_format(const struct message_answer *a, char buf[static MESSAGE_SIZE])
{
	size_t used = 0;
	int r = value_put(buf, MESSAGE_SIZE, &used, "state", states[a->state]);

	for (unsigned int i = 0; i < a->n; i++) {
		char key[20];

		(void)snprintf(key, sizeof(key), "finding.%u", i);
		r |= value_put(buf, MESSAGE_SIZE, &used, key, a->findings[i]);
	}
	return r != 0 ? -ENOSPC : 0;
}

int message_answer_parse(const char *text, struct message_answer *ret)
{
	struct message_answer a = {.state = ANSWER_STATES};
	char word[16];

	if (value_get(text, "state", word, sizeof(word)) < 0)
		return -EBADMSG;
	for (unsigned int i = 0; i < ANSWER_STATES; i++)
		if (strcmp(states[i], word) == 0)
			a.state = (enum message_state)i;
	if (a.state == ANSWER_STATES)
		return -EBADMSG;
	for (; a.n < MESSAGE_FINDINGS; a.n++) {
		char key[20];

		(void)snprintf(key, sizeof(key), "finding.%u", a.n);
		if (value_get(text, key, a.findings[a.n], sizeof(a.findings[0])) < 0)
			break;
		if (!text_is_clean(a.findings[a.n]))
			return -EBADMSG;
	}
	if ((a.state == ANSWER_REFUSED) != (a.n > 0))
		return -EBADMSG;
	*ret = a;
	return 0;
}

/* ---- end ---- */

int message_end_format(const struct message_end *e, char buf[static MESSAGE_SIZE])
{
	size_t used = 0;
	int r = value_put_u64(buf, MESSAGE_SIZE, &used, "bytes", e->bytes);

	r |= value_put(buf, MESSAGE_SIZE, &used, "sha256", e->sha256);
	return r != 0 ? -ENOSPC : 0;
}

int message_end_parse(const char *text, struct message_end *ret)
{
	struct message_end e;

	if (value_get_u64(text, "bytes", &e.bytes) < 0 ||
	    value_get(text, "sha256", e.sha256, sizeof(e.sha256)) < 0 || !is_hex(e.sha256, 64))
		return -EBADMSG;
	*ret = e;
	return 0;
}

/* ---- reasons ---- */

void message_reason(const char *text, char ret[static MESSAGE_REASON_MAX])
{
	const char *at = strncmp(text, "reason=", 7) == 0 ? text + 7 : text;
	size_t n = 0;

	for (; *at != '\0' && *at != '\n' && n < MESSAGE_REASON_MAX - 1; at++)
		ret[n++] = (unsigned char)*at < 0x20 || *at == 0x7f ? '?' : *at;
	ret[n] = '\0';
	if (n == 0)
		(void)snprintf(ret, MESSAGE_REASON_MAX, "it gives no reason");
}

int message_reason_format(const char *reason, char buf[static MESSAGE_SIZE])
{
	char clean[MESSAGE_REASON_MAX];
	size_t used = 0;

	message_reason(reason, clean);
	return value_put(buf, MESSAGE_SIZE, &used, "reason", clean);
}
