#!/bin/bash
# words.sh: what one place alone may say. A word of a volume driver's outside runtime/storage means that the next
# driver does not fit; a second reader of the same kernel file, or a second clock, means that one will be mended and
# the other not. Comments do not count, strings do.
. "$(dirname "$0")/lib.sh"

bad=0
mapfile -t all < <(sources 'runtime/*.[ch]' 'cgroups/*.[ch]' 'netsetup/*.[ch]' 'templates/*.[ch]' '*.def')

# Code and its strings without comments, under the same line numbers.
code() {
	sed -e 's,//.*$,,' -e 's,/\*.*\*/,,g' -e '/\/\*/,/\*\//s/.*//' "$1"
}

# only WHY PLACES PATTERN: PLACES are an extended regular expression for the paths that may say it.
only() {
	local f line text
	for f in "${all[@]}"; do
		[[ ! $f =~ ^($2) ]] || continue
		while IFS=: read -r line text; do
			echo "$f:$line: $1: ${text#"${text%%[![:space:]]*}"}"
			bad=1
		done < <(grep -qE "$3" "$f" && code "$f" | grep -nE "$3")
	done
}

# import.c tells an admin which file systems of the host's will do.
only "only volume drivers know ext4, loop devices and images" 'runtime/storage/|templates/import\.c' \
	'ext4|EXT4|/dev/loop|loop-control|\bLOOP_[A-Z]|e2fsck|resize2fs|FS_NOCOW|volume\.img|\bvolume_driver_image\b'
# log.c writes the time of day, which no deadline is counted by.
only "the clock is runtime/base/clock.h" 'runtime/base/(clock|log)\.c' '\b(clock_gettime|nanosleep|usleep|clock_nanosleep)\b'
# discovery.c polls the file for changes and reads no line of it.
only "mounts are read by runtime/base/mountinfo.h" 'runtime/base/mountinfo\.c|cgroups/discovery\.c' '/proc/[a-z0-9%]+/mountinfo"'
only "the hash is runtime/base/hash.h" 'runtime/base/hash\.h' '0x0*(cbf29ce484222325|100000001b3)'
only "superblock numbers are linux/magic.h" 'none' '0x(e0f5e1e2|E0F5E1E2|ef53|EF53|9123683[eE])\b'
exit $bad
