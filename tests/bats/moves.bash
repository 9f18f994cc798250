# moves.bash - for tests of moves between the hosts A and B of tests/twohosts. Load it behind helpers.

twohosts() { "$BATS_TEST_DIRNAME/../twohosts" "$@"; }
on() { twohosts exec "$@"; }
faults() { command fault "$BERTH_FAULTS" "$@"; }

moves_setup() {
	export BERTH_FAULTS=$BERTH_TEST_DIR/faults.move
	command fault "$BERTH_FAULTS" new
	twohosts up
}

moves_teardown() {
	[ ! -e "$BERTH_TEST_DIR/twohosts" ] || twohosts down
	rm -f "$BERTH_FAULTS"
}

root_of() { sed -n 's/^declare -x HOST_ROOT="\(.*\)"$/\1/p' "$BERTH_TEST_DIR/twohosts/$1.host"; }
lib_of() { echo "$(root_of "$1")/var/lib/berth"; }
berthd_of() { sed -n 's/^declare -.* BERTHD_PID="\(.*\)"$/\1/p' "$BERTH_TEST_DIR/twohosts/$1.host"; }

status() { on "$1" berth list -a -H -o status "$2" | tr -d ' '; }
is() { [ "$(status "$1" "$2")" = "$3" ]; }

# Nothing of any CT, nor of a move, is on the host.
empty() {
	[ -z "$(on "$1" berth list -a -H)" ]
	[ -z "$(ls -A "$(lib_of "$1")/private")" ]
	[ -z "$(ls -A "$(lib_of "$1")/state")" ]
	[ -z "$(ls -A "$(root_of "$1")/run/berth/ct")" ]
}

# A berthd anew; the one before is killed, if it still runs.
berthd_again() {
	local pid
	pid=$(berthd_of "$1")
	process_is_gone "$pid" || kill -KILL "$pid"
	wait_for 10 process_is_gone "$pid"
	on "$1" sh -c 'berthd --root "$1" </dev/null >>"$1/berthd.log" 2>&1 3>&- 4>&- & echo $!' - "$(root_of "$1")" \
		>"$BERTH_TEST_DIR/pid"
	sed -i "s/\(BERTHD_PID=\)\"$pid\"/\1\"$(cat "$BERTH_TEST_DIR/pid")\"/" "$BERTH_TEST_DIR/twohosts/$1.host"
	wait_for 10 on "$1" berth ping
}
