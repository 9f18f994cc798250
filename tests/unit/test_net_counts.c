/* test_net_counts.c - the links of a CT in /proc/net/dev: all of its own, none of another's. */
#include "netsetup/net.h"
#include "tests/unit/check.h"

static const char text[] =
	"Inter-|   Receive                                                |  Transmit\n"
	" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs\n"
	"    lo:       0       0    0    0    0     0          0         0        0       0    0   "
	" 0\n"
	"ct101.0:    1000      10    0    0    0     0          0         0     2000      20    0  "
	"  0\n"
	" ct1101.0:  7 7 0 0 0 0 0 0 7 7 0 0 0 0 0 0\n"
	"ct101.1: 1 2 0 0 0 0 0 0 3 4 0 0 0 0 0 0\n"
	"act102.0: 1 2 0 0 0 0 0 0 3 4 0 0 0 0 0 0\n"
	"ct103.0: 1 2 0 0\n"
	"ct104.: 1 2 0 0 0 0 0 0 3 4\n";

static void all_links_of_a_ct_are_added_and_seen_from_inside(void)
{
	struct net_counts c;

	net_counts_parse(text, 101, &c);
	CHECK(c.tx_bytes == 1001 && c.tx_packets == 12 && c.rx_bytes == 2003 && c.rx_packets == 24);
	net_counts_parse(text, 1101, &c);
	CHECK(c.tx_bytes == 7 && c.rx_packets == 7);
}

static void what_is_not_its_link_counts_for_nobody(void)
{
	struct net_counts c;

	for (uint32_t ctid = 102; ctid < 106; ctid++) {
		net_counts_parse(text, ctid, &c);
		CHECK(c.tx_bytes == 0 && c.rx_bytes == 0);
	}
	net_counts_parse("", 101, &c);
	CHECK(c.tx_bytes == 0);
}

int main(void)
{
	RUN(all_links_of_a_ct_are_added_and_seen_from_inside);
	RUN(what_is_not_its_link_counts_for_nobody);
	return check_failures != 0;
}
