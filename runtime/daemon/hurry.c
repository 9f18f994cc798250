/*
 * hurry.c - expedited RCU while a killed CT is dying. A process of its own takes it back when berthd dies meanwhile;
 * for the case that this one is killed too, a file in /run tells the next berthd that it was us.
 */
#include "runtime/daemon/hurry.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/daemon/job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum {
	LOOK_MS = 1000,
	LOOKS = 2
};

static const char knob[] = "/sys/kernel/rcu_expedited", mark[] = "rcu_expedited";

struct hurry_state {
	struct daemon *d;
	struct ev_source *timer;
	unsigned int seen;
	bool on;
	int keeper; /* our end of its pipe; -EBADF: there is none */
};

enum hurry hurry_judge(bool killed_lives, unsigned int *seen, bool on)
{
	if (!killed_lives) {
		*seen = 0;
		return on ? HURRY_OFF : HURRY_SAME;
	}
	if (*seen < LOOKS)
		(*seen)++;
	return !on && *seen >= LOOKS ? HURRY_ON : HURRY_SAME;
}

static uint32_t dying_ct(const struct daemon *d)
{
	for (size_t i = 0; i < d->n_cts; i++)
		if (d->cts[i]->job != NULL && d->cts[i]->job->killed)
			return d->cts[i]->ctid;
	return 0;
}

/* Waits for the end of the file, which is the end of berthd or of the hurry. */
static _Noreturn void keep(int fd)
{
	char c;

	(void)prctl(PR_SET_NAME, "berth-hurry");
	(void)signal(SIGTERM, SIG_IGN);
	/* Nothing of berthd's: no lock, no client. The end of the file comes when its copies are closed, too. */
	if (dup2(fd, STDIN_FILENO) < 0 || close_range(3, ~0U, 0) < 0)
		_exit(1);
	while (read(STDIN_FILENO, &c, 1) < 0 && errno == EINTR)
		;
	_exit(file_write_value_at(AT_FDCWD, knob, "0") < 0);
}

static int keeper_begin(void)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		keep(fds[0]);
	(void)close(fds[0]);
	if (pid > 0)
		return fds[1];
	(void)close(fds[1]);
	return -EAGAIN;
}

/* An admin who has set it keeps it: then there is nothing to do, and nothing to take back. */
static bool turn_on(struct hurry_state *h)
{
	auto_close int run = dir_open_at(AT_FDCWD, h->d->paths.run);
	char now[8];

	if (run < 0 || file_read_line_at(AT_FDCWD, knob, now, sizeof(now)) < 0 ||
	    strcmp(now, "0") != 0)
		return false;
	if (file_replace_at(run, mark, "1\n", 2, 0644, false) < 0)
		return false;
	h->keeper = keeper_begin();
	if (h->keeper >= 0 && file_write_value_at(AT_FDCWD, knob, "1") == 0)
		return true;
	fd_close(&h->keeper);
	(void)unlinkat(run, mark, 0);
	return false;
}

static void turn_off(struct hurry_state *h)
{
	auto_close int run = dir_open_at(AT_FDCWD, h->d->paths.run);

	if (run >= 0 && faccessat(run, mark, F_OK, 0) == 0 &&
	    file_write_value_at(AT_FDCWD, knob, "0") == 0)
		(void)unlinkat(run, mark, 0);
	fd_close(&h->keeper);
}

static void look(struct ev_source *s, void *data)
{
	struct hurry_state *h = data;
	uint32_t ctid = dying_ct(h->d);

	(void)s;
	switch (hurry_judge(ctid != 0, &h->seen, h->on)) {
	case HURRY_ON:
		h->on = turn_on(h);
		if (h->on)
			log_line(LOG_LV_INFO, ctid,
				 "takes long to die: RCU is expedited meanwhile (%s)", knob);
		break;
	case HURRY_OFF:
		turn_off(h);
		h->on = false;
		break;
	case HURRY_SAME:
		break;
	}
	(void)ev_timer_set(h->timer, LOOK_MS);
}

void hurry_begin(struct daemon *d)
{
	static struct hurry_state state; /* as long as berthd lives */
	struct hurry_state *h = &state;

	*h = (struct hurry_state){.d = d, .keeper = -EBADF};
	turn_off(h);
	if (ev_add_timer(d->ev, LOOK_MS, look, h, &h->timer) < 0)
		abort();
}
