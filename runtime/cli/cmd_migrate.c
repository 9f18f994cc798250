/* cmd_migrate.c - migrate, and receive, which it runs on the other host. */
#include "runtime/base/cleanup.h"
#include "runtime/base/clock.h"
#include "runtime/base/parse.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/obstacles.h"
#include "runtime/cli/transport.h"

#include <errno.h>
#include <string.h>

static const struct opt migrate_opts[] = {
	{"rsh", 'e', true},	  {"ssh", 0, true},	 {"remove-area", 'r', true},
	{"check-only", 0, false}, {"dry-run", 0, false}, {"online", 0, false},
	{"live", 0, false},	  {"timeout", 0, true},	 {"resolve", 0, false},
	{"take", 0, false},	  {"release", 0, false}, {0}};

enum {
	CTS_MAX = 256,
	STARTS_MS = 300000, /* of the CT there */
	WORKS_MS = 3600000,
	FAILED_MS = 10000
};

struct migrate {
	const char *command, *ssh, *words[CTS_MAX + 1];
	int n;
	bool keep, check_only, online, resolve, take, release;
	uint32_t timeout; /* seconds that it may stand still; 0: berthd's default */
};

/* CT[:NEW_CTID[:NEW_NAME]] */
struct moved {
	char ct[80], name[80];
	uint32_t new_ctid; /* 0: the same */
};

static int parse_word(const char *word, struct moved *ret, struct berth_error *err)
{
	char copy[200], *p = copy, *ct, *id, *name;

	*ret = (struct moved){.new_ctid = 0};
	(void)snprintf(copy, sizeof(copy), "%s", word);
	ct = strsep(&p, ":");
	id = strsep(&p, ":");
	name = p;
	if (strlen(word) >= sizeof(copy) || ct == NULL || ct[0] == '\0' ||
	    strlen(ct) >= sizeof(ret->ct) ||
	    (id != NULL && id[0] != '\0' && parse_ctid(id, &ret->new_ctid) < 0) ||
	    (name != NULL && !name_is_valid(name)))
		return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
				       "'%.80s' is not CT, CT:NEW_CTID or CT:NEW_CTID:NEW_NAME",
				       word);
	(void)snprintf(ret->ct, sizeof(ret->ct), "%s", ct);
	(void)snprintf(ret->name, sizeof(ret->name), "%s", name != NULL ? name : "");
	return 0;
}

static int take_option(struct migrate *m, const struct arg *a, struct berth_error *err)
{
	static const struct {
		const char *name;
		size_t at;
	} flags[] = {{"check-only", offsetof(struct migrate, check_only)},
		     {"dry-run", offsetof(struct migrate, check_only)},
		     {"online", offsetof(struct migrate, online)},
		     {"live", offsetof(struct migrate, online)},
		     {"resolve", offsetof(struct migrate, resolve)},
		     {"take", offsetof(struct migrate, take)},
		     {"release", offsetof(struct migrate, release)}};

	if (a->letter == 'e') {
		m->command = a->value;
		return 0;
	}
	if (strcmp(a->name, "ssh") == 0) {
		m->ssh = a->value;
		return 0;
	}
	if (strcmp(a->name, "timeout") == 0) {
		if (parse_u32(a->value, &m->timeout) < 0 || m->timeout < 1 || m->timeout > 86400)
			return berth_error_set(err, BERTH_ERR_VALUE, ERANGE,
					       "invalid --timeout '%.40s'; use 1 to 86400 seconds",
					       a->value);
		return 0;
	}
	if (strcmp(a->name, "remove-area") == 0) {
		if (strcmp(a->value, "yes") != 0 && strcmp(a->value, "no") != 0)
			return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
					       "invalid -r '%.40s'; use yes or no", a->value);
		m->keep = strcmp(a->value, "no") == 0;
		return 0;
	}
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (strcmp(flags[i].name, a->name) == 0)
			*(bool *)((char *)m + flags[i].at) = true;
	return 0;
}

static int take_arguments(struct cli *cli, struct args *a, struct migrate *m,
			  struct berth_error *err)
{
	struct arg arg;
	int r;

	a->opts = migrate_opts;
	while ((r = cli_next(cli, a, &arg, err)) > ARG_END) {
		if (r == ARG_OPTION && take_option(m, &arg, err) < 0)
			return -EINVAL;
		if (r != ARG_WORD)
			continue;
		if (m->n > CTS_MAX)
			return cli_usage_error(cli, err, "too many CTs");
		m->words[m->n++] = arg.value;
	}
	if (r < 0 || cli->help)
		return r;
	if (m->command != NULL && m->ssh != NULL)
		return cli_usage_error(cli, err, "--ssh gives words to ssh, which -e replaces");
	if (m->resolve && (m->take == m->release || m->n != 1))
		return cli_usage_error(cli, err,
				       "give --resolve --take CT, or --resolve --release CT");
	if (!m->resolve && (m->take || m->release))
		return cli_usage_error(cli, err, "--take and --release go with --resolve");
	if (!m->resolve && m->n < 2)
		return cli_usage_error(cli, err, "name the other host, and a CT");
	return 0;
}

