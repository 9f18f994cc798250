/*
 * test_template.c - the cache: texts, names, hashes, and the recipe "tiny" in full.
 *
 * covers: templates/build.c templates/build_tiny.c templates/image.c templates/sweep.c
 */
#include "templates/template.h"

#include "check.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/ev.h"
#include "runtime/base/fd.h"
#include "templates/template_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static char top[] = "/tmp/berth-template-XXXXXX";
static int top_fd;

static void info_survives_format_and_parse(void)
{
	struct template_info t = {.hash = HASH_A,
				  .distribution = "debian",
				  .release = "12",
				  .arch = "amd64",
				  .bytes = 4096,
				  .created = 1700000000};
	struct template_info back;
	char text[1024];

	CHECK(template_info_format(&t, text, sizeof(text)) == 0);
	CHECK(template_info_parse(text, &back) == 0);
	CHECK(memcmp(&t, &back, sizeof(t)) == 0);
	CHECK(template_info_format(&t, text, 40) == -ENOSPC);
	CHECK(strcmp(template_image_name(&t, text), "image/" HASH_A ".erofs") == 0);
}

static void damaged_info_is_refused(void)
{
	struct template_info t = {.bytes = 7};

	CHECK(template_info_parse("", &t) == -EINVAL);
	CHECK(template_info_parse("hash=../../etc/passwd\n", &t) == -EINVAL);
	CHECK(template_info_parse("hash=" HASH_A "a\ndistribution=d\narch=a\nbytes=1\ncreated=1\n",
				  &t) == -EINVAL);
	CHECK(template_info_parse("hash=" HASH_A "\ndistribution=\narch=a\nbytes=1\ncreated=1\n",
				  &t) == -EINVAL);
	CHECK(template_info_parse("hash=" HASH_A "\ndistribution=\033[2J\narch=a\nbytes=1\n"
				  "created=1\n",
				  &t) == -EINVAL);
	CHECK(template_info_parse("hash=" HASH_A "\ndistribution=d\narch=a\nbytes=0\ncreated=1\n",
				  &t) == -EINVAL);
	CHECK(t.bytes == 7);
	CHECK(template_info_parse("hash=" HASH_A "\ndistribution=d\narch=a\nbytes=1\ncreated=1\n",
				  &t) == 0);
	CHECK(t.release[0] == '\0');
}

static void a_missing_template_names_the_command_that_makes_it(void)
{
	struct template_info t;
	struct berth_error err = {0};

	CHECK(template_find(top_fd, "debian-12", &t, &err) == -ENOENT);
	CHECK(err.code == BERTH_ERR_NO_TEMPLATE);
	CHECK(strstr(err.msg, "berth template build debian-12") != NULL);
	CHECK(template_find(top_fd, "suse", &t, &err) == -ENOENT);
	CHECK(strstr(err.msg, "berth template import suse") != NULL);
	CHECK(template_find(top_fd, "debain-12", &t, &err) == -ENOENT);
	CHECK(strstr(err.msg, "did you mean debian-12?") != NULL);
	CHECK(template_build(top, "tinny", NULL, NULL, &err) == -ENOENT);
	CHECK(strstr(err.msg, "did you mean tiny?") != NULL);
	CHECK(template_find(top_fd, "../x", &t, &err) == -EINVAL && err.code == BERTH_ERR_VALUE);
}

static void tiny_is_built(void)
{
	struct berth_error err = {0};
	int r = template_build(top, "tiny", NULL, NULL, &err);

	if (r < 0)
		(void)fprintf(stderr, "build: %s\n", err.msg);
	CHECK(r == 0);
}

static void the_same_tree_gives_the_same_image(void)
{
	struct template_info first, second;

	CHECK(template_find(top_fd, "tiny", &first, NULL) == 0);
	CHECK(strcmp(first.distribution, "busybox") == 0 && first.release[0] != '\0');
	CHECK(template_build(top, "tiny", NULL, NULL, NULL) == 0);
	CHECK(template_find(top_fd, "tiny", &second, NULL) == 0);
	CHECK(strcmp(first.hash, second.hash) == 0);
}

