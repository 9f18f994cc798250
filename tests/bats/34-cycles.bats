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
	counts >"$BATS_TEST_TMPDIR/before"
	find "$HOST_ROOT" >"$BATS_TEST_TMPDIR/files.before"
	live_and_die 100
	counts >"$BATS_TEST_TMPDIR/after"
	find "$HOST_ROOT" >"$BATS_TEST_TMPDIR/files.after"
	diff "$BATS_TEST_TMPDIR/files.before" "$BATS_TEST_TMPDIR/files.after" || true
	cat "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	flat "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after" 1024
}
