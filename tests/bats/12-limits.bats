#!/usr/bin/env bats
# Limits bite inside, can be changed while the CT runs, and are shown. The host goes on.
# bats file_tags=both,alone

load helpers

setup_file() {
	setup_host
	tiny 101 --ram 64M --swap 0 --numproc 60 --diskspace 32M
	prefer_this_host
}

# What else runs on this machine shall not distort what is measured.
prefer_this_host() {
	echo 262144 >"/sys/fs/cgroup/cpu/berth-test-$HOST_ID/cpu.shares" ||
		echo 10000 >"/sys/fs/cgroup/berth-test-$HOST_ID/cpu.weight"
} 2>/dev/null

# What a failed test left running must not fail the next ones.
teardown() {
	[ -z "${BATS_TEST_COMPLETED:-}" ] || return 0
	berth set 101 --numproc 60 --cpulimit 0 --cpuunits 1000 --ram 64M --swap 0 --save || true
	berth restart 101 --fast
}

teardown_file() {
	teardown_host
}

# field CTID NAME: one value of list.
field() {
	berth list -H -o "$2" "$1" | tr -d ' '
}

# uses_more CTID USEC: the command has begun to burn.
uses_more() {
	[ "$(field "$1" cpu_usec)" -gt $(($2 + 100000)) ]
}

# cpu_percent CTID MS COMMAND: percent of one CPU that the CT uses while COMMAND runs in it.
cpu_percent() {
	local ctid=$1 ms=$2 client used begun
	shift 2
	# Not the function: the signal is for berth itself.
	command berth --root "$HOST_ROOT" exec2 "$ctid" "$@" >/dev/null 2>&1 3>&- &
	client=$!
	wait_for 20 uses_more "$ctid" "$(field "$ctid" cpu_usec)"
	# An interval to measure, not a wait.
	used=$(field "$ctid" cpu_usec)
	begun=$(date +%s%N)
	sleep "$(printf '%d.%03d' $((ms / 1000)) $((ms % 1000)))"
	used=$(($(field "$ctid" cpu_usec) - used))
	echo $((used * 100000 / ($(date +%s%N) - begun)))
	kill -TERM $client
	wait $client || true
}

# within LOW HIGH COMMAND...: never above HIGH; other work on this machine may keep a few below LOW.
within() {
	local try value low=$1 high=$2
	shift 2
	for try in 1 2 3 4; do
		value=$("$@")
		echo "measured: $value, wanted: $low to $high"
		[ "$value" -le "$high" ] || [ "$try" -lt 2 ] || return 1
		[ "$value" -lt "$low" ] || [ "$value" -gt "$high" ] || return 0
	done
	return 1
}

@test "memory: what asks for more than its RAM is killed, and nothing else" {
	before=$(field 101 physpages.f)
	init=$(init_pid 101)
	run -137 berth exec2 101 'dd if=/dev/zero of=/dev/null bs=100M count=1'
	[ "$(berth exec2 101 echo alive)" = alive ]
	[ "$(init_pid 101)" = "$init" ]
	[ "$(field 101 physpages.f)" -gt "$before" ]
	[ "$(field 101 physpages.m)" -le 16384 ]
	[ "$(field 101 physpages.m)" -gt 15000 ]
	# What fits is let through.
	berth exec2 101 'dd if=/dev/zero of=/dev/null bs=40M count=1'
}

# bats test_tags=night
@test "memory: files in tmpfs count, and stop counting when they go" {
	before=$(field 101 physpages)
	berth exec2 101 'dd if=/dev/zero of=/dev/shm/f bs=1M count=30'
	[ "$(field 101 physpages)" -ge $((before + 7500)) ]
	berth exec2 101 'rm /dev/shm/f'
	less() { [ "$(field 101 physpages)" -lt $((before + 4000)) ]; }
	wait_for 5 less
}

@test "memory: more and less while it runs; less than is in use is refused" {
	berth set 101 --ram 128M
	berth exec2 101 'dd if=/dev/zero of=/dev/null bs=100M count=1'
	[ "$(field 101 physpages.l)" = 32768 ]
	berth exec2 101 'dd if=/dev/zero of=/dev/shm/held bs=1M count=30'
	run -148 berth set 101 --ram 20M
	[[ $output == *"CT 101"*"physpages"*"in use"* ]]
	[ "$(field 101 physpages.l)" = 32768 ]
	run -148 berth set 101 --ram 20M --save
	grep -qx 'PHYSPAGES="0:16384"' "$HOST_ROOT/etc/berth/ct/101.conf"
	berth exec2 101 'dd if=/dev/zero of=/dev/null bs=60M count=1; rm /dev/shm/held'
	berth set 101 --ram 64M
	run -137 berth exec2 101 'dd if=/dev/zero of=/dev/null bs=100M count=1'
}

