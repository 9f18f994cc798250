/*
 * guest_once.c - what makes one CT of a template differ from the next: SSH host keys and machine-id where no systemd
 * makes them, the time of cron's jobs.
 */
#include "templates/guest.h"

#include "runtime/base/hash.h"
#include "templates/guest_text.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Debian's init script reads the file whatever init there is. Once the keys are there the section goes. */
int guest_ssh_text(const char *old, bool wanted, char *buf, size_t size)
{
	return guest_section_put(old,
				 wanted ? "# This container's own SSH host keys, made once.\n"
					  "/usr/bin/ssh-keygen -A >/dev/null || true\n"
					: "",
				 buf, size);
}

/* An identifier of machine-id(5) is a uuid without the dashes. */
int guest_machine_id_text(const char *uuid, char *buf, size_t size)
{
	struct text t;

	text_start(&t, buf, size);
	for (const char *p = uuid; *p != '\0'; p++) {
		if (*p != '-' && !isxdigit((unsigned char)*p))
			return -EINVAL;
		if (*p != '-')
			text_put(&t, p, 1);
	}
	if (t.used != 32)
		return -EINVAL;
	text_put(&t, "\n", 1);
	return text_end(&t);
}

/* ---- cron ---- */

enum {
	HOUR = 60,
	EARLIER_MAX = 6 * HOUR /* minutes: a job stays in the same night */
};

/* A line of a crontab that begins with these two fields: minutes since midnight, or of each hour. */
struct cron_time {
	unsigned int minute, hour;
	bool hourly;
	const char *rest; /* what follows them */
};

static const char *read_field(const char *p, unsigned int below, unsigned int *ret)
{
	char *end;
	unsigned long v;

	if (*p < '0' || *p > '9')
		return NULL;
	v = strtoul(p, &end, 10);
	if (v >= below || (*end != ' ' && *end != '\t'))
		return NULL;
	*ret = (unsigned int)v;
	return end;
}

static bool read_time(const char *line, struct cron_time *ret)
{
	const char *p = read_field(line, HOUR, &ret->minute);

	if (p == NULL)
		return false;
	p += strspn(p, " \t");
	ret->hourly = *p == '*' && (p[1] == ' ' || p[1] == '\t');
	p = ret->hourly ? p + 1 : read_field(p, 24, &ret->hour);
	ret->rest = p;
	return p != NULL;
}

/* The jobs of the distribution itself: those are what all CTs do at the same time. */
static bool is_of_distribution(const char *line, size_t len)
{
	static const char *const folders[] = {
		"/cron.hourly",	    "/cron.daily",     "/cron.weekly",	   "/cron.monthly",
		"/periodic/hourly", "/periodic/daily", "/periodic/weekly", "/periodic/monthly",
	};

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (memmem(line, len, folders[i], strlen(folders[i])) != NULL)
			return true;
	return false;
}

int guest_cron_text(const char *old, const char *uuid, char *buf, size_t size)
{
	uint64_t seed = hash_fnv1a(HASH_BEGIN, uuid, strlen(uuid));
	struct text t;

	text_start(&t, buf, size);
	for (const char *line = old, *next; *line != '\0'; line = next) {
		size_t len = strcspn(line, "\n");
		struct cron_time c = {0};

		next = line + len + (line[len] == '\n');
		if (is_of_distribution(line, len) && read_time(line, &c)) {
			unsigned int at = c.hour * HOUR + c.minute;
			unsigned int most = at < EARLIER_MAX ? at : EARLIER_MAX;

			at -= (unsigned int)(seed % (most + 1));
			if (c.hourly)
				text_add(&t, "%u *", (unsigned int)(seed % HOUR));
			else
				text_add(&t, "%u %u", at % HOUR, at / HOUR);
			line = c.rest;
		}
		text_put(&t, line, (size_t)(next - line));
	}
	return text_end(&t);
}
