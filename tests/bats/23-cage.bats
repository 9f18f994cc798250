#!/usr/bin/env bats
# What only the host may make for a container, and what its root can do with it: devices, sysfs, terminals.

# bats file_tags=alone
load helpers

setup() {
	setup_host
}

teardown() {
	exec 7<&-
	umount /dev/net/tun /dev/fuse 2>/dev/null || true
	teardown_host
}

# in_ct CTID: runs the script on stdin in the CT; its output is $output.
in_ct() {
	run -0 berth exec2 "$1" sh -s
	echo "$output"
}

# All threads there are, the kernel's too.
kernel_threads() {
	cut -d/ -f2 /proc/loadavg | cut -d' ' -f1
}

# bats test_tags=both,kernel
@test "T2 a sysfs of its own is read-only, of a nested network namespace too" {
	tiny 101 --numproc 100
	# A pair with so many queues that its threads would be seen.
	nsenter -t "$(init_pid 101)" -n ip link add v0 numtxqueues 500 numrxqueues 500 type veth \
		peer name v1 numtxqueues 500 numrxqueues 500
	nsenter -t "$(init_pid 101)" -n sh -c 'ip link set v0 up; ip link set v1 up'
	before=$(kernel_threads)
	in_ct 101 <<-'S'
		mkdir -p /m
		cat >/try <<-'T'
			# Every way to a sysfs that can be written; $1: whose it is.
			write() {
				for f in lo/ifalias lo/threaded v0/threaded v1/threaded; do
					[ ! -e $1/class/net/$f ] || { echo 1 >$1/class/net/$f && echo "BAD $2 $f"; }
				done
			}
			mount -o remount,bind,rw /sys
			mount -o remount,rw /sys
			write /sys "$1 remounted"
			mount -t sysfs s /m && echo "BAD $1 fresh"
			write /m "$1 fresh"
			mount -r -t sysfs s /m && [ -e /m/class/net/lo/ifalias ] && echo "seen $1"
			write /m "$1 read-only"
			mount -o remount,bind,rw /m
			mount -o remount,rw /m
			write /m "$1 read-only remounted"
			umount -l /sys && echo "BAD $1 unlocked"
			mount -t sysfs s /sys && echo "BAD $1 fresh beside a read-only one"
			mkdir -p /n && mount -t tmpfs n /n && mkdir /n/old && cp /bin/busybox /n && cd /n &&
				pivot_root . old && /busybox umount -l /old && /busybox echo "alone $1"
			/busybox mount -r -t sysfs s /old && /busybox echo "BAD $1 where there is no other"
			/busybox true
		T
		unshare -n -m sh /try nested
		unshare -m sh /try own
	S
	[[ $output != *BAD* ]]
	[[ $output == *"seen own"*"alone own"* && $output == *"seen nested"*"alone nested"* ]]
	[ $(($(kernel_threads) - before)) -lt 400 ]
}

# bats test_tags=both,kernel
@test "T2 what covers in /proc hide is closed without them" {
	tiny 101
	in_ct 101 <<-'S'
		mkdir -p /p && mount -t proc p /p && umount -l /proc && mount -t proc proc /proc
		cd /p
		for f in kcore kmsg sysrq-trigger kallsyms timer_list keys slabinfo interrupts; do
			[ ! -e $f ] || { (echo h >$f) 2>/dev/null && echo "BAD writable $f"; }
		done
		[ "$(head -c 1 kcore 2>/dev/null | wc -c)" = 0 ] || echo BAD kcore
		[ "$(timeout 1 head -c 1 kmsg 2>/dev/null | wc -c)" = 0 ] || echo BAD kmsg
		! grep -v '^00*  *' kallsyms | head -n 1 | grep . || echo BAD kallsyms
		[ ! -e timer_list ] || ! head -n 1 timer_list 2>/dev/null || echo BAD timer_list
		! grep -v ' _ses' keys 2>/dev/null || echo BAD keys
		for d in acpi asound bus fs irq scsi; do
			[ ! -e $d ] || find $d -type f -exec sh -c 'for f; do { : >>$f; } 2>/dev/null && echo BAD $f; done' - {} +
		done
		true
	S
	[[ $output != *BAD* ]]
}

