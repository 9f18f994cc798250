/* end.c - why a run of a CT ended. */
#include "runtime/ct/end.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/value.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static const struct {
	const char *word, *sentence;
	bool bad;
} reasons[END_MAX] = {
	[END_NONE] = {"", "has not ended since the host booted", false},
	[END_STOPPED] = {"stopped", "was stopped by order", false},
	[END_KILLED] = {"killed", "was killed by order", false},
	[END_HALTED] = {"halted", "powered itself off", false},
	[END_REBOOTED] = {"rebooted", "rebooted", false},
	[END_OOM] = {"oom", "lost its init: the kernel killed it, out of memory", true},
	[END_DIED] = {"died", "lost its init", true},
	[END_SHUTDOWN] = {"shutdown", "was stopped with the host", false},
	[END_MOVED] = {"moved", "moved to another host", false},
	[END_UNSEEN] = {"unseen", "ended while nobody looked", true},
};

const char *ct_end_word(enum ct_end_reason r)
{
	return reasons[r].word;
}

const char *ct_end_sentence(enum ct_end_reason r)
{
	return reasons[r].sentence;
}

bool ct_end_is_bad(enum ct_end_reason r)
{
	return reasons[r].bad;
}

static enum ct_end_reason judge_signal(const struct ct_end_facts *f, char *detail, size_t size)
{
	int sig = WTERMSIG(f->wait_status);

	/* pid_namespaces(7): how the kernel reports reboot(2). */
	if (sig == SIGHUP)
		return END_REBOOTED;
	if (sig == SIGINT)
		return END_HALTED;
	if (sig == SIGKILL && f->oom_kills > 0) {
		(void)snprintf(detail, size, "the kernel has killed %llu of its processes",
			       (unsigned long long)f->oom_kills);
		return END_OOM;
	}
	(void)snprintf(detail, size, "init was killed by signal %d (%s)", sig, strsignal(sig));
	return END_DIED;
}

enum ct_end_reason ct_end_judge(const struct ct_end_facts *f, char *detail, size_t size)
{
	detail[0] = '\0';
	if (f->shutdown)
		return END_SHUTDOWN;
	if (f->ordered && f->restart)
		return END_REBOOTED;
	if (f->ordered)
		return f->killed ? END_KILLED : END_STOPPED;
	if (!f->known)
		return END_UNSEEN;
	if (WIFSIGNALED(f->wait_status))
		return judge_signal(f, detail, size);
	(void)snprintf(detail, size, "init exited with status %d", WEXITSTATUS(f->wait_status));
	return END_DIED;
}

static const char *count_key(enum ct_end_reason r, char buf[32])
{
	(void)snprintf(buf, 32, "count_%s", reasons[r].word);
	return buf;
}

int ct_ends_parse(const char *text, struct ct_ends *ret)
{
	struct ct_ends e = {0};
	char word[16] = "", key[32];

	if (value_get(text, "last", word, sizeof(word)) < 0 || value_get_u64(text, "at", &e.at) < 0)
		return -EINVAL;
	(void)value_get(text, "detail", e.detail, sizeof(e.detail));
	for (enum ct_end_reason r = END_STOPPED; r < END_MAX; r++) {
		if (strcmp(word, reasons[r].word) == 0)
			e.last = r;
		(void)value_get_u64(text, count_key(r, key), &e.count[r]);
	}
	if (e.last == END_NONE)
		return -EINVAL;
	*ret = e;
	return 0;
}

int ct_ends_format(const struct ct_ends *e, char *buf, size_t size)
{
	size_t used = 0;
	char key[32];
	int r = 0;

	r |= value_put(buf, size, &used, "last", reasons[e->last].word);
	r |= value_put_u64(buf, size, &used, "at", e->at);
	r |= value_put(buf, size, &used, "detail", e->detail);
	for (enum ct_end_reason i = END_STOPPED; i < END_MAX; i++)
		if (e->count[i] > 0)
			r |= value_put_u64(buf, size, &used, count_key(i, key), e->count[i]);
	return r != 0 ? -ENOSPC : 0;
}

void ct_ends_load(const struct berth_paths *p, uint32_t ctid, struct ct_ends *ret)
{
	char path[BERTH_PATH_MAX], text[1024];
	auto_close int dir = dir_open_at(AT_FDCWD, path_run_ct(p, ctid, path));

	*ret = (struct ct_ends){0};
	if (dir >= 0 && file_read_line_at(dir, "ends", text, sizeof(text)) == 0)
		(void)ct_ends_parse(text, ret);
}
