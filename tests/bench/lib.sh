# lib.sh - what the benches share: a berth host of their own, clocks, rows.
#
#	. lib.sh; bench_host "$BUILD"; ...
#
# bench_host needs mount and network namespaces of its own, see bench_namespaces.
# shellcheck shell=bash

# bench_namespaces SCRIPT ARGUMENT...: goes on in private ones.
bench_namespaces() {
	[ -n "${IN_NAMESPACE:-}" ] || exec env IN_NAMESPACE=1 unshare -mn --propagation private "$@"
}

berth() { command berth --root "$W" "$@"; }

now() { local t=${EPOCHREALTIME/[.,]/}; echo "$t"; }
median() { sort -n | awk '{v[NR]=$1} END {print v[int((NR+1)/2)]}'; }
ms() { awk -v v="$1" 'BEGIN {printf "%.2f", v / 1000}'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN {printf "%.2f", (b > 0 ? a / b : 0)}'; }

# timed COMMAND...: microseconds
timed() {
	local a b
	a=$(now)
	"$@" >/dev/null 2>&1
	b=$(now)
	echo $((b - a))
}

# bench_host BUILD: sets W (its root), DAEMON (berthd's pid), BENCH_CG: all processes are below that cgroup.
bench_host() {
	W=$(mktemp -d /var/tmp/berth-bench.XXXXXX)
	BENCH_CG=berth-bench-$$
	UNIFIED=$(awk '$3 == "cgroup2" {print $2; exit}' /proc/mounts)
	DAEMON=
	export PATH=$1/bin:$PATH
	mount -t tmpfs tmpfs /run
	ip link set lo up
	mkdir -p "$W/etc/berth" "$W/run"
	mount -t tmpfs tmpfs "$W/run" # as /run of every host, lxc's included
	printf 'CGROUP_PARENT="/%s"\nNFT_TABLE="berthbench"\n' "$BENCH_CG" >"$W/etc/berth/berth.conf"
	mkdir -p "$UNIFIED/$BENCH_CG/tools"
	echo $$ >"$UNIFIED/$BENCH_CG/tools/cgroup.procs"
	"$1/bin/berthd" --root "$W" 2>"$W/berthd.log" &
	DAEMON=$!
	for _ in $(seq 100); do
		berth ping >/dev/null 2>&1 && break
		sleep 0.05
	done
}

bench_cts_end() {
	local id
	for id in $(berth list -a -1 2>/dev/null); do
		berth stop "$id" --fast >/dev/null 2>&1 || true
		berth destroy "$id" >/dev/null 2>&1 || true
	done
}

bench_host_end() {
	local dir
	bench_cts_end
	[ -z "$DAEMON" ] || kill "$DAEMON" || true
	wait || true
	umount "$W/run" 2>/dev/null || true
	rm -rf "$W"
	echo $$ >"$UNIFIED/cgroup.procs"
	for dir in /sys/fs/cgroup /sys/fs/cgroup/*; do
		[ ! -d "$dir/$BENCH_CG" ] || find "$dir/$BENCH_CG" -depth -type d -exec rmdir {} + 2>/dev/null || true
	done
}

# bench_cpu: microseconds of CPU that berth's programs and its CTs have used since bench_host.
bench_cpu() {
	awk '/^usage_usec/ {print $2}' "$UNIFIED/$BENCH_CG/cpu.stat"
}

# bench_ct_cpu CTID: microseconds that all of its run has taken.
bench_ct_cpu() {
	awk '/^usage_usec/ {print $2}' "$UNIFIED/$BENCH_CG/berth/$1/cpu.stat"
}
