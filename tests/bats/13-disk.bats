#!/usr/bin/env bats
# The volume of a CT: exact size, exact inodes, growing and shrinking, and the host's files beyond it.
# bats file_tags=both

load helpers

setup_file() {
	setup_host
	tiny 101 --diskspace 48M --diskinodes 4096
}

teardown_file() {
	teardown_host
}

# df_field CTID N [-i]: the Nth field of df of the CT's root.
df_field() {
	berth exec2 "$1" "df -P ${3:--k} / | tail -n 1" | awk -v n="$2" '{print $n}'
}

field() {
	berth list -a -H -o "$2" "$1" | tr -d ' '
}

@test "df shows the size and the inodes that were bought, and list the same" {
	[ "$(df_field 101 2)" = 49152 ]
	[ "$(df_field 101 2 -i)" = 4096 ]
	[ "$(field 101 diskspace.h)" = 49152 ]
	[ "$(field 101 diskinodes.h)" = 4096 ]
	used=$(df_field 101 3)
	[ "$(field 101 diskspace)" -ge "$used" ]
	[ "$(field 101 diskspace)" -le $((used + 100)) ]
}

@test "a full volume is ENOSPC at its size, and the host loses no more" {
	run -1 berth exec2 101 'dd if=/dev/zero of=/big bs=1M'
	[[ $output == *"No space left on device"* ]]
	size=$(berth exec2 101 'stat -c %s /big')
	[ "$size" -gt $((44 << 20)) ]
	[ "$size" -le $((48 << 20)) ]
	[ "$(df_field 101 3)" -le 49152 ]
	# The image and its metadata stay near what was sold.
	private="$HOST_ROOT/var/lib/berth/private/101"
	[ "$(du -sk "$private" | cut -f 1)" -le $((49152 + 16384)) ]
	# Full, and it still works.
	[ "$(berth exec2 101 echo alive)" = alive ]
	run -1 berth exec2 101 'dd if=/dev/zero of=/another-file bs=1M count=4'
	berth exec2 101 'rm /big && echo more >/another-file && sync'
	[ "$(df_field 101 3)" -lt 2000 ]
}

@test "inodes end at their number" {
	run -0 berth exec2 101 'mkdir /many; cd /many; i=0
		while (: >f$i) 2>/dev/null; do i=$((i + 1)); [ $i -lt 5000 ] || break; done; echo $i'
	[ "$output" -le 4096 ]
	[ "$output" -gt 4000 ]
	[ "$(df_field 101 4 -i)" = 0 ]
	run -1 berth exec2 101 'echo x >/many/last'
	[[ $output == *"No space left on device"* ]]
	berth exec2 101 'rm -r /many'
	[ "$(df_field 101 3 -i)" -lt 100 ]
}

@test "what is freed inside goes back to the host" {
	# sync(2) does nothing in a CT, fsync(2) does.
	berth exec2 101 'dd if=/dev/urandom of=/big bs=1M count=32 conv=fsync'
	image="$HOST_ROOT/var/lib/berth/private/101/volume.img"
	full=$(du -k "$image" | cut -f 1)
	[ "$full" -gt 30000 ]
	berth exec2 101 'rm /big'
	smaller() { [ "$(du -k "$image" | cut -f 1)" -lt $((full - 25000)) ]; }
	wait_for 20 smaller
}

@test "root inside has no way round: no raw device, no remount, no resize" {
	image="$HOST_ROOT/var/lib/berth/private/101/volume.img"
	dev=$(losetup -n -O NAME -j "$image" | tr -d ' ')
	read -r major minor < <(stat -c '%Hr %Lr' "$dev")
	run berth exec2 101 "mknod /node b $major $minor && head -c 4096 /node"
	[ "$status" != 0 ]
	for c in 'mount -o remount,usrquota /' "mount -t ext4 $dev /mnt" 'losetup /dev/loop0 /x' \
		"echo 1 >/sys/block/${dev#/dev/}/ro"; do
		run berth exec2 101 "$c"
		[ "$status" != 0 ]
	done
	[ "$(df_field 101 2)" = 49152 ]
	berth exec2 101 'rm -f /node'
}

# bats test_tags=night
@test "a template is shared, and what one container writes no other sees" {
	tiny 102 --diskspace 48M
	berth exec2 101 'echo mine >/etc/motd; rm /bin/cal /usr/bin/cal 2>/dev/null || true; chown 1000 /etc/passwd'
	berth exec2 102 'test ! -e /etc/motd || ! grep -q mine /etc/motd'
	[ "$(berth exec2 102 'stat -c %u /etc/passwd')" = 0 ]
	[ "$(berth exec2 101 'stat -c %u /etc/passwd')" = 1000 ]
	berth exec2 101 'chown 0 /etc/passwd'
	berth stop 102 --fast
	berth destroy 102
}

