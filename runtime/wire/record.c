/* record.c - the records of monitor.sock, checked and made. */
#include "runtime/wire/record.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool type_is_known(uint16_t type)
{
	return (type >= MON_HELLO && type <= MON_KEEP) || (type >= MON_STATE && type <= MON_KEPT);
}

int mon_record_check(const void *buf, size_t len, struct mon_record *ret)
{
	struct mon_record r;

	if (len != sizeof(r))
		return -EBADMSG;
	memcpy(&r, buf, sizeof(r));
	if (r.version != MON_VERSION || !type_is_known(r.type))
		return -EBADMSG;
	if (r.type == MON_DATA ? r.a < 0 || r.a > MON_TEXT_MAX
			       : memchr(r.text, '\0', sizeof(r.text)) == NULL)
		return -EBADMSG;
	*ret = r;
	return 0;
}

void mon_record_init(struct mon_record *r, enum mon_type type)
{
	memset(r, 0, sizeof(*r));
	r->version = MON_VERSION;
	r->type = (uint16_t)type;
}

void mon_record_error(struct mon_record *r, int sys, const char *text)
{
	mon_record_init(r, MON_ERROR);
	r->a = sys;
	memcpy(r->text, text, strnlen(text, sizeof(r->text) - 1));
}
