/*
 * test_template_import.c - archives, good and evil (security.md A26): each evil one ends in a clean
 * error, touches nothing outside and leaves nothing behind. Needs root for the id-mapped mount.
 *
 * covers: templates/import.c templates/inspect.c templates/sparse.c
 * covers: templates/unpack_child.c
 * covers: templates/unpack_follow.c templates/unpack_jail.c
 */
#include "templates/template.h"

#include "check.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/ev.h"
#include "runtime/base/fd.h"
#include "runtime/base/spawn.h"
#include "templates/template_private.h"
#include "templates/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>

enum {
	ID_BASE = 4000000
};

static char top[] = "/tmp/berth-import-XXXXXX";
static char template_dir[64];
static int template_fd;
static const struct unpack_limits small = {
	.bytes = 16 << 20, .lengths = 32 << 20, .entries = 2000, .seconds = 20};

/* ---- a writer of ustar headers that lies as told ---- */

static int tar_open(void)
{
	int fd = memfd_create("tar", MFD_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

struct tar_entry {
	const char *name, *link;
	char type;
	mode_t mode;
	unsigned int uid;
	const char *size; /* 12 bytes of the header; NULL: of the data */
	const void *data;
	size_t len;
};

static void tar_pad(int fd, size_t len)
{
	static const char zeros[512];

	if (len % 512 != 0)
		CHECK(fd_write_all(fd, zeros, 512 - len % 512) == 0);
}

static void tar_put(int fd, const struct tar_entry *e)
{
	char h[512] = {0};
	unsigned int sum = 0;

	memcpy(h, e->name, strnlen(e->name, 100));
	(void)snprintf(h + 100, 8, "%07o", (e->mode != 0 ? e->mode : 0755u) & 07777u);
	(void)snprintf(h + 108, 8, "%07o", e->uid & 07777777u);
	(void)snprintf(h + 116, 8, "%07o", e->uid & 07777777u);
	(void)snprintf(h + 124, 12, "%011zo", e->len);
	if (e->size != NULL)
		memcpy(h + 124, e->size, 12);
	(void)snprintf(h + 136, 12, "%011o", 1700000000u);
	memset(h + 148, ' ', 8);
	h[156] = e->type;
	if (e->link != NULL)
		memcpy(h + 157, e->link, strnlen(e->link, 100));
	memcpy(h + 257, "ustar\00000", 8);
	for (size_t i = 0; i < sizeof(h); i++)
		sum += (unsigned char)h[i];
	(void)snprintf(h + 148, 7, "%06o", sum);
	CHECK(fd_write_all(fd, h, sizeof(h)) == 0);
	CHECK(fd_write_all(fd, e->data, e->len) == 0);
	tar_pad(fd, e->len);
}

static void tar_add(int fd, char type, const char *name, const char *link)
{
	tar_put(fd, &(struct tar_entry){.name = name, .link = link, .type = type, .data = ""});
}

static void tar_file(int fd, const char *name, const void *data, size_t len)
{
	tar_put(fd, &(struct tar_entry){.name = name, .type = '0', .data = data, .len = len});
}

/* A pax record "LEN key=value\n"; value may hold zero bytes. Its length. */
static size_t pax_record(char *rec, size_t size, const char *key, const void *value,
			 size_t value_len)
{
	size_t body = strlen(key) + value_len + 3, len = body + 1;
	int n;

	while (snprintf(NULL, 0, "%zu", len) + (int)body > (int)len)
		len++;
	n = snprintf(rec, size, "%zu %s=", len, key);
	CHECK(len < size);
	memcpy(rec + n, value, value_len);
	rec[(size_t)n + value_len] = '\n';
	return len;
}

/* In front of the next entry. */
static void tar_pax(int fd, const char *key, const void *value, size_t value_len)
{
	char rec[1024];
	size_t len = pax_record(rec, sizeof(rec), key, value, value_len);

	tar_put(fd, &(struct tar_entry){.name = "pax", .type = 'x', .data = rec, .len = len});
}

static void tar_init(int fd)
{
	unsigned char elf[64] = {0x7f, 'E', 'L', 'F', 2, 1, 1};

	elf[18] = 62;
#ifdef __aarch64__
	elf[18] = 183;
#endif
	tar_add(fd, '5', "./", NULL);
	tar_add(fd, '5', "./sbin/", NULL);
	tar_file(fd, "./sbin/init", elf, sizeof(elf));
}

static void tar_end(int fd)
{
	static const char zeros[1024];

	CHECK(fd_write_all(fd, zeros, sizeof(zeros)) == 0);
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
}

/* ---- what must be true afterwards ---- */

static unsigned int count(const char *path)
{
	auto_closedir DIR *d = opendir(path);
	struct dirent *e;
	unsigned int n = 0;

	while (d != NULL && (e = readdir(d)) != NULL)
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	return n;
}

static bool nothing_left(void)
{
	char images[96];

	(void)snprintf(images, sizeof(images), "%s/image", template_dir);
	return count(template_dir) == 1 && count(images) == 0 && count(top) == 2;
}

static int import_fd(int fd, struct berth_error *err)
{
	return import_within(template_dir, "evil", fd, ID_BASE, &small, NULL, NULL, NULL, err);
}

/* True when it is refused as a bad template, in words that hold `says`, and without a trace. */
static bool refused(int fd, const char *says)
{
	struct berth_error err = {0};
	int r;

	tar_end(fd);
	r = import_fd(fd, &err);
	fd_close(&fd);
	if (r < 0 && err.code == BERTH_ERR_BAD_TEMPLATE && strstr(err.msg, says) != NULL &&
	    nothing_left())
		return true;
	(void)fprintf(stderr, "r %d code %d: %s (left %u)\n", r, (int)err.code, err.msg,
		      count(template_dir));
	return false;
}

static int with_init(void)
{
	int fd = tar_open();

	tar_init(fd);
	return fd;
}

static void names_that_lead_outside_are_refused(void)
{
	static const char *const names[] = {"../evil", "/evil", "a/../../evil", "./..", "a/.."};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int fd = with_init();

		tar_file(fd, names[i], "x", 1);
		CHECK(refused(fd, ".."));
	}
}

static void writing_through_a_link_is_refused(void)
{
	static const char *const targets[] = {"/", "..", "/tmp", "../../../../../../../../tmp"};

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		int fd = with_init();

		tar_add(fd, '2', "esc", targets[i]);
		tar_file(fd, "esc/berth-import-evil", "x", 1);
		CHECK(refused(fd, "esc"));
		CHECK(access("/tmp/berth-import-evil", F_OK) < 0);
	}
}

