#!/usr/bin/env bats
# vzctl's clients: vzctl-replay.txt, line by line.

load helpers

setup() {
	setup_host DEF_OSTEMPLATE=tiny
}

teardown() {
	teardown_host
}

trim() {
	local s=$1
	s=${s#"${s%%[![:space:]]*}"}
	echo "${s%"${s##*[![:space:]]}"}"
}

@test "the command lines of vzctl's clients are answered as OpenVZ's vzctl does" {
	local wrong='' status want line command pattern n=0
	while IFS= read -r line; do
		[[ $line != '' && $line != '#'* ]] || continue
		n=$((n + 1))
		want=$(trim "${line%%|*}")
		line=${line#*|}
		pattern=$(trim "${line##*|}")
		pattern=${pattern//ETC/$HOST_ROOT/etc/berth}
		command=$(trim "${line%|*}")
		status=0
		output=$(eval "$command" 2>&1 </dev/null) || status=$?
		# A path that a mount prints is berth's own.
		output=$(grep -v "^$HOST_ROOT/var/lib/berth/root/" <<<"$output" || true)
		# shellcheck disable=SC2053 # a pattern it is
		if [ "$status" != "$want" ] || [[ $output != $pattern ]]; then
			wrong+="$command: status $status, not $want, or not $pattern: $output"$'\n'
		fi
	done <"$BATS_TEST_DIRNAME/vzctl-replay.txt"
	echo "$wrong"
	[ -z "$wrong" ]
	[ "$n" -gt 30 ]
}

@test "berth itself is as strict as before" {
	berth create 101 --ipadd 10.99.0.101 --ipadd 10.99.0.102
	run -31 berth stop 101
	berth mount 101
	run -41 berth mount 101
	berth umount 101
	[[ $(berth list -a -H -o ip,ctid 101) == '10.99.0.101 10.99.0.102'* ]]
	run -0 berth version
	[[ $output == 'berth '*'berthd '* ]]
	berth start 101 --wait
	berth set 101 --disabled yes
	[ "$(berth list -H -o status 101 | tr -d ' ')" = running ]
	run -0 berth set 101 --disabled yes --save
	[[ $output == *'CT 101 has been stopped, as it is disabled now'* ]]
	run -0 berth set 101 --disabled yes --save
	[[ $output != *stopped* ]]
}
