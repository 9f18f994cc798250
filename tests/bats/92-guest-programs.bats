#!/usr/bin/env bats
# Programs that a customer runs notice none of a CT's limits and refusals: each is started and does its work, with the
# defaults but for memory, or with the switch that ctid.conf(5) names. In the nightly set, as its root file systems
# take a while to make.

load helpers

setup_file() {
	setup_host
}

teardown_file() {
	teardown_host
}

# guest CTID NAME OPTION...: a running CT of the archive NAME, once for all tests of this file.
guest() {
	[ -e "${BERTH_TEST_GUESTS:-}/$2.tar" ] || skip "no root file system $2 (its archive was not reachable)"
	[ -z "$(berth list -a -H -o ctid "$1" 2>/dev/null)" ] || return 0
	[ -e "$HOST_ROOT/var/lib/berth/template/$2.template" ] ||
		berth template import "$2" "$BERTH_TEST_GUESTS/$2.tar"
	berth create "$1" --ostemplate "$2" --ram 1G --ipadd "10.99.0.$1" "${@:3}"
	berth start "$1" --wait
}

# in_ct CTID: a script on stdin, run to the first failure. What it printed is $output.
in_ct() {
	run -0 berth exec2 "$1" bash -ec "$(cat)"
	echo "$output"
}

host_gets() {
	[ "$(timeout 10 bash -c "exec 3<>/dev/tcp/$1/$2; echo -e 'GET / HTTP/1.0\r\n\r' >&3; tail -n 1 <&3")" = "$3" ]
}

@test "Docker: an image, containers with a network and a terminal, with nesting:on" {
	guest 103 docker --layout private --features nesting:on --numpty 64
	wait_for 120 berth exec2 103 docker info
	in_ct 103 <<-'S'
		mkdir -p /tmp/r/bin && cp /bin/busybox /tmp/r/bin/
		for a in sh echo ping ip id cat wget httpd mkdir tty; do ln -sf busybox /tmp/r/bin/$a; done
		tar -C /tmp/r -c . | docker import - box
		su nobody -s /bin/sh -c 'unshare -Urmpf --mount-proc sh -c "mount -t tmpfs none /mnt && echo rootless as pid \$\$"'
		docker info --format '{{.Driver}} {{.CgroupDriver}} {{.CgroupVersion}}'
		docker run --rm box /bin/echo hello from a container
		docker run --rm -t box /bin/tty
		docker run --rm box /bin/ping -c 1 -W 10 192.0.2.254
		docker run -d --name web -p 8080:80 box /bin/sh -c 'mkdir /w; echo hello by http >/w/index.html; httpd -f -h /w'
	S
	[[ $output == *"rootless as pid 1"*"hello from a container"*/dev/pts/0*"1 packets received"* ]]
	wait_for 30 host_gets 10.99.0.103 8080 'hello by http'
	in_ct 103 <<<'docker exec web /bin/id; docker rm -f web; docker ps -aq | wc -l'
	[[ $output == *uid=0*web*0 ]]
}
