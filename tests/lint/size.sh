#!/bin/bash
# size.sh: no file over 800 lines, no function over 80.
. "$(dirname "$0")/lib.sh"
need ctags

bad=0
while read -r lines file; do
	[ "$file" != total ] && [ "$lines" -gt 800 ] || continue
	echo "$file:1: $lines lines; 800 is the most"
	bad=1
done < <(sources '*.c' '*.h' '*.sh' '*.bats' | xargs wc -l)

while read -r file line end name; do
	[ $((end - line + 1)) -gt 80 ] || continue
	echo "$file:$line: $name has $((end - line + 1)) lines; 80 is the most"
	bad=1
done < <(sources '*.c' '*.h' | xargs ctags -x --fields=+ne --kinds-C=f --_xformat='%{input} %n %e %N')
exit $bad
