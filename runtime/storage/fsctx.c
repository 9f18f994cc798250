/* fsctx.c - a new mount by fsopen(2). */
#include "runtime/storage/fsctx.h"

#include "runtime/base/cleanup.h"
#include "runtime/storage/kmsg.h"

#include <string.h>
#include <sys/mount.h>

/* The context hands out one message a read, "e text\n"; the first error is the cause. */
static void read_context_log(int fsfd, char *buf, size_t size)
{
	char msg[256];
	ssize_t n;

	while ((n = read(fsfd, msg, sizeof(msg) - 1)) > 0) {
		msg[n] = '\0';
		msg[strcspn(msg, "\n")] = '\0';
		if (buf[0] == '\0' && n > 2 && msg[0] == 'e')
			(void)snprintf(buf, size, "%.190s", msg + 2);
	}
}

static int refused(const struct fsctx_spec *s, int fsfd, const char *what, int sys,
		   struct berth_error *err)
{
	char why[200] = "";

	read_context_log(fsfd, why, sizeof(why));
	if (why[0] == '\0')
		kmsg_first(s->log_word, why, sizeof(why));
	return berth_error_set(err, BERTH_ERR_MOUNT, sys, "mount %s of %.100s: %s: %s%s%s",
			       s->kernel_type, s->where, what, strerror(sys),
			       why[0] != '\0' ? "; the kernel says: " : "", why);
}

static int set_options(const struct fsctx_spec *s, int fsfd, struct berth_error *err)
{
	for (const struct fsctx_option *o = s->options; o->key != NULL; o++) {
		unsigned int cmd = o->value != NULL ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;

		if (fsconfig(fsfd, cmd, o->key, o->value, 0) < 0)
			return refused(s, fsfd, o->key, errno, err);
	}
	return 0;
}

static int create(const struct fsctx_spec *s, int fsfd, struct berth_error *err)
{
	if (fsconfig(fsfd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return refused(s, fsfd, "create", errno, err);
	return 0;
}

int fsctx_mount(const struct fsctx_spec *s, int (*before)(void *data, struct berth_error *err),
		int (*after)(void *data, struct berth_error *err), void *data, int *ret_mount_fd,
		struct berth_error *err)
{
	auto_close int fsfd = fsopen(s->kernel_type, FSOPEN_CLOEXEC);
	int r, fd;

	kmsg_mark();
	if (fsfd < 0 && errno == ENODEV)
		return berth_error_set(err, BERTH_ERR_UNSUPPORTED, ENODEV,
				       "this kernel has no %s: modprobe %s", s->kernel_type,
				       s->kernel_type);
	if (fsfd < 0)
		return berth_error_sys(err, errno, "fsopen %s", s->kernel_type);
	r = set_options(s, fsfd, err);
	if (r < 0)
		return r;
	r = before != NULL ? before(data, err) : 0;
	if (r < 0)
		return r;
	r = create(s, fsfd, err);
	if (after != NULL && after(data, r == 0 ? err : NULL) < 0 && r == 0)
		return err != NULL ? -err->sys : -EPERM;
	if (r < 0)
		return r;
	fd = fsmount(fsfd, FSMOUNT_CLOEXEC, s->attr);
	if (fd < 0)
		return refused(s, fsfd, "fsmount", errno, err);
	*ret_mount_fd = fd;
	return 0;
}
