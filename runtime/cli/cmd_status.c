/*
 * cmd_status.c - status: one line of words that scripts parse. No lock, and for root no daemon: the
 * files say it.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "runtime/cli/cli.h"
#include "runtime/ct/info.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct status_words {
	uint32_t ctid;
	bool exist;
	char status[16];
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
	struct ct_info info;
	int r = cli_lookup(cli, word, &ret->ctid, err);

	if (r == 0)
		r = ct_info_load(&cli->paths, ret->ctid, &info, err);
	if (r < 0)
		return r;
	if (info.status == CT_STOPPED && is_ending(cli, ret->ctid))
		info.status = CT_STOPPING;
	ret->exist = true;
	(void)snprintf(ret->status, sizeof(ret->status), "%s", ct_status_name(info.status));
	return 0;
}

static int status_from_berthd(struct cli *cli, const char *word, struct status_words *ret,
			      struct berth_error *err)
{
	json_t *reply = NULL, *ct;
	const char *status;
	int r = call_berthd(cli, "io.berth.Container.Get", json_pack("{s:s}", "ct", word), &reply,
			    err);

	if (r < 0)
		return r;
	ct = json_object_get(reply, "container");
	status = json_string_value(json_object_get(ct, "status"));
	ret->ctid = (uint32_t)json_integer_value(json_object_get(ct, "ctid"));
	ret->exist = true;
	(void)snprintf(ret->status, sizeof(ret->status), "%s", status != NULL ? status : "broken");
	json_decref(reply);
	return 0;
}

static void print_status(const struct cli *cli, const struct status_words *s)
{
	bool running = strcmp(s->status, "running") == 0;
	bool stopping = strcmp(s->status, "stopping") == 0;
	bool mounted = running || stopping || strcmp(s->status, "mounted") == 0 ||
		       strcmp(s->status, "starting") == 0;
	const char *state = running ? "running" : stopping ? "stopping" : "down";
	bool suspended = strcmp(s->status, "suspended") == 0;
	json_t *o;

	if (!s->exist)
		mounted = false;
	if (!cli->json) {
		(void)printf("CTID %u %s %s %s%s\n", s->ctid, s->exist ? "exist" : "deleted",
			     mounted ? "mounted" : "unmounted", state,
			     suspended ? " suspended" : "");
		return;
	}
	o = json_pack("{s:I, s:b, s:b, s:b, s:s}", "ctid", (json_int_t)s->ctid, "exist", s->exist,
		      "mounted", mounted, "running", running, "status",
		      s->exist ? s->status : "deleted");
	(void)json_dumpf(o, stdout, JSON_INDENT(2));
	(void)putchar('\n');
	json_decref(o);
}

int cmd_status(struct cli *cli, struct args *a, struct berth_error *err)
{
	struct status_words s = {0};
	const char *word;
	int r = cli_one_word(cli, a, "a CT", &word, err);

	if (r < 0 || cli->help)
		return r;
	r = geteuid() == 0 ? status_from_files(cli, word, &s, err)
			   : status_from_berthd(cli, word, &s, err);
	/* A free CTID is an answer, as vzctl has it; an unknown name is not. */
	if (r < 0 && (err->code != BERTH_ERR_NO_CONFIG || parse_ctid(word, &s.ctid) < 0))
		return r;
	print_status(cli, &s);
	return 0;
}
