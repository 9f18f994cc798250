#!/usr/bin/env bats
# The life of a CT, seen from the host: what each command leaves behind, and which order is refused.
# bats file_tags=both

load helpers

setup_file() {
	setup_host
}

teardown_file() {
	teardown_host
}

# Every test begins with CT 101 of the template tiny, stopped.
setup() {
	berth create 101 --ostemplate tiny
}

teardown() {
	local ctid
	for ctid in $(berth list -a -H -o ctid); do
		berth stop "$ctid" --fast >/dev/null 2>&1 || true
		berth umount "$ctid" >/dev/null 2>&1 || true
		berth destroy "$ctid"
	done
	wait_for 5 leaks
}

# Nothing of any CT but its config and its private area.
only_files() {
	! leaks | grep -v '^file '
}

status_is() {
	[ "$(berth status "$1")" = "CTID $1 $2" ]
}

# bats test_tags=night
@test "create makes a config and a private area, and nothing runs" {
	status_is 101 "exist unmounted down"
	grep -qx 'OSTEMPLATE="tiny"' "$HOST_ROOT/etc/berth/ct/101.conf"
	[ -s "$HOST_ROOT/var/lib/berth/private/101/volume.img" ]
	[ "$(stat -c %a:%u "$HOST_ROOT/var/lib/berth/private/101")" = 700:0 ]
	wait_for 10 only_files
	[ -z "$(ct_cgroups 101)" ]
}

# bats test_tags=night
@test "start, start again, stop, stop again" {
	berth start 101 --wait
	status_is 101 "exist mounted running"
	[ -n "$(ct_cgroups 101)" ]
	[ -d "/proc/$(init_pid 101)" ]
	run -32 berth start 101
	status_is 101 "exist mounted running"
	pid=$(init_pid 101)
	berth stop 101 --fast
	status_is 101 "exist unmounted down"
	process_is_gone "$pid"
	wait_for 10 only_files
	run -31 berth stop 101
}

@test "stop asks the guest, and what it wrote is there after the next start" {
	berth start 101
	berth exec2 101 'echo kept >/root/f; (trap "" HUP; sleep 1000) >/dev/null 2>&1 &'
	berth stop 101
	run -1 grep "ct=101 .*did not stop" "$HOST_ROOT/berthd.log"
	berth start 101
	[ "$(berth exec2 101 cat /root/f)" = kept ]
}

# bats test_tags=night
@test "a guest that does not listen is killed after its time" {
	berth set 101 --stop-timeout 1 --save
	berth start 101 --wait
	# Without its table of actions busybox's init powers off at once; this one hangs instead.
	berth exec2 101 'printf "::shutdown:/bin/sleep 1000\n::respawn:/bin/touch /reread\n" >/etc/inittab
		kill -HUP 1'
	wait_for 60 berth exec2 101 test -e /reread
	berth stop 101
	grep -q 'ct=101 did not stop in 1 s: killed' "$HOST_ROOT/berthd.log"
	status_is 101 "exist unmounted down"
}

# bats test_tags=night
@test "restart gives a new init, and starts a stopped container" {
	berth restart 101 --wait
	first=$(init_pid 101)
	berth restart 101 --fast
	second=$(init_pid 101)
	[ -n "$second" ] && [ "$first" != "$second" ]
	process_is_gone "$first"
}

@test "reboot inside restarts the container, poweroff stops it" {
	berth start 101 --wait
	first=$(init_pid 101)
	rebooted() { local p && p=$(init_pid 101) && [ -n "$p" ] && [ "$p" != - ] && [ "$p" != "$first" ]; }
	wait_for 20 init_listens 101
	berth exec 101 reboot
	wait_for 60 rebooted
	wait_for 20 berth exec2 101 true
	status_is 101 "exist mounted running"
	wait_for 20 init_listens 101
	berth exec 101 poweroff
	wait_for 60 status_is 101 "exist unmounted down"
	wait_for 10 only_files
}

