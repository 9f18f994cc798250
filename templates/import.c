/*
 * import.c - a template from an archive that nobody vouches for.
 *
 * The archive is read by a child that owns nothing but an id-mapped view of the stage's root/: ids on
 * disk are the CT's 0..65535, the ids that the child works with are id_base and up. Here, only the
 * finished tree is looked at, through openat2(RESOLVE_IN_ROOT).
 */
#include "runtime/base/child.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/ev.h"
#include "runtime/base/fault.h"
#include "runtime/base/fd.h"
#include "templates/guest.h"
#include "templates/identity.h"
#include "templates/inspect.h"
#include "templates/template_private.h"
#include "templates/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum {
	ENTRIES_MAX = 1000000,
	SECONDS_MAX = 1800,
	QUIET_MAX = 300,
	END_MS = 30000
};
#define BYTES_MAX ((uint64_t)64 << 30) /* of data */
#define LENGTHS_MAX ((uint64_t)64 << 30) /* of files with holes: mkfs.erofs reads those too */

struct import {
	const struct stage *stage;
	const char *name;
	int archive_fd;
	uint64_t archive_bytes; /* 0: unknown */
	struct unpack_limits limits;
	template_progress_fn *fn;
	void *data;
	uint64_t newest, left_out; /* what the unpacker has found */
	char *note; /* TEMPLATE_NOTE_MAX bytes, or NULL */
};

/* Makes the namespace and waits until its descriptor is taken. */
static void userns_child(int ready, int go)
{
	char c = 0;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || unshare(CLONE_NEWUSER) < 0)
		_exit(1);
	if (write(ready, &c, 1) != 1 || read(go, &c, 1) < 0)
		_exit(1);
	_exit(0);
}

