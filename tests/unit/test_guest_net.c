/* test_guest_net.c - what is read of a CT's network, and what of it is refused. */
#include "runtime/worker/guest_net.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <string.h>

static int parse(const char *text, const char **path, const char **value)
{
	static char line[1024];

	(void)snprintf(line, sizeof(line), "%s", text);
	return guest_sysctl_parse(line, path, value);
}

static void sysctls_lie_below_their_folder(void)
{
	const char *path, *value;

	CHECK(parse("/proc/sys/net/ipv4/tcp_rmem 1	2	3", &path, &value) == 0);
	CHECK(strcmp(path, "/proc/sys/net/ipv4/tcp_rmem") == 0 &&
	      strcmp(value, "1	2	3") == 0);
	CHECK(parse("/proc/sys/kernel/core_pattern |x", &path, &value) == -EINVAL);
	CHECK(parse("/proc/sys/net/../kernel/core_pattern |x", &path, &value) == -EINVAL);
	CHECK(parse("/proc/sys/net//x 1", &path, &value) == -EINVAL);
	CHECK(parse("/proc/sys/net/ipv4/x", &path, &value) == -EINVAL);
	CHECK(parse("", &path, &value) == -EINVAL);
}

static void rules_that_read_files_are_seen(void)
{
	CHECK(!guest_rules_include(""));
	CHECK(!guest_rules_include(
		"table inet t {\n\tchain includes { comment \"to include\"; }\n}"));
	CHECK(!guest_rules_include("include_all {\n"));
	CHECK(guest_rules_include("include \"/etc/shadow\""));
	/* A comment with a quote and a newline of the tenant's in it. */
	CHECK(guest_rules_include("\t\taccept comment \"x\"\n\tinclude \"/etc/x\""));
	CHECK(guest_rules_include("comment \"x\"; include\\\n\"/etc/x\""));
	CHECK(guest_rules_include("{include \"x\""));
}

int main(void)
{
	RUN(sysctls_lie_below_their_folder);
	RUN(rules_that_read_files_are_seen);
	return check_failures != 0;
}
