#!/usr/bin/env bats
# shellcheck disable=SC2154 # stderr is of run
# One command for many containers: words, ranges, patterns, --all; a line for each, and the worst exit status.

load helpers

setup_file() {
	setup_host DEF_OSTEMPLATE=tiny
	local n
	for n in 1 2 3; do
		berth create 10$n --name web-$n --ram 32M --diskspace 32M
	done
	berth create 105 --name 107-109 --ram 32M --diskspace 32M
}

teardown_file() {
	teardown_host
}

status_of() {
	berth list -a -H -o status "$1" | tr -d ' '
}

@test "words, ranges, patterns and --all; what is in that state already is passed over" {
	run -0 berth start 101-103
	[ "$(sort <<<"$output")" = "CT 101: start: done
CT 102: start: done
CT 103: start: done" ]
	[ "$(status_of 101) $(status_of 103) $(status_of 105)" = 'running running stopped' ]
	run -0 berth start --all --parallel 2
	[ "$output" = 'CT 105: start: done' ]
	run -0 berth stop 'web-[12]' 107-109 --fast
	[ "$(sort <<<"$output")" = "CT 101: stop: done
CT 102: stop: done
CT 105: stop: done" ]
	[ "$(status_of 101) $(status_of 103) $(status_of 105)" = 'stopped running stopped' ]
	run -0 --separate-stderr berth set --all --cpulimit 30 --save
	[ "$(wc -l <<<"$output")" = 4 ]
	[ "$(berth list -a -H -o cpulimit | tr -d ' ' | sort -u)" = 30 ]
	run -0 berth stop --all --fast --quiet
	[ -z "$output" ]
	run -0 berth stop --all
	[ -z "$output" ]
}

@test "each failure is told with its container, the others go on, and the worst status is the command's" {
	run -14 --separate-stderr berth start 101 no-such-ct 102
	[ "$(sort <<<"$output")" = "CT 101: start: done
CT 102: start: done" ]
	[[ $stderr == *'CT no-such-ct does not exist'* ]]
	run -32 --separate-stderr berth start 101 103
	[ "$output" = 'CT 103: start: done' ]
	[[ $stderr == *'CT 101 is running already'* ]]
	run -32 --separate-stderr berth start 101 105 --json
	jq -e 'length == 2 and (map(select(.ct == "101"))[0] | .status == 32 and .error == "io.berth.Running") and
		(map(select(.ct == "105"))[0].status == 0)' <<<"$output"
	berth stop --all --fast
}

@test "what names nobody, or everybody at once, is refused" {
	run -14 berth stop 200-300
	[[ $output == *'there is no CT in the range 200-300'* ]]
	run -14 berth stop 'db-*'
	run -14 berth stop 300-200
	run -20 berth destroy --all
	run -21 berth stop --all --parallel 0
	[ "$(berth list -a -H | wc -l)" = 4 ]
}
