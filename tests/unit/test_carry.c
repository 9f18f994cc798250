/*
 * test_carry.c - what of a process CRIU cannot save is known by what /proc says of it.
 *
 * covers: runtime/checkpoint/carry.c
 */
#include "runtime/checkpoint/carry.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *name_of(const struct carry_no *no)
{
	return no == NULL ? "" : no->name;
}

static void descriptors_that_cannot_be_saved_are_known(void)
{
	CHECK(strcmp(name_of(carry_no_fd("anon_inode:[io_uring]")), "io_uring") == 0);
	CHECK(strcmp(name_of(carry_no_fd("anon_inode:[userfaultfd]")), "userfaultfd") == 0);
	CHECK(strcmp(name_of(carry_no_fd("anon_inode:bpf-prog")), "bpf") == 0);
	CHECK(strcmp(name_of(carry_no_fd("/dev/fuse")), "fuse") == 0);
	CHECK(strcmp(name_of(carry_no_fd("/secretmem (deleted)")), "secretmem") == 0);
	CHECK(strcmp(name_of(carry_no_fd("anon_inode:[new thing]")), "descriptor") == 0);
	CHECK(carry_no_fd("anon_inode:[eventpoll]") == NULL);
	CHECK(carry_no_fd("anon_inode:inotify") == NULL);
	CHECK(carry_no_fd("anon_inode:[pidfd]") == NULL);
	CHECK(carry_no_fd("anon_inode:bpf-map") == NULL);
	CHECK(carry_no_fd("/root/anon_inode:[io_uring]") == NULL);
	CHECK(carry_no_fd("socket:[12]") == NULL);
	CHECK(carry_no_fd("") == NULL);
}

static void mounts_that_cannot_be_saved_are_known(void)
{
	char line[] = "40 39 0:53 / /mnt rw,nosuid shared:3 master:1 - fuse.sshfs host rw",
	     bare[] = "1 0 8:1 / / rw - ext4 /dev/a rw", cut[] = "40 39 0:53 / /mnt rw -",
	     none[] = "";
	struct carry_mount m;

	CHECK(carry_mount_parse(line, &m) == 0);
	CHECK(strcmp(m.device, "0:53") == 0);
	CHECK(strcmp(m.point, "/mnt") == 0);
	CHECK(strcmp(name_of(carry_no_mount(m.type)), "fuse") == 0);
	CHECK(carry_mount_parse(bare, &m) == 0);
	CHECK(carry_no_mount(m.type) == NULL);
	CHECK(carry_mount_parse(cut, &m) == -EBADMSG);
	CHECK(carry_mount_parse(none, &m) == -EBADMSG);
	CHECK(strcmp(name_of(carry_no_mount("ramfs")), "ramfs") == 0);
	CHECK(carry_no_mount("fusectl") == NULL);
	CHECK(carry_no_mount("tmpfs") == NULL);
}

static void namespaces_that_cannot_be_saved_are_known(void)
{
	CHECK(carry_no_namespace("uts") != NULL);
	CHECK(carry_no_namespace("mnt") == NULL);
	CHECK(carry_no_namespace("net") == NULL);
}

static void a_status_is_read_whatever_the_name(void)
{
	struct carry_status s;

	CHECK(carry_status_parse("Name:\tredis\nUmask:\t0022\nPPid:\t7\nTracerPid:\t0\nUid:\t0\n",
				 &s) == 0);
	CHECK(strcmp(s.name, "redis") == 0);
	CHECK(s.parent == 7 && s.tracer == 0);
	/* A tenant chooses its name: the kernel escapes a newline, and we what a terminal obeys. */
	CHECK(carry_status_parse("Name:\ta\x1b[2J b\\nTracerPid:\t9\nPPid:\t0\nTracerPid:\t77\n",
				 &s) == 0);
	CHECK(strcmp(s.name, "a?[2J?b\\nTracerPid:?9") == 0);
	CHECK(s.tracer == 77);
	CHECK(carry_status_parse("Name:\ta\n", &s) == -EBADMSG);
	CHECK(carry_status_parse("TracerPid:\t0\n", &s) == -EBADMSG);
	CHECK(carry_status_parse("Name:\ta\nTracerPid:\t0\n", &s) == -EBADMSG);
	CHECK(carry_status_parse("Name:\ta\nPPid:\t1\nTracerPid:\tx\n", &s) == -EBADMSG);
	CHECK(carry_status_parse("", &s) == -EBADMSG);
}

int main(void)
{
	RUN(descriptors_that_cannot_be_saved_are_known);
	RUN(mounts_that_cannot_be_saved_are_known);
	RUN(namespaces_that_cannot_be_saved_are_known);
	RUN(a_status_is_read_whatever_the_name);
	return check_failures != 0;
}
