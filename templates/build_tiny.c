/*
 * build_tiny.c - the template "tiny": one static busybox and a handful of files, made offline in a
 * moment, for tests and for those who want almost nothing.
 *
 * Its init is busybox: SIGUSR2 powers off, SIGTERM reboots. It mounts nothing, starts no
 * getty, and runs /etc/rc once and /etc/rc.local if the tenant makes one.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/spawn.h"
#include "templates/inspect.h"
#include "templates/template_private.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

enum {
	APPLETS_MAX = 32 * 1024
};

struct tiny_dir {
	const char *path;
	mode_t mode;
};

static const struct tiny_dir dirs[] = {
	{"bin", 0755},
	{"sbin", 0755},
	{"usr", 0755},
	{"usr/bin", 0755},
	{"usr/sbin", 0755},
	{"etc", 0755},
	{"etc/network", 0755},
	{"dev", 0755},
	{"proc", 0755},
	{"sys", 0755},
	{"run", 0755},
	{"tmp", 01777},
	{"root", 0700},
	{"home", 0755},
	{"mnt", 0755},
	{"srv", 0755},
	{"var", 0755},
	{"var/log", 0755},
	{"var/tmp", 01777},
	{"var/spool", 0755},
	{"var/spool/cron", 0755},
	{"var/spool/cron/crontabs", 0700},
};

struct tiny_file {
	const char *path;
	mode_t mode;
	const char *text;
};

static const struct tiny_file files[] = {
	{"etc/inittab", 0644,
	 "# busybox init. The container's /proc, /sys, /dev and /run are mounted already.\n"
	 "::sysinit:/etc/rc\n"
	 "::shutdown:/etc/rc.shutdown\n"
	 "::ctrlaltdel:/sbin/reboot\n"
	 "::restart:/sbin/init\n"},
	{"etc/rc", 0755,
	 "#!/bin/sh\n"
	 "ip link set lo up\n"
	 ": >/run/utmp\n"
	 "if [ -x /etc/rc.local ]; then /etc/rc.local; fi\n"
	 "exit 0\n"},
	{"etc/rc.shutdown", 0755,
	 "#!/bin/sh\n"
	 "if [ -x /etc/rc.local.shutdown ]; then /etc/rc.local.shutdown; fi\n"
	 "exit 0\n"},
	{"etc/passwd", 0644,
	 "root:x:0:0:root:/root:/bin/sh\n"
	 "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
	 "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"},
	{"etc/group", 0644,
	 "root:x:0:\n"
	 "daemon:x:1:\n"
	 "tty:x:5:\n"
	 "utmp:x:43:\n"
	 "nogroup:x:65534:\n"},
	{"etc/shadow", 0600,
	 "root:*:19000:0:99999:7:::\n"
	 "daemon:*:19000:0:99999:7:::\n"
	 "nobody:*:19000:0:99999:7:::\n"},
	{"etc/profile", 0644, "export PATH=/usr/sbin:/usr/bin:/sbin:/bin\n"},
	{"etc/hostname", 0644, "tiny\n"},
	{"etc/hosts", 0644,
	 "127.0.0.1\tlocalhost\n"
	 "::1\t\tlocalhost ip6-localhost ip6-loopback\n"},
	{"etc/nsswitch.conf", 0644, "passwd: files\ngroup: files\nhosts: files dns\n"},
};

static int make_dirs(int root_fd, struct berth_error *err)
{
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (mkdirat(root_fd, dirs[i].path, 0700) < 0 ||
		    fchmodat(root_fd, dirs[i].path, dirs[i].mode, 0) < 0)
			return berth_error_sys(err, errno, "make %s of the template", dirs[i].path);
	if (symlinkat("../run", root_fd, "var/run") < 0)
		return berth_error_sys(err, errno, "make var/run of the template");
	return 0;
}

static int write_files(int root_fd, struct berth_error *err)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		int r = build_file(root_fd, files[i].path, files[i].text, files[i].mode);

		if (r < 0)
			return berth_error_sys(err, r, "write %s of the template", files[i].path);
	}
	return 0;
}

/* A busybox with a dynamic loader would not run in a root that has no libraries. */
static int check_static(int fd, struct berth_error *err)
{
	Elf64_Ehdr h;

	if (pread(fd, &h, sizeof(h), 0) != sizeof(h) || memcmp(h.e_ident, ELFMAG, SELFMAG) != 0)
		return berth_error_set(err, BERTH_ERR_HELPER, ENOEXEC,
				       "/bin/busybox is not a program");
	for (unsigned int i = 0; h.e_ident[EI_CLASS] == ELFCLASS64 && i < h.e_phnum; i++) {
		Elf64_Phdr p;
		off_t at = (off_t)(h.e_phoff + (uint64_t)i * sizeof(p));

		if (pread(fd, &p, sizeof(p), at) != sizeof(p))
			break;
		if (p.p_type == PT_INTERP)
			return berth_error_set(
				err, BERTH_ERR_HELPER, ENOEXEC,
				"/bin/busybox needs shared libraries: install the "
				"static one with \"apt-get install busybox-static\"");
	}
	return 0;
}

