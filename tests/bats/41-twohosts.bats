# 41-twohosts.bats - the two hosts of tests/twohosts, which moves are tried on.
load helpers

twohosts() { "$BATS_TEST_DIRNAME/../twohosts" "$@"; }

teardown() {
	[ ! -e "$BERTH_TEST_DIR/twohosts" ] || twohosts down
}

up() {
	twohosts up
	ids=$(sed -n 's/^declare -x HOST_ID="\(.*\)"$/\1/p' "$BERTH_TEST_DIR"/twohosts/?.host)
	[ "$(wc -w <<<"$ids")" = 2 ]
}

nothing_is_left() {
	local id
	for id in $ids; do
		[ -z "$(find /sys/fs/cgroup -maxdepth 2 -name "berth-test-$id")" ]
	done
	[ ! -e "$BERTH_TEST_DIR/twohosts" ]
	[ -z "$(losetup -n -O BACK-FILE | grep -F "$BERTH_TEST_DIR/twohosts")" ]
	[ -z "$(pgrep -f "$BERTH_TEST_DIR/twohosts")" ]
}

@test "two hosts, a router and a client: one CTID on both, an address follows its CT" {
	up
	for h in A B; do
		twohosts exec $h berth create 101 --ostemplate tiny
		twohosts exec $h berth start 101 --wait
		[ "$(twohosts exec $h berth list -H -o ctid | tr -d ' ')" = 101 ]
	done
	twohosts exec A berth set 101 --ipadd 192.0.2.101 --ipadd 2001:db8::101
	twohosts exec client ping -c 1 -W 5 192.0.2.101
	twohosts exec client ping -c 1 -W 5 2001:db8::101
	# To the other host, and its neighbours have heard of it at once.
	twohosts exec A berth set 101 --ipdel all
	twohosts exec B berth set 101 --ipadd 192.0.2.101 --ipadd 2001:db8::101
	twohosts exec client ping -c 1 -W 5 192.0.2.101
	twohosts exec client ping -c 1 -W 5 2001:db8::101
	run -0 twohosts exec A sh -c "$(twohosts via B) B berth exec2 101 ip -4 addr show dev venet0"
	[[ $output == *192.0.2.101* ]]
	twohosts down
	nothing_is_left
}

@test "of two hosts that were killed nothing is left either" {
	up
	twohosts exec A berth create 101 --ostemplate tiny
	twohosts exec A berth start 101 --wait
	pkill -KILL -f "$BERTH_TEST_DIR/twohosts"
	run ! twohosts down
	nothing_is_left
}
