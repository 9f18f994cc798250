#!/usr/bin/env bats
# What survives when a part of berth dies, when a disk is full, when files are damaged, when everybody
# comes at once: rows of the fault list, each by its name.

load helpers

setup() {
	setup_host
}

teardown() {
	# What a test has mounted over a part of its host.
	awk -v r="$HOST_ROOT/" 'index($5, r) {print $5}' /proc/self/mountinfo | sort -r |
		grep -xE "$HOST_ROOT/(etc|var|full).*" | xargs -r -n 1 umount -l
	teardown_host
}

ct_status() {
	berth list -a -H -o status "$1" 2>/dev/null | tr -d ' '
}

has_status() {
	[ "$(ct_status "$1")" = "$2" ]
}

monitor_pid() {
	sed -n 's/^monitor_pid=//p' "$HOST_ROOT/run/berth/ct/$1/state"
}

crash_berthd() {
	kill -9 "$BERTHD_PID" 2>/dev/null || true
	wait_for 10 process_is_gone "$BERTHD_PID"
}

# No job under way for the CT.
is_idle() {
	local lock=$HOST_ROOT/run/berth/ct/$1/lock
	# flock(1) would make the file, in a directory that is just going away.
	(exec 9<"$lock" && flock -n 9) 2>/dev/null || [ ! -e "$lock" ]
}

# bats test_tags=both
@test "B01 containers and their connections do not notice that berthd is killed" {
	local ct
	for ct in 101 102 103 104; do
		tiny $ct --ipadd 10.99.0.$ct
		put_probe $ct
		berth exec2 $ct sh -c '/probe echo 7 >/dev/null 2>&1 &' </dev/null
		wait_for 10 probe ask 10.99.0.$ct 7
	done
	berth list -H -o ctid,init_pid >"$HOST_ROOT/before"
	exec {held}<>/dev/tcp/10.99.0.101/7
	echo one >&$held
	read -r -t 5 line <&$held
	[ "$line" = one ]
	# An exec session goes on too.
	mkfifo "$HOST_ROOT/typed"
	exec {typed}<>"$HOST_ROOT/typed"
	berth exec2 101 sh -c 'echo ready; read x; echo "got $x"; exit 7' <"$HOST_ROOT/typed" >"$HOST_ROOT/session" 3>&- &
	session=$!
	wait_for 10 grep -q ready "$HOST_ROOT/session"
	crash_berthd
	echo two >&$held
	read -r -t 5 line <&$held
	[ "$line" = two ]
	probe ask 10.99.0.104 7
	# What only reads works from the files.
	run -0 berth status 101
	[[ $output == *running* ]]
	start_berthd
	echo three >&$held
	read -r -t 5 line <&$held
	[ "$line" = three ]
	exec {held}>&-
	berth list -H -o ctid,init_pid | diff "$HOST_ROOT/before" -
	echo go >&$typed
	status=0
	wait $session || status=$?
	exec {typed}>&-
	[ "$status" = 7 ]
	[ "$(cat "$HOST_ROOT/session")" = $'ready\ngot go' ]
	for ct in 101 102 103 104; do
		berth exec2 $ct true
	done
	berth stop 102
	berth start 102
}

@test "B01 an init that ends while berthd is dead is noticed afterwards" {
	tiny 101
	tiny 102
	crash_berthd
	kill -9 "$(sed -n 's/^init_pid=//p' "$HOST_ROOT/run/berth/ct/101/state")"
	wait_for 10 test -e "$HOST_ROOT/run/berth/ct/101/exit"
	start_berthd
	wait_for 10 has_status 101 stopped
	has_status 102 running
	[ -z "$(ct_cgroups 101)" ]
	berth start 101
}

