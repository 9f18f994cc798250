#!/usr/bin/env bats
# Pools of the kernel that root in a CT can reach, as SECURITY.md lists them: one CT takes all that it gets, and the
# host and a neighbour go on. Rows T1, T4, T8 and H7.

# bats file_tags=alone
load helpers

setup() {
	setup_host DEF_OSTEMPLATE=tiny
}

teardown() {
	teardown_host
}

# takes NAME ARGUMENT...: CT 101 takes of a pool and keeps it; what it says is in $HOST_ROOT/NAME.out.
takes() {
	berth exec2 101 /probe "$@" hold >"$HOST_ROOT/$1.out" 2>&1 3>&- 4>&- &
	wait_for 60 grep -q ', then ' "$HOST_ROOT/$1.out"
	cat "$HOST_ROOT/$1.out"
}

# What CT 101 got of a pool, after takes.
got() {
	sed -n 's/^.*\b\([0-9]\+\) [a-zA-Z ]*, then .*/\1/p' "$HOST_ROOT/$1.out"
}

available_mib() {
	awk '/^MemAvailable/ {print int($2 / 1024)}' /proc/meminfo
}

host_threads() {
	sed 's,.*/\([0-9]*\) .*,\1,' /proc/loadavg
}

# A link of CT 101's own with a large network behind it, where nobody is.
own_network() {
	berth exec2 101 sh -c 'ip link add br0 type bridge; ip addr add 10.0.0.1/8 dev br0; ip link set br0 up'
}

# The host finds a neighbour that it did not know a moment ago.
host_resolves() {
	ip neigh flush dev up0
	ping -c 1 -W 5 192.0.2.254 >/dev/null
}

# bats test_tags=both,kernel
@test "T1 packet rings and fan-out groups are refused" {
	tiny 101
	put_probe 101
	run -0 berth exec2 101 /probe rings 8 1024
	[ "$output" = "0 rings, then Operation not permitted" ]
}

@test "T1 capture:on gives packet rings, after a restart" {
	tiny 101 --features capture:on
	put_probe 101
	run -0 berth exec2 101 /probe rings 2 1
	[ "$output" = "2 rings, then enough" ]
	berth set 101 --features capture:off --save
	berth restart 101
	run -0 berth exec2 101 /probe rings 2 1
	[ "$output" = "0 rings, then Operation not permitted" ]
}

# Here only: 127 network namespaces take an emulated guest minutes.
@test "T1 network namespaces of a CT are counted, whatever its root writes and whoever makes them" {
	tiny 101
	tiny 102
	put_probe 101
	berth exec2 101 sh -c 'echo 1000000 >/proc/sys/user/max_net_namespaces'
	before=$(available_mib)
	takes netns 6000
	[ "$(got netns)" -ge 100 ]
	[ "$(got netns)" -lt 128 ]
	grep -q 'No space left on device' "$HOST_ROOT/netns.out"
	[ $((before - $(available_mib))) -lt 300 ]
	run ! berth exec2 101 unshare -n true
	berth exec2 102 unshare -n true
	unshare -n true
	# The other users of the CT have no share of their own.
	run -0 berth exec2 101 /probe netns 10 5
	[ "$output" = "0 network namespaces, then No space left on device" ]
	berth stop 101 --fast
	berth start 101 --wait
	berth exec2 101 unshare -n true
	put_probe 101
	run -0 berth exec2 101 /probe netns 10 5
	[ "$output" = "10 network namespaces, then enough" ]
}

# Here only: an emulated guest takes minutes.
@test "T1 buffers of sockets are the CT's own memory, or bounded by a quarter of it" {
	tiny 101 --ram 128M
	put_probe 101
	before=$(available_mib)
	takes udp 2000 # 400 MiB, were it nobody's
	[ $((before - $(available_mib))) -lt 200 ]
	tiny 102
	put_probe 102
	run -0 berth exec2 102 /probe udp 20
	[[ $output == "20 of them hold data; 20 UDP sockets, then enough" ]]
}

@test "H7 numcgroups bounds the cgroups inside, at once, and is shown" {
	tiny 101
	wide='cd /sys/fs/cgroup; i=0; while [ $i -lt 1100 ] && mkdir c$i 2>/dev/null; do i=$((i + 1)); done; echo $i; rmdir c*'
	[ "$(berth exec2 101 sh -c "$wide")" = 1024 ]
	berth set 101 --numcgroups 300
	[ "$(berth exec2 101 sh -c "$wide")" = 300 ]
	berth exec2 101 mkdir /sys/fs/cgroup/one /sys/fs/cgroup/two
	[ "$(berth list -H -o numcgroups,numcgroups.l 101 | xargs)" = "2 300" ]
	run ! berth set 101 --numcgroups 3
}

