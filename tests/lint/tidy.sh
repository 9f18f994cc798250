#!/bin/bash
# tidy.sh: clang-tidy with .clang-tidy over every C file of the product, with ALL=1 of the tests too. A file that
# passed is not looked at again until it, a header or the rules change (build/tidy remembers).
. "$(dirname "$0")/lib.sh"
need clang-tidy cmake

db=build/clang/compile_commands.json
[ -f $db ] || cmake -S . -B build/clang -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug >/dev/null
# Headers that are generated.
cmake --build build/clang --target checkpoint_messages >/dev/null
memory=build/tidy
mkdir -p $memory
common=$({ clang-tidy --version && sources .clang-tidy "*/.clang-tidy" '*.h' '*.def' | xargs cat; } | sha256sum)

todo=()
while read -r f; do
	grep -q "/$f\"" $db || continue
	[ -n "${ALL:-}" ] || [[ $f != tests/* ]] || continue
	stamp=$memory/$({ echo "$common" && cat "$f"; } | sha256sum | cut -c1-32)
	[ -e "$stamp" ] || todo+=("$stamp" "$f")
done < <(sources '*.c')
[ ${#todo[@]} -gt 0 ] || exit 0

# shellcheck disable=SC2016 # expanded by the inner shell
printf '%s\n' "${todo[@]}" | xargs -n 2 -P 2 bash -c '
	out=$(clang-tidy --quiet -p build/clang "$2" 2>/dev/null) && : >"$1" && exit
	echo "$out"
	exit 1' tidy || exit 1
