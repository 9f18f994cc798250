#!/usr/bin/env bats
# The command line itself: help, completion, columns and filters, JSON for machines, silence on pipes.

load helpers

setup_file() {
	setup_host
	berth create 101 --ostemplate tiny --hostname web.example.com --name web --ipadd 198.51.100.1 \
		--ipadd 2001:db8:1::1 --description "first shop" --diskspace 32M --onboot yes
	berth create 102 --ostemplate tiny --hostname db.example.com --name db --diskspace 48M --ram 128M
	berth create 103 --ostemplate tiny --diskspace 32M --disabled yes
	berth start 101
}

teardown_file() {
	teardown_host
}

words() {
	xargs <<<"$output"
}

@test "help: every command, with usage and examples, on stdout" {
	run --separate-stderr -0 berth --help
	# shellcheck disable=SC2154
	[ -z "$stderr" ]
	commands=$(sed -n 's/^  \([a-z0-9]*\( build\| import\| list\| rm\)\?\)  .*/\1/p' <<<"$output")
	for c in create set start stop restart status exec exec2 enter console runscript mount umount destroy \
		list doctor ping version 'template build'; do
		grep -qx "$c" <<<"$commands"
	done
	while read -r c; do
		# shellcheck disable=SC2086 # "template build" is two words
		run -0 berth $c --help </dev/null
		[[ $output == "usage: berth $c"* ]]
	done <<<"$commands"
	run -0 berth set --help
	[[ $output == *--cpulimit* && $output == *--diskspace* && $output == *--save* ]]
}

@test "vzctl and vzlist say their own names" {
	run -0 vzctl --help
	[[ $output == "usage: vzctl"* ]]
	run -0 vzlist --help
	[[ $output == "usage: vzlist"* ]]
}

@test "version, ping and doctor" {
	run -0 berth version
	[[ $output == "berth "[0-9]*berthd* ]]
	run -0 berth version --json
	[ "$(jq -r .berth <<<"$output")" = "$(jq -r .berthd <<<"$output")" ]
	run -0 berth ping
	run -0 berth ping --json
	[ "$(jq .pid <<<"$output")" -gt 1 ]
	run berth doctor --json
	[ "$status" = 0 ] || [ "$status" = 5 ]
	jq -e 'length > 5 and all(.[]; .level and .name and .text)' <<<"$output"
	# Whatever is wrong comes with a way to mend it.
	jq -e 'all(.[] | select(.level == "error"); .fix != null and .fix != "")' <<<"$output"
	run berth doctor
	[ "$(wc -l <<<"$output")" -gt 5 ]
}

@test "list: running ones, all, stopped ones, named ones" {
	run -0 berth list -H -o ctid
	[ "$(words)" = 101 ]
	run -0 berth list -a -H -o ctid
	[ "$(words)" = "101 102 103" ]
	run -0 berth list -S -H -o ctid
	[ "$(words)" = "102 103" ]
	run -0 berth list -1 -a
	[ "$(words)" = "101 102 103" ]
	run -0 berth list -H -o ctid db web
	[ "$(words)" = "101 102" ]
	run -0 berth list -a
	[ "$(head -n 1 <<<"$output" | xargs)" = "CTID NPROC STATUS IP_ADDR HOSTNAME" ]
	[ "$(wc -l <<<"$output")" = 4 ]
	run -0 berth list -an
	[[ $output == *NAME* && $output == *web* ]]
}

