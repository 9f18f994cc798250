#!/usr/bin/env bats
# The harness itself: a host of its own, a CT on it, and a leak that is noticed.
# bats file_tags=both,kernel

load helpers

setup() {
	setup_host
}

teardown() {
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
	mkdir "$HOST_ROOT/var/lib/berth/private/999"
	ip link add left0 type veth peer name left1
	run -1 leaks
	[[ $output == *"file $HOST_ROOT/var/lib/berth/private/999"* ]]
	[[ $output == *"link left0"* ]]
	ip link del left0
	rmdir "$HOST_ROOT/var/lib/berth/private/999"
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
