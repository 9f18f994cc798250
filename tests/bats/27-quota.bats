#!/usr/bin/env bats
# The limits that a host sells, by OpenVZ's names: what holds, what is only kept, what is refused.
# bats file_tags=both,alone

load helpers

setup_file() {
	setup_host
	tiny 101 --ram 64M --swap 0 --numproc 60 --diskspace 32M
}

teardown_file() {
	running_berthd
	teardown_host
}

# A test has started berthd again.
running_berthd() {
	# shellcheck disable=SC2034 # helpers.bash reads it
	BERTHD_PID=$(head -n 1 "$HOST_ROOT/run/berth/berthd.lock")
}

# field CTID NAME: one value of list.
field() {
	berth list -H -o "$2" "$1" | tr -d ' '
}

conf() {
	sed -n "s/^$2=\"\(.*\)\"/\1/p" "$HOST_ROOT/etc/berth/ct/$1.conf"
}

@test "privvmpages holds RAM and swap where physpages is unlimited, as panels set it" {
	run --separate-stderr -0 vzctl set 101 --privvmpages 65536:66536 --physpages 0:9223372036854775807 --save
	# shellcheck disable=SC2154 # bats sets it
	[[ $stderr == "berth: CT 101: physpages is unlimited, so privvmpages limits RAM and swap together: RAM 266144 KiB, swap 0 KiB" ]]
	[ "$(field 101 physpages.l)" = 66536 ]
	berth exec2 101 'dd if=/dev/zero of=/dev/null bs=220M count=1'
	run -137 berth exec2 101 'dd if=/dev/zero of=/dev/null bs=280M count=1'
	# It is so after a restart, too.
	berth restart 101 --fast
	[ "$(field 101 physpages.l)" = 66536 ]
	berth set 101 --privvmpages unlimited --ram 64M --save
	[ "$(field 101 physpages.l)" = 16384 ]
}

@test "what Linux has nothing for is kept and said once, and the rest takes effect" {
	run --separate-stderr -0 vzctl set 101 --kmemsize 14M:16M --lockedpages 256 --privvmpages 65536:69632 \
		--shmpages 21504 --numproc 70 --vmguarpages 33792 --oomguarpages 26112 --numtcpsock 360 \
		--numflock 188:206 --numpty 16 --numsiginfo 256 --tcpsndbuf 1720320:2703360 --tcprcvbuf 1720320:2703360 \
		--othersockbuf 1126080:2097152 --dgramrcvbuf 262144 --numothersock 360 --dcachesize 3409920:3624960 \
		--numfile 9312 --avnumproc 180 --numiptent 128 --quotaugidlimit 200 --netfilter full --vm_overcommit 1.5 \
		--cpuunits 1500 --save --force
	[ "$(grep -c 'not enforced by berth' <<<"$stderr")" = 1 ]
	[[ $stderr == *"--kmemsize, --lockedpages, --privvmpages"* ]]
	[[ $stderr != *"--numproc"* && $stderr != *"--cpuunits"* ]]
	[ "$(field 101 numproc.l)" = 70 ]
	[ "$(field 101 cpuunits)" = 1500 ]
	[ "$(conf 101 KMEMSIZE)" = 14680064:16777216 ]
	[ "$(conf 101 NUMFILE)" = 9312:9312 ]
	berth set 101 --numproc 60 --cpuunits 1000 --save
}