@test "list: columns, sorting, filters" {
	run -0 berth list -a -H -o ctid -s -ctid
	[ "$(words)" = "103 102 101" ]
	run -0 berth list -a -H -o ctid -s diskspace.h
	[ "$(words)" = "101 103 102" ]
	run -0 berth list -a -H -o ctid -h '*.example.com'
	[ "$(words)" = "101 102" ]
	run -0 berth list -a -H -o ctid -N 'd*'
	[ "$(words)" = 102 ]
	run -0 berth list -a -H -o ctid -d '*shop'
	[ "$(words)" = 101 ]
	run -0 berth list -a -H -o ctid,name,ip,onboot,disabled,ostemplate,layout 101
	[[ "$(words)" == "101 web 198.51.100.1 2001:db8:1::1 yes no tiny overlay" ]]
	run -0 berth list -a -H -o disabled 103
	[ "$(words)" = yes ]
	run -0 berth list -H -o physpages.l,swappages.l,diskspace.h,numproc.l 102
	[ "$(words | cut -d ' ' -f 1,3)" = "32768 49152" ]
	run -0 berth list -L
	for f in ctid hostname status physpages numproc diskspace; do
		grep -q "^$f " <<<"$output"
	done
	# Every column that -L names can be asked for.
	run -0 berth list -a -o "$(awk '{print $1}' <<<"$output" | paste -sd,)"
}

@test "list: JSON has every field, one object a container" {
	run -0 berth list -a -j
	jq -e 'length == 3 and all(.[]; .ctid and .status and .hostname and .private)' <<<"$output"
	jq -e '.[0].ip == ["198.51.100.1", "2001:db8:1::1"] and .[0].onboot == true' <<<"$output"
	jq -e '.[0].status == "running" and .[1].status == "stopped"' <<<"$output"
	jq -e '.[0].description == "first shop" and .[1].description == null' <<<"$output"
	run -0 berth list -a -j -o ctid,status
	jq -e '.[2] == {"ctid": 103, "status": "stopped"}' <<<"$output"
	run -0 berth list -j -h nothing
	[ "$(jq length <<<"$output")" = 0 ]
}

@test "JSON wherever a machine would read" {
	run --separate-stderr -0 berth create --ostemplate tiny --diskspace 32M --json
	[ "$(jq .ctid <<<"$output")" = 104 ]
	run -0 berth --json mount 104
	[ -d "$(jq -r .path <<<"$output")" ]
	berth umount 104
	run -0 berth start 104 --json
	[ "$(jq .init_pid <<<"$output")" = "$(init_pid 104)" ]
	run -0 berth status 104 --json
	jq -e '. == {"ctid": 104, "exist": true, "mounted": true, "running": true, "status": "running"}' <<<"$output"
	run --separate-stderr -0 berth set 104 --numproc 99 --json
	jq -e '.notes | length == 1' <<<"$output"
	run -0 berth stop 104 --fast --json
	jq -e . <<<"$output"
	run -0 berth destroy 104 --json
	jq -e . <<<"$output"
	run -0 berth status 104 --json
	jq -e '.exist == false' <<<"$output"
	run -0 berth template list --json
	jq -e '.templates | length > 0' <<<"$output"
}

@test "on a pipe there is no chatter; on a terminal there is" {
	for c in 'start 102' 'restart 102 --fast' 'stop 102 --fast' 'mount 102 --quiet' 'umount 102' \
		'set 102 --numproc 99 --save' 'template build tiny'; do
		# shellcheck disable=SC2086
		run --separate-stderr -0 berth $c
		echo "$c: $output $stderr"
		[ -z "$output$stderr" ]
	done
	run -0 script -qec "berth --root $HOST_ROOT start 102" /dev/null </dev/null
	[[ $output == *"CT 102 has started"* ]]
	run -0 script -qec "berth --root $HOST_ROOT --quiet stop 102 --fast" /dev/null </dev/null
	[ -z "$output" ]
}

@test "a reader that went away is no crash, a full disk is told" {
	run bash -c "command berth --root '$HOST_ROOT' list -a -j | head -n 1; exit \${PIPESTATUS[0]}"
	[ "$status" = 0 ] || [ "$status" = 141 ] || [ "$status" = 3 ]
	run bash -c "command berth --root '$HOST_ROOT' list -a -j >/dev/full"
	[ "$status" = 3 ]
	[[ $output == *"No space left"* ]]
}

@test "--root: another root is another host" {
	run command berth --root "$HOST_ROOT/nowhere" list -a
	[ "$status" = 0 ] || [ "$status" = 171 ]
	[[ $output != *web* ]]
	run -0 command berth --root="$HOST_ROOT" list -a -1
	[ "$(words)" = "101 102 103" ]
	(cd "$(dirname "$HOST_ROOT")" && command berth --root "$(basename "$HOST_ROOT")" ping) || [ $? = 21 ] || [ $? = 20 ]
}

