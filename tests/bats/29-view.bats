#!/usr/bin/env bats
# What a CT sees of its machine are its limits and its use.
# bats file_tags=both

load helpers

setup() {
	setup_host
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
