# metrics.bash - for tests of berth-metrics: programs that end with the test ($pids). Load it behind helpers.

metrics_teardown() {
	local p
	for p in $pids; do
		kill "$p" 2>/dev/null || true
		wait_for 20 process_is_gone "$p"
	done
	teardown_host
}

pids=

# metrics_program OPTION...: berth-metrics, as nobody in particular.
metrics_program() {
	setpriv --reuid nobody --regid nogroup --clear-groups berth-metrics --root "$HOST_ROOT" "$@" \
		>"$HOST_ROOT/metrics.log" 2>&1 3>&- 4>&- &
	pids+=" $!"
}
