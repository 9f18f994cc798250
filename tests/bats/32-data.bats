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
	[[ $output == *"$PRIVATE/160 exists already"*"$CONF/160.conf"* ]]
	is_whole "$sum"
	[ ! -e "$STATE/160.intent" ]
	# Nor does one that chooses the number itself.
	run -0 berth create --diskspace 32M
	[[ $output != *"CT 160 "* ]]
	berth destroy "$(berth list -a -H -o ctid | tr -d ' ')"
	# The config put back: no restart of berthd is needed.
	mv "$BATS_FILE_TMPDIR/160.conf" "$CONF/160.conf"
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
	grep -q "private/160 is not the private area to remove" "$HOST_ROOT/berthd.log"
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

# What a set could change, inside and outside of CT 160.
state_of_160() {
	berth exec2 160 'hostname; cat /etc/hostname /etc/hosts /etc/resolv.conf /etc/network/interfaces 2>/dev/null
		ip -o addr | sed "s/ tentative//"; df -P / | awk "END {print \$2}"'
	cat "$CONF/160.conf"
	berth list -H -o ip,numproc.l,diskspace.h,hostname 160
	ls -s --block-size=1 "$PRIVATE/160/volume.img" | cut -d ' ' -f 2
	stat -c %s "$PRIVATE/160/volume.img"
	ls "$HOST_ROOT/run/berth/ct/160"
}

is_unchanged() {
	diff -u "$BATS_TEST_TMPDIR/before" <(state_of_160)
}

@test "D10 what is put back is there for the next who asks; a copy is called a copy" {
	berth set 160 --name web --save
	lose_config
	mv "$PRIVATE/160" "$BATS_FILE_TMPDIR/160"
	start_berthd
	run -14 berth start web
	# A restore: half of it, then all.
	mv "$BATS_FILE_TMPDIR/160.conf" "$CONF/160.conf"
	[ "$(berth list -a -H -o status web | tr -d ' ')" = broken ]
	run ! berth start web
	[[ $output == *"no private area"* ]]
	mv "$BATS_FILE_TMPDIR/160" "$PRIVATE/160"
	[ "$(berth list -a -H -o ctid,status | tr -s ' ')" = " 160 stopped" ]
	# The same once more, under another number.
	cp -a "$PRIVATE/160" "$PRIVATE/170"
	cp "$CONF/160.conf" "$CONF/170.conf"
	run ! berth start 170
	[[ $output == *"a copy of CT 160's private area"*"$(sed -n 's/^uuid=//p' "$PRIVATE/160/facts")"* ]]
	sed -i s/ctid=160/ctid=170/ "$PRIVATE/170/facts"
	run ! berth start 170
	[[ $output == *"its UUID"*"is CT 160's too"* ]]
	data_is_there
	berth destroy 170
	data_is_there
}

@test "D4 a set that is refused or fails leaves nothing of itself" {
	set=(--hostname new.example --nameserver 192.0.2.53 --searchdomain example.net
		--ipadd 10.101.0.77 --numproc 77 --save)
	faults_begin
	berth start 160 --wait
	berth set 160 --hostname old.example --nameserver 192.0.2.1 --ipadd 10.101.0.60 --save
	# A tenant's own line is not what the config says, and no undo may lose it.
	berth exec2 160 'echo "# mine" >>/etc/resolv.conf'
	state_of_160 >"$BATS_TEST_TMPDIR/before"
	grep -q old.example "$BATS_TEST_TMPDIR/before"
	grep -q "# mine" "$BATS_TEST_TMPDIR/before"
	run -32 berth set 160 "${set[@]}" --diskspace 20M
	is_unchanged
	for step in limits network disk; do
		fault set "apply.$step" EIO
		run ! berth set 160 "${set[@]}"
		fault reached "apply.$step"
		is_unchanged
	done
	# The image is as it was too, whatever refuses to grow it.
	for point in resize.grow_file resize.loop resize.grow_mounted; do
		fault set "$point" EIO
		run ! berth set 160 "${set[@]}" --diskspace 900M
		fault reached "$point"
		is_unchanged
	done
	fault clear
	# The address and the name are free again.
	berth create 161 --name new --ipadd 10.101.0.77 --diskspace 32M
	berth destroy 161
	berth set 160 "${set[@]}"
	[ "$(berth exec2 160 hostname)" = new.example ]
}