static void a_build_leaves_only_the_template(void)
{
	auto_closedir DIR *d = opendir(top);
	struct dirent *e;
	struct stat st;
	int n = 0;

	while (d != NULL && (e = readdir(d)) != NULL)
		n += e->d_name[0] != '.' || strncmp(e->d_name, ".stage", 6) == 0;
	CHECK(n == 2); /* image and tiny.template */
	CHECK(fstatat(top_fd, "tiny.template", &st, 0) == 0 && (st.st_mode & 0777) == 0600);
	CHECK(fstatat(top_fd, "image", &st, 0) == 0 && (st.st_mode & 0777) == 0700);
}

static void an_unknown_recipe_leaves_nothing(void)
{
	struct berth_error err = {0};
	struct stat st;

	CHECK(template_build(top, "plan9", NULL, NULL, &err) < 0);
	CHECK(err.code == BERTH_ERR_NO_TEMPLATE);
	CHECK(fstatat(top_fd, ".stage-plan9", &st, 0) < 0 && errno == ENOENT);
}

static void a_build_that_another_process_has_begun_is_refused(void)
{
	struct berth_error err = {0};
	auto_close int fd = -EBADF;

	CHECK(mkdirat(top_fd, ".stage-tiny", 0700) == 0);
	fd = dir_open_at(top_fd, ".stage-tiny");
	CHECK(fd >= 0 && flock(fd, LOCK_EX) == 0);
	CHECK(template_build(top, "tiny", NULL, NULL, &err) < 0);
	CHECK(err.code == BERTH_ERR_LOCKED);
}

static void what_a_killed_build_left_is_removed_by_the_next(void)
{
	struct stat st;

	CHECK(mkdirat(top_fd, ".stage-tiny/root", 0700) == 0);
	CHECK(mkdirat(top_fd, ".stage-tiny/root/bin", 0700) == 0);
	CHECK(template_build(top, "tiny", NULL, NULL, NULL) == 0);
	CHECK(fstatat(top_fd, ".stage-tiny", &st, 0) < 0 && errno == ENOENT);
}

static void an_image_opens_when_size_magic_and_hash_are_right(void)
{
	struct template_info t;
	struct berth_error err = {0};
	char image[IMAGE_NAME_MAX];
	auto_close int fd = -EBADF, again = -EBADF;

	CHECK(template_find(top_fd, "tiny", &t, NULL) == 0);
	fd = template_open(top_fd, &t, true, &err);
	CHECK(fd >= 0);
	fd_close(&fd);
	fd = openat(top_fd, template_image_name(&t, image), O_WRONLY | O_CLOEXEC);
	CHECK(fd >= 0 && pwrite(fd, "x", 1, 100000) == 1);
	again = template_open(top_fd, &t, false, &err);
	CHECK(again >= 0);
	CHECK(template_open(top_fd, &t, true, &err) < 0 && err.code == BERTH_ERR_BAD_TEMPLATE);
	CHECK(pwrite(fd, "x", 1, 1024) == 1);
	CHECK(template_open(top_fd, &t, false, &err) < 0 && err.code == BERTH_ERR_BAD_TEMPLATE);
	CHECK(ftruncate(fd, 5) == 0);
	CHECK(template_open(top_fd, &t, false, &err) < 0 && err.code == BERTH_ERR_BAD_TEMPLATE);
	CHECK(strstr(err.msg, "tiny") != NULL);
}

