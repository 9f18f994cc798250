#!/bin/bash
# man.sh: the manual is well-formed mdoc, and says what the programs do: the same commands, options,
# fields, exit statuses and configuration keys as the code, and the completion knows the commands.
. "$(dirname "$0")/lib.sh"
need mandoc cmake

cmake --preset dev >/dev/null
cmake --build build/dev --target berth berth-params berth-man -j 2 >/dev/null
berth=build/dev/bin/berth
params=$(find build/dev -name berth-params -type f)
bad=0

complain() {
	echo "$*"
	bad=1
}

# as_text FILE: as an admin reads it, in words.
as_text() {
	mandoc -T utf8 -O width=1000 "$1" 2>/dev/null | sed -e 's/.\x08//g' -e 's/[‐‑−]/-/g'
}

pages=(man/*.8 man/*.5 build/dev/man/ctid.conf.5)
mandoc -T lint -W warning "${pages[@]}" || bad=1

text=$(as_text man/berth.8)
completion=runtime/cli/completion/berth.in
commands=$($berth --help | sed -n 's/^  \([a-z][a-z0-9]*\( [a-z]*\)\?\)  .*/\1/p')
[ -n "$commands" ] || complain "runtime/cli/help.c:1: berth --help lists no commands"
while read -r command; do
	grep -q "^\.It Cm $command\( \|\$\)" man/berth.8 ||
		complain "man/berth.8:1: the command '$command' of berth --help is missing"
	grep -qw -- "${command%% *}" $completion || complain "$completion:1: the command '$command' is missing"
	# Options of the command's own; those of params.def are in ctid.conf(5).
	# shellcheck disable=SC2086 # "template build" is two words
	for option in $($berth $command --help 2>/dev/null | grep -oE '(^|[ [|])--[a-z][a-z_-]+' |
		tr -d ' [|' | sort -u); do
		$params options | grep -qx -- "$option\|${option#--}" ||
			grep -qE -- "(^|[^a-z-])$option([^a-z-]|\$)" <<<"$text" ||
			complain "man/berth.8:1: $option of berth $command is missing"
	done
done <<<"$commands"

while read -r field; do
	grep -qw -- "$field" <<<"$text" || complain "man/berth.8:1: the field '$field' of list -L is missing"
done < <($berth list -L | awk '{ print $1 }')

diff <(sed -n 's/.*{"io\.berth\.[A-Za-z]*", \([0-9]*\)}.*/\1/p' runtime/base/error.c | sort -n) \
	<(sed -n '/^\.Sh EXIT STATUS/,/^\.Sh EXAMPLES/s/^\.It \([0-9]*\)$/\1/p' man/berth.8 | sort -n) ||
	complain "man/berth.8:1: the exit statuses are not those of runtime/base/error.c"

text=$(as_text build/dev/man/ctid.conf.5)
while read -r option; do
	grep -q -- "--${option#--}" <<<"$text" || complain "man/ctid.conf.5.in:1: --${option#--} is missing"
done < <($params options)

while read -r key; do
	grep -q "^\.It Va $key\( \|\$\)" man/berth.conf.5 || complain "man/berth.conf.5:1: $key is missing"
done < <(sed -n '/Any key of ctid.conf/q; s/^#\([A-Z_]*\)=.*/\1/p' runtime/config/berth.conf)
exit $bad
