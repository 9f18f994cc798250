#!/usr/bin/env bats
# What CTs use, live: top, stat, pid.

load helpers

setup() { setup_host; }
teardown() { teardown_host; }

# throttled: top, looking once, says so of the CT at its cpulimit, and not of the one without.
throttled() {
	berth top -b -n1 -d 0.5 -j | jq -e '(.[] | select(.ctid == 101).rate.throttled_percent >= 50) and
		(.[] | select(.ctid == 102).rate.throttled_percent == 0)'
}

# written: stat saw what goes to the disk.
written() {
	berth stat 101 --json | jq -e '.[0] | .write_bytes >= 20971520 and .status == "running"'
}

@test "top shows who is throttled at its cpulimit, stat the numbers of a container, pid whose a process is" {
	tiny 101 --cpulimit 10 --name web --ram 64M --iolimit 200M
	tiny 102
	berth exec2 101 'yes >/dev/null' >/dev/null 2>&1 3>&- &
	wait_for 20 throttled
	run -0 berth top -b -n 1 -d 0.5
	[[ ${lines[0]} == *" 2 CTs run, load of the host "* && ${lines[1]} == *" CTID "*"CPU%"*"LIM%"*"THR%"*NAME ]]
	grep -qE '^ +101 .* web$' <<<"$output"
	# A CT that is named, and so many looks as asked for.
	[ "$(berth top -b -n 2 -d 0.1 -j 102 | jq -c '[.[].ctid]' | xargs)" = "[102] [102]" ]
	run -20 berth top -s mem
	[[ $output == *"sort by one of cpu, throttled, memory"* ]]

	run -0 berth exec2 101 'dd if=/dev/zero of=/x bs=1M count=20 oflag=direct'
	wait_for 20 written
	run -0 berth stat web
	[[ ${lines[0]} == "CT 101 (web) is running" && $output == *"limit 10 %, throttled in "*" of 64.0M ("* ]]

	# A number that no other test's sleep has.
	inside=$(berth exec2 102 "sleep $((100000 + $$))"' >/dev/null 2>&1 & echo $!')
	sleeper=$(pgrep -f "^sleep $((100000 + $$))$")
	run -0 berth pid -p "$sleeper" $$
	[ "${lines[0]}" = $'Pid\tCTID\tCTPid\tName' ]
	[ "${lines[1]}" = "$sleeper"$'\t102\t'"$inside"$'\tsleep' ]
	[[ ${lines[2]} == $$$'\t0\t-\t'* ]]
	[ "$(vzpid --root "$HOST_ROOT" "$(init_pid 101)" | sed -n '2s/\t[^\t]*$//p')" = "$(init_pid 101)"$'\t101' ]
	# What no init says is nobody's, not the host's: here a berth that knows no CT is asked.
	run -174 command berth --root "$BATS_TEST_TMPDIR" pid "$sleeper"
	[[ $output != *sleep* && $output == *"whose process $sleeper is cannot be told"*"CT 102"* ]]
	run ! berth pid 4194305
	[[ $output == *"there is no process 4194305"* ]]
}
