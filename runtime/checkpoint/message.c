/* message.c - requests to CRIU and its answers as bytes. The one file that knows protobuf-c's criu messages. */
#include "runtime/checkpoint/criu.h"

#include <criu.pb-c.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
	enum criu_kind kind;
	Criu__Type type;
} kinds[] = {
	{CRIU_DUMP, CRIU__TYPE__DUMP},
	{CRIU_RESTORE, CRIU__TYPE__RESTORE},
	{CRIU_VERSION, CRIU__TYPE__VERSION},
	{CRIU_NOTIFY, CRIU__TYPE__NOTIFY},
};

enum {
	N_KINDS = sizeof(kinds) / sizeof(kinds[0])
};

static int take_answer(const Criu__Response *m, struct criu_answer *ret)
{
	struct criu_answer a = {.success = m->success, .cr_errno = m->cr_errno};
	size_t i;

	for (i = 0; i < N_KINDS && kinds[i].type != m->type; i++)
		;
	if (i == N_KINDS)
		return -EBADMSG;
	a.kind = kinds[i].kind;
	if (a.kind == CRIU_NOTIFY) {
		if (m->notify == NULL || m->notify->script == NULL ||
		    strlen(m->notify->script) >= sizeof(a.moment))
			return -EBADMSG;
		(void)snprintf(a.moment, sizeof(a.moment), "%s", m->notify->script);
		a.pid = m->notify->pid;
	}
	if (a.kind == CRIU_RESTORE && a.success) {
		if (m->restore == NULL)
			return -EBADMSG;
		a.pid = m->restore->pid;
	}
	if (a.kind == CRIU_VERSION && a.success) {
		if (m->version == NULL || m->version->major_number < 0 ||
		    m->version->minor_number < 0 || m->version->sublevel < 0)
			return -EBADMSG;
		a.major = (unsigned int)m->version->major_number;
		a.minor = (unsigned int)m->version->minor_number;
		a.sublevel = (unsigned int)m->version->sublevel;
	}
	if (a.pid < 0)
		return -EBADMSG;
	*ret = a;
	return 0;
}

int criu_answer_parse(const void *buf, size_t len, struct criu_answer *ret)
{
	Criu__Response *m = criu__response__unpack(NULL, len, buf);
	int r = m == NULL ? -EBADMSG : take_answer(m, ret);

	if (m != NULL)
		criu__response__free_unpacked(m, NULL);
	return r;
}

/* protobuf-c takes strings that it never writes to as char *. */
static char *text(const char *s)
{
	return (char *)(size_t)s;
}

static ssize_t pack(const Criu__Request *m, void *buf, size_t size)
{
	size_t n = criu__request__get_packed_size(m);

	return n > size ? -ENOSPC : (ssize_t)criu__request__pack(m, buf);
}

static void fill_dump(Criu__Opts *opts, const struct criu_order *o)
{
	/*
	 * What an inotify instance watches is stored by name, as file handles are for the host's root alone. Where the
	 * kernel gives no name CRIU looks for the inode in a few directories: /etc, where systemd watches a link.
	 */
	opts->has_force_irmap = opts->force_irmap = true;
	opts->has_pid = true;
	opts->pid = o->pid;
	opts->freeze_cgroup = text(o->freeze_cgroup);
	opts->has_network_lock = true;
	opts->network_lock = CRIU__NETWORK_LOCK__SKIP;
}

static void fill_restore(Criu__Opts *opts, const struct criu_order *o, Criu__Inherit **inherit)
{
	opts->root = text(o->root);
	opts->has_rst_sibling = opts->rst_sibling = true;
	if (o->inherit_key == NULL)
		return;
	inherit[0]->key = text(o->inherit_key);
	inherit[0]->fd = o->inherit_fd;
	opts->n_inherit_fd = 1;
	opts->inherit_fd = inherit;
}

static ssize_t pack_order(const struct criu_order *o, enum criu_kind kind, Criu__Request *m,
			  void *buf, size_t size)
{
	Criu__Opts opts = CRIU__OPTS__INIT;
	Criu__Inherit inherit = CRIU__INHERIT__INIT;
	Criu__Inherit *inherits[] = {&inherit};
	/* Of cgroups we take care ourselves. */
	char *no_controller[] = {text("")};
	char *external[CRIU_EXTERNAL_MAX];

	opts.images_dir_fd = o->images_fd < 0 ? -1 : o->images_fd;
	opts.images_dir = text(o->images_path);
	opts.log_file = text(o->log_name);
	opts.has_log_level = opts.has_ghost_limit = opts.has_manage_cgroups_mode = true;
	opts.log_level = 1; /* errors */
	opts.ghost_limit = CRIU_GHOST_MAX;
	opts.manage_cgroups_mode = CRIU__CGROUP_MODE__IGNORE;
	opts.n_cgroup_dump_controller = 1;
	opts.cgroup_dump_controller = no_controller;
	opts.has_tcp_established = opts.tcp_established = true;
	opts.has_file_locks = opts.file_locks = true;
	opts.has_link_remap = opts.link_remap = true;
	opts.has_notify_scripts = opts.notify_scripts = true;
	opts.has_unprivileged = opts.unprivileged = o->unprivileged;
	opts.external = external;
	while (opts.n_external < CRIU_EXTERNAL_MAX && o->external[opts.n_external] != NULL) {
		external[opts.n_external] = text(o->external[opts.n_external]);
		opts.n_external++;
	}
	if (kind == CRIU_DUMP)
		fill_dump(&opts, o);
	else
		fill_restore(&opts, o, inherits);
	m->opts = &opts;
	return pack(m, buf, size);
}

ssize_t criu_order_format(const struct criu_order *o, enum criu_kind kind, void *buf, size_t size)
{
	Criu__Request m = CRIU__REQUEST__INIT;

	for (size_t i = 0; i < N_KINDS; i++)
		if (kinds[i].kind == kind)
			m.type = kinds[i].type;
	if (kind == CRIU_DUMP || kind == CRIU_RESTORE)
		return pack_order(o, kind, &m, buf, size);
	m.has_keep_open = m.keep_open = kind == CRIU_VERSION;
	m.has_notify_success = kind == CRIU_NOTIFY;
	m.notify_success = o != NULL;
	return pack(&m, buf, size);
}