static void a_hard_link_to_outside_is_refused(void)
{
	int fd = with_init();

	tar_add(fd, '1', "passwd", "../../../../../../etc/passwd");
	CHECK(refused(fd, "hard link"));
	fd = with_init();
	tar_add(fd, '1', "passwd", "/etc/passwd");
	CHECK(refused(fd, "hard link"));
	fd = with_init();
	tar_add(fd, '2', "esc", "/etc");
	tar_add(fd, '1', "passwd", "esc/passwd");
	CHECK(refused(fd, ""));
}

static void an_owner_that_a_ct_cannot_have_is_refused(void)
{
	int fd = with_init();

	tar_put(fd, &(struct tar_entry){
			    .name = "f", .type = '0', .data = "", .uid = UNPACK_ID_MAX + 1});
	CHECK(refused(fd, "65535"));
}

static void sizes_beyond_all_bounds_are_refused(void)
{
	int fd = with_init();

	/* Base 256: 1 EiB, then -1. */
	tar_put(fd, &(struct tar_entry){.name = "big",
					.type = '0',
					.data = "",
					.size = "\200\0\0\0\020\0\0\0\0\0\0\0"});
	CHECK(refused(fd, "larger"));
	fd = with_init();
	tar_put(fd,
		&(struct tar_entry){.name = "neg",
				    .type = '0',
				    .data = "",
				    .size = "\377\377\377\377\377\377\377\377\377\377\377\377"});
	CHECK(refused(fd, ""));
	fd = with_init();
	for (int i = 0; i < 3; i++)
		tar_put(fd, &(struct tar_entry){
				    .name = "sum", .type = '0', .data = "", .size = "00040000000"});
	CHECK(refused(fd, ""));
}

