#!/usr/bin/env bats
# What a tenant can put in the way of the admin, and what a user of the host can see.
# bats file_tags=both

load helpers

setup() {
	setup_host
}

teardown() {
	! grep -q " /dev/fuse " /proc/self/mountinfo || umount /dev/fuse
	teardown_host
}

# in_ct CTID: runs the script on stdin in the CT; its output is $output.
in_ct() {
	run -0 berth exec2 "$1" sh -s
}

# As a user of the host without any right.
nobody() {
	setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}

# A container that may mount file systems of its own programs. udev gives /dev/fuse to all; a bare /dev does not.
tiny_with_fuse() {
	[ -c /dev/fuse ] || skip "this kernel has no FUSE"
	if [ "$(stat -c %a /dev/fuse)" != 666 ]; then
		mknod -m 666 "$HOST_ROOT/fuse" c 10 229
		mount --bind "$HOST_ROOT/fuse" /dev/fuse
	fi
	tiny "$@" --features fuse:on
}

# deaf CTID DIR: a file system that never answers is on DIR of the CT.
deaf() {
	put_probe "$1"
	in_ct "$1" <<-S
		/probe fuse $2 >/fuse.log 2>&1 &
		i=0; while [ \$i -lt 1000 ] && ! grep -s mounted /fuse.log; do i=\$((i + 1)); sleep 0.1; done
	S
	[ "$output" = mounted ]
}

monitor_pid() {
	berth list -H -o monitor_pid "$1" | tr -d ' '
}

# Which terminal a session on one has.
terminal() {
	timeout 30 script -qec "command berth --root $HOST_ROOT enter $1 --exec 'tty; exit'" /dev/null </dev/null
}

has_other_monitor() {
	local now
	now=$(monitor_pid "$1")
	[ -n "$now" ] && [ "$now" != - ] && [ "$now" != "$2" ] && berth exec2 "$1" true
}

# bats test_tags=night
@test "A24 a folder in place of a file is no reason to refuse a change" {
	tiny 101 --ipadd 192.0.2.101
	in_ct 101 <<<'rm -f /etc/resolv.conf /etc/hosts; mkdir /etc/resolv.conf /etc/hosts; mkfifo /etc/hostname.tmp'
	run -0 berth set 101 --nameserver 192.0.2.53 --hostname new.example --save
	[ "$(berth exec2 101 hostname)" = new.example ]
	run -0 berth set 101 --ipdel 192.0.2.101 --save
	berth stop 101
	berth start 101 --wait
	[ "$(berth exec2 101 hostname)" = new.example ]
}

# bats test_tags=night
@test "A25 a file system that never answers holds neither a change nor the lock" {
	tiny_with_fuse 101 --ipadd 192.0.2.101
	deaf 101 /
	run -0 berth set 101 --nameserver 192.0.2.53 --ipdel 192.0.2.101 --save
	[[ $output == *"did not answer"* ]]
	# The child that hangs in there has no lock, and the address is gone from the host.
	berth set 101 --cpuunits 2000 --save
	run -0 nft list set inet "berth_test_$HOST_ID" ct4
	[[ $output != *192.0.2.101* ]]
	berth list 101
	berth stop 101 --fast
}

# bats test_tags=night
@test "a file system over a folder is not entered on the host's errands" {
	tiny_with_fuse 101
	deaf 101 /etc
	run -0 berth set 101 --nameserver 192.0.2.53 --hostname new.example --save
	[[ $output != *"did not answer"* ]]
	[ "$(berth exec2 101 hostname)" = new.example ]
	berth stop 101 --fast
}

