#!/usr/bin/env bats
# Unpatched Debian 12 and 13 with systemd as PID 1: what a customer of a VPS does in it.
# bats file_tags=both

load helpers

setup_file() {
	setup_host
	local v
	for v in 12 13; do
		[ -e "$HOST_ROOT/var/lib/berth/template/debian-$v.template" ] || continue
		berth create "1$v" --ostemplate "debian-$v" --hostname "vps$v.example.com" --ram 512M --swap 0 \
			--diskspace 1G --ipadd "198.51.100.$v" --nameserver 192.0.2.53 --searchdomain example.com
	done
	# Both at once: they boot on CPUs of their own.
	for v in 12 13; do
		[ ! -e "$HOST_ROOT/etc/berth/ct/1$v.conf" ] || berth start "1$v" --wait 3>&- 4>&- &
	done
	wait_for 280 all_booted
}

all_booted() {
	[ -z "$(berth list -a -H -o booted | grep -v yes)" ]
}

setup() {
	mapfile -t cts < <(berth list -H -o ctid | tr -d ' ')
	[ ${#cts[@]} -gt 0 ] || skip "no template debian-12 or debian-13"
}

teardown_file() {
	teardown_host
}

# in_each COMMAND: in every CT; the test fails with the first that fails.
in_each() {
	local ct
	for ct in "${cts[@]}"; do
		echo "CT $ct: $*"
		berth exec2 "$ct" "$@" || return
	done
}

# offers_rsa CT
offers_rsa() {
	berth exec2 "$1" 'ssh-keyscan -t rsa localhost 2>/dev/null | grep -q ssh-rsa'
}

@test "start --wait: the system runs, and no unit has failed" {
	for ct in "${cts[@]}"; do
		run berth exec2 "$ct" systemctl is-system-running
		[ "$status $output" = "0 running" ] || {
			echo "CT $ct: $output"
			berth exec2 "$ct" 'systemctl list-jobs; systemctl --failed; journalctl -b -p warning --no-pager | tail -n 30'
			return 1
		}
		run -0 berth exec2 "$ct" systemctl --failed --no-legend
		[ -z "$output" ]
	done
}

# bats test_tags=night
@test "each container has SSH host keys and a machine-id of its own" {
	local keys ids ct
	keys=$(in_each cat /etc/ssh/ssh_host_ed25519_key.pub | grep -c ^ssh-ed25519)
	[ "$keys" = ${#cts[@]} ]
	[ "$(in_each cat /etc/ssh/ssh_host_ed25519_key.pub | grep ^ssh-ed25519 | sort -u | wc -l)" = ${#cts[@]} ]
	# The RSA key comes later, by a timer; sshd offers it then.
	in_each systemctl is-active ssh-hostkey-rsa.timer
	in_each systemctl start ssh-hostkey-rsa.service
	for ct in "${cts[@]}"; do
		wait_for 60 offers_rsa "$ct"
	done
	ids=$(in_each cat /etc/machine-id | grep -cE '^[0-9a-f]{32}$')
	[ "$ids" = ${#cts[@]} ]
	[ "$(in_each cat /etc/machine-id | grep -E '^[0-9a-f]{32}$' | sort -u | wc -l)" = ${#cts[@]} ]
}

# bats test_tags=night
@test "systemd knows that it is in a container" {
	for ct in "${cts[@]}"; do
		run -0 berth exec2 "$ct" systemd-detect-virt -c
		[ "$output" != none ]
	done
}

# bats test_tags=night
@test "the journal takes lines and gives them back" {
	in_each 'logger -t probe "line of $(hostname)"; journalctl --sync; journalctl -b -t probe -o cat | grep -q "line of vps"'
}

# bats test_tags=night
@test "cron runs a job" {
	in_each 'systemctl is-active cron && echo "* * * * * root date >/root/cron.ran" >/etc/cron.d/probe && chmod 644 /etc/cron.d/probe'
	ran() { in_each 'test -s /root/cron.ran'; }
	wait_for 90 ran
	in_each 'rm /etc/cron.d/probe'
}

# bats test_tags=night
@test "sshd answers, over the container's address" {
	for ct in "${cts[@]}"; do
		# Ask from the host: the route is part of it.
		run -0 timeout 30 bash -c "exec 5<>/dev/tcp/198.51.100.${ct#1}/22; head -n 1 <&5"
		[[ $output == SSH-2.0-OpenSSH* ]]
	done
}

# bats test_tags=night
@test "sudo and su change the user" {
	in_each 'id u1 >/dev/null 2>&1 || useradd -m u1
		[ "$(su u1 -c "id -un")" = u1 ]
		[ "$(sudo -u u1 id -un)" = u1 ]
		echo "u1 ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/u1
		[ "$(su u1 -c "sudo -n id -u")" = 0 ]'
}

# bats test_tags=night
@test "dpkg installs, upgrades and removes a package" {
	local d=$BATS_TEST_TMPDIR/p v
	for v in 1 2; do
		mkdir -p "$d/DEBIAN" "$d/usr/share/probe" "$d/usr/bin"
		printf 'Package: berth-probe\nVersion: %s\nArchitecture: all\nMaintainer: t <t@example.com>\nDescription: probe\n' \
			$v >"$d/DEBIAN/control"
		printf '#!/bin/sh\nset -e\ninstall -o www-data -g www-data -m 2750 -d /var/lib/probe\n' >"$d/DEBIAN/postinst"
		chmod 755 "$d/DEBIAN/postinst"
		echo $v >"$d/usr/share/probe/version"
		printf '#!/bin/sh\necho probe %s\n' $v >"$d/usr/bin/probe"
		chmod 4755 "$d/usr/bin/probe"
		dpkg-deb --root-owner-group -Zxz -b "$d" "$BATS_TEST_TMPDIR/$v.deb" >/dev/null
		for ct in "${cts[@]}"; do
			berth exec2 "$ct" 'cat >/root/p.deb' <"$BATS_TEST_TMPDIR/$v.deb"
			berth exec2 "$ct" 'dpkg -i /root/p.deb'
			[ "$(berth exec2 "$ct" probe)" = "probe $v" ]
		done
	done
	in_each '[ "$(stat -c %U:%a /var/lib/probe)" = www-data:2750 ] && [ "$(stat -c %a /usr/bin/probe)" = 4755 ]'
	in_each 'dpkg --purge berth-probe && ! command -v probe && dpkg --verify coreutils'
}

# bats test_tags=night
@test "host name, hosts, resolver and machine id are each container's own" {
	for ct in "${cts[@]}"; do
		v=${ct#1}
		[ "$(berth exec2 "$ct" hostname)" = "vps$v.example.com" ] || [ "$(berth exec2 "$ct" hostname)" = "vps$v" ]
		berth exec2 "$ct" cat /etc/hosts | grep -q "198.51.100.$v.*vps$v.example.com"
		berth exec2 "$ct" cat /etc/resolv.conf | grep -qx 'nameserver 192.0.2.53'
		berth exec2 "$ct" cat /etc/machine-id | grep -xE '[0-9a-f]{32}' >>"$BATS_TEST_TMPDIR/ids"
		berth exec2 "$ct" 'ip -4 -o addr' | grep -q "198.51.100.$v"
	done
	[ "$(sort -u "$BATS_TEST_TMPDIR/ids" | wc -l)" = ${#cts[@]} ]
	! grep -qxF "$(cat /etc/machine-id 2>/dev/null || echo none)" "$BATS_TEST_TMPDIR/ids"
}

@test "services restart, transient units and timers work" {
	in_each 'systemctl restart cron ssh && systemctl is-active cron ssh'
	in_each '[ "$(systemd-run --wait --pipe -q echo transient)" = transient ]'
	in_each 'systemctl list-timers --no-legend | grep -q . && systemctl daemon-reload && systemctl daemon-reexec'
	in_each 'for i in $(seq 100); do [ "$(systemctl is-system-running)" = running ] && exit 0; sleep 0.1; done; exit 1'
}

@test "G1 a service gets its credentials, and sees what is mounted later" {
	in_each '[ "$(systemd-run --wait --pipe -q -p SetCredential=foo:bar sh -c "cat \$CREDENTIALS_DIRECTORY/foo")" = bar ]'
	in_each 'systemd-run -q --unit=sees -p ProtectSystem=yes sh -c "until [ -e /mnt/later ]; do sleep 0.1; done"
		mount -t tmpfs none /mnt && touch /mnt/later'
	ended() { in_each '! systemctl is-active sees'; }
	wait_for 20 ended
	in_each 'umount /mnt'
}

@test "network namespaces by hand and by unit; the root can be bound elsewhere" {
	in_each 'ip netns add x && ip -n x link | grep -q lo: && [ "$(ip netns exec x ls /sys/class/net)" = lo ]'
	in_each 'ip netns exec x ip link set lo up && ip netns exec x ping -c 1 -w 20 127.0.0.1 && ip netns del x'
	in_each '[ "$(systemd-run --wait --pipe -q -p PrivateNetwork=yes ip -br link | wc -l)" = 1 ]'
	in_each 'mount --bind / /mnt && [ -x /mnt/bin/sh ] && umount /mnt'
}

# bats test_tags=night
@test "G9 a prefix is what the CT shows, and no way to anybody else's addresses; of a network it has the first" {
	local ct
	for ct in "${cts[@]}"; do
		berth set "$ct" --ipadd "198.51.100.1${ct#1}/24" --ipadd "2001:db8:${ct#1}::5/64" --save
		berth exec2 "$ct" 'ip -o addr show dev venet0 | grep -q "inet 198.51.100.*/24 "'
		for _ in at-once after-ifup; do
			run -0 berth exec2 "$ct" 'ip route; ip -6 route'
			[[ $output != *"198.51.100.0/24"* && $output != *"2001:db8:${ct#1}::/64"* && $output == *"default via 169.254.0.1"* ]]
			berth exec2 "$ct" ping -c 1 -w 20 2001:db8::1
			berth exec2 "$ct" 'ifdown --force venet0; ifup venet0'
		done
		berth set "$ct" --ipadd "203.0.113.$((${ct#1} * 8))/29" --save
		for _ in at-once after-ifup; do
			berth exec2 "$ct" ip -o addr show dev venet0 | grep -q "inet 203.0.113.$((${ct#1} * 8 + 1))/32 "
			berth exec2 "$ct" 'ifdown --force venet0; ifup venet0'
		done
		berth set "$ct" --ipdel "203.0.113.$((${ct#1} * 8))/29" --save
		berth set "$ct" --ipdel "198.51.100.1${ct#1}" --ipdel "2001:db8:${ct#1}::5" --save
	done
}

# bats test_tags=night
@test "T9 services and their children are victims of the OOM killer before systemd" {
	[ "$(in_each cat /proc/1/oom_score_adj | grep -cx 0)" = ${#cts[@]} ]
	[ "$(in_each sh -c 'cat /proc/$(pidof cron)/oom_score_adj' | grep -cx 500)" = ${#cts[@]} ]
}

# bats test_tags=night
@test "a login shell on the console's terminal is offered" {
	for ct in "${cts[@]}"; do
		said() { berth console "$ct" --log | grep -q 'login:'; }
		wait_for 60 said
	done
}

# bats test_tags=night
@test "reboot inside restarts the container, and it boots again" {
	declare -A before
	for ct in "${cts[@]}"; do
		before[$ct]=$(init_pid "$ct")
		berth exec "$ct" 'systemctl reboot' || true
	done
	again() {
		local p
		for ct in "${cts[@]}"; do
			p=$(init_pid "$ct")
			[ -n "$p" ] && [ "$p" != - ] && [ "$p" != "${before[$ct]}" ] || return 1
		done
		all_booted
	}
	wait_for 280 again
	in_each '[ "$(systemctl is-system-running --wait)" = running ]'
}

@test "poweroff inside stops the container; stop ends it cleanly" {
	berth exec2 "${cts[0]}" 'date >/root/written'
	berth exec "${cts[0]}" 'systemctl poweroff' || true
	off() { [ "$(berth status "${cts[0]}")" = "CTID ${cts[0]} exist unmounted down" ]; }
	wait_for 120 off
	if [ ${#cts[@]} -gt 1 ]; then
		berth stop "${cts[1]}"
		run -1 grep "ct=${cts[1]} .*did not stop" "$HOST_ROOT/berthd.log"
	fi
	# What was written before is there, and the journal was closed in order (or it would have been set aside).
	berth start "${cts[0]}" --wait
	berth exec2 "${cts[0]}" 'test -s /root/written && ! ls /var/log/journal/*/*~ 2>/dev/null'
	berth stop "${cts[0]}"
}