static void too_many_entries_are_refused(void)
{
	int fd = with_init();

	for (int i = 0; i < 2000; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "d%d/", i);
		tar_add(fd, '5', name, NULL);
	}
	CHECK(refused(fd, "entries"));
}

static void note_files(const char *what, int percent, void *data)
{
	unsigned long long n = 0, *most = data;

	(void)percent;
	if (sscanf(what, "unpacking: %llu", &n) == 1 && n > *most)
		*most = n;
}

/* Before they are made: of 25000 only the first 2000 are. */
static void too_many_entries_are_counted_ahead(void)
{
	static const struct unpack_limits few = {
		.bytes = 100 << 20, .entries = 20000, .seconds = 60};
	unsigned long long most = 0;
	struct berth_error err = {0};
	int fd = with_init();

	for (int i = 0; i < 25000; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "d%d/", i);
		tar_add(fd, '5', name, NULL);
	}
	tar_end(fd);
	CHECK(import_within(template_dir, "evil", fd, ID_BASE, &few, note_files, &most, NULL,
			    &err) < 0);
	CHECK(err.code == BERTH_ERR_BAD_TEMPLATE && strstr(err.msg, "20000 entries") != NULL);
	CHECK(most > 0 && most <= 2000);
	CHECK(nothing_left());
	fd_close(&fd);
}

static void count_second(const char *what, int percent, void *data)
{
	unsigned int *n = data;

	(void)percent;
	*n += strcmp(what, "unpacking: 2 files") == 0;
}

/* While entries are counted after the second of 20, a large file is a sign of progress for each MiB. */
static void a_large_file_is_no_silence_while_entries_are_counted(void)
{
	static const struct unpack_limits few = {.bytes = 16 << 20, .entries = 20, .seconds = 60};
	const size_t len = 8 << 20;
	auto_free char *data = malloc(len);
	struct berth_error err = {0};
	unsigned int n = 0;
	int fd = with_init();

	CHECK(data != NULL);
	memset(data, 'x', len);
	tar_file(fd, "large", data, len);
	for (int i = 0; i < 20; i++)
		tar_add(fd, '5', "d/", NULL);
	tar_end(fd);
	CHECK(import_within(template_dir, "evil", fd, ID_BASE, &few, count_second, &n, NULL, &err) <
	      0);
	CHECK(strstr(err.msg, "20 entries") != NULL && nothing_left());
	CHECK(n >= 7);
	fd_close(&fd);
}

static void a_tree_deeper_than_we_could_remove_is_refused(void)
{
	char path[1024];
	size_t n = 0;
	int fd = with_init();

	for (int i = 0; i < 300; i++) {
		path[n++] = 'a';
		path[n++] = '/';
	}
	path[n] = '\0';
	tar_pax(fd, "path", path, n);
	tar_add(fd, '5', "x", NULL);
	CHECK(refused(fd, "too long"));
}

static void garbage_and_nothing_are_refused(void)
{
	int fd = tar_open();
	char noise[2048];

	CHECK(refused(fd, ""));
	fd = tar_open();
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (char)(i * 37 + 11);
	CHECK(fd_write_all(fd, noise, sizeof(noise)) == 0);
	CHECK(refused(fd, ""));
}

