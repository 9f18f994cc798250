/* log.c - one line an event. */
#include "runtime/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static const char *log_program = "berth";
static enum log_level log_max = LOG_LV_INFO;
static const char *log_path; /* NULL: standard error, wherever that leads */

void log_init(const char *program, enum log_level max)
{
	log_program = program;
	log_max = max;
}

/* Escapes what is not printable; bytes of UTF-8 pass. Returns the new length. */
static size_t log_escape(char *out, size_t size, const char *in)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;

	for (; *in != '\0' && n + 5 < size; in++) {
		unsigned char c = (unsigned char)*in;

		if (c >= 0x20 && c != 0x7f) {
			out[n++] = *in;
			continue;
		}
		out[n++] = '\\';
		out[n++] = 'x';
		out[n++] = hex[c >> 4];
		out[n++] = hex[c & 15];
	}
	return n;
}

void log_line(enum log_level level, uint32_t ctid, const char *fmt, ...)
{
	static const char *const names[] = {"error", "warning", "info", "debug"};
	char text[600], line[1400];
	va_list ap;
	int head;
	size_t n;

	if (level > log_max)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (ctid != 0)
		head = snprintf(line, sizeof(line), "%s: %s: ct=%u ", log_program, names[level],
				ctid);
	else
		head = snprintf(line, sizeof(line), "%s: %s: ", log_program, names[level]);
	n = (size_t)head + log_escape(line + head, sizeof(line) - (size_t)head - 1, text);
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) < 0)
		return; /* nowhere left to say so */
}

int log_to_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640), r = 0;

	if (fd < 0)
		return -errno;
	/* Children that are born meanwhile see either file, never none. */
	if (dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
		r = -errno;
	(void)close(fd);
	if (r == 0)
		log_path = path;
	return r;
}

int log_reopen(void)
{
	return log_path == NULL ? 0 : log_to_file(log_path);
}
