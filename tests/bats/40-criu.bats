#!/usr/bin/env bats
# A CT can be dumped by stock CRIU at any time and goes on unharmed: what live migration stands on.

load helpers

setup_file() {
	command -v "${CRIU:-criu}" >/dev/null || skip "no criu (CRIU is not set)"
}

setup() {
	setup_host
}

teardown() {
	teardown_host
}

# CRIU reads resource limits by prlimit(2), which needs CAP_SYS_RESOURCE in the CT's user namespace. Root of
# a machine without that capability has it there when it takes the id of the namespace's owner.
as_owner() {
	local pid=$1 base caps
	shift
	if capsh --has-p=cap_sys_resource 2>/dev/null; then
		"$@"
		return
	fi
	base=$(awk '{print $2}' "/proc/$pid/uid_map")
	caps=$(capsh --print | sed -n 's/^Bounding set =//p' | sed 's/cap_/+/g')
	setpriv --reuid "$base" --regid "$base" --clear-groups --inh-caps "$caps" --ambient-caps "$caps" \
		"$@" --unprivileged
}

# criu_dump CTID NAME [OPTION...]: dumps the CT into the folder NAME and lets it run. The errors go to stdout.
criu_dump() {
	local pid tty node nodes=() dir=$HOST_ROOT/dump/$2
	pid=$(init_pid "$1")
	shift 2
	# What the host made: device nodes in a tmpfs that the CT sees these of only.
	for node in null zero full random urandom tty; do
		nodes+=(--external "mnt[/dev/$node]:$node")
	done
	# Its view of /proc, which the host answers for.
	while read -r node; do
		nodes+=(--external "mnt[$node]:view$node")
	done < <(awk '/ - fuse/ {print $5}' "/proc/$pid/mountinfo")
	# The console: a terminal of the CT whose other end is the monitor's.
	tty=$(stat -L -c '%r %D' "/proc/$pid/root/dev/console" | { read -r r d && printf 'tty[%x:%s]' "$r" "$d"; })
	mkdir -p "$dir"
	# No descriptors of bats.
	if ! as_owner "$pid" "${CRIU:-criu}" dump -t "$pid" -D "$dir" -o dump.log -v4 --leave-running \
		--tcp-established --file-locks --link-remap --ghost-limit 10M --manage-cgroups=ignore \
		--network-lock skip --external 'mnt[]:ms' --external 'mnt[/dev/console]:console' \
		"${nodes[@]}" --external "$tty" "$@" </dev/null 3>&- 4>&-; then
		grep -B 8 Error "$dir/dump.log"
		return 1
	fi
	[ -s "$dir/inventory.img" ]
}

cpu_ticks() {
	sed 's/.*) //' "/proc/$1/stat" | awk '{print $12 + $13}'
}

# unharmed CTID UNIT: after a dump PID 1 rests, its jobs run, the journal takes and gives messages.
unharmed() {
	local pid before
	pid=$(init_pid "$1")
	run -0 berth exec2 "$1" systemctl is-system-running
	[ "$output" = running ]
	before=$(cpu_ticks "$pid")
	sleep 1.5
	[ $(($(cpu_ticks "$pid") - before)) -le 5 ]
	berth exec2 "$1" systemctl restart "$2"
	berth exec2 "$1" systemctl is-active "$2"
	berth exec2 "$1" sh -c "logger mark-$2 && journalctl --sync && journalctl -q -t root -n 50 | grep mark-$2"
	run -0 berth exec2 "$1" systemctl --failed --no-legend
	[ -z "$output" ]
}

dump_twice() {
	[ -e "$HOST_ROOT/var/lib/berth/template/$1.template" ] || skip "no template $1"
	berth create 101 --ostemplate "$1" --ram 512M --ipadd 10.99.0.101
	berth start 101 --wait
	wait_for 60 berth exec2 101 systemctl is-system-running
	criu_dump 101 first
	unharmed 101 cron
	berth exec2 101 systemctl restart systemd-journald ssh cron systemd-logind
	# A unit with credentials has a mount of ramfs for them, whose contents CRIU leaves out.
	berth exec2 101 systemd-run -q --unit=secret -p SetCredential=foo:bar sleep 1000
	criu_dump 101 second --enable-fs ramfs
	unharmed 101 ssh
	berth exec2 101 systemctl is-active secret
	berth stop 101
}

# bats test_tags=both
@test "a Debian 12 container is dumped twice and goes on" {
	dump_twice debian-12
}

# bats test_tags=both,night
@test "a Debian 13 container is dumped twice and goes on" {
	dump_twice debian-13
}

# bats test_tags=both,kernel
@test "a tiny container is dumped and goes on" {
	tiny 101 --ipadd 10.99.0.101
	criu_dump 101 first
	run -0 berth exec2 101 echo alive
	[ "$output" = alive ]
}
