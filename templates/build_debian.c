/*
 * build_debian.c - stock Debian by mmdebstrap, from the mirror that this host itself uses.
 *
 * mmdebstrap runs in its own mount and pid namespace and dies with its worker: what a killed build
 * leaves mounted or running ends with it. Everything that would make two CTs of one template the same is taken out (machine-id,
 * host keys); everything that the build needed only for itself goes too.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/spawn.h"
#include "templates/debian.h"
#include "templates/identity.h"
#include "templates/inspect.h"
#include "templates/template_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum {
	SOURCE_LINE_MAX = DEBIAN_URI_MAX + 64,
	N_SUITES = 3
};

#define KEYRINGS "/usr/share/keyrings/"
#define PACKAGES                                                                                   \
	"systemd-sysv,systemd,dbus,libpam-systemd,cron,openssh-server,sudo,iproute2,iputils-ping," \
	"procps,ca-certificates,less,vim-tiny,nano,netbase,ifupdown,tzdata"

struct debian_build {
	const struct stage *stage;
	const char *suite, *release;
	template_progress_fn *fn;
	void *data;
	struct debian_mirrors mirrors;
	char keyring[80];
	char sources[N_SUITES][SOURCE_LINE_MAX]; /* "" when the mirror has no such suite */
};

static void find_mirrors(struct debian_mirrors *m)
{
	static const char *const files[] = {"/etc/apt/sources.list.d/debian.sources",
					    "/etc/apt/sources.list"};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		auto_free char *text = NULL;

		if (file_read_at(AT_FDCWD, files[i], 64 * 1024, &text, NULL) == 0)
			debian_mirrors_parse(text, m);
	}
	if (m->main[0] == '\0')
		(void)snprintf(m->main, sizeof(m->main), "http://deb.debian.org/debian");
	if (m->security[0] == '\0')
		(void)snprintf(m->security, sizeof(m->security),
			       "http://deb.debian.org/debian-security");
}

/* One of KEYRINGS/NAME.gpg and .pgp (the name since Debian 13). */
static bool find_keyring(const char *name, char *buf, size_t size)
{
	static const char *const ends[] = {"gpg", "pgp"};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		(void)snprintf(buf, size, KEYRINGS "%s.%s", name, ends[i]);
		if (access(buf, R_OK) == 0)
			return true;
	}
	return false;
}

static int find_keys(struct debian_build *b, struct berth_error *err)
{
	char name[64], path[128];

	/* The big keyring holds all of them; the suite's own file tells whether its key is there. */
	(void)snprintf(name, sizeof(name), "debian-archive-%s-automatic", b->suite);
	if (find_keyring(name, path, sizeof(path)) &&
	    find_keyring("debian-archive-keyring", b->keyring, sizeof(b->keyring)))
		return 0;
	return berth_error_set(
		err, BERTH_ERR_HELPER, ENOKEY,
		"this host does not have the archive keys of Debian %s (%s): install "
		"a newer debian-archive-keyring (\"apt-get install "
		"debian-archive-keyring\")",
		b->release, b->suite);
}

/* A suite that the mirror does not carry (an old release, a partial mirror) is left out, and said. */
static void add_suite(struct debian_build *b, unsigned int i, const char *uri, const char *suffix)
{
	char url[DEBIAN_URI_MAX + 96], file[STAGE_PATH_MAX + 16], what[DEBIAN_URI_MAX + 96];
	const char *argv[] = {"/usr/lib/apt/apt-helper", "download-file", url, file, NULL};

	(void)snprintf(url, sizeof(url), "%s/dists/%s%s/InRelease", uri, b->suite, suffix);
	(void)snprintf(file, sizeof(file), "%s/probe", b->stage->dir);
	if (*suffix == '\0' || spawn_run(argv, NULL) == 0) {
		(void)snprintf(b->sources[i], sizeof(b->sources[i]), "deb %s %s%s main", uri,
			       b->suite, suffix);
		return;
	}
	(void)snprintf(what, sizeof(what), "skipped %s%s, which %s does not have", b->suite, suffix,
		       uri);
	b->fn(what, -1, b->data);
}

