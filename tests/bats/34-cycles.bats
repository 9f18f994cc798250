#!/usr/bin/env bats
# The whole life of a CT, again and again: nothing grows. 90-cycles.bats does it ten thousand times.

load helpers

setup() {
	setup_host
}

teardown() {
	teardown_host
}

@test "100 lives of a container leave descriptors, memory, cgroups, mounts and loop devices as they were" {
	live_and_die 30
	counts >"$HOST_ROOT/before"
	find "$HOST_ROOT" >"$HOST_ROOT/files.before"
	live_and_die 100
	counts >"$HOST_ROOT/after"
	find "$HOST_ROOT" >"$HOST_ROOT/files.after"
	diff "$HOST_ROOT/files.before" "$HOST_ROOT/files.after" || true
	cat "$HOST_ROOT/before" "$HOST_ROOT/after"
	flat "$HOST_ROOT/before" "$HOST_ROOT/after" 1024
}