static void put_info(const char *file, const char *hash)
{
	struct template_info t = {.distribution = "d", .arch = "amd64", .bytes = 1, .created = 1};
	char text[512], image[IMAGE_NAME_MAX];
	auto_close int fd = -EBADF;

	(void)snprintf(t.hash, sizeof(t.hash), "%s", hash);
	CHECK(template_info_format(&t, text, sizeof(text)) == 0);
	CHECK(file_replace_at(top_fd, file, text, strlen(text), 0600, false) == 0);
	fd = openat(top_fd, template_image_name(&t, image), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
}

static int collect(const struct template_info *t, void *data)
{
	char *names = data;

	(void)snprintf(names + strlen(names), 200 - strlen(names), "%s ", t->name);
	return 0;
}

static void the_list_is_sorted_and_survives_a_damaged_file(void)
{
	struct berth_error err = {0};
	char names[200] = "";

	put_info("b.template", HASH_A);
	put_info("a.template", HASH_A);
	CHECK(file_replace_at(top_fd, "aa.template", "x", 1, 0600, false) == 0);
	CHECK(template_list(top_fd, collect, names, &err) < 0);
	CHECK(err.code == BERTH_ERR_BAD_TEMPLATE && strstr(err.msg, "aa.template") != NULL);
	CHECK(strcmp(names, "a b tiny ") == 0);
	CHECK(template_remove(top_fd, "aa", NULL, NULL, NULL) == 0);
	CHECK(template_list(top_fd, collect, names, &err) == 0);
}

static int always(const char *hash, void *data)
{
	(void)data;
	return strcmp(hash, HASH_A) == 0;
}

static void an_image_goes_with_its_last_name_and_not_while_it_is_in_use(void)
{
	struct berth_error err = {0};
	struct stat st;

	put_info("c.template", HASH_B);
	CHECK(template_remove(top_fd, "a", always, NULL, &err) < 0 && err.code == BERTH_ERR_LOCKED);
	CHECK(template_remove(top_fd, "a", NULL, NULL, NULL) == 0);
	CHECK(fstatat(top_fd, "image/" HASH_A ".erofs", &st, 0) == 0);
	CHECK(template_remove(top_fd, "b", NULL, NULL, NULL) == 0);
	CHECK(fstatat(top_fd, "image/" HASH_A ".erofs", &st, 0) < 0);
	CHECK(template_remove(top_fd, "c", always, NULL, NULL) == 0);
	CHECK(fstatat(top_fd, "image/" HASH_B ".erofs", &st, 0) < 0);
	CHECK(template_remove(top_fd, "c", NULL, NULL, &err) == -ENOENT);
}

static void an_image_that_no_name_and_no_ct_has_is_swept(void)
{
	struct stat st;
	unsigned int n = 9;

	put_info("d.template", HASH_A);
	put_info("d.template", HASH_B); /* renewed: A has no name now */
	put_info("d.template.tmp", HASH_A); /* its writer was killed */
	CHECK(template_sweep(top_fd, always, NULL, &n, NULL) == 0 && n == 0);
	CHECK(fstatat(top_fd, "image/" HASH_A ".erofs", &st, 0) == 0);
	CHECK(fstatat(top_fd, "d.template.tmp", &st, 0) < 0);
	CHECK(template_sweep(top_fd, NULL, NULL, &n, NULL) == 0 && n == 1);
	CHECK(fstatat(top_fd, "image/" HASH_A ".erofs", &st, 0) < 0);
	CHECK(fstatat(top_fd, "image/" HASH_B ".erofs", &st, 0) == 0);
}

int main(void)
{
	if (mkdtemp(top) == NULL)
		return 1;
	top_fd = dir_open_at(AT_FDCWD, top);
	RUN(info_survives_format_and_parse);
	RUN(damaged_info_is_refused);
	RUN(a_missing_template_names_the_command_that_makes_it);
	RUN(tiny_is_built);
	RUN(the_same_tree_gives_the_same_image);
	RUN(a_build_leaves_only_the_template);
	RUN(an_unknown_recipe_leaves_nothing);
	RUN(a_build_that_another_process_has_begun_is_refused);
	RUN(what_a_killed_build_left_is_removed_by_the_next);
	RUN(an_image_opens_when_size_magic_and_hash_are_right);
	RUN(the_list_is_sorted_and_survives_a_damaged_file);
	RUN(an_image_goes_with_its_last_name_and_not_while_it_is_in_use);
	RUN(an_image_that_no_name_and_no_ct_has_is_swept);
	CHECK(tree_remove_at(AT_FDCWD, top) == 0);
	fd_close(&top_fd);
	return check_failures != 0;
}
