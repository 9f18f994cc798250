/* test_host_hardening.c - runtime/worker/host_hardening.c against the settings of this machine. */
#include "runtime/worker/host_hardening.h"

#include "runtime/base/fd.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

static int n_findings;

/* "sysctl -w fs.suid_dumpable=0": names a file that there is, with another value than now. */
static bool fix_is_real(const char *fix)
{
	char path[160] = "/proc/sys/", now[32];
	const char *name = fix + strlen("sysctl -w "), *value = strchr(fix, '=');
	size_t n = strlen(path);

	if (strncmp(fix, "sysctl -w ", 10) != 0 || value == NULL)
		return false;
	for (; name < value && n < sizeof(path) - 1; name++)
		path[n++] = *name == '.' ? '/' : *name;
	path[n] = '\0';
	return file_read_line_at(AT_FDCWD, path, now, sizeof(now)) == 0 &&
	       strcmp(now, value + 1) != 0;
}

static void take_finding(const char *name, const char *level, const char *text, const char *fix,
			 void *data)
{
	bool ok = strcmp(level, "ok") == 0;

	(void)data;
	n_findings++;
	CHECK(strchr(name, '.') == NULL && text[0] != '\0');
	CHECK(ok || strcmp(level, "warning") == 0);
	CHECK(fix[0] != '\0' || (ok && strcmp(name, "modules") == 0));
	/* It travels in a line of the worker's report: a cut command would be another one. */
	CHECK(strlen(name) + strlen(fix) < 380 && strchr(fix, '\n') == NULL);
	CHECK(ok || strcmp(name, "modules") == 0 || fix_is_real(fix));
}

static void a_warning_has_a_command_that_changes_something(void)
{
	host_hardening_checks(take_finding, NULL);
	CHECK(n_findings >= 8);
}

int main(void)
{
	RUN(a_warning_has_a_command_that_changes_something);
	return check_failures != 0;
}
