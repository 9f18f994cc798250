#!/usr/bin/env bats
# Commands in a CT: streams, exit codes, signals, terminals, and nothing of the operator inside.
# bats file_tags=both

load helpers

setup_file() {
	setup_host
	berth create 102 --ostemplate tiny
	tiny 101
}

teardown_file() {
	teardown_host
}

# bats test_tags=night
@test "stdout and stderr come separately" {
	run --separate-stderr -0 berth exec2 101 'echo out; echo err >&2'
	[ "$output" = out ]
	# shellcheck disable=SC2154 # bats sets it
	[ "$stderr" = err ]
}

# bats test_tags=night
@test "stdin goes in, and its end too" {
	[ "$(printf 'b\na\n' | berth exec2 101 sort)" = $'a\nb' ]
	run -0 berth exec2 101 cat </dev/null
	[ -z "$output" ]
}

# bats test_tags=night
@test "exec2 passes the exit code, exec says 8" {
	berth exec2 101 true
	berth exec 101 true
	run -77 berth exec2 101 'exit 77'
	run -255 berth exec2 101 'exit 255'
	run -8 berth exec 101 'exit 77'
}

# bats test_tags=night
@test "a command that is not there" {
	run --separate-stderr -127 berth exec2 101 no-such-command
	[[ $stderr == *no-such-command*"not found"* ]]
	run -8 berth exec 101 no-such-command
}

# bats test_tags=night
@test "death by a signal is 128 and its number" {
	run -137 berth exec2 101 'kill -KILL $$'
	run -143 berth exec2 101 'kill -TERM $$'
	run -8 berth exec 101 'kill -KILL $$'
}

# bats test_tags=night
@test "words are joined as a shell line, one word is a whole script" {
	[ "$(berth exec2 101 echo 'a b' '$HOME')" = "a b /root" ]
	[ "$(berth exec2 101 'x=1; y=2; echo $((x + y))')" = 3 ]
	[ "$(berth exec2 101 -- echo --help)" = --help ]
	[ "$(berth exec2 101 echo -n x)" = x ]
}

# bats test_tags=night
@test "'-' reads the commands from stdin" {
	run -3 berth exec2 101 - <<<'echo one; echo two; exit 3'
	[ "$output" = $'one\ntwo' ]
}

# bats test_tags=night
@test "signals of the operator reach the command" {
	for s in INT TERM HUP; do
		: >"$BATS_TEST_TMPDIR/out"
		# A job in the background ignores SIGINT unless it is told otherwise: env does.
		env --default-signal=INT,TERM,HUP berth --root "$HOST_ROOT" exec2 101 \
			"trap 'echo got $s; exit 42' $s; echo ready; while :; do sleep 0.1; done" \
			>"$BATS_TEST_TMPDIR/out" 3>&- &
		pid=$!
		wait_for 20 grep -q ready "$BATS_TEST_TMPDIR/out"
		kill "-$s" "$pid"
		status=0
		wait "$pid" || status=$?
		cat "$BATS_TEST_TMPDIR/out"
		[ $status = 42 ]
		grep -q "got $s" "$BATS_TEST_TMPDIR/out"
	done
}

@test "enter has a terminal with the operator's window size, and follows it" {
	cat >"$BATS_TEST_TMPDIR/term" <<-'END'
		stty rows 33 cols 99
		(n=0; until berth --root "$HOST_ROOT" exec2 101 rm /armed || [ $((n += 1)) -gt 300 ]; do sleep 0.1; done </dev/null 2>/dev/null
			stty rows 44 cols 111 </dev/tty) &
		berth --root "$HOST_ROOT" enter 101 --exec \
			'tty; stty size; trap "stty size; exit 5" WINCH; touch /armed; for i in $(seq 3000); do sleep 0.1; done'
		echo "status $?"
	END
	# An interactive shell follows "enter --exec": its end is ours.
	run script -qec "sh $BATS_TEST_TMPDIR/term" /dev/null </dev/null
	echo "$output"
	[[ $output == *"/dev/pts/"* ]]
	[[ $output == *"33 99"* ]]
	[[ $output == *"44 111"* ]]
	[[ $output == *"status 5"* ]]
}

# bats test_tags=night
@test "enter --exec without a terminal" {
	run -0 berth --quiet enter 101 --exec 'echo a word' </dev/null
	[[ $output == *"a word"* ]]
}

