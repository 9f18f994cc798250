#!/usr/bin/env bats
# What a customer brings along: other inits, other architectures. The longer list is in 91-guests.bats.

load helpers

setup() {
	setup_host
}

teardown() {
	teardown_host
}

@test "G2 sysvinit: stop runs the stop scripts, and a kill is said" {
	guest 101 sysvinit
	runs() { berth exec2 101 pidof cron; }
	wait_for 60 runs
	berth exec2 101 'printf "%s\n" "#!/bin/sh" "### BEGIN INIT INFO" "# Provides: probe" "# Required-Start:" \
		"# Required-Stop: \$remote_fs" "# Default-Start: 2 3 4 5" "# Default-Stop: 0 1 6" "### END INIT INFO" \
		"[ \$1 != stop ] || { echo stopped >/root/stop.ran; [ ! -e /root/hang ] || sleep 1000; }" \
		>/etc/init.d/probe && chmod 755 /etc/init.d/probe && update-rc.d probe defaults'
	run -0 berth stop 101
	[ -z "$output" ]
	grep -q 'ct=101 was stopped by order (reason: stopped)' "$HOST_ROOT/berthd.log"
	berth start 101
	wait_for 60 runs
	[ "$(berth exec2 101 cat /root/stop.ran)" = stopped ]
	berth exec2 101 touch /root/hang
	run -0 berth stop 101 --timeout 3
	[[ $output == *"CT 101 did not stop in 3 s and was killed"*--timeout* ]]
	grep -q 'ct=101 .*(reason: killed)' "$HOST_ROOT/berthd.log"
}

keys_of() {
	berth exec2 "$1" cat /etc/ssh/ssh_host_ed25519_key.pub
}

@test "G4, G13 sysvinit: two containers of one template differ in host keys and the time of cron's jobs" {
	local n
	guest 101 sysvinit
	berth create 102 --ostemplate sysvinit --ram 512M --ipadd 10.99.0.102
	berth start 102
	for n in 101 102; do wait_for 60 keys_of "$n"; done
	[ "$(keys_of 101)" != "$(keys_of 102)" ]
	[ "$(berth exec2 101 cat /etc/crontab)" != "$(berth exec2 102 cat /etc/crontab)" ]
	[ "$(berth exec2 101 grep -c 'run-parts' /etc/crontab)" = 4 ]
	# The file through which they are made is again as the package has it.
	berth stop 101
	berth start 101
	wait_for 60 berth exec2 101 pidof sshd
	run ! berth exec2 101 grep berth /etc/default/ssh
	berth stop 101
	berth stop 102
}

@test "G3 a root of 32-bit programs has sockets with socketcall:on" {
	run -0 guest 101 tiny-i386
	[[ $output == *"for i386"*"--features socketcall:on"* ]]
	run ! berth exec2 101 ping -c 1 -w 20 169.254.0.1
	[[ $output == *"Function not "* ]]
	run -0 berth set 101 --features socketcall:on --save
	berth restart 101
	[ "$(berth exec2 101 uname -m)" = x86_64 ] || [ "$(berth exec2 101 uname -m)" = i686 ]
	berth exec2 101 ping -c 1 -w 20 169.254.0.1
	berth stop 101
	grep -q 'ct=101 was stopped by order (reason: stopped)' "$HOST_ROOT/berthd.log"
}