/* The proxy that this host's apt uses, as an option for mmdebstrap's apt; "" without one. */
static void find_proxy(char *buf, size_t size)
{
	static const char *const argv[] = {"apt-config", "shell", "P", "Acquire::http::Proxy",
					   NULL};
	char out[256] = "";
	char *value = out + 3;

	buf[0] = '\0';
	if (spawn_run_output(argv, out, sizeof(out), NULL) < 0 || strncmp(out, "P='", 3) != 0)
		return;
	value[strcspn(value, "'\"\n")] = '\0';
	(void)snprintf(buf, size, "--aptopt=Acquire::http::Proxy \"%s\";", value);
}

enum {
	ENV_ROOM = 3,
	ENV_PROXIES = 4
};

/* A fixed epoch: it only shows in the age of passwords, and must not differ between two builds. */
static const char *const base_env[ENV_ROOM] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
					       "SOURCE_DATE_EPOCH=1704067200"};

static void make_env(const char *env[ENV_ROOM + ENV_PROXIES + 1], char store[ENV_PROXIES][256])
{
	static const char *const pass[ENV_PROXIES] = {"http_proxy", "https_proxy", "no_proxy",
						      "TMPDIR"};
	size_t n = ENV_ROOM;

	memcpy(env, base_env, sizeof(base_env));
	for (size_t i = 0; i < ENV_PROXIES; i++) {
		const char *v = getenv(pass[i]);

		if (v == NULL || snprintf(store[i], 256, "%s=%s", pass[i], v) >= 256)
			continue;
		env[n++] = store[i];
	}
	env[n] = NULL;
}

/* Reads to the end; the first "E:" line says more than the last one. */
static void read_progress(const struct debian_build *b, FILE *f, char *why, size_t size)
{
	char line[512];

	why[0] = '\0';
	while (fgets(line, sizeof(line), f) != NULL) {
		const char *what;
		int percent;

		line[strcspn(line, "\n")] = '\0';
		if (debian_progress_parse(line, &what, &percent))
			b->fn(what, percent, b->data);
		/* The first error, else the first line that is no progress. */
		if (strncmp(line, "E: ", 3) == 0 ? strncmp(why, "E: ", 3) != 0
						 : why[0] == '\0' && strncmp(line, "I: ", 3) != 0)
			(void)snprintf(why, size, "%.*s", (int)size - 1, line);
	}
}

static int run_and_watch(const struct debian_build *b, const char *const *argv,
			 const char *const *env, struct berth_error *err)
{
	auto_fclose FILE *f = NULL;
	char why[200];
	int p[2], status = 0, r;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) < 0)
		return berth_error_sys(err, errno, "pipe");
	r = spawn_program(
		argv, env,
		&(struct spawn_fds){
			.in = -1, .out = -1, .err = p[1], .keep = &b->stage->fd, .n_keep = 1},
		&pid, NULL, err);
	(void)close(p[1]);
	f = fdopen(p[0], "re");
	if (f == NULL)
		(void)close(p[0]);
	if (r < 0)
		return r;
	if (f != NULL)
		read_progress(b, f, why, sizeof(why));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return berth_error_set(err, BERTH_ERR_HELPER, EIO,
			       "mmdebstrap could not build Debian %s from %s: %s", b->release,
			       b->mirrors.main, f != NULL ? why : "");
}

static int run_mmdebstrap(const struct debian_build *b, struct berth_error *err)
{
	char keyring[128], proxy[320], store[ENV_PROXIES][256];
	const char *env[ENV_ROOM + ENV_PROXIES + 1];
	const char *argv[40] = {"setpriv",
				"--pdeathsig=KILL",
				"unshare",
				"--mount",
				"--propagation=private",
				"--pid",
				"--fork",
				"--kill-child",
				"mmdebstrap",
				"--variant=minbase",
				"--mode=root",
				"--format=directory",
				keyring,
				"--aptopt=APT::Install-Recommends \"false\"",
				"--aptopt=Acquire::Languages \"none\"",
				"--dpkgopt=force-unsafe-io",
				"--include=" PACKAGES};
	size_t n = 17;

	(void)snprintf(keyring, sizeof(keyring), "--keyring=%s", b->keyring);
	find_proxy(proxy, sizeof(proxy));
	if (proxy[0] != '\0')
		argv[n++] = proxy;
	argv[n++] = b->suite;
	argv[n++] = b->stage->root;
	for (size_t i = 0; i < N_SUITES; i++)
		if (b->sources[i][0] != '\0')
			argv[n++] = b->sources[i];
	argv[n] = NULL;
	make_env(env, store);
	return run_and_watch(b, argv, env, err);
}

