# 42-migrate.bats - a stopped CT, or one that is stopped for it, moves to another host: whole, or not at all.
load helpers
load moves

setup() {
	moves_setup
	via=$(twohosts via B)
	back=$(twohosts via A)
}

teardown() {
	moves_teardown
}

# A CT with files of all kinds, stopped, whose sum is in $sum.
make_ct() {
	on A berth create 101 --ostemplate tiny --hostname web --ram 64M --diskspace 1G --cpulimit 50 "$@"
	on A berth start 101 --wait
	on A berth exec 101 'cd /root; dd if=/dev/urandom of=data bs=1M count=24 2>/dev/null
		ln data link; ln -s data sym; mkfifo pipe; mkdir -m 1777 d; chown 7:8 d; : >d/empty
		dd if=/dev/urandom of=sparse bs=4k count=1 seek=20000 2>/dev/null; rm -f /usr/bin/yes'
	sum=$(sum_of A 101)
	[ -n "$sum" ]
	on A berth stop 101
}

# Contents, owners, modes, times, links and what is missing of the template, of a CT that runs.
sum_of() {
	on "$1" berth exec "$2" 'cd /root; find . -exec stat -c "%n %f %u %g %s %h %Y %i" {} \; | sort
		cat data sparse | sha256sum; ls /usr/bin | sha256sum; df -P / | tail -1 | cut -d" " -f2-6'
}

started_has() {
	on "$1" berth start "$2" --wait
	diff <(echo "$sum") <(sum_of "$1" "$2")
}

@test "a stopped CT moves there and back, and is what it was" {
	make_ct --ipadd 192.0.2.101 --ipadd 203.0.113.8/29 --name shop
	conf=$(grep -v '^#' "$(root_of A)/etc/berth/ct/101.conf")
	uuid=$(grep uuid "$(lib_of A)/private/101/facts")
	had=$(stat -c %b "$(lib_of A)/private/101/volume.img")
	on A berth migrate -e "$via" B 101
	empty A
	is B 101 stopped
	# What was allocated, and empty, is so there.
	[ "$(stat -c %b "$(lib_of B)/private/101/volume.img")" -ge $((had * 95 / 100)) ]
	diff <(echo "$conf") <(grep -v '^#' "$(root_of B)/etc/berth/ct/101.conf")
	grep -qx "$uuid" "$(lib_of B)/private/101/facts"
	# Holes stayed holes: 24 MiB of data, the metadata, nothing near 1 GiB.
	[ "$(du -m "$(lib_of B)/private/101" | tail -1 | cut -f1)" -lt 200 ]
	started_has B 101
	on client ping -c 1 -W 5 192.0.2.101
	on B ping -c 1 -W 5 203.0.113.9
	on B berth stop 101
	on B berth migrate -e "$back" A 101:202:shop2
	empty B
	started_has A 202
	[ "$(on A berth list -H -o name,ctid | xargs)" = "shop2 202" ]
	twohosts down
}

@test "a CT that runs is stopped, moved, and started there; as vzmigrate too" {
	make_ct
	on A berth start 101 --wait
	on A bash -c 'exec -a vzmigrate berth "$@"' - --help >/dev/null
	on A berth migrate -e "$via" B 101
	empty A
	wait_for 30 is B 101 running
	diff <(echo "$sum") <(sum_of B 101)
	twohosts down
}

@test "with -r no what is left is given: never started, and removed by one order alone" {
	make_ct
	on A berth migrate -r no -e "$via" B 101
	is A 101 given
	for order in "start 101" "mount 101" "destroy 101" "restart 101" "set 101 --ram 32M --save"; do
		run -9 on A berth $order
		[[ $output == *"moved to another host"* ]]
	done
	berthd_again A
	is A 101 given
	run -9 on A berth start 101
	# It cannot come back beside its old self.
	run ! on B berth migrate -e "$back" A 101
	[[ $output == *"--resolve --release 101"* ]]
	is B 101 stopped
	on A berth migrate --resolve --release 101
	empty A
	on B berth migrate -e "$back" A 101
	empty B
	started_has A 101
	twohosts down
}