# bats test_tags=both
@test "B03 a killed monitor takes nothing with it and is replaced" {
	tiny 101 --ipadd 10.99.0.101
	put_probe 101
	berth exec2 101 sh -c '/probe echo 7 >/dev/null 2>&1 &' </dev/null
	wait_for 10 probe ask 10.99.0.101 7
	init=$(init_pid 101)
	old=$(monitor_pid 101)
	kill -9 "$old"
	probe ask 10.99.0.101 7
	wait_for 10 berth exec2 101 true
	[ "$(init_pid 101)" = "$init" ]
	[ "$(monitor_pid 101)" != "$old" ]
	has_status 101 running
	# And both at once.
	kill -9 "$(monitor_pid 101)" "$BERTHD_PID"
	wait_for 10 process_is_gone "$BERTHD_PID"
	probe ask 10.99.0.101 7
	start_berthd
	wait_for 10 berth exec2 101 true
	[ "$(init_pid 101)" = "$init" ]
	berth stop 101
	has_status 101 stopped
	[ -z "$(ct_cgroups 101)" ]
}

# prepare OPERATION: brings CT 101 into the state that the operation needs.
prepare() {
	case $1 in
	create) [ -z "$(ct_status 101)" ] || berth destroy 101 ;;
	*) [ -n "$(ct_status 101)" ] || berth create 101 --ostemplate tiny --ipadd 10.99.0.101 ;;
	esac
	case $1 in
	stop | set) has_status 101 running || berth start 101 ;;
	start | destroy) has_status 101 stopped || berth stop 101 --fast ;;
	esac
}

# operate OPERATION [BYTES]: never returns; for a subshell.
operate() {
	case $1 in
	create) exec berth --root "$HOST_ROOT" create 101 --ostemplate tiny --ipadd 10.99.0.101 ;;
	stop) exec berth --root "$HOST_ROOT" stop 101 --fast ;;
	set) exec berth --root "$HOST_ROOT" set 101 --ram "$2" --hostname "h$2" --save ;;
	*) exec berth --root "$HOST_ROOT" "$1" 101 ;;
	esac
}

# As old or as new: never in between, never broken.
check_settled() {
	wait_for 20 is_idle 101
	wait_for 20 settled_as "$@" || {
		echo "after $1: $(ct_status 101)"
		return 1
	}
}

settled_as() {
	local st ram
	st=$(ct_status 101)
	case $1 in
	create | destroy) [ -z "$st" ] || [ "$st" = stopped ] ;;
	start | stop) [ "$st" = stopped ] || [ "$st" = running ] ;;
	set)
		[ "$st" = running ] || return 1
		ram=$(sed -n 's/^PHYSPAGES=//p' "$HOST_ROOT/etc/berth/ct/101.conf")
		[[ $(grep -c . "$HOST_ROOT/etc/berth/ct/101.conf") -ge 3 ]] &&
			[[ -z $ram || $ram == *"$(($2 / 4096))"* || $ram == *"$(($3 / 4096))"* ]]
		;;
	esac
	[ "$st" != broken ]
}

@test "B04 berthd killed at any moment of an operation leaves the old state or the new" {
	local op delay ram=67108864 old
	for op in create start stop set destroy; do
		for delay in 0.001 0.005 0.01 0.02 0.03 0.045 0.06 0.09; do
			# What an orphaned worker still does is waited for.
			wait_for 20 prepare $op
			old=$ram
			ram=$((ram + 1048576))
			(operate $op $ram) </dev/null >/dev/null 2>&1 3>&- &
			sleep $delay
			crash_berthd
			wait $! || true
			start_berthd
			check_settled $op $ram $old
		done
	done
}

@test "B04 a worker killed at any moment of an operation leaves the old state or the new" {
	local op delay ram=67108864 old
	for op in create start stop set destroy; do
		for delay in 0.002 0.005 0.01 0.02 0.03 0.05; do
			prepare $op
			old=$ram
			ram=$((ram + 1048576))
			(operate $op $ram) </dev/null >/dev/null 2>&1 3>&- &
			sleep $delay
			pkill -9 -P "$BERTHD_PID" -f berth-worker || true
			wait $! || true
			check_settled $op $ram $old
			berth ping
		done
	done
}

# Begins a destroy of CT 101 that cannot go on: its volume is held. Sets $holder, $destroyer and $workers.
destroy_halfway() {
	berth create 101 --ostemplate tiny
	flock "$HOST_ROOT/var/lib/berth/private/101/volume.img" sleep 100 </dev/null >/dev/null 2>&1 3>&- &
	holder=$!
	wait_for 10 volume_is_held 101
	command berth --root "$HOST_ROOT" destroy 101 </dev/null >/dev/null 2>&1 3>&- &
	destroyer=$!
	wait_for 10 test -e "$HOST_ROOT/var/lib/berth/state/101.intent"
	# The worker has it from berthd by now.
	wait_for 10 is_locked 101
	mapfile -t workers < <(pgrep -P "$BERTHD_PID" -f berth-worker)
}

