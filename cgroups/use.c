/* use.c - what a CT waits for and what it moves: pressure stall information, disk. Parsers are pure. */
#include "cgroups/host.h"

#include "runtime/base/fd.h"
#include "runtime/base/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

enum {
	TEXT_MAX = 16384,
	PERCENT_MAX = 10000 /* hundredths */
};

static const char *const pressure_names[CG_PRESSURES] = {
	[CG_PRESSURE_CPU] = "cpu",
	[CG_PRESSURE_MEMORY] = "memory",
	[CG_PRESSURE_IO] = "io",
};

/* ---- pure ---- */

static bool skip_word(const char **p, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(*p, word, len) != 0)
		return false;
	*p += len;
	return true;
}

/* "WORD12.34": hundredths. */
static bool take_percent(const char **p, const char *word, uint32_t *ret)
{
	uint64_t whole, part;
	const char *dot;

	if (!skip_word(p, word) || parse_next(p, "", 10, &whole) < 0 || **p != '.')
		return false;
	dot = ++*p;
	if (parse_next(p, "", 10, &part) < 0 || *p - dot != 2 || whole > PERCENT_MAX / 100)
		return false;
	*ret = (uint32_t)(whole * 100 + part);
	return true;
}

static bool take_stall(const char *line, struct cg_stall *ret)
{
	struct cg_stall s;

	if (!take_percent(&line, " avg10=", &s.avg10) ||
	    !take_percent(&line, " avg60=", &s.avg60) ||
	    !take_percent(&line, " avg300=", &s.avg300) || !skip_word(&line, " total=") ||
	    parse_next(&line, "", 10, &s.usec) < 0 || (*line != '\n' && *line != '\0'))
		return false;
	*ret = s;
	return true;
}

int cg_pressure_parse(const char *text, struct cg_pressure *ret)
{
	struct cg_pressure p = {.known = true};
	const char *full = strchr(text, '\n');

	if (!skip_word(&text, "some") || !take_stall(text, &p.some))
		return -EINVAL;
	/* Kernels before 5.13 have no such line of the CPU. */
	if (full != NULL && strncmp(full + 1, "full", 4) == 0 && !take_stall(full + 5, &p.full))
		return -EINVAL;
	*ret = p;
	return 0;
}

/* KEY=NUMBER among the words of one line; 0 when it is not there. */
static uint64_t word_value(const char *line, const char *key)
{
	size_t len = strcspn(line, "\n"), key_len = strlen(key);
	uint64_t v;

	for (const char *p = line; p < line + len; p++) {
		p += strspn(p, " ");
		if (strncmp(p, key, key_len) == 0) {
			p += key_len;
			return parse_next(&p, "", 10, &v) == 0 ? v : 0;
		}
		p += strcspn(p, " \n");
	}
	return 0;
}

int cg_io_parse(const char *text, dev_t dev, struct cg_io *ret)
{
	char key[32], line[512];

	(void)snprintf(key, sizeof(key), "%u:%u", major(dev), minor(dev));
	if (cg_parse_line(text, key, line, sizeof(line)) < 0)
		return -ENOENT; /* it has moved nothing yet */
	*ret = (struct cg_io){.read_bytes = word_value(line, "rbytes="),
			      .write_bytes = word_value(line, "wbytes="),
			      .reads = word_value(line, "rios="),
			      .writes = word_value(line, "wios=")};
	return 0;
}

/* v1: "MAJ:MIN Read N" and "MAJ:MIN Write N", each a line. */
int cg_io_parse_v1(const char *text, dev_t dev, uint64_t *ret_read, uint64_t *ret_write)
{
	char key[48];
	int r, w;

	(void)snprintf(key, sizeof(key), "%u:%u Read", major(dev), minor(dev));
	r = cg_parse_key(text, key, ret_read);
	(void)snprintf(key, sizeof(key), "%u:%u Write", major(dev), minor(dev));
	w = cg_parse_key(text, key, ret_write);
	return r < 0 ? r : w;
}

/* ---- read ---- */

void cg_ct_pressure(const struct cg_host *h, uint32_t ctid, enum cg_pressure_of of,
		    struct cg_pressure *ret)
{
	char file[32], text[512];

	*ret = (struct cg_pressure){0};
	(void)snprintf(file, sizeof(file), "%s.pressure", pressure_names[of]);
	if (h->hier[0].berth >= 0 && cg_read(&h->hier[0], ctid, file, text, sizeof(text)) == 0)
		(void)cg_pressure_parse(text, ret);
}

void cg_host_pressure(enum cg_pressure_of of, struct cg_pressure *ret)
{
	char file[32], text[512];

	*ret = (struct cg_pressure){0};
	(void)snprintf(file, sizeof(file), "/proc/pressure/%s", pressure_names[of]);
	if (file_read_value_at(AT_FDCWD, file, text, sizeof(text)) == 0)
		(void)cg_pressure_parse(text, ret);
}

void cg_ct_io(const struct cg_host *h, uint32_t ctid, dev_t dev, struct cg_io *ret)
{
	const struct cg_hier *hi = cg_hier_of(h, CG_IO);
	char text[TEXT_MAX];

	*ret = (struct cg_io){0};
	if (hi == NULL || hi->berth < 0)
		return;
	if (hi->v2) {
		if (cg_read(hi, ctid, "io.stat", text, sizeof(text)) == 0)
			(void)cg_io_parse(text, dev, ret);
		return;
	}
	if (cg_read(hi, ctid, "blkio.throttle.io_service_bytes_recursive", text, sizeof(text)) == 0)
		(void)cg_io_parse_v1(text, dev, &ret->read_bytes, &ret->write_bytes);
	if (cg_read(hi, ctid, "blkio.throttle.io_serviced_recursive", text, sizeof(text)) == 0)
		(void)cg_io_parse_v1(text, dev, &ret->reads, &ret->writes);
}

uint64_t cg_ct_cache(const struct cg_host *h, uint32_t ctid)
{
	const struct cg_hier *hi = cg_hier_of(h, CG_MEMORY);
	uint64_t active = 0, inactive = 0;
	char text[TEXT_MAX];

	if (hi == NULL || hi->berth < 0 || cg_read(hi, ctid, "memory.stat", text, sizeof(text)) < 0)
		return 0;
	(void)cg_parse_key(text, hi->v2 ? "active_file" : "total_active_file", &active);
	(void)cg_parse_key(text, hi->v2 ? "inactive_file" : "total_inactive_file", &inactive);
	return active + inactive;
}