static void a_cut_archive_is_refused(void)
{
	struct berth_error err = {0};
	int fd = with_init();

	tar_put(fd, &(struct tar_entry){.name = "cut",
					.type = '0',
					.data = "abc",
					.len = 3,
					.size = "00000010000"});
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	CHECK(import_fd(fd, &err) < 0 && err.code == BERTH_ERR_BAD_TEMPLATE && nothing_left());
	fd_close(&fd);
}

static void an_archive_that_never_ends_is_stopped_in_time(void)
{
	static const struct unpack_limits quick = {.bytes = 1 << 20, .entries = 10, .seconds = 1};
	struct berth_error err = {0};
	int p[2];

	CHECK(pipe2(p, O_CLOEXEC) == 0);
	CHECK(import_within(template_dir, "slow", p[0], ID_BASE, &quick, NULL, NULL, NULL, &err) <
	      0);
	CHECK(err.code == BERTH_ERR_TIMEOUT && nothing_left());
	fd_close(&p[0]);
	fd_close(&p[1]);
}

static void count_report(const struct unpack_report *r, void *data)
{
	unsigned int *n = data;

	(void)r;
	(*n)++;
}

/* An unpacker in a stranger's hands says a byte, or half a report, and is silent; or talks for ever. */
static void an_unpacker_that_goes_silent_is_not_waited_for(void)
{
	static const struct unpack_limits quick = {.seconds = 600, .quiet = 1};
	struct unpack_report r = {.kind = UNPACK_PROGRESS, .entries = 7}, last = {.entries = 1};
	unsigned int n = 0;
	int p[2];

	CHECK(pipe2(p, O_CLOEXEC) == 0);
	CHECK(write(p[1], &r, 1) == 1);
	CHECK(unpack_follow(p[0], &quick, &last, count_report, &n) == -ETIME && n == 0);
	CHECK(last.entries == 1);
	CHECK(write(p[1], &r, sizeof(r)) == sizeof(r));
	CHECK(unpack_follow(p[0], &quick, &last, count_report, &n) == -ETIME && n == 1);
	CHECK(last.entries == 7);
	r.kind = UNPACK_DONE;
	CHECK(write(p[1], &r, sizeof(r)) == sizeof(r));
	CHECK(unpack_follow(p[0], &quick, &last, count_report, &n) == 0);
	CHECK(last.kind == UNPACK_DONE && n == 1);
	fd_close(&p[1]);
	CHECK(unpack_follow(p[0], &quick, &last, count_report, &n) == 0);
	fd_close(&p[0]);
}

static void an_archive_that_stops_coming_is_given_up(void)
{
	static const struct unpack_limits quick = {
		.bytes = 1 << 20, .entries = 10, .seconds = 600, .quiet = 1};
	struct berth_error err = {0};
	int p[2];

	CHECK(pipe2(p, O_CLOEXEC) == 0);
	CHECK(import_within(template_dir, "slow", p[0], ID_BASE, &quick, NULL, NULL, NULL, &err) <
	      0);
	CHECK(err.code == BERTH_ERR_TIMEOUT && strstr(err.msg, "made no progress") != NULL);
	CHECK(nothing_left() && waitpid(-1, NULL, WNOHANG) < 0);
	fd_close(&p[0]);
	fd_close(&p[1]);
}

static void a_root_without_an_init_of_its_own_is_refused(void)
{
	int fd = tar_open();

	tar_file(fd, "etc/passwd", "x", 1);
	CHECK(refused(fd, "init"));
	fd = tar_open();
	tar_add(fd, '5', "sbin", NULL);
	tar_add(fd, '2', "sbin/init", "../../../../../../../../bin/sh");
	CHECK(refused(fd, "init"));
	fd = tar_open();
	tar_add(fd, '6', "sbin/init", NULL);
	CHECK(refused(fd, "init"));
	fd = tar_open();
	tar_file(fd, "sbin/init", "#!/bin/sh\n", 10);
	CHECK(refused(fd, "machine"));
}

