#!/usr/bin/env bats
# Metrics of all CTs: what Debian's promtool and prometheus make of them.

load helpers
load metrics

setup() {
	setup_host GROUP=nogroup
	promtool=$PROMETHEUS/promtool
	port=9719
}

teardown() {
	metrics_teardown
}

# scraped: what it answers, into $output; Accept: $1.
scraped() {
	output=$(curl -sS -D "$HOST_ROOT/head" -H "Accept: $1" "http://127.0.0.1:$port/metrics")
}

# value METRIC LABELS: of the text in $output.
value() {
	sed -n "s/^$1{$2} //p" <<<"$output"
}

@test "promtool accepts berth metrics, and berth-metrics serves them without privileges, also while berthd is down" {
	tiny 101 --name web --ram 64M --cpulimit 25
	berth create 102 --ostemplate tiny
	berth metrics >"$HOST_ROOT/text"
	"$promtool" check metrics <"$HOST_ROOT/text"
	output=$(cat "$HOST_ROOT/text")
	[ "$(value berth_ct_memory_limit_bytes 'ctid="101",name="web"')" = 67108864 ]
	[ "$(value berth_ct_cpu_limit_cpus 'ctid="101",name="web"')" = 0.250000 ]
	[ "$(value berth_ct_up 'ctid="102",name=""')" = 0 ]
	[ "$(value berth_ct_failures_total 'ctid="101",name="web",resource="numproc"')" = 0 ]
	[ -n "$(value berth_doctor_findings 'level="ok"')" ]
	[ "$(berth metrics -o | tail -n 1)" = '# EOF' ]

	run -5 berth-metrics --port $port
	[[ $output == *"do not run it as root"* ]]
	metrics_program --port $port
	wait_for 20 scraped text/plain
	"$promtool" check metrics <<<"$output"
	grep -qi '^content-type: text/plain; version=0.0.4' "$HOST_ROOT/head"
	[ "$(value berth_ct_up 'ctid="101",name="web"')" = 1 ]
	scraped application/openmetrics-text
	grep -qi '^content-type: application/openmetrics-text; version=1.0.0' "$HOST_ROOT/head"
	grep -qx '# TYPE berth_ct_cpu_seconds counter' <<<"$output"
	stop_berthd
	down() { scraped text/plain && [ "$(sed -n 's/^berth_up //p' <<<"$output")" = 0 ]; }
	wait_for 10 down
	start_berthd
	up() { scraped text/plain && [ "$(value berth_ct_up 'ctid="101",name="web"')" = 1 ]; }
	wait_for 10 up
}
