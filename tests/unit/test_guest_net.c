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

#define HEAD "Iface\tDestination\tGateway \tFlags\n"

static void routes_of_its_own_are_named(void)
{
	char to[40];

	guest_routes_foreign(HEAD "venet0\t00000000\t0100FEA9\t0007\n", to);
	CHECK(to[0] == '\0');
	guest_routes_foreign(HEAD, to);
	CHECK(to[0] == '\0');
	guest_routes_foreign("", to);
	CHECK(to[0] == '\0');
	guest_routes_foreign(HEAD "venet0\t00000000\t0100FEA9\t0007\n"
				  "*\t0101A8C0\t00000000\t0205\n",
			     to);
	CHECK(strcmp(to, "192.168.1.1") == 0);
}

int main(void)
{
	RUN(sysctls_lie_below_their_folder);
	RUN(routes_of_its_own_are_named);
	return check_failures != 0;
}
