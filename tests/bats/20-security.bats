#!/usr/bin/env bats
# What root in a CT may not do: rows of the threat list, each by its name.

load helpers

setup() {
	setup_host
}

teardown() {
	teardown_host
}

# in_ct CTID: runs the script on stdin in the CT; its output is $output, its status $status.
in_ct() {
	run berth exec2 "$1" sh -s
	echo "$output"
	[ "$status" = 0 ]
}

# A status field of a process.
status_of() {
	awk -v f="$2:" '$1 == f {print $2}' "/proc/$1/status"
}

@test "A01 each container has an id range of its own, far from the host's" {
	tiny 101
	tiny 102
	bases=
	for ct in 101 102; do
		for map in uid gid; do
			read -r inside base count < <(berth exec2 $ct cat /proc/self/${map}_map)
			[ "$inside" = 0 ]
			[ "$base" -ge 100000 ]
			[ "$count" = 65536 ]
			[ "$(berth exec2 $ct cat /proc/self/${map}_map | wc -l)" = 1 ]
		done
		bases="$bases $base"
	done
	set -- $bases
	[ $(($1 > $2 ? $1 - $2 : $2 - $1)) -ge 65536 ]
	# Limits per user are charged to the CT's own root, not jointly to the host's.
	[ "$(stat -c %u "/proc/$(init_pid 101)")" = "$1" ]
}