# bats test_tags=night
@test "what a command does not read of stdin is there for the next" {
	seq 300 >"$BATS_TEST_TMPDIR/list"
	n=0
	while read -r i; do
		n=$((n + 1))
		[ "$i" = $n ]
		[ $n -gt 3 ] || berth exec2 101 true
	done <"$BATS_TEST_TMPDIR/list"
	[ $n = 300 ]
	# Of a pipe, too, and a command that reads a line takes that line.
	n=0
	while read -r i; do
		n=$((n + 1))
		[ "$i" = $n ]
		[ $n -gt 3 ] || berth exec2 101 true
		if [ $n = 5 ]; then
			[ "$(berth exec2 101 'read x; echo $x')" = 6 ]
			n=6
		fi
	done < <(seq 20)
	[ $n = 20 ]
	berth exec2 101 'cat >/root/list' <"$BATS_TEST_TMPDIR/list"
	seq 100000 | berth exec2 101 'cat >/root/long'
	[ "$(berth exec2 101 'wc -l </root/list; wc -l </root/long; rm /root/list /root/long' | xargs)" = "300 100000" ]
}

# bats test_tags=night
@test "much data goes both ways unharmed" {
	mib=16
	[ -z "${BERTH_IN_VM:-}" ] || mib=4
	head -c ${mib}M /dev/urandom >"$BATS_TEST_TMPDIR/data"
	berth exec2 101 'tee /root/data' <"$BATS_TEST_TMPDIR/data" >"$BATS_TEST_TMPDIR/back"
	cmp "$BATS_TEST_TMPDIR/data" "$BATS_TEST_TMPDIR/back"
	[ "$(berth exec2 101 'sha256sum </root/data')" = "$(sha256sum <"$BATS_TEST_TMPDIR/data")" ]
	berth exec2 101 rm /root/data
}

# bats test_tags=night
@test "a reader that goes away ends the command" {
	# yes dies of SIGPIPE, not of the test's time-out.
	timeout 120 bash -c "command berth --root '$HOST_ROOT' exec2 101 yes | head -n 2" >"$BATS_TEST_TMPDIR/out"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/out")" = 2 ]
	no_yes() { ! berth exec2 101 pidof yes; }
	wait_for 10 no_yes
}

# bats test_tags=night
@test "a hundred at once" {
	n=100 pids=()
	# Emulation takes seconds for each.
	[ -z "${BERTH_IN_VM:-}" ] || n=20
	for i in $(seq $n); do
		{
			status=0
			echo "in $i" | berth exec2 101 "cat; echo out $i; exit $((i % 5))" \
				>"$BATS_TEST_TMPDIR/$i" 2>&1 || status=$?
			echo "status $status" >>"$BATS_TEST_TMPDIR/$i"
		} 3>&- &
		pids[i]=$!
	done
	wait "${pids[@]}" # not all: bats's own time-out is a child as well
	for i in $(seq $n); do
		[ "$(cat "$BATS_TEST_TMPDIR/$i")" = "in $i"$'\n'"out $i"$'\n'"status $((i % 5))" ] || {
			echo "number $i:"
			cat "$BATS_TEST_TMPDIR/$i"
			return 1
		}
	done
	# No zombie and no session is left of them.
	berth exec2 101 'ps -o stat,args' >"$BATS_TEST_TMPDIR/ps"
	! grep '^Z' "$BATS_TEST_TMPDIR/ps"
}

# bats test_tags=night
@test "no descriptor leaks in" {
	exec 7</etc/passwd
	run -0 berth exec2 101 'ls /proc/self/fd'
	exec 7<&-
	# The last one is ls's own.
	[ "$(tr '\n' ' ' <<<"$output")" = "0 1 2 3 " ]
	run -0 berth exec2 101 'ls -l /proc/self/fd /proc/1/fd /proc/1/cwd /proc/self/cwd'
	[[ $output != *"$HOST_ROOT"* ]]
	[[ $output != *socket* ]]
}

# bats test_tags=night
@test "the environment is berth's, not the operator's" {
	export SECRET=hush LC_ALL=C.UTF-8 BASH_ENV=/etc/profile
	run -0 berth exec2 101 'env -u SHLVL -u PWD -u OLDPWD env | cut -d= -f1 | sort | tr "\n" " "'
	[ "$output" = "HOME LOGNAME PATH SHELL TERM USER " ]
	[ "$(berth exec2 101 'pwd; umask; id -u; id -G')" = $'/\n0022\n0\n0' ]
}

