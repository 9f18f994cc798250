#!/usr/bin/env bats
# Every way to ask for something wrong: one clear line, the documented status, nothing half-made.

load helpers

setup_file() {
	setup_host
	mkdir -p "$HOST_ROOT/etc/berth/samples"
	echo 'NUMPROC="lots"' >"$HOST_ROOT/etc/berth/samples/damaged.conf"
	berth create 101 --ostemplate tiny --name web --ipadd 198.51.100.1 --diskspace 32M
	snapshot >"$HOST_ROOT/before"
}

teardown_file() {
	# A test has started berthd again.
	# shellcheck disable=SC2034 # teardown_host reads it
	BERTHD_PID=$(head -n 1 "$HOST_ROOT/run/berth/berthd.lock")
	teardown_host
}

teardown() {
	[ -n "${BATS_TEST_COMPLETED:-}" ] || berth destroy 102 >/dev/null 2>&1 || true
	unchanged
}

# All that a refused command must not have touched; that it was refused is noted.
snapshot() {
	find "$HOST_ROOT/etc/berth" "$HOST_ROOT/var/lib/berth" ! -name berthd.log ! -name 'audit.log*' -printf '%p %s\n' | sort
	cat "$HOST_ROOT/etc/berth/ct/101.conf"
	ip -o link | cut -d: -f2
	find /sys/fs/cgroup -path "*/berth-test-$HOST_ID/berth/?*" -type d 2>/dev/null
	losetup -n -O BACK-FILE | grep -F "$HOST_ROOT" | sort
}

unchanged() {
	local after
	after=$(snapshot)
	diff "$HOST_ROOT/before" - <<<"$after"
}

# refused STATUS PATTERN WORD...: one line on stderr that matches, nothing on stdout, nothing changed.
refused() {
	local want=$1 pattern=$2
	shift 2
	run --separate-stderr berth "$@"
	# shellcheck disable=SC2154,SC2053 # bats sets stderr; the pattern is one
	if [ "$status" != "$want" ] || [[ $stderr != $pattern ]] || [ -n "$output" ] ||
		[ "$(wc -l <<<"$stderr")" != 1 ] || [[ $stderr != "berth: "* ]]; then
		printf 'berth %s\n  status %s, wanted %s\n  stdout: %s\n  stderr: %s\n  wanted: %s\n' \
			"$*" "$status" "$want" "$output" "$stderr" "$pattern"
		return 1
	fi
	unchanged
}

@test "unknown commands and options: 20" {
	refused 20 "*unknown command 'frobnicate'*--help*" frobnicate
	refused 20 "*give a command*"
	refused 20 "*usage: berth template*" template
	refused 20 "*unknown command 'template frob'; use build*" template frob
	refused 20 "*unknown option --frob*" create 102 --frob 1
	refused 20 "*unknown option --hostnam;*--hostname*" create 102 --hostnam x
	refused 20 "*unknown option --frob*" set 101 --frob 1
	refused 20 "*unknown option --frob*" start 101 --frob
	refused 20 "*unknown option -Z*" list -Z
	refused 20 "*unknown option --frob*" --frob list
	refused 20 "*" status
	refused 20 "*" start
	refused 20 "*" console 101 102
	refused 20 "*" status 101 102
	refused 20 "*" ping now
	refused 20 "*give at least one option*" set 101
	refused 20 "*give at least one option*" set 101 --save
	refused 20 "*takes no value*" start 101 --wait=yes
	refused 20 "*" template import onlyname
	refused 20 "*fixed when a CT is created*" set 101 --ostemplate tiny --save
	refused 20 "*fixed when a CT is created*" set 101 --layout private --save
}

@test "an option without its value: 20" {
	for o in ram hostname ipadd ostemplate config name diskspace; do
		refused 20 "*--$o needs a value*" create 102 --ostemplate tiny "--$o"
	done
	refused 20 "*--ram needs a value*" set 101 --ram
	refused 20 "*--timeout needs a value*" stop 101 --timeout
	refused 20 "*" --root
	refused 20 "*-o needs a value*" list -o
}

