#!/usr/bin/env bats
# The harness itself: a host of its own, a CT on it, and a leak that is noticed.
# bats file_tags=both,kernel

load helpers

setup() {
	setup_host
}

teardown() {
	ip link del left0 2>/dev/null || true
	teardown_host
}

@test "a new host answers and has no container" {
	run -0 berth ping
	run -0 berth list -a -H
	[ -z "$output" ]
	run -0 leaks
}

@test "two hosts live side by side" {
	first=$HOST_ROOT first_id=$HOST_ID first_pid=$BERTHD_PID
	setup_host
	[ "$HOST_ROOT" != "$first" ]
	berth ping
	teardown_host
	HOST_ROOT=$first HOST_ID=$first_id BERTHD_PID=$first_pid
	berth ping
}

@test "a container of the template tiny comes and goes without a trace" {
	tiny 101
	run -0 berth exec2 101 echo hello
	[ "$output" = hello ]
	[ -n "$(ct_cgroups 101)" ]
	berth stop 101 --fast
	berth destroy 101
	run -0 leaks
}

@test "what is left behind is noticed" {
	local cgroup loop table=berth_test_$HOST_ID
	stop_berthd # which would mend some of it
	cgroup=$(host_cgroups /berth | head -n 1)
	run -0 leaks
	mkdir "$HOST_ROOT/var/lib/berth/private/999" "$HOST_ROOT/var/lib/berth/private/.999.gone" "$cgroup/999"
	ip link add left0 type veth peer name left1
	mount -t tmpfs left "$HOST_ROOT/run/berth/ct"
	truncate -s 1M "$HOST_ROOT/file"
	loop=$(losetup -f --show "$HOST_ROOT/file")
	nft "add set inet $table left { type ipv4_addr; }; add element inet $table left { 192.0.2.99 }"
	bash -c 'read -r _ <>"$0"' "$BERTH_TEST_NEVER" --root "$HOST_ROOT" </dev/null 3>&- 4>&- &
	run -1 leaks
	kill $!
	wait $! || true
	umount "$HOST_ROOT/run/berth/ct"
	losetup -d "$loop"
	nft delete set inet "$table" left
	ip link del left0
	rmdir "$HOST_ROOT/var/lib/berth/private/999" "$HOST_ROOT/var/lib/berth/private/.999.gone" "$cgroup/999"
	for what in "file $HOST_ROOT/var/lib/berth/private/999" "file $HOST_ROOT/var/lib/berth/private/.999.gone" \
		"cgroup $cgroup/999" 'link left0' 'link left1' "mount $HOST_ROOT/run/berth/ct" "loop device $loop $HOST_ROOT/file" \
		"process $!" 192.0.2.99; do
		echo "is it told? $what"
		[[ $output == *"$what"* ]]
	done
}

@test "the socket speaks Varlink to any client" {
	call() {
		printf '%s\0' "$1" | socat -t 10 - "UNIX-CONNECT:$HOST_ROOT/run/berth/berthd.sock" | tr -d '\0'
	}
	run -0 call '{"method":"org.varlink.service.GetInfo"}'
	echo "$output"
	[ "$(jq -r '.parameters.product' <<<"$output")" = berthd ]
	for name in $(jq -r '.parameters.interfaces[]' <<<"$output"); do
		echo "$name"
		run -0 call "{\"method\":\"org.varlink.service.GetInterfaceDescription\",\"parameters\":{\"interface\":\"$name\"}}"
		jq -r '.parameters.description' <<<"$output" | grep -qx "interface $name"
	done
	run -0 call '{"method":"io.berth.Host.Nothing"}'
	[ "$(jq -r .error <<<"$output")" = org.varlink.service.MethodNotFound ]
}
