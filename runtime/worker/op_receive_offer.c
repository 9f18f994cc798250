/*
 * op_receive_offer.c - hears, in a confined child, what a source wants to move here, and says what of this host is in
 * the way; and tells the source what berthd made of it.
 *
 * receive-offer: descriptors in, out, and a file for offer and config. Results: finding.N.
 * receive-answer: descriptors in, out, and a file with the answer.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/ct/spec.h"
#include "runtime/migrate/link.h"
#include "runtime/migrate/message.h"
#include "runtime/migrate/reader.h"
#include "runtime/storage/volume.h"
#include "runtime/wire/report.h"
#include "runtime/worker/host_space.h"
#include "runtime/worker/migrate.h"
#include "runtime/worker/move_needs.h"
#include "templates/template.h"

#include <fcntl.h>
#include <string.h>

enum {
	FILE_MAX = MESSAGE_SIZE + CONF_FILE_MAX + 2
};

/* ---- what is asked of this host ---- */

struct by_hash {
	const char *hash;
	struct template_info *ret;
	bool found;
};

static int match_hash(const struct template_info *t, void *data)
{
	struct by_hash *q = data;

	q->found = strcmp(t->hash, q->hash) == 0;
	if (q->found)
		*q->ret = *t;
	return q->found;
}

int migrate_template(struct worker *w, const char *hash, const char *name,
		     struct template_info *ret, struct berth_error *err)
{
	char path[BERTH_PATH_MAX];
	auto_close int dir = dir_open_at(AT_FDCWD, worker_template_dir(w, path));
	struct by_hash q = {.hash = hash, .ret = ret};
	auto_close int image = -EBADF;
	int r = dir < 0 ? dir : template_list(dir, match_hash, &q, err);

	if (dir < 0)
		return berth_error_sys(err, dir, "open directory %s", path);
	if (r < 0)
		return r;
	if (!q.found)
		return berth_error_set(
			err, BERTH_ERR_NO_TEMPLATE, ENOENT,
			"the template '%.60s' with content %.12s... is not there: copy "
			"%.60s.template and image/%.12s*.erofs of the source's template "
			"directory to %.100s",
			name, hash, name, hash, path);
	image = template_open(dir, ret, false, err);
	return image < 0 ? image : 0;
}

int migrate_check_limits(struct worker *w, const struct ct_config *c, const char *driver,
			 struct berth_error *err)
{
	const struct volume_driver *d = volume_driver_find(driver);
	struct cg_limits limits;
	struct cg_host *cg;
	int r;

	if (d == NULL)
		return berth_error_set(err, BERTH_ERR_UNSUPPORTED, ENOENT,
				       "this berth has no volume driver '%s'", driver);
	r = worker_cg_open(w, &cg, err);
	if (r < 0)
		return r;
	spec_cg_limits(c, volume_io_device(d), &limits);
	r = cg_limits_check(cg, &limits, err);
	cg_host_free(cg);
	return r;
}

int migrate_check_addrs(struct worker *w, uint32_t ctid, const struct ct_config *c,
			struct berth_error *err)
{
	static struct net_addr addrs[CT_ADDR_MAX];
	struct net_ct net;
	int r = spec_net(ctid, c, &w->host, w->paths.root, addrs, &net, err);

	return r < 0 ? r : worker_addrs_check(w, &net, NULL, err);
}

int migrate_check_layout(const char *layout, struct berth_error *err)
{
	if (strcmp(layout, "overlay") == 0 || strcmp(layout, "private") == 0)
		return 0;
	return berth_error_set(err, BERTH_ERR_UNSUPPORTED, EOPNOTSUPP,
			       "this berth knows no layout '%.20s': upgrade it", layout);
}

/* ---- the offer ---- */

static void find(unsigned int *n, const struct berth_error *why)
{
	char key[20];

	(void)snprintf(key, sizeof(key), "finding.%u", (*n)++);
	report_result(key, why->msg);
}

static void find_need(const struct berth_error *why, void *data)
{
	find(data, why);
}

