/* test_migrate_needs.c - a host that lacks what the processes of another need is told so, by name. */
#include "runtime/migrate/needs.h"

#include "tests/unit/check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct message_needs host = {.kernel = "6.12.48+deb13-amd64",
					  .criu = 40101,
					  .memory = 1 << 30,
					  .xsave = 832,
					  .flags = "sse sse2 avx avx2"};

static struct berth_error found;
static unsigned int n_found;

static void find(const struct berth_error *why, void *data)
{
	(void)data;
	found = *why;
	n_found++;
}

static unsigned int compare(const struct message_needs *source)
{
	n_found = 0;
	needs_compare(source, &host, find, NULL);
	return n_found;
}

static void the_same_host_fits_and_so_does_less(void)
{
	struct message_needs s = host;

	CHECK(compare(&s) == 0);
	s = (struct message_needs){.kernel = "6.1.0-40-amd64", .criu = 31701, .flags = "avx sse"};
	CHECK(compare(&s) == 0);
}

static void what_is_missing_is_named(void)
{
	struct message_needs s = host;

	(void)snprintf(s.kernel, sizeof(s.kernel), "6.13.1");
	CHECK(compare(&s) == 1 && strstr(found.msg, "6.13.1") != NULL);
	s = host;
	s.criu = 40200;
	CHECK(compare(&s) == 1 && strstr(found.msg, "4.1.1") != NULL &&
	      strstr(found.msg, "4.2.0") != NULL);
	s = host;
	(void)snprintf(s.flags, sizeof(s.flags), "sse avx512f avx");
	CHECK(compare(&s) == 1 && strstr(found.msg, "'avx512f'") != NULL);
	s = host;
	s.xsave = 2696;
	CHECK(compare(&s) == 1 && strstr(found.msg, "XSAVE") != NULL);
	s = host;
	s.memory = (1ULL << 30) + 1;
	CHECK(compare(&s) == 1 && found.code == BERTH_ERR_RESOURCES);
	(void)snprintf(s.kernel, sizeof(s.kernel), "7.0");
	CHECK(compare(&s) == 2);
}

static void flags_of_a_processor(void)
{
	char buf[64];

	CHECK(needs_flags_of("processor\t: 0\nflags\t\t: fpu sse2 vmx  avx512bw arat "
			     "avx_vnni\nbugs\t\t: x\n"
			     "processor\t: 1\nflags\t\t: sse\n",
			     buf, sizeof(buf)) == 0);
	CHECK(strcmp(buf, "sse2 avx512bw avx_vnni") == 0);
	CHECK(needs_flags_of("Features\t: fp asimd\n", buf, sizeof(buf)) == 0 &&
	      strcmp(buf, "fp asimd") == 0);
	CHECK(needs_flags_of("flags\t: sse2 avx\n", buf, 8) == -ENOSPC);
	CHECK(needs_flags_of("", buf, sizeof(buf)) == -EBADMSG);
	CHECK(needs_flags_of("vendor_id: x\nflagship: sse2\n", buf, sizeof(buf)) == -EBADMSG);
}

static void memory_of_a_host(void)
{
	uint64_t n;

	CHECK(needs_memory_of("MemTotal:  10 kB\nMemAvailable:   3 kB\nSwapFree:  2 kB\n", &n) ==
		      0 &&
	      n == 5 << 10);
	CHECK(needs_memory_of("MemAvailable: 3 kB\n", &n) == -EBADMSG);
	CHECK(needs_memory_of("MemAvailable: 99999999999999999999 kB\nSwapFree: 0 kB\n", &n) ==
	      -EBADMSG);
}

static void what_is_said_is_understood(void)
{
	struct message_needs back;
	char text[4096];
	size_t used = 0;

	CHECK(needs_format(&host, text, sizeof(text), &used) == 0 && needs_parse(text, &back) == 0);
	CHECK(strcmp(back.kernel, host.kernel) == 0 && strcmp(back.flags, host.flags) == 0 &&
	      back.criu == host.criu && back.memory == host.memory && back.xsave == host.xsave);
	CHECK(needs_parse("kernel=6.1\ncriu=1\nmemory=1\nxsave=1\n", &back) == -EBADMSG);
	CHECK(needs_parse("kernel=6.1\ncriu=4294967296\nmemory=1\nxsave=1\nflags=\n", &back) ==
	      -EBADMSG);
	CHECK(needs_parse("kernel=\033[1m\ncriu=1\nmemory=1\nxsave=1\nflags=\n", &back) ==
	      -EBADMSG);
}

int main(void)
{
	RUN(the_same_host_fits_and_so_does_less);
	RUN(what_is_missing_is_named);
	RUN(flags_of_a_processor);
	RUN(memory_of_a_host);
	RUN(what_is_said_is_understood);
	return check_failures != 0;
}
