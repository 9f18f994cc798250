/* test_ct_addresses.c - what a run of a CT has had is kept until it is down, or nothing is said. */
#include "runtime/ct/addresses.h"

#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct ct_addresses a;
static struct berth_error err;

static int parse(const char *text)
{
	return ct_addresses_parse(text, strlen(text), &a);
}

static struct net_ct ct_with(struct net_addr *addrs, unsigned int n)
{
	return (struct net_ct){
		.ctid = 101, .links = {{.addrs = addrs, .n_addrs = n}}, .n_links = 1};
}

static void a_line_is_a_link_and_an_address(void)
{
	CHECK(parse("0 10.0.0.1\n0 2001:db8::1\n15\nend\n") == 0 && a.n == 3);
	CHECK(a.v[0].link == 0 && a.v[0].addr.family == AF_INET);
	CHECK(a.v[1].addr.family == AF_INET6 && a.v[2].link == 15 && a.v[2].addr.family == 0);
	CHECK(parse("end\n") == 0 && a.n == 0);
}

static void what_is_damaged_says_nothing(void)
{
	static const char *const bad[] = {"",
					  "0 10.0.0.1\nend",
					  "0 10.0.0.1\n",
					  "16 10.0.0.1\nend\n",
					  "x\nend\n",
					  "0 10.0.0\nend\n",
					  "\nend\n",
					  "0 \nend\n",
					  "end\n0 10.0.0.1\n",
					  "-1\nend\n",
					  "0  10.0.0.1\nend\n",
					  "end\nend\n"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(parse(bad[i]) == -EINVAL);
	CHECK(ct_addresses_parse("0\0\nend\n", 7, &a) == -EINVAL);
}

static void a_run_keeps_what_it_had(void)
{
	char dir[] = "/tmp/berth-addresses.XXXXXX";
	struct net_addr v[3];
	struct net_ct ct = ct_with(v, 2);
	int fd;

	CHECK(mkdtemp(dir) != NULL);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(net_addr_parse("10.0.0.1", &v[0]) == 0 && net_addr_parse("fd00::1/64", &v[1]) == 0 &&
	      net_addr_parse("10.0.0.2", &v[2]) == 0);
	/* Of a run that began before there was such a file, nothing is known, and that stays so. */
	CHECK(ct_addresses_extend(fd, &ct, &err) == 0 && ct_addresses_load(fd, &a) == -ENOENT);
	CHECK(ct_addresses_begin(fd, &ct, &err) == 0 && ct_addresses_load(fd, &a) == 0 && a.n == 2);
	CHECK(net_addr_equal(&a.v[1].addr, &v[1]) && a.v[1].addr.prefix == 64);
	ct.links[0].addrs = &v[2];
	ct.links[0].n_addrs = 1;
	CHECK(ct_addresses_extend(fd, &ct, &err) == 0 && ct_addresses_extend(fd, &ct, &err) == 0);
	CHECK(ct_addresses_load(fd, &a) == 0 && a.n == 3);
	/* The next run has had nothing yet. */
	ct.links[0].n_addrs = 0;
	CHECK(ct_addresses_begin(fd, &ct, &err) == 0 && ct_addresses_load(fd, &a) == 0);
	CHECK(a.n == 1 && a.v[0].link == 0 && a.v[0].addr.family == 0);
	CHECK(unlinkat(fd, "addresses", 0) == 0 && close(fd) == 0 && rmdir(dir) == 0);
}

static void a_run_that_had_too_many_has_no_file(void)
{
	char dir[] = "/tmp/berth-addresses.XXXXXX";
	static struct net_addr v[CT_ADDRESSES_MAX + 1];
	struct net_ct ct = ct_with(v, CT_ADDRESSES_MAX);
	int fd;

	CHECK(mkdtemp(dir) != NULL);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (unsigned int i = 0; i <= CT_ADDRESSES_MAX; i++) {
		CHECK(net_addr_parse("2001:db8:1111:2222:3333:4444:5555:1/64", &v[i]) == 0);
		v[i].v6.s6_addr[14] = (uint8_t)(i >> 8 | 0x10);
		v[i].v6.s6_addr[15] = (uint8_t)i;
	}
	CHECK(ct_addresses_begin(fd, &ct, &err) == 0 && ct_addresses_load(fd, &a) == 0);
	CHECK(a.n == CT_ADDRESSES_MAX);
	ct.links[0].n_addrs++;
	CHECK(ct_addresses_extend(fd, &ct, &err) == 0 && ct_addresses_load(fd, &a) == -ENOENT);
	CHECK(close(fd) == 0 && rmdir(dir) == 0);
}

int main(void)
{
	RUN(a_line_is_a_link_and_an_address);
	RUN(what_is_damaged_says_nothing);
	RUN(a_run_keeps_what_it_had);
	RUN(a_run_that_had_too_many_has_no_file);
	return check_failures != 0;
}