# bats test_tags=night
@test "mount shows a stopped container's root to the host" {
	run -0 berth mount 101
	root=$output
	[ -x "$root/bin/busybox" ]
	status_is 101 "exist mounted down"
	[ "$(berth list -a -H -o status 101 | tr -d ' ')" = mounted ]
	run -41 berth mount 101
	run -31 berth exec 101 true
	run -41 berth destroy 101
	berth umount 101
	[ ! -e "$root/bin/busybox" ]
	status_is 101 "exist unmounted down"
	run -40 berth umount 101
}

# bats test_tags=night
@test "start takes a mounted container over" {
	root=$(berth mount 101)
	berth start 101
	[ ! -e "$root/bin/busybox" ]
	run -32 berth mount 101
	[ "$(berth exec2 101 echo up)" = up ]
}

# bats test_tags=night
@test "destroy refuses a running container and leaves nothing of a stopped one" {
	berth start 101
	run -32 berth destroy 101
	[ "$(berth exec2 101 echo up)" = up ]
	berth stop 101 --fast
	berth destroy 101
	run -0 leaks
	status_is 101 "deleted unmounted down"
	run -14 berth destroy 101
	run -14 berth start 101
}

# bats test_tags=night
@test "a name stands for the CTID, and create finds a free CTID" {
	# A guest's small disk is oversold, which is said on stderr.
	run --separate-stderr -0 berth create web1 --ostemplate tiny
	[ "$output" = 102 ]
	run --separate-stderr -0 berth create --ostemplate tiny --name db
	[ "$output" = 103 ]
	berth start web1
	status_is 102 "exist mounted running"
	[ "$(berth status web1)" = "$(berth status 102)" ]
	[ "$(berth exec2 web1 hostname)" = ct102 ]
	berth set db --name db2 --save
	run -14 berth status db
	berth status db2
	berth stop web1 --fast
	berth destroy web1
	run -14 berth start web1
}

# bats test_tags=night
@test "vzctl and vzlist are the same program" {
	vzctl create 102 --ostemplate tiny --hostname old.example.com
	vzctl start 102
	[ "$(vzctl status 102)" = "CTID 102 exist mounted running" ]
	[ "$(vzctl exec2 102 hostname)" = old.example.com ]
	run -0 vzlist -H -o ctid
	[ "$(tr -d ' ' <<<"$output")" = 102 ]
	run -0 vzlist -a -1
	[ "$(tr -d ' ' <<<"$output" | tr '\n' ' ')" = "101 102 " ]
	vzctl stop 102 --fast
	vzctl delete 102
	run -0 vzlist -a -1
	[ "$(tr -d ' ' <<<"$output")" = 101 ]
}

# bats test_tags=night
@test "a container is told by its CTID, and by the name that was typed" {
	berth create 102 --ostemplate tiny --name web1
	# What a terminal is told.
	told() { script -qec "berth --root $HOST_ROOT $*" /dev/null </dev/null | tr -d '\r'; }
	[ "$(told start web1 --wait)" = "CT 102 (web1) has booted" ]
	[ "$(told restart 102 --fast)" = "CT 102 has started" ]
	[ "$(told stop web1 --fast)" = "CT 102 (web1) has stopped" ]
	[ "$(told destroy web1)" = "CT 102 (web1) has been destroyed" ]
}

# bats test_tags=night
@test "status says stopping until all is released, and start waits for it" {
	berth start 101 --wait
	# Whoever has its disk open keeps it in use.
	loop=$(losetup -n -O NAME -j "$HOST_ROOT/var/lib/berth/private/101/volume.img")
	exec {held}<"$loop"
	kill -9 "$(init_pid 101)"
	wait_for 10 status_is 101 "exist mounted stopping"
	[ "$(berth list -a -H -o status 101 | tr -d ' ')" = stopping ]
	fds=$(berthd_fds)
	command berth --root "$HOST_ROOT" start 101 3>&- {held}<&- &
	starter=$!
	wait_for 10 call_arrived "$fds"
	kill -0 $starter
	status_is 101 "exist mounted stopping"
	exec {held}<&-
	wait $starter
	status_is 101 "exist mounted running"
}

