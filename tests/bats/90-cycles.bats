#!/usr/bin/env bats
# 10 000 lives of a container (CYCLES=N: so many). The nightly set: tests/run ALL=1.

load helpers

setup() {
	setup_host
}

teardown() {
	teardown_host
}

@test "10 000 lives of a container leave descriptors, memory, cgroups, mounts and loop devices as they were" {
	local total=${CYCLES:-10000}
	live_and_die $((total / 10))
	counts >"$HOST_ROOT/before"
	live_and_die $((total - total / 10))
	counts >"$HOST_ROOT/after"
	cat "$HOST_ROOT/before" "$HOST_ROOT/after"
	flat "$HOST_ROOT/before" "$HOST_ROOT/after" 1024
}