@test "swap: the limit is set, and where the host has swap it is used" {
	limit() {
		cat /sys/fs/cgroup/{memory/,}"berth-test-$HOST_ID/berth/101/$1" 2>/dev/null
	}
	berth set 101 --swap 64M
	[ "$(field 101 swappages.l)" = 16384 ]
	# v1 counts both together.
	if [ -n "$(limit memory.swap.max)" ]; then
		[ "$(limit memory.swap.max)" = 67108864 ]
	elif [ -n "$(limit memory.memsw.limit_in_bytes)" ]; then
		[ "$(limit memory.memsw.limit_in_bytes)" = $((128 << 20)) ]
	fi
	if [ "$(awk '/^SwapFree/ {print $2}' /proc/meminfo)" -gt 100000 ]; then
		berth exec2 101 'dd if=/dev/zero of=/dev/null bs=100M count=1'
		run -137 berth exec2 101 'dd if=/dev/zero of=/dev/null bs=200M count=1'
	fi
	berth set 101 --swap 0
	run -137 berth exec2 101 'dd if=/dev/zero of=/dev/null bs=100M count=1'
}

@test "processes: a fork bomb hits the limit, the host and the admin do not notice" {
	before=$(field 101 numproc.f)
	berth exec2 101 'b() { sleep 1000 & b; }; b' >"$BATS_TEST_TMPDIR/bomb" 2>&1 || true
	cat "$BATS_TEST_TMPDIR/bomb"
	grep -q "Resource temporarily unavailable" "$BATS_TEST_TMPDIR/bomb"
	[ "$(field 101 numproc.f)" -gt "$before" ]
	[ "$(field 101 numproc)" -le 60 ]
	[ "$(field 101 numproc.m)" -le 60 ]
	[ "$(field 101 numproc)" -gt 40 ]
	true & # the host can still fork
	wait $!
	# The way out: a higher limit, at once.
	berth set 101 --numproc 120
	berth exec2 101 'killall sleep'
	gone() { [ "$(field 101 numproc)" -le 2 ]; }
	wait_for 10 gone
	berth set 101 --numproc 60
}

# bats test_tags=night
@test "processes: the refusal of exec in a full container says what to do" {
	berth exec2 101 'i=0; while [ $i -lt 70 ]; do sleep 1000 & i=$((i + 1)); done' >/dev/null 2>&1 || true
	run --separate-stderr -8 berth exec2 101 true
	[[ $stderr == *"CT 101"*numproc* ]]
	berth set 101 --numproc 120
	berth exec2 101 'killall sleep'
	gone() { [ "$(field 101 numproc)" -le 2 ]; }
	wait_for 10 gone
	berth set 101 --numproc 60
}

# bats test_tags=night
@test "cpulimit: half a CPU is half a CPU, and all of it again at once" {
	berth set 101 --cpulimit 50
	within 45 55 cpu_percent 101 2500 'while :; do :; done'
	berth set 101 --cpulimit 20
	within 16 24 cpu_percent 101 2500 'while :; do :; done'
	berth set 101 --cpulimit 0
	# Other work on this machine may take some.
	within 60 200 cpu_percent 101 1000 'while :; do :; done'
}

# bats test_tags=night
@test "cpulimit holds for all processes together" {
	berth set 101 --cpulimit 50
	within 45 55 cpu_percent 101 2500 'for i in 1 2 3; do while :; do :; done & done; wait'
	berth exec2 101 'killall sh' || true
	berth set 101 --cpulimit 0
}

