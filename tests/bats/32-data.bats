#!/usr/bin/env bats
# What is a customer's stays: nothing is removed that the operation itself has not made or been ordered
# to remove.

load helpers

setup() {
	setup_host DEF_OSTEMPLATE=tiny
	export PRIVATE="$HOST_ROOT/var/lib/berth/private" CONF="$HOST_ROOT/etc/berth/ct"
	export STATE="$HOST_ROOT/var/lib/berth/state"
	berth create 160 --diskspace 48M
	berth start 160 --wait
	berth exec2 160 'echo precious >/precious'
	berth stop 160 --fast
}

teardown() {
	teardown_host
}

# As a crash or a half-done restore leaves it: the private area is there, the config is not.
lose_config() {
	stop_berthd KILL
	mv "$CONF/160.conf" "$BATS_FILE_TMPDIR/160.conf"
}

put_config_back() {
	stop_berthd KILL
	mv "$BATS_FILE_TMPDIR/160.conf" "$CONF/160.conf"
	rm -f "$STATE/160.intent"
	start_berthd
}

private_sum() {
	(cd "$PRIVATE/160" && sha256sum facts volume.img)
}

is_whole() {
	[ "$(private_sum)" = "$1" ]
}

data_is_there() {
	berth start 160 --wait
	[ "$(berth exec2 160 cat /precious)" = precious ]
	berth stop 160 --fast
}

@test "D1 create does not touch a private area that has lost its config" {
	sum=$(private_sum)
	lose_config
	start_berthd
	grep -q "private/160 belongs to no CT" "$HOST_ROOT/berthd.log"
	run -44 berth create 160
	[[ $output == *"$PRIVATE/160 is there already"*"$CONF/160.conf"* ]]
	is_whole "$sum"
	[ ! -e "$STATE/160.intent" ]
	# Nor does one that chooses the number itself.
	run -0 berth create --diskspace 32M
	[[ $output != *"CT 160 "* ]]
	berth destroy "$(berth list -a -H -o ctid | tr -d ' ')"
	put_config_back
	data_is_there
}

@test "D1 an unfinished create is undone and leaves alone what it did not make" {
	sum=$(private_sum)
	other=11111111-2222-4333-8444-555555555555
	lose_config
	# The create of this intent never came to its private area; the second is of a damaged disk.
	for intent in "op=create id_base=655491072 uuid=$other inode=0 born=0" "op=create" "junk" \
		"op=destroy id_base=655425536" "op=destroy uuid=$other inode=0 born=0"; do
		tr ' ' '\n' <<<"$intent" >"$STATE/160.intent"
		mkdir -p "$PRIVATE/.160.$other.new"
		start_berthd
		# Whatever has become of the intent: it is through.
		idle() { berth ping && ! pgrep -f -- "berth-worker.*--root $HOST_ROOT .*destroy 160"; }
		wait_for 10 idle
		is_whole "$sum"
		stop_berthd KILL
	done
	rm -rf "$PRIVATE/.160.$other.new"
	put_config_back
	data_is_there
}

@test "D1 a destroy that goes on after a crash keeps what was put back meanwhile" {
	sum=$(private_sum)
	uuid=$(sed -n 's/^uuid=//p' "$PRIVATE/160/facts")
	stop_berthd KILL
	# The same CT from a backup: its UUID is the same, its directory is another.
	printf 'op=destroy\nid_base=655425536\nuuid=%s\ninode=7\nborn=9\n' "$uuid" >"$STATE/160.intent"
	start_berthd
	listed() { [ "$(berth list -a -H -o status 160)" = stopped ]; }
	wait_for 10 listed
	is_whole "$sum"
	[ ! -e "$STATE/160.intent" ]
	grep -q "private/160 is not the one that was to be removed" "$HOST_ROOT/berthd.log"
	data_is_there
}

@test "D1 a destroy that was cut short is finished, and only it" {
	berth create 161 --diskspace 32M
	berth create 162 --diskspace 32M
	stop_berthd KILL
	read -r inode born < <(stat -c '%i %W' "$PRIVATE/161")
	[ "$born" != 0 ]
	# Killed after the config went and half of the disk.
	uuid=$(sed -n 's/^uuid=//p' "$PRIVATE/161/facts")
	printf 'op=destroy\nid_base=655425536\nuuid=%s\ninode=%s\nborn=0\n' "$uuid" "$inode" \
		>"$STATE/161.intent"
	rm "$CONF/161.conf"
	mv "$PRIVATE/161" "$PRIVATE/.161.$uuid.gone"
	rm "$PRIVATE/.161.$uuid.gone/facts"
	start_berthd
	all_gone() { [ -z "$(find "$HOST_ROOT/var/lib/berth" "$CONF" -name '*161*')" ]; }
	wait_for 10 all_gone
	[ -e "$PRIVATE/162/volume.img" ]
	berth create 161 --diskspace 32M
	berth destroy 161
	berth destroy 162
}
