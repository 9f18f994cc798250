/*
 * cmd_status.c - status: one line of words that scripts parse; what needs an explanation has it on stderr. No lock;
 * berthd knows best, and for root the files say it when berthd is down.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/field.h"
#include "runtime/cli/list_fetch.h"
#include "runtime/ct/end.h"
#include "runtime/ct/info.h"
#include "runtime/ct/trouble.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct status_words {
	uint32_t ctid;
	bool exist;
	char status[16];
	char why[360]; /* it is as it is; "" when that needs no word */
	struct ct_ends ends;
	char trouble[CT_TROUBLE_MAX]; /* "": none */
	char temporary[400]; /* what of its config comes back by itself; "": nothing */
};

/*
 * Its init has ended, and what it had is still being released: the state file of this boot goes last.
 * Until then nobody can start it.
 */
static bool is_ending(const struct cli *cli, uint32_t ctid)
{
	char path[BERTH_PATH_MAX], text[4096], boot_id[BOOT_ID_LEN + 1];
	auto_close int dir = dir_open_at(AT_FDCWD, path_run_ct(&cli->paths, ctid, path));
	struct ct_run run;

	return dir >= 0 && file_read_line_at(dir, "state", text, sizeof(text)) >= 0 &&
	       ct_run_parse(text, &run) == 0 && boot_id_read(boot_id) == 0 &&
	       strcmp(boot_id, run.boot_id) == 0;
}

static int status_from_files(const struct cli *cli, const char *word, struct status_words *ret,
			     struct berth_error *err)
{
	struct berth_error why = {0};
	struct ct_info info;
	int r = cli_lookup(cli, word, &ret->ctid, err);

	if (r == 0)
		r = ct_info_load(&cli->paths, ret->ctid, &info, &why);
	if (r < 0) {
		if (why.code != BERTH_OK)
			*err = why;
		return r;
	}
	if (info.status == CT_STOPPED && is_ending(cli, ret->ctid))
		info.status = CT_STOPPING;
	ret->exist = true;
	(void)snprintf(ret->status, sizeof(ret->status), "%s", ct_status_name(info.status));
	if (info.status == CT_UNKNOWN || info.status == CT_BROKEN)
		(void)snprintf(ret->why, sizeof(ret->why), "%s", why.msg);
	ct_ends_load(&cli->paths, ret->ctid, &ret->ends);
	(void)ct_trouble_read(&cli->paths, ret->ctid, ret->trouble, sizeof(ret->trouble));
	return 0;
}

static void take_end(const json_t *end, struct ct_ends *ret)
{
	const char *reason = json_string_value(json_object_get(end, "reason"));
	const char *detail = json_string_value(json_object_get(end, "detail"));

	for (enum ct_end_reason r = END_STOPPED; reason != NULL && r < END_MAX; r++)
		if (strcmp(reason, ct_end_word(r)) == 0)
			ret->last = r;
	for (enum ct_end_reason r = END_STOPPED; r < END_MAX; r++)
		ret->count[r] = (uint64_t)json_integer_value(
			json_object_get(json_object_get(end, "counts"), ct_end_word(r)));
	ret->at = (uint64_t)json_integer_value(json_object_get(end, "at"));
	(void)snprintf(ret->detail, sizeof(ret->detail), "%s", detail != NULL ? detail : "");
}

static int status_from_berthd(struct cli *cli, const char *word, struct status_words *ret,
			      struct berth_error *err)
{
	json_t *reply = NULL, *ct;
	auto_free char *temporary = NULL;
	const char *status, *why, *trouble;
	int r = call_berthd(cli, "io.berth.Container.Get", json_pack("{s:s}", "ct", word), &reply,
			    err);

	if (r < 0)
		return r;
	ct = json_object_get(reply, "container");
	status = json_string_value(json_object_get(ct, "status"));
	ret->ctid = (uint32_t)json_integer_value(json_object_get(ct, "ctid"));
	ret->exist = true;
	(void)snprintf(ret->status, sizeof(ret->status), "%s", status != NULL ? status : "broken");
	why = json_string_value(json_object_get(ct, "why"));
	(void)snprintf(ret->why, sizeof(ret->why), "%s", why != NULL ? why : "");
	take_end(json_object_get(ct, "last_end"), &ret->ends);
	trouble = json_string_value(json_object_get(ct, "trouble"));
	(void)snprintf(ret->trouble, sizeof(ret->trouble), "%s", trouble != NULL ? trouble : "");
	temporary = field_temporary(ct);
	(void)snprintf(ret->temporary, sizeof(ret->temporary), "%s",
		       temporary != NULL ? temporary : "");
	json_decref(reply);
	return 0;
}

