#!/usr/bin/env bats
# README's tour is true: its commands are typed here as they stand there, and print what stands there.

load helpers

setup() {
	setup_host
	tour=$BATS_TEST_TMPDIR
	sed -n '/^## Five minutes$/,/^## What works/p' "$BATS_TEST_DIRNAME/../../README.md" |
		awk '/^```/ {inside = !inside; next} inside' >"$tour/expected"
	# This host's programs and files under the names that README has for them.
	mkdir "$tour/bin"
	printf '#!/bin/sh\nexec "%s" --root "%s" "$@"\n' "$(type -P berth)" "$HOST_ROOT" >"$tour/bin/berth"
	printf '#!/bin/sh\nexec "%s" --root "%s" "$@"\n' "$(type -P berthd)" "$HOST_ROOT" >"$tour/bin/berthd"
	chmod 755 "$tour/bin/"*
}

teardown() {
	# The tour has ended the berthd that helpers.bash knows.
	BERTHD_PID=$(head -n 1 "$HOST_ROOT/run/berth/berthd.lock")
	teardown_host
}

# A command is a line that begins with '# ', and goes on behind a '\'.
typed() {
	awk '/^# / || more {sub(/^# /, ""); print; more = /\\$/}' "$tour/expected"
}

# What differs between two runs of the same: numbers, and how columns are filled up to their width.
shape() {
	sed -E "s,$HOST_ROOT,,g"'; s/\r//; s/[0-9]+/N/g; s/ +/ /g; s/ $//; /^$/d' | sort
}

@test "README: the tour prints what README says" {
	berth create 101 --ostemplate debian-12 --hostname vps101 --ram 512M --swap 256M --diskspace 2G \
		--cpulimit 50 --ipadd 10.101.0.101
	berth start 101 --wait
	{
		echo "export PATH='$tour/bin':\$PATH NO_COLOR=1"
		echo 'TIMEFORMAT=$'\''\nreal\t%3lR'\'
		# This host's log, and no berthd but its own, which an admin gives a moment to die.
		typed | sed "s,/var/log/berthd.log,$HOST_ROOT/berthd.log,
			s,\$(pidof berthd),$BERTHD_PID; while ls /proc/$BERTHD_PID/fd/* >/dev/null 2>\&1; do sleep 0.1; done,"
		echo wait %1
	} >"$tour/script"
	[ "$(typed | grep -c '^berth')" -ge 15 ]
	run script -qec "stty cols 120; bash '$tour/script'" /dev/null </dev/null
	echo "$output"
	grep -v -e '^# ' -e '^  *--ipadd' "$tour/expected" | shape >"$tour/promised"
	shape <<<"$output" >"$tour/printed"
	diff "$tour/promised" "$tour/printed"
}
