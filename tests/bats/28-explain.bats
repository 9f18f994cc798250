#!/usr/bin/env bats
# What a CT is told of its limits, and what its admin is.
# bats file_tags=both

load helpers

setup() {
	setup_host
}

teardown() {
	teardown_host
}

# explained CTID NAME [now]: explain has a row of that name.
explained() {
	berth explain "$1" --json | jq -e --arg n "$2" --arg now "${3:-}" \
		'.[0].explain[] | select(.name == $n and .cause == "limit" and ($now == "" or .now))' >/dev/null
}

# fix_of CTID NAME: the command that relieves it.
fix_of() {
	berth explain "$1" --json | jq -r --arg n "$2" '.[0].explain[] | select(.name == $n) | .fix'
}

# counted CTID NAME: the ledger has a failure of it.
counted() {
	[ "$(berth ubc "$1" --json | jq ".[0].resources.$2.failcnt")" -ge 1 ]
}

@test "explain names each limit that bites, what relieves it, and still does after a crash and a restart" {
	tiny 101 --diskspace 1G:1100M
	run -0 berth explain 101
	[[ $output == *"no limit of it bites"* ]]
	berth set 101 --ram 256M --swap 0 --cpulimit 25 --iolimit 5M --diskspace 1G:1100M --numproc 200 --save
	berth exec2 101 'yes >/dev/null' >/dev/null 2>&1 3>&- &
	run -137 berth exec2 101 'dd if=/dev/zero of=/dev/null bs=400M count=1'
	wait_for 20 explained 101 physpages now
	berth exec2 101 'for i in $(seq 250); do sleep 1000 & done' >/dev/null 2>&1 || true
	wait_for 20 explained 101 numproc now
	wait_for 20 explained 101 cpulimit now
	[ "$(fix_of 101 numproc)" = "berth set 101 --numproc 400 --save" ]
	berth set 101 --numproc 400
	berth exec2 101 'killall sleep yes'
	berth set 101 --numproc 200
	berth exec2 101 'dd if=/dev/zero of=/big bs=1M count=60 oflag=direct' &
	wait_for 30 explained 101 iolimit now
	wait $!
	run -1 berth exec2 101 'fallocate -l 950M /a; dd if=/dev/zero of=/y bs=1M count=300'
	wait_for 30 explained 101 diskspace now
	run -0 berth explain 101
	[[ $output == *" physpages: It has used all of its 256M of RAM: the kernel ended 1 of its processes"*"the last was dd."* ]]
	[[ $output == *"to relieve it: berth set 101 --ram 512M --save"* ]]
	[[ $output == *"(25 % of one CPU)"* ]]
	[ "$(fix_of 101 cpulimit)" = "berth set 101 --cpulimit 50 --save" ]
	[ "$(fix_of 101 iolimit)" = "berth set 101 --iolimit 10M --save" ]
	[[ $(fix_of 101 diskspace) == "berth set 101 --diskspace "*" --save" ]]
	for name in oomguarpages numproc cpulimit iolimit diskspace; do
		wait_for 20 counted 101 "$name"
	done
	kill -9 "$BERTHD_PID"
	wait_for 20 process_is_gone "$BERTHD_PID"
	start_berthd
	berth restart 101 --fast
	for name in physpages numproc cpulimit iolimit diskspace; do
		explained 101 "$name"
	done
	# What is advised mends it. (Not every host can let a mounted volume grow.)
	fix=$(fix_of 101 diskspace)
	berth stop 101 --fast
	${fix}
	berth start 101 --wait
	no_more() { ! explained 101 diskspace now; }
	wait_for 30 no_more
}