volume_is_held() {
	! flock -n "$HOST_ROOT/var/lib/berth/private/$1/volume.img" true
}

let_go() {
	pkill -9 -P $holder || true
	wait $holder || true
}

@test "B04 a destroy goes on by itself when its worker is killed" {
	destroy_halfway
	kill -9 "${workers[@]}"
	let_go
	wait $destroyer
	[ -z "$(ct_status 101)" ]
	[ ! -e "$HOST_ROOT/var/lib/berth/private/101" ]
	grep -q 'ct=101 the worker of destroy died: another one continues' "$HOST_ROOT/berthd.log"
}

@test "B04 a destroy goes on by itself in the next berthd" {
	local conf
	for conf in there gone; do
		destroy_halfway
		kill -9 "$BERTHD_PID" "${workers[@]}"
		wait_for 10 process_is_gone "$BERTHD_PID"
		[ $conf = there ] || rm "$HOST_ROOT/etc/berth/ct/101.conf"
		wait $destroyer || true
		let_go
		start_berthd
		wait_for 10 is_destroyed 101
	done
}

is_destroyed() {
	[ -z "$(ct_status "$1")" ] && [ ! -e "$HOST_ROOT/var/lib/berth/private/$1" ] &&
		[ -z "$(ls -A "$HOST_ROOT/var/lib/berth/state")" ]
}

@test "B05 a client that is killed leaves no lock and no half-done work" {
	local op delay s
	for op in create start stop destroy; do
		for s in INT KILL; do
			for delay in 0.003 0.02 0.05; do
				prepare $op
				(operate $op) </dev/null >/dev/null 2>&1 3>&- &
				sleep $delay
				kill -$s $! 2>/dev/null || true
				wait $! || true
				check_settled $op
			done
		done
	done
}

@test "B07 on a full disk changes fail clean; stop and destroy work" {
	local dir
	tiny 101
	berth create 102 --ostemplate tiny
	for dir in etc/berth/ct var/lib/berth/state; do
		mkdir -p "$HOST_ROOT/$dir"
		stop_berthd
		mv "$HOST_ROOT/$dir" "$HOST_ROOT/$dir.disk"
		mkdir "$HOST_ROOT/$dir"
		mount -t tmpfs -o size=64k,mode=700 full "$HOST_ROOT/$dir"
		cp -a "$HOST_ROOT/$dir.disk/." "$HOST_ROOT/$dir/"
		start_berthd
		head -c 1M /dev/zero >"$HOST_ROOT/$dir/filler" 2>/dev/null || true
		if [ $dir = etc/berth/ct ]; then
			cp "$HOST_ROOT/$dir/101.conf" "$HOST_ROOT/old.conf"
			run ! berth set 101 --ram 64M --description "$(printf '%0200d' 0)" --save
			[[ $output == *"o space left"* ]]
			cmp "$HOST_ROOT/old.conf" "$HOST_ROOT/$dir/101.conf"
		fi
		run ! berth create 103 --ostemplate tiny
		[[ $output == *"o space left"* ]]
		run -0 berth list -a -H -o ctid
		[[ $output != *103* ]]
		[ ! -e "$HOST_ROOT/var/lib/berth/private/103" ]
		berth stop 101
		berth start 101
		berth exec2 101 true
		rm "$HOST_ROOT/$dir/filler"
		stop_berthd
		cp -a "$HOST_ROOT/$dir/." "$HOST_ROOT/$dir.disk/"
		umount "$HOST_ROOT/$dir"
		rmdir "$HOST_ROOT/$dir"
		mv "$HOST_ROOT/$dir.disk" "$HOST_ROOT/$dir"
		start_berthd
	done
}