@test "bad units and values: 21" {
	new() { refused 21 "*--$1 *" create 102 --ostemplate tiny "--$1" "$2"; }
	for v in '' x 5X 1.2.3G -1 '5 M' 0x10 1e3 4K 99999999999999999999 99999999999999999999G; do
		new ram "$v"
	done
	for v in '' x 1Q 1K -5 99999999999G 20G:x; do
		new diskspace "$v"
	done
	for v in '' x -5 100001 5%%; do
		new cpulimit "$v"
	done
	for v in '' x 7 0 500001 -1; do
		new cpuunits "$v"
	done
	for v in '' x 7 0 -1; do
		new numproc "$v"
	done
	for v in '' maybe 2 on,off; do
		new onboot "$v"
	done
	for v in x 0-x 3-1 -1 0,,1; do
		new cpumask "$v"
	done
	for v in 'a b' -a a_b a..b "$(printf 'a%.0s' $(seq 300))" 'a;b' '$(id)'; do
		new hostname "$v"
	done
	new layout thin
	new features 'fly:on'
	new features 'nesting:maybe'
	new stop-timeout 0
	new ioprio 8
	refused 21 "*--timeout*" stop 101 --timeout soon
	refused 21 "*--setmode*" set 101 --ram 1G --setmode later
	refused 21 "*unknown field*" list -o nosuch
	refused 21 "*unknown field*" list -s nosuch
	refused 21 "*" list -o ctid.q
}

@test "bad CTIDs: 21" {
	for c in 0 1 50 100 99999999999 2147483645 4294967295 0101; do
		refused 21 "*CTID*$c*" create "$c" --ostemplate tiny
	done
	refused 20 "*unknown option*" create -5 --ostemplate tiny
	refused 21 "*reserved*" start 50
}

@test "names that are no names: 21" {
	for n in A aB a_b 'a b' -a a/b ../a "$(printf 'a%.0s' $(seq 70))" 12345x: é; do
		refused 21 "*" create 102 --ostemplate tiny --name "$n"
	done
}

@test "control bytes reach neither a file nor the terminal" {
	for bad in $'a\nONBOOT="yes' $'a\e]0;x\a' $'a\x7f' $'a\rb'; do
		for o in name hostname description searchdomain; do
			run --separate-stderr berth create 102 --ostemplate tiny "--$o" "$bad"
			echo "$o: $status $stderr"
			[ "$status" = 21 ]
			[[ $stderr != *$'\e'* && $stderr != *$'\x7f'* ]]
			[ "$(wc -l <<<"$stderr")" = 1 ]
		done
	done
	run --separate-stderr berth create 102 --ostemplate tiny --description $'\xff\xfe'
	[ "$status" = 21 ]
	run --separate-stderr berth start $'\e[31mred'
	[ "$status" = 14 ]
	[[ $stderr != *$'\e'* ]]
	run --separate-stderr berth status $'x\ny'
	[ "$status" = 14 ]
	[ "$(wc -l <<<"$stderr")" = 1 ]
	unchanged
}

@test "what a shell would act on is not stored, and not run" {
	for bad in "\$(touch $HOST_ROOT/pwned)" '`id`' 'a"b' 'a\b'; do
		refused 21 "*--description*" set 101 --description "$bad" --save
	done
	[ ! -e "$HOST_ROOT/pwned" ]
	# The config is read, never run, whoever wrote it.
	printf 'touch %s/pwned\nDESCRIPTION="$(touch %s/pwned)"\n' "$HOST_ROOT" "$HOST_ROOT" >"$HOST_ROOT/etc/berth/samples/evil.conf"
	berth create 102 --ostemplate tiny --config evil >/dev/null 2>&1 && berth destroy 102
	[ ! -e "$HOST_ROOT/pwned" ]
	rm "$HOST_ROOT/etc/berth/samples/evil.conf"
}

