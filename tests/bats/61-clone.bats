#!/usr/bin/env bats
# A clone: another CT with the same files, and nothing else in common.

load helpers

setup() {
	setup_host DEF_OSTEMPLATE=tiny
}

teardown() {
	teardown_host
}

value() {
	berth list -a -H -o "$2" "$1" | tr -d ' '
}

@test "a clone of a stopped container has its files and limits, and an identity of its own" {
	berth create 101 --name web --hostname web --ipadd 10.99.0.101 --cpulimit 50 --ram 64M --userpasswd root:x
	root=$(berth mount 101)
	id=$(stat -c %u "$root")
	(
		cd "$root"
		setpriv --reuid "$id" --regid "$id" --clear-groups sh -c \
			'echo precious >root/data; mkdir -p etc/ssh; echo key >etc/ssh/ssh_host_ed25519_key; echo abc >etc/machine-id'
	)
	run -41 berth clone 101 102
	berth umount 101
	berth clone 101 102 --ipadd 10.99.0.102 --hostname other
	[ "$(value 102 cpulimit)" = 50 ]
	[ "$(value 102 uuid)" != "$(value 101 uuid)" ]
	[ "$(value 102 ip)" = 10.99.0.102 ]
	berth start 101 --wait
	berth start 102 --wait
	[ "$(berth exec2 102 cat /root/data)" = precious ]
	[ "$(berth exec2 102 hostname)" = other ]
	[ "$(berth exec2 101 cat /etc/ssh/ssh_host_ed25519_key)" = key ]
	run -1 berth exec2 102 test -e /etc/ssh/ssh_host_ed25519_key
	id=$(berth exec2 102 cat /etc/machine-id)
	[[ $id =~ ^[0-9a-f]{32}$ && $id != "$(berth exec2 101 cat /etc/machine-id)" ]]
	[ "$(berth exec2 101 cat /proc/self/uid_map)" != "$(berth exec2 102 cat /proc/self/uid_map)" ]
	# They have nothing in common.
	berth exec2 102 sh -c 'echo changed >/root/data; sync'
	[ "$(berth exec2 101 cat /root/data)" = precious ]
}

@test "a clone of a running container is one moment of it, and the container goes on" {
	tiny 101 --diskspace 128M
	berth exec2 101 sh -c 'dd if=/dev/urandom of=/root/big bs=64k count=200 2>/dev/null; sha256sum /root/big >/root/sum
		(n=0; while :; do n=$((n + 1)); echo $n >>/root/count; done) >/dev/null 2>&1 </dev/null & echo $! >/run/pid'
	counted() { [ "$(berth exec2 101 wc -l /root/count </dev/null | cut -d' ' -f1)" -gt "$1" ]; }
	wait_for 10 counted 100
	run -0 berth clone 101 copy
	[[ $output == *"CT 101: its disk stood still for "*" ms while CT 102 was made of it"* ]]
	before=$(berth exec2 101 wc -l </dev/null /root/count | cut -d' ' -f1)
	wait_for 10 counted "$before"
	berth exec2 101 sh -c 'kill $(cat /run/pid)'
	berth start copy --wait
	berth exec2 copy sha256sum -c /root/sum
	# Lines 1 to N, the last one perhaps cut.
	berth exec2 copy cat /root/count | sed '$d' | awk '$1 != NR {bad = 1} END {exit bad || NR < 99}'
	berth stop copy && berth destroy copy
	berth stop 101 --fast
}

@test "a clone that is refused leaves no trace, and the other container as it was" {
	tiny 101 --name web --ipadd 10.99.0.101
	run -78 berth clone 101 102 --ipadd 10.99.0.101
	run -44 berth clone 101 101
	run -14 berth clone 199 102
	run -20 berth clone 101 102 --diskspace 1G
	run -131 berth clone 101 102 --name web
	berth exec2 101 true
	[ "$(berth list -a -H -o ctid | tr -d ' ')" = 101 ]
}

@test "a worker that dies while the disk stands still does not stop the container" {
	faults_begin
	tiny 101
	fault set berth-worker:volume.frozen kill
	run ! berth clone 101 102
	fault reached berth-worker:volume.frozen
	berth exec2 101 sh -c 'echo alive >/root/x && sync && cat /root/x'
	fault clear
	[ "$(berth list -a -H -o ctid | tr -d ' ')" = 101 ]
	berth clone 101 102
	berth destroy 102
}