@test "B07 a container is destroyed although no byte is free" {
	local dir=$HOST_ROOT/var/lib/berth
	stop_berthd
	rm -f "$dir"/template/debian-*
	find "$dir/template/image" -type f -not -name "$(sed -n 's/^hash=//p' "$dir/template/tiny.template")*" -delete
	mkdir "$HOST_ROOT/full"
	mount -t tmpfs -o size=100m full "$HOST_ROOT/full"
	cp -a "$dir/." "$HOST_ROOT/full/"
	mount --move "$HOST_ROOT/full" "$dir"
	start_berthd
	tiny 101 --diskspace 16M
	head -c 120M /dev/zero >"$dir/filler" 2>/dev/null || true
	run ! berth create 102 --ostemplate tiny
	[[ $output == *"o space left"* ]]
	berth stop 101 --fast
	berth destroy 101
	[ -z "$(ct_status 101)" ]
	stop_berthd
	umount "$dir"
	start_berthd
}

@test "B14 of a hundred starts at once one wins" {
	local i
	berth create 101 --ostemplate tiny
	for i in $(seq 100); do
		{
			rc=0
			command berth --root "$HOST_ROOT" start 101 >"$HOST_ROOT/out.$i" 2>&1 || rc=$?
			echo $rc >"$HOST_ROOT/rc.$i"
		} </dev/null 3>&- &
	done
	wait_for 30 all_ended 100
	[ "$(cat "$HOST_ROOT"/rc.* | grep -cx 0)" = 1 ]
	# Losers hear why: it is starting, or it runs already.
	for i in $(seq 100); do
		[ "$(cat "$HOST_ROOT/rc.$i")" = 0 ] || grep -qE 'locked|starting|running' "$HOST_ROOT/out.$i"
	done
	has_status 101 running
	[ "$(monitors_of 101)" = 1 ]
}

all_ended() {
	[ "$(cat "$HOST_ROOT"/rc.* 2>/dev/null | wc -l)" = "$1" ]
}

@test "B14 start against destroy, exec against stop: one wins, the other hears it" {
	local i a b
	for i in 1 2 3 4 5 6; do
		berth create 101 --ostemplate tiny
		command berth --root "$HOST_ROOT" start 101 >/dev/null 2>&1 3>&- & a=$!
		command berth --root "$HOST_ROOT" destroy 101 >/dev/null 2>&1 3>&- & b=$!
		ra=0 rb=0
		wait $a || ra=$?
		wait $b || rb=$?
		[ $((ra == 0)) != $((rb == 0)) ]
		if [ $ra = 0 ]; then
			has_status 101 running
			command berth --root "$HOST_ROOT" exec2 101 sleep 30 </dev/null >/dev/null 2>&1 3>&- & a=$!
			sleep 0.0$i
			berth stop 101 --fast
			ra=0
			wait $a || ra=$?
			[ $ra != 0 ]
			berth destroy 101
		fi
		[ -z "$(ct_status 101)" ]
	done
}

@test "B15 a lock ends with its holder" {
	berth create 101 --ostemplate tiny
	mkdir -p "$HOST_ROOT/run/berth/ct/101"
	flock "$HOST_ROOT/run/berth/ct/101/lock" sleep 100 </dev/null >/dev/null 2>&1 3>&- &
	holder=$!
	wait_for 5 is_locked 101
	run ! berth start 101
	[[ $output == *lock* ]]
	[ "$status" = 9 ] || echo "status $status"
	pkill -9 -P $holder
	kill -9 $holder 2>/dev/null || true
	berth start 101
}

is_locked() {
	! is_idle "$1"
}

@test "B22 a state of another boot or of a reused pid is believed by nobody" {
	sleep 1000 >/dev/null 2>&1 3>&- &
	victim=$!
	start=$(sed 's/.*) //' /proc/$victim/stat | awk '{print $20}')
	tiny 101
	tiny 102
	cp "$HOST_ROOT/run/berth/ct/101/state" "$HOST_ROOT/state"
	berth stop 101 --fast
	berth stop 102 --fast
	stop_berthd
	mkdir -p "$HOST_ROOT"/run/berth/ct/{101,102}
	# Right pid and start time, other boot.
	sed -E "s/^(init|monitor)_pid=.*/\1_pid=$victim/; s/^(init|monitor)_start=.*/\1_start=$start/
		s/^boot_id=.*/boot_id=11111111-2222-3333-4444-555555555555/" \
		"$HOST_ROOT/state" >"$HOST_ROOT/run/berth/ct/101/state"
	# This boot, but the pid is somebody else's now.
	sed -E "s/^(init|monitor)_pid=.*/\1_pid=$victim/; s/^(init|monitor)_start=.*/\1_start=12345/" \
		"$HOST_ROOT/state" >"$HOST_ROOT/run/berth/ct/102/state"
	run -0 berth status 101
	[[ $output != *running* ]]
	start_berthd
	wait_for 10 has_status 101 stopped
	wait_for 10 has_status 102 stopped
	run berth stop 101
	run berth stop 102 --fast
	berth start 101
	berth start 102
	berth stop 101 --fast
	kill -0 $victim
	kill $victim
}