# bats test_tags=night
@test "a moved link does not keep an address that is taken away" {
	tiny 101 --ipadd 192.0.2.101 --ipadd 192.0.2.102
	in_ct 101 <<-'S'
		unshare -n sleep 1000 </dev/null >/dev/null 2>&1 &
		i=0; while [ $i -lt 1000 ] && [ "$(readlink /proc/$!/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do
			i=$((i + 1)); sleep 0.1
		done
		ip link set venet0 netns $! || ip link del venet0
	S
	if ip link show ct101.0 >/dev/null 2>&1; then
		run -0 berth set 101 --ipdel 192.0.2.101 --save
		[[ $output == *"CT 101"* ]]
		run -0 nft list set inet "berth_test_$HOST_ID" ct4
		[[ $output != *192.0.2.101* && $output == *192.0.2.102* ]]
	fi
}

# bats test_tags=night
@test "a new monitor takes a terminal from the container's own devpts only" {
	tiny 101
	old=$(monitor_pid 101)
	kill -9 "$old"
	wait_for 20 has_other_monitor 101 "$old"
	run -0 terminal 101
	[[ $output == */dev/pts/[0-9]* ]]
	# To the host's root this link would lead to the host's own /dev.
	in_ct 101 <<<'umount -l /dev && rm -rf /dev && ln -s /dev /dev'
	old=$(monitor_pid 101)
	kill -9 "$old"
	wait_for 20 has_other_monitor 101 "$old"
	[ "$(berth exec2 101 echo still here)" = "still here" ]
	run ! terminal 101
	[[ $output == *terminal* ]]
}

# bats test_tags=night
@test "a new monitor is not kept waiting by a file system of the container's" {
	tiny_with_fuse 101
	deaf 101 /dev
	old=$(monitor_pid 101)
	kill -9 "$old"
	wait_for 40 has_other_monitor 101 "$old"
	berth set 101 --cpuunits 2000 --save
	berth stop 101 --fast
}

# bats test_tags=night
@test "users of the host see no container's state, console, settings or files" {
	tiny 101
	for d in run/berth/ct etc/berth/ct var/lib/berth var/lib/berth/private var/lib/berth/template; do
		[ "$(stat -c %a:%u "$HOST_ROOT/$d")" = 700:0 ]
		run ! nobody ls "$HOST_ROOT/$d"
	done
	[ "$(stat -c %a "$HOST_ROOT/run/berth/ct/101/console.log")" = 600 ]
	[ "$(stat -c %a "$HOST_ROOT/var/lib/berth/private/101/volume.img")" = 600 ]
	# Whoever can open a lock file can hold it.
	run ! nobody flock -n "$HOST_ROOT/run/berth/berthd.lock" true
	run ! nobody env PATH="$PATH" berth --root "$HOST_ROOT" exec 101 true
	[[ $output == *root* ]]
	run ! nobody cat "/proc/$(monitor_pid 101)/environ"
	run ! nobody ls "/proc/$(monitor_pid 101)/root"
}

# bats test_tags=night
@test "G12 a container learns nothing of the volumes of others" {
	local names
	tiny 101
	tiny 102
	tiny 103 --layout private
	# Of this host: other hosts on this machine may be of an older berth.
	names=$(losetup -n -O NAME,BACK-FILE | awk -v r="$HOST_ROOT/" 'index($2, r) {sub("/dev/", "", $1); print $1}')
	[ "$(wc -w <<<"$names")" -ge 3 ]
	run -0 berth exec2 101 sh -c "
		mkdir -p /p && mount -t proc p /p
		for n in $(tr '\n' ' ' <<<"$names"); do
			for f in /sys/devices/virtual/block/\$n /sys/block/\$n/loop /sys/fs/ext4/\$n /p/fs/ext4/\$n /p/fs/jbd2/\$n-8; do
				[ -z \"\$(ls \$f 2>/dev/null)\" ] || echo \"BAD \$f\"
			done
			cat /sys/block/\$n/size /sys/block/\$n/stat /sys/block/\$n/loop/backing_file 2>/dev/null && echo BAD
		done
		cat /proc/partitions; ls /proc/fs
		awk '\$3 != \"volume\" || NR > 1 {print \"BAD\", \$0}' /proc/diskstats # its own alone
		umount /p"
	[ -z "$output" ] || { echo "$output"; return 1; }
	# Nor where its own lies on the host.
	run -0 berth exec2 103 cat /proc/mounts /proc/self/mountinfo
	[[ $output != *"$HOST_ROOT"* && $output != *volume.img* && $output != *private/103* ]]
}

@test "A37 a full /dev/shm or /run fails and kills nobody" {
	tiny 101 --ram 96M --swap 0
	in_ct 101 <<-'S'
		for d in /dev/shm /run; do
			dd if=/dev/zero of=$d/full bs=1M count=90 2>&1 | grep -o 'No space left' || echo BAD $d
			rm -f $d/full
		done
		df -m /dev/shm /run | awk 'NR > 1 {print $2}'
	S
	[[ $output != *BAD* ]]
	[ "$(tail -n 2 <<<"$output" | tr '\n' ' ')" = "48 19 " ]
	[ "$(berth list -H -o physpages.f 101 | tr -d ' ')" = 0 ]
}

# bats test_tags=night
@test "A57 a core dump stays in the container" {
	[[ $(cat /proc/sys/kernel/core_pattern) != "|"* ]] || skip "this host pipes core dumps to a program"
	tiny 101
	before=$(find / -xdev -maxdepth 2 -name 'core*' -newer "$HOST_ROOT/berthd.log" 2>/dev/null | sort)
	berth exec2 101 sh -c 'mkdir -p /d && cd /d && ulimit -c unlimited && sh -c "kill -ABRT \$\$"; true'
	[ "$(find / -xdev -maxdepth 2 -name 'core*' -newer "$HOST_ROOT/berthd.log" 2>/dev/null | sort)" = "$before" ]
}

@test "doctor tells what the host leaves to attack, and how to mend it" {
	run berth doctor
	for word in sysctl-unprivileged_bpf_disabled sysctl-kptr_restrict sysctl-dmesg_restrict sysctl-suid_dumpable; do
		[[ $output == *"$word"* ]]
	done
}