# bats test_tags=night
@test "an address is given up by the command that the refusal names" {
	local addr=198.51.100.9
	mend() { sed -n 's/.*first: berth //p'; }
	berth start 101
	# It has the address until it stops.
	berth set 101 --ipadd $addr
	run --separate-stderr -78 berth create 102 --ostemplate tiny --ipadd $addr
	# shellcheck disable=SC2154 # bats sets it
	[ "$(mend <<<"$stderr")" = "set 101 --ipdel $addr" ]
	# shellcheck disable=SC2046 # words of a command
	berth $(mend <<<"$stderr")
	berth create 102 --ostemplate tiny --ipadd $addr
	berth destroy 102
	# Its config has the address, while it runs without.
	berth set 101 --ipadd $addr --save
	berth set 101 --ipdel $addr
	run --separate-stderr -78 berth create 102 --ostemplate tiny --ipadd $addr
	[ "$(mend <<<"$stderr")" = "set 101 --ipdel $addr --save" ]
	# shellcheck disable=SC2046
	berth $(mend <<<"$stderr")
	berth create 102 --ostemplate tiny --ipadd $addr
	run -71 berth set 101 --ipdel $addr --save
}

# bats test_tags=night
@test "vzlist's load average is accepted, and promised to nobody" {
	[ "$(vzlist -a -H -o laverage 101 | tr -d ' ')" = - ]
	run -1 grep laverage < <(berth list -L; berth list -a -j)
}

# bats test_tags=night
@test "the console's log is kept while the container is down" {
	berth start 101
	berth exec2 101 'echo "a line for the console" >/dev/console'
	said() { berth console 101 --log | grep -q 'a line for the console'; }
	wait_for 5 said
	berth stop 101 --fast
	said
}

# bats test_tags=night
@test "layout private has a root of its own that can be an overlay's layer" {
	berth create 102 --ostemplate tiny --layout private --diskspace 64M
	[ "$(berth list -H -o layout 102 | tr -d ' ')" = private ]
	berth start 102 --wait
	[ "$(berth exec2 102 hostname)" = ct102 ]
	berth exec2 102 'mkdir /l /u /w /m && mount -t overlay -o lowerdir=/l,upperdir=/u,workdir=/w o /m &&
		echo inner >/m/f && cat /u/f'
	berth stop 102 --fast
	berth start 102
	[ "$(berth exec2 102 cat /u/f)" = inner ]
}

# bats test_tags=night
@test "the machine id and the identity files are the container's own" {
	berth create 102 --ostemplate tiny --hostname b.example.com --nameserver 192.0.2.53 \
		--searchdomain example.com --ipadd 198.51.100.7
	berth start 101
	berth start 102
	[ "$(berth exec2 102 hostname)" = b.example.com ]
	run -0 berth exec2 102 cat /etc/resolv.conf
	[[ $output == *"nameserver 192.0.2.53"* ]]
	[[ $output == *"search example.com"* ]]
	run -0 berth exec2 102 cat /etc/hosts
	[[ $output == *198.51.100.7*b.example.com* ]]
	[ "$(berth exec2 101 hostname)" = ct101 ]
	[ "$(berth list -H -o uuid 101)" != "$(berth list -H -o uuid 102)" ]
	[ "$(berth list -H -o id_base 101)" != "$(berth list -H -o id_base 102)" ]
}

# bats test_tags=night
@test "several operations at once: one wins, the others say locked or running" {
	for i in 1 2 3 4; do
		berth start 101 >"$BATS_TEST_TMPDIR/$i.out" 2>&1 3>&- &
		pids[i]=$!
	done
	won=0
	for i in 1 2 3 4; do
		status=0
		wait "${pids[i]}" || status=$?
		case $status in
		0) won=$((won + 1)) ;;
		9 | 32) ;;
		*) cat "$BATS_TEST_TMPDIR/$i.out" && return 1 ;;
		esac
	done
	[ $won = 1 ]
	[ "$(berth exec2 101 echo up)" = up ]
}
