/*
 * test_ct_area.c - a private area is known by its uuid and its directory, and only that one is removed.
 *
 * covers: runtime/ct/area_remove.c
 */
#include "runtime/ct/area.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define A "01234567-89ab-4cde-8f01-23456789abcd"
#define B "11111111-2222-4333-8444-555555555555"

static char top[] = "/tmp/berth-test-area.XXXXXX";
static int areas;
static struct berth_error err;

static void put(const char *name, const char *facts)
{
	auto_close int dir = -EBADF;

	CHECK(mkdirat(areas, name, 0700) == 0 || errno == EEXIST);
	dir = dir_open_at(areas, name);
	CHECK(file_replace_at(dir, "facts", facts, strlen(facts), 0600, false) == 0);
	CHECK(file_replace_at(dir, "volume.img", "x", 1, 0600, false) == 0);
}

static bool is_there(const char *name)
{
	return faccessat(areas, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void an_area_is_told_by_its_facts_and_its_directory(void)
{
	struct area_id a, b;
	char words[3][40];

	put("101", "ctid=101\nuuid=" A "\n");
	CHECK(area_id_read(areas, 101, &a) == 0 && strcmp(a.uuid, A) == 0 && a.inode != 0);
	CHECK(area_id_read(areas, 102, &b) == -ENOENT);
	area_id_format(&a, words);
	CHECK(area_id_parse((const char *const[]){words[0], words[1], words[2]}, &b) == 0);
	CHECK(strcmp(b.uuid, A) == 0 && b.inode == a.inode && b.born == a.born);
	/* The rest of the facts may be junk; a uuid that is none counts as none. */
	put("101", "uuid=" A "\njunk");
	CHECK(area_id_read(areas, 101, &b) == 0 && strcmp(b.uuid, A) == 0);
	put("101", "uuid=../../../../../../../../../../etc/berth\n");
	CHECK(area_id_read(areas, 101, &b) == 0 && b.uuid[0] == '\0' && b.inode == a.inode);
	CHECK(tree_remove_at(areas, "101") == 0);
}

static void hidden_names_are_berths_own_or_nobodys(void)
{
	static const char *const bad[] = {
		".101.new",
		".101." A,
		".101." A ".old",
		".101." A ".new.x",
		"101." A ".new",
		".100." A ".new",
		".101.0123.new",
		".101..new",
		"..",
		".",
		"",
	};
	struct area_id id;
	char name[AREA_NAME_MAX];
	uint32_t ctid = 0;

	CHECK(area_left_parse(area_new_name(101, A, name), &ctid, &id) == 0);
	CHECK(ctid == 101 && strcmp(id.uuid, A) == 0 && id.inode == 0);
	CHECK(area_left_parse(".2147483644." A ".gone", &ctid, &id) == 0 && ctid == 2147483644);
	CHECK(area_left_parse(".101.damaged.gone", &ctid, &id) == 0 && id.uuid[0] == '\0');
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(area_left_parse(bad[i], &ctid, &id) == -EINVAL);
}

static void only_the_area_that_is_meant_is_removed(void)
{
	struct area_id a = {A, 0, 0}, b = {B, 0, 0}, none = {0};

	put("101", "uuid=" A "\n");
	CHECK(area_check(areas, 101, &b, &err) == -EEXIST && strstr(err.msg, A) != NULL);
	CHECK(area_remove(areas, 101, &b, &err) < 0 && err.code == BERTH_ERR_DESTROY);
	CHECK(area_remove(areas, 101, &none, &err) < 0 && is_there("101/volume.img"));
	CHECK(area_check(areas, 101, &a, &err) == 1 && is_there("101/volume.img"));
	CHECK(area_remove(areas, 101, &a, &err) == 0 && !is_there("101"));
	CHECK(!is_there(".101." A ".gone"));
	CHECK(area_remove(areas, 101, &a, &err) == 0 && area_check(areas, 101, &a, &err) == 0);
}

static void an_area_with_damaged_facts_goes_by_its_directory(void)
{
	struct area_id a;

	put("101", "junk");
	CHECK(area_id_read(areas, 101, &a) == 0 && a.uuid[0] == '\0');
	CHECK(renameat(areas, "101", areas, "aside") == 0);
	put("101", "junk"); /* another one in its place */
	CHECK(area_remove(areas, 101, &a, &err) < 0 && is_there("101/volume.img"));
	CHECK(tree_remove_at(areas, "101") == 0 && renameat(areas, "aside", areas, "101") == 0);
	CHECK(area_remove(areas, 101, &a, &err) == 0 && !is_there("101"));
}

static void what_cannot_be_read_is_not_removed(void)
{
	struct area_id a = {A, 0, 0};

	CHECK(symlinkat("/tmp", areas, "101") == 0);
	CHECK(area_id_read(areas, 101, &a) < 0);
	CHECK(area_remove(areas, 101, &a, &err) < 0 &&
	      strstr(err.msg, "cannot find out whose") != NULL);
	CHECK(is_there("101") && unlinkat(areas, "101", 0) == 0);
}

static void remains_go_by_their_name(void)
{
	struct area_id a = {A, 0, 0};

	put("101", "uuid=" A "\n"); /* put back meanwhile */
	put(".101." A ".new", "");
	put(".101." A ".gone", "");
	put(".101." B ".gone", "");
	put(".102." A ".gone", "");
	CHECK(area_remove_left(areas, 101, &a, &err) == 0);
	CHECK(!is_there(".101." A ".new") && !is_there(".101." A ".gone") && is_there("101"));
	CHECK(is_there(".101." B ".gone") && is_there(".102." A ".gone"));
}

int main(void)
{
	if (mkdtemp(top) == NULL)
		return 1;
	areas = dir_open_at(AT_FDCWD, top);
	RUN(an_area_is_told_by_its_facts_and_its_directory);
	RUN(hidden_names_are_berths_own_or_nobodys);
	RUN(only_the_area_that_is_meant_is_removed);
	RUN(an_area_with_damaged_facts_goes_by_its_directory);
	RUN(what_cannot_be_read_is_not_removed);
	RUN(remains_go_by_their_name);
	(void)close(areas);
	CHECK(tree_remove_at(AT_FDCWD, top) == 0);
	return check_failures != 0;
}
