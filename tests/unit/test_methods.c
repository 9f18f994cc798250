/* test_methods.c - the table of methods: complete, each once, and only what reads is for others than root. */
#include "runtime/daemon/methods.h"

#include "runtime/rpc/interfaces.h"
#include "tests/unit/check.h"

#include <string.h>

static void only_what_reads_is_for_others_than_root(void)
{
	static const char *const readers[] = {
		"io.berth.Container.List", "io.berth.Container.Get", "io.berth.Container.Monitor",
		"io.berth.Template.List",  "io.berth.Host.Ping",     "io.berth.Host.Doctor"};
	size_t open = 0;

	for (size_t i = 0; i < daemon_methods_n; i++) {
		bool reads = false;

		for (size_t k = 0; k < sizeof(readers) / sizeof(readers[0]); k++)
			reads = reads || strcmp(daemon_methods[i].name, readers[k]) == 0;
		CHECK((daemon_methods[i].access != RPC_READ) == !reads);
		open += reads;
	}
	CHECK(open == sizeof(readers) / sizeof(readers[0]));
}

static void each_method_of_the_interfaces_is_there_once(void)
{
	static const char *const texts[] = {varlink_container, varlink_template, varlink_host};
	size_t described = 0;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		for (const char *p = texts[i]; (p = strstr(p, "\nmethod ")) != NULL; p++)
			described++;
	CHECK(described == daemon_methods_n);
	for (size_t i = 0; i < daemon_methods_n; i++)
		for (size_t k = 0; k < i; k++)
			CHECK(strcmp(daemon_methods[i].name, daemon_methods[k].name) != 0);
}

int main(void)
{
	RUN(only_what_reads_is_for_others_than_root);
	RUN(each_method_of_the_interfaces_is_there_once);
	return check_failures != 0;
}
