# invariants.bash - what must hold after whatever happened to an operation. Sourced by tests/crash/matrix.
# shellcheck shell=bash disable=SC2034,SC2154 # shared with matrix

wrong() {
	echo "$*" >>"$tmp/wrong"
}

# A cell asks some hundred things: what bash can do itself is done without a process.
ct_status() {
	local s
	s=$(command berth --root "$HOST_ROOT" list -a -H -o status "$1" 2>/dev/null)
	echo "${s// /}"
}

has_status() {
	[ "$(ct_status "$1")" = "$2" ]
}

# state_of CTID KEY: a value of its state file.
state_of() {
	local line
	[ -e "$HOST_ROOT/run/berth/ct/$1/state" ] || return
	while read -r line; do
		[[ $line != "$2="* ]] || echo "${line#*=}"
	done 2>/dev/null <"$HOST_ROOT/run/berth/ct/$1/state"
}

conf_of() {
	grep -vE '^(#|$)' "$HOST_ROOT/etc/berth/ct/$1.conf" 2>/dev/null
}

# ---- states to begin with ----

have_stopped() {
	case $(ct_status 101) in
	stopped | mounted) return 0 ;;
	'') make_ct ;;
	esac
	berth stop 101 --fast >/dev/null
}

have_running() {
	case $(ct_status 101) in
	running) return 0 ;;
	suspended) berth resume 101 >/dev/null && return ;;
	mounted) berth umount 101 >/dev/null ;;
	'') make_ct && return ;;
	esac
	berth start 101 >/dev/null
}

have_suspended() {
	has_status 101 suspended && return
	have_running && berth suspend 101 >/dev/null
}

# A running CT 101 with something to lose.
make_ct() {
	turn=1
	berth create 101 --ostemplate tiny --diskspace 64M --ram 32M --hostname first --ipadd 10.99.0.101 \
		--ipadd 10.99.2.1 >/dev/null &&
		berth start 101 >/dev/null &&
		berth exec2 101 sh -c 'echo precious >/root/data && sync' </dev/null
}

remove_ct() {
	case $(ct_status 101) in
	'') return 0 ;;
	mounted) berth umount 101 ;;
	stopped) ;;
	*) berth stop 101 --fast ;;
	esac >/dev/null
	berth destroy 101 >/dev/null
}

# What the CT is before the fault.
remember() {
	init=$(state_of 101 init_pid)
	monitor=$(state_of 101 monitor_pid)
	status_before=$(ct_status 101)
	conf_before=$(conf_of 101)
	killed_berthd=
}

# ---- the settled state ----

is_idle() {
	flock -n "$HOST_ROOT/run/berth/ct/101/lock" true 2>/dev/null || [ ! -e "$HOST_ROOT/run/berth/ct/101/lock" ]
}

# Nobody works on it any more, and its state is one that lasts.
is_settled() {
	is_idle && [ ! -e "$HOST_ROOT/var/lib/berth/state/101.intent" ] && ! pgrep -f "berth-worker.* 101( |$)" >/dev/null ||
		return 1
	case $(ct_status 101) in
	'' | stopped | running | mounted | suspended) return 0 ;;
	esac
	return 1
}

# berthd has said that it tries again in 10 s.
will_retry() {
	tail -c "+$((${log_at:-0} + 1))" "$HOST_ROOT/berthd.log" | grep -q 'tried again in'
}

settled_or_will_retry() {
	is_settled || will_retry
}

declare -A retried=()
# What could not be released is tried again after 10 s: waited for once an operation. Its admin can have it at once.
settle() {
	nudged=
	wait_for 3 settled_or_will_retry 2>/dev/null
	! is_settled || return 0
	if [ -z "${retried["${op:-none}"]:-}" ]; then
		retried["${op:-none}"]=1
		wait_for 3 is_settled 2>/dev/null && return
	fi
	# A suspend that could not be taken back is tried again in a second: to stop the CT would hide that.
	if [ "${op:-}" = suspend ]; then wait_for 5 is_settled 2>/dev/null && return; fi
	# An undo that failed is tried again by the next berthd.
	if is_idle && [ -e "$HOST_ROOT/var/lib/berth/state/101.intent" ]; then
		stop_berthd
		start_berthd
	fi
	is_idle && nudged=yes && berth stop 101 --fast >/dev/null 2>&1
	wait_for 10 is_settled 2>/dev/null
}

# ---- what is left ----

