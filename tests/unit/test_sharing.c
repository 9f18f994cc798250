/*
 * test_sharing.c - how mounts share: what CRIU cannot make again is told, or made so that it can.
 *
 * covers: runtime/checkpoint/sharing.c
 */
#include "runtime/checkpoint/sharing.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static struct shares s;

/* As /proc/PID/mountinfo has it. */
static void add(uint32_t ns, const char *root, const char *point, const char *optional)
{
	char line[200];

	(void)snprintf(line, sizeof(line), "40 39 0:53 %s %s rw,nosuid %s- tmpfs tmpfs rw\n", root,
		       point, optional);
	CHECK(shares_read_mountinfo(&s, line, ns) == 0);
}

static struct share of(const char *root)
{
	for (size_t i = 0; i < s.n; i++)
		if (strcmp(s.all[i].root, root) == 0)
			return s.all[i];
	CHECK(!"no such mount");
	return (struct share){0};
}

/* A CT with one service that has a mount namespace; a second one if two. */
static void systemd(bool two)
{
	add(1, "/", "/run", "shared:16 ");
	add(2, "/", "/run", "shared:33 master:16 ");
	add(2, "/systemd/propagate/a.service", "/run/systemd/incoming", "master:16 ");
	if (!two)
		return;
	add(3, "/", "/run", "shared:66 master:16 ");
	add(3, "/systemd/propagate/b.service", "/run/systemd/incoming", "master:16 ");
}

static void what_can_be_made_is_left_alone(void)
{
	systemd(false);
	CHECK(s.n == 3 && s.all[1].shared == 33 && s.all[1].master == 16 && s.all[0].master == 0);
	CHECK(shares_mend(&s) == 0 && shares_find_bad(&s) == NULL);
	shares_free(&s);
}

static void a_second_service_of_systemds_gets_a_near_master(void)
{
	systemd(true);
	CHECK(shares_find_bad(&s) != NULL);
	CHECK(shares_mend(&s) == 1 && shares_find_bad(&s) == NULL);
	/* Still a pure slave, which may be moved, and of what has the old master. */
	CHECK(of("/systemd/propagate/a.service").shared == 0 &&
	      of("/systemd/propagate/b.service").shared == 0);
	CHECK(of("/systemd/propagate/a.service").master == 33 ||
	      of("/systemd/propagate/b.service").master == 66);
	CHECK(shares_mend(&s) == 0);
	shares_free(&s);
}

static void a_slave_without_a_near_master_is_a_group_of_its_own(void)
{
	add(1, "/", "/", "shared:1 ");
	add(2, "/srv/a", "/a", "master:1 ");
	add(3, "/srv/ab", "/b", "master:1 ");
	CHECK(shares_mend(&s) == 1 && shares_find_bad(&s) == NULL);
	CHECK(of("/srv/ab").master == 1 && of("/srv/ab").shared == 2);
	shares_free(&s);
}

static void peers_without_a_common_root_are_told(void)
{
	add(1, "/", "/", "shared:1 ");
	add(1, "/srv/a", "/a", "shared:7 ");
	add(1, "/srv/b", "/b", "shared:7 ");
	CHECK(shares_mend(&s) == 0);
	CHECK(shares_find_bad(&s) != NULL && strcmp(shares_find_bad(&s)->point, "/b") == 0);
	shares_free(&s);
	/* The same below one that is wider, as bind mounts of a shared root are. */
	add(1, "/", "/", "shared:7 ");
	add(1, "/srv/b", "/b", "shared:7 ");
	CHECK(shares_find_bad(&s) == NULL);
	shares_free(&s);
}

static void a_slave_of_what_is_narrower_is_told(void)
{
	add(1, "/srv", "/srv", "shared:7 ");
	add(2, "/srv2", "/b", "shared:8 master:7 ");
	CHECK(shares_find_bad(&s) != NULL);
	shares_free(&s);
	/* Its master is the host's: CRIU looks for that itself. */
	add(2, "/srv2", "/b", "shared:8 master:9 ");
	CHECK(shares_find_bad(&s) == NULL);
	shares_free(&s);
}

/* mnt_entry: mnt_id 5, root, mountpoint "/m", shared_id and master_id; the bytes are those of protobuf's encoding. */
static const char image[] = "\x19\x43\x56\x54\x28\x39\x56\x55"
			    "\x0d\x00\x00\x00\x10\x05\x32\x01/\x3a\x02/m\x50\x10\x58\x00"
			    "\x0a\x00\x00\x00\x10\x06\x32\x03/ab\x58\x90\x01";

static void an_image_is_read_and_altered(void)
{
	const uint8_t *in = (const uint8_t *)image;
	uint8_t *out = NULL;
	size_t len = 0;

	CHECK(shares_read_image(&s, in, sizeof(image) - 1, 4) == 2 && s.all[1].ns == 4);
	CHECK(s.all[0].shared == 16 && s.all[0].master == 0 && s.all[1].master == 144 &&
	      strcmp(s.all[1].root, "/ab") == 0);
	s.all[1].master = 100000;
	s.all[1].shared = 7;
	CHECK(shares_write_image(s.all, s.n, in, sizeof(image) - 1, &out, &len) == 0);
	shares_free(&s);
	CHECK(shares_read_image(&s, out, len, 4) == 2 && s.all[1].master == 100000 &&
	      s.all[1].shared == 7 && s.all[0].shared == 16);
	/* What it does not know is there still. */
	CHECK(memmem(out, len, "\x3a\x02/m", 4) != NULL && memmem(out, len, "\x10\x06", 2) != NULL);
	shares_free(&s);
	free(out);
}

static void images_that_are_none_are_refused(void)
{
	const uint8_t *in = (const uint8_t *)image;
	const struct share two[2] = {{.shared = 1}, {.shared = 2}};
	uint8_t *out = NULL;
	size_t len;

	for (len = 0; len < sizeof(image) - 1; len++)
		if (len != 8 && len != 25)
			CHECK(shares_read_image(&s, in, len, 1) == -EBADMSG);
	CHECK(shares_write_image(two, 1, in, sizeof(image) - 1, &out, &len) == -EBADMSG);
	CHECK(shares_write_image(two, 2, in, 25, &out, &len) == -EBADMSG && out == NULL);
	shares_free(&s);
	CHECK(shares_read_mountinfo(&s, (char[]){"40 39 0:53 /\n"}, 1) == -EBADMSG);
	shares_free(&s);
}

int main(void)
{
	RUN(what_can_be_made_is_left_alone);
	RUN(a_second_service_of_systemds_gets_a_near_master);
	RUN(a_slave_without_a_near_master_is_a_group_of_its_own);
	RUN(peers_without_a_common_root_are_told);
	RUN(a_slave_of_what_is_narrower_is_told);
	RUN(an_image_is_read_and_altered);
	RUN(images_that_are_none_are_refused);
	return check_failures != 0;
}