static int resolve(struct cli *cli, const struct migrate *m, struct berth_error *err)
{
	char label[CT_LABEL_MAX];
	int r;

	(void)cli_label(cli, m->words[0], label);
	r = call_and_print(cli, "io.berth.Container.Resolve",
			   json_pack("{s:s, s:b}", "ct", m->words[0], "take", m->take), err);
	if (r == 0)
		cli_say(cli,
			m->take ? "CT %s is this host's now" : "what was here of CT %s is removed",
			label);
	return r;
}

/* Its status word, in buf. */
static int status_of(struct cli *cli, const char *ct, char buf[32], struct berth_error *err)
{
	json_t *reply = NULL;
	const char *word;
	int r = call_berthd(cli, "io.berth.Container.Get", json_pack("{s:s}", "ct", ct), &reply,
			    err);

	if (r < 0)
		return r;
	word = json_string_value(json_object_get(json_object_get(reply, "container"), "status"));
	(void)snprintf(buf, 32, "%s", word != NULL ? word : "");
	json_decref(reply);
	return 0;
}

/* For the end of the command that reaches the other host, in ms. */
static unsigned int patience(int r, const struct berth_error *err)
{
	if (r == 0)
		return STARTS_MS;
	/* The worker goes on without berthd, and knows itself when the other end is silent. */
	return err->code == BERTH_ERR_NO_DAEMON ? WORKS_MS : FAILED_MS;
}

/* resumed_ms: from the last word to the end of what resumed it there. */
static void print_receipt(struct cli *cli, json_t *reply, uint64_t resumed_ms)
{
	json_t *r = json_object_get(reply, "receipt");
	const json_t *frozen = json_object_get(r, "frozen_ms");
	double volume = json_number_value(json_object_get(r, "volume_bytes")) / (1 << 20),
	       images = json_number_value(json_object_get(r, "images_bytes")) / (1 << 20),
	       ahead = json_number_value(json_object_get(r, "ahead_bytes")) / (1 << 20);

	if (frozen != NULL)
		(void)json_object_set_new(r, "resumed_ms", json_integer((json_int_t)resumed_ms));
	if (cli->json) {
		(void)json_dumpf(reply, stdout, JSON_INDENT(2));
		(void)putchar('\n');
	} else if (frozen != NULL) {
		cli_say(cli,
			"it stood still for %lld ms until the other host had it, and was resumed "
			"there within %llu ms; sent: %.1f MiB of its disk ahead, %.1f MiB then, "
			"%.1f MiB of memory",
			(long long)json_integer_value(frozen), (unsigned long long)resumed_ms,
			ahead, volume, images);
	} else if (r != NULL) {
		cli_say(cli, "sent: %.1f MiB of its disk, %.1f MiB of memory", volume, images);
	}
}

/* What is in the way, or would be if it were moved while it runs; whole, and all of it. */
static void print_findings(struct cli *cli, const struct migrate *m, const struct moved *ct,
			   const json_t *reply, bool failed, struct berth_error *err)
{
	const json_t *findings = json_object_get(reply, "findings");
	FILE *out = cli->json ? NULL : failed ? stderr : stdout;
	unsigned int errors;

	if (cli->json && findings != NULL) {
		(void)json_dumpf(json_object_get(reply, "findings"), stdout, JSON_INDENT(2));
		(void)putchar('\n');
	}
	if (!failed && !m->online && json_array_size(findings) > 0 && !cli->json)
		(void)printf("with --online, this would be in the way of CT %s:\n", ct->ct);
	errors = obstacles_print(out, findings);
	if (failed && errors > 0 && err->code == BERTH_ERR_UNSUPPORTED)
		(void)berth_error_set(err, err->code, err->sys,
				      "CT %s cannot move to %.60s: %u thing%s in its way", ct->ct,
				      m->words[0], errors, errors == 1 ? " is" : "s are");
}

static int send_once(struct cli *cli, const struct migrate *m, const struct moved *ct, bool start,
		     struct berth_error *err)
{
	const char *host = m->words[0];
	json_t *p = json_pack("{s:s, s:s, s:b, s:b, s:b, s:b}", "ct", ct->ct, "peer", host, "keep",
			      m->keep, "check_only", m->check_only, "start", start, "online",
			      m->online);
	json_t *timeout = m->timeout != 0 ? json_integer(m->timeout) : NULL;
	struct transport t;
	json_t *reply = NULL;
	uint64_t before;
	int status, r = transport_start(m->command, m->ssh, host, &t, err);

