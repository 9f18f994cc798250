#!/usr/bin/env bats
# The limits that a host sells, by OpenVZ's names: what holds, what is only kept, what is refused.
# bats file_tags=both,alone

load helpers

setup_file() {
	setup_host
	tiny 101 --ram 64M --swap 0 --numproc 60 --diskspace 32M
}

teardown_file() {
	teardown_host
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
