/* kmsg.c - the tail of the kernel log. */
#include "runtime/storage/kmsg.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"

#include <fcntl.h>
#include <string.h>

enum {
	LEVEL_WARNING = 4
};

/* Each thread its own: two mounts at once must not move each other's place in the log. */
static _Thread_local int log_fd = -EBADF;

void kmsg_mark(void)
{
	if (log_fd < 0)
		log_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (log_fd >= 0 && lseek(log_fd, 0, SEEK_END) < 0)
		fd_close(&log_fd);
}

int kmsg_parse(const char *record, char *buf, size_t size)
{
	const char *text = strchr(record, ';');
	size_t len;

	if (text == NULL || size == 0 || record[0] < '0' || record[0] > '9')
		return -EINVAL;
	len = strcspn(++text, "\n");
	if (len >= size)
		len = size - 1;
	for (size_t i = 0; i < len; i++)
		buf[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	buf[len] = '\0';
	return (int)(strtoul(record, NULL, 10) & 7);
}

void kmsg_each(kmsg_fn *fn, void *data)
{
	char record[8192], text[1024];
	ssize_t n;

	if (log_fd < 0)
		return;
	while ((n = read(log_fd, record, sizeof(record) - 1)) > 0 || (n < 0 && errno == EPIPE)) {
		if (n < 0)
			continue;
		record[n] = '\0';
		if (kmsg_parse(record, text, sizeof(text)) >= 0)
			fn(text, data);
	}
}

void kmsg_first(const char *word, char *buf, size_t size)
{
	char record[8192], text[512];
	ssize_t n;
	int level;

	buf[0] = '\0';
	if (log_fd < 0)
		return;
	/* EPIPE: records were overwritten before we came; the next read goes on with the oldest. */
	while ((n = read(log_fd, record, sizeof(record) - 1)) > 0 || (n < 0 && errno == EPIPE)) {
		if (n < 0)
			continue;
		record[n] = '\0';
		level = kmsg_parse(record, text, sizeof(text));
		if (level >= 0 && level <= LEVEL_WARNING && strstr(text, word) != NULL) {
			(void)snprintf(buf, size, "%s", text);
			return;
		}
	}
}
