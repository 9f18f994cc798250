/*
 * unpack_child.c - reads the archive; the only file that includes libarchive.
 *
 * libarchive's own guards (no "..", no absolute name, no writing through a link) are on, its names are
 * checked before that, and if all of it failed, "/" of this process is the directory being filled.
 */
#include "templates/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	READ_BLOCK = 64 * 1024,
	REPORT_EVERY = 1000,
	REPORT_IN = 1 << 20, /* bytes of the archive */
	REPORT_OUT = 64 << 20, /* bytes of files */
	REPORT_BLOCKS = 1 << 20, /* within one file */
	LOOK_PART = 10, /* so many times less entries than are allowed make an archive suspicious */
	LOOK_REPORT = 50000, /* entries */
	XATTRS_MAX = 32,
	XATTR_BYTES_MAX = 65536,
	LINK_INLINE = 60 /* bytes of a symbolic link that ext4 keeps in the inode */
};

struct unpack {
	struct archive *in, *out;
	int report_fd;
	const struct unpack_limits *limits;
	int archive_fd;
	off_t start; /* of the archive in its file; -1: not to be read twice */
	uint64_t entries, bytes, lengths, newest, now, left_out;
	uint64_t written, said_in, said_out; /* what the last report of progress was about */
};

static void report(const struct unpack *u, enum unpack_kind kind, int sys, const char *text)
{
	struct unpack_report r = {
		.kind = kind,
		.sys = (uint32_t)sys,
		.entries = u->entries,
		.newest = u->newest,
		.left_out = u->left_out,
	};
	ssize_t n;

	if (u->in != NULL)
		r.bytes_in = (uint64_t)archive_filter_bytes(u->in, -1);
	(void)snprintf(r.text, sizeof(r.text), "%s", text);
	n = write(u->report_fd, &r, sizeof(r));
	(void)n; /* nobody listens any more: we shall be killed */
}

/* Often enough to tell a slow archive from one that does not come. */
static void report_progress(struct unpack *u)
{
	uint64_t in = (uint64_t)archive_filter_bytes(u->in, -1);

	if (u->entries % REPORT_EVERY != 0 && in - u->said_in < REPORT_IN &&
	    u->written - u->said_out < REPORT_OUT)
		return;
	u->said_in = in;
	u->said_out = u->written;
	report(u, UNPACK_PROGRESS, 0, "");
}

