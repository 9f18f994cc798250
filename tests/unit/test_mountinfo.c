/*
 * test_mountinfo.c - lines of /proc/self/mountinfo.
 *
 * covers: runtime/storage/rootfs_options.c
 */
#include "runtime/base/mountinfo.h"

#include "runtime/base/cleanup.h"
#include "runtime/storage/rootfs.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <string.h>

#define HEAD "412 57 0:44 / /r rw,nodev,relatime shared:1 master:2 - overlay berth "
#define LAYERS "rw,lowerdir=/proc/self/fd/7,upperdir=/proc/self/fd/9,workdir=/proc/self/fd/10"

static const struct rootfs_defaults plain;

static void the_wanted_options_are_accepted(void)
{
	CHECK(rootfs_options_ok(HEAD LAYERS ",redirect_dir=nofollow,index=on,nfs_export=on,xino=on",
				&plain));
	CHECK(rootfs_options_ok(HEAD LAYERS ",xino=on,nfs_export=on,index=on\n", &plain));
}

static void a_missing_option_is_refused(void)
{
	CHECK(!rootfs_options_ok(HEAD LAYERS ",nfs_export=on,xino=on", &plain));
	CHECK(!rootfs_options_ok(HEAD LAYERS ",index=on,xino=on", &plain));
	CHECK(!rootfs_options_ok(HEAD LAYERS ",index=on,nfs_export=on", &plain));
	CHECK(!rootfs_options_ok(HEAD LAYERS ",index=on,nfs_export=on,xino=off", &plain));
	CHECK(!rootfs_options_ok(HEAD LAYERS ",xindex=on,nfs_export=on,xino=on", &plain));
}

static void an_unwanted_option_is_refused(void)
{
	const char *all = HEAD LAYERS ",index=on,nfs_export=on,xino=on";
	char line[400];

	(void)snprintf(line, sizeof(line), "%s,metacopy=on", all);
	CHECK(!rootfs_options_ok(line, &plain));
	(void)snprintf(line, sizeof(line), "%s,redirect_dir=on", all);
	CHECK(!rootfs_options_ok(line, &plain));
}

static void an_option_that_is_on_by_default_need_not_be_shown(void)
{
	const struct rootfs_defaults d = {.index = true, .nfs_export = true};

	CHECK(rootfs_options_ok(HEAD LAYERS ",xino=on", &d));
	CHECK(!rootfs_options_ok(HEAD LAYERS ",index=off,xino=on", &d));
	CHECK(!rootfs_options_ok(HEAD LAYERS ",nfs_export=off,xino=on", &d));
}

static void an_option_that_is_off_by_setting_has_to_be_shown_where_it_is_on_by_default(void)
{
	const struct rootfs_defaults d = {.metacopy = true, .redirect_dir = true};
	const char *all = HEAD LAYERS ",index=on,nfs_export=on,xino=on";
	char line[400];

	CHECK(!rootfs_options_ok(all, &d));
	(void)snprintf(line, sizeof(line), "%s,metacopy=off,redirect_dir=nofollow", all);
	CHECK(rootfs_options_ok(line, &d));
}

static void read_only_anywhere_is_refused(void)
{
	CHECK(!rootfs_options_ok(
		"4 5 0:4 / /r ro,relatime - overlay berth rw,index=on,nfs_export=on,"
		"xino=on",
		&plain));
	CHECK(!rootfs_options_ok(
		"4 5 0:4 / /r rw,relatime - overlay berth ro,index=on,nfs_export=on,"
		"xino=on",
		&plain));
	CHECK(!rootfs_options_ok("", &plain));
	CHECK(!rootfs_options_ok("4 5 0:4 / /r rw", &plain));
	CHECK(!rootfs_options_ok("4 5 0:4 / /r rw,relatime - overlay", &plain));
}

static void a_line_is_found_by_its_whole_id(void)
{
	const char *text = "41 1 a\n412 1 b\n12 1 c\n";

	CHECK(mountinfo_find(text, 12) == strstr(text, "12 1 c"));
	CHECK(mountinfo_find(text, 41) == text);
	CHECK(mountinfo_find(text, 1) == NULL);
	CHECK(mountinfo_find("", 1) == NULL);
}

static void the_root_of_this_process_has_a_line(void)
{
	auto_close int fd = open("/proc", O_PATH | O_CLOEXEC);
	auto_free char *line = NULL;

	CHECK(mountinfo_line(fd, &line, NULL) == 0 && strstr(line, " /proc ") != NULL);
}

int main(void)
{
	RUN(the_wanted_options_are_accepted);
	RUN(a_missing_option_is_refused);
	RUN(an_unwanted_option_is_refused);
	RUN(an_option_that_is_on_by_default_need_not_be_shown);
	RUN(an_option_that_is_off_by_setting_has_to_be_shown_where_it_is_on_by_default);
	RUN(read_only_anywhere_is_refused);
	RUN(a_line_is_found_by_its_whole_id);
	RUN(the_root_of_this_process_has_a_line);
	return check_failures != 0;
}