@test "a mistyped CT, template or sample is answered with the nearest one" {
	mkdir -p "$HOST_ROOT/etc/berth/samples"
	echo 'NUMPROC="99"' >"$HOST_ROOT/etc/berth/samples/vswap-256m.conf"
	run -14 berth start wbe
	[[ $output == *"CT wbe does not exist; did you mean web?" ]]
	run berth create 109 --ostemplate tiyn
	[ "$status" = 91 ]
	[[ $output == *"there is no template 'tiyn'; did you mean tiny?" ]]
	run berth create 109 --ostemplate tiny --config vswap-265m
	[ "$status" = 82 ]
	[[ $output == *"there is no sample 'vswap-265m'; did you mean vswap-256m?" ]]
	# A number is no mistyped name: another number is another CT.
	run ! berth start 111
	[[ $output == *"CT 111 does not exist"* && $output != *"did you mean"* ]]
	# Root is answered from the files when berthd is down.
	mv "$HOST_ROOT/run/berth/berthd.sock" "$HOST_ROOT/sock"
	run ! berth list wbe
	mv "$HOST_ROOT/sock" "$HOST_ROOT/run/berth/berthd.sock"
	[[ $output == *"did you mean web?"* ]]
}

@test "list and status work for whoever may ask, start does not" {
	chmod 711 "$HOST_ROOT"
	run setpriv --reuid 65534 --regid 65534 --clear-groups "$(type -P berth)" --root "$HOST_ROOT" start 102
	[ "$status" = 170 ] || [ "$status" = 171 ]
	[ "$(wc -l <<<"$output")" = 1 ]
	run setpriv --reuid 65534 --regid 65534 --clear-groups "$(type -P berth)" --root "$HOST_ROOT" exec 101 id
	[ "$status" != 0 ]
	[[ $output != *uid=* ]]
	run -0 berth list -S -H -o ctid 102
}

# What a shell's completion file makes of it: the shell's own file, the real berth.
share() {
	file=$(dirname "$(type -P berth)")/../share/$1
	[ -r "$file" ]
}

@test "completion: bash offers commands, containers, options, values, fields" {
	share bash-completion/completions/berth
	complete_line() {
		FILE=$file bash -c '
			. "$FILE"
			COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
			_berth
			printf "%s\n" "${COMPREPLY[@]}"' bash "$@" | sort | xargs
	}
	[ "$(complete_line berth sta)" = "start stat status" ]
	[ "$(complete_line vzctl dest)" = destroy ]
	[ "$(complete_line berth --root "$HOST_ROOT" stop '')" = "101 web" ]
	[ "$(complete_line berth --root "$HOST_ROOT" start '')" = "102 103 db" ]
	[ "$(complete_line berth --root "$HOST_ROOT" set 101 --cpul)" = --cpulimit ]
	[ "$(complete_line berth --root "$HOST_ROOT" set 101 --onboot '')" = "no yes" ]
	[[ " $(complete_line berth --root "$HOST_ROOT" create 105 --ostemplate '') " == *" tiny "* ]]
	[ "$(complete_line berth --root "$HOST_ROOT" set 101 --ipdel '')" = "198.51.100.1 2001:db8:1::1 all" ]
	[ "$(complete_line berth template '')" = "build import list rm" ]
	[ "$(complete_line vzlist -o ctid,hostn)" = ctid,hostname ]
	[[ " $(complete_line berth --root "$HOST_ROOT" runscript 101 /et) " == *" /etc "* ]]
	cmp "$file" "$(dirname "$file")/vzlist"
}