@test "D4 a set that cannot be saved is taken back, in the CT too" {
	faults_begin
	berth start 160 --wait
	berth set 160 --hostname old.example --nameserver 192.0.2.1 --save
	berth exec2 160 'cat /etc/hostname /etc/resolv.conf' >"$BATS_TEST_TMPDIR/inside"
	cp "$CONF/160.conf" "$BATS_TEST_TMPDIR/conf"
	for point in rename.160.conf rename.live.conf; do
		fault set "berthd:$point" ENOSPC
		run ! berth set 160 --hostname new.example --nameserver 192.0.2.53 --name neu --save
		fault reached "berthd:$point"
		cmp "$BATS_TEST_TMPDIR/conf" "$CONF/160.conf"
		diff "$BATS_TEST_TMPDIR/inside" <(berth exec2 160 'cat /etc/hostname /etc/resolv.conf')
		[ "$(berth exec2 160 hostname)" = old.example ]
		[ "$(berth list -H -o hostname,name 160 | awk '{print $1, $2}')" = "old.example -" ]
	done
	# berthd dies between the two files: it was saved, so it is true.
	fault set berthd:rename.live.conf kill
	berth set 160 --hostname new.example --save 3>&- || true
	wait_for 10 process_is_gone "$BERTHD_PID"
	fault clear
	start_berthd
	renamed() { [ "$(berth exec2 160 hostname)" = new.example ]; }
	wait_for 10 renamed
	[ "$(berth list -H -o hostname 160 | tr -d ' ')" = new.example ]
}

@test "T6 a failed change of a stopped CT's disk leaves the image as it was" {
	faults_begin
	before=$(stat -c %s "$PRIVATE/160/volume.img") files=$(ls "$PRIVATE/160")
	for size in 900M 32M; do
		fault set resize.resize2fs EIO
		run ! berth set 160 --diskspace "$size" --save
		fault reached resize.resize2fs
		[ "$(stat -c '%s' "$PRIVATE/160/volume.img")" = "$before" ]
		[ "$(ls "$PRIVATE/160")" = "$files" ]
	done
	[ "$(berth list -a -H -o diskspace.h 160 | tr -d ' ')" = 49152 ]
	data_is_there
	# And what cannot be made leaves nothing.
	for point in volume.create volume.publish create.facts; do
		fault set "$point" ENOSPC
		run ! berth create 161 --diskspace 32M
		fault reached "$point"
		[ -z "$(find "$HOST_ROOT/var/lib/berth/private" "$CONF" -name '*161*')" ]
	done
}

@test "D8 the user ids of a container with damaged facts are given to nobody else" {
	berth start 160 --wait
	map() { awk 'NR == 1 {print $2}' "/proc/$(init_pid "$1")/uid_map"; }
	base=$(map 160)
	stop_berthd KILL
	cp "$PRIVATE/160/facts" "$BATS_TEST_TMPDIR/facts"
	echo junk >"$PRIVATE/160/facts"
	rm "$PRIVATE/160/facts.copy"
	start_berthd
	berth create 161 --diskspace 32M
	berth start 161 --wait
	[ "$(map 161)" != "$base" ]
	[ "$(map 160)" = "$base" ]
	berth stop 161 --fast
	# One that lost its config too, and does not run: its copy says what is taken.
	mv "$CONF/161.conf" "$BATS_TEST_TMPDIR/"
	echo junk >"$PRIVATE/161/facts"
	taken=$(sed -n 's/^id_base=//p' "$PRIVATE/161/facts.copy")
	stop_berthd KILL
	start_berthd
	berth create 162 --diskspace 32M
	[ "$(sed -n 's/^id_base=//p' "$PRIVATE/162/facts")" != "$taken" ]
	[ "$(sed -n 's/^id_base=//p' "$PRIVATE/162/facts")" != "$base" ]
	berth destroy 162
	stop_berthd KILL
	mv "$BATS_TEST_TMPDIR/161.conf" "$CONF"
	cp "$BATS_TEST_TMPDIR/facts" "$PRIVATE/160/facts"
	start_berthd
	berth destroy 161
	berth exec2 160 true
}