@test "what exists already: 44, 131, 78" {
	refused 44 "*CT 101 exists already*" create 101 --ostemplate tiny
	refused 131 "*CT 102*'web'*CT 101*" create 102 --ostemplate tiny --name web
	refused 78 "*CT 102*198.51.100.1*CT 101*" create 102 --ostemplate tiny --ipadd 198.51.100.1
	refused 78 "*CT 102*198.51.100.1*" create 102 --ostemplate tiny --ipadd 198.51.100.1/32
	refused 78 "*192.0.2.1*host*" create 102 --ostemplate tiny --ipadd 192.0.2.1
	# An address of its own twice is one address.
	berth create 102 --ostemplate tiny --ipadd 198.51.100.2 --ipadd 198.51.100.2 --name two
	refused_two() {
		run --separate-stderr "-$1" berth set 102 "$2" "$3" --save
	}
	refused_two 78 --ipadd 198.51.100.1
	refused_two 131 --name web
	[ "$(berth list -a -H -o name,ip 102 | xargs)" = "two 198.51.100.2" ]
	berth destroy 102
}

@test "addresses that no container can have: 71" {
	for a in 1.2.3 1.2.3.4.5 1.2.3.256 0.0.0.0 127.0.0.1 255.255.255.255 224.0.0.1 ::1 ff02::1 :: fe80::1 \
		2001:db8::1::2 hello 10.0.0.1/33 169.254.0.1; do
		refused 71 "*" create 102 --ostemplate tiny --ipadd "$a"
	done
}

@test "an empty value where it means nothing: 71, 21" {
	refused 71 "*--ipadd ''*" create 102 --ostemplate tiny --ipadd ''
	refused 71 "*--ipadd ''*" set 101 --ipadd '' --save
	refused 71 "*--ipadd*" set 101 --ipadd ' ' --save
	refused 71 "*--ipdel ''*" set 101 --ipdel '' --save
	refused 21 "*--features ''*" set 101 --features '' --save
	refused 21 "*--cpumask ''*" set 101 --cpumask '' --save
	refused 21 "*--ostemplate ''*" create 102 --ostemplate ''
	# Where it takes something away.
	berth create 102 --ostemplate tiny --hostname a.example.com --nameserver 192.0.2.53 --diskspace 32M
	berth set 102 --hostname '' --nameserver '' --searchdomain '' --description '' --name '' --save
	run -1 grep -E 'HOSTNAME|NAMESERVER' "$HOST_ROOT/etc/berth/ct/102.conf"
	berth destroy 102
}

@test "what is not there: 91, 82, 14" {
	refused 91 "*no template 'nope'*template*" create 102 --ostemplate nope
	refused 82 "*no sample 'nope'*" create 102 --ostemplate tiny --config nope
	refused 82 "*no sample 'nope'*" set 101 --applyconfig nope --save
	refused 21 "*" create 102 --ostemplate ../../etc/passwd
	refused 82 "*" create 102 --ostemplate tiny --config ../../../etc/passwd
	for c in start stop restart mount umount destroy exec exec2 enter console; do
		words=()
		[[ $c != exec* ]] || words=(true)
		refused 14 "*CT 999 does not exist*list -a*" $c 999 "${words[@]}"
		refused 14 "*nobody*list -a*" $c nobody "${words[@]}"
	done
	refused 14 "*CT 999 does not exist*" set 999 --ram 1G
	refused 14 "*CT 999 does not exist*" list 999
	refused 91 "*" template rm nope
	run -0 berth status 999
	[ "$output" = "CTID 999 deleted unmounted down" ]
	refused 14 "*nobody*" status nobody
}

@test "a damaged sample is told by name and makes nothing" {
	run --separate-stderr berth create 102 --ostemplate tiny --config damaged
	echo "$status $stderr"
	[ "$status" = 21 ] || [ "$status" = 173 ]
	[[ $stderr == *NUMPROC* ]]
	unchanged
}

@test "a limit that this host cannot enforce is refused, not skipped: 148, 61" {
	local have
	have=$(cat /sys/devices/system/cpu/online)
	refused 148 "*--cpumask 4000*no CPU 4000*has $have *" create 102 --ostemplate tiny --cpumask 4000
	refused 148 "*--cpumask 0,4000*no CPU 4000*" set 101 --cpumask 0,4000 --save
	refused 148 "*--nodemask 1000*no NUMA node 1000*" create 102 --ostemplate tiny --nodemask 1000
	refused 148 "*--nodemask 1000*no NUMA node 1000*" set 101 --nodemask 1000 --save
	# What came from a bigger host is told at the start.
	berth create 102 --ostemplate tiny --diskspace 32M
	echo 'CPUMASK="4000"' >>"$HOST_ROOT/etc/berth/ct/102.conf"
	run --separate-stderr -148 berth start 102
	[[ $stderr == *cpumask*4000* ]]
	[ "$(berth status 102)" = "CTID 102 exist unmounted down" ]
	berth destroy 102
	refused 61 "*diskinodes*" create 102 --ostemplate tiny --diskspace 32M --diskinodes 4000000
}