@test "T8 thousands of packet sockets do not hold a stop" {
	tiny 101
	put_probe 101
	takes packets 3000
	[ "$(got packets)" = 3000 ]
	run berth doctor
	grep -q 'CT 101 has 3[0-9]* packet sockets' <<<"$output"
	begin=$SECONDS
	berth stop 101 --fast
	[ $((SECONDS - begin)) -lt 15 ]
	# What was set on the host for it is taken back.
	wait_for 10 test ! -e "$HOST_ROOT/run/berth/rcu_expedited"
}

@test "T8 a berthd that is killed meanwhile leaves RCU as it was" {
	[ "$(cat /sys/kernel/rcu_expedited)" = 0 ] || skip "the admin of this machine has expedited RCU"
	tiny 101
	put_probe 101
	takes packets 5000
	berth stop 101 --fast >/dev/null 2>&1 3>&- 4>&- &
	wait_for 20 grep -qx 1 /sys/kernel/rcu_expedited
	kill -9 "$BERTHD_PID"
	wait_for 10 grep -qx 0 /sys/kernel/rcu_expedited
	start_berthd
	[ ! -e "$HOST_ROOT/run/berth/rcu_expedited" ]
	wait_for 60 berth stop 101 --fast
}

# bats test_tags=both
@test "T4 one CT cannot take all AIO events" {
	tiny 101
	tiny 102
	put_probe 101
	put_probe 102
	takes aio 90 65536 # of 512 MiB; each context is 4 MiB of them
	[ "$(got aio)" = 90 ]
	run -0 berth exec2 102 /probe aio 10 1024
	[ "$output" = "10 AIO contexts, then enough" ]
	run -0 probe aio 10 1024
	[ "$output" = "10 AIO contexts, then enough" ]
	# What it took is its own memory.
	[ "$(berth list -H -o physpages 101 | tr -d ' ')" -gt 80000 ]
}

@test "T4 one CT cannot take all files, inotify instances or IPC segments" {
	tiny 101
	tiny 102
	put_probe 101
	put_probe 102
	takes files 1000000 # to the limit of a process
	[ "$(got files)" -ge 10000 ]
	takes inotify 10000
	[ "$(got inotify)" -le 4096 ]
	takes shm 10000
	[ "$(got shm)" -lt 10000 ]
	for who in 'berth exec2 102 /probe' probe; do
		run -0 $who files 1000
		[ "$output" = "1000 files, then enough" ]
		run -0 $who inotify 100
		[ "$output" = "100 inotify instances, then enough" ]
		run -0 $who shm 100
		[ "$output" = "100 segments, then enough" ]
	done
}

@test "T4 200000 neighbours of a CT leave the host and others theirs" {
	tiny 101 --ipadd 192.0.2.101
	tiny 102 --ipadd 192.0.2.102
	put_probe 101
	own_network
	takes neighbours 200000
	[ "$(got neighbours)" = 200000 ]
	host_resolves
	berth exec2 102 ping -c 1 -W 5 192.0.2.254
	ping -c 1 -W 5 192.0.2.102
}

@test "T1 T4 all at once: the host loses less than 600 MiB and no threads, a neighbour starts and works" {
	tiny 101
	put_probe 101
	before=$(available_mib) threads=$(host_threads)
	least() {
		local now
		now=$(available_mib)
		echo "$1: $((before - now)) MiB, $(($(host_threads) - threads)) threads"
		[ $((before - now)) -lt 600 ]
		[ $(($(host_threads) - threads)) -lt 16384 ]
	}
	own_network
	takes rings 8 1024
	takes netns 6000
	least rings
	takes neighbours 200000
	least neighbours
	takes aio 90 65536
	least AIO
	tiny 102 --ipadd 192.0.2.102
	put_probe 102
	berth exec2 102 true
	berth exec2 102 ping -c 1 -W 5 192.0.2.254
	host_resolves
	run -0 berth exec2 102 /probe aio 10 1024
	[ "$output" = "10 AIO contexts, then enough" ]
	least "a neighbour"
}

# bats test_tags=vm,kernel
@test "a host that forbids user namespaces to its users runs containers, and doctor tells what that costs" {
	knob=/proc/sys/kernel/unprivileged_userns_clone
	[ -e $knob ] || skip "this kernel has no such switch"
	echo 0 >$knob
	tiny 101
	run berth doctor
	echo 1 >$knob
	grep -q 'network namespaces are not counted' <<<"$output"
	berth exec2 101 true
	berth stop 101 --fast
}
