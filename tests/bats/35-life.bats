#!/usr/bin/env bats
# The life of a CT: what is not known is left alone, what hangs is ended, what was begun is finished, and every
# end has a reason.

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

has_status() {
	[ "$(ct_status "$1")" = "$2" ]
}

ct_end() {
	berth list -a -H -o end "$1" | tr -d ' '
}

init_of() {
	sed -n 's/^init_pid=//p' "$HOST_ROOT/run/berth/ct/$1/state"
}

crash_berthd() {
	kill -9 "$BERTHD_PID" 2>/dev/null || true
	wait_for 10 process_is_gone "$BERTHD_PID"
}

# start_poor_berthd N: one that is given N descriptors after it has taken all it could get, and that root can give more
# again. Before: faults_begin.
start_poor_berthd() {
	fault set berthd:lock.berthd.lock stop
	setpriv --bounding-set -sys_resource --inh-caps -sys_resource \
		prlimit --nofile=4096 "$(command -v berthd)" --root "$HOST_ROOT" \
		</dev/null >>"$HOST_ROOT/berthd.log" 2>&1 3>&- 4>&- &
	BERTHD_PID=$!
	export BERTHD_PID
	wait_for 30 fault reached berthd:lock.berthd.lock
	prlimit --pid "$BERTHD_PID" --nofile="$1:"
	fault clear
	kill -CONT "$BERTHD_PID"
	wait_for 30 berth ping
}

# Of those that run none is harmed: same inits, and what is in them answers.
alive_as_before() {
	local ct
	for ct in "$@"; do
		[ "$(init_of "$ct")" = "${inits[$ct]}" ] && kill -0 "${inits[$ct]}" &&
			berth exec2 "$ct" true || {
			echo "CT $ct was harmed"
			return 1
		}
	done
}

all_running() {
	local ct
	for ct in "$@"; do
		has_status "$ct" running || return 1
	done
}

# Of what a run has; its config and its disk stay.
nothing_left() {
	local found
	found=$(leaks | grep -v -e '^file ' -e '/template/image/' || true) # a template's device outlives its CTs
	[ -z "$found" ] || {
		echo "$found"
		return 1
	}
}

@test "D3 a berthd without descriptors harms no container, says which it cannot tell, and recovers" {
	declare -A inits
	local ct all=(101 102 103 104 105 106 107 108 109 110 111 112)
	faults_begin
	for ct in "${all[@]}"; do
		tiny "$ct" --ram 32M --diskspace 32M
		inits[$ct]=$(init_of "$ct")
	done
	crash_berthd
	start_poor_berthd 64
	# Not all of them find a descriptor; those that do not are unknown, and said to be.
	wait_for 10 grep -q 'ct=112 cannot find out whether it runs.*Too many open files' "$HOST_ROOT/berthd.log"
	has_status 112 unknown
	[[ $(berth list -H -o ctid) == *112* ]]
	run --separate-stderr -0 berth status 112
	[ "$output" = "CTID 112 exist mounted unknown" ]
	# shellcheck disable=SC2154 # bats sets it
	[[ $stderr == *"Too many open files"*"nothing of it is started, killed or removed"* ]]
	run --separate-stderr -174 berth start 112
	[[ $stderr == *"Too many open files"* ]]
	run -174 berth destroy 112
	run -174 berth stop 112
	run -174 berth mount 112
	alive_as_before "${all[@]}"
	# By itself, when there are some.
	prlimit --pid "$BERTHD_PID" --nofile=4096:
	wait_for 60 all_running "${all[@]}"
	alive_as_before "${all[@]}"
	[ "$(grep -c 'ct=112 cannot find out' "$HOST_ROOT/berthd.log")" = 1 ]
	# All of them are under control again.
	berth stop 112 --fast
	has_status 112 stopped
	run ! grep -E 'ct=1(0.|11) (stop|clean|start): done' <(sed -n '/adopted/,$p' "$HOST_ROOT/berthd.log")
}

# As systemd does: one that ends is started again.
restart_berthd() {
	crash_berthd
	for _ in 1 2 3; do
		command berthd --root "$HOST_ROOT" </dev/null >>"$HOST_ROOT/berthd.log" 2>&1 3>&- 4>&- &
		BERTHD_PID=$!
		export BERTHD_PID
		wait_for 30 answers_or_gone
		! berth ping >/dev/null 2>&1 || return 0
	done
	return 1
}

