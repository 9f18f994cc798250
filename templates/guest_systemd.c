/*
 * guest_systemd.c - which systemd a root file system has. Its private library carries the version in its name
 * since 231; the program of an older one says it in its text.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "templates/guest.h"
#include "templates/inroot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	PROGRAM_MAX = 8 << 20,
	VERSION_MIN = 100,
};

static const char *const library_dirs[] = {
	"usr/lib/systemd",
	"lib/systemd",
	"usr/lib64/systemd",
	"usr/lib/x86_64-linux-gnu/systemd",
	"usr/lib/i386-linux-gnu/systemd",
	"usr/lib/aarch64-linux-gnu/systemd",
};

/* Three digits that s begins with, 0 when it has none. */
static int version_at(const char *s)
{
	int v = 0;

	for (int i = 0; i < 3; i++) {
		if (s[i] < '0' || s[i] > '9')
			return 0;
		v = v * 10 + (s[i] - '0');
	}
	return v < VERSION_MIN ? 0 : v;
}

static int version_in_dir(int root_fd, const char *dir)
{
	static const char start[] = "libsystemd-shared-";
	auto_close int fd = inroot_open(root_fd, dir, O_RDONLY | O_DIRECTORY);
	auto_closedir DIR *d = fd < 0 ? NULL : dir_stream_at(fd, ".");
	struct dirent *e;
	int newest = 0;

	if (d == NULL)
		return 0;
	while ((e = readdir(d)) != NULL) {
		int v = 0;

		if (strncmp(e->d_name, start, sizeof(start) - 1) == 0)
			v = version_at(e->d_name + sizeof(start) - 1);
		newest = v > newest ? v : newest;
	}
	return newest;
}

int guest_systemd_version_in(const char *text, size_t len)
{
	static const char word[] = "systemd ";
	const char *p = text, *end = text + len;

	while ((p = memmem(p, (size_t)(end - p), word, sizeof(word) - 1)) != NULL) {
		p += sizeof(word) - 1;
		/* "systemd 229", and then its end or " running in system mode". */
		if (end - p > 3 && (p[3] == '\0' || p[3] == ' ') && version_at(p) != 0)
			return version_at(p);
	}
	return 0;
}

static int version_in_program(int root_fd)
{
	static const char *const programs[] = {"usr/lib/systemd/systemd", "lib/systemd/systemd"};

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		auto_close int fd = inroot_open(root_fd, programs[i], O_RDONLY | O_NONBLOCK);
		auto_free char *text = NULL;
		struct stat st;
		ssize_t n;

		if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
		    st.st_size > PROGRAM_MAX)
			continue;
		text = malloc((size_t)st.st_size + 1);
		n = text == NULL ? -1 : fd_read_all(fd, text, (size_t)st.st_size);
		if (n > 0) {
			text[n] = '\0';
			return guest_systemd_version_in(text, (size_t)n + 1);
		}
	}
	return 0;
}

int guest_systemd_version(int root_fd)
{
	for (size_t i = 0; i < sizeof(library_dirs) / sizeof(library_dirs[0]); i++) {
		int v = version_in_dir(root_fd, library_dirs[i]);

		if (v != 0)
			return v;
	}
	return version_in_program(root_fd);
}

int guest_systemd_check(int root_fd, struct berth_error *err)
{
	int v = guest_systemd_version(root_fd);

	/* 230 was the first to know the cgroup2 of released kernels; older ones freeze at boot. */
	if (v == 0 || v >= GUEST_SYSTEMD_OLDEST)
		return 0;
	return berth_error_set(err, BERTH_ERR_BAD_TEMPLATE, ENOTSUP,
			       "its systemd is version %d, which cannot boot without cgroup v1; a "
			       "container needs systemd %d or later (Debian 9, Ubuntu 18.04, "
			       "RHEL 8), or another init such as sysvinit-core",
			       v, GUEST_SYSTEMD_OLDEST);
}
