/* mountinfo.c - reading /proc/self/mountinfo, see proc_pid_mountinfo(5). */
#include "runtime/storage/mountinfo.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* More than 100,000 mounts: something is wrong with this host. */
enum {
	MOUNTINFO_MAX = 32 << 20
};

const char *mountinfo_find(const char *text, unsigned long long id)
{
	char head[32];
	size_t len = (size_t)snprintf(head, sizeof(head), "%llu ", id);

	while (text != NULL && *text != '\0') {
		const char *end = strchr(text, '\n');

		if (strncmp(text, head, len) == 0)
			return text;
		text = end != NULL ? end + 1 : NULL;
	}
	return NULL;
}

int mountinfo_line(int fd, char **ret, struct berth_error *err)
{
	auto_free char *text = NULL;
	const char *line;
	struct statx sx;
	int r;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &sx) < 0)
		return berth_error_sys(err, errno, "statx of a mount");
	r = file_read_at(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &text, NULL);
	if (r < 0)
		return berth_error_sys(err, r, "read /proc/self/mountinfo");
	line = mountinfo_find(text, sx.stx_mnt_id);
	if (line == NULL)
		return berth_error_set(err, BERTH_ERR_MOUNT, ENOENT,
				       "mount %llu is not in /proc/self/mountinfo",
				       (unsigned long long)sx.stx_mnt_id);
	*ret = strndup(line, strcspn(line, "\n"));
	return *ret != NULL ? 0 : berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "no memory");
}

/* Is word one of the comma-separated options of this field (up to space or end)? */
static bool has_option(const char *options, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = options;; p++) {
		size_t n = strcspn(p, ", \n");

		if (n == len && strncmp(p, word, n) == 0)
			return true;
		p += n;
		if (*p != ',')
			return false;
	}
}

/* The n-th field, counted from 1, of words with single spaces between. */
static const char *field(const char *line, int n)
{
	while (--n > 0 && line != NULL) {
		line = strchr(line, ' ');
		if (line != NULL)
			line++;
	}
	return line;
}

/* The file system's own options: the third field after the lone "-". */
static const char *super_options(const char *line)
{
	const char *dash = strstr(line, " - ");

	return dash != NULL ? field(dash + 3, 3) : NULL;
}

bool mountinfo_is_writable(const char *line)
{
	const char *own = field(line, 6), *super = super_options(line);

	return own != NULL && super != NULL && has_option(own, "rw") && has_option(super, "rw");
}

/* The value that is shown ("on", "off", "nofollow"), NULL when the option is not. */
static const char *shown(const char *options, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = options;; p++) {
		size_t n = strcspn(p, ", \n");

		if (n > len && strncmp(p, name, len) == 0 && p[len] == '=')
			return p + len + 1;
		p += n;
		if (*p != ',')
			return NULL;
	}
}

static bool is_on(const char *options, const char *name, bool by_default)
{
	const char *value = shown(options, name);

	return value != NULL ? strncmp(value, "on", 2) == 0 : by_default;
}

bool rootfs_options_ok(const char *mountinfo_line, const struct rootfs_defaults *d)
{
	const char *o = super_options(mountinfo_line);

	return mountinfo_is_writable(mountinfo_line) && is_on(o, "index", d->index) &&
	       is_on(o, "nfs_export", d->nfs_export) && is_on(o, "xino", false) &&
	       !is_on(o, "metacopy", d->metacopy) && !is_on(o, "redirect_dir", d->redirect_dir);
}

static bool parameter(const char *name)
{
	char path[80], value[8];

	(void)snprintf(path, sizeof(path), "/sys/module/overlay/parameters/%s", name);
	return file_read_line_at(AT_FDCWD, path, value, sizeof(value)) == 0 && value[0] == 'Y';
}

void rootfs_defaults_read(struct rootfs_defaults *ret)
{
	*ret = (struct rootfs_defaults){
		.index = parameter("index"),
		.nfs_export = parameter("nfs_export"),
		.redirect_dir = parameter("redirect_dir"),
		.metacopy = parameter("metacopy"),
	};
}
