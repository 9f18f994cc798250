#!/bin/bash
# layers.sh: the dependency law. A folder includes only folders to its left; folders of one step
# never include each other, but for the two headers that say so; each outside library is included
# by one file only.
. "$(dirname "$0")/lib.sh"

declare -A may=(
	[runtime/base]=""
	[runtime/config]="runtime/base"
	[runtime/rpc]="runtime/base"
	[runtime/wire]="runtime/base"
	[runtime/view]="runtime/base"
)
left="runtime/base runtime/config runtime/rpc runtime/wire runtime/view"
for f in cgroups netsetup runtime/storage templates runtime/launch runtime/checkpoint; do
	may[$f]=$left
done
left+=" cgroups netsetup runtime/storage templates runtime/launch runtime/checkpoint"
may[runtime/ct]=$left
left+=" runtime/ct"
may[runtime/migrate]=$left
left+=" runtime/migrate"
# The programs; none includes another's, as what they say to each other is wire's. The monitor stays small:
# launch and wire only. The command line talks to berthd and the monitors, and reads state files when berthd is down.
may[runtime/monitor]="runtime/base runtime/wire runtime/view runtime/launch"
may[runtime/worker]=$left
may[runtime/daemon]=$left
may[runtime/cli]="runtime/base runtime/config runtime/rpc runtime/wire runtime/ct"

# Headers that are a contract between folders: FOLDER HEADER.
except="
runtime/launch cgroups/cg.h
runtime/launch templates/guest.h
"
bad=0
while IFS=: read -r file line text; do
	header=${text#*\"}
	header=${header%%\"*}
	from=$(dirname "$file") to=$(dirname "$header")
	[ "$from" != "$to" ] || continue
	if [ -z "${may[$from]+known}" ]; then
		echo "$file:$line: $from has no place in the dependency law"
		bad=1
	elif [[ " ${may[$from]} " != *" $to "* ]] && ! grep -qx "$from $header" <<<"$except"; then
		echo "$file:$line: $from may not include $header"
		bad=1
	fi
done < <(sources 'runtime/*.[ch]' 'cgroups/*.[ch]' 'netsetup/*.[ch]' 'templates/*.[ch]' |
	xargs grep -nH '^#include "')

# Outside libraries: HEADER (a pattern), the files that may include it.
while read -r header files; do
	while read -r file; do
		[[ " $files " == *" $file "* ]] && continue
		echo "$file:1: includes <$header>, which is for $files only"
		bad=1
	done < <(sources 'runtime/*.[ch]' 'cgroups/*.[ch]' 'netsetup/*.[ch]' 'templates/*.[ch]' |
		xargs grep -l "^#include <$header" || true)
done <<'LIBS'
seccomp.h runtime/launch/seccomp.c runtime/migrate/confine.c
sys/capability.h runtime/launch/caps.c
libmnl/ netsetup/rtnl_msg.h
libnftnl/ netsetup/nft.c netsetup/nft_rules.c
libcgroup cgroups/discovery.c
archive templates/unpack_child.c
jansson.h runtime/rpc/rpc.h
criu.pb-c.h runtime/checkpoint/message.c
images.pb-c.h runtime/checkpoint/images.c runtime/checkpoint/sharing.c runtime/checkpoint/filters.c
zlib.h runtime/migrate/frame.c
nettle/ runtime/migrate/blocks.h
LIBS
exit $bad