@test "completion: fish" {
	share fish/vendor_completions.d/berth.fish
	complete_line() {
		FILE=$file LINE=$1 HOME=$BATS_TEST_TMPDIR fish --no-config -c 'source $FILE; complete -C $LINE' |
			cut -f1 | sort | xargs
	}
	[ "$(complete_line 'berth sta')" = "start stat status" ]
	[ "$(complete_line "berth --root $HOST_ROOT stop ")" = "101 web" ]
	[ "$(complete_line 'vzlist -o ctid,hostn')" = ctid,hostname ]
	[[ "$(complete_line "berth --root $HOST_ROOT runscript 101 /et")" == */etc* ]]
}

@test "completion: zsh" {
	share zsh/vendor-completions/_berth
	# A terminal of its own: completion is a part of the line editor.
	complete_line() {
		DIR=$(dirname "$file") LINE=$1 HOME=$BATS_TEST_TMPDIR zsh -f -c '
			zmodload zsh/zpty
			zpty z zsh -f -i
			zpty -w z "PS1=; stty -echo; fpath=($DIR \$fpath); autoload -Uz compinit; compinit -u -D"
			zpty -w z "null-line() { zle -I; print -r -- \"<<\$BUFFER>>\"; exit }; zle -N null-line"
			zpty -w z "bindkey ^I complete-word; bindkey ^X null-line; print ready\\!"
			zpty -r z out "*ready!*"
			zpty -w -n z "$LINE"$'\''\t\x18'\''
			zpty -r z out "*<<*>>*"
			print -r -- $out' | tr -d '\r' | sed -n 's/.*<<\(.*\)>>.*/\1/p'
	}
	[ "$(complete_line 'berth destr')" = "berth destroy " ]
	[ "$(complete_line "berth --root $HOST_ROOT stop we")" = "berth --root $HOST_ROOT stop web " ]
	run -0 complete_line 'vzlist -o ctid,hostn'
	[ "$output" = "vzlist -o ctid,hostname" ]
}

@test "help and usage of vzlist and vzctl are lines that can be typed" {
	run -0 vzlist --help
	[[ $output == "usage: vzlist [-aSn"* && $output == *"  vzlist -a"* && $output != *"vzlist list"* ]]
	[[ $output != *"berth list"* ]]
	run -20 vzlist --nonsense
	[[ $output != *"vzlist list"* ]]
	run -0 vzctl exec --help
	[[ $output == *"  vzctl exec 101 apt-get update"* ]]
}

# on_terminal COLUMNS ENV COMMAND...: what it prints on a terminal, escapes made visible.
on_terminal() {
	local columns=$1 env=$2
	shift 2
	script -qec "stty cols $columns; env -u NO_COLOR -u COLUMNS TERM=xterm $env $*" /dev/null </dev/null |
		tr -d '\r' | sed 's/\x1b/^/g'
}

@test "colours on a terminal, none with NO_COLOR, on a dumb one, or on a pipe" {
	list="$(type -P berth) --root $HOST_ROOT list -a -o ctid,status"
	run -0 on_terminal 80 A=1 "$list"
	[[ $output == *"^[32mrunning"*"^[0m"* && $output == *"^[1m"*CTID* ]]
	for env in NO_COLOR=1 TERM=dumb; do
		run -0 on_terminal 80 $env "$list"
		[[ $output == *running* && $output != *"^["* ]]
	done
	run -0 env TERM=xterm $list
	[[ $output == *running* && $output != *$'\e'* ]]
	run -0 on_terminal 80 A=1 "$(type -P berth) --root $HOST_ROOT start nobody || true"
	[[ $output == *"^[31mberth:^[0m CT nobody does not exist"* ]]
}

@test "a list without a row says on a terminal how to see more" {
	berth stop 101 --fast
	run -0 on_terminal 80 NO_COLOR=1 "$(type -P berth) --root $HOST_ROOT list"
	[[ $output == *"no CT is running; to list all: berth list -a"* ]]
	run -0 on_terminal 80 NO_COLOR=1 "$(type -P berth) --root $HOST_ROOT list -H"
	[ -z "$output" ]
	run -0 berth list
	[ "$(wc -l <<<"$output")" = 1 ]
	berth start 101
}