inodes_agree() {
	local inside
	inside=$(berth exec2 160 'df -P -i / | awk "END {print \$2}"')
	[ "$(berth list -H -o diskinodes.h 160 | tr -d ' ')" = "$inside" ]
}

@test "H12 a number of inodes that the volume does not have is no reason to refuse the rest" {
	berth start 160 --wait
	run -0 berth set 160 --diskinodes 200000 --hostname other --save
	[[ $output == *"--diskinodes 200000 is saved in the config but not in effect"* ]]
	[ "$(berth exec2 160 hostname)" = other ]
	inodes_agree
	berth stop 160 --fast
	# Our own samples, and what a panel sets.
	cp -r "$(dirname "$(type -P berth)")/../../etc/berth/samples" "$HOST_ROOT/etc/berth/"
	for sample in vswap-1g vswap-256m; do
		run -0 berth set 160 --applyconfig "$sample" --save
	done
	run -0 berth set 160 --diskspace 200M --diskinodes 200000:220000 --save
	berth start 160 --wait
	inodes_agree
	[ "$(berth list -H -o diskspace.h 160 | tr -d ' ')" = 204800 ]
}

@test "H11 what create and set take, start takes" {
	for options in "--physpages unlimited" "--physpages unlimited --swappages unlimited" \
		"--iolimit 10M" "--iopslimit 500" "--cpulimit 0 --numproc unlimited" "--swappages 0"; do
		berth create 161 --diskspace 32M
		# shellcheck disable=SC2086
		run berth create 162 --diskspace 32M $options
		if [ "$status" = 0 ]; then
			berth start 162
			berth stop 162 --fast
			berth destroy 162
			berth set 161 $options --save
		else
			# Refused for what this host lacks, not later, and by set just so.
			[ "$status" = 148 ]
			[ ! -e "$PRIVATE/162" ]
			run -148 berth set 161 $options --save
		fi
		berth start 161
		berth stop 161 --fast
		berth destroy 161
	done
}

# Root in CT 160 takes every inode or every block that there is.
use_up() {
	case $1 in
	inodes) berth exec2 160 'mkdir /many; cd /many; i=0; while (: >f$i) 2>/dev/null; do i=$((i + 1)); done
		[ "$(df -P -i / | awk "END {print \$4}")" = 0 ]' ;;
	blocks) berth exec2 160 'dd if=/dev/zero of=/many bs=64k conv=fsync; i=0
		while dd if=/dev/zero of=/many$i bs=4k count=1 conv=fsync; do i=$((i + 1)); done
		! dd if=/dev/zero of=/manymore bs=4k count=1 conv=fsync' ;;
	esac
}

@test "D6 a container that has used up its inodes or its space starts, mounts and is repaired" {
	for what in inodes blocks; do
		berth start 160
		use_up "$what"
		berth stop 160 --fast
		for _ in 1 2; do
			berth start 160
			[ "$(berth exec2 160 cat /precious)" = precious ]
			berth stop 160 --fast
		done
		berth mount 160
		[ "$(cat "$HOST_ROOT/var/lib/berth/root/160/precious")" = precious ]
		berth umount 160
		berth start 160
		berth exec2 160 'rm -r /many*; echo more >/more && cat /more'
		berth stop 160 --fast
	done
}

@test "D6 one that was made without room kept back names the way out, and that works" {
	berth start 160
	berth stop 160 --fast
	mkdir "$BATS_TEST_TMPDIR/v"
	mount -o loop "$PRIVATE/160/volume.img" "$BATS_TEST_TMPDIR/v"
	rm -r "$BATS_TEST_TMPDIR/v/reserve"
	i=0
	while (: >"$BATS_TEST_TMPDIR/v/upper/f$i") 2>/dev/null; do i=$((i + 1)); done
	umount "$BATS_TEST_TMPDIR/v"
	run -46 berth start 160
	[[ $output == *"no free inode left"* ]]
	[[ $output =~ (berth\ set\ 160\ --diskspace\ [0-9]+M\ --save) ]]
	eval "${BASH_REMATCH[1]}"
	berth start 160
	[ "$(berth exec2 160 cat /precious)" = precious ]
}
