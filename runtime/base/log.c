/* log.c - one line an event. */
#include "runtime/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *log_program = "berth";
static enum log_level log_max = LOG_LV_INFO;
static bool log_journal;
static const char *log_path; /* NULL: standard error, wherever that leads */

/* systemd.exec(5): "DEVICE:INODE" of the journal's socket, which a program may have been born without. */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char text[64];
	struct stat st;

	if (stream == NULL || fstat(STDERR_FILENO, &st) < 0)
		return false;
	(void)snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, text) == 0;
}

void log_init(const char *program, enum log_level max)
{
	log_program = program;
	log_max = max;
	log_journal = is_journal();
}

const char *log_environment(void)
{
	static char text[96];
	const char *stream = getenv("JOURNAL_STREAM");

	if (!log_journal || stream == NULL || strlen(stream) > 64)
		return NULL;
	(void)snprintf(text, sizeof(text), "JOURNAL_STREAM=%s", stream);
	return text;
}

int log_place(char *buf, size_t size)
{
	char link[512];
	struct stat st;
	ssize_t n;

	if (log_journal) {
		(void)snprintf(buf, size, "journal");
		return 0;
	}
	n = readlink("/proc/self/fd/2", link, sizeof(link) - 1);
	if (n < 0)
		return -errno;
	link[n] = '\0';
	if (fstat(STDERR_FILENO, &st) < 0 || !S_ISREG(st.st_mode) || st.st_nlink == 0 ||
	    (size_t)n >= size)
		return -ENOENT;
	(void)snprintf(buf, size, "%s", link);
	return 0;
}

size_t log_escape(char *out, size_t size, const char *in)
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
	if (size > 0)
		out[n] = '\0';
	return n;
}

/* "<4>berthd: ", as the journal takes it (sd-daemon(3)), or "2026-11-29T16:52:46.123Z berthd: warning: ". */
static int log_head(char *buf, size_t size, enum log_level level, uint32_t ctid)
{
	static const char *const names[] = {"error", "warning", "info", "debug"};
	static const int priorities[] = {3, 4, 6, 7};
	char date[32] = "", ct[24] = "";
	struct timespec now;
	struct tm tm;

	if (ctid != 0)
		(void)snprintf(ct, sizeof(ct), "ct=%u ", ctid);
	if (log_journal)
		return snprintf(buf, size, "<%d>%s: %s", priorities[level], log_program, ct);
	if (clock_gettime(CLOCK_REALTIME, &now) == 0 && gmtime_r(&now.tv_sec, &tm) != NULL)
		(void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	return snprintf(buf, size, "%s.%03dZ %s: %s: %s", date, (int)(now.tv_nsec / 1000000),
			log_program, names[level], ct);
}

/* The head says which CT it is: "set: CT 101: no room" becomes "set: no room". */
static void log_name_once(char *text, uint32_t ctid)
{
	char name[24];
	size_t n = (size_t)snprintf(name, sizeof(name), "CT %u: ", ctid);
	char *at = strstr(text, name);

	if (ctid != 0 && at != NULL &&
	    (at == text || (at >= text + 2 && memcmp(at - 2, ": ", 2) == 0)))
		memmove(at, at + n, strlen(at + n) + 1);
}

void log_line(enum log_level level, uint32_t ctid, const char *fmt, ...)
{
	char text[600], line[4 * sizeof(text) + 128]; /* each byte may become \\xNN */
	va_list ap;
	size_t n;

	if (level > log_max)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_name_once(text, ctid);
	n = (size_t)log_head(line, sizeof(line), level, ctid);
	n += log_escape(line + n, sizeof(line) - n - 1, text);
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
	if (r == 0) {
		log_path = path;
		log_journal = false;
	}
	return r;
}

int log_reopen(void)
{
	return log_path == NULL ? 0 : log_to_file(log_path);
}
