/* test_ruleset.c - the text that netsetup/ruleset.c makes, and what nft(8) says of it. */
#include "netsetup/link.h"
#include "netsetup/ruleset.h"
#include "tests/unit/check.h"
#include "tests/unit/net_sim.h"

#include <stdlib.h>
#include <string.h>

static void the_table_name_replaces_every_hole(void)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	ruleset_expand(f, "@TABLE@ a @TABLE@@TABLE@ @TABLE b@ @FLOWS@", "berth", 77);
	(void)fclose(f);
	CHECK(strcmp(text, "berth a berthberth @TABLE b@ 77") == 0);
	free(text);
}

static void elements_follow_from_the_address(void)
{
	static const char golden[] =
		"add element inet t ct4 { \"ct101.0\" . 10.0.0.1 }\n"
		"add element arp t ct4 { \"ct101.0\" . 10.0.0.1 }\n"
		"add element inet t nat4 { 10.0.0.1 }\n"
		"add element inet t ct4 { \"ct101.0\" . 10.0.0.1 }\n"
		"add element arp t ct4 { \"ct101.0\" . 10.0.0.1 }\n"
		"add element inet t ct6 { \"ct101.0\" . 2001:db8::1 }\n"
		"add element inet t routed6 { 2001:db8::1 }\n"
		"add element inet t ct_links { \"ct101.0\" }\n"
		"add element arp t ct_links { \"ct101.0\" }\n"
		"add element inet t ct6 { \"ct101.0\" . fe80::4482:8ff:fe92:201b }\n"
		"add element inet t net4 { \"ct101.0\" . 10.9.8.0/29 }\n"
		"add element arp t net4 { \"ct101.0\" . 10.9.8.0/29 }\n"
		"add element inet t nat_net4 { 10.9.8.0/29 }\n"
		"add element inet t net6 { \"ct101.0\" . 2001:db8:7::/64 }\n"
		"add element inet t routed_net6 { 2001:db8:7::/64 }\n";
	const struct net_addr nets[] = {sim_addr("10.9.8.0/29"), sim_addr("2001:db8:7::/64")};
	const struct net_addr v4 = sim_addr("10.0.0.1/24"), v6 = sim_addr("2001:db8::1/64");
	const struct net_link_id id = sim_id(101);
	struct nft_change c = {
		.driver = &net_venet, .id = &id, .addrs = &v4, .n_addrs = 1, .nat = true};
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	ruleset_put(f, "t", &c);
	c.nat = false;
	ruleset_put(f, "t", &c);
	c.nat = true;
	c.addrs = &v6;
	ruleset_put(f, "t", &c);
	c.n_addrs = 0;
	c.link = true;
	ruleset_put(f, "t", &c);
	c = (struct nft_change){
		.driver = &net_venet, .id = &id, .addrs = nets, .n_addrs = 2, .nat = true};
	ruleset_put(f, "t", &c);
	(void)fclose(f);
	CHECK(strcmp(text, golden) == 0);
	free(text);
}

static void the_ruleset_is_one_that_nft_takes(void)
{
	char *text = NULL;
	struct berth_error err = {0};

	CHECK(ruleset_make(BERTH_NFT, &(struct net_owner){.nft_table = "berth", .flows = 77}, &text,
			   &err) == 0);
	CHECK(text != NULL && strstr(text, " ct count over 77 ") != NULL);
	free(text);
	text = NULL;
	CHECK(ruleset_make(BERTH_NFT, &(struct net_owner){.nft_table = "berth"}, &text, &err) == 0);
	CHECK(text != NULL && strstr(text, " ct count over 4096 ") != NULL);
	CHECK(strstr(text, "@TABLE@") == NULL || strstr(text, "@TABLE@") == text);
	CHECK(ruleset_load(text, true, &err) == 0);
	CHECK(ruleset_load(text, false, &err) == 0);
	CHECK(ruleset_load(text, false, &err) == 0);
	free(text);
}

static void a_bad_ruleset_is_told_with_its_place(void)
{
	struct berth_error err = {0};

	CHECK(ruleset_load("table inet x {\n nonsense\n}\n", false, &err) == -EIO);
	CHECK(strstr(err.msg, ":2:") != NULL && strstr(err.msg, "Error") != NULL);
	CHECK(err.code == BERTH_ERR_HELPER);
}

static void names_that_could_end_a_statement_are_refused(void)
{
	struct berth_error err = {0};
	char *text = NULL;

	CHECK(ruleset_make(BERTH_NFT, &(struct net_owner){.nft_table = "x; flush ruleset"}, &text,
			   &err) == -EINVAL);
	CHECK(err.code == BERTH_ERR_VALUE && text == NULL);
	CHECK(ruleset_make("/nonexistent/berth.nft", &(struct net_owner){.nft_table = "berth"},
			   &text, &err) == -ENOENT);
}

int main(void)
{
	RUN(the_table_name_replaces_every_hole);
	RUN(elements_follow_from_the_address);
	if (!sim_host())
		return SIM_SKIPPED;
	RUN(the_ruleset_is_one_that_nft_takes);
	RUN(a_bad_ruleset_is_told_with_its_place);
	RUN(names_that_could_end_a_statement_are_refused);
	return check_failures != 0;
}
