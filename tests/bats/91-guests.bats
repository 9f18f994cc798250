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
