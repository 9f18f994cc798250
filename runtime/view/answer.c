/*
 * answer.c - FUSE, as far as a flat directory of read-only files needs it. libfuse3 is not used: it cannot go on with a
 * connection that another process has begun (its session takes nothing before an INIT), and that is all the point.
 * Nodes: 1 is the root, 2 and up are enum view_file.
 */
#include "runtime/view/view.h"

#include <errno.h>
#include <linux/fuse.h>
#include <string.h>
#include <sys/stat.h>

enum {
	NODE_FIRST = 2,
	NAMES_VALID_SEC = 86400,
	BLOCK = 4096,
	VERSION_MIN = 19
};

/* The body follows the header in the request. */
struct request {
	struct fuse_in_header head;
	const char *body;
	size_t len;
};

struct answer {
	char *at; /* of the body */
	size_t len;
};

static bool node_is_file(uint64_t node)
{
	return node >= NODE_FIRST && node < NODE_FIRST + VIEW_FILES;
}

static void fill_attr(uint64_t node, struct fuse_attr *a)
{
	*a = (struct fuse_attr){
		.ino = node,
		.mode = node == FUSE_ROOT_ID ? S_IFDIR | 0555 : S_IFREG | 0444,
		.nlink = node == FUSE_ROOT_ID ? 2 : 1,
		.blksize = BLOCK,
	};
}

static int put(struct answer *a, const void *p, size_t len)
{
	if (len > 0) /* of nothing p may be NULL */
		memcpy(a->at + a->len, p, len);
	a->len += len;
	return 0;
}

static int answer_init(const struct request *q, struct answer *a)
{
	struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION,
				    .minor = FUSE_KERNEL_MINOR_VERSION,
				    .max_background = 16,
				    .congestion_threshold = 12,
				    .max_write = BLOCK,
				    .time_gran = 1};
	uint32_t theirs[2];

	if (q->len < sizeof(theirs))
		return -EPROTO;
	memcpy(theirs, q->body, sizeof(theirs));
	if (theirs[0] != FUSE_KERNEL_VERSION || theirs[1] < VERSION_MIN)
		return -EPROTO;
	if (theirs[1] < out.minor)
		out.minor = theirs[1];
	return put(a, &out, sizeof(out));
}

static int answer_lookup(const struct request *q, struct answer *a)
{
	size_t len = strnlen(q->body, q->len);

	if (q->head.nodeid != FUSE_ROOT_ID)
		return -ENOTDIR;
	for (unsigned int i = 0; i < VIEW_FILES; i++) {
		struct fuse_entry_out out = {.nodeid = NODE_FIRST + i,
					     .entry_valid = NAMES_VALID_SEC};

		if (strlen(view_places[i].name) != len ||
		    memcmp(view_places[i].name, q->body, len) != 0)
			continue;
		fill_attr(out.nodeid, &out.attr);
		return put(a, &out, sizeof(out));
	}
	return -ENOENT;
}

static int answer_getattr(const struct request *q, struct answer *a)
{
	struct fuse_attr_out out = {.attr_valid =
					    0}; /* what it thinks of the size is to be put right */

	if (q->head.nodeid != FUSE_ROOT_ID && !node_is_file(q->head.nodeid))
		return -ENOENT;
	fill_attr(q->head.nodeid, &out.attr);
	return put(a, &out, sizeof(out));
}

/* Not by way of the page cache: each read is to see what is so now. */
static int answer_open(const struct request *q, struct answer *a)
{
	struct fuse_open_out out = {.open_flags = FOPEN_DIRECT_IO};

	if (q->head.opcode == FUSE_OPENDIR)
		out.open_flags = 0;
	return put(a, &out, sizeof(out));
}