/* Behind the commit it is too late to find out. */
static void look_at_needs(struct worker *w, const struct message_offer *o, unsigned int *n)
{
	struct message_needs here;
	struct berth_error why;

	if (move_needs_here(w, &here, &why) < 0)
		find(n, &why);
	else
		needs_compare(&o->needs, &here, find_need, n);
}

/* All that is in the way is told at once; what berthd knows of, it finds itself. */
static int look_around(struct worker *w, const char *text, struct berth_error *err)
{
	const char *config = text + strlen(text) + 1;
	struct template_info t;
	struct message_offer o;
	struct ct_config c;
	struct conf_file *f;
	struct berth_error why;
	unsigned int n = 0;
	int r = message_offer_parse(text, &o);

	if (r < 0)
		return berth_error_sys(err, r, "read the offer");
	r = conf_parse(config, strlen(config), &f, err);
	if (r < 0)
		return r;
	if (migrate_check_layout(o.layout, &why) < 0)
		find(&n, &why);
	if (strcmp(o.layout, "overlay") == 0 &&
	    migrate_template(w, o.template_hash, o.template_name, &t, &why) < 0)
		find(&n, &why);
	if (ct_config_from(f, w->host_conf, &c, &why) < 0) {
		find(&n, &why);
	} else {
		if (migrate_check_addrs(w, o.new_ctid, &c, &why) < 0)
			find(&n, &why);
		if (migrate_check_limits(w, &c, o.driver, &why) < 0)
			find(&n, &why);
	}
	if (o.suspended && !o.given)
		look_at_needs(w, &o, &n);
	if (!o.given && host_space_promise(w, o.volume_bytes, &why) < 0)
		find(&n, &why);
	conf_free(f);
	return 0;
}

static void tell_abort(struct worker *w, const struct berth_error *why)
{
	char text[MESSAGE_SIZE];
	struct berth_error ignored;
	struct link l;

	if (why->sys == EPIPE || link_open(&l, w->fds[0], w->fds[1], 1000, &ignored) < 0)
		return;
	if (message_reason_format(why->msg, text) == 0)
		(void)link_send_text(&l, FRAME_ABORT, text, &ignored);
	link_close(&l);
}

int op_receive_offer(struct worker *w, struct berth_error *err)
{
	struct reader_order o = {
		.file_bytes = FILE_MAX, .uid = w->host.id_base_first, .quiet_ms = MIGRATE_QUIET_MS};
	auto_free char *text = calloc(1, FILE_MAX + 2);
	struct reader rd;
	enum reader_said said;
	uint64_t bytes;
	int r;

	if (w->n_fds != 3 || text == NULL)
		return berth_error_set(err, BERTH_ERR_OPTION, EINVAL,
				       "receive-offer: bad descriptors");
	o.in = w->fds[0];
	o.out = w->fds[1];
	o.file = w->fds[2];
	r = reader_start_offer(&o, &rd, err);
	if (r < 0)
		return r;
	r = reader_next(&rd, &said, &bytes, err);
	reader_end(&rd);
	if (r == 0 && (said != READER_DONE || pread(o.file, text, FILE_MAX, 0) <= 0))
		r = berth_error_set(err, BERTH_ERR_PROTOCOL, EBADMSG, "no offer came");
	if (r < 0)
		tell_abort(w, err);
	return r < 0 ? r : look_around(w, text, err);
}

/* ---- the answer ---- */

int op_receive_answer(struct worker *w, struct berth_error *err)
{
	char text[MESSAGE_SIZE] = "";
	struct link l;
	int r;

	if (w->n_fds != 3 || pread(w->fds[2], text, sizeof(text) - 1, 0) <= 0)
		return berth_error_set(err, BERTH_ERR_OPTION, EINVAL,
				       "receive-answer: bad descriptors");
	r = link_open(&l, w->fds[0], w->fds[1], MIGRATE_QUIET_MS, err);
	if (r == 0)
		r = link_send_text(&l, FRAME_ANSWER, text, err);
	link_close(&l);
	return r;
}