static int write_map(pid_t pid, const char *file, uint32_t id_base)
{
	char path[64], map[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	(void)snprintf(map, sizeof(map), "0 %u %u", id_base, UNPACK_ID_MAX + 1);
	return file_write_value_at(AT_FDCWD, path, map);
}

static int map_and_open(pid_t pid, uint32_t id_base)
{
	char path[64];
	int r = write_map(pid, "uid_map", id_base);

	if (r == 0)
		r = write_map(pid, "gid_map", id_base);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	r = open(path, O_RDONLY | O_CLOEXEC);
	return r < 0 ? -errno : r;
}

static int make_userns(uint32_t id_base, struct berth_error *err)
{
	int ready[2], go[2], fd = -EPIPE;
	pid_t pid;
	char c;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return berth_error_sys(err, errno, "pipe");
	if (pipe2(go, O_CLOEXEC) < 0) {
		fd_close(&ready[0]);
		fd_close(&ready[1]);
		return berth_error_sys(err, EMFILE, "pipe");
	}
	pid = fork();
	if (pid == 0) {
		fd_close(&go[1]);
		userns_child(ready[1], go[0]);
	}
	fd_close(&ready[1]);
	fd_close(&go[0]);
	if (pid > 0 && fd_wait(ready[0], POLLIN, END_MS) == 1 && read(ready[0], &c, 1) == 1)
		fd = map_and_open(pid, id_base);
	fd_close(&ready[0]);
	fd_close(&go[1]);
	if (pid > 0)
		(void)child_end(pid, END_MS, NULL);
	return fd < 0 ? berth_error_sys(err, fd, "make a user namespace for ids %u..%u", id_base,
					id_base + UNPACK_ID_MAX)
		      : fd;
}

static int make_tree(const struct stage *s, int userns_fd, struct berth_error *err)
{
	auto_close int fd =
		(int)syscall(SYS_open_tree, s->fd, "root", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	struct mount_attr attr = {
		.attr_set =
			MOUNT_ATTR_IDMAP | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
		.userns_fd = (unsigned int)userns_fd,
	};

	if (fd < 0)
		return berth_error_sys(err, errno, "open_tree %s", s->root);
	if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return berth_error_set(
			err, BERTH_ERR_UNSUPPORTED, errno,
			"the file system of %s cannot map ids (%s): keep templates on "
			"ext4, xfs or btrfs",
			s->dir, strerror(errno));
	return take_fd(&fd);
}

/* The archive's bytes in an error: printable ones only. */
static void make_printable(char *text, size_t size)
{
	text[size - 1] = '\0';
	for (char *p = text; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
}

static void show_progress(const struct import *im, const struct unpack_report *m)
{
	char what[64];
	int percent = -1;

	(void)snprintf(what, sizeof(what), "unpacking: %llu files", (unsigned long long)m->entries);
	if (im->archive_bytes > 0 && m->bytes_in <= im->archive_bytes)
		percent = (int)(m->bytes_in * 80 / im->archive_bytes);
	im->fn(what, percent, im->data);
}

static int refuse(const struct import *im, int sys, const char *why, struct berth_error *err)
{
	enum berth_errcode code =
		sys == ENOSPC || sys == EDQUOT ? BERTH_ERR_NO_SPACE : BERTH_ERR_BAD_TEMPLATE;

	return berth_error_set(err, code, sys, "the archive of template '%s' is refused: %s",
			       im->name, why);
}

static void show_report(const struct unpack_report *m, void *data)
{
	show_progress(data, m);
}

/* Until the child closes the pipe or its time is over (*last tells how it ended). */
static int follow(struct import *im, int fd, struct unpack_report *last, struct berth_error *err)
{
	int r = unpack_follow(fd, &im->limits, last, show_report, im);

	if (r == -ETIME)
		return berth_error_set(err, BERTH_ERR_TIMEOUT, ETIMEDOUT,
				       "unpacking template '%s' made no progress for %u s; check "
				       "where the archive comes from, and the disk",
				       im->name, im->limits.quiet);
	if (r < 0)
		return berth_error_set(err, BERTH_ERR_TIMEOUT, ETIMEDOUT,
				       "unpacking template '%s' took more than %u s", im->name,
				       im->limits.seconds);
	return 0;
}

static int judge(const struct import *im, struct unpack_report *last, int status,
		 struct berth_error *err)
{
	char why[96];

	if (last->kind == UNPACK_FAILED) {
		make_printable(last->text, sizeof(last->text));
		return refuse(im, last->sys < 4096 ? (int)last->sys : EINVAL, last->text, err);
	}
	if (last->kind == UNPACK_DONE && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFSIGNALED(status))
		(void)snprintf(why, sizeof(why), "its unpacker was ended by signal %d (%s)",
			       WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		(void)snprintf(why, sizeof(why), "its unpacker ended early");
	return refuse(im, EIO, why, err);
}

static int unpack(struct import *im, int tree_fd, int userns_fd, struct berth_error *err)
{
	struct unpack_report last = {.kind = UNPACK_PROGRESS};
	int p[2], status = 0, r;
	pid_t pid;

	r = FAULT_STEP("import.unpack", err);
	if (r < 0)
		return r;
	if (pipe2(p, O_CLOEXEC) < 0)
		return berth_error_sys(err, errno, "pipe");
	pid = fork();
	if (pid == 0)
		_exit(unpack_child(im->stage->root, tree_fd, userns_fd, im->archive_fd, p[1],
				   &im->limits));
	fd_close(&p[1]);
	if (pid < 0) {
		fd_close(&p[0]);
		return berth_error_sys(err, errno, "fork the unpacker");
	}
	r = follow(im, p[0], &last, err);
	fd_close(&p[0]);
	/* It has said its last word: what is left to it is to end. */
	if (r == 0 && child_wait(pid, END_MS, &status) < 0)
		r = berth_error_set(err, BERTH_ERR_TIMEOUT, ETIMEDOUT,
				    "the unpacker of template '%s' did not end", im->name);
	if (r < 0)
		(void)child_end(pid, END_MS, NULL);
	if (r == 0)
		r = judge(im, &last, status, err);
	if (r == 0) {
		im->newest = last.newest;
		im->left_out = last.left_out;
	}
	return r;
}

/* Never the last tenth of the disk: running CTs write there. */
static int choose_limits(struct import *im, struct berth_error *err)
{
	struct statvfs v;
	struct stat st;
	uint64_t room;

	if (fstatvfs(im->stage->fd, &v) < 0)
		return berth_error_sys(err, errno, "statvfs %s", im->stage->dir);
	/* The tree and its image stand side by side for a while. */
	room = (uint64_t)v.f_bavail * v.f_frsize / 20 * 9;
	im->limits = (struct unpack_limits){.bytes = room < BYTES_MAX ? room : BYTES_MAX,
					    .entries = ENTRIES_MAX,
					    .lengths = LENGTHS_MAX,
					    .seconds = SECONDS_MAX,
					    .quiet = QUIET_MAX};
	if (fstat(im->archive_fd, &st) == 0 && S_ISREG(st.st_mode))
		im->archive_bytes = (uint64_t)st.st_size;
	return 0;
}

/* Two CTs of the template must not be one system: identity.h. */
static int take_out_identity(const struct import *im, int root_fd, struct berth_error *err)
{
	char found[IDENTITY_TEXT_MAX], nodes[96] = "";
	int r = identity_remove(root_fd, found);

	if (r < 0)
		return berth_error_sys(
			err, r, "template '%s': remove host keys and machine-id from it", im->name);
	if (im->note == NULL)
		return 0;
	if (im->left_out > 0)
		(void)snprintf(nodes, sizeof(nodes), "left out %llu device nodes and sockets",
			       (unsigned long long)im->left_out);
	(void)snprintf(im->note, TEMPLATE_NOTE_MAX, "%s%s%s%s%s", nodes,
		       nodes[0] != '\0' && found[0] != '\0' ? "; " : "",
		       found[0] != '\0' ? "removed, so that no two containers share them: " : "",
		       found,
		       strstr(found, "SSH") != NULL && !guest_makes_ssh_keys(root_fd)
			       ? " (make new keys in each container: ssh-keygen -A)"
			       : "");
	return 0;
}

static int import_into(struct import *im, uint32_t id_base, struct berth_error *err)
{
	auto_close int userns_fd = make_userns(id_base, err);
	auto_close int tree_fd = -EBADF, root_fd = -EBADF;
	struct template_info t = {0};
	struct berth_error why = {0};
	int r;

	if (userns_fd < 0)
		return userns_fd;
	tree_fd = make_tree(im->stage, userns_fd, err);
	if (tree_fd < 0)
		return tree_fd;
	r = unpack(im, tree_fd, userns_fd, err);
	if (r < 0)
		return r;
	root_fd = dir_open_at(im->stage->fd, "root");
	if (root_fd < 0)
		return berth_error_sys(err, root_fd, "open %s", im->stage->root);
	r = FAULT_STEP("import.inspect", err);
	if (r < 0)
		return r;
	r = root_inspect(root_fd, &t, &why);
	if (r < 0)
		return refuse(im, -r, why.msg, err);
	r = take_out_identity(im, root_fd, err);
	if (r < 0)
		return r;
	im->fn("making the image", 85, im->data);
	return stage_publish(im->stage, im->name, im->newest, &t, err);
}

static void no_progress(const char *what, int percent, void *data)
{
	(void)what;
	(void)percent;
	(void)data;
}

int import_within(const char *template_dir, const char *name, int archive_fd, uint32_t id_base,
		  const struct unpack_limits *limits, template_progress_fn *fn, void *data,
		  char *note, struct berth_error *err)
{
	struct import im = {.name = name,
			    .archive_fd = archive_fd,
			    .fn = fn != NULL ? fn : no_progress,
			    .data = data,
			    .note = note};
	struct stage s;
	int r = stage_open(template_dir, name, &s, err);

	if (note != NULL)
		*note = '\0';
	if (r < 0)
		return r;
	im.stage = &s;
	r = choose_limits(&im, err);
	if (limits != NULL)
		im.limits = *limits;
	if (r == 0)
		r = import_into(&im, id_base, err);
	if (r == 0)
		im.fn("done", 100, data);
	stage_close(&s);
	return r;
}

int template_import(const char *template_dir, const char *name, int archive_fd, uint32_t id_base,
		    template_progress_fn *fn, void *data, char *note, struct berth_error *err)
{
	return import_within(template_dir, name, archive_fd, id_base, NULL, fn, data, note, err);
}
