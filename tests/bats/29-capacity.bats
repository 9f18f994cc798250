#!/usr/bin/env bats
# What of the host is sold, a share of it as a sample, and configs that are checked.
# bats file_tags=both

load helpers

setup() {
	setup_host
}

teardown() {
	teardown_host
}

# sold RESOURCE: of capacity, the sum of what CTs were promised.
sold() {
	berth capacity --json | jq ".$1.sold"
}

@test "capacity shows what is sold, and a share of the host is a sample that a CT is made with" {
	[ "$(sold ram)" = 0 ]
	tiny 101 --ram 64M --cpulimit 50 --diskspace 64M
	berth create 102 --ostemplate tiny --ram 32M --cpulimit 100 --diskspace 64M
	[ "$(sold ram)" = $((96 << 20)) ]
	[ "$(sold cpu)" = 150 ]
	[ "$(sold disk)" = $((128 << 20)) ]
	[ "$(berth capacity --json | jq .cpu.physical)" = $(($(nproc) * 100)) ]
	[ "$(berth capacity --json | jq '.ram.physical / 1024')" = "$(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo)" ]
	berth capacity | grep -q '^2 CTs, 1 running$'
	stop_berthd
	run ! berth capacity
	[[ "$output" == *"start it"* ]]
	start_berthd
	berth split -n 4 -f quarter
	berth create 103 --ostemplate tiny --config quarter --diskspace 64M --diskinodes 16384
	[ "$(berth list -a -H -o physpages.l 103 | tr -d ' ')" = $(($(berth capacity --json | jq .ram.physical) / 4 / 4096)) ]
	run -44 berth split -n 4 -f quarter
	[[ "$output" == *"quarter"* ]]
	for n in 0 -1 x 99999; do
		run -21 berth split -n "$n"
	done
	run -20 berth split
	run -21 berth split -n 10000
}

@test "config-check names the config that is broken, and changes nothing" {
	berth create 101 --ostemplate tiny --diskspace 64M
	berth create 102 --ostemplate tiny --diskspace 64M
	berth config-check
	cp -a "$HOST_ROOT/etc/berth" "$BATS_TEST_TMPDIR/etc"
	sed -i 's/^DISKSPACE=.*/DISKSPACE="many"/' "$HOST_ROOT/etc/berth/ct/102.conf"
	run ! berth config-check
	[[ "$output" == *"CT 102"*"DISKSPACE"* && "$output" != *"CT 101"* ]]
	berth config-check 101
	run ! berth config-check 102
	echo 'NUMPROC="-5"' >>"$HOST_ROOT/etc/berth/ct/101.conf"
	run ! berth config-check
	[[ "$output" == *"CT 101"* && "$output" == *"CT 102"* ]]
	echo 'NAT="perhaps"' >>"$HOST_ROOT/etc/berth/berth.conf"
	run ! berth config-check 101
	[[ "$output" == *"NAT"* ]]
	cp -a "$BATS_TEST_TMPDIR/etc/." "$HOST_ROOT/etc/berth/"
	berth config-check
}
