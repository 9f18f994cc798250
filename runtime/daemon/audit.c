/* audit.c - the file of who did what. */
#include "runtime/daemon/audit.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/base/offload.h"
#include "runtime/base/parse.h"
#include "runtime/daemon/asked.h"
#include "runtime/daemon/daemon.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum {
	QUEUE_MAX = 256 << 10, /* bytes that wait for the disk */
	LINE_MAX_LEN = 1024
};

/* What waits to be written, and what a thread writes now. */
struct audit {
	struct daemon *d;
	char path[BERTH_PATH_MAX];
	char *queue, *writing;
	size_t used, size, writing_len;
	unsigned int queued,
		at_work; /* lines in queue and in writing, and those that they tell as missing */
	unsigned int lost; /* lines that had no room, or could not be written */
	int result;
	bool busy, failing; /* failing: it was said that nothing can be written */
};

/* An order that has no answer yet. */
struct order {
	uint32_t ctid;
	uid_t uid;
	pid_t pid;
	char method[48];
};

static bool is_terminal(const char *path)
{
	return strncmp(path, "/dev/pts/", 9) == 0 || strncmp(path, "/dev/tty", 8) == 0 ||
	       strcmp(path, "/dev/console") == 0;
}

void audit_who(pid_t pid, char *buf, size_t size)
{
	char path[64], text[65], tty[4 * sizeof(text)], program[4 * sizeof(text)],
		by_login[24] = "";
	uint32_t login;
	ssize_t len;

	buf[0] = '\0';
	(void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	auto_close int dir = dir_open_at(AT_FDCWD, path);
	if (dir < 0)
		return;
	/* 4294967295: nobody has logged in, as for what a service starts. */
	if (file_read_line_at(dir, "loginuid", text, sizeof(text)) >= 0 &&
	    parse_u32(text, &login) == 0 && login != UINT32_MAX)
		(void)snprintf(by_login, sizeof(by_login), " login=%u", login);
	len = readlinkat(dir, "fd/0", text, sizeof(text) - 1);
	text[len > 0 ? len : 0] = '\0';
	(void)log_escape(tty, sizeof(tty), text);
	if (file_read_line_at(dir, "comm", text, sizeof(text)) < 0)
		return;
	(void)log_escape(program, sizeof(program), text);
	(void)snprintf(buf, size,
		       strchr(program, ' ') != NULL ? "%s%s%s program=\"%s\"" : "%s%s%s program=%s",
		       by_login, is_terminal(tty) ? " tty=" : "", is_terminal(tty) ? tty : "",
		       program);
}

int audit_append(const char *path, off_t max, const char *text, size_t len)
{
	const int flags = O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY;
	auto_close int fd = open(path, flags, 0600);
	char older[BERTH_PATH_MAX + 4];
	struct stat st;
	char last;
	int r = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size >= max) {
		(void)snprintf(older, sizeof(older), "%s.1", path);
		if (rename(path, older) < 0)
			return -errno;
		fd_close(&fd);
		fd = open(path, flags, 0600);
		if (fd < 0)
			return -errno;
	} else if (pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n') {
		r = fd_write_all(fd, "\n", 1); /* a write was cut there */
	}
	return r < 0 ? r : fd_write_all(fd, text, len);
}

static void write_begin(struct audit *a);

static void write_work(void *data)
{
	struct audit *a = data;

	a->result = audit_append(a->path, AUDIT_SIZE, a->writing, a->writing_len);
}

static void write_done(void *data)
{
	struct audit *a = data;

	a->busy = false;
	free(a->writing);
	a->writing = NULL;
	if (a->result < 0 && !a->failing)
		log_line(LOG_LV_ERROR, 0, "write %s: %s; orders are not audited", a->path,
			 strerror(-a->result));
	else if (a->result >= 0 && a->failing)
		log_line(LOG_LV_INFO, 0, "orders are audited again");
	a->failing = a->result < 0;
	if (a->failing)
		a->lost += a->at_work;
	write_begin(a);
}

static void write_begin(struct audit *a)
{
	if (a->busy || a->used == 0)
		return;
	a->writing = a->queue;
	a->writing_len = a->used;
	a->queue = NULL;
	a->used = a->size = 0;
	a->at_work = a->queued;
	a->queued = 0;
	a->busy = offload_run(a->d->disk, write_work, write_done, a) == 0;
	if (a->busy)
		return;
	free(a->writing);
	a->writing = NULL;
	a->lost += a->at_work;
}

