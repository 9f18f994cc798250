#!/bin/bash
# units.sh: every test that a folder declares exists, every test that exists is declared, and every
# fuzz target has a corpus to be replayed.
. "$(dirname "$0")/lib.sh"
need cmake ctest

bad=0
cmake --preset dev >/dev/null
declared=$(ctest --test-dir build/dev -N | sed -n 's/^ *Test *#[0-9]*: //p')
while read -r f; do
	name=$(basename "$f" .c)
	if ! grep -qx "$name" <<<"$declared"; then
		echo "$f:1: no CMakeLists.txt declares this test, so it never runs"
		bad=1
	fi
done < <(sources 'tests/unit/test_*.c' 'tests/fuzz/fuzz_*.c')
for name in $declared; do
	[ -f "tests/unit/$name.c" ] || [ -f "tests/unit/$name.sh" ] || [ -f "tests/fuzz/$name.c" ] || {
		echo "CMakeLists.txt:1: test $name is declared but has no file"
		bad=1
	}
	[[ $name != fuzz_* ]] || [ -n "$(ls -A "tests/fuzz/corpus/$name" 2>/dev/null)" ] || {
		echo "tests/fuzz/$name.c:1: tests/fuzz/corpus/$name is empty"
		bad=1
	}
done
exit $bad
