/* end_note.c - why a run ended, for whoever asks later. */
#include "runtime/daemon/end_note.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/daemon/ledger_watch.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>

static bool record_read(const struct ct *ct, struct ct_exit *ret)
{
	char path[BERTH_PATH_MAX], text[1024], boot_id[BOOT_ID_LEN + 1];
	auto_close int dir = dir_open_at(AT_FDCWD, path_run_ct(&ct->d->paths, ct->ctid, path));
	struct ct_run run;

	/* The state file says that the record beside it is of this boot. */
	return dir >= 0 && file_read_line_at(dir, "state", text, sizeof(text)) == 0 &&
	       ct_run_parse(text, &run) == 0 && boot_id_read(boot_id) == 0 &&
	       strcmp(run.boot_id, boot_id) == 0 &&
	       file_read_line_at(dir, "exit", text, sizeof(text)) == 0 &&
	       ct_exit_parse(text, ret) == 0 && ret->known;
}

static void facts_add_record(const struct ct *ct, struct ct_end_facts *f)
{
	struct ct_exit e;

	f->known = record_read(ct, &e);
	f->wait_status = f->known ? e.wait_status : 0;
}

enum ct_end_reason end_record_judge(const struct ct *ct)
{
	struct ct_end_facts f = {0};
	char detail[128];

	facts_add_record(ct, &f);
	return ct_end_judge(&f, detail, sizeof(detail));
}

static void save(struct ct *ct)
{
	char path[BERTH_PATH_MAX], text[1024];
	auto_close int dir = dir_open_at(AT_FDCWD, path_run_ct(&ct->d->paths, ct->ctid, path));

	if (dir >= 0 && ct_ends_format(&ct->ends, text, sizeof(text)) == 0)
		(void)file_replace_at(dir, "ends", text, strlen(text), 0644, false);
}

void end_note(struct ct *ct, const struct ct_end_facts *order)
{
	struct ct_end_facts facts = order != NULL ? *order : (struct ct_end_facts){0};
	struct ct_ends *e = &ct->ends;
	struct cg_stat st = {0};

	facts_add_record(ct, &facts);
	if (cg_ct_stat(ct->d->cg, ct->ctid, &st, NULL) == 0) {
		ledger_watch_ended(ct, &st);
		if (st.oom_kills > ct->oom_kills)
			facts.oom_kills = st.oom_kills - ct->oom_kills;
	}
	e->last = ct_end_judge(&facts, e->detail, sizeof(e->detail));
	e->at = (uint64_t)time(NULL);
	e->count[e->last]++;
	save(ct);
	log_line(ct_end_is_bad(e->last) ? LOG_LV_WARNING : LOG_LV_INFO, ct->ctid,
		 "%s%s%s (reason: %s)", ct_end_sentence(e->last), e->detail[0] != '\0' ? "; " : "",
		 e->detail, ct_end_word(e->last));
}
