/*
 * op_send.c - the source of a move. Up to the journal's GIVEN, the commit point, the CT is here and whole, whatever
 * happens; from then on it never starts here again, and the same order goes on where it was cut.
 *
 * A CT that runs goes in two operations over one connection, which berthd keeps in between. "ahead" sends a round of its
 * volume while it runs; then it is suspended; "last" sends what has changed, and the images, and commits. A CT that is
 * suspended already goes as one that is stopped, with its images.
 *
 * Arguments: NEW_CTID NEW_NAME|- ID PEER [check|check-ahead|start|ahead|last MS]. Descriptors: the connection, in and out;
 * with ahead and last a file for what ahead has sent.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/clock.h"
#include "runtime/base/fault.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "runtime/ct/journal.h"
#include "runtime/ct/mounted.h"
#include "runtime/ct/store.h"
#include "runtime/migrate/rounds.h"
#include "runtime/migrate/source.h"
#include "runtime/storage/volume.h"
#include "runtime/wire/report.h"
#include "runtime/worker/migrate.h"
#include "runtime/worker/move_needs.h"
#include "runtime/worker/moved_images.h"

#include <fcntl.h>
#include <string.h>

enum {
	LAST_WORD_MS = 2000,
	REPORT_MS = 10000,
	AHEAD_ROUNDS = 4,
	AHEAD_ENOUGH = 4 << 20 /* bytes */
};

struct send {
	struct worker *w;
	struct link link;
	struct ct_facts facts;
	struct message_offer offer;
	struct message_answer answer;
	const char *peer;
	char *config; /* its text; malloc'ed */
	int volume_fd;
	bool ahead, last;
	struct rounds rounds; /* of these two */
	int percent; /* last told */
	uint64_t report_ms; /* when it is told again, whatever it is */
	uint32_t last_ms; /* that last may take up to the commit */
	uint64_t working_ms; /* when the other host hears again that this one works */
	bool may_abort; /* the journal does not say GIVEN, for sure */
};

static int load_config(struct send *s, struct berth_error *err)
{
	struct worker *w = s->w;
	struct conf_file *f, *live = NULL;
	int r = store_conf_load(&w->paths, w->ctid, &f, err);

	if (r < 0)
		return r;
	if (s->offer.suspended && !s->offer.given) {
		r = store_live_load(&w->paths, w->ctid, &live, err);
		if (r == 0)
			r = moved_images_addresses(w->ctid, f, live, err);
	}
	if (r == 0) {
		r = conf_format(f, &s->config);
		if (r < 0)
			(void)berth_error_sys(err, r, "CT %u: read its config", w->ctid);
	}
	conf_free(live);
	conf_free(f);
	return r;
}

/* What it has, without a look at its inside: for a check of a CT that runs. */
static int look_at_volume(struct send *s, struct volume_travel *ret, struct berth_error *err)
{
	char path[BERTH_PATH_MAX], name[16];
	auto_close int areas = dir_open_at(AT_FDCWD, path_below(s->w->paths.lib, "private", path));
	struct volume_promise p;
	int r;

	(void)snprintf(name, sizeof(name), "%u", s->w->ctid);
	r = areas < 0 ? areas : volume_promised(areas, name, &p);
	if (r < 0)
		return berth_error_sys(err, r, "CT %u: look at its volume", s->w->ctid);
	ret->bytes = p.size;
	ret->used = p.on_host < p.size ? p.on_host : p.size;
	return 0;
}

static int load_volume(struct send *s, struct berth_error *err)
{
	struct worker *w = s->w;
	const struct volume_driver *d = volume_driver_find(s->facts.driver);
	struct volume_travel t;
	int dir = worker_private_dir(w, err), r;

	if (dir < 0)
		return dir;
	if (d == NULL)
		return berth_error_set(err, BERTH_ERR_UNSUPPORTED, ENOENT,
				       "CT %u: this berth has no volume driver '%s'", w->ctid,
				       s->facts.driver);
	if (s->offer.check_only || s->offer.given)
		r = look_at_volume(s, &t, err);
	else
		r = volume_send_open(d, dir, s->ahead, &s->volume_fd, &t, err);
	if (r == 0 && s->offer.suspended && !s->ahead && !s->offer.given && !s->offer.check_only)
		r = moved_images_check(w, s->facts.uuid, d, err);
	if (r == 0 && (s->ahead || s->last) && !s->offer.check_only)
		r = rounds_open(&s->rounds, w->fds[2], t.bytes, err);
	if (r < 0)
		return r;
	s->offer.volume_bytes = t.bytes;
	s->offer.volume_used = t.used;
	return 0;
}