static void bytes_of_the_archive_do_not_reach_a_terminal(void)
{
	struct berth_error err = {0};
	int fd = with_init();

	tar_add(fd, '5', "/a\033[2J\nb", NULL);
	tar_end(fd);
	CHECK(import_fd(fd, &err) < 0);
	CHECK(strchr(err.msg, '\033') == NULL && strchr(err.msg, '\n') == NULL);
	fd_close(&fd);
}

/* ---- and the good ones ---- */

/* Revision 2, cap_net_raw permitted and effective. */
static const unsigned char fcap[20] = {1, 0, 0, 2, 0, 0x20};

static int good_tar(void)
{
	char padded[128];
	int fd = with_init();

	tar_file(fd, "./etc/os-release", "ID=alpine\nVERSION_ID=3.20.1\n", 28);
	tar_add(fd, '3', "./dev/null", NULL);
	tar_add(fd, '3', "./var/bind/dev/random", NULL);
	tar_add(fd, '6', "./run/initctl", NULL);
	tar_file(fd, "./etc/machine-id", "0123456789abcdef0123456789abcdef\n", 33);
	tar_file(fd, "./etc/ssh/ssh_host_rsa_key", "secret", 6);
	tar_add(fd, '2', "./etc/mtab", "/proc/self/mounts");
	tar_add(fd, '1', "./sbin/telinit", "./sbin/init");
	tar_put(fd, &(struct tar_entry){
			    .name = "./su", .type = '0', .mode = 04755, .data = "su", .len = 2});
	tar_put(fd, &(struct tar_entry){
			    .name = "./nobody", .type = '0', .uid = 65534, .data = "n", .len = 1});
	tar_file(fd, "./dup", "first", 5);
	tar_file(fd, "./dup", "second", 6);
	tar_file(fd, "./new\nline", "x", 1);
	memset(padded, 'p', sizeof(padded));
	tar_pax(fd, "SCHILY.xattr.user.note", padded, sizeof(padded));
	tar_file(fd, "./noted", "x", 1);
	tar_pax(fd, "SCHILY.xattr.security.selinux", padded, sizeof(padded));
	tar_file(fd, "./labelled", "x", 1);
	tar_pax(fd, "SCHILY.xattr.trusted.overlay.redirect", padded, sizeof(padded));
	tar_file(fd, "./trusted", "x", 1);
	tar_pax(fd, "SCHILY.xattr.security.capability", fcap, sizeof(fcap));
	tar_file(fd, "./ping", "x", 1);
	tar_end(fd);
	return fd;
}

static void a_good_archive_becomes_a_template(void)
{
	struct berth_error err = {0};
	char note[TEMPLATE_NOTE_MAX];
	struct template_info t;
	int fd = good_tar(), r;

	r = template_import(template_dir, "good", fd, ID_BASE, NULL, NULL, note, &err);
	if (r < 0)
		(void)fprintf(stderr, "import: %s\n", err.msg);
	CHECK(r == 0);
	CHECK(template_find(template_fd, "good", &t, NULL) == 0);
	CHECK(strcmp(t.distribution, "alpine") == 0 && strcmp(t.release, "3.20.1") == 0);
	/* The node in /dev is not counted: each container has its own. */
	CHECK(strstr(note, "1 device nodes") != NULL);
	CHECK(strstr(note, "SSH host keys, machine-id") != NULL);
	CHECK(strstr(note, "ssh-keygen -A") != NULL);
	fd_close(&fd);
}

/* The image is looked at through a loop mount in a mount namespace of our own. */
static bool mount_image(const char *name, char *at, size_t size)
{
	struct template_info t;
	char cmd_image[160], image[IMAGE_NAME_MAX];
	const char *argv[] = {"mount", "-t", "erofs", "-o", "loop,ro", cmd_image, at, NULL};

	(void)snprintf(at, size, "%s/mnt", top);
	if (template_find(template_fd, name, &t, NULL) < 0)
		return false;
	(void)snprintf(cmd_image, sizeof(cmd_image), "%s/%s", template_dir,
		       template_image_name(&t, image));
	return spawn_run(argv, NULL) == 0;
}