@test "all that is in the way is told at once, and nothing is changed" {
	make_ct --name shop --ipadd 192.0.2.101
	on B berth create 101 --ostemplate debian-12 --name shop
	on B berth create 102 --ostemplate debian-12 --ipadd 192.0.2.101
	rm "$(lib_of B)/template/tiny.template"
	for how in --check-only --dry-run ""; do
		run -5 on A berth migrate $how -e "$via" B 101
		[[ $output == *"CT 101 exists there already; the next free CTID is 103"* ]]
		[[ $output == *"the name 'shop' is CT 101's"* ]]
		[[ $output == *"the template 'tiny'"* ]]
		is A 101 stopped
	done
	run -5 on A berth migrate --check-only -e "$via" B 101:103:other
	[[ $output == *"192.0.2.101 is CT 102's"* ]]
	[ ! -e "$(lib_of B)/private/103" ]
	cp "$BERTH_TEST_TEMPLATES/tiny.template" "$(lib_of B)/template/"
	on B berth set 102 --ipdel all --save
	on A berth migrate --check-only -e "$via" B 101:103:other
	is A 101 stopped
	started_has A 101
	# While it runs, too.
	on A berth migrate --check-only -e "$via" B 101:103:other
	is A 101 running
	twohosts down
}

# What fails before the commit: PROGRAM:POINT ACTION [SKIP].
fails_before() {
	faults clear
	faults set "$@"
	run ! on A berth migrate -e "$via" B 101
	faults reached "$1" >/dev/null
	faults clear
	is A 101 stopped
	wait_for 10 empty B
	[ -z "$(ls -A "$(lib_of A)/state")" ]
}

@test "whoever is killed before the commit: it is whole here, and nothing of it is there" {
	make_ct
	fails_before berth-worker:blocks.send kill 20
	fails_before berth-worker:blocks.send EIO 20
	fails_before berth-worker:receive.load kill
	fails_before berth-worker:receive.volume kill
	fails_before berth-worker:receive.progress kill 3
	fails_before berth-worker:receive.progress ENOSPC 3
	[[ $output == *"the other host: "*"space"* ]]
	fails_before berth-worker:receive.facts kill
	fails_before berth-worker:receive.image kill
	fails_before berth-worker:receive.ready kill
	fails_before berth-worker:receive.ready ENOSPC
	# The journal, first there and then here: written, but for the last fsync.
	fails_before berth-worker:fsyncdir.101.move EIO
	fails_before berth-worker:fsyncdir.101.move EIO 1
	# Between the other host's word that it has all and the commit: only the source knows, and tells with the next try.
	faults set berth-worker:send.before_given kill
	run ! on A berth migrate -e "$via" B 101
	faults clear
	is A 101 stopped
	run -9 on B berth start 101
	started_has A 101
	on A berth exec 101 'echo more >>/root/data'
	sum=$(sum_of A 101)
	on A berth stop 101
	on A berth migrate -e "$via" B 101
	empty A
	started_has B 101
	twohosts down
}

@test "the transport is killed in the middle: it is whole here, and nothing of it is there" {
	make_ct
	faults set berth-worker:receive.facts stop
	on A berth migrate -e "$via" B 101 >"$BERTH_TEST_DIR/said" 2>&1 3>&- &
	wait_for 20 faults reached berth-worker:receive.facts
	pkill -KILL -f "berth --root $(root_of B) receive"
	rc=0
	wait $! || rc=$?
	[ $rc != 0 ]
	faults clear
	is A 101 stopped
	wait_for 10 empty B
	started_has A 101
	rm "$BERTH_TEST_DIR/said"
	twohosts down
}

@test "its client is killed while the other host checks the volume: nothing of it stays there" {
	make_ct
	faults set berth-worker:receive.facts stop
	on A berth migrate -e "$via" B 101 >/dev/null 2>&1 3>&- &
	wait_for 20 faults reached berth-worker:receive.facts
	pkill -KILL -f "berth --root $(root_of A) migrate"
	rc=0
	wait $! || rc=$?
	[ $rc != 0 ]
	faults clear
	wait_for 20 is A 101 stopped
	pkill -CONT -f "berth-worker-migrate.* receive 101"
	wait_for 20 empty B
	started_has A 101
	twohosts down
}

@test "what comes keeps its name and addresses, and its room, when berthd there is killed" {
	make_ct --name shop --ipadd 192.0.2.101
	faults set berth-worker:receive.facts stop
	on A berth migrate -e "$via" B 101 >/dev/null 2>&1 3>&- &
	wait_for 20 faults reached berth-worker:receive.facts
	faults clear
	berthd_again B
	run ! on B berth create 102 --ostemplate tiny --ipadd 192.0.2.101
	[[ $output == *"192.0.2.101 is CT 101's"* ]]
	run ! on B berth create 102 --ostemplate tiny --name shop
	[[ $output == *"'shop' is CT 101's"* ]]
	pkill -CONT -f "berth-worker-migrate.* receive 101"
	wait $! || true
	# Whoever died: the same command ends it.
	wait_for 20 not_on_its_way
	[ -z "$(status A 101)" ] || on A berth migrate -e "$via" B 101
	empty A
	started_has B 101
	twohosts down
}