answers_or_gone() {
	berth ping >/dev/null 2>&1 || process_is_gone "$BERTHD_PID"
}

@test "D3 one open of state, init or boot id that fails costs no container its life" {
	declare -A inits
	local point ct
	for ct in 101 102; do
		tiny "$ct" --ram 32M --diskspace 32M
		inits[$ct]=$(init_of "$ct")
	done
	faults_begin
	for point in berthd:open.state berthd:open.boot_id berthd:pidfd_open berthd:open.stat \
		berthd:open.cgroup.events berth-worker:open.state; do
		fault clear
		fault set "$point" EMFILE 0 1
		restart_berthd
		wait_for 30 all_running 101 102
		alive_as_before 101 102 || {
			echo "$point"
			return 1
		}
	done
	fault clear
	berth stop 101
	has_status 101 stopped
}

@test "D3 a start whose monitor or init cannot be followed kills nothing" {
	berth create 101 --ostemplate tiny
	faults_begin
	# The worker is done, and berthd has no descriptor for what it has started.
	fault set berthd:pidfd_open EMFILE 1 1
	run --separate-stderr berth start 101
	fault clear
	wait_for 20 has_status 101 running
	berth exec2 101 true
	run ! grep -q 'ct=101 .*clean' "$HOST_ROOT/berthd.log"
}

@test "D5 a restart with a broken config leaves the container running and says so" {
	tiny 101 --hostname first
	init=$(init_of 101)
	cp "$HOST_ROOT/etc/berth/ct/101.conf" "$HOST_ROOT/good"
	echo 'PHYSPAGES="nonsense"' >>"$HOST_ROOT/etc/berth/ct/101.conf"
	run --separate-stderr -173 berth restart 101
	# shellcheck disable=SC2154 # bats sets it
	[[ $stderr == *101.conf*"it was not stopped and runs on"* ]]
	[ "$(init_of 101)" = "$init" ]
	kill -0 "$init"
	has_status 101 running
	echo 'this is no setting' >"$HOST_ROOT/etc/berth/ct/101.conf"
	run -173 berth restart 101 --fast
	kill -0 "$init"
	has_status 101 running
	# From inside nobody asks: it comes back with what it ran with.
	wait_for 20 init_listens 101
	berth exec 101 reboot || true
	back() { local now; now=$(init_of 101) && [ -n "$now" ] && [ "$now" != "$init" ] && has_status 101 running; }
	wait_for 60 back
	[ "$(berth exec2 101 hostname)" = first ]
	grep -q 'ct=101 it starts with the config of its last run, as its own is broken' "$HOST_ROOT/berthd.log"
	[[ $(berth list -H -o why 101) == *"101.conf"* ]]
	# And again, also with another berthd.
	init=$(init_of 101)
	crash_berthd
	start_berthd
	wait_for 10 has_status 101 running
	wait_for 20 init_listens 101
	berth exec 101 reboot || true
	wait_for 60 back
	# An order of its admin is not guessed at.
	berth stop 101
	run -173 berth start 101
	cp "$HOST_ROOT/good" "$HOST_ROOT/etc/berth/ct/101.conf"
	berth start 101
	[ "$(berth exec2 101 hostname)" = first ]
}

# A CT whose init does not listen.
deaf() {
	tiny "$1" --stop-timeout 300
	berth exec2 "$1" 'printf "::shutdown:/bin/sleep 1000\n::respawn:/bin/touch /reread\n" >/etc/inittab
		kill -HUP 1'
	wait_for 60 berth exec2 "$1" test -e /reread
}