@test "B23 a damaged file makes at most its own container broken" {
	local f how
	tiny 101
	berth create 102 --ostemplate tiny
	tiny 103
	first=$(init_pid 101)
	for f in etc/berth/ct/102.conf var/lib/berth/private/102/facts etc/berth/ct/103.conf \
		var/lib/berth/private/103/facts run/berth/ct/103/state; do
		cp -p "$HOST_ROOT/$f" "$HOST_ROOT/good"
		for how in empty cut garbage missing; do
			stop_berthd
			case $how in
			empty) : >"$HOST_ROOT/$f" ;;
			cut) head -c $(($(stat -c %s "$HOST_ROOT/good") / 2)) "$HOST_ROOT/good" >"$HOST_ROOT/$f" ;;
			garbage) head -c 300 /dev/urandom >"$HOST_ROOT/$f" ;;
			missing) rm "$HOST_ROOT/$f" ;;
			esac
			start_berthd || {
				echo "berthd does not start: $how $f"
				return 1
			}
			has_status 101 running && [ "$(init_pid 101)" = "$first" ] && berth exec2 101 true || {
				echo "101 suffered: $how $f"
				return 1
			}
			st=$(ct_status "$(grep -o '10[23]' <<<"$f" | head -n 1)")
			echo "$how $f: $st"
			stop_berthd
			case $f in
			run*) break ;;
			esac
			cp -p "$HOST_ROOT/good" "$HOST_ROOT/$f"
			start_berthd
			has_status 102 stopped
			wait_for 5 has_status 103 running
		done
	done
	[ "$(ct_status 101)" = running ]
}

# Damages the state file of running CT 101 while no berthd is there.
damage_state() {
	local f=$HOST_ROOT/run/berth/ct/101/state
	case $1 in
	empty) : >"$f" ;;
	cut) head -c $(($(stat -c %s "$f") / 2)) "$f" >"$f.cut" && mv "$f.cut" "$f" ;;
	garbage) head -c 300 /dev/urandom >"$f" ;;
	missing) rm "$f" ;;
	wrong) sed -i -E 's/^init_start=.*/init_start=1/' "$f" ;;
	esac
}

# bats test_tags=both,night
@test "B23 a running container without a state file is found again, not cleaned up" {
	local how
	tiny 101 --ipadd 10.99.0.101 --ram 64M
	tiny 102
	put_probe 101
	berth exec2 101 sh -c '/probe echo 7 >/dev/null 2>&1 &' </dev/null
	wait_for 10 probe ask 10.99.0.101 7
	berth list -H -o ctid,init_pid,monitor_pid,booted >"$HOST_ROOT/before"
	sort "$HOST_ROOT/run/berth/ct/101/state" | grep -v ^started >"$HOST_ROOT/state"
	exec {held}<>/dev/tcp/10.99.0.101/7
	for how in empty cut garbage missing wrong; do
		crash_berthd
		damage_state $how
		start_berthd
		wait_for 10 has_status 101 running
		# An exec is answered by the monitor, which knows nothing of berthd's search.
		wait_for 10 known_as_before
		berth exec2 101 true
		echo "$how" >&$held
		read -r -t 5 line <&$held
		[ "$line" = "$how" ]
	done
	run -0 known_as_before
	exec {held}>&-
	uptime=$(berth list -H -o uptime 101)
	[ "$uptime" -lt 300 ]
	# It is as good as before: limits, orders, the way to its end.
	berth set 101 --ram 128M --save
	berth exec2 101 'echo kept >/root/f; sync'
	berth stop 101
	run -1 grep 'ct=101 did not stop' "$HOST_ROOT/berthd.log"
	has_status 101 stopped
	[ -z "$(ct_cgroups 101)" ]
	berth start 101
	[ "$(berth exec2 101 cat /root/f)" = kept ]
}

