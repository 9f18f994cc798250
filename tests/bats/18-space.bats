#!/usr/bin/env bats
# A host's file system that has less than its CTs were promised: one CT fills it, the others lose nothing.

load helpers

setup() {
	BASE=$BERTH_TEST_DIR
	MORE_CONF=()
}

teardown() {
	# A test may have stopped it.
	kill -CONT "$BERTHD_PID" 2>/dev/null || true
	BERTH_TEST_DIR=$HOST_DISK
	find "$HOST_DISK" -name volume.img -exec chattr -i {} + 2>/dev/null || true
	teardown_host || return 1
	umount "$HOST_DISK"
	rm -rf "$BASE/disk.img" "$BASE/tiny"
	rmdir "$HOST_DISK"
}

# small_host TYPE MKFS...: a berth host on a file system of its own of 1.5 GB.
small_host() {
	setup_network
	HOST_DISK=$BASE/disk
	mkdir -p "$HOST_DISK"
	truncate -s 1500M "$BASE/disk.img"
	"${@:2}" "$BASE/disk.img"
	mount -t "$1" -o loop "$BASE/disk.img" "$HOST_DISK"
	cp "$BASE/world.pid" "$HOST_DISK/"
	BERTH_TEST_DIR=$HOST_DISK BERTH_TEST_TEMPLATES=$BASE/tiny setup_host SPACE_RESERVE=64M "${MORE_CONF[@]}"
}

# The template tiny alone: the others would take a third of the disk.
tiny_templates() {
	local t=$BERTH_TEST_TEMPLATES hash
	hash=$(sed -n 's/^hash=//p' "$t/tiny.template")
	mkdir -p "$BASE/tiny/image"
	cp "$t/tiny.template" "$BASE/tiny/"
	cp "$t/image/$hash.erofs" "$BASE/tiny/image/"
}

# writer CTID: writes records, and names each on our side when its fsync has come back.
writer() {
	berth exec2 "$1" 'mkdir -p /log; n=0; while [ ! -e /halt ]; do
		n=$((n + 1)); yes $n | head -c 4096 | dd of=/log/$n conv=fsync 2>/tmp/dd || { echo failed $n: $(cat /tmp/dd); exit 1; }
		echo $n; done' >"$BASE/acked.$1" 2>&1 </dev/null 3>&- &
	WRITERS+=($!)
}

acked() {
	wc -l <"$BASE/acked.$1"
}

more_than() {
	[ "$(acked "$1")" -gt "$2" ]
}

# has_acked CTID: every record that was named is there.
has_acked() {
	! grep failed "$BASE/acked.$1" || return 1
	berth exec2 "$1" 'n=0; while read -r n; do
		yes $n | head -c 4096 | cmp -s - /log/$n || { echo "lost: $n"; exit 1; }; done' <"$BASE/acked.$1"
}

log_has() {
	grep -q "$1" "$HOST_ROOT/berthd.log"
}

# Each byte can be told. It may be told to wait when it outruns the watch on so small a disk.
fill_until_held() {
	run -1 berth exec2 101 'n=$(ls / | grep -c ^big); yes filler | dd of=/big.$n bs=64k iflag=fullblock'
	[[ $output == *"No space left"* ]]
	log_has 'ct=101 held'
}

# btrfs gives back what it had set aside for writes under way: then there is room again for a moment.
told_at_once() {
	fill_until_held && run -1 berth exec2 101 'dd if=/dev/zero of=/more bs=1M count=8 conv=fsync'
}

