#!/usr/bin/env bats
# The routed network of CTs: who reaches whom, whom nobody can pretend to be, and what is left afterwards.

load helpers

setup() {
	setup_host
}

teardown() {
	neighbour_has del 192.0.2.77/24 || true
	neighbour_has del 2001:db8::77/64 || true
	teardown_host
}

# pair: 101 and 102 run; 102 answers on port 7 with what it is sent.
pair() {
	tiny 101 --ipadd 10.99.0.101 --ipadd 2001:db8:99::101
	tiny 102 --ipadd 10.99.0.102 --ipadd 2001:db8:99::102
	put_probe 101
	put_probe 102
	berth exec2 102 sh -c '/probe echo 7 >/dev/null 2>&1 &' </dev/null
	wait_for 10 answers 102 10.99.0.102
}

# answers CTID|host ADDRESS: a TCP connection from there is echoed.
answers() {
	if [ "$1" = host ]; then
		[ "$(probe ask "$2" 7)" = hello ]
	else
		[ "$(berth exec2 "$1" /probe ask "$2" 7)" = hello ]
	fi
}

counter() {
	nft -j list counter "$1" "berth_test_$HOST_ID" "$2" | jq '.nftables[] | .counter // empty | .packets'
}

# What the kernel of a CT has received on its link, in UDP datagrams that nobody wanted or read.
received() {
	berth exec2 "$1" cat /proc/net/snmp /proc/net/snmp6 |
		awk '$1 == "Udp:" && $2 ~ /[0-9]/ {n += $2 + $3} $1 == "Udp6InDatagrams" || $1 == "Udp6NoPorts" {n += $2} END {print n + 0}'
}

# bats test_tags=both,kernel
@test "containers, host and world reach each other by IPv4 and IPv6" {
	pair
	for to in 10.99.0.102 2001:db8:99::102; do
		answers 101 $to
	done
	answers host 10.99.0.102
	answers host 2001:db8:99::102
	berth exec2 101 ping -c 1 -W 3 192.0.2.1
	berth exec2 101 ping6 -c 1 -W 3 2001:db8::1
}

# with_conntrack_max N: by a new berthd, while CTs run.
with_conntrack_max() {
	stop_berthd
	sed -i '/^CONNTRACK_MAX/d' "$HOST_ROOT/etc/berth/berth.conf"
	echo "CONNTRACK_MAX=\"$1\"" >>"$HOST_ROOT/etc/berth/berth.conf"
	start_berthd
}

# flows FIRST: 100 of them, from CT 101.
flows() {
	berth exec2 101 bash -c "for p in \$(seq $1 $(($1 + 99))); do echo x >/dev/udp/192.0.2.254/\$p; done"
}

@test "G10 CONNTRACK_MAX is how many connections of a container are tracked, and what is dropped is counted" {
	local dropped
	berth create 101 --ostemplate debian-12 --ram 256M --ipadd 10.99.0.101
	berth start 101
	flows 20000
	[ "$(counter inet flooded)" = 0 ]
	with_conntrack_max 20
	flows 21000
	dropped=$(counter inet flooded)
	[ "$dropped" -ge 70 ]
	with_conntrack_max 1000
	flows 22000
	berth exec2 101 ping -c 1 -w 10 192.0.2.254
	[ "$(counter inet flooded)" = "$dropped" ]
	run -0 berth stop 101 --fast
	sed -i s/^CONNTRACK_MAX=.*/CONNTRACK_MAX=many/ "$HOST_ROOT/etc/berth/berth.conf"
	run ! berth create 102 --ostemplate debian-12
	[[ $output == *CONNTRACK_MAX*"a number from 16 to 16777216"* ]]
	with_conntrack_max 4096
}

@test "private addresses are masqueraded towards the world" {
	tiny 101 --ipadd 10.99.0.101
	berth exec2 101 ping -c 1 -W 3 192.0.2.254
	# The world has no route to 10.99.0.101: only a translated source is answered.
	run ! world ip route get 10.99.0.101
}