/* A move that was given before goes on as what it was. */
static int load_journal(struct send *s, struct berth_error *err)
{
	struct worker *w = s->w;
	struct message_offer *o = &s->offer;
	struct journal j;
	int r = journal_load(&w->paths, w->ctid, &j);

	if (r < 0 && !ct_is_absent(r))
		return berth_error_sys(err, r, "CT %u: read %s/state/%u.move", w->ctid,
				       w->paths.lib, w->ctid);
	if (r < 0 || j.phase != JOURNAL_GIVEN || strcmp(j.uuid, s->facts.uuid) != 0)
		return 0;
	if (strcmp(j.peer, s->peer) != 0)
		return berth_error_set(
			err, BERTH_ERR_VALUE, EINVAL,
			"CT %u: it was given to %.60s, not to %.60s: give the command with that "
			"host",
			w->ctid, j.peer, s->peer);
	if (o->check_only)
		return berth_error_set(
			err, BERTH_ERR_VALUE, EINVAL,
			"CT %u: it was given to %.60s, and there is nothing to check: "
			"give the command without --check-only",
			w->ctid, j.peer);
	if (o->new_ctid != j.peer_ctid && o->new_ctid != w->ctid)
		return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
				       "CT %u: it was given away as CT %u and cannot become CT %u: "
				       "give the command with :%u",
				       w->ctid, j.peer_ctid, o->new_ctid, j.peer_ctid);
	o->given = true;
	s->may_abort = false;
	o->new_ctid = j.peer_ctid;
	o->start = j.start;
	o->epoch = j.epoch;
	(void)memcpy(o->id, j.id, sizeof(o->id));
	return 0;
}

static int load(struct send *s, struct berth_error *err)
{
	struct worker *w = s->w;
	struct message_offer *o = &s->offer;
	struct ct_facts *f = &s->facts;
	int r;

	if (w->n_args < 4 || w->n_fds < 2 || parse_ctid(w->args[0], &o->new_ctid) < 0 ||
	    strlen(w->args[2]) != 36)
		return berth_error_set(err, BERTH_ERR_OPTION, EINVAL, "send: bad arguments");
	r = worker_facts(w, f, err);
	if (r < 0)
		return r;
	if (strcmp(w->args[1], "-") != 0)
		(void)snprintf(o->new_name, sizeof(o->new_name), "%s", w->args[1]);
	(void)snprintf(o->id, sizeof(o->id), "%s", w->args[2]);
	s->peer = w->args[3];
	o->check_only = worker_has_word(w, "check") || worker_has_word(w, "check-ahead");
	s->ahead = worker_has_word(w, "ahead") || worker_has_word(w, "check-ahead");
	o->start = s->ahead || worker_has_word(w, "start");
	s->last = worker_has_word(w, "last");
	if (s->last && (w->n_args < 6 || parse_u32(w->args[5], &s->last_ms) < 0))
		return berth_error_set(err, BERTH_ERR_OPTION, EINVAL, "send: bad arguments");
	if ((s->ahead || s->last) && !o->check_only && w->n_fds < 3)
		return berth_error_set(err, BERTH_ERR_OPTION, EINVAL, "send: bad descriptors");
	o->suspended = s->ahead || ct_is_suspended(&w->paths, w->ctid);
	o->ctid = w->ctid;
	o->epoch = f->epoch + 1;
	o->created = f->created;
	(void)memcpy(o->uuid, f->uuid, sizeof(o->uuid));
	(void)memcpy(o->template_name, f->template_name, sizeof(o->template_name));
	(void)memcpy(o->template_hash, f->template_hash, sizeof(o->template_hash));
	(void)memcpy(o->layout, f->layout, sizeof(o->layout));
	(void)memcpy(o->driver, f->driver, sizeof(o->driver));
	r = load_journal(s, err);
	if (r == 0)
		r = load_config(s, err);
	if (r == 0 && o->suspended && !s->last)
		r = move_needs_of_ct(w, s->ahead, &o->needs, err);
	return r < 0 ? r : load_volume(s, err);
}

