#!/usr/bin/env bats
# The system call policy as a CT meets it: rows A08 to A11 and A13 of the threat list. The prober reads the
# same tables as the filter's builder and makes every call in each ABI that the kernel has.

load helpers

setup() {
	setup_host
	tiny 101
	put_probe 101
}

teardown() {
	teardown_host
}

try() {
	run berth exec2 101 /probe "$@"
	# Kernels without the 32-bit ABI kill whoever asks for it.
	[[ $output != *"signal 11"* ]] || skip "this kernel has no i386 system calls"
	[ "$status" = 0 ] || {
		echo "$output"
		return 1
	}
	[[ $output == *" 0 bad"* ]]
}

@test "A08 a file handle opens nothing" {
	try handle x64
	try handle i386
}

# bats test_tags=both,kernel
@test "A09 32-bit calls meet the same policy and x32 calls are killed" {
	try table i386
	try sockets i386
	try unknown i386
	try table x32
}

# bats test_tags=both,kernel
@test "A10 every row of the system call table answers what it says" {
	try table x64
	try unknown x64
}

# bats test_tags=both
@test "A11 only the families and protocols of the policy open" {
	try sockets x64
}

# bats test_tags=both
@test "A13 no nested user namespace; mount and network namespaces stay allowed" {
	run ! berth exec2 101 unshare -U true
	[[ $output == *"not permitted"* ]]
	for n in p u i C; do
		run ! berth exec2 101 unshare -$n true
	done
	berth exec2 101 unshare -m true
	berth exec2 101 unshare -n true
}

@test "A13 nesting:on gives nested namespaces back and nothing else" {
	berth stop 101 --fast
	berth set 101 --features nesting:on --save
	berth start 101 --wait
	try table x64 1
	try sockets x64
	berth exec2 101 unshare -U true
	# G11 as rootless programs do it: the /proc of their own needs one in view that nothing covers.
	[ "$(berth exec2 101 unshare -U -r -m -p -f --mount-proc sh -c 'echo $$')" = 1 ]
}

@test "an exec session and init have the same filter" {
	pid=$(init_pid 101)
	[ "$(awk '/^Seccomp:/ {print $2}' "/proc/$pid/status")" = 2 ]
	[ "$(berth exec2 101 awk '/^Seccomp:/ {print $2}' /proc/self/status)" = 2 ]
	[ "$(berth exec2 101 awk '/^Seccomp_filters:/ {print $2}' /proc/self/status)" = \
		"$(awk '/^Seccomp_filters:/ {print $2}' "/proc/$pid/status")" ]
}
