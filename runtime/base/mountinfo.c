/* mountinfo.c - reading /proc/self/mountinfo, see proc_pid_mountinfo(5). */
#include "runtime/base/mountinfo.h"

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

int mountinfo_read(char **ret, struct berth_error *err)
{
	int r = file_read_at(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, ret, NULL);

	return r < 0 ? berth_error_sys(err, r, "read /proc/self/mountinfo") : 0;
}

int mountinfo_line(int fd, char **ret, struct berth_error *err)
{
	auto_free char *text = NULL;
	const char *line;
	struct statx sx;
	int r;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &sx) < 0)
		return berth_error_sys(err, errno, "statx of a mount");
	r = mountinfo_read(&text, err);
	if (r < 0)
		return r;
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

const char *mountinfo_field(const char *line, int n)
{
	while (--n > 0 && line != NULL) {
		line += strcspn(line, " \n");
		line = *line == ' ' ? line + 1 : NULL;
	}
	return line;
}

const char *mountinfo_super_options(const char *line)
{
	const char *dash = strstr(line, " - ");

	return dash != NULL ? mountinfo_field(dash + 3, 3) : NULL;
}

bool mountinfo_is_writable(const char *line)
{
	const char *own = mountinfo_field(line, 6), *super = mountinfo_super_options(line);

	return own != NULL && super != NULL && has_option(own, "rw") && has_option(super, "rw");
}
