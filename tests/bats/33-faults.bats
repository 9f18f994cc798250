#!/usr/bin/env bats
# What berth does when the host has no descriptor, no space, no writable disk, or rubbish in the files that berth keeps: it
# says so, harms no CT and does not end. Faults at one point of one operation are the crash matrix's (tests/crash).

load helpers

setup() {
	setup_host
}

teardown() {
	awk -v r="$HOST_ROOT/" 'index($5, r) {print $5}' /proc/self/mountinfo | sort -r |
		grep -xE "$HOST_ROOT/(etc|var|run).*" | xargs -r -n 1 umount -l
	teardown_host
}

ct_status() {
	berth list -a -H -o status "$1" 2>/dev/null | tr -d ' '
}

has_status() {
	[ "$(ct_status "$1")" = "$2" ]
}

# inits: CTID, pid and start time of each running CT's init, by its state file.
inits() {
	local f pid
	for f in "$HOST_ROOT"/run/berth/ct/*/state; do
		pid=$(sed -n 's/^init_pid=//p' "$f")
		echo "$pid $(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | awk '{print $20}')"
	done
}

# all_live: nobody was killed since `inits >$HOST_ROOT/inits`.
all_live() {
	local pid start stat
	while read -r pid start; do
		read -r stat 2>/dev/null <"/proc/$pid/stat" || return 1
		# shellcheck disable=SC2086 # its words
		set -- ${stat##*) }
		[ "${20}" = "$start" ] && [ "$1" != Z ] || return 1
	done <"$HOST_ROOT/inits"
}

all_running() {
	[ "$(berth list -H -o status | grep -c running)" = "$1" ]
}

# One fault may end its start: then another comes, as with systemd.
restart_berthd() {
	start_berthd 2>/dev/null || start_berthd
}

# A berthd with at most that many descriptors, whatever it asks for itself.
start_berthd_with() {
	BERTH_TEST_NOFILE=$1 setpriv --bounding-set -sys_resource --inh-caps -sys_resource \
		prlimit --nofile="$1:$1" berthd --root "$HOST_ROOT" </dev/null >>"$HOST_ROOT/berthd.log" 2>&1 3>&- 4>&- &
	BERTHD_PID=$!
}

@test "a berthd without descriptors, or that cannot open one thing once, harms none of 50 containers" {
	local ctid k most=0 class
	for ctid in $(seq 101 150); do
		berth create $ctid --ostemplate tiny --diskspace 16M --ram 16M
		berth start $ctid
	done >/dev/null
	inits >"$HOST_ROOT/inits"
	[ "$(wc -l <"$HOST_ROOT/inits")" = 50 ]
	stop_berthd
	start_berthd_with 64
	# It answers or not, it must not act.
	wait_for 20 grep -qE 'berthd [0-9.]+: 50 CTs|oo many open files' "$HOST_ROOT/berthd.log"
	sleep 2 # its retries
	all_live
	stop_berthd
	all_live
	start_berthd
	wait_for 30 all_running 50
	all_live

	faults_begin
	fault trace on
	stop_berthd
	start_berthd
	wait_for 30 all_running 50
	fault trace off
	fault trace show >"$HOST_ROOT/trace"
	for class in pidfd_open open.state open.boot_id; do
		k=$(grep -cx "berthd $class" "$HOST_ROOT/trace")
		[ "$k" -gt 0 ]
		[ "$most" -ge "$k" ] || most=$k
	done
	# Each CT is looked at in the same way: the first few of them, then samples; all in the nightly set.
	for k in $(seq 0 $((most - 1))); do
		[ -n "${ALL:-}" ] || [ $k -lt 8 ] || [ $((k % 17)) = 0 ] || continue
		stop_berthd
		fault clear
		for class in pidfd_open open.state open.boot_id; do
			fault set "berthd:$class" EMFILE "$k"
		done
		# That of a folder at the start ends it, for another to begin anew.
		restart_berthd
		all_live || {
			echo "a CT was killed: open number $k failed"
			tail -n 20 "$HOST_ROOT/berthd.log"
			return 1
		}
	done
	fault clear
	wait_for 30 all_running 50
	all_live
	for ctid in $(seq 101 150); do
		wait_for 10 berth exec2 $ctid true </dev/null
	done
	# The end is quick too.
	for ctid in $(seq 101 150); do
		berth stop $ctid --fast
		berth destroy $ctid
	done
}

# damage FILE HOW
damage() {
	# A template is a link to the cache's file.
	cp "$1" "$1.copy" && mv "$1.copy" "$1"
	case $2 in
	empty) : >"$1" ;;
	cut) truncate -s $(($(stat -c %s "$1") / 2)) "$1" ;;
	random) head -c 700 /dev/urandom >"$1" ;;
	long) head -c 3M /dev/zero | tr '\0' A >"$1" ;;
	nul) printf 'op=\0\0\0\n\0' >"$1" ;;
	folder) rm -f "$1" && mkdir "$1" ;;
	fifo) rm -f "$1" && mkfifo "$1" ;;
	esac
}

# The running CT 101 is as it was, and so is the stopped CT 102 with its data.
nobody_suffered() {
	kill -0 "$BERTHD_PID"
	all_live
	wait_for 10 berth exec2 101 true </dev/null
	[ -s "$HOST_ROOT/var/lib/berth/private/102/volume.img" ]
	[ -s "$HOST_ROOT/var/lib/berth/private/102/facts" ]
}

@test "rubbish in a file that berth keeps harms no container, and berthd starts" {
	local f how
	tiny 101
	tiny 102
	berth exec2 102 sh -c 'echo precious >/root/data; sync' </dev/null
	berth stop 102
	inits >"$HOST_ROOT/inits"
	for f in var/lib/berth/state/102.intent var/lib/berth/state/101.intent run/berth/ct/102/live.conf \
		run/berth/ct/101/live.conf run/berth/ct/102/candidate.conf run/berth/ct/101/candidate.conf \
		run/berth/ct/102/restart run/berth/ct/101/restart run/berth/ct/102/exit run/berth/ct/102/state \
		run/berth/ct/101/booted run/berth/ct/101/addresses var/lib/berth/template/tiny.template; do
		[ ! -e "$HOST_ROOT/$f" ] || cp -p "$HOST_ROOT/$f" "$HOST_ROOT/good"
		for how in empty cut random long nul folder fifo; do
			stop_berthd
			[ -e "$HOST_ROOT/$f" ] || echo "key=value" >"$HOST_ROOT/$f"
			damage "$HOST_ROOT/$f" $how
			start_berthd || {
				echo "berthd does not start: $how $f"
				return 1
			}
			wait_for 10 has_status 102 stopped && nobody_suffered || {
				echo "$how $f: 101 is $(ct_status 101), 102 is $(ct_status 102)"
				return 1
			}
			rm -rf "${HOST_ROOT:?}/$f"
		done
		[ ! -e "$HOST_ROOT/good" ] || mv "$HOST_ROOT/good" "$HOST_ROOT/$f"
	done
	berth start 102
	[ "$(berth exec2 102 cat /root/data </dev/null)" = precious ]
}

@test "a berth.conf of rubbish is refused with its name, and the containers go on" {
	local how conf=$HOST_ROOT/etc/berth/berth.conf
	tiny 101
	inits >"$HOST_ROOT/inits"
	cp "$conf" "$HOST_ROOT/good"
	stop_berthd
	for how in random folder long; do
		cp "$HOST_ROOT/good" "$conf"
		damage "$conf" $how
		run ! command berthd --root "$HOST_ROOT"
		[[ $output == *berth.conf* ]]
		all_live
		rm -rf "$conf"
	done
	cp "$HOST_ROOT/good" "$conf"
	start_berthd
	nobody_is_down() { berth exec2 101 true </dev/null; }
	wait_for 10 nobody_is_down
	all_live
}

# Puts a small file system in the place of a part of the host, with what is there, and starts berthd on it.
shrink() {
	stop_berthd
	cp -a "$HOST_ROOT/$1" "$HOST_ROOT/kept"
	mount -t tmpfs -o "size=$2,mode=755" full "$HOST_ROOT/$1"
	cp -a "$HOST_ROOT/kept/." "$HOST_ROOT/$1/"
	rm -rf "$HOST_ROOT/kept"
	start_berthd
}

fill() {
	cat /dev/zero >"$HOST_ROOT/$1/filler" 2>/dev/null || true
}

@test "with /run full, orders are refused with the reason, and what runs can be stopped" {
	berth create 101 --ostemplate tiny
	berth create 102 --ostemplate tiny
	shrink run/berth 2m
	berth start 101
	inits >"$HOST_ROOT/inits"
	fill run/berth
	run ! berth start 102
	[[ $output == *"o space left"* ]]
	has_status 102 stopped
	run ! berth set 101 --ram 64M --save
	[[ $output == *"o space left"* ]]
	run ! berth create 103 --ostemplate tiny
	[[ $output == *"o space left"* ]]
	[ -z "$(ct_status 103)" ]
	all_live
	berth exec2 101 true </dev/null
	# A berthd that starts there finds what runs, writes nothing new, and says who it is where the last one did.
	stop_berthd
	find "$HOST_ROOT/run/berth" ! -name berthd.sock | sort >"$HOST_ROOT/files"
	start_berthd
	wait_for 10 has_status 101 running
	find "$HOST_ROOT/run/berth" ! -name berthd.sock | sort | diff "$HOST_ROOT/files" -
	grep -qx "$BERTHD_PID" "$HOST_ROOT/run/berth/berthd.lock"
	all_live
	berth stop 101 --fast
	has_status 101 stopped
	berth destroy 102
	rm "$HOST_ROOT/run/berth/filler"
	berth start 101
	berth exec2 101 true </dev/null
	berth stop 101 --fast
	berth destroy 101
	stop_berthd
	umount "$HOST_ROOT/run/berth"
	start_berthd
}

@test "a berth.conf that is changed under a living berthd moves no container: what is running is found and stopped" {
	local old=/berth-test-$HOST_ID init
	tiny 101
	init=$(init_pid 101)
	sed -i "s|^CGROUP_PARENT=.*|CGROUP_PARENT=\"$old-other\"|; s|^NFT_TABLE=.*|NFT_TABLE=\"berth_other\"|" \
		"$HOST_ROOT/etc/berth/berth.conf"
	berth set 101 --numproc 50 --save
	# shellcheck disable=SC2046 # words
	cat $(ct_cgroups 101 | sed 's,$,/pids.max,') 2>/dev/null | grep -x 50
	berth restart 101
	process_is_gone "$init"
	grep -q "$old/berth/101" "/proc/$(init_pid 101)/cgroup"
	run ! grep -q "$old-other" "/proc/$(init_pid 101)/cgroup"
	run ! nft list table inet berth_other
	berth stop 101 --fast
	[ -z "$(ct_cgroups 101)" ]
	sed -i "s|$old-other|$old|; s|berth_other|berth_test_$HOST_ID|" "$HOST_ROOT/etc/berth/berth.conf"
}

@test "with /etc or /var read-only, changes are refused whole, and what runs goes on" {
	local dir
	tiny 101
	berth create 102 --ostemplate tiny
	inits >"$HOST_ROOT/inits"
	for dir in etc/berth var/lib/berth; do
		stop_berthd
		mount --bind "$HOST_ROOT/$dir" "$HOST_ROOT/$dir"
		mount -o remount,bind,ro "$HOST_ROOT/$dir"
		cp "$HOST_ROOT/etc/berth/ct/101.conf" "$HOST_ROOT/conf"
		start_berthd
		wait_for 10 has_status 101 running
		if [ $dir = etc/berth ]; then
			run ! berth set 101 --hostname other --ram 64M --save
			[[ $output == *"ead-only"* ]]
			[ "$(berth exec2 101 hostname </dev/null)" = ct101 ]
			cmp "$HOST_ROOT/conf" "$HOST_ROOT/etc/berth/ct/101.conf"
		fi
		run ! berth create 103 --ostemplate tiny
		[[ $output == *"ead-only"* ]]
		[ -z "$(ct_status 103)" ]
		run ! berth destroy 102
		[[ $output == *"ead-only"* ]]
		has_status 102 stopped
		all_live
		berth exec2 101 true </dev/null
		kill -0 "$BERTHD_PID"
		stop_berthd
		umount "$HOST_ROOT/$dir"
		start_berthd
		wait_for 10 has_status 101 running
	done
	[ ! -e "$HOST_ROOT/var/lib/berth/private/103" ]
	berth start 102
	berth exec2 102 true </dev/null
	all_live
}
