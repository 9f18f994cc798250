# 43-migrate-online.bats - a CT moves while it runs: its connections go on, and it runs once, whoever dies.
load helpers
load moves

setup_file() {
	command -v "${CRIU:-criu}" >/dev/null || skip "no criu (CRIU is not set)"
}

setup() {
	moves_setup
	via=$(twohosts via B)
	back=$(twohosts via A)
}

teardown() {
	[ -z "${client:-}" ] || kill "$client" 2>/dev/null || true
	moves_teardown
	rm -f "$BERTH_TEST_DIR/said" "$BERTH_TEST_DIR/count"
}

# make_ct TEMPLATE: it runs on A, answers on port 7, and has data on its disk, whose sum is in $sum.
make_ct() {
	on A berth create 101 --ostemplate "$1" --hostname web --ram 256M --diskspace 1G --cpulimit 50 --ipadd 192.0.2.101 \
		--ipadd 2001:db8::101
	on A berth start 101 --wait
	on A berth exec2 101 sh -c 'cat >/probe && chmod 755 /probe' <"$(command -v probe)"
	on A berth exec2 101 sh -c 'dd if=/dev/urandom of=/root/data bs=1M count=24 2>/dev/null
		/probe echo 7 >/dev/null 2>&1 &' </dev/null
	sum=$(sum_of A)
	[ -n "$sum" ]
	begin_count
}

sum_of() { on "$1" berth exec2 101 sha256sum /root/data; }

# The client counts over one TCP connection, and ends at the first answer that is missing or wrong for a minute.
begin_count() {
	wait_for 10 on client probe ask 192.0.2.101 7
	on client bash -c 'exec 8<>/dev/tcp/192.0.2.101/7; n=0
		while :; do
			n=$((n + 1)); echo "$n" >&8; read -r -t 60 got <&8 && [ "$got" = "$n" ] || { echo "$n: got ${got:-nothing}"; exit 1; }
			echo "$n" >"$1"; sleep 0.02
		done' - "$BERTH_TEST_DIR/count" >"$BERTH_TEST_DIR/said" 2>&1 3>&- &
	client=$!
	wait_for 10 test -s "$BERTH_TEST_DIR/count"
}

count_is_above() { [ "$(cat "$BERTH_TEST_DIR/count" 2>/dev/null || echo 0)" -gt "$1" ]; }

# The same connection still carries, and so does the disk.
goes_on() {
	local n
	wait_for 30 is "$1" 101 running
	n=$(cat "$BERTH_TEST_DIR/count")
	wait_for 40 count_is_above $((n + 5))
	kill -0 "$client"
	[ "$(sum_of "$1")" = "$sum" ]
}

there_and_back() {
	make_ct "$1"
	for round in 1 2; do
		on A berth exec2 101 sh -c "echo round $round >>/root/log"
		run -0 on A berth migrate --json --online -e "$via" B 101
		# 24 MiB of data went while it ran; behind that what has changed, and its memory.
		python3 -c 'import json, sys
r = json.load(sys.stdin)["receipt"]
assert r["ahead_bytes"] > 24 << 20 and r["volume_bytes"] < 8 << 20 and r["images_bytes"] > 0, r
assert r["frozen_ms"] > 0 and r["resumed_ms"] > 0, r' <<<"$output"
		empty A
		goes_on B
		run -0 on B berth list -H -o physpages.l,cpulimit 101
		[ "$(xargs <<<"$output")" = "65536 50" ]
		on B berth migrate --online -e "$back" A 101
		empty B
		goes_on A
		[ "$(on A berth exec2 101 tail -n 1 /root/log)" = "round $round" ]
	done
	on A berth stop 101
	twohosts down
}

@test "a tiny container moves while it runs, there and back, and its connection goes on" {
	there_and_back tiny
}

@test "a Debian 12 container moves while it runs, there and back, and its connection goes on" {
	there_and_back debian-12
}

