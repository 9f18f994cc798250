/* fuzz_mon_record.c - what arrives on monitor.sock, on a session's reply socket and in /proc. */
#include "runtime/monitor/monitor.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_stat(const uint8_t *data, size_t size)
{
	char stat[512];
	int status;

	if (size >= sizeof(stat))
		return;
	memcpy(stat, data, size);
	stat[size] = '\0';
	if (init_exit_parse_stat(stat, 1, &status) == 0 && status < 0)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[MON_TEXT_MAX];
	struct mon_record r;
	int sys;

	if (mon_record_check(data, size, &r) == 0) {
		/* A checked record's text may be used as its type says. */
		if (r.type == MON_DATA ? r.a < 0 || r.a > MON_TEXT_MAX
				       : strlen(r.text) >= MON_TEXT_MAX)
			__builtin_trap();
	}
	if (exec_parse_failure((const char *)data, size, &sys, text, sizeof(text)) == 0)
		if (sys <= 0 || strlen(text) >= sizeof(text))
			__builtin_trap();
	fuzz_stat(data, size);
	return 0;
}

/* exec.c wants them; nothing here enters a CT. */
int launch_enter_begin(const struct launch_enter *e, struct launch_entering *ret)
{
	(void)e;
	(void)ret;
	return -1;
}

pid_t launch_enter_finish(const struct launch_entering *n)
{
	(void)n;
	return -1;
}