/* A line of its own with the time; one that finds no room is counted, and said with the next that does. */
static void put_line(struct audit *a, uint32_t ctid, const char *text)
{
	char line[LINE_MAX_LEN + 200], date[32] = "", ct[24] = "", lost[96] = "", *grown;
	time_t now = time(NULL);
	struct tm tm;
	size_t n;

	if (gmtime_r(&now, &tm) != NULL)
		(void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (ctid != 0)
		(void)snprintf(ct, sizeof(ct), "ct=%u ", ctid);
	if (a->lost > 0)
		(void)snprintf(lost, sizeof(lost), "%s (%u lines are missing here)\n", date,
			       a->lost);
	n = (size_t)snprintf(line, sizeof(line), "%s%s %s%.*s\n", lost, date, ct, LINE_MAX_LEN - 1,
			     text);
	if (a->used + n > a->size) {
		grown = a->used + n > QUEUE_MAX ? NULL : realloc(a->queue, a->used + n + 4096);
		if (grown == NULL) {
			a->lost++;
			return;
		}
		a->queue = grown;
		a->size = a->used + n + 4096;
	}
	memcpy(a->queue + a->used, line, n);
	a->used += n;
	a->queued += 1 + a->lost;
	a->lost = 0;
	write_begin(a);
}

/* "io.berth.Container.Start", "io.berth.Template.Build": "start", "template build". */
static void put_result(struct audit *a, const struct order *o, uint32_t ctid, const char *result)
{
	const struct rpc_peer peer = {.uid = o->uid, .pid = o->pid};
	char text[320];
	json_t *none = json_object();
	size_t n;

	asked_text(&peer, o->method, none, text, sizeof(text) - 160);
	json_decref(none);
	n = strlen(text);
	(void)snprintf(text + n, sizeof(text) - n, ": %.120s", result);
	put_line(a, ctid, text);
}

static void on_answer(void *order, const struct rpc_answer *answer, void *data)
{
	struct daemon *d = data;
	struct order *o = order;
	const json_t *ctid = json_object_get(answer->parameters, "ctid");
	const char *word;
	char text[96];

	if (o->ctid == 0 && json_is_integer(ctid))
		o->ctid = (uint32_t)json_integer_value(ctid); /* create has found one */
	if (answer->gone) {
		put_result(d->audit, o, o->ctid, "its client has gone");
	} else if (answer->error != NULL) {
		word = strrchr(answer->error, '.');
		(void)snprintf(text, sizeof(text), "failed (%s)",
			       word != NULL ? word + 1 : answer->error);
		put_result(d->audit, o, o->ctid, text);
	} else {
		put_result(d->audit, o, o->ctid, "done");
	}
	free(o);
}

static void *on_order(const struct rpc_peer *peer, const char *method, const json_t *parameters,
		      void *data)
{
	struct daemon *d = data;
	uint32_t ctid = asked_ct(d, parameters);
	char text[560], who[320], line[sizeof(text) + sizeof(who)], clean[LINE_MAX_LEN];
	bool session = strcmp(method, "io.berth.Container.Session") == 0;
	struct order *o;

	asked_text(peer, method, parameters, text, sizeof(text));
	audit_who(peer->pid, who, sizeof(who));
	(void)snprintf(line, sizeof(line), "%s%s", text, who);
	(void)log_escape(clean, sizeof(clean), line);
	put_line(d->audit, ctid, clean);
	if (session)
		return NULL;
	log_line(LOG_LV_INFO, ctid, "%s", text);
	o = calloc(1, sizeof(*o));
	if (o == NULL)
		return NULL;
	*o = (struct order){.ctid = ctid, .uid = peer->uid, .pid = peer->pid};
	(void)snprintf(o->method, sizeof(o->method), "%s", method);
	return o;
}

void audit_job(struct daemon *d, uint32_t ctid, const char *what, const struct berth_error *error)
{
	char text[160];

	if (d->audit == NULL)
		return;
	(void)snprintf(text, sizeof(text), "%s, whose client has gone: %s", what,
		       error == NULL ? "done" : berth_error_name(error->code));
	put_line(d->audit, ctid, text);
}

void audit_begin(struct daemon *d)
{
	d->audit = calloc(1, sizeof(*d->audit));
	if (d->audit == NULL)
		abort();
	d->audit->d = d;
	(void)path_audit(&d->paths, d->audit->path);
	rpc_server_on_order(d->rpc, on_order, on_answer);
}