	if (r < 0) {
		json_decref(p);
		return r;
	}
	if (timeout != NULL)
		(void)json_object_set_new(p, "timeout", timeout);
	if (ct->new_ctid != 0)
		(void)json_object_set_new(p, "new_ctid", json_integer(ct->new_ctid));
	if (ct->name[0] != '\0')
		(void)json_object_set_new(p, "new_name", json_string(ct->name));
	r = call_berthd_fds(cli, "io.berth.Container.Send", p, t.fds, 2, &reply, err);
	before = clock_monotonic_ns();
	status = transport_end(&t, patience(r, err));
	if (reply != NULL && (r < 0 || !start))
		print_findings(cli, m, ct, reply, r < 0, err);
	if (r >= 0 && !m->check_only)
		print_receipt(cli, reply, (clock_monotonic_ns() - before) / 1000000);
	json_decref(reply);
	/* It has said why, on standard error. */
	if (r >= 0 && status != 0 && !m->check_only)
		return berth_error_set(
			err, BERTH_ERR_HELPER, ENOTCONN,
			"CT %s is on %.60s now, but is not known to run there (exit status %d of "
			"the command that reaches it); see: berth status there",
			ct->ct, host, status);
	return r;
}

/* ESTALE: what a try that was cut had left there has been removed, and nothing is in the way any more. */
static int send_ct(struct cli *cli, const struct migrate *m, const struct moved *ct, bool start,
		   struct berth_error *err)
{
	int r = send_once(cli, m, ct, start, err);

	return r == -ESTALE ? send_once(cli, m, ct, start, err) : r;
}

/* Also when it was given before, by an online move that was cut. */
static bool goes_on_there(const struct migrate *m, const char *status)
{
	return m->online && (strcmp(status, "running") == 0 || strcmp(status, "given") == 0);
}

/* It was stopped for a move that has failed: berthd has started it again, or does so when it can. */
static int tell_of_the_stopped(struct cli *cli, const struct moved *ct, struct berth_error *err)
{
	struct berth_error why = *err;
	char status[32];

	if (status_of(cli, ct->ct, status, NULL) < 0)
		return berth_error_set(err, why.code, why.sys,
				       "%.220s; CT %s was stopped for the move: berthd, once it "
				       "runs, starts it again here unless it was given away",
				       why.msg, ct->ct);
	if (strcmp(status, "given") == 0)
		return -why.sys;
	if (strcmp(status, "running") == 0)
		return berth_error_set(err, why.code, why.sys, "%.280s; CT %s runs here again",
				       why.msg, ct->ct);
	return berth_error_set(err, why.code, why.sys,
			       "%.220s; CT %s was stopped for the move and is %s here; see: berth "
			       "status %s",
			       why.msg, ct->ct, status, ct->ct);
}

/* One that runs goes on there with --online; else it is stopped, moved and started there, as vzmigrate does without --online. */
static int migrate_one(struct cli *cli, const struct migrate *m, const char *word,
		       struct berth_error *err)
{
	char label[CT_LABEL_MAX], status[32];
	struct moved ct;
	bool stop;
	int r = parse_word(word, &ct, err);

	if (r == 0)
		r = status_of(cli, ct.ct, status, err);
	if (r < 0)
		return r;
	(void)cli_label(cli, ct.ct, label);
	stop = strcmp(status, "running") == 0 && !m->check_only && !m->online;
	if (stop) { /* before anything is stopped */
		struct migrate check = *m;

		check.check_only = true;
		r = send_ct(cli, &check, &ct, true, err);
		if (r == 0)
			r = call_berthd(cli, "io.berth.Container.Stop",
					json_pack("{s:s, s:b}", "ct", ct.ct, "moves", true), NULL,
					err);
	}
	if (r == 0) {
		r = send_ct(cli, m, &ct, stop || goes_on_there(m, status), err);
		if (r < 0 && stop)
			r = tell_of_the_stopped(cli, &ct, err);
	}
	if (r == 0)
		cli_say(cli, m->check_only ? "CT %s can move to %s" : "CT %s has moved to %s",
			label, m->words[0]);
	return r;
}

/* Several one after the other; the first that fails is the last. */
int cmd_migrate(struct cli *cli, struct args *a, struct berth_error *err)
{
	struct migrate m = {.n = 0};
	int r = take_arguments(cli, a, &m, err);

	if (r < 0 || cli->help)
		return r;
	if (m.resolve)
		return resolve(cli, &m, err);
	for (int i = 1; r == 0 && i < m.n; i++)
		r = migrate_one(cli, &m, m.words[i], err);
	return r;
}

/* Nothing but the stream goes through standard output. */
int cmd_receive(struct cli *cli, struct args *a, struct berth_error *err)
{
	static const int ends[] = {STDIN_FILENO, STDOUT_FILENO};
	struct arg arg;
	int r = cli_next(cli, a, &arg, err);

	if (r < 0 || cli->help)
		return r;
	if (r != ARG_END)
		return cli_usage_error(cli, err, "it takes no words");
	cli->quiet = true;
	return call_berthd_fds(cli, "io.berth.Container.Receive", json_object(), ends, 2, NULL,
			       err);
}
