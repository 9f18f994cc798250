/* main.c - berth-monitor: one per CT, init's parent, tiny and hard to kill. See args.h. */
#include "runtime/base/fault.h"
#include "runtime/base/log.h"
#include "runtime/monitor/monitor.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct monitor monitor;

/* A handler and not SIG_IGN: a session's exec puts it back to the default. */
static void outlive(int sig)
{
	(void)sig;
}

static void set_signals(void)
{
	struct sigaction a = {.sa_handler = outlive, .sa_flags = SA_RESTART};
	sigset_t set;

	for (int sig = 1; sig < 32; sig++) {
		switch (sig) {
		case SIGKILL:
		case SIGSTOP:
		case SIGSEGV:
		case SIGBUS:
		case SIGFPE:
		case SIGILL:
		case SIGTRAP:
		case SIGABRT:
		case SIGSYS:
			break;
		default:
			(void)sigaction(sig, &a, NULL);
		}
	}
	/* Only SIGCHLD is blocked, for the signalfd; launch_enter's child unblocks it. */
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_SETMASK, &set, NULL);
}

int main(int argc, char **argv)
{
	const char *bad;
	int r;

	log_init("berth-monitor", LOG_LV_INFO);
	if (argc == 2 && strcmp(argv[1], "points") == 0) {
		fault_list(stdout);
		return 0;
	}
	if (fault_init("berth-monitor") < 0)
		log_line(LOG_LV_WARNING, 0, FAULT_ENV " names no fault table of root's: not used");
	r = monitor_args_parse(argc, (const char *const *)argv, &monitor.args, &bad);
	if (r < 0) {
		log_line(LOG_LV_ERROR, 0, "bad argument or missing key: %s", bad);
		return 2;
	}
	(void)setsid();
	(void)umask(077);
	if (chdir("/") < 0)
		return 1;
	set_signals();
	r = harden_self();
	if (r == 0)
		r = harden_fds(&monitor.args);
	if (r == 0)
		r = monitor_run(&monitor);
	if (r < 0)
		log_line(LOG_LV_ERROR, monitor.args.ctid, "cannot serve: %s", strerror(-r));
	return r < 0 ? 1 : 0;
}
