/*
 * op_receive.c - the destination of a move. What comes is built where a create builds, and becomes the CT's private
 * area without a config; the journal says READY then. Whose it is from then on only the source can say: its commit
 * makes the config. What fails before READY leaves nothing; what ends in between leaves the journal.
 *
 * Arguments: ID_BASE UUID new|resume|take. Descriptors: the connection, in and out; none for take. The offer is
 * RUN/ct/CTID/offer and the config to be RUN/ct/CTID/candidate.conf, both of a new one only.
 */
#include "runtime/base/child.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/fault.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/base/parse.h"
#include "runtime/ct/journal.h"
#include "runtime/ct/plan.h"
#include "runtime/ct/store.h"
#include "runtime/migrate/keepalive.h"
#include "runtime/migrate/link.h"
#include "runtime/migrate/message.h"
#include "runtime/migrate/reader.h"
#include "runtime/storage/volume.h"
#include "runtime/wire/report.h"
#include "runtime/worker/host_space.h"
#include "runtime/worker/migrate.h"
#include "runtime/worker/moved_images.h"
#include "templates/template.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

struct receive {
	struct worker *w;
	struct link link;
	struct reader reader;
	struct message_offer offer;
	struct conf_file *conf;
	struct ct_config config;
	struct template_info template;
	struct ct_facts facts;
	int area_fd; /* LIB/private */
	int private_fd; /* LIB/private/.CTID.UUID.new */
	int volume_fd; /* of the volume that comes */
	char temp[AREA_NAME_MAX], name[AREA_NAME_MAX];
};

static int load_offer(struct receive *v, struct berth_error *err)
{
	char text[MESSAGE_SIZE];
	int dir = worker_ct_dir(v->w, err), r;

	if (dir < 0)
		return dir;
	r = file_read_line_at(dir, "offer", text, sizeof(text));
	if (r == 0)
		r = message_offer_parse(text, &v->offer);
	return r < 0 ? berth_error_sys(err, r, "CT %u: read its offer", v->w->ctid) : 0;
}

static int step_load(void *ctx, struct berth_error *err)
{
	struct receive *v = ctx;
	struct worker *w = v->w;
	struct ct_facts *f = &v->facts;
	const struct message_offer *o = &v->offer;
	int r = load_offer(v, err);

	if (r == 0)
		r = migrate_check_layout(o->layout, err);
	if (r == 0)
		r = store_candidate_load(&w->paths, w->ctid, &v->conf, err);
	if (r == 0)
		r = ct_config_from(v->conf, w->host_conf, &v->config, err);
	if (r == 0)
		r = migrate_check_addrs(w, w->ctid, &v->config, err);
	if (r == 0)
		r = migrate_check_limits(w, &v->config, o->driver, err);
	if (r == 0 && strcmp(o->layout, "overlay") == 0)
		r = migrate_template(w, o->template_hash, o->template_name, &v->template, err);
	if (r < 0)
		return r;
	if (strcmp(o->uuid, w->args[1]) != 0 || parse_u32(w->args[0], &f->id_base) < 0)
		return berth_error_set(err, BERTH_ERR_OPTION, EINVAL, "receive: bad arguments");
	f->ctid = w->ctid;
	f->created = o->created;
	f->epoch = o->epoch;
	(void)memcpy(f->uuid, o->uuid, sizeof(f->uuid));
	(void)memcpy(f->template_name, o->template_name, sizeof(f->template_name));
	(void)memcpy(f->template_hash, o->template_hash, sizeof(f->template_hash));
	(void)memcpy(f->layout, o->layout, sizeof(f->layout));
	(void)memcpy(f->driver, o->driver, sizeof(f->driver));
	(void)snprintf(f->distribution, sizeof(f->distribution), "%s", v->template.distribution);
	return 0;
}