@test "B23 a damaged state file without a cgroup beside it proves nothing" {
	tiny 101
	berth exec2 101 'echo kept >/root/f; sync'
	init=$(init_pid 101)
	stop_berthd
	damage_state cut
	cp -p "$HOST_ROOT/etc/berth/berth.conf" "$HOST_ROOT/conf"
	# Its cgroup is in another place than a berthd with this line looks.
	sed -i 's/^\(CGROUP_PARENT="[^"]*\)"/\1-other"/' "$HOST_ROOT/etc/berth/berth.conf"
	run -0 berth status 101
	[[ $output = *unknown* ]]
	start_berthd
	said() { berth status 101 2>&1 | grep -q 'volume is in use'; }
	wait_for 10 said
	has_status 101 unknown
	run ! berth start 101
	run ! berth destroy 101
	kill -0 "$init"
	# As it was: its init is found.
	stop_berthd
	mv "$HOST_ROOT/conf" "$HOST_ROOT/etc/berth/berth.conf"
	start_berthd
	wait_for 10 has_status 101 running
	[ "$(init_pid 101)" = "$init" ]
	[ "$(berth exec2 101 cat /root/f)" = kept ]
	berth stop 101
	# And of one that does not run, it is proven at once.
	damage_left
	stop_berthd
	start_berthd
	wait_for 10 has_status 101 stopped
	berth start 101
}

# A damaged state file of 101, which is stopped.
damage_left() {
	mkdir -p "$HOST_ROOT/run/berth/ct/101"
	echo init_pid=1 >"$HOST_ROOT/run/berth/ct/101/state"
	[ -z "$(ct_cgroups 101)" ]
}

# What berthd says of its CTs, and the state file of 101.
known_as_before() {
	berth list -H -o ctid,init_pid,monitor_pid,booted | diff "$HOST_ROOT/before" - &&
		sort "$HOST_ROOT/run/berth/ct/101/state" | grep -v ^started | diff "$HOST_ROOT/state" -
}

# has_found CTID INIT OLD: berthd has taken it up, with a monitor that is not OLD.
has_found() {
	local now
	now=$(berth list -H -o init_pid,monitor_pid "$1" | xargs)
	[ "${now% *}" = "$2" ] && [ "${now#* }" -gt 1 ] && [ "${now#* }" != "$3" ] && berth exec2 "$1" true
}

@test "B23 it is found again without a monitor too, and with a monitor that nobody can reach" {
	tiny 101
	init=$(init_pid 101)
	old=$(monitor_pid 101)
	kill -9 "$BERTHD_PID" "$old"
	wait_for 10 process_is_gone "$BERTHD_PID"
	damage_state garbage
	start_berthd
	wait_for 10 has_found 101 "$init" "$old"
	old=$(monitor_pid 101)
	crash_berthd
	damage_state missing
	rm "$HOST_ROOT/run/berth/ct/101/monitor.sock"
	start_berthd
	wait_for 10 has_found 101 "$init" "$old"
	wait_for 10 process_is_gone "$old"
	# One monitor, and it is the end of both.
	[ "$(monitors_of 101)" = 1 ]
	berth stop 101
	has_status 101 stopped
}

@test "B23 a running container outlives the loss of its run directory" {
	tiny 101
	tiny 102
	init=$(init_pid 101)
	rm -rf "$HOST_ROOT/run/berth/ct/101"
	berth ping
	kill -0 "$init"
	berth exec2 102 true
	has_status 101 running
	stop_berthd
	start_berthd
	berth exec2 102 true
	wait_for 10 has_found 101 "$init" none
	# Its console came along.
	berth exec2 101 'echo "a line for the console" >/dev/console'
	said() { berth console 101 --log | grep -q 'a line for the console'; }
	wait_for 5 said
	berth stop 101
	run -1 grep 'ct=101 did not stop' "$HOST_ROOT/berthd.log"
	process_is_gone "$init"
	has_status 101 stopped
}