# bats test_tags=night
@test "cpuunits: two containers on one CPU share it by their units" {
	tiny 102 --cpuunits 1000 --cpumask 0 --diskspace 32M
	berth set 101 --cpuunits 3000 --cpumask 0
	# Both at one time, and few calls: in a guest they share the one CPU.
	used() { berth list -H -o cpu_usec 101 102 | xargs; }
	both_burn() {
		local c d
		read -r c d < <(used)
		[ "$c" -gt $((a + 100000)) ] && [ "$d" -gt $((b + 100000)) ]
	}
	ratio() {
		local a b c d one two
		read -r a b < <(used)
		command berth --root "$HOST_ROOT" exec2 101 'while :; do :; done' 3>&- &
		one=$!
		command berth --root "$HOST_ROOT" exec2 102 'while :; do :; done' 3>&- &
		two=$!
		wait_for 20 both_burn
		read -r a b < <(used)
		# An interval to measure, not a wait.
		sleep 3
		read -r c d < <(used)
		kill $one $two
		wait $one $two || true
		echo $(((c - a) * 100 / (d - b + 1)))
	}
	within 240 370 ratio
	berth set 101 --cpuunits 1000
	within 80 125 ratio
	berth set 101 --cpumask all
	berth stop 102 --fast
	berth destroy 102
}

@test "cpumask: only the CPUs that were named" {
	berth set 101 --cpumask 0
	[ "$(berth exec2 101 'grep Cpus_allowed_list /proc/self/status' | cut -f 2)" = 0 ]
	berth set 101 --cpumask all
	[ "$(berth exec2 101 'grep Cpus_allowed_list /proc/self/status' | cut -f 2)" = \
		"$(grep Cpus_allowed_list /proc/self/status | cut -f 2)" ]
	run -148 berth set 101 --cpumask 4000
	[[ $output == *4000* ]]
}

# bats test_tags=night
@test "without --save a change lasts until the restart, and berth says so" {
	run -0 berth set 101 --numproc 77
	[[ $output == *"not saved"* ]]
	[ "$(field 101 numproc.l)" = 77 ]
	berth set 101 --cpuunits 2000 --save
	[ "$(field 101 numproc.l)" = 77 ]
	berth restart 101 --fast
	[ "$(field 101 numproc.l)" = 60 ]
	[ "$(field 101 cpuunits)" = 2000 ]
	grep -qx 'CPUUNITS="2000"' "$HOST_ROOT/etc/berth/ct/101.conf"
	run -1 grep 77 "$HOST_ROOT/etc/berth/ct/101.conf"
	berth set 101 --cpuunits 1000 --save
}

# bats test_tags=night
@test "with --save a change outlives the restart" {
	run --separate-stderr -0 berth set 101 --numproc 50 --ram 48M --save
	[ -z "$output$stderr" ]
	berth restart 101 --fast
	[ "$(field 101 numproc.l)" = 50 ]
	[ "$(field 101 physpages.l)" = 12288 ]
	run -137 berth exec2 101 'dd if=/dev/zero of=/dev/null bs=60M count=1'
	berth set 101 --numproc 60 --ram 64M --save
}

@test "list has held, most held, limit and failures of each" {
	run -0 berth list -j 101
	for r in physpages swappages numproc; do
		jq -e ".[0].$r | .held >= 0 and .maxheld >= .held and .limit >= 0 and .failcnt >= 0" <<<"$output"
	done
	jq -e '.[0] | .physpages.limit == 16384 and .swappages.limit == 0 and .numproc.limit == 60' <<<"$output"
	jq -e '.[0] | .diskspace.hardlimit == 32768 and .diskspace.usage > 0' <<<"$output"
	jq -e '.[0] | .diskinodes.hardlimit > 0 and .diskinodes.usage > 0' <<<"$output"
	run -0 berth list -H -o numproc.l,physpages.l,physpages.b,diskspace.h,diskspace.s 101
	[ "$(xargs <<<"$output")" = "60 16384 0 32768 32768" ]
}

@test "the guest cannot change its own limits" {
	berth exec2 101 'mount | grep -E "type cgroup2?"' >"$BATS_TEST_TMPDIR/mounts" || true
	cat "$BATS_TEST_TMPDIR/mounts"
	# Whatever cgroup it sees is below the one with the limits.
	berth exec2 101 'for f in $(find /sys/fs/cgroup -name "*.max" -o -name "*limit_in_bytes" 2>/dev/null); do
		echo 1073741824 >$f; done' >/dev/null 2>&1 || true
	[ "$(field 101 numproc.l)" = 60 ]
	run -137 berth exec2 101 'dd if=/dev/zero of=/dev/null bs=100M count=1'
}
