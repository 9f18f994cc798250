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
	counts >"$BATS_TEST_TMPDIR/before"
	live_and_die $((total - total / 10))
	counts >"$BATS_TEST_TMPDIR/after"
	cat "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	flat "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after" 1024
}
