/* journal.c - how far a move of a CT has come. */
#include "runtime/ct/journal.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "runtime/base/value.h"
#include "runtime/ct/area.h"

#include <fcntl.h>
#include <string.h>

static const char *const phases[] = {[JOURNAL_GIVEN] = "given", [JOURNAL_READY] = "ready"};

static bool is_uuid(const char *s)
{
	return s[0] != '\0' && area_uuid_is_valid(s);
}

int journal_parse(const char *text, struct journal *ret)
{
	struct journal j = {0};
	uint64_t peer_ctid, start = 0;
	int r;
	char phase[16];

	if (value_get(text, "phase", phase, sizeof(phase)) < 0 ||
	    value_get(text, "id", j.id, sizeof(j.id)) < 0 || !is_uuid(j.id) ||
	    value_get(text, "uuid", j.uuid, sizeof(j.uuid)) < 0 || !is_uuid(j.uuid) ||
	    value_get_u64(text, "epoch", &j.epoch) < 0 ||
	    value_get_u64(text, "peer_ctid", &peer_ctid) < 0 || peer_ctid > CTID_MAX ||
	    value_get(text, "peer", j.peer, sizeof(j.peer)) < 0 || !text_is_clean(j.peer))
		return -EBADMSG;
	r = value_get_u64(text, "start", &start); /* an earlier berth wrote none */
	if ((r < 0 && r != -ENOENT) || start > 1)
		return -EBADMSG;
	j.start = start == 1;
	j.peer_ctid = (uint32_t)peer_ctid;
	for (int i = JOURNAL_GIVEN; i <= JOURNAL_READY; i++)
		if (strcmp(phase, phases[i]) == 0)
			j.phase = (enum journal_phase)i;
	/* What is written last. */
	if (j.phase == 0 || value_get(text, "end", phase, sizeof(phase)) < 0)
		return -EBADMSG;
	*ret = j;
	return 0;
}

int journal_format(const struct journal *j, char *buf, size_t size)
{
	size_t used = 0;
	int r = 0;

	r |= value_put(buf, size, &used, "phase", phases[j->phase]);
	r |= value_put(buf, size, &used, "id", j->id);
	r |= value_put(buf, size, &used, "uuid", j->uuid);
	r |= value_put_u64(buf, size, &used, "epoch", j->epoch);
	r |= value_put_u64(buf, size, &used, "peer_ctid", j->peer_ctid);
	r |= value_put(buf, size, &used, "peer", j->peer);
	r |= value_put_u64(buf, size, &used, "start", j->start);
	r |= value_put(buf, size, &used, "end", "1");
	return r != 0 ? -ENOSPC : 0;
}

static const char *journal_name(uint32_t ctid, char buf[24])
{
	(void)snprintf(buf, 24, "%u.move", ctid);
	return buf;
}

static int open_state(const struct berth_paths *p)
{
	char path[BERTH_PATH_MAX];

	return dir_open_at(AT_FDCWD, path_below(p->lib, "state", path));
}

int journal_load(const struct berth_paths *p, uint32_t ctid, struct journal *ret)
{
	auto_close int dir = open_state(p);
	char name[24], text[1024];
	int r = dir < 0 ? dir
			: file_read_line_at(dir, journal_name(ctid, name), text, sizeof(text));

	if (r == -EFBIG || r == -ELOOP || r == -EISDIR)
		return -EBADMSG;
	return r < 0 ? r : journal_parse(text, ret);
}

int journal_save(const struct berth_paths *p, uint32_t ctid, const struct journal *j,
		 struct berth_error *err)
{
	auto_close int dir = open_state(p);
	char name[24], text[1024];
	int r = dir < 0 ? dir : journal_format(j, text, sizeof(text));

	if (r == 0)
		r = file_replace_at(dir, journal_name(ctid, name), text, strlen(text), 0600, true);
	if (r < 0)
		return berth_error_set(err, r == -ENOSPC ? BERTH_ERR_NO_SPACE : BERTH_ERR_SAVE, -r,
				       "CT %u: write %s/state/%u.move: %s", ctid, p->lib, ctid,
				       strerror(-r));
	return 0;
}

int journal_clear(const struct berth_paths *p, uint32_t ctid, struct berth_error *err)
{
	auto_close int dir = open_state(p);
	char name[24];
	int r = dir < 0 ? dir : file_unlink_at(dir, journal_name(ctid, name));

	if (r == 0 && fsync(dir) < 0)
		r = -errno;
	return r < 0 ? berth_error_sys(err, r, "CT %u: remove %s/state/%u.move", ctid, p->lib, ctid)
		     : 0;
}
