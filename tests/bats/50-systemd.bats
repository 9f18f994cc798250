#!/usr/bin/env bats
# A host whose PID 1 is systemd, with udev: berthd and its containers as the units run them, in the host's own
# root, cgroups and network.
# bats file_tags=vm,systemd

load helpers

berth() { command berth "$@"; }

setup_file() {
	mkdir -p /data/berth /var/lib/berth
	mount --bind /data/berth /var/lib/berth
	HOST_ROOT='' setup_templates
	setup_network
	systemctl start berthd berth-containers
}

teardown_file() {
	systemctl stop berth-containers berthd
	umount /var/lib/berth
}

# What bats calls has no `set -e`: each failure is remembered.
teardown() {
	local ct failed=0
	systemctl start berthd || failed=1
	for ct in $(berth list -1); do berth stop "$ct" --fast || failed=1; done
	for ct in $(berth list -a -1); do berth destroy "$ct" || failed=1; done
	wait_for 10 no_processes || failed=1
	[ -z "$(leftovers)" ] || failed=1
	leftovers
	return $failed
}

# What is left of containers: mounts, cgroups, links, volumes, nft elements, files.
leftovers() {
	grep -E '/(run/berth/ct|var/lib/berth/root)/[0-9]' /proc/[0-9]*/mountinfo 2>/dev/null
	find /sys/fs/cgroup -type d -path '*berth*' -name '[0-9]*'
	ip -o link | grep -E 'ct[0-9]+\.'
	losetup -l -n -O BACK-FILE | grep volume.img
	nft list ruleset | grep -E 'elements.*ct[0-9]'
	ls /var/lib/berth/private
}

no_processes() {
	! pgrep -x berth-monitor
}

has_status() {
	[ "$(berth list -a -H -o status "$1" | tr -d ' ')" = "$2" ]
}

another_berthd_runs() {
	local pid
	pid=$(systemctl show -P MainPID berthd)
	[ "$pid" != 0 ] && [ "$pid" != "$1" ] && berth ping
}

@test "systemd: the unit is up when berthd answers, and nothing has failed" {
	berth ping
	[ "$(systemctl show -P ActiveState berthd)" = active ]
	[ -z "$(systemctl --failed --no-legend)" ]
	berth doctor
}

@test "systemd: a container goes on with its limits through restarts of berthd and reloads of systemd" {
	local pid berthd
	tiny 101 --ram 64M --swap 0 --cpulimit 50 --ipadd 10.99.0.101
	pid=$(init_pid 101)
	systemctl restart berthd
	[ "$(init_pid 101)" = "$pid" ]
	systemctl daemon-reload
	systemctl restart systemd-journald
	berthd=$(systemctl show -P MainPID berthd)
	kill -9 "$berthd"
	wait_for 30 another_berthd_runs "$berthd"
	[ "$(init_pid 101)" = "$pid" ]
	run -137 berth exec2 101 'dd if=/dev/zero of=/dev/null bs=100M count=1'
	[ "$(cat "/sys/fs/cgroup$(sed 's/^0:://; s,/inner.*,,' "/proc/$pid/cgroup")/cpu.max")" = '50000 100000' ]
	ping -c 1 -W 5 10.99.0.101
	[ "$(berth exec2 101 hostname)" = ct101 ]
}

@test "systemd: udev looks at every volume, and it can be used again all the same" {
	berth create 101 --ostemplate tiny --ipadd 10.99.0.101
	for _ in 1 2 3 4 5 6; do
		berth start 101
		berth stop 101 --fast
	done
	berth start 101
	berth restart 101
	# It would give a veth another address; the CT knows the one that berth has given.
	udevadm settle
	ping -c 1 -W 5 10.99.0.101
}

@test "systemd: the host goes down and comes back, its containers with it" {
	tiny 101 --onboot yes
	tiny 102
	berth exec2 101 sh -c 'echo kept >/kept'
	systemctl stop berth-containers berthd
	# berthd was there until the last container had stopped, with a clean volume.
	run -1 pgrep -x berth-monitor
	grep -E '^Filesystem state: *clean$' <(dumpe2fs -h /var/lib/berth/private/101/volume.img 2>/dev/null)
	run -1 grep needs_recovery <(dumpe2fs -h /var/lib/berth/private/101/volume.img 2>/dev/null)
	rm -rf /run/berth # as a reboot does
	systemctl start berthd berth-containers
	wait_for 60 has_status 101 running
	[ "$(berth exec2 101 cat /kept)" = kept ]
	has_status 102 stopped
}

@test "systemd: a Debian container boots in it with no failed unit" {
	berth create 101 --ostemplate debian-12 --ram 512M --ipadd 10.99.0.101
	berth start 101 --wait
	[ "$(berth exec2 101 systemctl is-system-running --wait)" = running ]
	[ -z "$(systemctl --failed --no-legend)" ]
	berth stop 101
}
