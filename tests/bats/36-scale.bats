#!/usr/bin/env bats
# What must not grow with the number of containers, or only by so much a container. No time is measured: what is
# counted are system calls, descriptors and devices.

load helpers

setup() { setup_host DEF_OSTEMPLATE=tiny; }
teardown() { teardown_host; }

# running FROM TO: CTs with these numbers.
running() {
	local ctid
	for ((ctid = $1; ctid <= $2; ctid++)); do
		berth create "$ctid" --ostemplate tiny --diskspace 16M --ram 16M --ipadd "10.99.0.$((ctid - 100))" &&
			berth start "$ctid" || return
	done >/dev/null
}

# syscalls COMMAND...: how many of berthd's the command costs, when berthd has nothing else to do.
syscalls() {
	local tracer
	strace -f -c -U calls,name -e 'trace=!epoll_wait,futex,restart_syscall' -o "$HOST_ROOT/strace" -p "$BERTHD_PID" 2>"$HOST_ROOT/strace.err" 3>&- 4>&- &
	tracer=$!
	wait_for 10 grep -q attached "$HOST_ROOT/strace.err"
	"$@" >/dev/null
	kill -INT $tracer
	wait $tracer || true
	awk '$2 == "total" {print $1}' "$HOST_ROOT/strace"
	rm -f "$HOST_ROOT"/strace{,.err}
}

# least COMMAND...: of some counts, as berthd's timers may strike.
least() {
	for _ in 1 2 3; do syscalls "$@"; done | sort -n | head -n 1
}

# settled: configs are older than the moment for which list reads them anew.
settled() {
	[ $(($(date +%s) - $(stat -c %Z "$HOST_ROOT/etc/berth/ct/$1.conf"))) -ge 3 ]
}

@test "list reads of each container what its columns show, and no more" {
	running 101 104
	few=$(least berth list -a)
	few_all=$(least berth list -a -j)
	few_names=$(least berth list -a -o ctid,status)
	running 105 124
	wait_for 10 settled 124
	berth list -a >/dev/null
	many=$(least berth list -a)
	many_all=$(least berth list -a -j)
	many_names=$(least berth list -a -o ctid,status)
	echo "system calls of berthd at 4 and 24: list -a $few $many, -j $few_all $many_all, -o ctid,status $few_names $many_names"
	# Of each: two looks at its config, whether it has a cgroup, its number of processes (3).
	[ $((many - few)) -le $((20 * 8)) ]
	[ $((many_names - few_names)) -le $((20 * 4)) ]
	# All files of its cgroups with what it waited for (3 each), its volume, its ledger.
	[ $((many_all - few_all)) -le $((20 * 70)) ]
}

# volume_device CTID: the loop device of its volume, by the rule of runtime/storage/loop.c.
volume_device() {
	local img=$HOST_ROOT/var/lib/berth/private/$1/volume.img hash
	hash=$((($(stat -c %i "$img") * 0x9e3779b97f4a7c15) ^ ($(stat -c %d "$img") * 0xc2b2ae3d27d4eb4f)))
	echo "/sys/block/loop$((65536 + (hash >> 32 & 0xffffffff) % 65536))"
}

@test "the loop device of a volume goes when its container stops" {
	berth create 101 --ostemplate tiny --diskspace 16M --ram 16M
	device=$(volume_device 101)
	wait_for 10 test ! -e "$device"
	berth start 101
	[ "$(cat "$device/loop/backing_file")" = "$HOST_ROOT/var/lib/berth/private/101/volume.img" ]
	berth stop 101 --fast
	wait_for 10 test ! -e "$device"
	# A start at once after the stop, while the old device may be just going.
	for _ in 1 2 3 4 5; do
		berth start 101
		berth stop 101 --fast
	done
	berth mount 101
	berth umount 101
	wait_for 10 test ! -e "$device"
}

berthd_fds() { find "/proc/$BERTHD_PID/fd" -mindepth 1 | wc -l; }
berthd_rss() { awk '$1 == "VmRSS:" {print $2}' "/proc/$BERTHD_PID/status"; }
has_fds() { [ "$(berthd_fds)" -le "$1" ]; }

# gone FROM TO: these containers, and their devices.
gone() {
	local ctid
	for ((ctid = $1; ctid <= $2; ctid++)); do
		berth stop "$ctid" --fast && berth destroy "$ctid" || return
	done >/dev/null
}
no_device() { ! losetup -n -O BACK-FILE | grep -q "$HOST_ROOT/var/lib/berth/private"; }

@test "descriptors and memory of berthd go back when 50 containers have gone" {
	# What the first ones load stays: threads, a spare worker's socket.
	running 101 105
	gone 101 105
	wait_for 10 no_device
	fds=$(berthd_fds) rss=$(berthd_rss)
	running 101 150
	[ "$(berthd_fds)" -ge $((fds + 50)) ]
	berth list -a -j >/dev/null
	gone 101 150
	wait_for 20 has_fds "$fds"
	wait_for 20 no_device
	echo "berthd: $rss KiB before, $(berthd_rss) KiB after; $fds descriptors"
	[ "$(berthd_rss)" -le $((rss + 1024)) ]
}

doctor_on() { berth doctor --json | jq -r --arg n "$1" '.[] | select(.name == $n) | "\(.level) \(.text) \(.fix)"'; }

@test "a start beyond the host's bounds is refused, a restart is not, and doctor tells both" {
	[[ "$(doctor_on bounds)" == "ok room for "[0-9]*" CTs, then "* ]]
	berth create 103 --ostemplate tiny --diskspace 16M --ram 16M --ipadd 10.99.0.3
	running 101 102
	# Two CTs have 4 descriptors each, beside what is kept for clients and jobs.
	prlimit --pid "$BERTHD_PID" --nofile=520:
	run -6 berth start 103
	[[ $output == *"there is no room for CT 103: 2 CTs run"*"520 file descriptors for berthd"*"enough for 2; raise LimitNOFILE"* ]]
	[[ "$(berth status 103)" == *" unmounted down" && ! -e $HOST_ROOT/run/berth/ct/103/state ]]
	[[ "$(doctor_on bound-descriptors)" == "warning "*"enough for 2 CTs"*LimitNOFILE* ]]
	berth restart 101 --fast
	berth stop 102 --fast
	berth start 103
	run -6 berth start 102
	prlimit --pid "$BERTHD_PID" --nofile=524:
	berth start 102
}