@test "B23 one that cannot be taken up is shown as unknown and can be killed" {
	tiny 101
	init=$(init_pid 101)
	crash_berthd
	rm "$HOST_ROOT/run/berth/ct/101/state"
	mkdir -p "$HOST_ROOT/run/berth/ct/101/state/in-the-way"
	start_berthd
	wait_for 10 grep -q 'ct=101 its state file is lost.*berth stop 101 --fast' "$HOST_ROOT/berthd.log"
	has_status 101 unknown
	kill -0 "$init"
	run --separate-stderr -0 berth status 101
	[ "$output" = "CTID 101 exist mounted unknown" ]
	# shellcheck disable=SC2154 # bats sets it
	[[ $stderr == *"state file is lost"*"berth stop 101 --fast"* ]]
	run -174 berth start 101
	run -174 berth destroy 101
	run --separate-stderr -174 berth stop 101
	# shellcheck disable=SC2154 # bats sets it
	[[ $stderr == *"berth stop 101 --fast"* ]]
	kill -0 "$init"
	berth stop 101 --fast
	process_is_gone "$init"
	has_status 101 stopped
	[ -z "$(ct_cgroups 101)" ]
	rm -r "$HOST_ROOT/run/berth/ct/101/state"
	berth start 101
}

@test "B03 a stop waits for the new monitor instead of being refused" {
	local i
	berth create 101 --ostemplate tiny
	for i in 1 2 3 4; do
		berth start 101 --wait
		kill -9 "$(monitor_pid 101)"
		sleep 0.0$i
		berth stop 101 --fast
		has_status 101 stopped
	done
}

@test "B38 a packet filter that cannot be put back is told once" {
	local rules
	rules=$(dirname "$(readlink -f "/proc/$BERTHD_PID/exe")")/../libexec/berth/berth.nft
	tiny 101 --ipadd 10.99.0.101
	echo nonsense >"$HOST_ROOT/nonsense"
	# So that each read changes the time of the last one.
	touch -m -d "next year" "$HOST_ROOT/nonsense"
	seen=$(stat -c %x "$HOST_ROOT/nonsense")
	mount --bind "$HOST_ROOT/nonsense" "$rules"
	nft delete table inet "berth_test_$HOST_ID"
	wait_for 10 grep -q 'restore the packet filter' "$HOST_ROOT/berthd.log"
	# Two more tries, after 4 and 8 seconds: each reads the file.
	wait_for 30 read_again
	wait_for 30 read_again
	umount "$rules"
	[ "$(grep -c 'removed the packet filter' "$HOST_ROOT/berthd.log")" = 1 ]
	[ "$(grep -c 'restore the packet filter' "$HOST_ROOT/berthd.log")" = 1 ]
	wait_for 30 nft list table inet "berth_test_$HOST_ID"
	wait_for 10 grep -q 'the packet filter is back' "$HOST_ROOT/berthd.log"
}

read_again() {
	local now
	now=$(stat -c %x "$HOST_ROOT/nonsense")
	[ "$now" != "$seen" ] && seen=$now
}

@test "a command that does not come into its container holds no other command, console or end" {
	faults_begin
	tiny 101
	fault set enter.helper stop 0 1
	command berth --root "$HOST_ROOT" exec2 101 true </dev/null >"$HOST_ROOT/held" 2>&1 3>&- &
	held=$!
	wait_for 10 fault reached enter.helper
	helper=$(fault pid enter.helper)
	wait_for 10 grep -q '^State:.*T' "/proc/$helper/status"
	for _ in 1 2 3; do
		[ "$(berth exec2 101 echo in)" = in ]
	done
	berth exec2 101 'echo "a line for the console" >/dev/console'
	said() { berth console 101 --log | grep -q 'a line for the console'; }
	wait_for 5 said
	kill -0 $held
	grep -q '^State:.*T' "/proc/$helper/status"
	status=0
	wait $held || status=$?
	[ $status = 8 ]
	grep -q 'CT 101: cannot run .*not let the command in' "$HOST_ROOT/held"
	wait_for 5 process_is_gone "$helper"
	# And a container ends, though one is still on its way.
	fault clear
	fault set enter.helper stop 0 1
	command berth --root "$HOST_ROOT" exec2 101 true </dev/null >/dev/null 2>&1 3>&- &
	wait_for 10 fault reached enter.helper
	berth stop 101 --fast
	status=0
	wait $! || status=$?
	[ $status != 0 ]
}