# bats test_tags=night
@test "a stopped container's volume grows and shrinks, the files stay" {
	berth create 102 --ostemplate tiny --diskspace 64M
	berth start 102
	berth exec2 102 'dd if=/dev/urandom of=/keep bs=1M count=24 && sha256sum /keep >/sum'
	berth stop 102 --fast
	berth set 102 --diskspace 200M --save
	[ "$(field 102 diskspace.h)" = 204800 ]
	berth start 102
	[ "$(df_field 102 2)" = 204800 ]
	berth exec2 102 'sha256sum -c /sum && dd if=/dev/zero of=/more bs=1M count=100 && rm /more'
	berth stop 102 --fast
	berth set 102 --diskspace 40M --save
	berth start 102
	[ "$(df_field 102 2)" = 40960 ]
	berth exec2 102 'sha256sum -c /sum'
	run -1 berth exec2 102 'dd if=/dev/zero of=/more bs=1M count=40'
	berth exec2 102 'rm /more'
	berth stop 102 --fast
	# Less than is in use.
	run -61 berth set 102 --diskspace 20M --save
	[[ $output == *"in use"* ]]
	[ "$(field 102 diskspace.h)" = 40960 ]
	berth start 102
	[ "$(df_field 102 2)" = 40960 ]
	berth exec2 102 'sha256sum -c /sum'
	berth stop 102 --fast
	berth destroy 102
}

# bats test_tags=night
@test "a running container's volume does not shrink, and the refusal says how" {
	run -32 berth set 101 --diskspace 32M --save
	[[ $output == *stop* ]]
	[ "$(df_field 101 2)" = 49152 ]
	[ "$(field 101 diskspace.h)" = 49152 ]
}

# bats test_tags=vm
@test "a running container's volume grows at once" {
	tiny 102 --diskspace 48M
	berth exec2 102 'sleep 1000 </dev/null >/dev/null 2>&1 &'
	init=$(init_pid 102)
	berth set 102 --diskspace 160M --save
	[ "$(df_field 102 2)" = 163840 ]
	berth exec2 102 'dd if=/dev/zero of=/big bs=1M count=100 && rm /big'
	[ "$(init_pid 102)" = "$init" ]
	berth restart 102 --fast
	[ "$(df_field 102 2)" = 163840 ]
	berth stop 102 --fast
	berth destroy 102
}

# bats test_tags=night
@test "layout private has the same limits" {
	berth create 102 --ostemplate tiny --layout private --diskspace 48M --diskinodes 4096
	berth start 102
	[ "$(df_field 102 2)" = 49152 ]
	[ "$(df_field 102 2 -i)" = 4096 ]
	run -1 berth exec2 102 'dd if=/dev/zero of=/big bs=1M'
	[[ $output == *"No space left on device"* ]]
	berth stop 102 --fast
	berth destroy 102
}

# bats test_tags=night
@test "a template that does not fit is refused, and nothing is left" {
	[ -e "$HOST_ROOT/var/lib/berth/template/debian-12.template" ] || skip "no template debian-12"
	run -46 berth create 102 --ostemplate debian-12 --layout private --diskspace 64M
	[[ $output == *"--diskspace"* ]]
	[ ! -e "$HOST_ROOT/var/lib/berth/private/102" ]
	[ ! -e "$HOST_ROOT/etc/berth/ct/102.conf" ]
}

# bats test_tags=night
@test "the volume is whole after a container that was killed while it wrote" {
	tiny 102 --diskspace 48M
	berth exec2 102 'while :; do dd if=/dev/zero of=/f bs=64k count=100; rm /f; done' >/dev/null 2>&1 3>&- &
	wait_for 20 berth exec2 102 test -s /f
	berth stop 102 --fast
	wait $! || true
	e2fsck -fn "$HOST_ROOT/var/lib/berth/private/102/volume.img"
	berth start 102
	[ "$(df_field 102 2)" = 49152 ]
	berth stop 102 --fast
	berth destroy 102
}