# bats test_tags=both,kernel
@test "T10 device nodes are each container's own" {
	tiny 101
	tiny 102
	one=$(init_pid 101)
	two=$(init_pid 102)
	for n in null zero full random urandom tty; do
		a=$(stat -c %d:%i "/proc/$one/root/dev/$n")
		[ "$a" != "$(stat -c %d:%i "/proc/$two/root/dev/$n")" ]
		[ "$a" != "$(stat -c %d:%i "/dev/$n")" ]
		[ "$(stat -c %t:%T "/proc/$one/root/dev/$n")" = "$(stat -c %t:%T "/dev/$n")" ]
	done
	# A lock on one is nobody else's.
	exec 7<"/proc/$one/root/dev/zero"
	flock -n -x 7
	run ! flock -n "/proc/$one/root/dev/zero" true
	flock -n /dev/zero true
	flock -n "/proc/$two/root/dev/zero" true
	in_ct 102 <<<'head -c 5 /dev/zero | wc -c; head -c 5 /dev/urandom | wc -c; echo x >/dev/null || echo BAD; echo x >/dev/full && echo BAD; true'
	[[ $output == 5*5*"No space"* && $output != *BAD* ]]
}

# bats test_tags=both
@test "T10 no file but the template's is one of two containers or of the host" {
	tiny 101
	tiny 102
	one=$(init_pid 101)
	two=$(init_pid 102)
	inodes() {
		find "/proc/$1/root/dev" "/proc/$1/root/run" "/proc/$1/root/etc/resolv.conf" "/proc/$1/root/sys/fs/cgroup" \
			-printf '%D:%i\n' | sort -u
	}
	[ "$(inodes "$one" | wc -l)" -gt 20 ]
	[ -z "$(comm -12 <(inodes "$one") <(inodes "$two"))" ]
}

# bats test_tags=both
@test "T12 a container has tun and fuse whatever the host's own nodes say" {
	install -d "$HOST_ROOT/nodes"
	for n in /dev/net/tun /dev/fuse; do
		[ -c $n ] || skip "this kernel has no $n"
		mknod -m 600 "$HOST_ROOT/nodes/${n##*/}" c 10 "$([ $n = /dev/fuse ] && echo 229 || echo 200)"
		mount --bind "$HOST_ROOT/nodes/${n##*/}" $n
	done
	tiny 101 --features tun:on,fuse:on
	in_ct 101 <<-'S'
		stat -c '%a %t:%T' /dev/net/tun /dev/fuse
		(exec 3<>/dev/net/tun 4<>/dev/fuse) && echo open
	S
	[ "$output" = "$(printf '666 a:c8\n666 a:e5\nopen')" ]
	tiny 102
	run ! berth exec2 102 test -e /dev/net/tun
	run ! berth exec2 102 test -e /dev/fuse
}

# bats test_tags=both
@test "T3 a container takes its own terminals at most, and its admin still gets one" {
	tiny 101 --numpty 4
	tiny 102
	put_probe 101
	berth exec2 101 sh -c '/probe ptys /dev/pts 1000 hold >/taken & true' </dev/null
	wait_for 30 berth exec2 101 test -s /taken
	[ "$(berth exec2 101 cat /taken)" = "4 terminals, then No space left on device" ]
	# The limit is the host's: root in the CT does not lift it.
	in_ct 101 <<<'mount -o remount,max=1000 /dev/pts 2>/dev/null; /probe ptys /dev/pts 1; echo x >/dev/console && echo console'
	[ "$output" = "$(printf '0 terminals, then No space left on device\nconsole')" ]
	for ct in 101 102; do
		run -0 timeout 30 script -qec "command berth --root $HOST_ROOT enter $ct --exec 'test -t 0 && echo ter''minal; exit'" \
			/dev/null </dev/null
		[[ $output == *terminal* ]]
	done
	berth set 101 --numpty 8 --save
	berth restart 101 --wait
	[[ $(berth exec2 101 /probe ptys /dev/pts 1000) == "8 terminals"* ]]
}