static int answer_read(const struct request *q, const struct view_reader *reader, struct answer *a)
{
	struct fuse_read_in in;
	const char *text;
	size_t n, most = VIEW_ANSWER_MAX - sizeof(struct fuse_out_header);

	if (!node_is_file(q->head.nodeid))
		return -EISDIR;
	if (q->len < sizeof(in))
		return -EINVAL;
	memcpy(&in, q->body, sizeof(in));
	n = reader->read(reader->data, (enum view_file)(q->head.nodeid - NODE_FIRST), in.offset,
			 in.size < most ? in.size : most, &text);
	return put(a, text, n);
}

/* offset: how many names were given before. */
static int answer_readdir(const struct request *q, struct answer *a)
{
	struct fuse_read_in in;

	if (q->head.nodeid != FUSE_ROOT_ID)
		return -ENOTDIR;
	if (q->len < sizeof(in))
		return -EINVAL;
	memcpy(&in, q->body, sizeof(in));
	for (uint64_t i = in.offset; i < VIEW_FILES; i++) {
		size_t len = strlen(view_places[i].name);
		struct fuse_dirent d = {.ino = NODE_FIRST + i,
					.off = i + 1,
					.namelen = (uint32_t)len,
					.type = S_IFREG >> 12};
		size_t padded = FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + len);

		if (a->len + padded > in.size || a->len + padded > BLOCK)
			break;
		memset(a->at + a->len, 0, padded);
		memcpy(a->at + a->len, &d, FUSE_NAME_OFFSET);
		memcpy(a->at + a->len + FUSE_NAME_OFFSET, view_places[i].name, len);
		a->len += padded;
	}
	return 0;
}

static int answer_statfs(struct answer *a)
{
	struct fuse_statfs_out out = {.st = {.bsize = BLOCK, .namelen = 255, .frsize = BLOCK}};

	return put(a, &out, sizeof(out));
}

/* -errno, or 0 with what stands in a. */
static int answer_body(const struct request *q, const struct view_reader *reader, struct answer *a)
{
	switch (q->head.opcode) {
	case FUSE_INIT:
		return answer_init(q, a);
	case FUSE_LOOKUP:
		return answer_lookup(q, a);
	case FUSE_GETATTR:
		return answer_getattr(q, a);
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		return answer_open(q, a);
	case FUSE_READ:
		return answer_read(q, reader, a);
	case FUSE_READDIR:
		return answer_readdir(q, a);
	case FUSE_STATFS:
		return answer_statfs(a);
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_DESTROY:
		return 0;
	default:
		return -ENOSYS;
	}
}

/*
 * Requests are answered one by one, so what somebody does not want to wait for any more is one that a process before
 * us took and did not answer: it is answered now.
 */
static int answer_interrupt(const struct request *q, struct fuse_out_header *head)
{
	struct fuse_interrupt_in in;

	if (q->len < sizeof(in))
		return -EBADMSG;
	memcpy(&in, q->body, sizeof(in));
	head->unique = in.unique;
	head->error = -EINTR;
	return 0;
}

ssize_t view_answer(const void *request, size_t len, const struct view_reader *reader, void *ret)
{
	struct fuse_out_header head = {0};
	struct answer a = {.at = (char *)ret + sizeof(head)};
	struct request q;

	if (len < sizeof(q.head))
		return -EBADMSG;
	memcpy(&q.head, request, sizeof(q.head));
	q.body = (const char *)request + sizeof(q.head);
	q.len = len - sizeof(q.head);
	head.unique = q.head.unique;
	if (q.head.opcode == FUSE_FORGET || q.head.opcode == FUSE_BATCH_FORGET)
		return 0;
	if (q.head.opcode == FUSE_INTERRUPT) {
		if (answer_interrupt(&q, &head) < 0)
			return -EBADMSG;
	} else {
		head.error = answer_body(&q, reader, &a);
	}
	head.len = (uint32_t)(sizeof(head) + (head.error == 0 ? a.len : 0));
	memcpy(ret, &head, sizeof(head));
	return (ssize_t)head.len;
}
