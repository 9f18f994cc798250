/* cmd_pid.c - pid: which CT a process of the host is in. */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/list_fetch.h"
#include "runtime/cli/pid_path.h"
#include "runtime/cli/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum {
	CGROUP_MAX = 16384,
	STATUS_MAX = 16384
};

struct found_pid {
	uint32_t pid, ctid,
		inside; /* ctid 0: of the host; inside: its pid in the CT, 0: not known */
	char comm[64];
};

static int read_proc(uint32_t pid, const char *name, char *buf, size_t size)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
	return (int)file_read_line_at(AT_FDCWD, path, buf, size);
}

static const json_t *ct_of(const json_t *cts, uint32_t ctid)
{
	const json_t *info;
	size_t i;

	json_array_foreach(cts, i, info) if (json_integer_value(json_object_get(info, "ctid")) ==
					     ctid) return info;
	return NULL;
}

/*
 * Which CT's init is in the same cgroup, or above? *ret 0: the path names none. -ESRCH: it names *ret, but there is no init
 * that says so: it is starting or ending, or another berthd's. That is not the host either.
 */
static int ctid_of(const json_t *cts, const char *cgroup, uint32_t *ret)
{
	char init[CGROUP_MAX];
	size_t at = 0;
	uint32_t ctid;

	*ret = 0;
	while (pid_path_guess(cgroup, &at, &ctid) == 0) {
		json_int_t pid = json_integer_value(json_object_get(ct_of(cts, ctid), "init_pid"));

		if (pid > 0 && read_proc((uint32_t)pid, "cgroup", init, sizeof(init)) == 0 &&
		    pid_path_is_in(cgroup, init, ctid)) {
			*ret = ctid;
			return 0;
		}
		if (*ret == 0)
			*ret = ctid;
	}
	return *ret == 0 ? 0 : -ESRCH;
}

static int look(const json_t *cts, struct found_pid *f, struct berth_error *err)
{
	char text[CGROUP_MAX];
	int r = read_proc(f->pid, "cgroup", text, sizeof(text));

	if (r == -ENOENT || r == -ESRCH)
		return berth_error_set(err, BERTH_ERR_VALUE, ESRCH, "there is no process %u",
				       f->pid);
	if (r < 0)
		return berth_error_sys(err, r, "read /proc/%u/cgroup", f->pid);
	if (ctid_of(cts, text, &f->ctid) < 0)
		return berth_error_set(
			err, BERTH_ERR_UNKNOWN, ESRCH,
			"whose process %u is cannot be told: it is in a cgroup as of "
			"CT %u, which has no init that is known; see: berth status %u",
			f->pid, f->ctid, f->ctid);
	if (read_proc(f->pid, "comm", f->comm, sizeof(f->comm)) < 0)
		f->comm[0] = '\0'; /* it has just ended */
	if (f->ctid != 0 && read_proc(f->pid, "status", text, sizeof(text)) == 0)
		(void)pid_inside(text, &f->inside);
	return 0;
}

/* ---- output ---- */

static void print_pid(const struct found_pid *f, bool inside)
{
	auto_free char *name = text_escape(f->comm);
	char own[16] = "-";

	if (f->inside != 0)
		(void)snprintf(own, sizeof(own), "%u", f->inside);
	(void)printf("%u\t%u\t%s%s%s\n", f->pid, f->ctid, inside ? own : "", inside ? "\t" : "",
		     name != NULL ? name : "");
}

static json_t *pid_json(const struct found_pid *f)
{
	json_t *o = json_pack("{s:I, s:I, s:s*}", "pid", (json_int_t)f->pid, "ctid",
			      (json_int_t)f->ctid, "name", f->comm);

	if (o != NULL && f->inside != 0)
		(void)json_object_set_new(o, "ct_pid", json_integer(f->inside));
	return o;
}

/* ---- the command ---- */

struct pid_options {
	bool inside;
	uint32_t *pids;
	size_t n;
};

static int add_pid(struct pid_options *o, const char *word, struct berth_error *err)
{
	uint32_t pid, *more;

	if (parse_u32(word, &pid) < 0 || pid == 0 || pid > INT32_MAX)
		return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
				       "'%.40s' is no pid; give a number as ps(1) shows it", word);
	more = reallocarray(o->pids, o->n + 1, sizeof(*more));
	if (more == NULL)
		return berth_error_sys(err, ENOMEM, "read the command line");
	more[o->n++] = pid;
	o->pids = more;
	return 0;
}

static int take_options(struct cli *cli, struct args *a, struct pid_options *o,
			struct berth_error *err)
{
	static const struct opt opts[] = {{"inside", 'p', false}, {"json", 'j', false}, {0}};
	struct arg arg;
	int r;

	a->opts = opts;
	while ((r = cli_next(cli, a, &arg, err)) > ARG_END) {
		if (r == ARG_OPTION) {
			o->inside |= arg.letter == 'p';
			cli->json |= arg.letter == 'j';
			continue;
		}
		r = add_pid(o, arg.value, err);
		if (r < 0)
			return r;
	}
	return r == 0 && o->n == 0 && !cli->help ? cli_usage_error(cli, err, "give a pid") : r;
}

/* Those that are there are shown, also when another is not. */
static int show(struct cli *cli, const struct pid_options *o, const json_t *cts,
		struct berth_error *err)
{
	json_t *list = json_array();
	int r = 0;

	if (!cli->json)
		(void)printf("Pid\tCTID\t%sName\n", o->inside ? "CTPid\t" : "");
	for (size_t i = 0; i < o->n; i++) {
		struct found_pid f = {.pid = o->pids[i]};
		struct berth_error failed;
		int s = look(cts, &f, &failed);

		if (s < 0 && r == 0) {
			r = s;
			*err = failed;
		}
		if (s == 0 && cli->json)
			(void)json_array_append_new(list, pid_json(&f));
		else if (s == 0)
			print_pid(&f, o->inside);
	}
	if (cli->json) {
		(void)json_dumpf(list, stdout, JSON_INDENT(2));
		(void)putchar('\n');
	}
	json_decref(list);
	return r;
}

int cmd_pid(struct cli *cli, struct args *a, struct berth_error *err)
{
	struct pid_options o = {0};
	json_t *needs = json_pack("{s:n}", "init_pid"), *cts = NULL;
	int r = take_options(cli, a, &o, err);

	if (r == 0 && !cli->help)
		r = list_fetch(cli, NULL, false, needs, &cts, err);
	if (r == 0 && !cli->help)
		r = show(cli, &o, cts, err);
	json_decref(needs);
	json_decref(cts);
	free(o.pids);
	return r;
}