/* MIB of zeros, or of something else, as a file. */
static void tar_big(int fd, const char *name, size_t mib, char with)
{
	char *data = malloc(mib << 20);

	CHECK(data != NULL);
	memset(data, with, mib << 20);
	tar_file(fd, name, data, mib << 20);
	free(data);
}

static void only_data_counts_against_the_room(void)
{
	struct berth_error err = {0};
	int fd = with_init();

	tar_big(fd, "data", 20, 'x');
	CHECK(refused(fd, "more than the 16 MiB that an import may fill"));
	fd = with_init();
	tar_big(fd, "hole", 33, 0);
	CHECK(refused(fd, "holes included"));
	fd = with_init();
	tar_big(fd, "hole", 20, 0);
	tar_end(fd);
	CHECK(import_within(template_dir, "hole", fd, ID_BASE, &small, NULL, NULL, NULL, &err) ==
	      0);
	CHECK(template_remove(template_fd, "hole", NULL, NULL, &err) == 0);
	CHECK(nothing_left());
	fd_close(&fd);
}

/* One byte in each of 100 blocks; libarchive hands them out one by one. */
static void a_byte_counts_as_the_block_that_it_takes(void)
{
	static const struct unpack_limits l = {
		.bytes = 256 << 10, .lengths = 32 << 20, .entries = 100, .seconds = 20};
	struct berth_error err = {0};
	char map[900], rec[1024], data[100];
	size_t n = 0, len;
	int fd = with_init();

	for (unsigned int i = 0; i < sizeof(data); i++)
		n += (size_t)snprintf(map + n, sizeof(map) - n, "%s%u,1", i > 0 ? "," : "",
				      i * UNPACK_BLOCK);
	memset(data, 'x', sizeof(data));
	len = pax_record(rec, sizeof(rec), "GNU.sparse.size", "409600", 6);
	len += pax_record(rec + len, sizeof(rec) - len, "GNU.sparse.map", map, n);
	tar_put(fd, &(struct tar_entry){.name = "pax", .type = 'x', .data = rec, .len = len});
	tar_file(fd, "dotted", data, sizeof(data));
	tar_end(fd);
	CHECK(import_within(template_dir, "evil", fd, ID_BASE, &l, NULL, NULL, NULL, &err) < 0);
	CHECK(err.code == BERTH_ERR_BAD_TEMPLATE &&
	      strstr(err.msg, "dotted: more than the 0 MiB") != NULL && nothing_left());
	/* With room for them it is the file that was meant. */
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	CHECK(import_fd(fd, &err) == 0);
	CHECK(template_remove(template_fd, "evil", NULL, NULL, &err) == 0 && nothing_left());
	fd_close(&fd);
}

static void folders_and_long_links_count_too(void)
{
	static const struct unpack_limits l = {
		.bytes = 256 << 10, .lengths = 32 << 20, .entries = 1000, .seconds = 20};

	for (int kind = 0; kind < 2; kind++) {
		struct berth_error err = {0};
		char name[32], target[100];
		int fd = with_init();

		memset(target, 'x', sizeof(target) - 1);
		target[sizeof(target) - 1] = '\0';
		for (int i = 0; i < 100; i++) {
			(void)snprintf(name, sizeof(name), "n%d", i);
			tar_add(fd, kind == 0 ? '5' : '2', name, kind == 0 ? NULL : target);
		}
		tar_end(fd);
		CHECK(import_within(template_dir, "evil", fd, ID_BASE, &l, NULL, NULL, NULL, &err) <
		      0);
		CHECK(strstr(err.msg, "more than the 0 MiB") != NULL && nothing_left());
		fd_close(&fd);
	}
}

