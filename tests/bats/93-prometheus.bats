#!/usr/bin/env bats
# A Prometheus of Debian's that scrapes berth-metrics. (29-metrics.bats looks at the text itself.)

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

@test "a Prometheus scrapes berth-metrics" {
	tiny 101 --name web --ram 64M
	metrics_program --port $port
	printf '%s\n' 'global: {scrape_interval: 1s}' \
		"scrape_configs: [{job_name: berth, static_configs: [{targets: ['127.0.0.1:$port']}]}]" >"$HOST_ROOT/prometheus.yml"
	"$promtool" check config "$HOST_ROOT/prometheus.yml"
	"$PROMETHEUS/prometheus" --config.file="$HOST_ROOT/prometheus.yml" --storage.tsdb.path="$HOST_ROOT/tsdb" \
		--web.listen-address=127.0.0.1:9090 >"$HOST_ROOT/prometheus.log" 2>&1 3>&- 4>&- &
	pids+=" $!"
	known() {
		"$promtool" query instant http://127.0.0.1:9090 "$1" | grep -q "=> $2 @"
	}
	wait_for 30 known 'berth_ct_memory_limit_bytes{ctid="101",name="web"}' 67108864
	known 'up{job="berth"}' 1
	# As a counter it is known to it.
	curl -sS 'http://127.0.0.1:9090/api/v1/metadata?metric=berth_ct_cpu_seconds' | grep -q '"type":"counter"'
}
