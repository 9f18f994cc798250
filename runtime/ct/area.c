/* area.c - private areas: whose they are, and their removal. */
#include "runtime/ct/area.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "runtime/base/value.h"
#include "runtime/storage/volume.h"

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

static const char *area_name(uint32_t ctid, char buf[AREA_NAME_MAX])
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

static int id_read(int dir, struct area_id *ret)
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
	int r = dir < 0 ? dir : id_read(dir, &id);

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

static int remove_error(uint32_t ctid, const char *name, int r, struct berth_error *err)
{
	return berth_error_set(err, BERTH_ERR_DESTROY, -r, "CT %u: remove private/%s: %s", ctid,
			       name, strerror(-r));
}

/* 1: it is the one; 0: there is none. */
static int judge(uint32_t ctid, const struct area_id *meant, int r, const struct area_id *found,
		 struct berth_error *err)
{
	if (r == -ENOENT)
		return 0;
	switch (evidence_area(meant, r, found)) {
	case EVIDENCE_YES:
		return 1;
	case EVIDENCE_UNKNOWN:
		return berth_error_set(err, BERTH_ERR_DESTROY, -r,
				       "CT %u: whose private/%u is cannot be told (%s): it is not "
				       "removed",
				       ctid, ctid, strerror(-r));
	case EVIDENCE_NO:
		break;
	}
	return berth_error_set(err, BERTH_ERR_DESTROY, EEXIST,
			       "CT %u: private/%u is not the one that was to be removed (its facts "
			       "say UUID %s): it is kept; look at it and move it away yourself",
			       ctid, ctid, found->uuid[0] != '\0' ? found->uuid : "nothing");
}

int area_check(int area_fd, uint32_t ctid, const struct area_id *meant, struct berth_error *err)
{
	struct area_id found = {0};
	int r = area_id_read(area_fd, ctid, &found);

	return judge(ctid, meant, r, &found, err);
}

/* Is it still the directory that was looked at? */
static bool is_same_dir(int area_fd, const char *name, int dir)
{
	struct stat a, b;

	return fstatat(area_fd, name, &a, AT_SYMLINK_NOFOLLOW) == 0 && fstat(dir, &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* To the name of what is being removed. A full disk may have no room for a name: then the disk goes first. */
static int retire(int area_fd, int dir, const char *name, const char *gone)
{
	int r = 0;

	for (int i = 0; i < 2; i++) {
		r = renameat2(area_fd, name, area_fd, gone, RENAME_NOREPLACE) < 0 ? -errno : 0;
		if (r != -ENOSPC && r != -EDQUOT)
			break;
		volume_remove(dir);
	}
	if (r == 0 && !is_same_dir(area_fd, gone, dir)) {
		(void)renameat2(area_fd, gone, area_fd, name, RENAME_NOREPLACE);
		return -ESTALE;
	}
	(void)fsync(area_fd);
	return r;
}

int area_remove(int area_fd, uint32_t ctid, const struct area_id *meant, struct berth_error *err)
{
	char name[AREA_NAME_MAX], gone[AREA_NAME_MAX];
	auto_close int dir = dir_open_at(area_fd, area_name(ctid, name));
	struct area_id found = {0};
	int r = judge(ctid, meant, dir < 0 ? dir : id_read(dir, &found), &found, err);

	if (r <= 0)
		return r;
	left_name(ctid, meant->uuid, "gone", gone);
	r = tree_remove_at(area_fd, gone);
	if (r < 0)
		return remove_error(ctid, gone, r, err);
	r = retire(area_fd, dir, name, gone);
	if (r < 0)
		return remove_error(ctid, name, r, err);
	return area_remove_left(area_fd, ctid, meant, err);
}

int area_remove_left(int area_fd, uint32_t ctid, const struct area_id *meant,
		     struct berth_error *err)
{
	static const char *const ends[] = {"new", "gone"};
	char name[AREA_NAME_MAX];

	for (int i = 0; i < 2; i++) {
		int r = tree_remove_at(area_fd, left_name(ctid, meant->uuid, ends[i], name));

		if (r < 0)
			return remove_error(ctid, name, r, err);
	}
	(void)fsync(area_fd);
	return 0;
}
