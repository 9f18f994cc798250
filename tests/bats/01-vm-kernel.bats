#!/usr/bin/env bats
# The ground that the VM tests stand on: what the guest's kernel offers. No berth yet.
# bats file_tags=vm,kernel

setup_file() {
	modprobe -a veth nf_tables loop 2>/dev/null || true
}

@test "the cgroup tree is pure v2 and gives out all controllers" {
	[ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]
	! grep -q ' cgroup ' /proc/mounts
	for c in cpuset cpu io memory pids; do
		grep -qw "$c" /sys/fs/cgroup/cgroup.subtree_control
	done
}

@test "a memory limit is enforced by the OOM killer" {
	cg=/sys/fs/cgroup/smoke
	mkdir $cg
	echo 16M >$cg/memory.max
	sh -c "echo \$\$ >$cg/cgroup.procs; head -c 100M /dev/zero | tail >/dev/null" || true
	grep -q '^oom_kill [1-9]' $cg/memory.events
	rmdir $cg
}

@test "project quota is mounted and can be set" {
	grep -q ' /data ext4 .*prjquota' /proc/mounts
	mkdir /data/quota
	chattr -p 7 +P /data/quota
	setquota -P 7 0 1024 0 0 /data
	# Not as root: ext4 lets CAP_SYS_RESOURCE pass its limits.
	chown nobody /data/quota
	run setpriv --reuid nobody --clear-groups --bounding-set=-all \
		dd if=/dev/zero of=/data/quota/f bs=64k count=64
	[ "$status" -ne 0 ]
	[[ $output == *"quota exceeded"* ]]
	rm -r /data/quota
}

@test "overlay on erofs keeps file handles and inodes" {
	mkdir -p /data/ov/{lower,upper,work,root,src}
	echo template >/data/ov/src/f
	mkfs.erofs --quiet /data/ov/t.erofs /data/ov/src
	mount -o loop,ro /data/ov/t.erofs /data/ov/lower
	mount -t overlay -o index=on,nfs_export=on,xino=on,lowerdir=/data/ov/lower,upperdir=/data/ov/upper,workdir=/data/ov/work \
		overlay /data/ov/root
	[ "$(cat /data/ov/root/f)" = template ]
	echo change >/data/ov/root/f
	grep -q 'index=on,.*nfs_export=on' /proc/mounts
	umount /data/ov/root /data/ov/lower
	rm -r /data/ov
}

@test "nftables and veth pairs work in a fresh network namespace" {
	unshare -n sh -ec 'ip link add v0 type veth peer name v1; ip link show v1 >/dev/null
		nft add table inet smoke; nft list tables | grep -q smoke'
}

@test "criu says that this kernel is good" {
	run criu check
	echo "$output"
	[ "$status" -eq 0 ]
	criu check --feature mem_dirty_track
}
