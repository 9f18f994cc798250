#!/usr/bin/env bats
# What a CT sees of its machine are its limits and its use.
# bats file_tags=both

load helpers

setup() {
	setup_host ${CRIU:+"CRIU=$(type -P "$CRIU")"}
}

teardown() {
	teardown_host
}

# inside COMMAND: in CT 101.
inside() {
	berth exec2 101 "$1"
}

@test "the clocks of a container begin with its start, and commands in it have them" {
	tiny 101
	# The kernel's own, and sysinfo(2), which is what busybox asks.
	[ "$(inside 'cut -d. -f1 /proc/uptime')" -lt 60 ]
	[[ "$(inside uptime)" == *"up 0 min"* ]]
	[ "$(inside 'cut -d" " -f22 /proc/1/stat')" -lt 6000 ]
	# The moment of its boot is the host's time.
	[ $(($(date +%s) - $(inside 'sed -n "s/^btime //p" /proc/stat'))) -lt 60 ]
}

@test "a container with --cpus counts so many CPUs, at once and after a restart" {
	[ "$(nproc)" -gt 1 ] || skip "one CPU"
	tiny 101
	[ "$(inside nproc)" = "$(nproc)" ]
	berth set 101 --cpus 1 --save
	[ "$(inside nproc)" = 1 ]
	berth restart 101 --fast
	[ "$(inside nproc)" = 1 ]
	[ "$(inside 'grep -c "^processor" /proc/cpuinfo')" -ge 1 ]
	berth set 101 --cpus 0 --save
	[ "$(inside nproc)" = "$(nproc)" ]
	# By its CPU time, where the host's admin wants that; a mask that somebody gave stays.
	echo 'CPU_PIN="cpulimit"' >>"$HOST_ROOT/etc/berth/berth.conf"
	berth set 101 --cpulimit 50 --save
	[ "$(inside nproc)" = 1 ]
	berth set 101 --cpumask 0-1 --save
	[ "$(inside nproc)" = 2 ]
}

# meminfo KEY: KiB, as the container sees it.
meminfo() {
	inside "sed -n 's/^$1: *\([0-9]*\) kB/\1/p' /proc/meminfo"
}

@test "memory and swap are the limits, at once after a set" {
	tiny 101 --ram 256M --swap 0
	[ "$(meminfo MemTotal)" = $((256 << 10)) ]
	[ "$(meminfo SwapTotal)" = 0 ]
	berth set 101 --ram 512M
	[ "$(meminfo MemTotal)" = $((512 << 10)) ]
	[ "$(inside 'wc -l </proc/swaps')" = 1 ]
}

# server: who answers for the view of CT 101.
# The one that lives: what is written down may be of one that was killed a moment ago.
server() {
	wait_for 20 serves_now
	sed -n 's/^pid=//p' "$HOST_ROOT/run/berth/ct/101/view"
}

serves_now() {
	local pid
	pid=$(sed -n 's/^pid=//p' "$HOST_ROOT/run/berth/ct/101/view") && [ -n "$pid" ] &&
		grep -q '^State:.[^ZX]' "/proc/$pid/status"
}

@test "CPUs, load, swap and disk are the container's; the tools agree" {
	tiny 101 --cpulimit 50
	[ "$(inside 'grep -c "^processor" /proc/cpuinfo')" = 1 ]
	[ "$(inside 'grep -c "^cpu[0-9]" /proc/stat')" = 1 ]
	[ "$(inside 'cat /sys/devices/system/cpu/online')" = 0 ]
	[ "$(inside 'wc -l </proc/diskstats')" = 1 ]
	berth set 101 --cpulimit 0
	[ "$(inside 'grep -c "^cpu[0-9]" /proc/stat')" = "$(nproc)" ]
	[ "$(inside 'grep -c "^processor" /proc/cpuinfo')" = "$(nproc)" ]
	# Nobody works in it: the host's load is not its.
	[ "$(inside 'cut -d. -f1 /proc/loadavg')" = 0 ]
	# What it uses is counted.
	before=$(inside 'cut -d" " -f3,5 /proc/stat | head -n 1 | tr " " +')
	inside 'dd if=/dev/zero of=/dev/null bs=1M count=3000 2>/dev/null'
	[ "$(inside 'cut -d" " -f3,5 /proc/stat | head -n 1 | tr " " +')" != "$before" ]
	inside 'top -bn1' | grep -q '^Mem:'
}