# Of the whole machine: in a guest only.
# bats test_tags=vm,kernel
@test "T3 every terminal that one container can get leaves the host and others theirs" {
	tiny 101
	tiny 102
	put_probe 101
	in_ct 101 <<-'S'
		mkdir /p
		mount -t devpts -o ptmxmode=666 d /p
		/probe ptys /p 1000000 hold >/taken </dev/null 2>&1 &
		/probe ptys /dev/pts 1000000 hold >/own </dev/null 2>&1 &
	S
	wait_for 120 berth exec2 101 test -s /taken -a -s /own
	berth exec2 101 cat /taken /own
	run -0 berth exec2 101 /probe ptys /p 1
	[[ $output == "0 terminals, then No space"* ]]
	tiny 103
	for ct in 101 102 103; do
		[ "$(berth exec2 $ct echo in)" = in ]
		run -0 timeout 60 script -qec "command berth --root $HOST_ROOT enter $ct --exec 'test -t 0 && echo ter''minal; exit'" \
			/dev/null </dev/null
		[[ $output == *terminal* ]]
	done
}

@test "T9 where memory ends, init goes last" {
	tiny 101 --ram 64M --swap 0
	pid=$(init_pid 101)
	[ "$(cat "/proc/$pid/oom_score_adj")" = 0 ]
	[ "$(berth exec2 101 cat /proc/self/oom_score_adj)" = 500 ]
	# A hog, and then memory that no process is charged for, among processes smaller than init.
	run berth exec2 101 sh -c 'tail -c 200M /dev/zero | tail'
	berth exec2 101 sh -c 'mkdir -p /m && mount -t tmpfs -o size=1G t /m'
	# As long as there is another victim: with none left init goes too, should it need a page itself.
	berth exec2 101 sh -c 'for n in $(seq 100); do sleep 1000 & done'
	for n in 1 2 3; do
		run berth exec2 101 sh -c "dd if=/dev/zero of=/m/$n bs=64k"
	done
	[ "$(pgrep -c -P "$pid" sleep)" -gt 0 ]
	[ "$(init_pid 101)" = "$pid" ]
	kill -0 "$pid"
	[ "$(berth list -H -o physpages.f 101 | tr -d ' ')" -gt 0 ]
	berth stop 101 --fast
}

# bats test_tags=both
@test "T12 a container that has used up its cgroups can be entered and changed" {
	tiny 101 --numcgroups 16
	in_ct 101 <<-'S'
		cd /sys/fs/cgroup
		rmdir .berth 2>/dev/null # this shell is in it
		i=0; while mkdir c$i 2>/dev/null; do i=$((i + 1)); done
		true
	S
	# The leaf of the session that has just ended; then a cgroup of the CT's in its place.
	nsenter -t "$(init_pid 101)" -a sh -c 'cd /sys/fs/cgroup; rmdir .berth; mkdir one-more'
	[ "$(berth exec2 101 echo in)" = in ]
	berth set 101 --hostname other.example --save
	[ "$(berth exec2 101 hostname)" = other.example ]
	old=$(berth list -H -o monitor_pid 101 | tr -d ' ')
	kill -9 "$old"
	wait_for 20 berth exec2 101 true
	in_ct 101 <<<'rmdir /sys/fs/cgroup/one-more'
	[ "$(berth exec2 101 echo in)" = in ]
}

# bats test_tags=both,night
@test "T12 exec says that the monitor was killed, and not that the container is stopped" {
	tiny 101
	stop_berthd KILL
	kill -9 "$(berth list -H -o monitor_pid 101 | tr -d ' ')"
	sleep_a_moment() { ! berth exec2 101 true; }
	wait_for 10 sleep_a_moment
	run ! berth exec2 101 true
	[[ $output == *monitor*"try again"* && $output != *"not running"* ]]
	start_berthd
	wait_for 20 berth exec2 101 true
}
