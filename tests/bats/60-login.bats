#!/usr/bin/env bats
# Passwords and SSH keys from the host: set in any state, seen by nobody.

load helpers

setup() {
	setup_host DEF_OSTEMPLATE=tiny
}

teardown() {
	teardown_host
}

# password_is CTID USER PASSWORD: by the hash in the CT's shadow. (A root that is not running is looked at by `mount`.)
password_is() {
	local hash root=''
	if [ "$(berth list -a -H -o status "$1" | tr -d ' ')" = running ]; then
		hash=$(berth exec2 "$1" cat /etc/shadow | sed -n "s/^$2:\([^:]*\):.*/\1/p")
	else
		root=$(berth mount "$1")
		hash=$(sed -n "s/^$2:\([^:]*\):.*/\1/p" "$root/etc/shadow")
		berth umount "$1"
	fi
	[[ $hash == '$6$'* ]]
	[ "$(perl -e 'print crypt($ARGV[0], $ARGV[1])' "$3" "$hash")" = "$hash" ]
}

key_file() {
	echo "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPLEEX $1" >"$HOST_ROOT/$1.pub"
	echo "$HOST_ROOT/$1.pub"
}

@test "a password is set in a stopped, a mounted and a running container" {
	berth create 101
	berth set 101 --userpasswd root:stopped
	password_is 101 root stopped
	berth mount 101
	berth set 101 --userpasswd root:mounted
	berth umount 101
	password_is 101 root mounted
	berth start 101 --wait
	berth set 101 --userpasswd 'root:run:ning !"'
	password_is 101 root 'run:ning !"'
	echo 'root:from-stdin' | berth set 101 --userpasswd -
	password_is 101 root from-stdin
	vzctl set 101 --userpasswd root:as-v6 --hostname web --save
	password_is 101 root as-v6
	[ "$(berth exec2 101 hostname)" = web ]
	berth set 101 --crypted --userpasswd 'root:$6$salt$hash'
	[[ $(berth exec2 101 cat /etc/shadow) == 'root:$6$salt$hash:'* ]]
}

@test "a password is in no config, no log and no process list" {
	tiny 101
	kill -STOP "$BERTHD_PID"
	command berth --root "$HOST_ROOT" set 101 --userpasswd root:oPeNsEsAmE --save 3>&- &
	client=$!
	hidden() { tr '\0' ' ' <"/proc/$client/cmdline" | grep -q -e '--userpasswd \*\*\*\*'; }
	wait_for 10 hidden
	run ! grep -q oPeNsEsAmE "/proc/$client/cmdline"
	kill -CONT "$BERTHD_PID"
	wait $client
	password_is 101 root oPeNsEsAmE
	run ! grep -rqF oPeNsEsAmE "$HOST_ROOT/etc" "$HOST_ROOT/run" "$HOST_ROOT/var/lib/berth/state" "$HOST_ROOT/berthd.log"
	run ! grep -qF '$6$' "$HOST_ROOT/berthd.log" "$HOST_ROOT/etc/berth/ct/101.conf"
	grep -q 'setlogin by uid=0' "$HOST_ROOT/berthd.log"
}

@test "keys are there when a container is created, and added once" {
	berth create 101 --sshkey "$(key_file first)" --userpasswd root:new
	password_is 101 root new
	berth start 101 --wait
	[[ $(berth exec2 101 cat /root/.ssh/authorized_keys) == *' first' ]]
	[ "$(berth exec2 101 stat -c %a /root/.ssh /root/.ssh/authorized_keys | tr '\n' ' ')" = '700 600 ' ]
	berth set 101 --sshkey "$(key_file second)"
	berth set 101 --sshkey "$(key_file second)"
	[ "$(berth exec2 101 wc -l /root/.ssh/authorized_keys)" = '2 /root/.ssh/authorized_keys' ]
}

@test "what is no user, password or key is refused, and nothing has changed" {
	berth create 101 --userpasswd root:before
	run -74 berth set 101 --userpasswd mallory:x --hostname other --save
	[[ $output == *"CT 101: it has no user 'mallory' in /etc/passwd"* ]]
	run ! grep -q other "$HOST_ROOT/etc/berth/ct/101.conf"
	run -21 berth set 101 --userpasswd root
	run -21 berth set 101 --userpasswd root:
	run -21 berth set 101 --userpasswd "root:a
b"
	[[ $output != *a$'\n'* ]]
	run -20 berth set 101 --crypted
	run -21 berth set 101 --sshkey /nonexistent
	echo '-----BEGIN OPENSSH PRIVATE KEY-----' >"$HOST_ROOT/id"
	run -21 berth set 101 --sshkey "$HOST_ROOT/id"
	[[ $output == *"line 1 begins a private key"* ]]
	run -74 berth create 102 --userpasswd mallory:x
	[[ $(berth status 102) == *deleted* ]]
	password_is 101 root before
}

@test "a tenant's files lead nowhere" {
	tiny 101
	# Links to the host's files: they lead back into the CT.
	cp /etc/shadow "$HOST_ROOT/shadow.before"
	berth exec2 101 sh -c 'mv /etc/shadow /etc/mine; ln -s /proc/1/root/etc/mine /etc/shadow'
	run -74 berth set 101 --userpasswd root:x
	[[ $output == *'/etc/shadow is no plain file'* ]]
	berth exec2 101 sh -c 'rm /etc/shadow; mkfifo /etc/shadow'
	run -74 berth set 101 --userpasswd root:x
	berth exec2 101 sh -c 'rm /etc/shadow; mv /etc/mine /etc/shadow; ln -s /etc/passwd /root/.ssh'
	run -74 berth set 101 --sshkey "$(key_file k)"
	berth stop 101 --fast
	run -74 berth set 101 --sshkey "$(key_file k)"
	berth set 101 --userpasswd root:x
	password_is 101 root x
	cmp /etc/shadow "$HOST_ROOT/shadow.before"
	[ ! -e /root/.ssh/authorized_keys ] || run ! grep -q AAAAC3NzaC1lZDI1NTE5AAAAIEXAMPLE /root/.ssh/authorized_keys
}

@test "a container whose root is full says so and keeps its password" {
	tiny 101 --diskspace 32M --userpasswd root:before
	berth exec2 101 sh -c 'cat /dev/zero >/fill; while dd if=/dev/zero bs=4k count=1 >>/fill; do :; done; true' 2>/dev/null
	run -74 berth set 101 --userpasswd root:after
	[[ $output == *'No space left on device'* ]]
	password_is 101 root before
}