static int shell(const char *line)
{
	struct berth_error err = {0};
	int r = spawn_run((const char *const[]){"sh", "-c", line, NULL}, &err);

	if (r < 0)
		(void)fprintf(stderr, "%s\n", err.msg);
	return r;
}

/* As GNU tar writes them, and as zeros that were compressed: the image has the data and next to nothing else. */
static void holes_stay_holes_in_every_format(void)
{
	static const char *const how[] = {"-S --format=gnu",
					  "-S --format=posix --sparse-version=1.0",
					  "-S --format=posix --sparse-version=0.1", "--format=gnu"};
	char line[400], at[64];

	(void)snprintf(line, sizeof(line),
		       "mkdir -p %s/holes/sbin && cd %s/holes && cp /bin/true sbin/init && "
		       "truncate -s 128M 'a file' && "
		       "dd if=/dev/urandom of='a file' bs=1M count=2 seek=100 conv=notrunc",
		       top, top);
	CHECK(shell(line) == 0);
	for (size_t i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
		struct berth_error err = {0};
		struct template_info t = {0};
		int fd;

		(void)snprintf(line, sizeof(line), "tar -C %s/holes %s -c . | gzip -1 >%s/tar", top,
			       how[i], top);
		CHECK(shell(line) == 0);
		(void)snprintf(line, sizeof(line), "%s/tar", top);
		fd = open(line, O_RDONLY | O_CLOEXEC);
		CHECK(template_import(template_dir, "holes", fd, ID_BASE, NULL, NULL, NULL, &err) ==
		      0);
		fd_close(&fd);
		CHECK(template_find(template_fd, "holes", &t, NULL) == 0);
		CHECK(t.bytes > 2 << 20 && t.bytes < 4 << 20);
		CHECK(mount_image("holes", at, sizeof(at)));
		(void)snprintf(line, sizeof(line), "cmp '%s/a file' '%s/holes/a file'", at, top);
		CHECK(shell(line) == 0);
		CHECK(umount2(at, MNT_DETACH) == 0);
		CHECK(template_remove(template_fd, "holes", NULL, NULL, &err) == 0);
	}
	(void)snprintf(line, sizeof(line), "rm -r %s/holes %s/tar", top, top);
	CHECK(shell(line) == 0);
	CHECK(nothing_left());
}

static void owners_modes_links_and_file_names_are_kept(void)
{
	char at[64], link[32] = "";
	struct stat st, other;

	CHECK(mount_image("good", at, sizeof(at)));
	CHECK(chdir(at) == 0);
	CHECK(lstat("su", &st) == 0 && (st.st_mode & 07777) == 04755 && st.st_uid == 0);
	CHECK(st.st_mtim.tv_sec == 1700000000);
	CHECK(lstat("nobody", &st) == 0 && st.st_uid == 65534 && st.st_gid == 65534);
	CHECK(lstat("sbin/init", &st) == 0 && lstat("sbin/telinit", &other) == 0);
	CHECK(st.st_ino == other.st_ino && st.st_nlink == 2);
	CHECK(readlink("etc/mtab", link, sizeof(link) - 1) > 0);
	CHECK(strcmp(link, "/proc/self/mounts") == 0);
	CHECK(lstat("run/initctl", &st) == 0 && S_ISFIFO(st.st_mode));
	CHECK(lstat("dev/null", &st) < 0 && errno == ENOENT);
	CHECK(lstat("var/bind/dev/random", &st) < 0 && errno == ENOENT);
	CHECK(lstat("etc/ssh/ssh_host_rsa_key", &st) < 0 && errno == ENOENT);
	CHECK(lstat("etc/machine-id", &st) == 0 && st.st_size == 0);
	CHECK(lstat("dup", &st) == 0 && st.st_size == 6);
	CHECK(lstat("new\nline", &st) == 0);
}