# can_limit_inodes: whether this kernel has project quota, told by the kernel itself: an ext4 with it takes a write, or not.
can_limit_inodes() {
	local dir=$BATS_TEST_TMPDIR/sample dev r=0
	mkdir -p "$dir.mnt"
	truncate -s 1M "$dir"
	mkfs.ext4 -q -F -b 1024 -I 256 -O ^has_journal,quota,project -E quotatype=prjquota "$dir"
	mount -o loop "$dir" "$dir.mnt" 2>/dev/null || return 1
	touch "$dir.mnt/x" || r=1
	umount "$dir.mnt"
	return $r
}

# no_other_project CTID: root in it gives no file to another project, which would have no limit.
no_other_project() {
	for f in / /many /many/f1 /etc/passwd; do
		run berth exec2 "$1" "/probe project $f 5"
		[[ $output == *"project id: "* ]]
	done
}

# make_files CTID: files in /many until none more can be made; prints how many.
make_files() {
	berth exec2 "$1" 'mkdir -p /many; cd /many; i=0
		while (: >f$i) 2>/dev/null; do i=$((i + 1)); [ $i -lt 9000 ] || break; done; ls | wc -l'
}

# bats test_tags=kernel
@test "the inodes of a running container are lowered and raised, and stay over a restart" {
	if ! can_limit_inodes; then
		[ -z "${BERTH_IN_VM:-}" ] # Debian's kernels can
		berth doctor | grep -q 'inode-limits.*project quota'
		run -0 berth set 101 --diskinodes 1500 --save
		[[ $output == *"--diskinodes 1500 is saved in the config but not in effect"*"berth doctor"* ]]
		[ "$(df_field 101 2 -i)" = 4096 ]
		[ "$(field 101 diskinodes.h)" = 4096 ]
		berth set 101 --diskinodes 4096 --save
		return
	fi
	run -0 berth set 101 --diskinodes 1500 --save
	[ "$output" = "" ]
	[ "$(df_field 101 2 -i)" = 1500 ]
	[ "$(field 101 diskinodes.h)" = 1500 ]
	put_probe 101
	n=$(make_files 101)
	[ "$n" -gt 1300 ]
	[ "$n" -lt 1500 ]
	run -1 berth exec2 101 'echo x >/many/last'
	[[ $output == *quota* ]]
	[ "$(df_field 101 4 -i)" = 0 ]
	no_other_project 101
	run -61 berth set 101 --diskinodes 1200 --save
	[[ $output == *"in use"* ]]
	[ "$(df_field 101 2 -i)" = 1500 ]
	berth set 101 --diskinodes 1600 --save
	berth exec2 101 'echo x >/many/last'
	# Full to the last inode, it starts, and the number is the same.
	make_files 101
	berth restart 101 --fast
	[ "$(df_field 101 2 -i)" = 1600 ]
	run -1 berth exec2 101 'echo x >/many/beyond'
	berth exec2 101 'rm -r /many'
	berth stop 101 --fast
	[ "$(field 101 diskinodes.h)" = 1600 ]
	e2fsck -fn "$HOST_ROOT/var/lib/berth/private/101/volume.img"
	berth set 101 --diskinodes 4096 --save
	berth start 101
	[ "$(df_field 101 2 -i)" = 4096 ]
	# More than mkfs gave: said, and no reason to refuse.
	run -0 berth set 101 --diskinodes 9000 --save
	[[ $output == *"4096 inodes at this size; more come with more --diskspace"* ]]
	berth set 101 --diskinodes 4096 --save
}

@test "a volume that comes from a kernel with project quota starts on one without, and back" {
	image="$HOST_ROOT/var/lib/berth/private/102/volume.img"
	berth create 102 --ostemplate tiny --layout private --diskspace 48M --diskinodes 4096
	if can_limit_inodes; then
		dumpe2fs -h "$image" 2>/dev/null | grep -q 'features:.*project'
		tune2fs -O ^project,^quota "$image"
		berth set 102 --diskinodes 2000 --save
		berth start 102
		[ "$(df_field 102 2 -i)" = 2000 ]
		put_probe 102
		n=$(make_files 102)
		[ "$n" -gt 1000 ]
		[ "$n" -lt 2000 ]
		no_other_project 102
		berth exec2 102 'rm -r /many'
	else
		run ! grep -q 'features:.*project' <<<"$(dumpe2fs -h "$image" 2>/dev/null)"
		tune2fs -O project,quota -Q prjquota "$image"
		berth set 102 --diskinodes 2000 --save
		berth start 102
		[ "$(df_field 102 2 -i)" = 4096 ]
	fi
	berth exec2 102 'echo x >/f'
	berth stop 102 --fast
	e2fsck -fn "$image"
	berth destroy 102
}