@test "the command is in the container, in all respects" {
	run -0 berth exec2 101 'cat /proc/self/cgroup'
	[[ $output != *"$HOST_ID"* ]]
	command berth --root "$HOST_ROOT" exec2 101 'sleep 1000' 3>&- &
	client=$!
	found() { pid=$(pgrep -f '^sleep 1000$' | tail -n 1) && [ -n "$pid" ]; }
	wait_for 10 found
	grep -q "berth-test-$HOST_ID/berth/101" "/proc/$pid/cgroup"
	init=$(init_pid 101)
	for ns in user pid mnt net uts ipc cgroup; do
		[ "$(readlink "/proc/$pid/ns/$ns")" = "$(readlink "/proc/$init/ns/$ns")" ]
	done
	[ "$(grep ^Seccomp: "/proc/$pid/status")" = "$(grep ^Seccomp: "/proc/$init/status")" ]
	[ "$(grep ^CapBnd: "/proc/$pid/status")" = "$(grep ^CapBnd: "/proc/$init/status")" ]
	kill -TERM "$client"
	wait "$client" || [ $? = 143 ]
}

# bats test_tags=night
@test "a container that removes the cgroup of sessions is entered all the same" {
	# As its root can: it owns what is above it. Not from within: a session is in it.
	berth exec2 101 'for m in $(grep " cgroup2 " /proc/mounts | cut -d " " -f 2); do
		echo $$ >$m/cgroup.procs && rmdir $m/.berth; done'
	[ -z "$(find /sys/fs/cgroup -path "*/berth-test-$HOST_ID/berth/101/inner/.berth")" ]
	[ "$(berth exec2 101 echo entered)" = entered ]
	run -0 berth exec2 101 'cat /proc/self/cgroup'
	[[ $output == *::/.berth* ]]
}

# bats test_tags=night
@test "a script of the host, with its own interpreter" {
	printf '#!/bin/sh -e\necho "here is $(hostname)"\nfalse\necho not reached\n' >"$BATS_TEST_TMPDIR/s"
	run -1 berth runscript 101 "$BATS_TEST_TMPDIR/s"
	[ "$output" = "here is ct101" ]
	printf '#!/bin/cat\ntext\n' >"$BATS_TEST_TMPDIR/s"
	run -0 berth runscript 101 "$BATS_TEST_TMPDIR/s"
	[[ $output == *text ]]
	echo 'exit 9' >"$BATS_TEST_TMPDIR/s"
	run -9 berth runscript 101 "$BATS_TEST_TMPDIR/s"
	printf '#!/no/such\n' >"$BATS_TEST_TMPDIR/s"
	run -8 berth runscript 101 "$BATS_TEST_TMPDIR/s"
	[[ $output == *"/no/such"* ]]
	run -3 berth runscript 101 "$BATS_TEST_TMPDIR/nothing"
	[[ $output == *"$BATS_TEST_TMPDIR/nothing"* ]]
}

# bats test_tags=night
@test "runscript in a stopped container: its init does not run, and it is stopped again" {
	echo 'echo init is $(cat /proc/1/comm); echo kept >/root/by-script; exit 3' >"$BATS_TEST_TMPDIR/s"
	run -3 berth runscript 102 "$BATS_TEST_TMPDIR/s"
	[ "$output" = "init is sh" ]
	[ "$(berth list -a -H -o status 102 | tr -d ' ')" = stopped ]
	echo 'cat /root/by-script' >"$BATS_TEST_TMPDIR/s"
	run -0 berth runscript 102 "$BATS_TEST_TMPDIR/s"
	[ "$output" = kept ]
}

# bats test_tags=night
@test "a stopped, an unknown container, no command" {
	for c in exec exec2; do
		run -31 berth $c 102 true
		[[ $output == "berth: CT 102 is not running; start it: berth start 102" ]]
		run -14 berth $c 999 true
		run -20 berth $c 101
	done
	run -31 berth enter 102
}

# bats test_tags=night
@test "what runs when the container stops is told" {
	berth start 102
	berth exec2 102 'echo ready; sleep 1000' >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	client=$!
	wait_for 20 grep -q ready "$BATS_TEST_TMPDIR/out"
	berth stop 102 --fast
	status=0
	wait $client || status=$?
	cat "$BATS_TEST_TMPDIR/out"
	[ $status != 0 ]
	[ $status = 137 ]
}