static int step_area(void *ctx, struct berth_error *err)
{
	struct receive *v = ctx;
	int r = journal_clear(&v->w->paths, v->w->ctid, err);

	if (r < 0)
		return r; /* an earlier move's word must not count for this one */
	(void)area_name(v->w->ctid, v->name);
	(void)area_new_name(v->w->ctid, v->facts.uuid, v->temp);
	if (faccessat(v->area_fd, v->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT)
		return berth_error_set(
			err, BERTH_ERR_EXISTS, EEXIST,
			"CT %u: the private area %s/private/%s exists already; move it "
			"away",
			v->w->ctid, v->w->paths.lib, v->name);
	if (mkdirat(v->area_fd, v->temp, 0700) < 0)
		return berth_error_set(err, errno == ENOSPC ? BERTH_ERR_NO_SPACE : BERTH_ERR_CREATE,
				       errno, "CT %u: make %s/private/%s: %s", v->w->ctid,
				       v->w->paths.lib, v->temp, strerror(errno));
	v->private_fd = dir_open_at(v->area_fd, v->temp);
	return v->private_fd < 0 ? berth_error_sys(err, v->private_fd, "open %s", v->temp) : 0;
}

static void undo_area(void *ctx)
{
	struct receive *v = ctx;

	(void)tree_remove_at(v->area_fd, v->temp);
}

static int say_state(struct receive *v, enum message_state state, struct berth_error *err)
{
	struct message_answer a = {.state = state};
	char text[MESSAGE_SIZE];
	int r = message_answer_format(&a, text);

	return r < 0 ? berth_error_sys(err, r, "answer")
		     : link_send_text(&v->link, FRAME_ANSWER, text, err);
}

static int source_has_gone(struct receive *v, struct berth_error *err)
{
	return berth_error_set(
		err, BERTH_ERR_PROTOCOL, EPIPE,
		"CT %u: the source has gone, or keeps it, while what it had sent was checked",
		v->w->ctid);
}

/* While the CT still runs there: what is left for the time when it stands still is little. */
static int end_round(struct receive *v, struct berth_error *err)
{
	struct keepalive alive;
	int r = keepalive_begin(&alive, &v->link, MIGRATE_WORKING_MS, err);

	if (r < 0)
		return r;
	if (fdatasync(v->volume_fd) < 0)
		r = berth_error_sys(err, errno, "fdatasync of a volume's image");
	keepalive_end(&alive);
	if (r == 0 && alive.failed)
		r = source_has_gone(v, err);
	return r < 0 ? r : link_send_text(&v->link, FRAME_ROUND, "", err);
}

static int hear_blocks(struct receive *v, const char *what, uint64_t all, uint64_t *ret_bytes,
		       struct berth_error *err)
{
	enum reader_said said = READER_PROGRESS;
	uint64_t bytes;

	while (said == READER_PROGRESS || said == READER_ROUND) {
		int r = FAULT_STEP("receive.progress", err);

		if (r == 0)
			r = reader_next(&v->reader, &said, &bytes, err);
		if (r == 0 && said == READER_ROUND)
			r = end_round(v, err);
		if (r < 0)
			return r;
		report_progress(what, all == 0 || bytes >= all ? 99 : (int)(bytes * 99 / all));
	}
	*ret_bytes = bytes;
	return said == READER_DONE ? 0
				   : berth_error_set(err, BERTH_ERR_PROTOCOL, EBADMSG,
						     "a commit came too early");
}

/* Of a large volume it takes minutes. */
static int step_check(void *ctx, struct berth_error *err)
{
	struct receive *v = ctx;
	const struct volume_driver *d = volume_driver_find(v->facts.driver);
	struct keepalive alive;
	int r = keepalive_begin(&alive, &v->link, MIGRATE_WORKING_MS, err);

	if (r < 0)
		return r;
	report_progress("checking the volume", 99);
	r = volume_receive_end(d, v->private_fd, v->volume_fd, err);
	keepalive_end(&alive);
	if (r == 0 && alive.failed)
		r = source_has_gone(v, err);
	fd_close(&v->volume_fd);
	if (r == 0 && v->offer.suspended)
		r = moved_images_fit(v->w, v->private_fd, v->facts.uuid, d, err);
	if (r == 0 && v->offer.suspended)
		r = moved_images_obey(v->w, v->private_fd, v->conf, v->facts.driver, err);
	return r;
}

/* Gigabytes are copied and flushed. */
static int unpack_images(struct receive *v, int fd, uint64_t bytes, struct berth_error *err)
{
	struct keepalive alive;
	int r = keepalive_begin(&alive, &v->link, MIGRATE_WORKING_MS, err);

	if (r < 0)
		return r;
	report_progress("writing its memory", 99);
	r = FAULT_STEP("receive.unpack", err);
	if (r == 0)
		r = moved_images_unpack(v->private_fd, fd, bytes, err);
	keepalive_end(&alive);
	return r == 0 && alive.failed ? source_has_gone(v, err) : r;
}

/* Of a CT that is suspended there. */
static int step_images(void *ctx, struct berth_error *err)
{
	struct receive *v = ctx;
	struct reader_order o = {.in = v->w->fds[0],
				 .out = v->w->fds[1],
				 .uid = v->w->host.id_base_first,
				 .quiet_ms = MIGRATE_QUIET_MS};
	auto_close int fd = -EBADF;
	uint64_t bytes;
	int r;

	if (!v->offer.suspended)
		return 0;
	r = moved_images_room(v->w, v->private_fd, &o.file_bytes, err);
	if (r == 0)
		r = moved_images_create(v->private_fd, &fd, err);
	o.file = fd;
	if (r == 0)
		r = reader_start_blocks(&o, &v->reader, err);
	if (r == 0)
		r = hear_blocks(v, "receiving its memory", 0, &bytes, err);
	reader_end(&v->reader);
	return r < 0 ? r : unpack_images(v, fd, bytes, err);
}

static int step_volume(void *ctx, struct berth_error *err)
{
	struct receive *v = ctx;
	struct worker *w = v->w;
	const struct volume_driver *d = volume_driver_find(v->facts.driver);
	struct volume_travel t = {v->offer.volume_bytes, v->offer.volume_used};
	struct reader_order o = {.in = w->fds[0],
				 .out = w->fds[1],
				 .file_bytes = t.bytes,
				 .rounds = v->offer.suspended,
				 .pause_ms = w->host.worker_timeout * 1000,
				 .uid = w->host.id_base_first,
				 .quiet_ms = MIGRATE_QUIET_MS};
	uint64_t bytes;
	int r = host_space_promise(w, t.bytes, err);

	if (r >= 0)
		r = volume_receive_begin(d, v->private_fd, &t, &v->volume_fd, err);
	o.file = v->volume_fd;
	if (r == 0)
		r = say_state(v, ANSWER_SEND, err);
	if (r == 0)
		r = reader_start_blocks(&o, &v->reader, err);
	if (r == 0)
		r = hear_blocks(v, "receiving the volume", t.used, &bytes, err);
	reader_end(&v->reader); /* it could still write */
	return r;
}

static int step_facts(void *ctx, struct berth_error *err)
{
	struct receive *v = ctx;
	char text[2048];
	int r = ct_facts_format(&v->facts, text, sizeof(text));

	if (r == 0)
		r = file_replace_at(v->private_fd, FACTS_COPY, text, strlen(text), 0600, true);
	if (r == 0)
		r = file_replace_at(v->private_fd, "facts", text, strlen(text), 0600, true);
	if (r == 0 && v->offer.suspended && v->offer.start)
		r = file_replace_at(v->private_fd, MOVING_MARK, "", 0, 0600, true);
	if (r < 0)
		return berth_error_set(err, r == -ENOSPC ? BERTH_ERR_NO_SPACE : BERTH_ERR_CREATE,
				       -r, "CT %u: write its facts: %s", v->w->ctid, strerror(-r));
	return conf_save_at(v->private_fd, JOURNAL_INCOMING_CONF, v->conf, err);
}

static int step_rename(void *ctx, struct berth_error *err)
{
	struct receive *v = ctx;

	if (renameat2(v->area_fd, v->temp, v->area_fd, v->name, RENAME_NOREPLACE) < 0)
		return berth_error_sys(err, errno, "CT %u: name its private area", v->w->ctid);
	if (fsync(v->area_fd) < 0)
		return berth_error_sys(err, errno, "CT %u: fsync of %s/private", v->w->ctid,
				       v->w->paths.lib);
	return 0;
}

static void undo_rename(void *ctx)
{
	struct receive *v = ctx;
	struct area_id made = {0};
	struct berth_error why;

	(void)memcpy(made.uuid, v->facts.uuid, sizeof(made.uuid));
	if (area_remove(v->area_fd, v->w->ctid, &made, &why) < 0)
		log_line(LOG_LV_WARNING, v->w->ctid, "undo the receive: %s", why.msg);
}

/* As create does: a removal of the template from now on sees the facts; one that came before is over. */
static int step_image(void *ctx, struct berth_error *err)
{
	struct receive *v = ctx;
	char path[BERTH_PATH_MAX], name[80];
	auto_close int dir = dir_open_at(AT_FDCWD, worker_template_dir(v->w, path));

	if (strcmp(v->facts.layout, "overlay") != 0)
		return 0;
	if (dir < 0 || flock(dir, LOCK_SH) < 0 ||
	    faccessat(dir, template_image_name(&v->template, name), F_OK, 0) < 0)
		return berth_error_set(err, BERTH_ERR_NO_TEMPLATE, ENOENT,
				       "CT %u: its template '%s' was removed meanwhile", v->w->ctid,
				       v->facts.template_name);
	return 0;
}

static int step_journal(void *ctx, struct berth_error *err)
{
	struct receive *v = ctx;
	struct journal j = {.phase = JOURNAL_READY,
			    .epoch = v->offer.epoch,
			    .peer_ctid = v->offer.ctid,
			    .start = v->offer.start};

	/* It has nothing to say before it has heard READY: this is its end, or an abort. */
	if (fd_wait(v->link.in, POLLIN, 0) != 0)
		return source_has_gone(v, err);
	(void)memcpy(j.id, v->offer.id, sizeof(j.id));
	(void)memcpy(j.uuid, v->offer.uuid, sizeof(j.uuid));
	return journal_save(&v->w->paths, v->w->ctid, &j, err);
}

/* It may be there although it could not be made durable; what it stands for goes next. */
static void failed(void *ctx)
{
	struct receive *v = ctx;
	struct berth_error why;

	if (journal_clear(&v->w->paths, v->w->ctid, &why) < 0)
		log_line(LOG_LV_ERROR, v->w->ctid, "undo the receive: %s", why.msg);
}

static const struct plan_step steps[] = {
	{"load", step_load, NULL},
	{"area", step_area, undo_area},
	{"volume", step_volume, NULL},
	{"images", step_images, NULL},
	{"check", step_check, NULL},
	{"facts", step_facts, NULL},
	{"rename", step_rename, undo_rename},
	{"image", step_image, NULL},
	{"ready", step_journal, NULL},
};
static const struct plan plan = {
	.name = "receive", .steps = steps, .n = sizeof(steps) / sizeof(steps[0]), .failed = failed};

PLAN_POINTS(plan);

/* Is private/CTID what has come by this move? */
static int check_area(struct receive *v, struct berth_error *err)
{
	struct worker *w = v->w;
	struct area_id id = {0};
	int dir = worker_private_dir(w, err), r;

	if (dir < 0)
		return dir;
	r = area_id_read_dir(dir, &id);
	if (r < 0)
		return berth_error_sys(err, r, "CT %u: read the UUID in its private area", w->ctid);
	if (strcmp(id.uuid, w->args[1]) != 0)
		return berth_error_set(
			err, BERTH_ERR_BROKEN, EUCLEAN,
			"CT %u: %s/private/%u is not what has come by the move (UUID "
			"%s, not %s); put that back",
			w->ctid, w->paths.lib, w->ctid, id.uuid, w->args[1]);
	return dir;
}

/* From here on it is this host's. The journal goes when berthd has settled it: until then nothing undoes it. */
static int own(struct receive *v, struct berth_error *err)
{
	struct worker *w = v->w;
	struct conf_file *conf;
	int dir = check_area(v, err), r;

	if (dir < 0)
		return dir;
	r = conf_load_at(dir, JOURNAL_INCOMING_CONF, &conf, err);
	if (r < 0)
		return r;
	r = FAULT_STEP("receive.own", err);
	if (r == 0)
		r = store_conf_create(&w->paths, w->ctid, conf, err);
	conf_free(conf);
	if (r < 0)
		return r;
	(void)FAULT_POINT("receive.owned");
	(void)file_unlink_at(dir, JOURNAL_INCOMING_CONF);
	return 0;
}

/* What the source says last. Without a word the journal stays: only the source, or an admin, knows. */
static int hear_word(struct receive *v, struct berth_error *err)
{
	struct worker *w = v->w;
	struct reader_order o = {.in = w->fds[0],
				 .out = w->fds[1],
				 .file = -1,
				 .uid = w->host.id_base_first,
				 .quiet_ms = MIGRATE_QUIET_MS};
	enum reader_said said;
	uint64_t bytes;
	int r = reader_start_word(&o, &v->reader, err);

	if (r == 0)
		r = reader_next(&v->reader, &said, &bytes, err);
	if (r < 0 && err->sys == ECANCELED) {
		struct berth_error why;

		if (journal_clear(&w->paths, w->ctid, &why) < 0)
			log_line(LOG_LV_ERROR, w->ctid, "%s", why.msg);
		return r;
	}
	if (r == 0 && said != READER_COMMIT)
		r = berth_error_set(err, BERTH_ERR_PROTOCOL, EBADMSG, "no commit came");
	return r < 0 ? r : own(v, err);
}

/* What was not said all no source has heard: then none can commit, and berthd undoes what is without a journal. */
static int say_ready(struct receive *v, struct berth_error *err)
{
	int r = FAULT_STEP("receive.say_ready", err);

	if (r == 0)
		r = link_send_text(&v->link, FRAME_READY, "", err);
	if (r < 0)
		failed(v);
	return r;
}

static int receive_new(struct receive *v, struct berth_error *err)
{
	int r = plan_run(&plan, v, err);

	if (r == 0)
		r = say_ready(v, err);
	return r < 0 ? r : hear_word(v, err);
}

static int receive_resume(struct receive *v, struct berth_error *err)
{
	int r = say_state(v, ANSWER_READY, err);

	return r < 0 ? r : hear_word(v, err);
}

static int receive(struct receive *v, struct berth_error *err)
{
	struct worker *w = v->w;
	const char *how = w->args[2];
	int r;

	if (strcmp(how, "take") == 0)
		return own(v, err);
	if (w->n_fds != 2)
		return berth_error_set(err, BERTH_ERR_OPTION, EINVAL, "receive: bad descriptors");
	r = link_open(&v->link, w->fds[0], w->fds[1], MIGRATE_QUIET_MS, err);
	if (r == 0)
		r = strcmp(how, "resume") == 0 ? receive_resume(v, err) : receive_new(v, err);
	/* It is said to who can hear it. What is owned stays so, and is asked for again. */
	if (r == 0)
		(void)link_send_text(&v->link, FRAME_OWNED, "", NULL);
	else if (v->link.payload != NULL && err->sys != EPIPE) {
		char text[MESSAGE_SIZE];

		if (message_reason_format(err->msg, text) == 0)
			(void)link_send_text(&v->link, FRAME_ABORT, text, NULL);
	}
	return r;
}

int op_receive(struct worker *w, struct berth_error *err)
{
	struct receive v = {.w = w, .private_fd = -EBADF, .volume_fd = -EBADF};
	char path[BERTH_PATH_MAX];
	int r;

	v.area_fd = dir_open_at(AT_FDCWD, path_below(w->paths.lib, "private", path));
	r = v.area_fd < 0 ? berth_error_sys(err, v.area_fd, "open directory %s", path)
			  : receive(&v, err);
	reader_end(&v.reader);
	link_close(&v.link);
	conf_free(v.conf);
	fd_close(&v.volume_fd);
	fd_close(&v.private_fd);
	fd_close(&v.area_fd);
	return r;
}