@test "a list ends where the terminal ends, on a pipe it does not" {
	widest() { awk '{ if (length > m) m = length } END { print m }' <<<"$output"; }
	list="$(type -P berth) --root $HOST_ROOT list -a -o ctid,ip,description,uuid,private"
	run -0 on_terminal 40 NO_COLOR=1 "$list"
	[ "$(widest)" = 40 ]
	run -0 on_terminal 40 NO_COLOR=1 "$list -t"
	[ "$(widest)" -gt 80 ]
	run -0 env COLUMNS=40 $list
	[ "$(widest)" -gt 80 ]
}

# by_group COMMAND...: berth as a member of the group that may read, and of nothing else.
by_group() {
	# A copy: the tree that is tested may lie in root's home.
	[ -e "$HOST_ROOT/berth" ] || cp "$(type -P berth)" "$HOST_ROOT/berth"
	setpriv --reuid 65534 --regid 65534 --groups "$(stat -c %g "$HOST_ROOT/run/berth/berthd.sock")" \
		"$HOST_ROOT/berth" --root "$HOST_ROOT" "$@"
}

@test "doctor: a member of the group reads, root applies what is safe" {
	# Group root here: a test host has no group berth.
	chmod 711 "$HOST_ROOT"
	run by_group doctor --json
	[ "$status" = 0 ] || [ "$status" = 5 ]
	jq -e 'length > 5' <<<"$output"
	run -170 by_group doctor --apply
	before=$(sysctl -a 2>/dev/null | grep -E '^(kernel|fs)\.[a-z_]+ = [0-9]+$' | grep -v -E 'random|-nr|dentry|inode|pid' | sort)
	run berth doctor --apply --json
	[ "$status" = 0 ] || [ "$status" = 5 ]
	applied=$output
	# Each line that was written raises what the kernel has now.
	while read -r name value; do
		grep -qx "$name = $value" "$HOST_ROOT/etc/sysctl.d/61-berth-doctor.conf"
		[ "$(sysctl -n "$name")" -lt "$value" ]
	done < <(jq -r '.written | to_entries[] | "\(.key) \(.value)"' <<<"$applied")
	jq -e 'all(.left[]; .level != "ok")' <<<"$applied"
	# --root is another host than this one: nothing of this kernel was changed.
	[ "$(sysctl -a 2>/dev/null | grep -E '^(kernel|fs)\.[a-z_]+ = [0-9]+$' | grep -v -E 'random|-nr|dentry|inode|pid' | sort)" = "$before" ]
}

@test "the log: a time, a level, who ordered it, no secret; berth log CT" {
	berth set 101 --numproc 222 --description 'two words' --save
	pattern='^20[0-9-]*T[0-9:.]*Z berthd: info: ct=101 set numproc=222 description="two words" save=yes by uid=0 pid=[0-9]+$'
	run -0 berth log web --no-console
	[ "$(grep -cE "$pattern" <<<"$output")" = 1 ]
	grep -qE '^20[0-9-]*T[0-9:.]*Z berthd: info: ct=101 set: done$' <<<"$output"
	run ! grep -v -e ' ct=101 ' -e '^-- ' <<<"$output"
	berth set 101 --userpasswd root:topsecret --save
	run ! berth set 101 --userpaswd root:topsecret
	run ! grep topsecret "$HOST_ROOT/berthd.log"
	run -0 berth log 101 --json
	jq -e 'length > 1 and all(.[]; contains(" ct=101 "))' <<<"$output"
	run -0 berth log 101
	[[ $output == *"-- console of CT 101 --"* ]]
	# Without berthd, and of a CT that is gone.
	berth create 108 --ostemplate tiny --diskspace 32M
	berth destroy 108
	mv "$HOST_ROOT/run/berth/berthd.sock" "$HOST_ROOT/sock"
	run -171 berth ping
	run -0 berth log 108
	mv "$HOST_ROOT/sock" "$HOST_ROOT/run/berth/berthd.sock"
	[[ $output == *"ct=108 create ostemplate=tiny diskspace=32M by uid=0"*"ct=108 destroy: done"* ]]
}

audit_has() {
	berth log "$1" --audit | grep -qE "$2"
}