static void only_harmless_attributes_are_kept(void)
{
	unsigned char value[256];

	CHECK(getxattr("noted", "user.note", value, sizeof(value)) == 128);
	CHECK(listxattr("labelled", NULL, 0) == 0);
	CHECK(listxattr("trusted", NULL, 0) == 0);
	CHECK(getxattr("ping", "security.capability", value, sizeof(value)) == sizeof(fcap));
	CHECK(memcmp(value, fcap, sizeof(fcap)) == 0);
}

static void the_same_archive_under_another_name_shares_the_image(void)
{
	struct template_info a, b;
	char images[96], at[64];
	int fd = good_tar();

	CHECK(chdir("/") == 0);
	(void)snprintf(at, sizeof(at), "%s/mnt", top);
	CHECK(umount2(at, MNT_DETACH) == 0);
	CHECK(template_import(template_dir, "twin", fd, ID_BASE + 65536, NULL, NULL, NULL, NULL) ==
	      0);
	fd_close(&fd);
	CHECK(template_find(template_fd, "good", &a, NULL) == 0);
	CHECK(template_find(template_fd, "twin", &b, NULL) == 0);
	CHECK(strcmp(a.hash, b.hash) == 0);
	(void)snprintf(images, sizeof(images), "%s/image", template_dir);
	CHECK(count(images) == 1);
	CHECK(template_remove(template_fd, "good", NULL, NULL, NULL) == 0 && count(images) == 1);
	CHECK(template_remove(template_fd, "twin", NULL, NULL, NULL) == 0 && count(images) == 0);
}

/* ---- pure ---- */

static void prepare(void)
{
	char path[64];

	CHECK(mkdtemp(top) != NULL);
	/* Loop mounts of the test stay in its own mount namespace. */
	CHECK(unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	(void)snprintf(template_dir, sizeof(template_dir), "%s/template", top);
	(void)snprintf(path, sizeof(path), "%s/mnt", top);
	CHECK(mkdir(template_dir, 0700) == 0 && mkdir(path, 0700) == 0);
	template_fd = dir_open_at(AT_FDCWD, template_dir);
	CHECK(template_fd >= 0);
}

int main(void)
{
	if (geteuid() != 0) {
		(void)printf("SKIPPED: importing needs root for the id-mapped mount\n");
		return check_failures != 0 ? 1 : 77;
	}
	prepare();
	RUN(names_that_lead_outside_are_refused);
	RUN(writing_through_a_link_is_refused);
	RUN(a_hard_link_to_outside_is_refused);
	RUN(an_owner_that_a_ct_cannot_have_is_refused);
	RUN(sizes_beyond_all_bounds_are_refused);
	RUN(too_many_entries_are_refused);
	RUN(too_many_entries_are_counted_ahead);
	RUN(a_large_file_is_no_silence_while_entries_are_counted);
	RUN(only_data_counts_against_the_room);
	RUN(a_byte_counts_as_the_block_that_it_takes);
	RUN(folders_and_long_links_count_too);
	RUN(holes_stay_holes_in_every_format);
	RUN(a_tree_deeper_than_we_could_remove_is_refused);
	RUN(garbage_and_nothing_are_refused);
	RUN(a_cut_archive_is_refused);
	RUN(an_archive_that_never_ends_is_stopped_in_time);
	RUN(an_unpacker_that_goes_silent_is_not_waited_for);
	RUN(an_archive_that_stops_coming_is_given_up);
	RUN(a_root_without_an_init_of_its_own_is_refused);
	RUN(bytes_of_the_archive_do_not_reach_a_terminal);
	RUN(a_good_archive_becomes_a_template);
	RUN(owners_modes_links_and_file_names_are_kept);
	RUN(only_harmless_attributes_are_kept);
	RUN(the_same_archive_under_another_name_shares_the_image);
	fd_close(&template_fd);
	CHECK(tree_remove_at(AT_FDCWD, top) == 0);
	return check_failures != 0;
}