# world_saw FROM FLAG: a TCP segment with it came to the world from this address.
world_saw() {
	world nft list counter ip seen "$2" | grep -q 'packets 1 ' && world nft list set ip seen "from_$2" | grep -qw "$1"
}

@test "a connection that the host does not know goes on with the address that its peer knows" {
	tiny 101 --ipadd 10.99.0.101
	put_probe 101
	world nft -f - <<-'NFT'
		table ip seen {
			set from_syn { type ipv4_addr; flags dynamic; }
			set from_ack { type ipv4_addr; flags dynamic; }
			counter syn { }
			counter ack { }
			chain in {
				type filter hook prerouting priority 0;
				tcp dport 4000 tcp flags & (syn | ack) == syn counter name syn add @from_syn { ip saddr }
				tcp dport 4000 tcp flags & (syn | ack) == ack counter name ack add @from_ack { ip saddr }
			}
		}
	NFT
	berth exec2 101 /probe segment syn 192.0.2.254 4000
	wait_for 5 world_saw 192.0.2.1 syn
	# From another port: for the host the middle of a connection.
	berth exec2 101 /probe segment ack 192.0.2.254 4000
	wait_for 5 world_saw 10.99.0.101 ack || { world nft list table ip seen && false; }
	world nft delete table ip seen
}

@test "addresses come and go while the container runs" {
	pair
	berth set 102 --ipadd 10.99.0.112 --ipadd 2001:db8:99::112 --save
	answers 101 10.99.0.112
	answers 101 2001:db8:99::112
	berth set 102 --ipdel 10.99.0.112 --ipdel 2001:db8:99::112 --save
	run ! answers 101 10.99.0.112
	run ! answers 101 2001:db8:99::112
	answers 101 10.99.0.102
	run -0 ip route show table all
	[[ $output != *10.99.0.112* && $output != *2001:db8:99::112* ]]
	berth exec2 102 sh -c '! ip addr | grep -q 10.99.0.112'
}

@test "a neighbour's address cannot be had" {
	pair
	run ! berth set 101 --ipadd 10.99.0.102 --save
	[[ $output == *"102"* ]]
	berth exec2 101 ip addr add 10.99.0.102/32 dev venet0
	berth exec2 101 ip -6 addr add 2001:db8:99::102/128 dev venet0
	# The neighbour still has it, for the host and for a third one.
	answers host 10.99.0.102
	answers host 2001:db8:99::102
	berth exec2 101 ip addr del 10.99.0.102/32 dev venet0
	answers 101 10.99.0.102
}

# bats test_tags=both,kernel
@test "datagrams from a foreign address do not arrive" {
	pair
	before=$(received 102)
	berth exec2 101 /probe datagram 10.99.0.101 10.99.0.102 9 honest
	berth exec2 101 /probe datagram 2001:db8:99::101 2001:db8:99::102 9 honest
	wait_for 5 received_more 102 "$before" 2
	before=$(received 102)
	spoofed=$(($(counter inet spoofed4) + $(counter inet spoofed6)))
	for from in 10.99.0.99 192.0.2.1 192.0.2.254 10.99.0.102 8.8.8.8; do
		berth exec2 101 /probe datagram $from 10.99.0.102 9 forged || true
	done
	for from in 2001:db8:99::99 2001:db8::1 2001:db8:99::103; do
		berth exec2 101 /probe datagram $from 2001:db8:99::102 9 forged || true
	done
	# What is sent after them arrives, and alone.
	berth exec2 101 /probe datagram 10.99.0.101 10.99.0.102 9 honest
	berth exec2 101 /probe datagram 2001:db8:99::101 2001:db8:99::102 9 honest
	wait_for 5 received_more 102 "$before" 2
	[ "$(received 102)" = $((before + 2)) ]
	[ $(($(counter inet spoofed4) + $(counter inet spoofed6) - spoofed)) -ge 6 ]
}

# sends FROM...: datagrams of CT 101, from addresses that may not be its own, to CT 102.
sends() {
	local from
	for from; do
		berth exec2 101 /probe datagram "$from" 10.99.0.102 9 word
	done
}

spoofed() {
	echo $(($(counter inet spoofed4) + $(counter inet spoofed6)))
}

