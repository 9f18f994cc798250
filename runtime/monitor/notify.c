/* notify.c - parses the datagrams of a CT's notify socket. */
#include "runtime/monitor/notify.h"

#include <errno.h>
#include <string.h>

static void take_status(const char *value, size_t len, struct notify_news *news)
{
	size_t n = len < sizeof(news->status) - 1 ? len : sizeof(news->status) - 1;

	/* It will be shown on an operator's terminal: nothing that could colour or move. */
	for (size_t i = 0; i < n; i++)
		news->status[i] = value[i] >= 0x20 && value[i] < 0x7f ? value[i] : '?';
	news->status[n] = '\0';
	news->has_status = true;
}

static void take_line(const char *line, size_t len, struct notify_news *news)
{
	static const char ready[] = "READY=1", status[] = "STATUS=";

	if (len == sizeof(ready) - 1 && memcmp(line, ready, len) == 0)
		news->ready = true;
	else if (len >= sizeof(status) - 1 && memcmp(line, status, sizeof(status) - 1) == 0)
		take_status(line + sizeof(status) - 1, len - (sizeof(status) - 1), news);
}

int notify_parse(const char *buf, size_t len, struct notify_news *ret)
{
	struct notify_news news = {.ready = false};

	/* Some senders count the string's end in. */
	if (len > 0 && buf[len - 1] == '\0')
		len--;
	if (len == 0 || len > NOTIFY_SIZE_MAX || memchr(buf, '\0', len) != NULL)
		return -EBADMSG;
	for (size_t at = 0; at < len;) {
		const char *end = memchr(buf + at, '\n', len - at);
		size_t n = end == NULL ? len - at : (size_t)(end - (buf + at));

		take_line(buf + at, n, &news);
		at += n + 1;
	}
	*ret = news;
	return 0;
}