@test "H2 H10 stop --fast overtakes a stop that waits, which is shown as stopping" {
	deaf 101
	berth stop 101 3>&- &
	first=$!
	wait_for 10 has_status 101 stopping
	[[ $(berth list -H -o ctid,status) == *101*stopping* ]]
	[ "$(berth status 101)" = "CTID 101 exist mounted stopping" ]
	run -9 berth stop 101
	run -9 berth start 101
	berth stop 101 --fast
	wait $first
	has_status 101 stopped
	[ "$(ct_end 101)" = killed ]
	# Over a restart the last word counts: it stays off, and who restarted it hears so.
	deaf 102
	berth restart 102 2>"$HOST_ROOT/said" 3>&- &
	first=$!
	wait_for 10 has_status 102 stopping
	berth stop 102 --fast
	rc=0
	wait $first || rc=$?
	[ $rc = 9 ]
	grep -q 'it is not started again' "$HOST_ROOT/said"
	has_status 102 stopped
}

@test "H2 a start that hangs is ended by stop --fast, and by its time limit" {
	berth create 101 --ostemplate tiny
	faults_begin
	fault set berth-worker:start.network stop 0 1
	berth start 101 2>"$HOST_ROOT/said" 3>&- &
	starter=$!
	wait_for 20 fault reached berth-worker:start.network
	has_status 101 starting
	run -9 berth stop 101
	berth stop 101 --fast
	rc=0
	wait $starter || rc=$?
	[ $rc = 15 ]
	grep -q 'start was ended: ordered by stop --fast' "$HOST_ROOT/said"
	has_status 101 stopped
	nothing_left
	# With nobody there to order anything.
	echo 'WORKER_TIMEOUT="2"' >>"$HOST_ROOT/etc/berth/berth.conf"
	stop_berthd
	start_berthd
	fault clear
	fault set berth-worker:start.network stop 0 1
	run --separate-stderr -15 berth start 101
	# shellcheck disable=SC2154 # bats sets it
	[[ $stderr == *"no progress for 2 s"* ]]
	has_status 101 stopped
	nothing_left
	berth start 101
}

@test "H2 a create whose client goes leaves nothing" {
	faults_begin
	fault set berth-worker:create.volume stop 0 1
	command berth --root "$HOST_ROOT" create 101 --ostemplate tiny >"$HOST_ROOT/said" 2>&1 3>&- &
	client=$!
	wait_for 20 fault reached berth-worker:create.volume
	kill -INT $client 2>/dev/null
	kill -TERM $client 2>/dev/null || true
	wait_for 20 grep -q 'ct=101 create: create was ended: the client that ordered it has gone' "$HOST_ROOT/berthd.log"
	[ -z "$(ct_status 101)" ]
	[ ! -e "$HOST_ROOT/var/lib/berth/private/101" ]
	[ -z "$(find "$HOST_ROOT/var/lib/berth/private" "$HOST_ROOT/var/lib/berth/state" -name '*101*')" ]
	fault clear
	berth create 101 --ostemplate tiny
	berth start 101
}

@test "T7 a stop whose worker is killed is tried again until all is released" {
	tiny 101
	faults_begin
	wait_for 10 has_status 101 running
	fault set berth-worker:cleanup.volume kill 0 3
	run -11 berth stop 101
	has_status 101 stopping
	[[ $(berth list -a -H -o why 101) == *"died"* ]]
	run -9 berth start 101
	# Nothing stands in the way any more: by order at once, else by itself.
	berth stop 101
	has_status 101 stopped
	nothing_left
	berth start 101
	# Two of three die: nobody notices.
	fault clear
	fault set berth-worker:cleanup.volume kill 0 2
	berth stop 101
	has_status 101 stopped
	nothing_left
}