static void tell_progress(uint64_t bytes, void *data)
{
	struct berth_error ignored;
	struct send *s = data;
	uint64_t all = s->offer.volume_used;
	int percent = all == 0 || bytes >= all ? 99 : (int)(bytes * 99 / all);

	/* What has not changed is compared without a word. An error is the next frame's too. */
	if ((s->ahead || s->last) && clock_is_past(s->working_ms)) {
		(void)link_send_text(&s->link, FRAME_WORKING, "", &ignored);
		s->working_ms = clock_deadline(MIGRATE_WORKING_MS);
	}
	/* Of a large volume a percent takes hours; berthd ends who says nothing for one. */
	if (percent == s->percent && !clock_is_past(s->report_ms))
		return;
	report_progress("sending the volume", percent);
	s->percent = percent;
	s->report_ms = clock_deadline(REPORT_MS);
}

static void report_bytes(const char *name, const struct message_end *end)
{
	char bytes[24];

	(void)snprintf(bytes, sizeof(bytes), "%llu", (unsigned long long)end->bytes);
	report_result(name, bytes);
}

static int send_round(struct send *s, struct message_end *end, struct berth_error *err)
{
	struct blocks b;
	int r;

	blocks_begin(&b, s->volume_fd, s->offer.volume_bytes);
	r = rounds_send(&s->rounds, &b, &s->link, tell_progress, s, err);
	if (r == 0)
		blocks_digest(&b, end);
	return r;
}

/* What it keeps in memory only would travel when it stands still. What cannot be flushed does. */
static void flush(struct send *s)
{
	auto_close int fd = -EBADF;
	struct ct_run run;
	bool booted;

	if (ct_run_load(&s->w->paths, s->w->ctid, &run, &booted) == 0)
		fd = ct_mounted_volume_open(&s->w->paths, s->w->ctid, &run.monitor);
	if (fd >= 0)
		(void)syncfs(fd);
}

/* While it runs: until little has changed meanwhile. */
static int send_ahead(struct send *s, struct berth_error *err)
{
	struct message_end end = {.bytes = 0}, sum = {.bytes = 0};
	int r = FAULT_STEP("live.ahead", err);

	for (int i = 0; r == 0 && i < AHEAD_ROUNDS && (i == 0 || end.bytes > AHEAD_ENOUGH); i++) {
		flush(s);
		r = send_round(s, &end, err);
		if (r == 0)
			r = source_round(&s->link, &end, err);
		sum.bytes += end.bytes;
	}
	if (r == 0)
		report_bytes("bytes_ahead", &sum);
	return r;
}

static int send_images(struct send *s, struct message_end *end, struct berth_error *err)
{
	int r = source_say_end(&s->link, end, err);

	report_progress("sending its memory", 99);
	if (r == 0)
		r = FAULT_STEP("live.images", err);
	if (r == 0)
		r = moved_images_send(s->w, &s->link, end, err);
	if (r == 0)
		report_bytes("bytes_images", end);
	return r;
}

static int send_all(struct send *s, struct berth_error *err)
{
	struct message_end end;
	struct blocks b;
	int r;

	if (s->last) {
		r = FAULT_STEP("live.last", err);
		if (r == 0)
			r = send_round(s, &end, err);
	} else {
		blocks_begin(&b, s->volume_fd, s->offer.volume_bytes);
		r = blocks_send(&b, &s->link, tell_progress, s, &end, err);
	}
	if (r < 0)
		return r;
	report_bytes("bytes", &end);
	if (s->offer.suspended)
		r = send_images(s, &end, err);
	report_progress("waiting for the other host", 99);
	return r < 0 ? r : source_end(&s->link, &end, err);
}

static int in_doubt(struct send *s, struct berth_error *err)
{
	struct berth_error why = *err;
	uint32_t ctid = s->w->ctid;

	return berth_error_set(
		err, BERTH_ERR_PROTOCOL, EINPROGRESS,
		"CT %u was given to %.40s, which has not confirmed it (%.80s): give the "
		"same command again. Only if that host has not got it and never will: "
		"berth migrate --resolve --take %u",
		ctid, s->peer[0] != '\0' ? s->peer : "the other host", why.msg, ctid);
}

/*
 * What could not be made durable may be there all the same: it is taken back before anything else is said. If that
 * fails too nothing is said at all: the other host keeps what it has, and the next try of the same command finds out.
 */