left_of_101() {
	local dir=$HOST_ROOT/run/berth/ct/101
	ct_cgroups 101
	ip -o link show ct101 2>/dev/null
	nft list table inet "berth_test_$HOST_ID" 2>/dev/null | grep -E '10\.99\.(0\.101|[12]\.)'
	grep -sF "$HOST_ROOT/var/lib/berth/private/101" /sys/block/loop*/loop/backing_file
	grep -F -e "$HOST_ROOT/run/berth/ct/101" -e "$HOST_ROOT/var/lib/berth/root/101" /proc/self/mountinfo
	find "$dir" "$HOST_ROOT"/var/lib/berth/{state,private} "$HOST_ROOT/etc/berth/ct" -maxdepth 2 ! -type d \
		\( -name '*.tmp' -o -name '*.new' -o -name '*.intent' -o -name candidate.conf -o -name pending.conf -o -name asked.conf -o -name state -o -name exit \
		-o -name restart -o -name monitor.sock -o -name live.conf \) -not -path '*/102/*' 2>/dev/null
	pgrep -af "berth-(worker|monitor).* 101( |$)"
}

nothing_left_of_101() {
	[ -z "$(left_of_101)" ]
}

nothing_of_101() {
	nothing_left_of_101 && [ ! -e "$HOST_ROOT/etc/berth/ct/101.conf" ] && [ ! -e "$HOST_ROOT/run/berth/ct/101" ] &&
		[ ! -e "$HOST_ROOT/var/lib/berth/private/101" ]
}

# ---- the checks ----

# may STATUS...: the CT has one of these, else that is wrong.
may() {
	local s
	for s; do
		[ "$status_now" != "$s" ] || return 0
	done
	wrong "exit status $rc, and the CT is '$status_now'"
}

same_init() {
	[ "$(state_of 101 init_pid)" = "$init" ] && ! process_is_gone "$init" || wrong "its init is another one, or dead"
}

# settings_are TEXT: the saved config is that one.
check_settings() {
	local now
	now=$(conf_of 101)
	if [ "$1" = old ]; then
		[ "$now" = "$conf_before" ] || wrong "the old config is gone: $(diff <(echo "$conf_before") <(echo "$now"))"
	else
		[[ $now == *"HOSTNAME=\"name$turn\""* ]] || wrong "the new config is not saved"
	fi
}

# In a running CT: what it shows is what its config says.
check_in_effect() {
	local name ram inside conf
	# The guest's own part is never a reason to fail: what was not taken is said.
	[ "$rc" != 0 ] || ! grep -q '^berth: CT 101: ' "$tmp/out" || return 0
	conf=$(conf_of 101)
	name=ct101
	[[ ! $conf =~ HOSTNAME=\"([^\"]*)\" ]] || name=${BASH_REMATCH[1]}
	ram=$(berth list -H -o physpages.l 101)
	ram=${ram// /}
	inside=$(berth exec2 101 cat /proc/sys/kernel/hostname /etc/hostname </dev/null)
	[ "$inside" = "$name"$'\n'"$name" ] || wrong "its hostname and /etc/hostname are not $name: $inside"
	[[ $conf =~ PHYSPAGES=\"([0-9]*:)?$ram\" || $conf == *"PHYSPAGES=\"$((ram / 256))M\""* ]] ||
		wrong "its limit of memory is $ram pages, config $conf"
}

# check OP RC WHAT
check() {
	local op=$1 rc=$2
	status_now=$(ct_status 101)
	# A killed berthd answers nobody, a killed worker may have been at its end.
	case $op in
	create | clone) if [ $rc = 0 ]; then may stopped; elif [ -n "$killed_berthd" ]; then may '' stopped; else may ''; fi ;;
	undone) if [ -n "$killed_berthd" ]; then may '' stopped; else may ''; fi ;;
	start) if [ $rc = 0 ]; then may running; else may stopped running; fi ;;
	stop | poweroff) if [ $rc = 0 ]; then may stopped; else may stopped running; fi ;;
	# What fails on the way in is no poweroff, nor a reboot.
	halted) if [[ $point == clone3 || $point == enter.* ]]; then may stopped running; else may stopped; fi ;;
	rebooted) # A start that fails is no reboot any more.
		[ -n "$nudged" ] || [[ $point == clone3 || $point == enter.* ]] || [[ $point =~ ^(start|volume|loop|become|plan)\. ]] || wait_for 8 init_is_new || wrong "it was not started again" ;;
	restart) if [ $rc = 0 ]; then may running; else may running stopped; fi ;;
	set | set_stopped)
		may "$status_before"
		if [ $rc = 0 ]; then
			check_settings new
		elif [ -z "$killed_berthd" ] || [ "$(conf_of 101)" = "$conf_before" ]; then
			check_settings old
		else
			check_settings new
		fi
		;;
	login)
		may stopped
		[ $rc != 0 ] || login_is_new || wrong "the password is the old one"
		;;
	suspend) if [ $rc = 0 ]; then may suspended; else may running suspended; fi ;;
	resume) if [ $rc = 0 ]; then may running; else may suspended running; fi ;;
	mount) if [ $rc = 0 ]; then may mounted; else may mounted stopped; fi ;;
	umount) if [ $rc = 0 ]; then may stopped; else may mounted stopped; fi ;;
	destroy | leftover) if [ $rc = 0 ]; then may ''; else wait_for 15 destroyed_or_whole || may ''; fi ;;
	adopt | recover) may running ;;
	esac
	status_now=$(ct_status 101)
	[ $rc = 0 ] || [ -n "$killed_berthd" ] || [ -s "$tmp/out" ] || [[ $op == halted || $op == rebooted || $op == adopt ]] ||
		wrong "it failed without a word"
	case $op:$status_now in
	set:running | adopt:running | recover:running | stop:running | poweroff:running | suspend:running) same_init ;;
	esac
	case $status_now in
	running) check_running "$op" ;;
	stopped | suspended)
		wait_for 5 nothing_left_of_101 2>/dev/null || wrong "left: $(left_of_101)"
		;;
	'') wait_for 5 nothing_of_101 2>/dev/null || wrong "left of no CT: $(left_of_101; find "$HOST_ROOT" -path '*/101*')" ;;
	esac
	process_is_gone "$neighbour" && wrong "the neighbour is dead"
	has_status 102 running && berth exec2 102 true </dev/null || wrong "the neighbour is $(ct_status 102)"
	case $op in
	import | build | remove) check_templates ;;
	esac
}