@test "the audit log: who did what to which container, what came of it, and no secret" {
	berth create 109 --ostemplate tiny --userpasswd root:topsecret1
	berth start 109
	berth set 109 --userpasswd root:topsecret2 || true
	run berth set 109 --ipadd 10.0.0.300
	run berth start 109
	# Who it is, berthd reads while the command runs: on a busy host some time after its begin.
	mkfifo "$BATS_TEST_TMPDIR/held"
	berth exec 109 'read x; true topsecret3' <"$BATS_TEST_TMPDIR/held" 3>&- &
	exec {held}>"$BATS_TEST_TMPDIR/held"
	wait_for 20 audit_has 109 ' session kind=exec by uid=0 pid=[0-9]+ .*program=berth'
	exec {held}>&-
	wait $! || true
	berth stop 109 --fast
	berth destroy 109
	wait_for 10 audit_has 109 ' destroy by uid=0 pid=[0-9]+: done$'
	run -0 berth log 109 --audit
	[[ ${lines[0]} == 20??-??-??T??:??:??Z\ ct=109\ create\ *" by uid=0 pid="*" program=berth" ]]
	audit_has 109 ' create by uid=0 pid=[0-9]+: done$'
	audit_has 109 ' start by uid=0 pid=[0-9]+: failed \(Running\)$'
	audit_has 109 ' stop fast=yes by uid=0'
	[[ $(cat "$HOST_ROOT"/var/lib/berth/audit.log*) != *topsecret* ]]
	[ "$(stat -c %a "$HOST_ROOT/var/lib/berth/audit.log")" = 600 ]
	run -0 berth log 109 --no-console
	[[ $output == *"-- who did what to it --"* ]]
	run -0 berth log 109 --audit --json
	jq -e 'length >= 9 and all(.[]; contains("ct=109 "))' <<<"$output"
}

@test "events come as they happen" {
	command berth --root "$HOST_ROOT" monitor --json >"$BATS_TEST_TMPDIR/events" 3>&- &
	pid=$!
	hears() { berth set 101 --numproc 210 && grep -q '"changed"' "$BATS_TEST_TMPDIR/events"; }
	wait_for 20 hears
	berth start 102
	berth stop 102 --fast
	seen() { grep -q '"stopped"' "$BATS_TEST_TMPDIR/events"; }
	wait_for 10 seen
	kill $pid
	wait $pid || true
	[ "$(jq -r 'select(.ctid == 102) | .event' "$BATS_TEST_TMPDIR/events" | xargs)" = "started stopped" ]
}

@test "berthd heeds a changed berth.conf after SIGHUP, and keeps the old one when it is broken" {
	cp "$HOST_ROOT/etc/berth/berth.conf" "$HOST_ROOT/berth.conf"
	echo 'DEF_OSTEMPLATE="no-such-one"' >>"$HOST_ROOT/etc/berth/berth.conf"
	kill -HUP "$BERTHD_PID"
	wait_for 10 grep -q 'SIGHUP: reopened the log, read berth.conf' "$HOST_ROOT/berthd.log"
	run ! berth create 109
	[[ $output == *no-such-one* ]]
	echo 'not a line' >>"$HOST_ROOT/etc/berth/berth.conf"
	kill -HUP "$BERTHD_PID"
	wait_for 10 grep -q 'SIGHUP: berth.conf has an error' "$HOST_ROOT/berthd.log"
	cp "$HOST_ROOT/berth.conf" "$HOST_ROOT/etc/berth/berth.conf"
	run ! berth create 109
	[[ $output == *no-such-one* ]]
	kill -HUP "$BERTHD_PID"
	heeded() { berth create 109 --ostemplate tiny && berth destroy 109; }
	wait_for 10 heeded
}

@test "two containers changed at once do not wait for each other" {
	berth start 102
	berth set 101 --numproc 200 3>&- &
	one=$!
	berth set 102 --numproc 300 3>&- &
	wait $one $!
	[ "$(berth list -H -o numproc.l 101 102 | xargs)" = "200 300" ]
	berth stop 102 --fast
}
