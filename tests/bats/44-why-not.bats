# 44-why-not.bats - all that keeps a CT from being suspended or moved while it runs is told, and told at once.
load helpers
load moves

setup_file() {
	command -v "${CRIU:-criu}" >/dev/null || skip "no criu (CRIU is not set)"
}

setup() {
	moves_setup
	via=$(twohosts via B)
}

teardown() {
	moves_teardown
}

# inside WORDS...: probe's, of a process of the CT that goes on; its number, as the host counts, in $pid.
inside() {
	on A berth exec2 101 sh -c "/probe $* >/run/said 2>&1 &" </dev/null
	is_there() { pid=$(pgrep -f "^/probe $*"); }
	wait_for 10 is_there "$@"
	wait_for 10 on A berth exec2 101 test -s /run/said
	on A berth exec2 101 rm /run/said
}

# has PID WORDS: a line of $output names both.
has() { grep -q "process $1 (probe) has .*$2" <<<"$output"; }

names_all() {
	has "$fuse" "FUSE"
	has "$queue" "a POSIX message queue open (fd 3, 4)"
	has "$ring" "an io_uring open (fd 3)"
	[[ $output == *"a FUSE file system mounted on /mnt/deaf"* && $output == *"2 POSIX message queues"* ]]
}

@test "io_uring, FUSE and message queues are named with their process, all at once, before a move" {
	on A berth create 101 --ostemplate tiny --ram 64M --features fuse:on
	on A berth start 101 --wait
	run -0 on A berth why-not 101
	[[ $output == *"nothing keeps CT 101 from being suspended"* ]]
	on A berth exec2 101 sh -c 'cat >/probe && chmod 755 /probe && mkdir /mnt/deaf' <"$(command -v probe)"
	inside messages 2 hold
	inside fuse /mnt/deaf
	fuse=$pid
	inside mqueue 2 hold
	queue=$pid
	# The CT's own filter lets nobody make one: it comes from outside, and then is a child of the CT's init.
	init=$(on A berth list -H -o init_pid 101)
	on A nsenter -t "${init// /}" -p sh -c "$(command -v probe) uring 1 hold >$BERTH_TEST_DIR/ring 2>&1 3>&- 4>&- &"
	wait_for 10 grep -q "1 rings" "$BERTH_TEST_DIR/ring"
	ring=$(pgrep -fx "$(command -v probe) uring 1 hold")

	run -5 on A berth why-not 101
	names_all
	run -5 on A berth why-not 101 --json
	jq -e --argjson pid "$ring" '.[0].findings[] | select(.name == "io_uring" and .pid == $pid and .command == "probe")' <<<"$output"
	# One that is stopped for it moves all the same, and what --online would meet is told.
	run -0 on A berth migrate --check-only -e "$via" B 101
	names_all
	rm "$(lib_of B)/template/tiny.template"
	for how in "--check-only --online" --online; do
		run -5 on A berth migrate $how -e "$via" B 101
		names_all
		[[ $output == *"the template 'tiny'"* ]]
		is A 101 running
	done

	kill "$fuse" "$queue" "$ring"
	wait_for 10 process_is_gone "$fuse"
	on A berth exec2 101 sh -c 'umount /mnt/deaf; mount -t mqueue none /mnt && rm /mnt/q? && umount /mnt'
	wait_for 10 on A berth why-not 101
	# Those of System V go along.
	on A berth suspend 101
	run -0 on A berth why-not 101
	on A berth resume 101
	run -0 on A berth exec2 101 cat /proc/sysvipc/msg
	[ "$(awk '$4 == 8' <<<"$output" | wc -l)" = 2 ]
	rm "$BERTH_TEST_DIR/ring"
	twohosts down
}
