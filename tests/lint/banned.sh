#!/bin/bash
# banned.sh: calls that we do not use, and words that must not stay in the code.
. "$(dirname "$0")/lib.sh"

bad=0
# complain WHY: reads grep's FILE:LINE:TEXT.
complain() {
	while IFS=: read -r file line text; do
		echo "$file:$line: $1: ${text#"${text%%[![:space:]]*}"}"
		bad=1
	done
}

# Code without comments and string constants, under the same line numbers.
code() {
	local f
	for f in "$@"; do
		sed -e 's,//.*$,,' -e 's,/\*.*\*/,,g' -e 's,"\([^"\\]\|\\.\)*","",g' \
			-e '/\/\*/,/\*\//s/.*//' "$f" | grep -nE "$pattern" | sed "s,^,$f:,"
	done || true
}

mapfile -t all < <(sources '*.c' '*.h')
mapfile -t libraries < <(sources 'runtime/base/*.c' 'runtime/config/*.c' 'runtime/rpc/*.c' \
	'cgroups/*.c' 'netsetup/*.c' 'templates/*.c' 'runtime/storage/*.c' 'runtime/ct/*.c')

pattern='(^|[^a-zA-Z0-9_>.])(strcpy|stpcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|atoll|strtol|strtoll|gets|system|popen|dup|alloca|basename|tmpnam|mktemp|mnl_socket_open)[[:space:]]*\('
complain "banned call" < <(code "${all[@]}")

# base/log.c is the programs' own; generators are programs.
mapfile -t libraries < <(printf '%s\n' "${libraries[@]}" | grep -vE 'base/log\.c|/gen_')
pattern='(^|[^a-zA-Z0-9_])(exit|abort|log_line|perror|printf|syslog)[[:space:]]*\('
complain "a library never logs or exits" < <(code "${libraries[@]}")

pattern='typedef[[:space:]]+(struct|union|enum)'
complain "no typedef'd structs" < <(code "${all[@]}")

# Spelt in parts here, so that this file passes.
words="TO""DO|FIX""ME|XX""X[^X]|not ""implemented"
complain "left open" < <(sources '*.c' '*.h' '*.sh' '*.bats' '*.cmake' '*CMakeLists.txt' |
	xargs grep -nHE "(^|[^A-Za-z])($words)" || true)
exit $bad