# fill_and_free MIB TYPE MKFS...: of the host's file system so much is other files'.
fill_and_free() {
	local n c
	WRITERS=()
	tiny_templates
	small_host "${@:2}"
	for c in 101 102 103; do
		berth create $c --ostemplate tiny --diskspace 2G
	done
	# Other files of the host's.
	fallocate -l "$1M" "$HOST_DISK/ballast"
	for c in 101 102 103; do
		berth start $c --wait
	done
	writer 102
	writer 103
	wait_for 30 more_than 102 3
	wait_for 60 fill_until_held
	log_has 'space: .* are left'
	run -0 berth list
	[[ $output == *"CT 101: held:"*"free some"* ]]
	run -0 berth status 101
	[[ $output == "CTID 101 exist mounted running"*"held:"* ]]
	run -0 berth list -H -o trouble 102
	[[ $output == '-' ]]
	# A neighbour goes on; the filler is told at once, and can remove and overwrite.
	for c in 102 103; do
		n=$(acked $c)
		wait_for 60 more_than $c $((n + 20))
	done
	wait_for 60 told_at_once
	berth exec2 101 'printf filler | dd of=/big.0 conv=notrunc,fsync 2>/dev/null; rm -f /more'
	# The host has more than nothing left all the time.
	[ "$(stat -f -c '%a * %S / 1048576' "$HOST_DISK" | { read -r e; echo $((e)); })" -ge 32 ]
	# There is room again.
	rm "$HOST_DISK/ballast"
	wait_for 30 log_has 'ct=101 the host has room again'
	wait_for 60 berth exec2 101 'dd if=/dev/zero of=/more bs=1M count=50 conv=fsync' # btrfs frees it later
	run -0 berth list
	[[ $output != *held* ]]
	# Nothing is damaged, and everything that was taken is there.
	for c in 102 103; do
		berth exec2 $c 'touch /halt'
	done
	wait "${WRITERS[@]}" || true
	for c in 101 102 103; do
		berth stop $c --fast
		e2fsck -fn "$HOST_ROOT/var/lib/berth/private/$c/volume.img"
		berth start $c --wait
	done
	run -0 berth exec2 101 'for f in /big.*; do s=$(stat -c %s $f); [ $s = 0 ] ||
		yes filler | head -c $s | cmp - $f || exit 1; done; du -k -c /big.* | tail -n 1'
	[ "${output%%[!0-9]*}" -gt 100000 ]
	has_acked 102
	has_acked 103
}

@test "ext4: a CT that fills the host's disk is told so, its neighbours lose nothing, and all go on" {
	fill_and_free 900 ext4 mkfs.ext4 -q
}

@test "xfs: a CT that fills the host's disk is told so, its neighbours lose nothing, and all go on" {
	fill_and_free 900 xfs mkfs.xfs -q
}

@test "btrfs: a CT that fills the host's disk is told so, its neighbours lose nothing, and all go on" {
	fill_and_free 700 btrfs mkfs.btrfs -q
	lsattr "$HOST_ROOT/var/lib/berth/private/101/volume.img" | grep -q '^-*C'
}

# finding NAME: its level and text.
finding() {
	berth doctor --json | jq -r --arg n "$1" '.[] | select(.name == $n) | "\(.level) \(.text)"'
}

@test "more than the host has is promised with a word, or refused, as DISK_OVERCOMMIT says" {
	tiny_templates
	MORE_CONF=(DISK_OVERCOMMIT=2)
	small_host ext4 mkfs.ext4 -q
	run -0 --separate-stderr berth create 101 --ostemplate tiny --diskspace 1G
	[ -z "$stderr" ]
	run -0 finding disk-promised
	[[ $output == "ok 1 CTs were promised"* ]]
	run -0 --separate-stderr berth create 102 --ostemplate tiny --diskspace 1G
	[[ $stderr == *"CT 102: the disks of"*" MiB"*"No space left"* ]]
	# As it was, when it is refused.
	run -46 berth create 103 --ostemplate tiny --diskspace 900G
	[[ $output == *"CT 103"*DISK_OVERCOMMIT* ]]
	[ ! -e "$HOST_ROOT/var/lib/berth/private/103" ]
	size=$(stat -c '%s %b' "$HOST_ROOT/var/lib/berth/private/101/volume.img")
	run -46 berth set 101 --diskspace 900G --save
	[[ $output == *"CT 101"*DISK_OVERCOMMIT* ]]
	[ "$(stat -c '%s %b' "$HOST_ROOT/var/lib/berth/private/101/volume.img")" = "$size" ]
	stop_berthd
	sed -i 's/^DISK_OVERCOMMIT=.*/DISK_OVERCOMMIT="warn"/' "$HOST_ROOT/etc/berth/berth.conf"
	start_berthd
	run -0 berth set 101 --diskspace 3G --save
	[[ $output == *"the disks of"*" MiB"* ]]
	run -0 finding disk-promised
	[[ $output == "warning 2 CTs were promised"* ]]
	# Not even its metadata has room: the file stays as it was.
	run berth set 102 --diskspace 900G --save
	[ "$status" != 0 ]
	[[ $output == *"MiB free"* ]]
	[ "$(berth list -a -H -o diskspace.h 102 | tr -d ' ')" = 1048576 ]
	[ "$(stat -c %s "$HOST_ROOT/var/lib/berth/private/102/volume.img")" -lt 1500000000 ]
}

