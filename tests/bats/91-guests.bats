#!/usr/bin/env bats
# The list of tested guests: each is imported, booted, entered, stopped in peace. In the nightly set, as their root
# file systems take a while to make. Updates need a network that test hosts do not have: dpkg is asked instead.

load helpers

# Not every mirror has them all.
export GUESTS_MAY_MISS=yes

setup() {
	setup_host
}

teardown() {
	# It may have ended by itself; the host goes in any case.
	[ -z "${name_server:-}" ] || kill "$name_server" || true
	teardown_host
}

# cron_runs: of CT 101.
cron_runs() {
	berth exec2 101 pidof cron
}

# Logged in to, its packages whole, its address where it belongs.
used() {
	[ "$(berth exec2 101 id -u)" = 0 ]
	berth exec2 101 'dpkg --audit && ip -4 -o addr show dev venet0 | grep -q 10.99.0.101'
	berth exec2 101 'getent hosts localhost && grep -q "nameserver 192.0.2.53" /etc/resolv.conf'
}

# Its stop scripts run: $1 is what starts a service called probe in it.
stopped_in_peace() {
	berth exec2 101 "$1"
	run -0 berth stop 101
	[ -z "$output" ]
	grep -q 'ct=101 was stopped by order (reason: stopped)' "$HOST_ROOT/berthd.log"
	berth start 101 --wait
	[ "$(berth exec2 101 cat /root/stop.ran)" = stopped ]
	berth stop 101 --fast
}

sysv_probe='printf "%s\n" "#!/bin/sh" "### BEGIN INIT INFO" "# Provides: probe" "# Required-Start:" \
	"# Required-Stop: \$remote_fs" "# Default-Start: 2 3 4 5" "# Default-Stop: 0 1 6" "### END INIT INFO" \
	"[ \$1 != stop ] || echo stopped >/root/stop.ran" \
	>/etc/init.d/probe && chmod 755 /etc/init.d/probe && update-rc.d probe defaults'

systemd_probe='systemd-run -q --unit=probe -p ExecStop="sh -c \"echo stopped >/root/stop.ran\"" sleep 100000'

@test "Debian 12 with sysvinit and openrc's scripts" {
	guest 101 openrc --nameserver 192.0.2.53
	wait_for 60 cron_runs
	used
	stopped_in_peace "$sysv_probe && service probe start"
}

@test "Debian 12 with runit" {
	guest 101 runit --nameserver 192.0.2.53
	wait_for 60 cron_runs
	used
	stopped_in_peace "$sysv_probe"
}

@test "Debian 12 with sysvinit and resolvconf" {
	guest 101 resolvconf --nameserver 192.0.2.53
	wait_for 60 cron_runs
	used
	stopped_in_peace "$sysv_probe"
}

# A machine on the uplink knows one name.
name_server() {
	# Not by world, a function: $! is to be the server itself.
	nsenter -t "$(cat "${BERTH_TEST_DIR:-/var/tmp}/world.pid")" -n nameserver 192.0.2.254 \
		probe.example.com 192.0.2.77 </dev/null >/dev/null 2>&1 3>&- &
	name_server=$!
}

# Short, as the search domain is in use.
resolves() {
	[[ $(berth exec2 101 getent ahostsv4 probe) == 192.0.2.77* ]]
}

@test "G5 Debian 12 with systemd-resolved resolves by --nameserver" {
	name_server
	guest 101 resolved --nameserver 192.0.2.254 --searchdomain example.com
	[[ $(berth exec2 101 readlink /etc/resolv.conf) == *systemd/resolve/stub-resolv.conf ]]
	wait_for 5 resolves
	run -0 berth set 101 --nameserver 192.0.2.53 --save
	[[ $output == *"'systemctl restart systemd-resolved'"* ]]
	berth exec2 101 systemctl restart systemd-resolved
	[[ $(berth exec2 101 resolvectl dns) == *"192.0.2.53"* ]]
	# G4: what was imported was one system; these are two.
	berth create 102 --ostemplate resolved --ram 512M --ipadd 10.99.0.102
	berth start 102 --wait
	[[ $(berth exec2 101 cat /etc/machine-id) =~ ^[0-9a-f]{32}$ ]]
	[[ $(berth exec2 102 cat /etc/machine-id) =~ ^[0-9a-f]{32}$ ]]
	[ "$(berth exec2 101 cat /etc/machine-id)" != "$(berth exec2 102 cat /etc/machine-id)" ]
	berth stop 102
	berth stop 101
}

@test "G5 Debian 12 with resolvconf resolves by --nameserver" {
	name_server
	guest 101 resolvconf --nameserver 192.0.2.254 --searchdomain example.com
	wait_for 15 resolves
	run -0 berth set 101 --nameserver 192.0.2.53 --save
	[[ $output == *"'resolvconf -u'"* ]]
	berth exec2 101 'resolvconf -u && grep -q "^nameserver 192.0.2.53" /etc/resolv.conf'
	berth stop 101
}

# Each has its own tool for networks; what it does at boot and later leaves the address, the way out and the servers.
network_stays() {
	berth exec2 101 'ip -4 -o addr show dev venet0 | grep -q "inet 10.99.0.101/32 "'
	berth exec2 101 ping -c 1 -w 20 192.0.2.254
	resolves
}

@test "Debian 12 with netplan" {
	name_server
	guest 101 netplan --nameserver 192.0.2.254 --searchdomain example.com
	network_stays
	[[ $(berth exec2 101 networkctl status venet0) == *"State: routable (configured)"* ]]
	berth exec2 101 'netplan generate && systemctl restart systemd-networkd'
	wait_for 20 network_stays
	stopped_in_peace "$systemd_probe"
}

@test "Debian 12 with NetworkManager" {
	name_server
	guest 101 networkmanager --nameserver 192.0.2.254 --searchdomain example.com
	berth exec2 101 systemctl is-active NetworkManager
	network_stays
	[[ $(berth exec2 101 nmcli -t -f DEVICE,STATE device) == *venet0:unmanaged* ]]
	berth exec2 101 systemctl restart NetworkManager
	wait_for 20 network_stays
	stopped_in_peace "$systemd_probe"
}

@test "Debian 12 with openrc's scripts and ifupdown-ng, as Alpine has it" {
	name_server
	guest 101 ifupdown-ng --nameserver 192.0.2.254 --searchdomain example.com
	wait_for 60 cron_runs
	network_stays
	berth exec2 101 'ifdown venet0; ifup venet0'
	wait_for 20 network_stays
	stopped_in_peace "$sysv_probe && service probe start"
}

@test "Debian 12 for i386" {
	guest 101 i386 --nameserver 192.0.2.53 --features socketcall:on
	wait_for 60 cron_runs
	used
	berth exec2 101 ping -c 1 -w 20 169.254.0.1
	stopped_in_peace "$systemd_probe"
}

@test "Debian 11" {
	guest 101 bullseye --nameserver 192.0.2.53
	wait_for 60 cron_runs
	used
	stopped_in_peace "$systemd_probe"
}

@test "Debian sid" {
	guest 101 sid --nameserver 192.0.2.53
	wait_for 60 cron_runs
	used
	stopped_in_peace "$systemd_probe"
}