# redis TEMPLATE RELEASE: CT 101 on A serves Debian's package, and the client counts there over one TCP connection.
redis() {
	local debs
	debs=$("$BATS_TEST_DIRNAME/../vm/build-debs" "$2" redis-server redis-tools libatomic1 libjemalloc2 liblzf1) ||
		skip "no packages of $2 (the archive was not reachable)"
	on A berth create 101 --ostemplate "$1" --ram 512M --diskspace 2G --cpulimit 50 --ipadd 192.0.2.101
	on A berth start 101 --wait
	tar -C "$debs" -c . | on A berth exec2 101 sh -ec 'mkdir /debs; tar -xC /debs
		DEBIAN_FRONTEND=noninteractive dpkg -i /debs/*.deb
		sed -i "s/^bind .*/bind 0.0.0.0/; s/^protected-mode .*/protected-mode no/" /etc/redis/redis.conf
		systemctl restart redis-server'
	wait_for 20 on client bash -c 'exec 8<>/dev/tcp/192.0.2.101/6379'
	on client bash -c 'exec 8<>/dev/tcp/192.0.2.101/6379; n=0
		while :; do
			n=$((n + 1)); printf "INCR n\r\n" >&8
			read -r -t 60 got <&8 && [ "${got%?}" = ":$n" ] || { echo "$n: got ${got:-nothing}"; exit 1; }
			echo "$n" >"$1"; sleep 0.02
		done' - "$BERTH_TEST_DIR/count" >"$BERTH_TEST_DIR/said" 2>&1 3>&- &
	client=$!
	wait_for 10 test -s "$BERTH_TEST_DIR/count"
}

# What systemd has given its services: filters, no_new_privs, pure slaves of /run.
hardened() {
	on "$1" berth exec2 101 'for p in $(pidof redis-server systemd-logind systemd-journald); do
		cat /proc/$p/comm; cd /proc/$p/task; grep -h -E "^(Seccomp|NoNewPrivs|Cap)" */status
		grep -E " /run/systemd/incoming [^ ]+ master:" /proc/$p/mountinfo | cut -d " " -f 4; done'
}

redis_there_and_back() {
	local before round
	redis "$1" "$2"
	before=$(hardened A)
	[[ $before == *redis-server*/systemd/propagate/redis-server.service* ]]
	for round in $(seq "$3"); do
		run -0 on A berth migrate --json --online -e "$via" B 101
		[[ $output == *frozen_ms* ]]
		empty A
		serves B
		[ "$(hardened B)" = "$before" ]
		on B berth migrate --online -e "$back" A 101
		empty B
		serves A
	done
	[ "$(hardened A)" = "$before" ]
	[ "$(on A berth list -H -o physpages.l,cpulimit 101 | xargs)" = "131072 50" ]
	[ "$(on A berth exec2 101 systemctl is-system-running)" = running ]
	# The services are systemd's still.
	kill "$client"
	on A berth exec2 101 sh -ec 'systemctl restart redis-server systemd-logind; redis-cli ping'
	on A berth stop 101
	twohosts down
}

serves() {
	wait_for 30 is "$1" 101 running
	wait_for 40 count_is_above $(($(cat "$BERTH_TEST_DIR/count") + 5))
	kill -0 "$client"
}

@test "redis of Debian's serves while it moves, there and back" {
	if [ -z "${ALL:-}" ]; then
		redis_there_and_back debian-12 bookworm 1
		return
	fi
	redis_there_and_back debian-12 bookworm 5
	twohosts up
	redis_there_and_back debian-13 trixie 5
}

# What fails before the commit: [PROGRAM:]POINT ACTION [SKIP]. It runs on A as if nothing had been.
fails_before() {
	faults clear
	faults set "$@"
	run ! on A berth migrate --online -e "$via" B 101
	faults reached "$1" >/dev/null
	faults clear
	goes_on A
	wait_for 20 empty B
	[ -z "$(ls -A "$(lib_of A)/state")" ]
	[ ! -e "$(lib_of A)/private/101/moving" ]
}

@test "whoever dies while its volume is sent: it runs on here, with its connection" {
	make_ct tiny
	fails_before berth-worker:live.ahead EIO
	fails_before berth-worker:blocks.send kill 20
	fails_before berth-worker:receive.volume kill
	fails_before berth-worker:receive.progress kill 3
	fails_before berth-worker:receive.progress ENOSPC 3
	on A berth stop 101 --fast
	twohosts down
}

