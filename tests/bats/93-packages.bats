#!/usr/bin/env bats
# Debian's packages of this tree, in a host of their own: an overlay over this one's files, without systemd.
# (50-systemd.bats has the units.)

load helpers

setup_file() {
	local package
	export PKG=$BATS_FILE_TMPDIR HOST=$BATS_FILE_TMPDIR/host
	mkdir -p "$PKG/berth" "$HOST"
	tar -C "$BATS_TEST_DIRNAME/../.." --exclude=./build --exclude=./.git -cf - . | tar -xf - -C "$PKG/berth"
	(cd "$PKG/berth" && dpkg-buildpackage -us -uc -b "-j$(nproc)") >"$PKG/build.log" 2>&1 || {
		tail -n 40 "$PKG/build.log" >&2
		return 1
	}
	for package in berth berth-openvz; do
		ln "$PKG/$package"_[0-9]*.deb "$PKG/$package.deb"
		newer "$package"
	done
	setup_network
	make_host
}

teardown_file() {
	if in_host berth ping; then
		in_host berth stop --all --fast
		end_berthd
	fi
	kill "$HOLDER"
	wait_for 10 process_is_gone "$HOLDER"
	umount -R "$HOST"
	umount "$PKG/rw"
	rm -rf "$DATA"
	for c in /sys/fs/cgroup{,/*}/berth-test-packages; do
		[ ! -d "$c" ] || find "$c" -depth -type d -exec rmdir {} +
	done
}

# PACKAGE again, of a later version.
newer() {
	dpkg-deb -R "$PKG/$1.deb" "$PKG/$1.d"
	sed -i 's/^Version: .*/&+later/' "$PKG/$1.d/DEBIAN/control"
	dpkg-deb --root-owner-group -b "$PKG/$1.d" "$PKG/$1-later.deb"
}

# A tmpfs for what is written, as this machine's / may be an overlay itself.
make_host() {
	mkdir "$PKG/rw"
	mount -t tmpfs tmpfs "$PKG/rw"
	mkdir "$PKG/rw/upper" "$PKG/rw/work"
	mount -t overlay -o "lowerdir=/,upperdir=$PKG/rw/upper,workdir=$PKG/rw/work" overlay "$HOST"
	for d in dev proc sys; do mount --rbind "/$d" "$HOST/$d"; done
	mount -t tmpfs tmpfs "$HOST/run"
	(cd "$HOST" && rm -rf etc/berth etc/vz vz var/lib/berth var/lib/vz usr/local)
	mkdir -p "$HOST/etc/berth" "$HOST/var/lib/berth" "$HOST/usr/local" "$HOST/debs"
	DATA=$(mktemp -d "$BERTH_TEST_DIR/packages.XXXXXX")
	export DATA
	mount --bind "$DATA" "$HOST/var/lib/berth"
	cp -a --reflink=auto "$BERTH_TEST_TEMPLATES" "$HOST/var/lib/berth/template"
	chmod 700 "$HOST/var/lib/berth/template"
	printf 'CGROUP_PARENT="/berth-test-packages"\nNFT_TABLE="berth_test_packages"\n' >"$HOST/etc/berth/berth.conf"
	mkdir "$HOST/old"
	cp "$PKG"/berth{,-later,-openvz,-openvz-later}.deb "$HOST/debs/"
	unshare -m --propagation private sh -ec 'cd "$1"; pivot_root . old; umount -l /old; exec sleep infinity' \
		sh "$HOST" </dev/null >/dev/null 2>&1 3>&- 4>&- &
	export HOLDER=$!
	wait_for 10 is_pivoted
}

is_pivoted() {
	[ "$(cat "/proc/$HOLDER/comm")" = sleep ]
}

# Not chroot: the kernel makes no user namespace for who is in one.
in_host() {
	PATH=/usr/sbin:/usr/bin:/sbin:/bin nsenter -t "$HOLDER" -m "$@"
}

begin_berthd() {
	in_host setsid berthd --log /var/log/berthd.log </dev/null >/dev/null 2>&1 3>&- 4>&- &
	wait_for 30 in_host berth ping
}

end_berthd() {
	local pid
	pid=$(head -n 1 "$HOST/run/berth/berthd.lock")
	kill "$pid"
	wait_for 20 process_is_gone "$pid"
}

init_of() {
	in_host berth list -H -o init_pid "$1" | tr -d ' '
}

@test "packages: lintian finds no error" {
	lintian --no-cfg --allow-root --fail-on error "$PKG"/*.changes
}

@test "packages: what uses the package is there, and nothing of OpenVZ's without its own" {
	local f
	in_host dpkg -i /debs/berth.deb
	grep '^berth:' "$HOST/etc/group"
	for f in etc/logrotate.d/berth usr/lib/sysctl.d/60-berth.conf usr/share/zsh/vendor-completions/_berth \
		usr/share/man/man8/berthd.8.gz etc/systemd/system/multi-user.target.wants/berthd.service; do
		[ -e "$HOST/$f" ] || [ -L "$HOST/$f" ]
	done
	[ ! -e "$HOST/usr/sbin/vzctl" ]
	begin_berthd
	in_host berth create 101 --ostemplate tiny
	in_host berth start 101
	in_host berth exec 101 'echo mine >/root/data'
}

@test "packages: OpenVZ's names lead to berth, and go without harm" {
	in_host dpkg -i /debs/berth-openvz.deb
	[ "$(in_host vzlist -a -H -o veid,status | tr -s ' ')" = ' 101 running' ]
	in_host vzctl status 101 | grep 'exist mounted running'
	in_host sh -ec '. /etc/vz/vz.conf; VEID=101; eval ls -d $VE_PRIVATE
		grep OSTEMPLATE /etc/vz/conf/101.conf; ls /vz/template/cache/*; cat /etc/vz/conf/ve-basic.conf-sample' >/dev/null
	in_host berth list -a -1 | grep -x 101
	in_host dpkg -i /debs/berth-openvz-later.deb
	[ -d "$HOST/vz/private/101" ]
	in_host dpkg --purge berth-openvz
	[ ! -L "$HOST/vz" ]
	[ ! -e "$HOST/etc/vz" ]
	[ -d "$HOST/var/lib/berth/private/101" ]
	in_host berth exec 101 true
}

@test "packages: an upgrade leaves containers alone, a downgrade and a removal beside them are refused" {
	local pid
	pid=$(init_of 101)
	in_host dpkg -i /debs/berth-later.deb
	[ "$(init_of 101)" = "$pid" ]
	end_berthd
	begin_berthd
	in_host berth exec 101 'cat /root/data' | grep mine
	run in_host dpkg -i /debs/berth.deb
	[ "$status" != 0 ]
	[[ $output == *"not downgraded from "*BERTH_DOWNGRADE=yes* ]]
	run in_host dpkg --remove berth
	[ "$status" != 0 ]
	[[ $output == *"containers run: 101"*"berth stop --all"* ]]
	in_host berth exec 101 true
	[ "$(init_of 101)" = "$pid" ]
}

@test "packages: a purge leaves the customers' data, which a new installation finds" {
	in_host berth stop 101
	end_berthd
	run in_host dpkg --purge berth
	[ "$status" = 0 ]
	[[ $output == *"left where it is: /var/lib/berth/private"* ]]
	[ ! -e "$HOST/usr/bin/berth" ]
	[ -e "$HOST/var/lib/berth/private/101/volume.img" ]
	[ -e "$HOST/var/lib/berth/audit.log" ]
	[ -e "$HOST/etc/berth/ct/101.conf" ]
	in_host dpkg -i /debs/berth.deb
	begin_berthd
	in_host berth start 101
	in_host berth exec 101 'cat /root/data' | grep mine
	in_host berth stop 101 --fast
	in_host berth destroy 101
	end_berthd
	in_host rm -r /var/lib/berth/template /etc/berth/berth.conf
	in_host dpkg --purge berth
	[ -z "$(ls -A "$HOST/var/lib/berth")" ]
	[ ! -e "$HOST/etc/berth" ]
}
