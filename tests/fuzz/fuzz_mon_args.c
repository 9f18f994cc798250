/* fuzz_mon_args.c - the monitor's command line, one word a line. */
#include "runtime/monitor/args.h"

#include <string.h>

enum {
	WORDS_MAX = 32,
	TEXT_MAX = 4096
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[TEXT_MAX];
	const char *argv[WORDS_MAX] = {"berth-monitor"}, *bad;
	int fds[MONITOR_FDS_MAX], argc = 1;
	struct monitor_args a;
	char *p = text;

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	while (argc < WORDS_MAX && p != NULL) {
		char *end = strchr(p, '\n');

		if (end != NULL)
			*end++ = '\0';
		argv[argc++] = p;
		p = end;
	}
	if (monitor_args_parse(argc, argv, &a, &bad) < 0)
		return 0;
	if (a.ctid < 101 || a.rundir[0] != '/' || a.init_pid < 1 || a.cgroup.n_v1 > CG_V1_MAX)
		__builtin_trap();
	if (monitor_args_fds(&a, fds) < 5 || fds[0] < 3)
		__builtin_trap();
	return 0;
}