@test "whoever dies after it is frozen: it goes on here, with its connection" {
	make_ct tiny
	fails_before berth-worker:suspend.freeze kill
	fails_before berth-worker:suspend.commit EIO
	fails_before berth-worker:live.last kill
	fails_before berth-worker:live.last EIO
	fails_before berth-worker:live.images kill
	fails_before berth-worker:images.send kill
	fails_before berth-worker:images.take kill
	fails_before berth-worker:images.take ENOSPC
	fails_before berth-worker:receive.images kill
	fails_before berth-worker:receive.unpack ENOSPC
	fails_before berth-worker:receive.check kill
	fails_before berth-worker:receive.ready kill
	fails_before berth-worker:receive.ready EIO
	# Of all that a move does nothing is left in its way.
	on A berth migrate --online -e "$via" B 101
	empty A
	goes_on B
	on B berth stop 101 --fast
	twohosts down
}

@test "the sender and its berthd die after it is frozen: the next berthd lets it go on" {
	make_ct tiny
	faults set berth-worker:live.images "kill=$(berthd_of A)"
	faults set berth-worker:images.send kill
	run ! on A berth migrate --online -e "$via" B 101
	faults reached berth-worker:images.send >/dev/null
	faults clear
	berthd_again A
	goes_on A
	wait_for 20 empty B
	on A berth stop 101 --fast
	twohosts down
}

@test "a resume after a move is tried again, here and there" {
	make_ct tiny
	faults set berth-worker:live.last EIO
	faults set berth-worker:resume.placed kill
	run ! on A berth migrate --online -e "$via" B 101
	faults reached berth-worker:resume.placed >/dev/null
	faults clear
	goes_on A
	wait_for 20 empty B
	faults set berth-worker:resume.placed kill
	on A berth migrate --online -e "$via" B 101
	faults reached berth-worker:resume.placed >/dev/null
	faults clear
	empty A
	goes_on B
	[ ! -e "$(lib_of B)/private/101/moving" ]
	on B berth stop 101 --fast
	twohosts down
}

@test "the other host's berthd dies behind the commit: the next one lets it go on there" {
	make_ct tiny
	faults set berth-worker:receive.owned "kill=$(berthd_of B)"
	on A berth migrate --online -e "$via" B 101 || true
	faults reached berth-worker:receive.owned >/dev/null
	faults clear
	berthd_again B
	on A berth migrate --online -e "$via" B 101 || true
	empty A
	goes_on B
	on B berth stop 101 --fast
	twohosts down
}

# Of what is in memory only, nothing is left to its berthd: as after a loss of power.
@test "the host loses power while it is suspended for a move: it goes on at the next boot" {
	make_ct tiny
	faults set berth-worker:live.images "kill=$(berthd_of A)"
	faults set berth-worker:images.send kill
	run ! on A berth migrate --online -e "$via" B 101
	faults reached berth-worker:images.send >/dev/null
	faults clear
	rm -r "$(root_of A)/run/berth/ct/101"
	berthd_again A
	goes_on A
	on A berth stop 101 --fast
	twohosts down
}

@test "it does not stand still for longer than it may" {
	make_ct tiny
	faults set berth-worker:receive.unpack stop
	rc=0 # not `run`: what reaches B holds on to standard error for as long as B's worker is stopped
	on A berth migrate --online --timeout 5 -e "$via" B 101 >"$BERTH_TEST_DIR/said.migrate" 2>&1 3>&- || rc=$?
	[ $rc = 15 ]
	grep "it would stand still for longer than it may" "$BERTH_TEST_DIR/said.migrate"
	rm "$BERTH_TEST_DIR/said.migrate"
	goes_on A
	# The other host hears of it when its worker goes on.
	kill -CONT "$(faults pid berth-worker:receive.unpack)"
	faults clear
	wait_for 20 empty B
	on A berth stop 101 --fast
	twohosts down
}

@test "who ordered it goes while it is frozen: it goes on here" {
	make_ct tiny
	faults set berth-worker:live.last stop
	on A berth migrate --online -e "$via" B 101 >"$BERTH_TEST_DIR/order" 2>&1 3>&- &
	order=$!
	wait_for 30 faults reached berth-worker:live.last
	pkill -KILL -f "berth --root $(root_of A) migrate"
	wait "$order" && false
	faults clear
	goes_on A
	wait_for 20 empty B
	rm "$BERTH_TEST_DIR/order"
	on A berth stop 101 --fast
	twohosts down
}