@test "who answers for the view is killed: nobody waits for ever, and the numbers are right again" {
	tiny 101 --ram 64M
	for _ in 1 2 3 4 5; do
		old=$(server)
		kill -9 "$old"
		[ "$(meminfo MemTotal)" = $((64 << 10)) ]
		another() { [ "$(server)" != "$old" ]; }
		wait_for 20 another
	done
	# The monitor, and both.
	kill -9 "$(berth list -H -o monitor_pid 101)"
	renewed() { [ "$(meminfo MemTotal)" = $((64 << 10)) ]; }
	wait_for 20 renewed
	berth set 101 --ram 96M
	[ "$(meminfo MemTotal)" = $((96 << 10)) ]
	old=$(server)
	kill -9 "$old"
	[ "$(meminfo MemTotal)" = $((96 << 10)) ]
	wait_for 20 another
	! berth doctor | grep -q 'view-of-101'
	# Both at once: an error, nobody waits, and doctor tells.
	old="$(berth list -H -o monitor_pid 101) $(server)"
	kill -STOP "$BERTHD_PID" # which would have a new monitor between the two
	# shellcheck disable=SC2086 # two words
	kill -9 $old
	# Until a killed process has run for the last time its descriptors can be had.
	both_gone() {
		local p
		for p in $old; do ! grep -q '^State:.[^ZX]' "/proc/$p/status" 2>/dev/null || return 1; done
	}
	wait_for 20 both_gone
	kill -CONT "$BERTHD_PID"
	lost() { [[ "$(inside 'cat /proc/meminfo' 2>&1)" == *"not connected"* ]]; }
	wait_for 20 lost
	berth doctor | grep -q 'view-of-101'
	berth restart 101 --fast
	[ "$(meminfo MemTotal)" = $((64 << 10)) ]
}

@test "who answers for the view has no privilege, and no more than a little of a CPU" {
	tiny 101
	serves() { [ -s "$HOST_ROOT/run/berth/ct/101/view" ]; }
	wait_for 20 serves
	pid=$(server)
	[ "$(sed -n 's/^Uid:\t\([0-9]*\).*/\1/p' "/proc/$pid/status")" = 655360000 ]
	[ "$(sed -n 's/^CapPrm:\t//p' "/proc/$pid/status")" = 0000000000000000 ]
	[ "$(sed -n 's/^Seccomp:\t//p' "/proc/$pid/status")" = 2 ]
	[ "$(sed -n 's/^NoNewPrivs:\t//p' "/proc/$pid/status")" = 1 ]
	# Its CPU time is not the container's, so there is little of it however much is asked.
	berth exec2 101 'while :; do cat /proc/stat /proc/cpuinfo; done >/dev/null & while :; do cat /proc/meminfo; done >/dev/null' 3>&- &
	client=$!
	busy() { [ "$(cut -d' ' -f14,15 "/proc/$pid/stat" | tr ' ' +)" != "$first" ]; }
	first=$(cut -d' ' -f14,15 "/proc/$pid/stat" | tr ' ' +)
	wait_for 20 busy
	first=$(($(cut -d' ' -f14,15 "/proc/$pid/stat" | tr ' ' +)))
	sleep 2
	used=$(($(cut -d' ' -f14,15 "/proc/$pid/stat" | tr ' ' +) - first))
	kill $client
	wait $client || true
	[ "$used" -le 40 ]
	# And the next reader still has an answer.
	inside 'cat /proc/uptime' >/dev/null
}

@test "a container that is suspended keeps its view, with the files of it that are open" {
	tiny 101 --ram 64M
	inside 'setsid sh -c "exec 5</proc/meminfo; read -r a b <&5; echo \$a >/first; while [ ! -e /go ]; do sleep 0.1; done; read -r a b <&5; echo \$a >/second; exec sleep 1000" >/dev/null 2>&1 &'
	first() { inside 'test -s /first'; }
	wait_for 20 first
	[ -n "${CRIU:-}" ] || skip "no criu (CRIU is not set)"
	berth suspend 101
	berth resume 101
	[ "$(meminfo MemTotal)" = $((64 << 10)) ]
	inside 'touch /go'
	second() { inside 'grep -qx MemFree: /second'; }
	wait_for 20 second
	kill -9 "$(server)"
	berth set 101 --ram 80M
	[ "$(meminfo MemTotal)" = $((80 << 10)) ]
	berth suspend 101
	berth resume 101
	[ "$(meminfo MemTotal)" = $((80 << 10)) ]
}

@test "VIEW=no shows the host's numbers from the next start on; a suspended container keeps its view" {
	[ -n "${CRIU:-}" ] || skip "no criu (CRIU is not set)"
	tiny 101 --ram 64M
	berth suspend 101
	echo 'VIEW="no"' >>"$HOST_ROOT/etc/berth/berth.conf"
	berth resume 101
	[ "$(meminfo MemTotal)" = $((64 << 10)) ]
	berth restart 101 --fast
	[ "$(meminfo MemTotal)" = "$(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo)" ]
	[ ! -e "$HOST_ROOT/run/berth/ct/101/view" ]
}
