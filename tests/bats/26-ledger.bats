#!/usr/bin/env bats
# The ledger: what a limit has refused is counted, and stays counted.
# bats file_tags=both

load helpers

setup() {
	setup_host
}

teardown() {
	teardown_host
}

# ubc CTID RESOURCE MEMBER: a number of `berth ubc`.
ubc() {
	berth ubc "$1" --json | jq -e ".[0].resources.$2.$3"
}

# saved CTID KEY: what of the ledger is on disk.
saved() {
	sed -n "s/^$2=//p" "$HOST_ROOT/var/lib/berth/private/$1/ledger"
}

# is_saved CTID KEY VALUE...
is_saved() {
	[ "$(saved "$1" "$2")" = "$3" ]
}

@test "failures of numproc, memory and CPU time are counted, and outlive the run and berthd" {
	tiny 101 --ram 64M --swap 0 --numproc 40 --cpulimit 10
	[ "$(ubc 101 numproc failcnt)" = 0 ]
	[ "$(ubc 101 oomguarpages failcnt)" = 0 ]
	berth exec2 101 'for i in $(seq 60); do sleep 1000 & done' >/dev/null 2>&1 || true
	berth set 101 --numproc 100
	berth exec2 101 'killall sleep'
	run -137 berth exec2 101 'dd if=/dev/zero of=/dev/null bs=100M count=1'
	throttled() { [ "$(ubc 101 cpulimit failcnt)" -ge 3 ]; }
	wait_for 20 throttled
	procs=$(ubc 101 numproc failcnt)
	memory=$(ubc 101 physpages failcnt)
	kills=$(ubc 101 oomguarpages failcnt)
	most=$(ubc 101 physpages maxheld)
	[ "$procs" -ge 1 ]
	[ "$memory" -ge 1 ]
	[ "$kills" -ge 1 ]
	[ "$most" -gt 60000000 ]
	[ "$most" -le $((64 << 20)) ]
	# It is the kernel's number.
	file=$(find /sys/fs/cgroup -name pids.peak -path "*$HOST_ID*/101/pids.peak")
	[ -z "$file" ] || [ "$(ubc 101 numproc maxheld)" = "$(cat "$file")" ]
	# The sampler writes it without being asked: nobody stops the CT.
	wait_for 20 is_saved 101 numproc.failcnt "$procs"
	kill -9 "$BERTHD_PID"
	wait_for 20 process_is_gone "$BERTHD_PID"
	start_berthd
	[ "$(ubc 101 numproc failcnt)" = "$procs" ]
	[ "$(ubc 101 oomguarpages failcnt)" = "$kills" ]
	[ "$(ubc 101 physpages maxheld)" -ge "$most" ]
	berth restart 101 --fast
	[ "$(ubc 101 numproc failcnt)" = "$procs" ]
	[ "$(ubc 101 oomguarpages failcnt)" = "$kills" ]
	[ "$(ubc 101 physpages held)" -lt 60000000 ]
	[ "$(ubc 101 physpages maxheld)" -ge "$most" ]
	# And goes on from there.
	run -137 berth exec2 101 'dd if=/dev/zero of=/dev/null bs=100M count=1'
	[ "$(ubc 101 oomguarpages failcnt)" = $((kills + 1)) ]
	[ "$(berth list -H -o numproc.f 101 | tr -d ' ')" = "$procs" ]
}

# bats test_tags=night
@test "the last failures before a stop are kept, for who asks of a stopped container" {
	tiny 101 --numproc 40
	berth exec2 101 'for i in $(seq 60); do sleep 1000 & done' >/dev/null 2>&1 || true
	procs=$(ubc 101 numproc failcnt)
	[ "$procs" -ge 1 ]
	berth stop 101 --fast
	wait_for 20 is_saved 101 numproc.failcnt "$procs"
	[ "$(ubc 101 numproc failcnt)" = "$procs" ]
	[ "$(ubc 101 numproc held)" = 0 ]
	stop_berthd
	start_berthd
	[ "$(ubc 101 numproc failcnt)" = "$procs" ]
	run -0 berth ubc -a
	[[ $output == "CT 101 "*HELD*MAXH*BAR*LIM*FAIL* ]]
	grep -qE " numproc +0 .* 40 +$procs\$" <<<"$output"
	run -0 berth ubc -a -q
	grep -q ' numproc ' <<<"$output"
	run ! grep -q ' swappages ' <<<"$output"
}

# bats test_tags=night
@test "a damaged ledger is kept aside, and the container is none the worse" {
	tiny 101
	echo garbage >"$HOST_ROOT/var/lib/berth/private/101/ledger"
	berth stop 101
	told() { grep -q 'ct=101 its ledger is damaged' "$HOST_ROOT/berthd.log"; }
	wait_for 20 told
	wait_for 20 is_saved 101 version 1
	[ "$(cat "$HOST_ROOT/var/lib/berth/private/101/ledger.damaged")" = garbage ]
	berth start 101 --wait
	[ "$(ubc 101 numproc failcnt)" = 0 ]
	berth stop 101 --fast
	berth destroy 101
	[ ! -e "$HOST_ROOT/var/lib/berth/private/101" ]
}

# full N: there are so many lines in the log that tell of the limit.
full() {
	[ "$(grep -c 'ct=101 it has as many cgroups as it may' "$HOST_ROOT/berthd.log")" = "$1" ]
}

@test "H7 a container that has as many cgroups as it may is told, until it has not" {
	tiny 101 --numcgroups 20
	tiny 102 --numproc 40 --ram 64M
	berth events >"$HOST_ROOT/events" 3>&- &
	monitor=$!
	# Beside it, by the same looks: how near other limits are. Page cache does not count.
	berth exec2 102 'for i in $(seq 33); do sleep 1000 >/dev/null 2>&1 & done; dd if=/dev/zero of=/f bs=1M count=80' 2>/dev/null
	berth exec2 101 'i=0; while mkdir /sys/fs/cgroup/g$i; do i=$((i + 1)); done' 2>/dev/null || true
	wait_for 20 full 1
	grep 'ct=101 it has as many cgroups as it may (20 of 20)' "$HOST_ROOT/berthd.log" |
		grep -q 'cgroup.max.descendants.*berth set 101 --numcgroups'
	run --separate-stderr -0 berth status 101
	# shellcheck disable=SC2154 # bats sets it
	[[ $stderr == *"CT 101: it has as many cgroups as it may"* ]]
	run -0 berth doctor
	[[ $output == *"it has as many cgroups as it may"* ]]
	[ "$(berth list -H -o trouble 102)" = - ]
	[ "$(ubc 101 numcgroups failcnt)" = 1 ]
	grep -q 'limit' "$HOST_ROOT/events"
	wait_for 20 grep -qE '^102 limit_level numproc 80 % \(3[2-7] of 40\)$' "$HOST_ROOT/events"
	berth exec2 102 killall sleep
	# What is advised mends it.
	berth set 101 --numcgroups 40 --save
	gone() { [ "$(berth list -H -o trouble 101)" = - ]; }
	wait_for 20 gone
	berth exec2 101 mkdir /sys/fs/cgroup/more
	[ ! -e "$HOST_ROOT/run/berth/ct/101/trouble" ]
	grep -q limit_ok "$HOST_ROOT/events"
	wait_for 20 grep -qE '^102 limit_level numproc below 80 % \([1-9] of 40\)$' "$HOST_ROOT/events"
	[ "$(grep -c limit_level "$HOST_ROOT/events")" = 2 ]
	full 1
	kill $monitor
	wait $monitor || true
	[ "$(ubc 101 numcgroups failcnt)" = 1 ]
}