@test "T9 every end has its reason: in list and status, in the log, in the event, counted" {
	tiny 101
	command berth --root "$HOST_ROOT" monitor --json >"$HOST_ROOT/events" 2>/dev/null 3>&- &
	watcher=$!
	[ "$(ct_end 101)" = - ]
	berth stop 101
	[ "$(ct_end 101)" = stopped ]
	[ "$(berth status 101 2>&1)" = "CTID 101 exist unmounted down" ]
	berth start 101
	berth stop 101 --fast
	[ "$(ct_end 101)" = killed ]
	berth start 101
	wait_for 20 init_listens 101
	berth exec 101 poweroff || true
	wait_for 30 has_status 101 stopped
	[ "$(ct_end 101)" = halted ]
	berth start 101
	kill -9 "$(init_of 101)"
	wait_for 30 has_status 101 stopped
	[ "$(ct_end 101)" = died ]
	run --separate-stderr -0 berth status 101
	[ "$output" = "CTID 101 exist unmounted down" ]
	# shellcheck disable=SC2154 # bats sets it
	[[ $stderr == *"CT 101 lost its init; init was killed by signal 9"* ]]
	grep -q 'warning: ct=101 lost its init; init was killed by signal 9 (Killed) (reason: died)' "$HOST_ROOT/berthd.log"
	berth start 101
	init=$(init_of 101)
	wait_for 20 init_listens 101
	berth exec 101 reboot || true
	again() { local now; now=$(init_of 101) && [ -n "$now" ] && [ "$now" != "$init" ] && has_status 101 running; }
	wait_for 60 again
	[ "$(ct_end 101)" = rebooted ]
	[ "$(berth list -H -o ends 101 | xargs)" = "stopped=1 killed=1 halted=1 rebooted=1 died=1" ]
	wait_for 10 grep -q '"died"' "$HOST_ROOT/events"
	# Kept over a crash of berthd, and an end that it did not see has a reason as well.
	crash_berthd
	kill -9 "$(init_of 101)"
	wait_for 10 test -e "$HOST_ROOT/run/berth/ct/101/exit"
	start_berthd
	wait_for 30 has_status 101 stopped
	[ "$(ct_end 101)" = died ]
	[[ $(berth list -a -H -o ends 101) == *died=2* ]]
	kill $watcher 2>/dev/null || true
}

@test "Ctrl-C ends an import or a build of a template, and nothing of it is left" {
	local dir=$HOST_ROOT/var/lib/berth/template client order point worker before
	stages() { find "$dir" -mindepth 1 -maxdepth 1 -name '.stage-*'; }
	no_stage() { [ -z "$(stages)" ]; }
	berth create 101 --ostemplate tiny
	tar -C "$(berth mount 101)" --owner=0 --group=0 --exclude='./dev/*' -cf "$HOST_ROOT/a.tar" .
	berth umount 101
	berth destroy 101
	before=$(berth template list -H)
	faults_begin
	for order in "import given $HOST_ROOT/a.tar" "build tiny"; do
		for point in berth-worker:template.stage berth-worker:template.image; do
			fault set "$point" stop 0 1
			# shellcheck disable=SC2086 # words
			command berth --root "$HOST_ROOT" template $order >/dev/null 3>&- &
			client=$!
			wait_for 20 fault reached "$point"
			[ -n "$(stages)" ]
			worker=$(fault pid "$point")
			# As Ctrl-C does; that signal itself is ignored by a background job of a script.
			kill "$client"
			wait "$client" || true
			wait_for 10 process_is_gone "$worker"
			wait_for 10 no_stage
			fault clear
		done
	done
	[ "$(berth template list -H)" = "$before" ]
	berth template import given "$HOST_ROOT/a.tar"
	berth template rm given
	rm "$HOST_ROOT/a.tar"
}

@test "Ctrl-C ends what builds Debian for a template too, before its place is anybody else's" {
	local dir=$HOST_ROOT/var/lib/berth/template client
	no_stage() { [ -z "$(find "$dir" -mindepth 1 -maxdepth 1 -name '.stage-*')" ]; }
	# In the mount namespace of this file: the network is not needed, nor minutes.
	printf '%s\n' '#!/bin/sh' "sleep 1000 & echo \$\$ >$HOST_ROOT/began" 'wait' >"$HOST_ROOT/mmdebstrap"
	chmod 755 "$HOST_ROOT/mmdebstrap"
	mount --bind "$HOST_ROOT/mmdebstrap" /usr/bin/mmdebstrap
	mount --bind /bin/false /usr/lib/apt/apt-helper # which asks the mirror for further suites
	command berth --root "$HOST_ROOT" template build debian-12 >/dev/null 3>&- &
	client=$!
	wait_for 60 test -s "$HOST_ROOT/began"
	pgrep -f 'sleep 1000'
	kill "$client"
	wait "$client" || true
	wait_for 10 no_stage
	run ! pgrep -f 'sleep 1000'
	umount /usr/bin/mmdebstrap /usr/lib/apt/apt-helper
	rm "$HOST_ROOT/mmdebstrap" "$HOST_ROOT/began"
}