/* vzctl's word for whether it runs. */
static const char *run_word(const char *status)
{
	static const char *const own[] = {"running", "stopping", "unknown"};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (strcmp(status, own[i]) == 0)
			return own[i];
	return "down";
}

static bool is_mounted(const struct status_words *s)
{
	for (enum ct_status i = 0; s->exist && i < CT_STATUS_MAX; i++)
		if (strcmp(s->status, ct_status_name(i)) == 0)
			return ct_status_is_mounted(i);
	return false;
}

static void print_json(const struct status_words *s)
{
	json_t *o = json_pack("{s:I, s:b, s:b, s:b, s:s}", "ctid", (json_int_t)s->ctid, "exist",
			      s->exist, "mounted", is_mounted(s), "running",
			      strcmp(s->status, "running") == 0, "status",
			      s->exist ? s->status : "deleted");

	if (s->why[0] != '\0')
		(void)json_object_set_new(o, "why", json_string(s->why));
	if (s->ends.last != END_NONE)
		(void)json_object_set_new(o, "last_end", end_json(&s->ends));
	if (s->trouble[0] != '\0')
		(void)json_object_set_new(o, "trouble", json_string(s->trouble));
	if (s->temporary[0] != '\0')
		(void)json_object_set_new(o, "temporary", json_string(s->temporary));
	(void)json_dumpf(o, stdout, JSON_INDENT(2));
	(void)putchar('\n');
	json_decref(o);
}

/* On stderr: the line on stdout is for scripts. */
static void explain(const struct cli *cli, const struct status_words *s)
{
	const struct ct_ends *e = &s->ends;
	struct berth_error text;

	(void)berth_error_set(&text, BERTH_ERR_UNKNOWN, EAGAIN, "%.300s", s->why);
	berth_error_name_ct(&text, s->ctid);
	if (s->why[0] != '\0')
		(void)fprintf(stderr, "%s: %s\n", cli->program, text.msg);
	cli_trouble(cli, s->ctid, s->trouble);
	if (s->temporary[0] != '\0')
		(void)fprintf(stderr, "%s: CT %u: temporary: %s\n", cli->program, s->ctid,
			      s->temporary);
	if (strcmp(s->status, "unknown") == 0)
		(void)fprintf(stderr,
			      "%s: CT %u: berthd cannot find out whether it runs and keeps trying; "
			      "until then nothing of it is started, killed or removed; to kill "
			      "whatever runs: berth stop %u --fast\n",
			      cli->program, s->ctid, s->ctid);
	if (strcmp(s->status, "stopped") == 0 && ct_end_is_bad(e->last))
		(void)fprintf(stderr, "%s: CT %u %s%s%s\n", cli->program, s->ctid,
			      ct_end_sentence(e->last), e->detail[0] != '\0' ? "; " : "",
			      e->detail);
}

static void print_status(const struct cli *cli, const struct status_words *s)
{
	if (cli->json) {
		print_json(s);
		return;
	}
	(void)printf("CTID %u %s %s %s%s\n", s->ctid, s->exist ? "exist" : "deleted",
		     is_mounted(s) ? "mounted" : "unmounted", run_word(s->status),
		     strcmp(s->status, "suspended") == 0 ? " suspended" : "");
	if (!cli->quiet)
		explain(cli, s);
}

int cmd_status(struct cli *cli, struct args *a, struct berth_error *err)
{
	struct status_words s = {0};
	const char *word;
	int r = cli_one_word(cli, a, "a CT", &word, err);

	if (r < 0 || cli->help)
		return r;
	r = status_from_berthd(cli, word, &s, err);
	if (r < 0 && err->code == BERTH_ERR_NO_DAEMON && geteuid() == 0)
		r = status_from_files(cli, word, &s, err);
	/* A free CTID is an answer, as vzctl has it; an unknown name is not. */
	if (r < 0 && (err->code != BERTH_ERR_NO_CONFIG || parse_ctid(word, &s.ctid) < 0))
		return r;
	print_status(cli, &s);
	return 0;
}
