#!/usr/bin/env bats
# With ALL=1 only: the evidence rule at its full width. Fifty CTs under a berthd without descriptors, and every single
# look of berthd and of its workers failing once.

load helpers

setup() {
	setup_host
}

teardown() {
	teardown_host
}

ct_status() {
	berth list -a -H -o status "$1" 2>/dev/null | tr -d ' '
}

init_of() {
	sed -n 's/^init_pid=//p' "$HOST_ROOT/run/berth/ct/$1/state"
}

all_running() {
	[ "$(berth list -H -o status | grep -c running)" = "$1" ]
}

alive_as_before() {
	local ct
	for ct in "${!inits[@]}"; do
		[ "$(init_of "$ct")" = "${inits[$ct]}" ] && kill -0 "${inits[$ct]}" || {
			echo "CT $ct was harmed"
			return 1
		}
	done
}

# berthd [PREFIX...]: another one, started again when it ends, as systemd does.
another_berthd() {
	kill -9 "$BERTHD_PID" 2>/dev/null || true
	wait_for 10 process_is_gone "$BERTHD_PID"
	for _ in 1 2 3; do
		"$@" "$(command -v berthd)" --root "$HOST_ROOT" </dev/null >>"$HOST_ROOT/berthd.log" 2>&1 3>&- 4>&- &
		BERTHD_PID=$!
		export BERTHD_PID
		wait_for 60 answers_or_gone
		! berth ping >/dev/null 2>&1 || return 0
	done
	return 1
}

answers_or_gone() {
	berth ping >/dev/null 2>&1 || process_is_gone "$BERTHD_PID"
}

@test "D3 fifty containers outlive a berthd under prlimit --nofile=64" {
	declare -A inits
	local ct
	for ct in $(seq 101 150); do
		tiny "$ct" --ram 16M --diskspace 16M
		inits[$ct]=$(init_of "$ct")
	done
	another_berthd setpriv --bounding-set -sys_resource --inh-caps -sys_resource prlimit --nofile=64:4096
	[ "$(berth list -H -o ctid | wc -l)" = 50 ]
	[ "$(berth list -H -o status | grep -c unknown)" -gt 30 ]
	alive_as_before
	prlimit --pid "$BERTHD_PID" --nofile=4096:
	wait_for 120 all_running 50
	alive_as_before
	run ! grep -E 'ct=1.. (stop|clean|start): done' <(sed -n '/adopted/,$p' "$HOST_ROOT/berthd.log")
}

@test "D3 every look of berthd and of its workers fails once, and nothing is harmed" {
	declare -A inits
	local point program skip error ct
	for ct in 101 102; do
		tiny "$ct" --ram 32M --diskspace 32M
		inits[$ct]=$(init_of "$ct")
	done
	faults_begin
	for program in berthd berth-worker; do
		for point in open.state read.state open.boot_id read.boot_id pidfd_open open.stat \
			open.cgroup.events ev.add open.lock; do
			for skip in 0 1 2; do
				error=EMFILE
				[ $skip != 1 ] || error=ENOMEM
				fault clear
				fault set "$program:$point" $error $skip 1
				another_berthd env
				wait_for 60 all_running 2
				alive_as_before || {
					echo "$program:$point $error $skip"
					return 1
				}
			done
		done
	done
	fault clear
	berth stop 101
	[ "$(ct_status 101)" = stopped ]
}