spoofed_after() {
	[ "$(spoofed)" -ge $(($1 + $2)) ]
}

# The CT's root uses any address of its prefixes; berth sets the first of each. The outside routes them to this host.
@test "a routed prefix is its container's as a whole, and nobody else's" {
	world ip route replace 203.0.113.8/29 via 192.0.2.1
	world ip route replace 10.9.8.0/29 via 192.0.2.1
	world ip -6 route replace 2001:db8:7::/64 via 2001:db8::1
	tiny 101 --ipadd 203.0.113.8/29 --ipadd 10.9.8.0/29 --ipadd 2001:db8:7::/64
	tiny 102 --ipadd 10.99.0.102
	put_probe 101
	for a in 203.0.113.9 10.9.8.1 2001:db8:7::1; do
		world ping -c 1 -w 5 $a
	done
	berth exec2 101 ping -c 1 -w 5 192.0.2.254
	for a in 203.0.113.8 203.0.113.15 10.9.8.7 2001:db8:7::9:1 2001:db8:7:0:ffff:ffff:ffff:ffff; do
		berth exec2 101 ip addr add $a dev lo
		world ping -c 1 -w 5 $a
	done

	before=$(received 102)
	drops=$(spoofed)
	sends 203.0.113.7 203.0.113.16 10.9.8.8 10.99.0.102 8.8.8.8
	berth exec2 101 /probe datagram 2001:db8:7:1::1 2001:db8::fe 9 word
	sends 203.0.113.15 10.9.8.7
	wait_for 5 received_more 102 "$before" 2
	[ "$(received 102)" = $((before + 2)) ]
	wait_for 5 spoofed_after "$drops" 6

	run -78 berth set 102 --ipadd 203.0.113.12 --save
	[[ $output == *"203.0.113.12 overlaps 203.0.113.8/29, which is CT 101's"*"berth set 101 --ipdel 203.0.113.8/29 --save"* ]]
	run -78 berth create 103 --ostemplate tiny --ipadd 2001:db8:7:0:8000::/65
	[[ $output == *"overlaps 2001:db8:7::/64, which is CT 101's"* ]]
	run -78 berth set 102 --ipadd 192.0.2.0/24 --save
	[[ $output == *"192.0.2.1 is in 192.0.2.0/24, and the address of up0 of this host"* ]]
	[ "$(berth list -H -o ip 102)" = 10.99.0.102 ]
	# No set has seen what a hand has written: its start has to.
	berth create 103 --ostemplate tiny
	echo 'IP_ADDRESS="203.0.113.12"' >>"$HOST_ROOT/etc/berth/ct/103.conf"
	run -78 berth start 103
	[[ $output == *"203.0.113.12 overlaps 203.0.113.8/29, which belongs to CT 101"* ]]
	berth destroy 103

	stop_berthd
	nft flush ruleset
	start_berthd
	sends 203.0.113.15
	world ping -c 1 -w 5 2001:db8:7::9:1
	drops=$(spoofed)
	sends 203.0.113.16
	wait_for 5 spoofed_after "$drops" 1

	berth set 101 --ipdel 203.0.113.8/29 --save
	drops=$(spoofed)
	sends 203.0.113.15
	wait_for 5 spoofed_after "$drops" 1
	berth set 102 --ipadd 203.0.113.12 --save
	world ping -c 1 -w 5 203.0.113.12
	berth stop 101 --fast
	run -0 sh -c 'nft list ruleset; ip route; ip -6 route'
	[[ $output != *10.9.8.* && $output != *2001:db8:7:* && $output != *ct101* ]]
}

received_more() {
	[ "$(received "$1")" -ge $(($2 + $3)) ]
}

