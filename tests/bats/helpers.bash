# helpers.bash - a berth host of its own for a test, and proof that the test left nothing.
#
#	load helpers
#	setup() { setup_host; }
#	teardown() { teardown_host; }
#
# tests/run gives each file private mount, network and pid namespaces; a host has its own --root,
# CGROUP_PARENT and NFT_TABLE, so that several can live at once. See tests/README.md.
# shellcheck shell=bash

bats_require_minimum_version 1.5.0

berth() { command berth --root "$HOST_ROOT" "$@"; }
vzctl() { command vzctl --root "$HOST_ROOT" "$@"; }
vzlist() { command vzlist --root "$HOST_ROOT" "$@"; }

# In an emulated guest a program takes a fifth of a second to begin: what each test does many times does it without one,
# and with loops in a subshell without bats' trap, which costs as much as ten commands.

# Nobody writes here.
BERTH_TEST_NEVER=${BERTH_TEST_DIR:-/var/tmp}/never.fifo
mkdir -p "${BERTH_TEST_NEVER%/*}"
mkfifo "$BERTH_TEST_NEVER" 2>/dev/null || [ -p "$BERTH_TEST_NEVER" ]

# wait_for SECONDS COMMAND...: until it succeeds. The seconds are those of a machine with nothing else to do.
wait_for() {
	local end=$((SECONDS + $1 * 5))
	shift
	until "$@" >/dev/null 2>&1; do
		if [ $SECONDS -ge $end ]; then
			echo "waited in vain for: $*" >&2
			return 1
		fi
		read -rt 0.05 _ <>"$BERTH_TEST_NEVER" || true
	done
}

# A network namespace is born empty: a CT needs an uplink, a way out and a world there. The world is
# another namespace, at 192.0.2.254 and 2001:db8::fe, held by a process of its own.
setup_network() {
	local world=${BERTH_TEST_DIR:-/var/tmp}/world.pid
	ip link set lo up
	ip link show up0 >/dev/null 2>&1 && return
	unshare -n sleep infinity </dev/null >/dev/null 2>&1 3>&- 4>&- &
	echo $! >"$world"
	wait_for 10 not_our_network $!
	ip link add up0 type veth peer name w0 netns "$(cat "$world")"
	ip addr add 192.0.2.1/24 dev up0
	ip -6 addr add 2001:db8::1/64 dev up0 nodad
	ip link set up0 up
	world sh -ec 'ip link set lo up; ip addr add 192.0.2.254/24 dev w0
		ip -6 addr add 2001:db8::fe/64 dev w0 nodad; ip link set w0 up'
	ip route add default via 192.0.2.254 dev up0
	ip -6 route add default via 2001:db8::fe dev up0
}