not_on_its_way() { [ "$(status A 101)" != sending ] && [ "$(status B 101)" != unknown ]; }

# All fault injection points that a move of a stopped CT has of its own, in no order. (43-migrate-online has the images'.)
points_of_a_move() {
	"$(dirname "$(command -v berthd)")/../libexec/berth/berth-worker-migrate" points |
		grep -E '^(send|receive|blocks)\.|^volume\.receive$' | grep -vE '\.undo$|^receive\.unpack$' | sort -u
}

# at_point POINT ACTION: whatever becomes of the move, the CT is whole on one host, which alone can start it; the same
# command then ends the move, and nothing is left.
at_point() {
	local first
	faults clear
	faults set "berth-worker:$1" "$2"
	run on A berth migrate -e "$via" B 101
	first=$status
	faults reached "berth-worker:$1" >/dev/null
	faults clear
	if [ "$first" != 0 ]; then
		case $(status A 101) in
		stopped) run ! on B berth start 101 ;;
		given) run -9 on A berth start 101 ;;
		*) false ;;
		esac
		on A berth migrate -e "$via" B 101
	fi
	empty A
	started_has B 101
	on B berth stop 101
	on B berth migrate -e "$back" A 101
	empty B
}

@test "every point of a move, with a kill and with an error: one copy, whole, and nothing is left" {
	local n=0
	make_ct
	for point in $(points_of_a_move); do
		for action in kill EIO; do
			# All of them take minutes: each fifth, so both actions, but in the nightly set.
			n=$((n + 1))
			[ -n "${ALL:-}" ] || [ $((n % 5)) = 0 ] || continue
			echo "# $point $action"
			at_point "$point" "$action"
		done
	done
	twohosts down
}

# What is cut after the commit: the CT never starts here, and the same command ends the move. again: in between both
# berthds are killed.
is_cut() {
	local again=$1
	shift
	make_ct
	faults set "$@"
	run ! on A berth migrate -e "$via" B 101
	faults reached "$1" >/dev/null
	faults clear
	[ "$again" = no ] || { berthd_again A && berthd_again B; }
	is A 101 given
	run -9 on A berth start 101
	on A berth migrate -e "$via" B 101
	empty A
	started_has B 101
	on B berth stop 101
	on B berth destroy 101
	empty B
}

@test "whoever is killed after the commit: the same command ends the move, and it is there once" {
	is_cut no berth-worker:send.given kill
	is_cut no berth-worker:receive.own kill
	is_cut no berth-worker:receive.owned kill
	is_cut no berth-worker:receive.own ENOSPC
	twohosts down
}

@test "the same, when both berthds are killed too" {
	is_cut yes berth-worker:send.given kill
	is_cut yes berth-worker:receive.own kill
	is_cut yes berth-worker:receive.owned kill
	twohosts down
}

@test "in doubt: an admin's word settles it on either side" {
	make_ct
	faults set berth-worker:send.given kill
	run ! on A berth migrate -e "$via" B 101
	faults clear
	is A 101 given
	run -9 on B berth start 101
	[[ $output == *"--resolve --take 101"* ]]
	run -9 on B berth destroy 101
	# The source is lost: the destination takes it.
	on B berth migrate --resolve --take 101
	started_has B 101
	on A berth migrate --resolve --release 101
	empty A
	on B berth stop 101
	on B berth destroy 101
	# The destination is lost: the source takes it back.
	make_ct
	faults set berth-worker:send.given kill
	run ! on A berth migrate -e "$via" B 101
	faults clear
	berthd_again B
	on B berth migrate --resolve --release 101
	empty B
	on A berth migrate --resolve --take 101
	started_has A 101
	run ! on A berth migrate --resolve --take 101
	[[ $output == *"no unfinished move"* ]]
	twohosts down
}