@test "B27 500 exec sessions, clients killed at random: exit codes right, nothing left" {
	local i n
	tiny 101
	monitor=$(monitor_pid 101)
	procs=$(berth exec2 101 sh -c 'ls -d /proc/[0-9]* | wc -l')
	# It serves by now, so all of its own are open.
	fds=$(ls "/proc/$monitor/fd" | wc -l)
	for i in $(seq 500); do
		case $((i % 5)) in
		0) timeout -s KILL 0.0$((RANDOM % 9 + 1)) berth --root "$HOST_ROOT" exec2 101 sleep 20 ;;
		1) timeout -s KILL 0.0$((RANDOM % 9 + 1)) berth --root "$HOST_ROOT" exec2 101 cat ;;
		*)
			n=0
			command berth --root "$HOST_ROOT" exec2 101 "exit $((i % 200))" || n=$?
			[ $n = $((i % 200)) ] || echo "$i: $n" >>"$HOST_ROOT/wrong"
			;;
		esac </dev/null >/dev/null 2>&1 3>&- &
		[ $((i % 100)) != 0 ] || wait_for 30 few_jobs 20
	done
	wait_for 60 few_jobs 1
	[ ! -e "$HOST_ROOT/wrong" ] || { cat "$HOST_ROOT/wrong"; return 1; }
	wait_for 20 same_counts "$monitor" "$fds" "$procs"
	has_status 101 running
	[ "$(monitor_pid 101)" = "$monitor" ]
}

few_jobs() {
	[ "$(pgrep -fc "berth --root $HOST_ROOT exec2" || true)" -lt "$1" ]
}

same_counts() {
	[ "$(ls "/proc/$1/fd" | wc -l)" -le "$2" ] &&
		[ "$(berth exec2 101 sh -c 'ls -d /proc/[0-9]* | wc -l')" -le "$3" ]
}

# The stop is read by berthd in the same moment as it answers the start: the lock must be free by then, though
# others' stops hold up whoever lets go of a netfilter socket.
@test "a CT is free for the next order when start has answered, whatever others do" {
	for ctid in 101 102; do
		berth create "$ctid" --ostemplate tiny --diskspace 64M --ram 32M --ipadd "10.1.0.$ctid"
	done
	(
		while [ ! -e "$HOST_ROOT/enough" ]; do
			command berth --root "$HOST_ROOT" start 102
			command berth --root "$HOST_ROOT" stop 102 --fast
		done
	) >/dev/null 2>&1 3>&- &
	others=$!
	for _ in $(seq 20); do
		run varlink_calls io.berth.Container.Start '{"ct":"101"}' io.berth.Container.Stop '{"ct":"101","fast":true}'
		[[ ${#lines[@]} = 2 && $output != *'"error"'* ]] || { echo "$output"; false; }
	done
	touch "$HOST_ROOT/enough"
	wait "$others" # berthd is a child too
}

# varlink_calls METHOD PARAMETERS...: all at once on one connection; prints the answers.
varlink_calls() {
	printf '{"method":"%s","parameters":%s}\0' "$@" |
		socat -t 10 - "UNIX-CONNECT:$HOST_ROOT/run/berth/berthd.sock" | tr '\0' '\n'
}

@test "spare worker: killed, or its berthd, and the next order is done all the same" {
	berth create 101 --ostemplate tiny --diskspace 64M --ram 32M
	wait_for 5 one_spare
	kill -9 "$(spare_pid)"
	berth start 101
	wait_for 5 one_spare
	spare=$(spare_pid)
	crash_berthd
	wait_for 5 process_is_gone "$spare"
	start_berthd
	berth stop 101 --fast
}

spare_pid() { pgrep -P "$BERTHD_PID" -f -- '--wait$'; }
one_spare() { [ "$(spare_pid | wc -l)" = 1 ]; } # the one before may not have ended yet
