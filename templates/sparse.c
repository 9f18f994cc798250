/*
 * sparse.c - files with large holes, and how mkfs.erofs is to store them.
 *
 * mkfs.erofs 1.5 writes a hole as so many zeros. Compressed with LZ4 they take 5 MiB a GiB and a second to make; so the
 * files with large holes are compressed, and no other: the pages of those are the image's own.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "templates/template_private.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	HINTS_MAX = 256, /* each file's name is compared with each hint */
	HOLE_MIN = 256 << 10 /* bytes of one file; less is stored as zeros */
};
#define ZEROS_MAX (UINT64_C(64) << 20) /* that we let an image store */

uint64_t sparse_hole(uint64_t size, uint64_t blocks)
{
	return size > blocks * 512 ? size - blocks * 512 : 0;
}

/* A pattern is read to the end of its line and compared as an extended regular expression, byte by byte. */
int sparse_hint(const char *path, char *buf, size_t size)
{
	size_t n = (size_t)snprintf(buf, size, "%d ^", SPARSE_CLUSTER);

	if (n + strlen(path) + sizeof("$\n") > size)
		return -ENAMETOOLONG;
	for (const char *p = path; *p != '\0'; p++)
		buf[n++] = isalnum((unsigned char)*p) || *p == '/' || *p == '_' ? *p : '.';
	buf[n++] = '$';
	buf[n++] = '\n';
	buf[n] = '\0';
	return (int)n;
}

struct walk {
	const char *root;
	int fd; /* of the hints */
	unsigned int hints;
	uint64_t holes, zeros; /* bytes; zeros: of these what no hint is for */
};

static int look_at(struct walk *w, const FTSENT *e)
{
	uint64_t hole =
		sparse_hole((uint64_t)e->fts_statp->st_size, (uint64_t)e->fts_statp->st_blocks);
	char line[SPARSE_HINT_MAX];
	int n;

	w->holes += hole;
	n = hole >= HOLE_MIN && w->hints < HINTS_MAX
		    ? sparse_hint(e->fts_path + strlen(w->root) + 1, line, sizeof(line))
		    : -ENOSPC;
	if (n < 0) {
		w->zeros += hole;
		return 0;
	}
	w->hints++;
	return fd_write_all(w->fd, line, (size_t)n);
}

static int walk_tree(struct walk *w)
{
	char root[STAGE_PATH_MAX];
	char *const paths[] = {root, NULL};
	FTS *fts;
	FTSENT *e;
	int r = 0;

	(void)snprintf(root, sizeof(root), "%s", w->root);
	fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	if (fts == NULL)
		return -errno;
	while (r == 0 && (errno = 0, e = fts_read(fts)) != NULL) {
		if (e->fts_info == FTS_F)
			r = look_at(w, e);
		else if (e->fts_info == FTS_ERR || e->fts_info == FTS_DNR || e->fts_info == FTS_NS)
			r = -e->fts_errno;
	}
	if (r == 0)
		r = -errno;
	(void)fts_close(fts);
	return r;
}

int sparse_look(const char *root, int dirfd, const char *hints)
{
	static const char rest[] = "0 .*\n"; /* not compressed */
	struct walk w = {.root = root};
	auto_close int fd =
		openat(dirfd, hints, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r;

	if (fd < 0)
		return -errno;
	w.fd = fd;
	r = walk_tree(&w);
	if (r == 0)
		r = fd_write_all(fd, rest, strlen(rest));
	if (r < 0)
		return r;
	if (w.zeros > ZEROS_MAX)
		return SPARSE_ALL;
	return w.hints > 0 && w.holes > HOLE_MIN ? SPARSE_SOME : SPARSE_NONE;
}