__attribute__((format(printf, 3, 4))) static int fail(const struct unpack *u, int sys,
						      const char *fmt, ...)
{
	char text[sizeof(((struct unpack_report *)NULL)->text)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	report(u, UNPACK_FAILED, sys > 0 ? sys : EINVAL, text);
	return -1;
}

static int archive_error(const struct unpack *u, struct archive *a, const char *name)
{
	const char *why = archive_error_string(a);
	int sys = archive_errno(a);

	return fail(u, sys > 0 && sys < 4096 ? sys : EILSEQ, "%s%s%s", name,
		    *name != '\0' ? ": " : "", why != NULL ? why : "cannot be unpacked");
}

/*
 * Regular files, directories, links and FIFOs. 1: left out, and counted unless the CT gets its own: nodes in
 * chroots of daemons (bind, postfix) are seldom used, and no CT may make them.
 */
static int check_type(struct unpack *u, struct archive_entry *e, const char *name)
{
	switch (archive_entry_filetype(e)) {
	case AE_IFREG:
	case AE_IFDIR:
	case AE_IFLNK:
	case AE_IFIFO:
		return 0;
	case AE_IFCHR:
	case AE_IFBLK:
	case AE_IFSOCK:
		u->left_out += !unpack_name_in_dev(name);
		return 1;
	default:
		/* A hard link has no type of its own. */
		if (archive_entry_hardlink(e) != NULL)
			return 0;
		return fail(u, EINVAL, "%s: neither file, directory nor link", name);
	}
}

static int check_size(struct unpack *u, struct archive_entry *e, const char *name)
{
	int64_t size = archive_entry_size_is_set(e) ? archive_entry_size(e) : 0;

	uint64_t most = u->limits->lengths != 0 ? u->limits->lengths : u->limits->bytes;

	if (size < 0 || (uint64_t)size > most - u->lengths)
		return fail(u, EFBIG,
			    "%s: larger than the %llu MiB that the files of an import may have, "
			    "holes included",
			    name, (unsigned long long)(most >> 20));
	u->lengths += (uint64_t)size;
	return 0;
}

static int check_entry(struct unpack *u, struct archive_entry *e, const char *name)
{
	const char *link = archive_entry_hardlink(e);
	int64_t uid = archive_entry_uid(e), gid = archive_entry_gid(e);

	if (++u->entries > u->limits->entries)
		return fail(u, EFBIG, "more than %llu entries",
			    (unsigned long long)u->limits->entries);
	if (!unpack_name_ok(name))
		return fail(u, EINVAL,
			    "%.120s: this name is absolute, too long, or has \"..\" in it", name);
	if (link != NULL && !unpack_name_ok(link))
		return fail(u, EINVAL, "%.120s: a hard link to outside", name);
	if (uid < 0 || uid > UNPACK_ID_MAX || gid < 0 || gid > UNPACK_ID_MAX)
		return fail(u, EINVAL,
			    "%.120s: the id of its owner is above %d, the highest in a container",
			    name, UNPACK_ID_MAX);
	return check_size(u, e, name);
}

struct kept_xattr {
	char name[256];
	void *value;
	size_t size;
};

/* Takes out every attribute that is not allowed. How many bytes stay. */
static uint64_t filter_xattrs(struct archive_entry *e)
{
	static struct kept_xattr kept[XATTRS_MAX];
	const char *name;
	const void *value;
	size_t size, n = 0;
	uint64_t bytes = 0;

	(void)archive_entry_xattr_reset(e);
	while (n < XATTRS_MAX && archive_entry_xattr_next(e, &name, &value, &size) == ARCHIVE_OK) {
		if (!unpack_xattr_ok(name) || strlen(name) >= sizeof(kept[n].name) ||
		    size > XATTR_BYTES_MAX)
			continue;
		kept[n].value = malloc(size + 1);
		if (kept[n].value == NULL)
			continue;
		memcpy(kept[n].value, value, size);
		memcpy(kept[n].name, name, strlen(name) + 1);
		kept[n++].size = size;
	}
	archive_entry_xattr_clear(e);
	for (size_t i = 0; i < n; i++) {
		archive_entry_xattr_add_entry(e, kept[i].name, kept[i].value, kept[i].size);
		free(kept[i].value);
		bytes += strlen(kept[i].name) + kept[i].size;
	}
	return bytes;
}

static int take_room(struct unpack *u, uint64_t bytes, const char *name)
{
	u->bytes += bytes;
	if (u->bytes <= u->limits->bytes)
		return 0;
	return fail(u, EFBIG, "%s: more than the %llu MiB that an import may fill", name,
		    (unsigned long long)(u->limits->bytes >> 20));
}

/* What an entry takes beside its data, in blocks. */
static uint64_t room_of(struct archive_entry *e, uint64_t xattrs)
{
	const char *link = archive_entry_symlink(e);
	uint64_t blocks = (xattrs + UNPACK_BLOCK - 1) / UNPACK_BLOCK;

	if (archive_entry_filetype(e) == AE_IFDIR || (link != NULL && strlen(link) >= LINK_INLINE))
		blocks++;
	return blocks * UNPACK_BLOCK;
}

static int copy_data(struct unpack *u, struct archive_entry *e, const char *name)
{
	int64_t size = archive_entry_size(e);
	uint64_t last = UNPACK_NO_BLOCK;

	for (;;) {
		const void *block;
		size_t len;
		int64_t at;
		int r = archive_read_data_block(u->in, &block, &len, &at);

		if (r == ARCHIVE_EOF)
			return 0;
		if (r < ARCHIVE_OK)
			return archive_error(u, u->in, name);
		if (at < 0 || at > size || len > (uint64_t)(size - at))
			return fail(u, EILSEQ, "%s: it has more data than its header says", name);
		if (take_room(u, unpack_data_bytes(block, len, (uint64_t)at, &last), name) < 0)
			return -1;
		if (archive_write_data_block(u->out, block, len, at) < ARCHIVE_OK)
			return archive_error(u, u->out, name);
		u->written += len;
		if (u->written - u->said_out >= REPORT_BLOCKS)
			report_progress(u);
	}
}

static void note_time(struct unpack *u, struct archive_entry *e)
{
	time_t t = archive_entry_mtime(e);

	if (t > 0 && (uint64_t)t <= u->now && (uint64_t)t > u->newest)
		u->newest = (uint64_t)t;
}

static int unpack_entry(struct unpack *u, struct archive_entry *e)
{
	const char *name = archive_entry_pathname(e);
	int r;

	if (name == NULL)
		return fail(u, EILSEQ, "entry %llu has no readable name",
			    (unsigned long long)u->entries + 1);
	r = check_entry(u, e, name);
	if (r == 0)
		r = check_type(u, e, name);
	if (r != 0)
		return r < 0 ? r : 0;
	if (take_room(u, room_of(e, filter_xattrs(e)), name) < 0)
		return -1;
	note_time(u, e);
	if (archive_write_header(u->out, e) < ARCHIVE_OK)
		return archive_error(u, u->out, name);
	if (archive_entry_size_is_set(e) && archive_entry_size(e) > 0 && copy_data(u, e, name) < 0)
		return -1;
	if (archive_write_finish_entry(u->out) < ARCHIVE_OK)
		return archive_error(u, u->out, name);
	report_progress(u);
	return 0;
}

/* Only what libarchive reads by itself: its other filters would run programs. */
static void choose_formats(struct archive *in)
{
	(void)archive_read_support_format_tar(in);
	(void)archive_read_support_filter_gzip(in);
	(void)archive_read_support_filter_bzip2(in);
	(void)archive_read_support_filter_xz(in);
	(void)archive_read_support_filter_lzma(in);
	(void)archive_read_support_filter_zstd(in);
	(void)archive_read_support_filter_lz4(in);
}

/* A second reader of the archive, which leaves the first one's position alone. */
struct second {
	const struct unpack *u;
	int fd;
	off_t at, said;
	char buf[READ_BLOCK];
};

static la_ssize_t read_second(struct archive *a, void *data, const void **ret)
{
	struct second *s = data;
	ssize_t n = pread(s->fd, s->buf, sizeof(s->buf), s->at);

	if (n < 0)
		archive_set_error(a, errno, "read the archive");
	else
		s->at += n;
	/* Between two headers there may be a file of any size. */
	if (s->at - s->said >= REPORT_IN) {
		s->said = s->at;
		report(s->u, UNPACK_PROGRESS, 0, "");
	}
	*ret = s->buf;
	return n;
}

/*
 * Of an archive with many entries all are counted before more are unpacked: to make a million files takes minutes. What
 * is wrong with the archive besides, the first reader will find.
 */
static int look_ahead(struct unpack *u)
{
	static struct second s;
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	uint64_t n = 0;

	if (a == NULL)
		return fail(u, ENOMEM, "out of memory");
	s.u = u;
	s.fd = u->archive_fd;
	s.at = s.said = u->start;
	choose_formats(a);
	if (archive_read_open(a, &s, NULL, read_second, NULL) == ARCHIVE_OK)
		while (n <= u->limits->entries && archive_read_next_header(a, &e) == ARCHIVE_OK)
			if (++n % LOOK_REPORT == 0)
				report(u, UNPACK_PROGRESS, 0, "");
	(void)archive_read_free(a);
	return n <= u->limits->entries ? 0
				       : fail(u, EFBIG, "more than %llu entries",
					      (unsigned long long)u->limits->entries);
}

static int unpack_all(struct unpack *u)
{
	uint64_t look_at = u->limits->entries / LOOK_PART;
	struct archive_entry *e;
	int r;

	while ((r = archive_read_next_header(u->in, &e)) >= ARCHIVE_WARN && r != ARCHIVE_EOF) {
		if (unpack_entry(u, e) < 0)
			return -1;
		if (u->start >= 0 && u->entries == look_at && look_ahead(u) < 0)
			return -1;
	}
	if (r != ARCHIVE_EOF)
		return archive_error(u, u->in, "");
	if (u->entries == 0)
		return fail(u, ENODATA, "the archive is empty");
	/* Times and modes of directories are set now. */
	if (archive_write_close(u->out) < ARCHIVE_OK)
		return archive_error(u, u->out, "");
	report(u, UNPACK_DONE, 0, "");
	return 0;
}

int unpack_run(int archive_fd, int report_fd, const struct unpack_limits *limits)
{
	static const int flags = ARCHIVE_EXTRACT_OWNER | ARCHIVE_EXTRACT_PERM |
				 ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_ACL |
				 ARCHIVE_EXTRACT_XATTR | ARCHIVE_EXTRACT_SPARSE |
				 ARCHIVE_EXTRACT_SECURE_SYMLINKS | ARCHIVE_EXTRACT_SECURE_NODOTDOT |
				 ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS;
	struct unpack u = {.report_fd = report_fd,
			   .archive_fd = archive_fd,
			   .start = lseek(archive_fd, 0, SEEK_CUR),
			   .limits = limits,
			   .now = (uint64_t)time(NULL)};
	int r = -1;

	/* Names in pax headers are UTF-8 and reach us through the locale. */
	(void)setlocale(LC_CTYPE, "C.UTF-8");
	(void)umask(0);
	u.in = archive_read_new();
	u.out = archive_write_disk_new();
	if (u.in == NULL || u.out == NULL) {
		(void)fail(&u, ENOMEM, "out of memory");
	} else {
		choose_formats(u.in);
		(void)archive_write_disk_set_options(u.out, flags);
		if (archive_read_open_fd(u.in, archive_fd, READ_BLOCK) != ARCHIVE_OK)
			r = archive_error(&u, u.in, "");
		else
			r = unpack_all(&u);
	}
	(void)archive_read_free(u.in);
	(void)archive_write_free(u.out);
	return r < 0 ? 1 : 0;
}
