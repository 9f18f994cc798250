#!/bin/bash
# circles.sh: in a folder of a program no file calls another that calls it back. A .c calls into those whose
# header it includes; what has to go the other way is an event (ct_event, declared in daemon.h) or a callback.
. "$(dirname "$0")/lib.sh"
need tsort

bad=0
for folder in runtime/daemon runtime/worker; do
	loops=$(sources "$folder/*.c" | while read -r f; do
		from=$(basename "$f" .c)
		sed -n "s|^#include \"$folder/\(.*\)\.h\"|\1|p" "$f" | while read -r to; do
			[ "$from" = "$to" ] || [ ! -f "$folder/$to.c" ] || echo "$from $to"
		done
	done | tsort 2>&1 >/dev/null | grep -v 'contains a loop' || true)
	[ -z "$loops" ] || {
		echo "$folder:1: a circle:$(sed 's/^tsort: / /' <<<"$loops" | tr -d '\n')"
		bad=1
	}
done
exit $bad