# A whole Ethernet frame in hex, to everybody: a UDP header from one IPv4 address to another.
ip4_frame() {
	local w sum=0 head
	head=4500001c0000000040110000$(hex4 "$2")$(hex4 "$3")
	for w in $(sed 's/..../& /g' <<<"$head"); do sum=$((sum + 16#$w)); done
	sum=$(((sum >> 16) + (sum & 0xffff)))
	sum=$(printf '%04x' $((~(sum + (sum >> 16)) & 0xffff)))
	echo "ffffffffffff${1}0800${head:0:20}$sum${head:24}0009000900080000"
}

# Bytes of an IPv4 address in hex.
hex4() {
	local IFS=.
	# shellcheck disable=SC2086
	printf '%02x%02x%02x%02x' $1
}

@test "forged ARP convinces neither the host nor the neighbour" {
	pair
	mac=$(berth exec2 101 cat /sys/class/net/venet0/address | tr -d :)
	berth exec2 101 ping -c 1 -W 3 192.0.2.1
	before=$(counter arp forged)
	for who in 10.99.0.102 192.0.2.254 192.0.2.1 169.254.0.1; do
		for op in 1 2; do
			berth exec2 101 /probe frame venet0 "ffffffffffff${mac}0806000108000604000$op${mac}$(hex4 $who)000000000000$(hex4 $who)"
		done
	done
	wait_for 5 forged_more "$before" 8
	run -0 ip neigh show
	for line in "${lines[@]}"; do
		case $line in
		10.99.0.102* | 192.0.2.254*) [[ ${line//:/} != *"$mac"* ]] ;;
		esac
	done
	answers host 10.99.0.102
	answers 101 10.99.0.102
}

forged_more() {
	[ "$(counter arp forged)" -ge $(($1 + $2)) ]
}

@test "a forged neighbour or router advertisement changes nothing on the host" {
	pair
	ip -6 route >"$HOST_ROOT/routes"
	# Router advertisement from fe80::1, to all nodes; the checksum need not be right to be refused.
	mac=$(berth exec2 101 cat /sys/class/net/venet0/address | tr -d :)
	berth exec2 101 /probe frame venet0 "333300000001${mac}86dd6000000000103afffe800000000000000000000000000001ff0200000000000000000000000000018600000040000708000000000000000000"
	berth exec2 101 /probe frame venet0 "333300000001${mac}86dd6000000000203aff20010db8009900000000000000000102ff020000000000000000000000000001880000002000000020010db80099000000000000000001020201${mac}"
	# Frames keep their order: with the answer to this one they have been seen.
	berth exec2 101 ping6 -c 1 -W 30 2001:db8::1
	ip -6 route | diff "$HOST_ROOT/routes" -
	answers host 2001:db8:99::102
}

sent() {
	ip -j -s link show "$1" | jq '.[0].stats64.tx.packets'
}

@test "frames of other protocols go nowhere" {
	pair
	mac=$(berth exec2 101 cat /sys/class/net/venet0/address | tr -d :)
	before=$(sent up0)
	for type in 8100000a 88a8000a 88cc 8863 4242; do
		berth exec2 101 /probe frame venet0 "ffffffffffff${mac}${type}$(printf '%080d' 0)"
	done
	answers 101 10.99.0.102
	[ $(($(sent up0) - before)) -le 8 ]
}

@test "a resolv.conf of a program that berth does not know is told of to who sets name servers" {
	tiny 101 --nameserver 192.0.2.53
	berth exec2 101 ln -sf /run/connman/resolv.conf /etc/resolv.conf
	run -0 berth set 101 --hostname new.example --save
	[[ $output != *nameserver* ]]
	run -0 berth set 101 --nameserver 192.0.2.54 --save
	[[ $output == *"--nameserver has no effect"* ]]
}

@test "DNS and the host name are written into the guest" {
	tiny 101 --ipadd 10.99.0.101 --nameserver 192.0.2.53 --nameserver 2001:db8::53 --searchdomain example.net \
		--hostname web1.example.net
	run -0 berth exec2 101 cat /etc/resolv.conf
	[[ $output == *"nameserver 192.0.2.53"*"nameserver 2001:db8::53"* && $output == *example.net* ]]
	berth set 101 --nameserver 192.0.2.54 --save
	run -0 berth exec2 101 cat /etc/resolv.conf
	[[ $output == *192.0.2.54* && $output != *192.0.2.53* ]]
	[ "$(berth exec2 101 hostname)" = web1.example.net ]
}

@test "after a stop no link, route, rule element or neighbour is left" {
	pair
	berth stop 101 --fast
	run -0 ip -o link
	[[ $output != *ct101* ]]
	run -0 ip route show table all
	[[ $output != *10.99.0.101* && $output != *2001:db8:99::101* ]]
	run -0 ip neigh show proxy
	[[ $output != *10.99.0.101* && $output != *2001:db8:99::101* ]]
	run -0 nft list ruleset
	[[ $output != *ct101* && $output != *10.99.0.101* ]]
	answers host 10.99.0.102
}

# bats test_tags=both,night
# What a stop leaves to the kernel, or to a process that waits for it, must not touch the next start.
@test "stopped and started again at once, a container has its network each time" {
	tiny 101 --ipadd 10.99.0.101 --ipadd fd99::101
	for _ in {1..12}; do
		berth stop 101 --fast
		berth start 101
		wait_for 10 no_releaser
		berth exec2 101 ping -c 1 -W 3 192.0.2.1
		berth exec2 101 ping6 -c 1 -W 3 2001:db8::1
	done
}

# bats test_tags=both
@test "a flushed rule set comes back, with the elements of running containers" {
	pair
	nft flush ruleset
	wait_for 10 guarded 101
	wait_for 10 guarded 102
	before=$(counter inet spoofed4)
	berth exec2 101 /probe datagram 10.99.0.99 10.99.0.102 9 forged || true
	wait_for 5 spoofed_more "$before"
	answers 101 10.99.0.102
}

guarded() {
	nft list set inet "berth_test_$HOST_ID" ct4 | grep -q "ct$1"
}

spoofed_more() {
	[ "$(counter inet spoofed4)" -gt "$1" ]
}

@test "a link that its container renames or takes down stays guarded" {
	pair
	before=$(counter inet spoofed4)
	mac=$(berth exec2 101 cat /sys/class/net/venet0/address | tr -d :)
	berth exec2 101 sh -c 'ip link set venet0 down; ip link set venet0 name evil0; ip link set evil0 up'
	berth exec2 101 /probe frame evil0 "$(ip4_frame "$mac" 10.99.0.99 10.99.0.102)"
	wait_for 5 spoofed_more "$before"
	berth exec2 101 ip link del evil0 || true
	berth stop 101 --fast
	answers host 10.99.0.102
}

# neighbour_has add|del ADDRESS/PREFIX: on the segment of the uplink.
neighbour_has() {
	case $1$2 in
	add*:*) world ip addr add "$2" dev w0 nodad ;;
	*) world ip addr "$1" "$2" dev w0 2>/dev/null ;;
	esac
}

# not_had ADDRESS: neither link, route, proxy entry nor rule element of this host knows it.
not_had() {
	! ip route show table all | grep -F "$1" | grep -v ' dev up0 ' && ! ip neigh show proxy | grep -qwF "$1" &&
		! nft list table inet "berth_test_$HOST_ID" | grep -qF "$1"
}

# conflict ADDRESS: the message of the last command names everything that matters.
conflict() {
	mac=$(world ip -j link show w0 | jq -r '.[0].address')
	[[ $output == *"CT 101"*"$1"*up0*"$mac"*"berth set 101"*--ipadd*IP_PROBE* ]]
}

@test "a worker killed while it asks the wire leaves nothing, and the CT can be started" {
	berth create 101 --ostemplate tiny --ipadd 192.0.2.101
	# The rules come right before the question. On a busy machine it may be answered before we strike.
	for _ in {1..20}; do
		command berth --root "$HOST_ROOT" start 101 </dev/null >/dev/null 2>&1 3>&- &
		wait_for 10 guarded 101
		pkill -9 -P "$BERTHD_PID" -f berth-worker || true
		status=0
		wait $! || status=$?
		[ $status = 0 ] || break
		berth stop 101 --fast
	done
	[ $status != 0 ]
	wait_for 10 is_released 101
	berth start 101 --wait
	world ping -c 1 -W 3 192.0.2.101
}

is_released() {
	[ "$(berth list -a -H -o status "$1" | tr -d ' ')" = stopped ] && [ -z "$(ct_cgroups "$1")" ] &&
		! ip -o link | grep -q "ct$1\." && ! nft list ruleset | grep -q "ct$1\."
}

# bats test_tags=both,kernel
@test "a start with an address of a neighbour is refused and leaves nothing" {
	neighbour_has add 192.0.2.77/24
	neighbour_has add 2001:db8::77/64
	berth create 101 --ostemplate tiny --ipadd 192.0.2.101 --ipadd 192.0.2.77
	berth create 102 --ostemplate tiny --ipadd 2001:db8::101 --ipadd 2001:db8::77
	run -78 berth start 101
	conflict 192.0.2.77
	run -78 berth start 102
	[[ $output == *"CT 102"*2001:db8::77* ]]
	[ -z "$(ip -o link | grep ct10)" ]
	for a in 192.0.2.77 192.0.2.101 2001:db8::77 2001:db8::101; do
		not_had $a
	done
	[ -z "$(ct_cgroups 101)" ]
	run -0 berth list -a -H -o status
	[[ $output != *running* ]]
	# Free again.
	neighbour_has del 192.0.2.77/24
	neighbour_has del 2001:db8::77/64
	berth start 101 --wait
	berth start 102 --wait
	world ping -c 1 -W 3 192.0.2.77
	world ping -c 1 -W 3 2001:db8::77
	# Its own earlier life is nobody else.
	berth restart 101 --wait
	berth restart 102 --wait
	world ping -c 1 -W 3 192.0.2.77
	world ping -c 1 -W 3 2001:db8::77
}

@test "a running container does not get an address of a neighbour" {
	neighbour_has add 192.0.2.77/24
	neighbour_has add 2001:db8::77/64
	tiny 101 --ipadd 192.0.2.101 --ipadd 2001:db8::101
	for a in 192.0.2.77 2001:db8::77; do
		run -78 berth set 101 --ipadd $a --ipadd 192.0.2.102 --ipdel 2001:db8::101 --save
		conflict $a
		not_had $a
		berth exec2 101 sh -c "! ip addr | grep -qF $a/"
	done
	not_had 192.0.2.102
	run -0 berth list -H -o ip 101
	[[ $output == *192.0.2.101* && $output == *2001:db8::101* && $output != *77* && $output != *102* ]]
	world ping -c 1 -W 3 192.0.2.101
	world ping -c 1 -W 3 2001:db8::101
	neighbour_has del 192.0.2.77/24
	berth set 101 --ipadd 192.0.2.77 --save
	world ping -c 1 -W 3 192.0.2.77
}

# The addresses of CTs are not the addresses of their host, whose kernel answers no probe for them.
@test "an address of a container on another host is refused" {
	world sh -ec 'ip link add d0 type veth peer name d1; ip link set d0 up; ip link set d1 up
		echo 1 >/proc/sys/net/ipv4/ip_forward; echo 0 >/proc/sys/net/ipv4/neigh/w0/proxy_delay
		ip route add 192.0.2.78/32 dev d0; ip neigh add proxy 192.0.2.78 dev w0'
	berth create 101 --ostemplate tiny --ipadd 192.0.2.78
	run -78 berth start 101
	world sh -c 'ip link del d0; ip neigh del proxy 192.0.2.78 dev w0; echo 0 >/proc/sys/net/ipv4/ip_forward'
	conflict 192.0.2.78
	berth start 101 --wait
}

# as_host ROOT PID COMMAND...: with another host of this test than the first.
as_host() {
	local HOST_ROOT=$1 HOST_ID=${1##*.} BERTHD_PID=$2
	shift 2
	"$@"
}

@test "two hosts on one machine may have one CTID: neither touches what is the other's" {
	tiny 101 --ipadd 192.0.2.101
	first=$HOST_ROOT first_pid=$BERTHD_PID
	setup_host
	second=$HOST_ROOT
	berth create 101 --ostemplate tiny --ipadd 192.0.2.102
	run ! berth start 101
	[[ $output == *"CT 101"*ct101.0*"--root $first"* ]]
	# What a failed start, a stop and a destroy leave alone.
	as_host "$first" "$first_pid" berth exec2 101 ping -c 1 -W 3 192.0.2.1
	world ping -c 1 -W 3 192.0.2.101
	run ! berth set 101 --ipadd 192.0.2.101 --save
	tiny 102 --ipadd 192.0.2.103
	run -78 berth set 102 --ipadd 192.0.2.101 --save
	[[ $output == *"--root $first"* ]]
	berth stop 102 --fast
	berth destroy 102
	berth destroy 101
	stop_berthd
	start_berthd
	stop_berthd
	world ping -c 1 -W 3 192.0.2.101
	run ! grep "link del" "$second/berthd.log" "$first/berthd.log"
	remove_host
	HOST_ROOT=$first HOST_ID=${first##*.} BERTHD_PID=$first_pid
	berth exec2 101 ping -c 1 -W 3 192.0.2.1
}

@test "a host with the CGROUP_PARENT of another is refused while that one has a container" {
	local second=$BERTH_TEST_DIR/second.$HOST_ID
	tiny 101
	mkdir -p "$second/etc/berth"
	grep CGROUP_PARENT "$HOST_ROOT/etc/berth/berth.conf" >"$second/etc/berth/berth.conf"
	run ! timeout 60 berthd --root "$second" </dev/null 3>&-
	[[ $output == *"containers of another berthd (--root $HOST_ROOT);"*"$second/etc/berth/berth.conf"* ]]
	berth stop 101 --fast
	berth start 101
	berth stop 101 --fast
	# With none there it changes hands, and the first is refused.
	command berthd --root "$second" </dev/null >>"$HOST_ROOT/second.log" 2>&1 3>&- 4>&- &
	wait_for 30 command berth --root "$second" ping
	command berth --root "$second" list -a
	stop_berthd
	kill %+
	wait_for 20 process_is_gone "$(jobs -p | tail -n 1)"
	start_berthd
	rm -r "$second"
}

# bats test_tags=both,night
@test "a container that removed its link keeps no address, and a restart gives it a new link" {
	tiny 101 --ipadd 10.99.0.101 --ipadd 192.0.2.101 --ipadd 2001:db8::101
	berth exec2 101 ip link del venet0
	# What has nothing to do with its network works as ever.
	run -0 berth set 101 --ram 300M --save
	[[ $output != *link* ]]
	run -0 berth set 101 --ipdel 192.0.2.101 --ipdel 2001:db8::101 --save
	[[ $output == *"CT 101"*"berth restart 101"* ]]
	not_had 192.0.2.101
	not_had 2001:db8::101
	tiny 102 --ipadd 192.0.2.101 --ipadd 2001:db8::101
	world ping -c 1 -W 3 192.0.2.101
	run -0 berth set 101 --ipadd 10.99.0.111 --save
	[[ $output == *"berth restart 101"* ]]
	berth restart 101 --wait
	berth exec2 101 ping -c 1 -W 3 -I 10.99.0.111 192.0.2.1
	berth exec2 101 ip link del venet0
	berth stop 101 --fast
	run -0 nft list table inet "berth_test_$HOST_ID"
	[[ $output != *ct101* && $output != *10.99.0.1* ]]
}

@test "CTIDs that differ in the highest bit only run side by side" {
	tiny 101 --ipadd 10.99.0.101
	tiny 1073741925 --ipadd 10.99.0.102
	berth exec2 101 ping -c 1 -W 3 10.99.0.102
	berth exec2 1073741925 ping -c 1 -W 3 10.99.0.101
	berth stop 1073741925 --fast
	berth exec2 101 ping -c 1 -W 3 192.0.2.1
}

@test "with IP_PROBE=no nobody is asked" {
	neighbour_has add 192.0.2.77/24
	echo 'IP_PROBE="no"' >>"$HOST_ROOT/etc/berth/berth.conf"
	stop_berthd
	start_berthd
	tiny 101 --ipadd 192.0.2.77
	berth set 101 --ipadd 2001:db8::77 --save
}
