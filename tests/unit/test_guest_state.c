/* test_guest_state.c - what is saved of a CT's network, and which of its links are nobody's. */
#include "netsetup/guest_state.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

static void the_kernels_own_tunnels_are_known(void)
{
	CHECK(net_guest_is_fallback("sit0", "sit"));
	CHECK(net_guest_is_fallback("ip6tnl0", "ip6tnl"));
	CHECK(net_guest_is_fallback("tunl0", "ipip"));
	/* A link of the tenant's that has such a name, or such a kind. */
	CHECK(!net_guest_is_fallback("sit0", "dummy"));
	CHECK(!net_guest_is_fallback("sit0", ""));
	CHECK(!net_guest_is_fallback("sit1", "sit"));
	CHECK(!net_guest_is_fallback("", ""));
}

static void sockets_of_a_protocol_are_found(void)
{
	static const char text[] = "sk Eth Pid Groups\n000000006 0   0 00\n1d9b085c 16  7 00\n";

	CHECK(net_guest_has_protocol(text, 0) && net_guest_has_protocol(text, 16));
	CHECK(!net_guest_has_protocol(text, 6) && !net_guest_has_protocol(text, 7));
	CHECK(!net_guest_has_protocol("", 0) && !net_guest_has_protocol("sk Eth Pid\n", 0));
	CHECK(!net_guest_has_protocol("sk\nx\n6 16\n", 0));
	CHECK(net_guest_has_protocol("sk\nx\n6 16", 16));
	/* A number too large for any protocol, and a line that is cut off. */
	CHECK(!net_guest_has_protocol("sk\n6 4294967312 0\n0", 16));
}

struct message {
	struct nlmsghdr head;
	struct rtmsg route;
};

static struct message route(void)
{
	return (struct message){
		.head = {.nlmsg_len = sizeof(struct message), .nlmsg_type = RTM_NEWROUTE}};
}

static void only_what_is_saved_is_read(void)
{
	struct message m[2] = {route(), route()};

	CHECK(net_guest_state_check(m, 0) == 0);
	CHECK(net_guest_state_check(m, sizeof(m)) == 0);
	CHECK(net_guest_state_check(m, sizeof(m) - 1) == -EBADMSG);
	CHECK(net_guest_state_check(m, sizeof(m[0]) + 4) == -EBADMSG);
	m[1].head.nlmsg_type = RTM_DELROUTE;
	CHECK(net_guest_state_check(m, sizeof(m)) == -EBADMSG);
	m[1] = route();
	m[1].head.nlmsg_len = sizeof(struct nlmsghdr); /* no room for its head */
	CHECK(net_guest_state_check(m, sizeof(m)) == -EBADMSG);
	m[1].head.nlmsg_len = 0; /* would be the same one for ever */
	CHECK(net_guest_state_check(m, sizeof(m)) == -EBADMSG);
	m[1].head.nlmsg_len = sizeof(struct message) + 1;
	CHECK(net_guest_state_check(m, sizeof(m)) == -EBADMSG);
}

int main(void)
{
	RUN(the_kernels_own_tunnels_are_known);
	RUN(sockets_of_a_protocol_are_found);
	RUN(only_what_is_saved_is_read);
	return check_failures != 0;
}