/* Traces of the build. Missing is fine. */
static const char *const unwanted[] = {
	"etc/resolv.conf",
	"etc/apt/apt.conf.d/99mmdebstrap",
	"etc/dpkg/dpkg.cfg.d/99mmdebstrap",
	"usr/sbin/policy-rc.d",
	"var/cache/ldconfig/aux-cache",
	"var/cache/debconf/config.dat-old",
	"var/cache/debconf/templates.dat-old",
	"var/lib/dpkg/status-old",
	"var/lib/dpkg/diversions-old",
	"var/lib/dpkg/statoverride-old",
	"var/lib/apt/lists/lock",
	"var/cache/apt/archives/lock",
	"etc/passwd-",
	"etc/group-",
	"etc/shadow-",
	"etc/gshadow-",
};

struct build_text {
	const char *path, *text;
	unsigned int mode;
};

static const struct build_text texts[] = {
	{"etc/hostname", "localhost\n", 0644},
	{"etc/hosts",
	 "127.0.0.1\tlocalhost\n"
	 "::1\t\tlocalhost ip6-localhost ip6-loopback\n"
	 "ff02::1\t\tip6-allnodes\n"
	 "ff02::2\t\tip6-allrouters\n",
	 0644},
};

/* Empties directories that the CT gets as fresh mounts: device nodes, sockets and locks in them go. */
static int empty_dir(int root_fd, const char *name, mode_t mode)
{
	int r = tree_remove_at(root_fd, name);

	if (r < 0)
		return r;
	if (mkdirat(root_fd, name, 0700) < 0 || fchmodat(root_fd, name, mode, 0) < 0)
		return -errno;
	return 0;
}

static int tidy(int root_fd)
{
	char found[IDENTITY_TEXT_MAX];
	int r = identity_remove(root_fd, found);

	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++)
		if (unlinkat(root_fd, unwanted[i], 0) < 0 && errno != ENOENT && errno != ENOTDIR)
			return -errno;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && r == 0; i++)
		r = build_file(root_fd, texts[i].path, texts[i].text, texts[i].mode);
	if (r == 0)
		r = empty_dir(root_fd, "dev", 0755);
	if (r == 0)
		r = empty_dir(root_fd, "run", 0755);
	if (r == 0)
		r = empty_dir(root_fd, "tmp", 01777);
	return r;
}

/* When the newest package was built: its files keep their times, only what was made here is older. */
static uint64_t newest_package(int root_fd)
{
	auto_closedir DIR *d = dir_stream_at(root_fd, "usr/share/doc");
	struct dirent *e;
	uint64_t newest = 0;

	if (d == NULL)
		return 0;
	while ((e = readdir(d)) != NULL) {
		char name[sizeof(e->d_name) + 16];
		struct stat st;

		(void)snprintf(name, sizeof(name), "%s/copyright", e->d_name);
		if (fstatat(dirfd(d), name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
		    (uint64_t)st.st_mtim.tv_sec > newest)
			newest = (uint64_t)st.st_mtim.tv_sec;
	}
	return newest;
}

int build_debian(const struct stage *stage, const char *suite, const char *release,
		 struct template_info *t, uint64_t *ret_epoch, template_progress_fn *fn, void *data,
		 struct berth_error *err)
{
	struct debian_build b = {
		.stage = stage, .suite = suite, .release = release, .fn = fn, .data = data};
	auto_close int root_fd = -EBADF;
	int r = find_keys(&b, err);

	if (r < 0)
		return r;
	find_mirrors(&b.mirrors);
	add_suite(&b, 0, b.mirrors.main, "");
	add_suite(&b, 1, b.mirrors.main, "-updates");
	add_suite(&b, 2, b.mirrors.security, "-security");
	r = run_mmdebstrap(&b, err);
	if (r < 0)
		return r;
	root_fd = dir_open_at(AT_FDCWD, stage->root);
	r = root_fd < 0 ? root_fd : tidy(root_fd);
	if (r < 0)
		return berth_error_sys(err, r, "tidy up %s", stage->root);
	*ret_epoch = newest_package(root_fd);
	return root_inspect(root_fd, t, err);
}