static int copy_busybox(int root_fd, uint64_t *ret_epoch, struct berth_error *err)
{
	auto_close int from = open("/bin/busybox", O_RDONLY | O_CLOEXEC);
	auto_close int to = -EBADF;
	struct stat st;
	int r;

	if (from < 0 || fstat(from, &st) < 0)
		return berth_error_set(err, BERTH_ERR_HELPER, errno,
				       "there is no /bin/busybox on this host: install it with "
				       "\"apt-get install busybox-static\"");
	r = check_static(from, err);
	if (r < 0)
		return r;
	to = openat(root_fd, "bin/busybox", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (to < 0 || fchmod(to, 0755) < 0)
		return berth_error_sys(err, errno, "make bin/busybox of the template");
	for (off_t left = st.st_size; left > 0;) {
		ssize_t n = sendfile(to, from, NULL, (size_t)left);

		if (n <= 0)
			return berth_error_sys(err, n < 0 ? errno : EIO, "copy /bin/busybox");
		left -= n;
	}
	*ret_epoch = (uint64_t)st.st_mtim.tv_sec;
	return 0;
}

/* "usr/bin/awk": below one of our directories, and not busybox itself. */
static bool applet_is_wanted(const char *path)
{
	static const char *const below[] = {"bin/", "sbin/", "usr/bin/", "usr/sbin/"};

	if (strcmp(path, "bin/busybox") == 0)
		return false;
	for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
		size_t n = strlen(below[i]);

		if (strncmp(path, below[i], n) == 0)
			return path[n] != '\0' && strchr(path + n, '/') == NULL;
	}
	return false;
}

static int link_applets(int root_fd, struct berth_error *err)
{
	static const char *const argv[] = {"/bin/busybox", "--list-full", NULL};
	auto_free char *list = malloc(APPLETS_MAX);
	bool has_init = false;
	char *line, *rest;
	int r;

	if (list == NULL)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "list busybox's applets");
	r = spawn_run_output(argv, list, APPLETS_MAX, err);
	if (r < 0)
		return r;
	for (rest = list; (line = strsep(&rest, "\n")) != NULL;) {
		if (!applet_is_wanted(line))
			continue;
		if (symlinkat("/bin/busybox", root_fd, line) < 0)
			return berth_error_sys(err, errno, "make %s of the template", line);
		has_init |= strcmp(line, "sbin/init") == 0;
	}
	if (!has_init)
		return berth_error_set(err, BERTH_ERR_BAD_TEMPLATE, ENOENT,
				       "this host's busybox has no init: install busybox-static");
	return 0;
}

/* The release of the template is busybox's own: "BusyBox v1.35.0 (Debian ...". */
static int write_os_release(int root_fd, struct berth_error *err)
{
	static const char *const argv[] = {"/bin/busybox", "--help", NULL};
	char out[256], text[256];
	const char *v;
	int r = spawn_run_output(argv, out, sizeof(out), err);

	if (r < 0)
		return r;
	v = strstr(out, "BusyBox v");
	v = v != NULL ? v + strlen("BusyBox v") : "0";
	(void)snprintf(text, sizeof(text), "ID=busybox\nNAME=\"berth tiny\"\nVERSION_ID=%.*s\n",
		       (int)strspn(v, "0123456789."), v);
	r = build_file(root_fd, "etc/os-release", text, 0644);
	return r < 0 ? berth_error_sys(err, r, "write etc/os-release of the template") : 0;
}

int build_tiny(const char *root, struct template_info *t, uint64_t *ret_epoch,
	       template_progress_fn *fn, void *data, struct berth_error *err)
{
	auto_close int root_fd = dir_open_at(AT_FDCWD, root);
	int r;

	if (root_fd < 0)
		return berth_error_sys(err, root_fd, "open %s", root);
	fn("copying busybox", 10, data);
	r = make_dirs(root_fd, err);
	if (r == 0)
		r = copy_busybox(root_fd, ret_epoch, err);
	if (r == 0)
		r = link_applets(root_fd, err);
	if (r == 0)
		r = write_files(root_fd, err);
	if (r == 0)
		r = write_os_release(root_fd, err);
	return r < 0 ? r : root_inspect(root_fd, t, err);
}