@test "a full disk: 46, and nothing half-made" {
	private="$HOST_ROOT/var/lib/berth/private"
	mv "$private/101" "$HOST_ROOT/var/lib/berth/aside"
	mount -t tmpfs -o size=8M none "$private"
	dd if=/dev/zero of="$private/filler" bs=1M >/dev/null 2>&1 || true
	run --separate-stderr -46 berth create 102 --ostemplate tiny --diskspace 64M
	[[ $stderr == *"free"* ]]
	[ "$(ls -A "$private")" = filler ]
	[ ! -e "$HOST_ROOT/etc/berth/ct/102.conf" ]
	umount "$private"
	mv "$HOST_ROOT/var/lib/berth/aside" "$private/101"
}

@test "a full disk for the config: nothing half-made" {
	etc="$HOST_ROOT/etc/berth/ct"
	cp -a "$etc" "$HOST_ROOT/etc/berth/ct.aside"
	mount -t tmpfs -o size=64K,mode=755 none "$etc"
	cp -a "$HOST_ROOT/etc/berth/ct.aside/." "$etc/"
	dd if=/dev/zero of="$etc/filler" bs=4k >/dev/null 2>&1 || true
	run --separate-stderr berth create 102 --ostemplate tiny --diskspace 64M
	echo "$status $stderr"
	[ "$status" = 46 ] || [ "$status" = 139 ]
	[ ! -e "$etc/102.conf" ]
	[ ! -e "$HOST_ROOT/var/lib/berth/private/102" ]
	run --separate-stderr berth set 101 --numproc 99 --save
	echo "$status $stderr"
	[ "$status" = 46 ] || [ "$status" = 139 ]
	cmp "$etc/101.conf" "$HOST_ROOT/etc/berth/ct.aside/101.conf"
	umount "$etc"
	rm -r "$HOST_ROOT/etc/berth/ct.aside"
}

@test "a disabled container does not start: 105" {
	berth set 101 --disabled yes --save
	run --separate-stderr -105 berth start 101
	[[ $stderr == *"--disabled no"* ]]
	run -105 berth restart 101
	[ "$(berth status 101)" = "CTID 101 exist unmounted down" ]
	berth set 101 --disabled no --save
	berth start 101
	berth stop 101 --fast
	snapshot >"$HOST_ROOT/before"
}

@test "without berthd: 171, and reading works on" {
	stop_berthd
	run --separate-stderr -171 berth start 101
	[ "$(wc -l <<<"$stderr")" = 1 ]
	[[ $stderr == *berthd* ]]
	run -171 berth create 102 --ostemplate tiny
	run -171 berth ping
	[ "$(berth status 101)" = "CTID 101 exist unmounted down" ]
	run -0 berth list -a -H -o ctid,status
	[ "$(xargs <<<"$output")" = "101 stopped" ]
	start_berthd
}

@test "a damaged config is told, and one container's does not hurt another" {
	conf="$HOST_ROOT/etc/berth/ct/101.conf"
	cp -a "$conf" "$HOST_ROOT/conf.good"
	berth create 102 --ostemplate tiny --diskspace 32M
	printf 'NUMPROC="lots"\n' >>"$conf"
	run --separate-stderr berth start 101
	echo "$status $stderr"
	[ "$status" = 173 ]
	[[ $stderr == *101* && $stderr == *NUMPROC* ]]
	berth start 102
	run -0 berth list -a -H -o ctid,status
	[[ $output == *101*broken* ]]
	[[ $output == *102*running* ]]
	cp -a "$HOST_ROOT/conf.good" "$conf"
	rm "$HOST_ROOT/conf.good"
	berth start 101
	berth stop 101 --fast
	berth stop 102 --fast
	berth destroy 102
}