static int note_given(struct send *s, const struct journal *j, struct berth_error *err)
{
	struct berth_error why;
	int r;

	s->may_abort = false;
	r = journal_save(&s->w->paths, s->w->ctid, j, err);
	if (r < 0)
		s->may_abort = journal_clear(&s->w->paths, s->w->ctid, &why) == 0;
	return r;
}

/* The commit point: this file on the disk. Then it is said. */
static int commit(struct send *s, struct berth_error *err)
{
	struct journal j = {
		.phase = JOURNAL_GIVEN, .epoch = s->offer.epoch, .peer_ctid = s->offer.new_ctid};
	int r = FAULT_STEP("send.before_given", err);

	(void)memcpy(j.id, s->offer.id, sizeof(j.id));
	(void)memcpy(j.uuid, s->offer.uuid, sizeof(j.uuid));
	(void)snprintf(j.peer, sizeof(j.peer), "%s", s->peer);
	j.start = s->offer.start;
	if (r == 0 && !s->offer.given)
		r = note_given(s, &j, err);
	if (r < 0)
		return r;
	s->offer.given = true;
	s->link.deadline_ms = 0;
	r = FAULT_STEP("send.given", err);
	if (r == 0)
		r = source_commit(&s->link, err);
	return r < 0 ? in_doubt(s, err) : 0;
}

static int already_ready(struct send *s, struct berth_error *err)
{
	if (s->offer.given)
		return commit(s, err);
	return berth_error_set(
		err, BERTH_ERR_PROTOCOL, ESTALE,
		"CT %u: %s kept what an earlier try had sent; it is removed there now: "
		"give the command again",
		s->w->ctid, s->peer);
}

/* Each whole; the error has what fits. */
static void tell_findings(const struct message_answer *a)
{
	char key[20];

	for (unsigned int i = 0; i < a->n; i++) {
		(void)snprintf(key, sizeof(key), "finding.%u", i);
		report_result(key, a->findings[i]);
	}
}

static int follow_answer(struct send *s, struct berth_error *err)
{
	struct message_offer *o = &s->offer;
	int r;

	switch (s->answer.state) {
	case ANSWER_REFUSED:
		tell_findings(&s->answer);
		return source_refused(&s->answer, err);
	case ANSWER_CLEAR:
		if (o->check_only)
			return 0;
		break;
	case ANSWER_READY:
		return already_ready(s, err);
	case ANSWER_OWNED:
		if (o->given)
			return 0;
		break;
	case ANSWER_SEND:
		if (o->given || o->check_only)
			break;
		if (s->ahead)
			return send_ahead(s, err);
		r = send_all(s, err);
		return r < 0 ? r : commit(s, err);
	case ANSWER_STATES:
		break;
	}
	return berth_error_set(err, BERTH_ERR_PROTOCOL, EBADMSG,
			       "the other host's answer does not fit what was asked");
}

static int converse(struct send *s, struct berth_error *err)
{
	int r;

	if (s->last) { /* its first half has said all that */
		r = send_all(s, err);
		return r < 0 ? r : commit(s, err);
	}
	r = source_hello(&s->link, s->offer.id, err);
	if (r == 0)
		r = source_offer(&s->link, &s->offer, s->config, strlen(s->config), &s->answer,
				 err);
	return r < 0 ? r : follow_answer(s, err);
}

int op_send(struct worker *w, struct berth_error *err)
{
	struct send s = {.w = w, .volume_fd = -EBADF, .percent = -1, .may_abort = true};
	int r = load(&s, err);

	if (r == 0)
		r = link_open(&s.link, w->fds[0], w->fds[1], MIGRATE_QUIET_MS, err);
	if (r == 0 && s.last_ms != 0)
		s.link.deadline_ms = clock_deadline(s.last_ms);
	if (r == 0)
		r = converse(&s, err);
	if (r < 0 && s.link.payload != NULL && err->sys == EPIPE)
		link_last_word(&s.link, LAST_WORD_MS, err);
	s.link.deadline_ms = 0;
	if (r < 0 && s.link.payload != NULL && s.may_abort)
		source_abort(&s.link, err->msg);
	link_close(&s.link);
	rounds_close(&s.rounds);
	fd_close(&s.volume_fd);
	free(s.config);
	return r;
}