# What is cut at the commit: it is never let go on A, and with the same command it runs on B, once.
is_cut() {
	make_ct tiny
	faults set "$@"
	run ! on A berth migrate --online -e "$via" B 101
	faults reached "$1" >/dev/null
	faults clear
	is A 101 given
	run -9 on A berth start 101
	run -9 on A berth resume 101
	on A berth migrate --online -e "$via" B 101
	empty A
	goes_on B
	kill "$client"
	on B berth stop 101 --fast
	on B berth destroy 101
	empty B
}

@test "whoever dies right behind the commit: it runs there, once, with its connection" {
	is_cut berth-worker:send.given kill
	is_cut berth-worker:receive.own kill
	is_cut berth-worker:receive.owned kill
	twohosts down
}

@test "what is set without --save goes along; an address only if it is saved, and a name may change" {
	make_ct tiny
	on A berth set 101 --cpulimit 25 --name old --save
	on A berth set 101 --ram 128M --ipadd 192.0.2.102
	run -5 on A berth migrate --online -e "$via" B 101
	[[ $output == *"192.0.2.102"*"--save"* ]]
	goes_on A
	on A berth set 101 --ipdel 192.0.2.102
	on A berth migrate --online -e "$via" B 101:202:shop
	empty A
	wait_for 30 is B 202 running
	[ "$(on B berth list -H -o name,physpages.l,cpulimit 202 | xargs)" = "shop 32768 25" ]
	wait_for 40 count_is_above $(($(cat "$BERTH_TEST_DIR/count") + 5))
	on B berth stop 202 --fast
	on B berth start 202 --wait
	[ "$(on B berth list -H -o physpages.l 202 | xargs)" = 65536 ]
	twohosts down
}

# What would fail behind the commit is asked before the freeze.
@test "a host that could not resume it refuses it before it is frozen" {
	make_ct tiny
	conf=$(root_of B)/etc/berth/berth.conf
	printf '#!/bin/sh\necho "Version: 3.10"\n' >"$BERTH_TEST_DIR/old-criu"
	chmod 755 "$BERTH_TEST_DIR/old-criu"
	cp "$conf" "$BERTH_TEST_DIR/conf"
	sed -i '/^CRIU=/d' "$conf"
	echo "CRIU=\"$BERTH_TEST_DIR/old-criu\"" >>"$conf"
	berthd_again B
	for option in --check-only ""; do
		run -5 on A berth migrate --online $option -e "$via" B 101
		[[ $output == *"criu is 3.10.0; Linux"*"needs"* ]]
	done
	# Of a dump there is no trace: its volume is as mounted as before.
	[ ! -e "$(lib_of A)/private/101/dump.log" ]
	! grep -q suspend "$(root_of A)/berthd.log"
	goes_on A
	cp "$BERTH_TEST_DIR/conf" "$conf"
	berthd_again B
	on A berth migrate --online --check-only -e "$via" B 101
	rm "$BERTH_TEST_DIR/old-criu" "$BERTH_TEST_DIR/conf"
	on A berth stop 101 --fast
	twohosts down
}

@test "what cannot be resumed there is there, suspended, and that is told" {
	make_ct tiny
	faults set berth-worker:resume.commit EIO 0 3
	run -11 on A berth migrate --online -e "$via" B 101
	[[ $output == *"CT 101 is on B now"* ]]
	faults reached berth-worker:resume.commit >/dev/null
	faults clear
	empty A
	is B 101 suspended
	on B berth resume 101
	goes_on B
	on B berth stop 101 --fast
	twohosts down
}

@test "a suspended container moves suspended, and goes on there" {
	make_ct tiny
	on A berth suspend 101
	# Under a newer kernel than any: B's is compared with that one, not with the one that A runs now.
	sed -i.was 's/^kernel=.*/kernel=99.0/' "$(lib_of A)/private/101/dump/record"
	run -5 on A berth migrate -e "$via" B 101
	[[ $output == *"is older than 99.0"* ]]
	is A 101 suspended
	mv "$(lib_of A)/private/101/dump/record.was" "$(lib_of A)/private/101/dump/record"
	on A berth migrate -e "$via" B 101
	empty A
	is B 101 suspended
	on B berth resume 101
	goes_on B
	on B berth stop 101 --fast
	twohosts down
}