@test "streams that are none, are cut, or of another version: a clear error, and nothing is left" {
	hello() { printf 'protocol=berth-migrate\nmin=%s\nmax=%s\nprogram=berth 9\nid=0a1b2c3d-0000-4000-8000-123456789abc\n' "$@"; }
	frame() {
		python3 -c 'import sys, zlib, struct
p = sys.stdin.buffer.read(); h = struct.pack("<BBHI", int(sys.argv[1]), 0, 0, len(p))
sys.stdout.buffer.write(h + struct.pack("<I", zlib.crc32(h + p)) + p)' "$1"
	}
	run -0 bash -c "head -c 100000 /dev/urandom | $via B berth receive 2>&1 >/dev/null | cat"
	[[ $output == *"no migration stream"* ]]
	run -0 bash -c "printf 'Permission denied, please try again.\n' | $via B berth receive 2>&1 >/dev/null | cat"
	[[ $output == *"no migration stream"* ]]
	run -0 bash -c "$via B berth receive </dev/null 2>&1 >/dev/null | cat"
	[[ $output == *"ended early"* ]]
	hello 7 9 | frame 1 >"$BERTH_TEST_DIR/stream"
	run -0 bash -c "$via B berth receive <$BERTH_TEST_DIR/stream 2>&1 >/dev/null | cat"
	[[ $output == *"versions 7 to 9"*"upgrade"* ]]
	{ hello 2 2 | frame 1; printf 'ctid=101\nnew_ctid=101\nuuid=../../../etc\n' | frame 2; } >"$BERTH_TEST_DIR/stream"
	run -0 bash -c "$via B berth receive <$BERTH_TEST_DIR/stream 2>&1 >/dev/null | cat"
	[[ $output == *"offer of the other host is not understood"* ]]
	rm "$BERTH_TEST_DIR/stream"
	# The other end speaks something else.
	make_ct
	run ! on A berth migrate -e "echo hello" B 101
	[[ $output == *"no migration stream"* || $output == *"ended early"* ]]
	run ! on A berth migrate -e "false" B 101
	is A 101 stopped
	empty B
	twohosts down
}

# The process whose command line this is; with its signal.
signal() { pkill "-$1" -f "$2"; }

@test "a CT that ran runs here again when its move fails, or who orders it dies" {
	make_ct
	on A berth start 101 --wait
	faults set berth-worker:receive.facts EIO
	run ! on A berth migrate -e "$via" B 101
	[[ $output == *"CT 101 runs here again"* ]]
	is A 101 running
	empty B
	for who in client berthd; do
		faults clear
		faults set berth-worker:blocks.send stop 3
		on A berth migrate -e "$via" B 101 >"$BERTH_TEST_DIR/said" 2>&1 3>&- &
		wait_for 20 faults reached berth-worker:blocks.send
		if [ $who = client ]; then
			signal KILL "berth --root $(root_of A) migrate"
		else
			berthd_again A
			signal KILL "berth-worker-migrate.* send 101"
		fi
		rc=0
		wait $! || rc=$?
		[ $rc != 0 ]
		wait_for 20 is A 101 running
		wait_for 20 empty B
	done
	# It died between the stop and the move: an order takes it.
	faults clear
	rm "$BERTH_TEST_DIR/said"
	on A berth migrate -e "$via" B 101
	empty A
	is B 101 running
	twohosts down
}

@test "a CT that ran is started there, also after a cut that is mended; a start that fails is told" {
	make_ct
	for point in send.given receive.own receive.owned; do
		for again in no yes; do
			on A berth start 101 --wait
			faults clear
			faults set "berth-worker:$point" kill
			run ! on A berth migrate -e "$via" B 101
			faults clear
			is A 101 given
			[ $again = no ] || { berthd_again A && berthd_again B; }
			on A berth migrate -e "$via" B 101
			empty A
			wait_for 20 is B 101 running
			on B berth stop 101
			on B berth migrate -e "$back" A 101
			empty B
		done
	done
	on A berth start 101 --wait
	faults set berth-worker:start.private EIO
	run ! on A berth migrate -e "$via" B 101
	faults reached berth-worker:start.private >/dev/null
	[[ $output == *"is on B now, but is not known to run there"* ]]
	empty A
	is B 101 stopped
	twohosts down
}

@test "a CT that was given is sent to that host alone" {
	make_ct
	faults set berth-worker:send.given kill
	run ! on A berth migrate -e "$via" B 101
	faults clear
	# The same machine under another name: nothing is asked there.
	run ! on A berth migrate -e "$via B berth receive #" host-c 101
	[[ $output == *"it was given to B, not to host-c"* && $output != *"--take"* ]]
	run ! on A berth migrate --check-only -e "$via" B 101
	[[ $output == *"without --check-only"* ]]
	is A 101 given
	# It is not there any more, and not because it never was.
	on B berth migrate --resolve --take 101
	on B berth destroy 101
	run -5 on A berth migrate -e "$via" B 101
	[[ $output == *"or was destroyed"* ]]
	on A berth migrate --resolve --take 101
	started_has A 101
	twohosts down
}