# bats test_tags=both
@test "A02 init and exec sessions have the same few privileges" {
	tiny 101
	pid=$(init_pid 101)
	in_ct 101 <<<'cat /proc/self/status'
	for f in CapBnd CapInh CapAmb Seccomp NoNewPrivs; do
		[ "$(awk -v f=$f: '$1 == f {print $2}' <<<"$output")" = "$(status_of "$pid" $f)" ]
	done
	[ "$(status_of "$pid" Seccomp)" = 2 ]
	[ $((16#$(status_of "$pid" CapInh))) = 0 ]
	[ $((16#$(status_of "$pid" CapAmb))) = 0 ]
	bound=$((16#$(status_of "$pid" CapBnd)))
	# sys_module sys_rawio sys_pacct sys_time mac_override mac_admin syslog wake_alarm block_suspend
	# audit_read perfmon bpf checkpoint_restore
	for cap in 16 17 20 25 32 33 34 35 36 37 38 39 40; do
		[ $((bound >> cap & 1)) = 0 ]
	done
}

@test "A03 the host's sysctls cannot be written" {
	tiny 101
	in_ct 101 <<-'S'
		cd /proc/sys
		for k in kernel/core_pattern kernel/modprobe vm/overcommit_memory vm/drop_caches fs/file-max \
			fs/aio-max-nr kernel/printk kernel/keys/maxkeys kernel/pty/max fs/inotify/max_user_instances \
			fs/protected_hardlinks kernel/sysrq kernel/panic net/core/bpf_jit_enable; do
			v=$(cat $k 2>/dev/null) || continue
			if (echo "$v" >$k) 2>/dev/null; then echo "BAD $k"; fi
		done
		true
	S
	[ -z "$output" ]
}

@test "A04 the kernel log, kcore and sysrq are out of reach" {
	tiny 101
	in_ct 101 <<-'S'
		(echo h >/proc/sysrq-trigger) 2>/dev/null && echo BAD sysrq
		[ "$(head -c 1 /proc/kcore 2>/dev/null | wc -c)" = 0 ] || echo BAD kcore
		dmesg >/dev/null 2>&1 && echo BAD dmesg
		[ -c /dev/kmsg ] && (echo berth-a04 >/dev/kmsg) 2>/dev/null && echo BAD kmsg
		[ "$(timeout 1 head -c 1 /proc/kmsg 2>/dev/null | wc -c)" = 0 ] || echo BAD proc kmsg
		[ "$(head -c 1 /proc/kallsyms 2>/dev/null | wc -c)" = 0 ] || echo BAD kallsyms
		true
	S
	[ -z "$output" ]
	[[ $(dmesg 2>/dev/null) != *berth-a04* ]]
}

@test "A05 no device node can be made" {
	tiny 101
	in_ct 101 <<-'S'
		for n in "b 8 0" "c 1 1" "c 10 237" "b 7 0" "c 1 3"; do
			for d in /tmp /dev /run /; do
				mknod $d/node $n 2>/dev/null && echo "BAD $d $n"
			done
		done
		true
	S
	[ -z "$output" ]
}

# bats test_tags=both
@test "A06 file systems of the host or of block devices cannot be mounted" {
	tiny 101
	in_ct 101 <<-'S'
		mkdir -p /mnt
		for t in ext4 xfs btrfs vfat iso9660 erofs squashfs debugfs tracefs securityfs configfs efivarfs \
			pstore bpf nfs 9p cgroup binder functionfs rpc_pipefs; do
			mount -t $t none /mnt 2>/dev/null && echo "BAD $t"
		done
		mount -t tmpfs none /mnt || echo no tmpfs
		umount /mnt
	S
	[ -z "$output" ]
}

@test "A07 no release_agent through a cgroup namespace" {
	tiny 101
	in_ct 101 <<-'S'
		mkdir -p /mnt
		for f in -UrmC -mC -m; do
			unshare $f sh -c 'for c in rdma memory pids cpu; do
				mount -t cgroup -o $c c /mnt 2>/dev/null && ls /mnt/release_agent; done' 2>/dev/null
		done
		find /sys/fs/cgroup -name release_agent
	S
	[ -z "$output" ]
}

@test "A15 nothing types into the operator's terminal" {
	tiny 101
	put_probe 101
	run timeout 30 script -qec "command berth --root $HOST_ROOT enter 101 --exec exec /probe terminal" /dev/null </dev/null
	[[ $output == *" 0 bad"* ]]
	[[ $output != *"signal 11"* ]] || skip "no i386 calls in this kernel"
}

@test "A16 hostile names reach the operator's terminal escaped" {
	tiny 101 --description note
	in_ct 101 <<-'S'
		evil=$(printf '\033]0;pwned\007\033[2J\n fake')
		printf '%s' "$evil" >/proc/sys/kernel/hostname
		printf '%s' "$evil" >/etc/os-release
		printf 'NAME="%s"\n' "$evil" >>/etc/os-release
		printf '%s' "$evil" >/etc/hostname
		printf '%s' "$evil" >/proc/self/comm
		true
	S
	run -0 berth list -a
	[ "${#lines[@]}" = 2 ]
	[[ $output != *$'\033'* ]]
	for o in status list; do
		run -0 berth $o 101
		[[ $output != *$'\033'* && $output != *$'\007'* ]]
	done
	for evil in $'\033[2J' $'a\nb' $'a\007'; do
		run ! berth set 101 --hostname "$evil" --save
		[[ $output != *$'\033'* && $output != *$'\007'* ]]
		run ! berth set 101 --name "$evil" --save
		[[ $output != *$'\033'* && $output != *$'\007'* ]]
		run berth set 101 --description "$evil" --save
		[[ $output != *$'\033'* && $output != *$'\007'* ]]
	done
	run -0 berth list -a -o ctid,description
	[ "${#lines[@]}" = 2 ]
	[[ $output != *$'\033'* && $output != *$'\007'* ]]
}

@test "A20 an exec session has its three descriptors and no more" {
	tiny 101
	exec 7</etc/passwd
	run -0 berth exec2 101 sh -c 'ls /proc/$$/fd; pwd'
	exec 7<&-
	[ "$output" = "$(printf '0\n1\n2\n/')" ] || [ "$output" = "$(printf '0\n1\n2\n/root')" ]
	# Not even the ends of its pipes are files of the host's.
	run -0 berth exec2 101 sh -c 'for i in 0 1 2; do readlink /proc/$$/fd/$i; done'
	[[ $output != *"$HOST_ROOT"* ]]
	run -0 berth exec2 101 sh -c 'ls -l /proc/1/fd'
	[[ $output != *"$HOST_ROOT"* && $output != *berth* ]]
}

@test "A30 the daemon's socket is for root and the group, and no container sees it" {
	tiny 101
	base=$(awk '{print $2}' "/proc/$(init_pid 101)/uid_map")
	for uid in 65534 "$base"; do
		run ! setpriv --reuid "$uid" --regid "$uid" --clear-groups env PATH="$PATH" \
			berth --root "$HOST_ROOT" ping
		[[ $output == *"ermission"* || $output == *"denied"* ]]
	done
	run ! setpriv --reuid 65534 --regid 65534 --clear-groups \
		socat -u OPEN:/dev/null "UNIX-CONNECT:$HOST_ROOT/run/berth/berthd.sock"
	sockets=$(find "$HOST_ROOT/run/berth" -type s)
	[ -n "$sockets" ]
	for s in $sockets; do
		[[ $(stat -c %a "$s") == ??0 ]]
	done
	in_ct 101 <<<'cat /proc/net/unix; find / -xdev -type s 2>/dev/null'
	[[ $output != *berthd* && $output != *monitor.sock* && $output != *"$HOST_ROOT"* ]]
}

@test "A31 what lies in a container's root gives nobody on the host a privilege" {
	tiny 101
	in_ct 101 <<<'cp /bin/busybox /suid && chmod 4755 /suid && chmod 755 /'
	pid=$(init_pid 101)
	run ! setpriv --reuid 65534 --regid 65534 --clear-groups ls "$HOST_ROOT/var/lib/berth/private"
	run ! setpriv --reuid 65534 --regid 65534 --clear-groups ls "/proc/$pid/root/"
	# No mount of a running CT is in the host's table.
	run ! grep -F "$HOST_ROOT" /proc/self/mountinfo
	berth stop 101 --fast
	root=$(berth mount 101)
	[ -u "$root/suid" ]
	findmnt -n -o OPTIONS -T "$root" | grep -w nosuid | grep -qw nodev
	run ! setpriv --reuid 65534 --regid 65534 --clear-groups test -e "$root/suid"
	[ "$(stat -c %u "$root/suid")" -ge 100000 ]
	berth umount 101
}

# bats test_tags=both,kernel
@test "A32 a device node that got into the root does not open" {
	tiny 101
	pid=$(init_pid 101)
	base=$(awk '{print $2}' "/proc/$pid/uid_map")
	# As a leak would: by the host's root, into the running CT's own file system.
	for n in "8 0" "7 0"; do
		probe node "$base" "/proc/$pid/root/node" $n || skip "this host's root cannot make the node"
		run ! berth exec2 101 dd if=/node of=/dev/null bs=1 count=1
		[[ $output == *"not permitted"* || $output == *"denied"* ]]
		berth exec2 101 rm /node
	done
}

# bats test_tags=both,kernel
@test "A33 limits and other cgroups are out of reach" {
	tiny 101 --ram 64M --numproc 100
	in_ct 101 <<-'S'
		cd /sys/fs/cgroup
		for f in memory.max memory.high memory.swap.max pids.max cpu.max cpu.weight io.max cgroup.max.descendants \
			cgroup.freeze ../cgroup.procs ../../cgroup.procs; do
			v=max; case $f in *procs) v=1 ;; *freeze) v=0 ;; esac
			[ -e $f ] && (echo $v >$f) 2>/dev/null && echo "BAD $f"
		done
		grep -vE '^[0-9]+:[^:]*:/(exec|init.scope|\.berth|[a-z.]*)?$' /proc/self/cgroup
		true
	S
	[ -z "$output" ]
	run -0 berth list -H -o physpages.l,numproc.l 101
	read -r -a limits <<<"$output"
	[ "${limits[0]}" = 16384 ]
	[ "${limits[1]}" = 100 ]
}

# bats test_tags=both
@test "A34 the number and the depth of cgroups inside are limited" {
	tiny 101
	in_ct 101 <<-'S'
		cd /sys/fs/cgroup || exit 1
		i=0; while [ $i -lt 1500 ] && mkdir c$i 2>/dev/null; do i=$((i + 1)); done
		echo wide $i
		rmdir c*
		i=0; while [ $i -lt 100 ] && mkdir d 2>/dev/null; do cd d; i=$((i + 1)); done
		echo deep $i
	S
	[ "$(awk '$1 == "wide" {print $2}' <<<"$output")" -le 1024 ]
	[ "$(awk '$1 == "deep" {print $2}' <<<"$output")" -lt 20 ]
	tiny 102
	berth exec2 102 true
	berth stop 101 --fast
}

# bats test_tags=both
@test "A35 neither deafness nor zombies nor a freeze keep a container from stopping" {
	tiny 101
	put_probe 101
	pid=$(init_pid 101)
	berth exec2 101 sh -c '/probe deaf & /probe zombies 3000 & true' </dev/null
	wait_for 20 sh -c "[ \$(grep -lsw 'State:.*Z' /proc/[0-9]*/status | wc -l) -ge 3000 ]" || true
	berth exec2 101 sh -c 'mkdir /sys/fs/cgroup/f && (echo 0 >/sys/fs/cgroup/f/cgroup.procs && echo 1 >/sys/fs/cgroup/f/cgroup.freeze) & true' </dev/null
	berth stop 101 --timeout 3
	[ -z "$(ct_cgroups 101)" ]
	run ! kill -0 "$pid"
}

# bats test_tags=both,night
@test "A36 a fork bomb ends at numproc" {
	tiny 101 --numproc 100
	put_probe 101
	run -0 berth exec2 101 /probe forks 10000
	[[ $output == *"Resource temporarily unavailable"* ]]
	[ "${output%% *}" -le 100 ]
	tiny 102
	berth exec2 102 true
	[ "$(berth list -H -o numproc.f 101)" -gt 0 ]
}

# bats test_tags=both,night
@test "A39 a container fills its own disk only, in blocks and in inodes" {
	tiny 101 --diskspace 32M --diskinodes 1100
	tiny 102 --diskspace 32M
	put_probe 101
	in_ct 101 <<-'S'
		dd if=/dev/zero of=/big bs=64k 2>&1 | tail -n 1
		[ $(stat -c %s /big) -le $((32 * 1024 * 1024)) ] || echo BAD size
		touch /more
		# Deleted but open: the space stays taken.
		exec 5</big; rm /big
		dd if=/dev/zero of=/again bs=64k 2>/dev/null
		[ $(stat -c %s /again) -lt $((8 * 1024 * 1024)) ] || echo BAD deleted-open
		exec 5<&-; rm -f /again /more
		# Sparse files cost nothing, their blocks do.
		dd if=/dev/zero of=/sparse bs=1 count=1 seek=$((1 << 40)) 2>/dev/null
		rm -f /sparse
		mkdir /many; i=0
		while [ $i -lt 5000 ] && touch /many/$i 2>/dev/null; do i=$((i + 1)); done
		[ $i -le 1100 ] || echo BAD inodes $i
		rm -rf /many
		touch /file
		/probe project /file 7 | grep changed && echo BAD project
		true
	S
	[[ $output != *BAD* ]]
	berth exec2 102 sh -c 'dd if=/dev/zero of=/f bs=1M count=8 && rm /f'
}

@test "A53 reboot, poweroff and killing everything stay inside" {
	tiny 101
	first=$(init_pid 101)
	berth exec 101 reboot -f || true
	wait_for 20 init_is_not 101 "$first"
	second=$(init_pid 101)
	berth exec 101 'kill -9 -1' || true
	wait_for 20 berth exec2 101 true
	# A second quick reboot is the beginning of a loop: the next start waits a little.
	berth exec 101 reboot -f || true
	wait_for 30 init_is_not 101 "$second"
	berth exec 101 poweroff -f || true
	wait_for 20 ct_has_status 101 stopped
	# Else somebody else had started it.
	run -0 berth start 101
	berth ping
}

init_is_not() {
	local pid
	pid=$(init_pid "$1")
	[ -n "$pid" ] && [ "$pid" != - ] && [ "$pid" != "$2" ] && berth exec2 "$1" true
}

ct_has_status() {
	[ "$(berth list -a -H -o status "$1" | tr -d ' ')" = "$2" ]
}

# bats test_tags=both
@test "A59 clock, swap, modules, priorities and limits of the host stay as they are" {
	tiny 101
	modules=$(cut -d' ' -f1 /proc/modules 2>/dev/null | sort)
	in_ct 101 <<-'S'
		bad() { "$@" >/dev/null 2>&1 && echo "BAD $*"; }
		date -s 2000-01-01 >/dev/null 2>&1
		bad hwclock -w
		bad swapoff -a
		[ ! -e /dev/loop-control ] || bad losetup -f /etc/passwd
		bad modprobe dummy
		bad insmod /etc/passwd
		bad chrt -f 99 true
		bad nice -n -20 sh -c '[ $(nice) -lt 0 ]'
		bad sh -c 'echo -1000 >/proc/1/oom_score_adj'
		bad sh -c 'echo -1000 >/proc/self/oom_score_adj'
		bad sh -c 'ulimit -H -n 9999999'
		bad mount -o remount,rw /proc/sys
		true
	S
	[ -z "$output" ]
	[ "$(date +%Y)" -ge 2024 ]
	[ "$(cut -d' ' -f1 /proc/modules 2>/dev/null | sort)" = "$modules" ]
}

@test "A60 nothing of the host is in a process's environment, limits or names" {
	tiny 101
	export BERTH_SECRET=hunter2
	run -0 berth exec2 101 env
	[[ $output != *hunter2* && $output != *"$HOST_ROOT"* && $output != *BATS* ]]
	unset BERTH_SECRET
	in_ct 101 <<-'S'
		tr '\0' '\n' </proc/1/environ
		tr '\0' '\n' </proc/self/environ
		cat /proc/self/attr/current /proc/1/cmdline /proc/self/mountinfo /proc/1/mountinfo /proc/mounts 2>/dev/null
		readlink /proc/[0-9]*/exe /proc/[0-9]*/cwd /proc/[0-9]*/fd/* 2>/dev/null
		true
	S
	[[ $output != *hunter2* && $output != *"$HOST_ROOT"* && $output != *BATS* ]]
	in_ct 101 <<<'for p in self 1; do echo $(cat /proc/$p/loginuid 2>/dev/null); done'
	[ "$(sort -u <<<"$output")" = 4294967295 ]
	pid=$(init_pid 101)
	diff <(berth exec2 101 cat /proc/self/limits) "/proc/$pid/limits"
	[ "$(berth exec2 101 id -u)" = 0 ]
	[ "$(berth exec2 101 id -G)" = 0 ]
}