not_our_network() {
	[ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

# world COMMAND...: runs it as a machine on the uplink of the test host.
world() {
	nsenter -t "$(cat "${BERTH_TEST_DIR:-/var/tmp}/world.pid")" -n "$@"
}

# setup_host [KEY=VALUE...]: a new host; KEYs go to its berth.conf. Sets and exports HOST_ROOT, HOST_ID.
setup_host() {
	local base=${BERTH_TEST_DIR:-/var/tmp}
	mkdir -p "$base"
	HOST_ROOT=$(mktemp -d "$base/host.XXXXXX")
	HOST_ID=${HOST_ROOT##*.}
	export HOST_ROOT HOST_ID
	chmod 755 "$HOST_ROOT"
	mkdir -p "$HOST_ROOT"/etc/berth "$HOST_ROOT"/var/lib/berth
	{
		echo "CGROUP_PARENT=\"/berth-test-$HOST_ID\""
		echo "NFT_TABLE=\"berth_test_$HOST_ID\""
		[ $# = 0 ] || printf '%s\n' "$@" | sed 's/=\(.*\)/="\1"/'
	} >"$HOST_ROOT/etc/berth/berth.conf"
	setup_templates
	setup_network
	links >"$HOST_ROOT/links.before"
	start_berthd
}

# The names of this namespace's links, each in a line. (/sys/class/net may be another namespace's.)
links() (
	trap - DEBUG
	local name rest
	while read -r name rest; do
		[[ $name != *: ]] || echo "${name%:}"
	done </proc/net/dev
)

# faults_begin: a berthd on this host, and what it runs from now on, heeds what `fault` says.
faults_begin() {
	command fault "$HOST_ROOT/faults" new
	export BERTH_FAULTS=$HOST_ROOT/faults
	stop_berthd
	start_berthd
}

# fault set [PROGRAM:]POINT ACTION [SKIP [TIMES]], and the rest of tests/tools/fault.c.
fault() { command fault "$HOST_ROOT/faults" "$@"; }

# The templates that tests/run has built, by hard links where the file system is the same.
setup_templates() {
	[ -n "${BERTH_TEST_TEMPLATES:-}" ] || return 0
	install -d -m 700 "$HOST_ROOT/var/lib/berth/template"
	cp -al "$BERTH_TEST_TEMPLATES/." "$HOST_ROOT/var/lib/berth/template/" 2>/dev/null ||
		cp -a --reflink=auto "$BERTH_TEST_TEMPLATES/." "$HOST_ROOT/var/lib/berth/template/"
}

# Starts berthd and waits until it answers. Sets BERTHD_PID. False, with what it said, as soon as it has ended.
start_berthd() {
	local said=1
	[ ! -e "$HOST_ROOT/berthd.log" ] || said=$(($(stat -c %s "$HOST_ROOT/berthd.log") + 1))
	command berthd --root "$HOST_ROOT" </dev/null >>"$HOST_ROOT/berthd.log" 2>&1 3>&- 4>&- &
	BERTHD_PID=$!
	export BERTHD_PID
	wait_for 30 berthd_answers_or_gone
	if process_is_gone "$BERTHD_PID" || ! berth ping >/dev/null; then
		tail -c "+$said" "$HOST_ROOT/berthd.log" >&2
		return 1
	fi
}

berthd_answers_or_gone() {
	{ [ -S "$HOST_ROOT/run/berth/berthd.sock" ] && berth ping >/dev/null 2>&1; } || process_is_gone "$BERTHD_PID"
}

# stop_berthd [SIGNAL]: and waits for its end.
# shellcheck disable=SC2120
stop_berthd() {
	kill "-${1:-TERM}" "$BERTHD_PID" 2>/dev/null || true
	wait_for 20 process_is_gone "$BERTHD_PID"
}

process_is_gone() {
	local stat
	kill -0 "$1" 2>/dev/null && { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
	[[ ${stat##*) } == [ZX]* ]]
}

# tiny CTID [OPTION...]: a running CT of the template tiny.
tiny() {
	local ctid=$1
	shift
	berth create "$ctid" --ostemplate tiny "$@"
	berth start "$ctid" --wait
}

# How many descriptors berthd has. call_arrived N: it had N, and has one client more now.
berthd_fds() {
	ls "/proc/$BERTHD_PID/fd" | wc -l
}

call_arrived() {
	[ "$(berthd_fds)" -gt "$1" ] && berth ping
}

# guest CTID NAME [OPTION...]: a running CT of the root file system NAME (tests/vm/build-guests). One that is missing is
# a failure, but in a file that sets GUESTS_MAY_MISS.
guest() {
	local tar=${BERTH_TEST_GUESTS:-}/$2.tar
	if [ ! -e "$tar" ]; then
		[ -z "${GUESTS_MAY_MISS:-}" ] || skip "no root file system $2: its archive was out of reach"
		echo "no root file system $tar"
		return 1
	fi
	berth template import "$2" "$tar"
	berth create "$1" --ostemplate "$2" --ram 512M --ipadd "10.99.0.$1" "${@:3}"
	berth start "$1" --wait
}

# put_probe CTID: tests/tools/probe as /probe of a running CT.
put_probe() {
	berth exec2 "$1" sh -c 'cat >/probe && chmod 755 /probe' <"$(command -v probe)"
}

# monitors_of CTID: how many there are. Who answers for its view is a child of its monitor, of another name.
monitors_of() {
	local p n=0
	for p in $(pgrep -f "berth-monitor $1 $HOST_ROOT/run/berth/ct/$1"); do
		[ "$(cat "/proc/$p/comm")" != berth-monitor ] || n=$((n + 1))
	done
	echo $n
}

# The pid of a CT's init as this namespace sees it.
init_pid() {
	berth list -H -o init_pid "$1" | tr -d ' '
}

# init_listens CTID: its init heeds SIGTERM, which reboot and poweroff inside send; before, it would be lost
# (pid_namespaces(7)).
init_listens() {
	local pid mask
	pid=$(sed -n 's/^init_pid=//p' "$HOST_ROOT/run/berth/ct/$1/state")
	for mask in $(awk '/^Sig(Blk|Cgt):/ {print $2}' "/proc/$pid/status"); do
		((0x$mask >> 14 & 1)) && return
	done
	# rt_sigtimedwait(2), where busybox's init waits for it: what it waits for is not shown as blocked.
	grep -q '^128 ' "/proc/$pid/syscall"
}

# live_and_die N: so many lives of CT 101.
live_and_die() {
	local n
	for ((n = 0; n < $1; n++)); do
		berth create 101 --ostemplate tiny --diskspace 16M --ram 16M --ipadd 10.99.0.101 &&
			berth start 101 &&
			berth set 101 --ram 32M --hostname "life$n" --save &&
			berth stop 101 --fast &&
			berth destroy 101 || return
	done >/dev/null
}

# counts: what would grow if something leaked, "NAME NUMBER" a line. The host has no CT then.
counts() {
	wait_for 5 no_releaser
	echo "descriptors $(find "/proc/$BERTHD_PID/fd" -mindepth 1 | wc -l)"
	echo "memory_kib $(awk '/^VmRSS:/ {print $2}' "/proc/$BERTHD_PID/status")"
	echo "cgroups $(host_cgroups | xargs -r -I {} find {} -type d | wc -l)"
	echo "mounts $(wc -l </proc/self/mountinfo)"
	echo "loops $(losetup -n -O BACK-FILE | grep -cF "$HOST_ROOT")"
	echo "links $(ip -o link | wc -l)"
	echo "files $(find "$HOST_ROOT" -not -path "$HOST_ROOT/berthd.log" | wc -l)"
}

# flat BEFORE AFTER KIB: two files of counts are the same, but for that much memory.
flat() {
	local name was is bad=0
	while read -r name was is; do
		if [ "$name" = memory_kib ]; then was=$((was + $3)); fi
		[ "$is" -le "$was" ] || { echo "$name grew: $was to $is" && bad=1; }
	done < <(join <(sort "$1") <(sort "$2"))
	return $bad
}

# host_cgroups [BELOW]: this host's cgroups of that path, in every hierarchy. (A find through all cgroups of a busy machine
# takes seconds.)
host_cgroups() {
	local h
	for h in /sys/fs/cgroup /sys/fs/cgroup/*; do
		[ -L "$h" ] || [ ! -d "$h/berth-test-$HOST_ID${1:-}" ] || echo "$h/berth-test-$HOST_ID${1:-}"
	done
}

# Directories of the CT's cgroups, in every hierarchy.
ct_cgroups() {
	host_cgroups "/berth/$1"
}

# Pids in the host's cgroups, and those that were told its root.
host_processes() (
	trap - DEBUG
	local p text words
	for p in /proc/[0-9]*; do
		text=''
		{ IFS= read -r -d '' text <"$p/cgroup"; } 2>/dev/null || true
		{ mapfile -d '' -t words <"$p/cmdline"; } 2>/dev/null || words=()
		[[ $text != */"berth-test-$HOST_ID"* && "${words[*]} " != *"--root $HOST_ROOT "* ]] || echo "${p#/proc/}"
	done
)

# The worker that the living berthd keeps for the next operation.
is_spare_worker() {
	grep -qsx "PPid:	$BERTHD_PID" "/proc/$1/status" &&
		[[ $(tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline") == *"berth-worker "*" --wait " ]]
}

# A process that has released a CT's network, and waits a moment for the kernel with nothing of the CT.
no_releaser() (
	trap - DEBUG
	local p comm
	for p in $(host_processes); do
		{ read -r comm <"/proc/$p/comm"; } 2>/dev/null || continue
		[ "$comm" != berth-release ] || return 1
	done
)

# Loop devices of this host's files: "DEVICE FILE".
host_loops() (
	trap - DEBUG
	local d file
	for d in /sys/block/loop*/loop/backing_file; do
		{ read -r file <"$d"; } 2>/dev/null || continue
		[[ $file != "$HOST_ROOT"/* ]] || { d=${d#/sys/block/} && echo "/dev/${d%%/*} $file"; }
	done
)

# Where something is mounted that has to do with this host's root, the newest first.
host_mounts() (
	trap - DEBUG
	local root point rest mounts=()
	while read -r _ _ _ root point rest; do
		[[ "$root $point $rest" != *"$HOST_ROOT"* ]] || mounts=("$point" "${mounts[@]}")
	done </proc/self/mountinfo
	[ ${#mounts[@]} = 0 ] || printf '%s\n' "${mounts[@]}"
)

# What a host without CTs must not have, a thing a line.
find_leaks() (
	trap - DEBUG
	local p d before
	for p in $(host_processes); do
		[ "$p" != "${BERTHD_PID:-}" ] || continue
		# The first process of a test's pid namespace reaps nobody.
		! process_is_gone "$p" || continue
		! is_spare_worker "$p" || continue
		echo "process $p: $(tr '\0' ' ' 2>/dev/null <"/proc/$p/cmdline")"
	done
	host_mounts | sed 's/^/mount /'
	for d in $(host_cgroups /berth); do
		find "$d" -mindepth 1 -type d -printf 'cgroup %p\n' 2>/dev/null
	done
	mapfile -t before <"$HOST_ROOT/links.before"
	for p in $(links); do
		[[ " ${before[*]} " == *" $p "* ]] || echo "link $p"
	done
	# The elements of the CTs.
	d=$(nft list table inet "berth_test_$HOST_ID" 2>/dev/null) || true
	grep -B 4 'elements = ' <<<"$d" | sed 's/^/nft: /'
	host_loops | sed 's/^/loop device /'
	for d in etc/berth/ct var/lib/berth/private run/berth/ct; do
		for p in "$HOST_ROOT/$d"/* "$HOST_ROOT/$d"/.[!.]*; do
			if [ -e "$p" ] || [ -L "$p" ]; then find "$p" -printf 'file %p\n'; fi
		done
	done
)

# leaks: prints what a host without CTs must not have; true if there is nothing.
leaks() {
	local found
	wait_for 2 no_releaser || true # told below, as any process
	found=$(find_leaks)
	[ -z "$found" ] || echo "$found"
	[ -z "$found" ]
}

# Ends the host. Fails the test if anything of it is left: that is a fault of berth, not of the test.
teardown_host() {
	local ctid left=0
	[ -n "${HOST_ROOT:-}" ] || return 0
	[ ! -e "$HOST_ROOT/faults" ] || fault clear
	if [ -z "${BATS_TEST_COMPLETED:-}" ] && [ -s "$HOST_ROOT/berthd.log" ]; then
		echo "the end of berthd's log:"
		tail -n 20 "$HOST_ROOT/berthd.log"
	fi
	berth ping >/dev/null 2>&1 || start_berthd || left=1
	for ctid in $(berth list -a -H -o ctid 2>/dev/null); do
		berth set "$ctid" --disabled no --save >/dev/null 2>&1 || true
		berth stop "$ctid" --fast >/dev/null 2>&1 || true
		berth umount "$ctid" >/dev/null 2>&1 || true
		berth destroy "$ctid" || left=1
	done
	stop_berthd || left=1
	# What the kernel does a little later is no leak: device release, for one.
	wait_for 5 leaks || {
		echo "left behind by this test:"
		leaks || true
		left=1
	}
	remove_host
	return $left
}

# By force, so that one test's leak is not the next one's.
remove_host() {
	local d p
	for d in /sys/fs/cgroup/"berth-test-$HOST_ID"* /sys/fs/cgroup/*/"berth-test-$HOST_ID"*; do
		if [ ! -d "$d" ] || [ -L "${d%/*}" ]; then continue; fi
		find "$d" -depth -type d | while read -r d; do
			# 0 is a process of another pid namespace, and no pid to kill.
			while read -r p; do
				[ "$p" = 0 ] || kill -9 "$p" 2>/dev/null || true
			done <"$d/cgroup.procs" 2>/dev/null
			# What was killed is gone a moment later.
			wait_for 1 rmdir "$d" 2>/dev/null || true
		done
	done
	for p in $(host_processes); do kill -9 "$p" 2>/dev/null || true; done
	for d in $(host_mounts); do umount -l "$d" 2>/dev/null || true; done
	host_loops | while read -r d p; do losetup -d "$d" 2>/dev/null || true; done
	nft delete table inet "berth_test_$HOST_ID" 2>/dev/null || true
	rm -rf "$HOST_ROOT"
	unset HOST_ROOT HOST_ID BERTHD_PID BERTH_FAULTS
}