# tap CTID: MiB of the container's volume that nobody in it gets.
tap() {
	local dev
	dev=$(losetup -n -O NAME -j "$HOST_ROOT/var/lib/berth/private/$1/volume.img" | tr -d ' ')
	echo $(($(</sys/fs/ext4/"${dev#/dev/}"/reserved_clusters) / 256))
}

is_stopped() {
	grep -q '^State:.*T' "/proc/$1/status"
}

tap_is_below() {
	[ "$(tap "$1")" -lt "$2" ]
}

# bats test_tags=vm
@test "what a growing volume gains on a full host is not its own before the watch has looked" {
	tiny_templates
	small_host ext4 mkfs.ext4 -q
	faults_begin
	fallocate -l 700M "$HOST_DISK/ballast"
	tiny 101 --diskspace 100M
	tiny 102 --diskspace 300M
	before=$(tap 101)
	# Nobody looks while it grows.
	fault set resize.grow_mounted "stop=$BERTHD_PID"
	fault set resize.metadata stop
	berth set 101 --diskspace 2G --save 3>&- &
	set_pid=$!
	wait_for 30 fault reached resize.metadata
	worker=$(fault pid resize.metadata)
	wait_for 10 is_stopped "$worker"
	is_stopped "$BERTHD_PID"
	# 1948 MiB more, of which 64 MiB are its own at once.
	[ "$(tap 101)" -ge $((before + 1948 - 64)) ]
	kill -CONT "$BERTHD_PID" "$worker"
	wait $set_pid
	# Then each has a share of what there is: some 500 MiB.
	wait_for 30 tap_is_below 101 $((before + 1948 - 64))
	[ "$(tap 101)" -gt 1200 ]
}

@test "a volume that has turned read-only, and a disk that answers with errors, are shown for what they are" {
	tiny_templates
	small_host ext4 mkfs.ext4 -q
	tiny 101 --diskspace 256M
	tiny 102 --diskspace 256M
	image=$HOST_ROOT/var/lib/berth/private/101/volume.img
	berth exec2 101 'echo kept | dd of=/kept conv=fsync 2>/dev/null'
	# The kernel's own way to make ext4 find damage.
	dev=$(losetup -n -O NAME -j "$image" | tr -d ' ')
	echo test >"/sys/fs/ext4/${dev#/dev/}/trigger_fs_error"
	wait_for 30 log_has 'error: ct=101 its volume is read-only'
	run berth exec2 101 'echo more >/more'
	[ "$status" != 0 ]
	run -0 berth list
	[[ $output == *"CT 101: its volume is read-only"*"berth restart 101"* ]]
	[[ $output != *"CT 102:"* ]]
	run -0 berth status 101
	[[ $output == "CTID 101 exist mounted running"*"read-only"* ]]
	run -0 finding ct-101
	[[ $output == "error CT 101: its volume is read-only"* ]]
	# What it says mends it.
	berth restart 101 --wait
	run -0 berth exec2 101 'echo more >/more; cat /kept'
	[ "$output" = kept ]
	run -0 --separate-stderr berth list
	[ -z "$stderr" ]
	# A disk that fails: what may not be changed at all answers each write of the loop driver with an error.
	chattr +i "$image"
	run -1 berth exec2 101 'dd if=/dev/zero of=/lost bs=4k count=1 conv=fsync'
	[[ $output == *"/output error"* || $output == *"I/O error"* ]]
	touch_volume() {
		berth exec2 101 'echo x >/touched' || true
		log_has "ct=101 its volume is read-only: the host's disk answered with an I/O error"
	}
	wait_for 60 touch_volume
	run -0 berth status 101
	[[ $output == *"(EIO)"* ]]
	chattr -i "$image"
	berth stop 101 --fast
	# The next start checks all of it. What was lost may be more than it mends by itself: then it says so.
	[ -e "${image%/*}/volume.check" ]
	berth start 101 --wait || e2fsck -fy "$image" || [ $? -le 2 ]
	berth start 101 --wait || true
	run -0 berth exec2 101 'cat /kept; echo on >/on'
	[ "$output" = kept ]
	run -0 berth status 101
	[[ $output == "CTID 101 exist mounted running" ]]
}
