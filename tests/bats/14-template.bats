#!/usr/bin/env bats
# Templates: built, imported, listed, removed; a stranger's archive cannot reach the host.

load helpers

setup_file() {
	BERTH_TEST_TEMPLATES='' setup_host
	berth template build tiny
}

teardown_file() {
	teardown_host
}

templates() {
	berth template list -H | awk '{print $1}' | xargs
}

# archive FILE: a small root file system out of the template tiny.
archive() {
	local root
	berth create 190 --ostemplate tiny
	root=$(berth mount 190)
	tar -C "$root" --owner=0 --group=0 --exclude=./dev/* -c . >"$1"
	berth umount 190
	berth destroy 190
}

@test "tiny is built offline" {
	berth template rm tiny
	[ -z "$(templates)" ]
	berth template build tiny
	[ "$(templates)" = tiny ]
	run -0 berth template list --json
	jq -e '.templates | length == 1' <<<"$output"
	jq -e '.templates[0] | .name == "tiny" and .bytes > 0 and (.hash | length == 64)' <<<"$output"
	jq -e '.recipes | index("tiny") and index("debian-12") and index("debian-13")' <<<"$output"
	hash=$(jq -r '.templates[0].hash' <<<"$output")
	[ "$(sha256sum <"$HOST_ROOT/var/lib/berth/template/image/$hash.erofs" | cut -d ' ' -f 1)" = "$hash" ]
}

@test "build again is harmless, and an unknown recipe is told" {
	run -0 berth template list --json
	before=$(jq -r '.templates[0].hash' <<<"$output")
	berth template build tiny
	[ "$(berth template list --json | jq -r '.templates[0].hash')" = "$before" ]
	run --separate-stderr -91 berth template build no-such-recipe
	# shellcheck disable=SC2154
	[[ $stderr == *"no-such-recipe"*"tiny"* ]]
	[ "$(templates)" = tiny ]
}

@test "an archive becomes a template that boots" {
	archive "$BATS_TEST_TMPDIR/a.tar"
	gzip -k "$BATS_TEST_TMPDIR/a.tar"
	berth template import mine "$BATS_TEST_TMPDIR/a.tar.gz"
	[ "$(templates)" = "mine tiny" ]
	# By a path that is not absolute, too.
	(cd "$BATS_TEST_TMPDIR" && berth template import mine2 a.tar)
	berth create 101 --ostemplate mine
	berth start 101 --wait
	[ "$(berth exec2 101 'id -u; stat -c %u:%g /bin/busybox; hostname' | xargs)" = "0 0:0 ct101" ]
	[ "$(berth list -H -o ostemplate 101 | tr -d ' ')" = mine ]
	berth stop 101 --fast
	berth destroy 101
	berth template rm mine
	berth template rm mine2
	[ "$(templates)" = tiny ]
}

@test "an archive's identity and device nodes are left out, and that is told" {
	mkdir -p "$BATS_TEST_TMPDIR/r/etc/ssh" "$BATS_TEST_TMPDIR/r/var/bind/dev"
	archive "$BATS_TEST_TMPDIR/a.tar"
	echo 0123456789abcdef0123456789abcdef >"$BATS_TEST_TMPDIR/r/etc/machine-id"
	echo secret >"$BATS_TEST_TMPDIR/r/etc/ssh/ssh_host_rsa_key"
	mknod "$BATS_TEST_TMPDIR/r/var/bind/dev/random" c 1 8
	tar -C "$BATS_TEST_TMPDIR/r" --owner=0 --group=0 -rf "$BATS_TEST_TMPDIR/a.tar" ./etc/machine-id \
		./etc/ssh/ssh_host_rsa_key ./var
	run --separate-stderr -0 berth template import mine "$BATS_TEST_TMPDIR/a.tar"
	[[ $stderr == *"1 device nodes"*"SSH host keys, machine-id"* ]]
	berth create 101 --ostemplate mine
	berth start 101 --wait
	[ "$(berth exec2 101 'cat /etc/machine-id; ls /etc/ssh /var/bind/dev' | grep -c -e 012 -e key -e random)" = 0 ]
	berth stop 101 --fast
	berth destroy 101
	berth template rm mine
}

@test "a template in use is not removed" {
	berth create 101 --ostemplate tiny
	run --separate-stderr -9 berth template rm tiny
	[[ $stderr == *"destroy"* ]]
	[ "$(templates)" = tiny ]
	berth start 101
	berth stop 101 --fast
	berth destroy 101
	run -91 berth template rm no-such-template
}

@test "layout private does not need its template any more" {
	archive "$BATS_TEST_TMPDIR/a.tar"
	berth template import copy "$BATS_TEST_TMPDIR/a.tar"
	berth create 101 --ostemplate copy --layout private --diskspace 64M
	# Its own image, even if it is the same bytes as tiny's.
	berth template rm copy
	berth start 101
	[ "$(berth exec2 101 hostname)" = ct101 ]
	berth stop 101 --fast
	berth destroy 101
}

@test "an archive that names files outside is refused, and nothing is written" {
	victim=$BATS_TEST_TMPDIR/victim
	echo untouched >"$victim"
	evil() {
		python3 - "$@" <<-'END'
			import io, sys, tarfile
			kind, victim, out = sys.argv[1:4]
			t = tarfile.open(out, "w", format=tarfile.PAX_FORMAT)
			def add(name, kind=tarfile.REGTYPE, link="", data=b"", mode=0o755):
			    i = tarfile.TarInfo(name)
			    i.type, i.linkname, i.size, i.mode = kind, link, len(data), mode
			    t.addfile(i, io.BytesIO(data))
			add("./sbin/init", data=b"#!/bin/sh\n")
			if kind == "absolute":
			    add(victim, data=b"evil")
			elif kind == "dotdot":
			    add("../" * 12 + victim.lstrip("/"), data=b"evil")
			elif kind == "symlink":
			    add("link", tarfile.SYMTYPE, victim)
			    add("link", data=b"evil")
			elif kind == "symdir":
			    add("d", tarfile.SYMTYPE, victim.rsplit("/", 1)[0])
			    add("d/victim", data=b"evil")
			elif kind == "hardlink":
			    add("h", tarfile.LNKTYPE, victim)
			    add("h", data=b"evil")
			t.close()
		END
	}
	command -v python3 >/dev/null || skip "no python3 to make archives with"
	for kind in absolute dotdot symlink symdir hardlink; do
		evil $kind "$victim" "$BATS_TEST_TMPDIR/$kind.tar"
		run berth template import evil "$BATS_TEST_TMPDIR/$kind.tar"
		echo "$kind: $status $output"
		# Taken as an ordinary entry or refused; in no case written through.
		[ "$(cat "$victim")" = untouched ]
		[ "$status" = 0 ] || [ "$status" = 47 ]
		case $kind in
		absolute | dotdot) [ "$status" = 47 ] ;;
		esac
		[ "$status" != 0 ] || berth template rm evil
		[ "$(templates)" = tiny ]
	done
}

@test "what is no root file system, no archive, no file, no name is refused" {
	echo text >"$BATS_TEST_TMPDIR/text"
	run -47 berth template import x "$BATS_TEST_TMPDIR/text"
	: >"$BATS_TEST_TMPDIR/empty"
	run -47 berth template import x "$BATS_TEST_TMPDIR/empty"
	tar -C /etc -cf "$BATS_TEST_TMPDIR/noinit.tar" hostname
	run -47 berth template import x "$BATS_TEST_TMPDIR/noinit.tar"
	[[ $output == *init* ]]
	head -c 5000 /dev/urandom | gzip >"$BATS_TEST_TMPDIR/cut.tar.gz"
	run -47 berth template import x "$BATS_TEST_TMPDIR/cut.tar.gz"
	run -3 berth template import x "$BATS_TEST_TMPDIR/nothing"
	run -21 berth template import x "$BATS_TEST_TMPDIR"
	for name in ../x x/y .x '' 'a b' $'a\nb' "$(printf 'x%.0s' $(seq 300))"; do
		run berth template import "$name" "$BATS_TEST_TMPDIR/noinit.tar"
		echo "$status $output"
		[ "$status" = 21 ]
	done
	[ "$(templates)" = tiny ]
	# Nothing half-made.
	[ "$(find "$HOST_ROOT/var/lib/berth/template/image" -type f | wc -l)" = 1 ]
	[ "$(find "$HOST_ROOT/var/lib/berth/template" -mindepth 1 -maxdepth 1 | wc -l)" -le 3 ]
}

@test "set-uid bits and owners survive the import, device nodes and /dev do not matter" {
	archive "$BATS_TEST_TMPDIR/a.tar"
	mkdir -p "$BATS_TEST_TMPDIR/r/usr/local"
	cd "$BATS_TEST_TMPDIR/r"
	echo x >usr/local/tool
	chown 33:44 usr/local/tool
	chmod 6755 usr/local/tool
	tar --numeric-owner -rf "$BATS_TEST_TMPDIR/a.tar" ./usr/local/tool
	berth template import owners "$BATS_TEST_TMPDIR/a.tar"
	berth create 101 --ostemplate owners
	berth start 101
	[ "$(berth exec2 101 'stat -c %u:%g:%a /usr/local/tool')" = 33:44:6755 ]
	berth stop 101 --fast
	berth destroy 101
	berth template rm owners
}

@test "a file of 12 GiB that is almost all hole makes a small template, and its containers have it" {
	tar=$BATS_TEST_TMPDIR/holes.tar
	archive "$tar"
	mkdir "$BATS_TEST_TMPDIR/srv"
	truncate -s 12G "$BATS_TEST_TMPDIR/srv/holes"
	dd if=/dev/urandom of="$BATS_TEST_TMPDIR/srv/holes" bs=1M count=1 seek=9000 conv=notrunc status=none
	sum=$(tail -c +$(((9000 << 20) + 1)) "$BATS_TEST_TMPDIR/srv/holes" | head -c 1M | sha256sum)
	tar -C "$BATS_TEST_TMPDIR" -S --owner=0 --group=0 -rf "$tar" srv
	[ "$(stat -c %s "$tar")" -lt $((6 << 20)) ]
	berth template import holes "$tar"
	[ "$(berth template list --json | jq '.templates[] | select(.name == "holes").bytes')" -lt $((80 << 20)) ]
	berth create 103 --ostemplate holes --diskspace 1G
	berth start 103
	[ "$(berth exec2 103 'stat -c %s /srv/holes')" = $((12 << 30)) ]
	[ "$(berth exec2 103 'dd if=/srv/holes bs=1M skip=9000 count=1 2>/dev/null | sha256sum')" = "$sum" ]
	[ "$(berth exec2 103 'df -Pk / | tail -n 1' | awk '{print $3}')" -lt $((64 << 10)) ]
	berth stop 103 --fast
	berth destroy 103
	berth template rm holes
}
