/* area.c - private areas: whose they are. */
#include "runtime/ct/area.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "runtime/base/value.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NO_UUID "damaged" /* in names of files */
#define NO_WORD "-"

static bool uuid_is_valid(const char *s)
{
	return strlen(s) == 36 && strspn(s, "0123456789abcdef-") == 36;
}

bool area_uuid_is_valid(const char *s)
{
	return s[0] == '\0' || uuid_is_valid(s);
}

const char *area_name(uint32_t ctid, char buf[AREA_NAME_MAX])
{
	(void)snprintf(buf, AREA_NAME_MAX, "%u", ctid);
	return buf;
}

/* The uuid as far as the facts can be read at all; the rest of them may be damaged. */
static int read_uuid(int dir, char uuid[37])
{
	char text[4096];
	int r = file_read_line_at(dir, "facts", text, sizeof(text));

	/* ELOOP, EISDIR: no file of ours, so damaged; other errors say nothing about it. */
	if (r < 0 && r != -ENOENT && r != -EFBIG && r != -ELOOP && r != -EISDIR)
		return r;
	if (r < 0 || value_get(text, "uuid", uuid, 37) < 0 || !uuid_is_valid(uuid))
		uuid[0] = '\0';
	return 0;
}

int area_id_read_dir(int dir, struct area_id *ret)
{
	struct statx st;
	int r = read_uuid(dir, ret->uuid);

	if (r < 0)
		return r;
	if (statx(dir, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &st) < 0)
		return -errno;
	ret->inode = st.stx_ino;
	ret->born = (st.stx_mask & STATX_BTIME) == 0
			    ? 0
			    : (uint64_t)st.stx_btime.tv_sec * 1000000000 + st.stx_btime.tv_nsec;
	return 0;
}

int area_id_read(int area_fd, uint32_t ctid, struct area_id *ret)
{
	char name[AREA_NAME_MAX];
	auto_close int dir = dir_open_at(area_fd, area_name(ctid, name));
	struct area_id id = {0};
	int r = dir < 0 ? dir : area_id_read_dir(dir, &id);

	if (r == 0)
		*ret = id;
	return r;
}

void area_id_format(const struct area_id *id, char words[3][40])
{
	(void)snprintf(words[0], 40, "%s", id->uuid[0] != '\0' ? id->uuid : NO_WORD);
	(void)snprintf(words[1], 40, "%" PRIu64, id->inode);
	(void)snprintf(words[2], 40, "%" PRIu64, id->born);
}

int area_id_parse(const char *const words[3], struct area_id *ret)
{
	struct area_id id = {0};

	if (strcmp(words[0], NO_WORD) != 0) {
		if (!uuid_is_valid(words[0]))
			return -EINVAL;
		(void)snprintf(id.uuid, sizeof(id.uuid), "%s", words[0]);
	}
	if (parse_u64(words[1], &id.inode) < 0 || parse_u64(words[2], &id.born) < 0)
		return -EINVAL;
	*ret = id;
	return 0;
}

static const char *left_name(uint32_t ctid, const char *uuid, const char *end,
			     char buf[AREA_NAME_MAX])
{
	(void)snprintf(buf, AREA_NAME_MAX, ".%u.%s.%s", ctid, uuid[0] != '\0' ? uuid : NO_UUID,
		       end);
	return buf;
}

const char *area_new_name(uint32_t ctid, const char *uuid, char buf[AREA_NAME_MAX])
{
	return left_name(ctid, uuid, "new", buf);
}

const char *area_gone_name(uint32_t ctid, const char *uuid, char buf[AREA_NAME_MAX])
{
	return left_name(ctid, uuid, "gone", buf);
}

/* ".101.UUID.new": each part is what berth itself writes there, or it is not berth's. */
int area_left_parse(const char *name, uint32_t *ret_ctid, struct area_id *ret)
{
	char copy[AREA_NAME_MAX], *part[3], *p = copy;
	struct area_id id = {0};

	if (name[0] != '.' || strlen(name) >= sizeof(copy))
		return -EINVAL;
	(void)snprintf(copy, sizeof(copy), "%s", name + 1);
	for (int i = 0; i < 3; i++)
		part[i] = strsep(&p, ".");
	if (part[1] == NULL || part[2] == NULL || p != NULL ||
	    (strcmp(part[2], "new") != 0 && strcmp(part[2], "gone") != 0))
		return -EINVAL;
	if (uuid_is_valid(part[1]))
		(void)snprintf(id.uuid, sizeof(id.uuid), "%s", part[1]);
	else if (strcmp(part[1], NO_UUID) != 0)
		return -EINVAL;
	if (parse_ctid(part[0], ret_ctid) < 0)
		return -EINVAL;
	*ret = id;
	return 0;
}
