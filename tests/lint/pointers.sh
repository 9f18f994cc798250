#!/bin/bash
# pointers.sh: a file that a page or a comment names is there. In pages, what stands in `backticks`: a path
# from the top of the tree, the end of one, or a file's name alone; patterns name at least one file. FILE:WORD
# says besides that WORD is in it. Words in CAPITALS, and the x of op_x.c, stand for any name.
. "$(dirname "$0")/lib.sh"

tree=$(sources '*')
bad=0
tops=$(sed -n 's,/.*,,p' <<<"$tree" | sort -u | paste -sd '|')

# files WORD: those of the tree that it names, as a path, the end of one, or a folder.
files() {
	local re=${1%/}
	re=$(sed 's/[.+]/\\&/g; s/\*/[^\/]*/g; s/?/[^\/]/g' <<<"$re")
	grep -E "(^|/)$re(/|$)" <<<"$tree" || true
}

# check PLACE WORD
check() {
	local word=${2%%[ :]*} symbol='' found
	[[ $2 != *:* ]] || symbol=${2#*:}
	if [[ ! $word =~ ^($tops)/ && ! $word =~ ^[^/].*\.(c|h|def|nft|bats|sh|varlink|md)$ ]] ||
		[[ $word =~ [A-Z][A-Z] || $word =~ _x\. || $word =~ [^A-Za-z0-9_./*?-] ]]; then
		return 0
	fi
	found=$(files "$word")
	if [ -z "$found" ]; then
		echo "$1: there is no $word"
		bad=1
	elif [ -n "$symbol" ] && ! xargs grep -qw -- "$symbol" <<<"$found"; then
		echo "$1: there is no $symbol in $word"
		bad=1
	fi
}

while IFS=: read -r file line word; do
	check "$file:$line" "$(tr -d '\140' <<<"$word")"
done < <(sources '*.md' | grep -v '^CHANGELOG' | xargs grep -noHE '`[^`]+`')

# Whole paths in sources: comments, headers, scripts.
while IFS=: read -r file line word; do
	[[ $word =~ [A-Z][A-Z] || $word =~ _x\. ]] || {
		echo "$file:$line: there is no $word"
		bad=1
	}
done < <(sources '*.[ch]' '*.def' '*.sh' '*.bats' '*.txt' 'tests/run' |
	xargs grep -noHE "\b(runtime|cgroups|netsetup|templates|tests)/[A-Za-z0-9_/-]+\.(c|h|def|nft|bats|sh)\b" |
	awk -F: 'NR == FNR {there[$0]; next} !($3 in there)' <(echo "$tree") -)
exit $bad