@test "nonsense is refused with 21, whatever the parameter, and all of its set" {
	local long v o
	long=$(printf '1%.0s' $(seq 10240))
	cp "$HOST_ROOT/etc/berth/ct/101.conf" "$BATS_TEST_TMPDIR/before"
	for o in privvmpages swappages cpuunits iolimit; do
		for v in -1 NaN 99999999999999999999999 5:4 0x10 1e3 "$long"; do
			run --separate-stderr berth set 101 --numproc 55 "--$o" "$v" --save
			[ "$status" = 21 ] || { echo "--$o $v: $status $stderr" && false; }
			[[ $stderr == *"--$o "* && ${#stderr} -lt 400 ]]
		done
	done
	for v in 'vm_overcommit -1' 'vm_overcommit NaN' 'netfilter some' 'autostop later'; do
		# shellcheck disable=SC2086 # two words
		run -21 berth set 101 --numproc 55 --$v --save
	done
	cmp "$HOST_ROOT/etc/berth/ct/101.conf" "$BATS_TEST_TMPDIR/before"
	[ "$(field 101 numproc.l)" = 60 ]
}

@test "set --dry-run prints the kernel files, old and new, and changes nothing" {
	local file
	cp "$HOST_ROOT/etc/berth/ct/101.conf" "$BATS_TEST_TMPDIR/before"
	run --separate-stderr -0 berth set 101 --ram 128M --cpuunits 3000 --diskspace 40M --save --dry-run
	echo "$output"
	file=$(sed -n 's|^\(/[^:]*memory.max\): 67108864 -> 134217728$|\1|p; s|^\(/[^:]*memory.limit_in_bytes\): 67108864 -> 134217728$|\1|p' <<<"$output")
	[ -e "$file" ]
	[ "$(cat "$file")" = 67108864 ]
	grep -qx "volume of CT 101, KiB: 32768 -> 40960" <<<"$output"
	grep -qxF "$HOST_ROOT/etc/berth/ct/101.conf: PHYSPAGES=\"0:16384\" -> PHYSPAGES=\"0:32768\"" <<<"$output"
	cmp "$HOST_ROOT/etc/berth/ct/101.conf" "$BATS_TEST_TMPDIR/before"
	[ "$(field 101 physpages.l)" = 16384 ]
	# Refused is what the set itself would be.
	run -148 berth set 101 --cpumask 4000 --dry-run
	run --separate-stderr -0 berth set 101 --ram 64M --save --dry-run
	[ "$output" = "nothing would change" ]
	run --separate-stderr -0 vzctl set 101 --ram 128M --save --dry-run
	[[ $output == *PHYSPAGES* && $output != *"configuration saved"* ]]
	berth set 101 --ram 128M
	[ "$(cat "$file")" = 134217728 ]
	berth set 101 --ram 64M
}

@test "undo takes the last set back in the kernel and the config; unset gives the default" {
	berth set 101 --numproc 80 --cpulimit 70 --save
	berth set 101 --numproc 90 --save
	run --separate-stderr -0 berth undo 101
	[[ $stderr == *'undone; now NUMPROC="80:80"' ]]
	[ "$(field 101 numproc.l)" = 80 ]
	[ "$(field 101 cpulimit)" = 70 ]
	# And again, also after berthd was killed.
	running_berthd
	stop_berthd KILL
	start_berthd
	berth undo 101
	[ "$(conf 101 NUMPROC)" = 90:90 ]
	berth unset 101 CPULIMIT --save
	[ "$(field 101 cpulimit)" = 0 ]
	[ -z "$(conf 101 CPULIMIT)" ]
	run --separate-stderr -20 berth unset 101 numprc
	[[ $stderr == *"did you mean numproc?"* ]]
	run -20 berth unset 101 ostemplate --save
	berth set 101 --numproc 60 --save
}

@test "set --for comes back by itself, over a restart of the CT and of berthd" {
	run --separate-stderr -20 berth set 101 --numproc 99 --for 2h --save
	run --separate-stderr -21 berth set 101 --numproc 99 --for soon
	berth set 101 --numproc 99 --for 2h
	[ "$(field 101 numproc.l)" = 99 ]
	[[ "$(berth list -H -o temporary 101)" == *"NUMPROC until 20"*"Z, then 60:60"* ]]
	run --separate-stderr -0 berth status 101
	[ "$output" = "CTID 101 exist mounted running" ]
	[[ $stderr == *"CT 101: temporary: NUMPROC until "* ]]
	berth restart 101 --fast
	[ "$(field 101 numproc.l)" = 99 ]
	# It comes back to what it was at first; the time is that of the last set.
	berth set 101 --numproc 98 --for 3s
	is_back() { [ "$(field 101 numproc.l)" = 60 ] && [ "$(conf 101 NUMPROC)" = 60:60 ]; }
	wait_for 20 is_back
	[ "$(berth list -H -o temporary 101 | xargs)" = - ]
	grep -q 'ct=101.*a temporary change is over; now NUMPROC="60:60"' "$HOST_ROOT/berthd.log"
	# Its time comes while berthd is down.
	berth set 101 --numproc 97 --for 1s
	running_berthd
	stop_berthd KILL
	grep -q '^UNTIL_NUMPROC=' "$HOST_ROOT/etc/berth/ct/101.conf" || [ "$(conf 101 NUMPROC)" = 60:60 ]
	start_berthd
	wait_for 20 is_back
	# A set for good is for good.
	berth set 101 --numproc 96 --for 2h
	berth set 101 --numproc 60 --save
	run -1 grep UNTIL "$HOST_ROOT/etc/berth/ct/101.conf"
}

@test "what cannot come back after set --for holds nothing else, is told, and comes back when it can" {
	berth set 101 --ram 128M
	# dd has its buffer, and can never write it whole.
	berth exec2 101 'dd if=/dev/zero bs=90M count=1 2>/dev/null | sleep 1000 &' </dev/null
	holds() { [ "$(field 101 physpages)" -gt 22000 ]; }
	wait_for 20 holds
	berth set 101 --ram 130M --cpulimit 300 --for 1s
	rest_is_back() { [ "$(field 101 cpulimit)" = 0 ] && berth status 101 2>&1 | grep 'could not come back: PHYSPAGES'; }
	wait_for 30 rest_is_back
	[ "$(conf 101 PHYSPAGES)" = 0:33280 ]
	[ "$(field 101 physpages.l)" = 33280 ]
	# A CT that has stopped uses none.
	berth stop 101 --fast
	# The config is there before the trouble is gone.
	ram_is_back() { [ "$(conf 101 PHYSPAGES)" = 0:16384 ] && [[ $(berth status 101 2>&1) != *"come back"* ]]; }
	wait_for 20 ram_is_back
	run -1 grep UNTIL "$HOST_ROOT/etc/berth/ct/101.conf"
	run --separate-stderr -0 berth status 101
	[[ $stderr != *"come back"* ]]
	berth start 101 --wait
}

# cg V2_FILE V1_FILE: one file of 101's cgroup, of the version that this host has.
cg() {
	cat /sys/fs/cgroup/{,*/}"berth-test-$HOST_ID/berth/101/$1" 2>/dev/null ||
		cat /sys/fs/cgroup/*/"berth-test-$HOST_ID/berth/101/$2"
}

@test "cpuunits at both ends, cpulimit in MHz, iolimit with vzctl's suffixes" {
	berth set 101 --cpuunits 8
	[[ $(cg cpu.weight cpu.shares) == @(1|8) ]]
	berth set 101 --cpuunits 500000
	[[ $(cg cpu.weight cpu.shares) == @(10000|262144) ]]
	run -21 berth set 101 --cpuunits 7
	run -21 berth set 101 --cpuunits 500001
	berth set 101 --cpuunits 1000
	if grep -q '^cpu MHz' /proc/cpuinfo; then
		berth set 101 --cpulimit 1MHz
		[ "$(field 101 cpulimit)" = 1 ]
		berth set 101 --cpulimit 100000000m 2>&1 | grep -q "too large"
		berth set 101 --cpulimit 0
	fi
	vzctl set 101 --iolimit 5 --save
	[ "$(conf 101 IOLIMIT)" = 5242880 ]
	vzctl set 101 --iolimit 10240K --save
	[ "$(conf 101 IOLIMIT)" = 10485760 ]
	run -21 berth set 101 --iolimit 5 --save
	vzctl set 101 --iolimit 0 --save
	[ "$(conf 101 IOLIMIT)" = 0 ]
	! grep -q '[1-9]' <<<"$(cg io.max blkio.throttle.read_bps_device)"
}

@test "the limits of a plan, set by one command, are each hit by a load inside" {
	local before begun used
	# A host whose root has no CAP_SYS_RESOURCE cannot grow a mounted volume.
	berth stop 101 --fast
	berth set 101 --diskspace 1G:1100M --save
	berth start 101 --wait
	berth set 101 --ram 256M --swap 0 --cpulimit 25 --iolimit 5M --diskspace 1G:1100M --numproc 200 --save
	# RAM
	before=$(field 101 physpages.f)
	berth exec2 101 'dd if=/dev/zero of=/dev/null bs=200M count=1'
	run -137 berth exec2 101 'dd if=/dev/zero of=/dev/null bs=300M count=1'
	[ "$(field 101 physpages.f)" -gt "$before" ]
	# CPU: three seconds of work take twelve, and periods are refused.
	before=$(field 101 cpu_usec)
	begun=$(date +%s%N)
	berth exec2 101 'timeout 4 sh -c "while :; do :; done"' || true
	used=$((($(field 101 cpu_usec) - before) * 100000 / ($(date +%s%N) - begun)))
	echo "used $used % of a CPU"
	[ "$used" -le 28 ]
	# Disk
	run -0 berth exec2 101 'df -k / | tail -1'
	[ "$(awk '{print $2}' <<<"$output")" -le $((1100 * 1024)) ]
	run berth exec2 101 'fallocate -l 1200M /big'
	[ "$status" != 0 ]
	berth exec2 101 'fallocate -l 24M /big && rm /big'
	# IO: 15 MiB at 5 MiB/s, read from the disk.
	berth exec2 101 'dd if=/dev/zero of=/file bs=1M count=15 conv=fsync 2>/dev/null'
	berth exec2 101 'dd if=/file of=/dev/null bs=64k iflag=direct count=1' 2>/dev/null
	begun=$(date +%s%N)
	berth exec2 101 'dd if=/file of=/dev/null bs=1M iflag=direct' 2>/dev/null
	used=$((($(date +%s%N) - begun) / 1000000))
	echo "15 MiB took $used ms"
	[ "$used" -ge 2600 ]
	# Processes
	before=$(field 101 numproc.f)
	berth exec2 101 'i=0; while [ $i -lt 250 ]; do sleep 1000 & i=$((i + 1)); done' >/dev/null 2>&1 || true
	[ "$(field 101 numproc)" -le 200 ]
	[ "$(field 101 numproc.f)" -gt "$before" ]
	# All of it is there after a restart.
	berth restart 101 --fast
	[ "$(berth list -H -o physpages.l,numproc.l,cpulimit,iolimit,diskspace.h 101 | xargs)" = "65536 200 25 5242880 1126400" ]
}
