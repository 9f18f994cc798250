#!/bin/bash
# shell.sh: shellcheck over every shell script and bats file.
. "$(dirname "$0")/lib.sh"
need shellcheck

# SC1091: sourced files are checked on their own. SC2030, SC2031: bats runs each test in a subshell.
mapfile -t scripts < <(sources '*' | grep -vE '\.(c|h|md|bats|erofs)$|/corpus/' | while read -r f; do
	if [ -f "$f" ] && head -c 64 "$f" 2>/dev/null | tr -d '\0' |
		head -n 1 | grep -qE '^#!(/usr)?/bin/(env )?(ba)?sh'; then
		echo "$f"
	fi
done)
mapfile -t -O ${#scripts[@]} scripts < <(sources 'tests/*.sh' 'tests/*.bash')
bad=0
printf '%s\n' "${scripts[@]}" | sort -u | xargs shellcheck -f gcc -S warning -e SC1090,SC1091 || bad=1
mapfile -t bats < <(sources '*.bats')
[ ${#bats[@]} = 0 ] || shellcheck -f gcc -s bats -S warning -e SC1090,SC1091,SC2030,SC2031,SC2314,SC2315 \
	"${bats[@]}" || bad=1
exit $bad