# The password of 101 is that of this turn; it was stopped, and is again.
login_is_new() {
	local root hash
	root=$(berth mount 101) || return
	hash=$(sed -n 's/^root:\([^:]*\):.*/\1/p' "$root/etc/shadow")
	berth umount 101 >/dev/null && [ "$(perl -e 'print crypt($ARGV[0], $ARGV[1])' "password$turn" "$hash")" = "$hash" ]
}

destroyed_or_whole() {
	status_now=$(ct_status 101)
	[ -z "$status_now" ] || [ "$status_now" = stopped ]
}

runs_commands() {
	[ "$(berth exec2 101 cat /root/data </dev/null)" = precious ]
}

check_running() {
	process_is_gone "$(state_of 101 init_pid)" && wrong "it is shown as running, and its init is dead"
	# After a failed adoption the next try is 10 s away; a new berthd tries at once.
	if [ "$1" = adopt ] && ! wait_for 1 runs_commands 2>/dev/null; then
		stop_berthd
		start_berthd
	fi
	wait_for 10 runs_commands 2>/dev/null || wrong "no command runs in it, or its data is gone"
	check_in_effect
}

check_templates() {
	local f hash
	for f in "$HOST_ROOT"/var/lib/berth/template/*.template; do
		hash=$(sed -n 's/^hash=//p' "$f")
		[ -s "$HOST_ROOT/var/lib/berth/template/image/$hash.erofs" ] || wrong "$f has no image"
	done
	# A torn file goes with the next berthd.
	if find "$HOST_ROOT/var/lib/berth/template" -name '*.tmp' | grep -q .; then
		stop_berthd
		start_berthd
		find "$HOST_ROOT/var/lib/berth/template" -name '*.tmp' | grep . >>"$tmp/wrong"
	fi
	return 0
}

# order COMMAND...: a new berthd answers "locked, try again" until it has judged what an earlier one began.
order() {
	local end=$((SECONDS + 10))
	until berth "$@" >"$tmp/after" 2>&1; do
		grep -q 'is locked by' "$tmp/after" && [ $SECONDS -lt $end ] || return
		sleep 0.05
	done
}

# The orders that come next work, and the data is there.
afterwards() {
	case $(ct_status 101) in
	'') return ;;
	mounted) order umount 101 || wrong "cannot be unmounted: $(cat "$tmp/after")" ;;
	suspended)
		# Killed while CRIU lets it go, nobody can tell whether it has run: its memory is not used again.
		if ! order resume 101; then
			[[ $op == resume && ($point == resume.freeze || $point == *.record) ]] && order stop 101 --fast &&
				order start 101 || wrong "cannot be resumed: $(cat "$tmp/after")"
		fi
		wait_for 10 runs_commands 2>/dev/null || wrong "it is resumed, and its data is gone"
		;;
	esac
	if has_status 101 stopped; then
		# A CT of a `create` has no data yet.
		order start 101 || wrong "cannot be started: $(cat "$tmp/after")"
		berth exec2 101 sh -c '[ -e /root/data ] || echo precious >/root/data; cat /root/data' </dev/null >"$tmp/after" 2>&1
		[ "$(cat "$tmp/after")" = precious ] || wrong "its data is gone: $(cat "$tmp/after")"
	fi
	order set 101 --description "cell $turn" --save || wrong "cannot be set: $(cat "$tmp/after")"
	order stop 101 --fast || wrong "cannot be stopped: $(cat "$tmp/after")"
	wait_for 5 nothing_left_of_101 2>/dev/null || wrong "left after a stop: $(left_of_101)"
}
