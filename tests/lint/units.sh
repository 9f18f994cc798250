#!/bin/bash
# units.sh: every test that a folder declares exists, every test that exists is declared, every fuzz
# target has a corpus to be replayed, and every .c of the product is reached by a unit test. A test reaches
# the file that it is called after: NAME.c, when there is only one of that name, or FOLDER_NAME.c with
# the folder's last word (cg, net and mon for cgroups, netsetup and monitor); and what its head
# comment names in lines "covers: PATH...". And every unit test can fail: CHECK only counts.
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

# The last statement of main, with the two fixtures' ends, which return the same.
while read -r f; do
	tail -n 2 "$f" | grep -qE '^	return (check_failures != 0|(worker|live)_end\(\));$' || {
		echo "$f:1: main does not end in \"return check_failures != 0;\": what fails in it is not told"
		bad=1
	}
done < <(sources 'tests/unit/test_*.c')

# No unit test, and why.
without() {
	cat <<-'EOF'
		runtime/config/gen_params.c of the build only: what it prints is in the manual and the completion
		templates/build_debian.c runs mmdebstrap against a mirror: tests/vm/build-templates does it
	EOF
}

# What the head comments name: PATH TEST.
covered() {
	local f
	sources 'tests/unit/test_*.c' | while read -r f; do
		awk -v f="$f" '/\*\// {exit} sub(/^.*covers: */, "") {for (i = 1; i <= NF; i++) print $i, f}' "$f"
	done
}

product=$(sources '*.c' | grep -v '^tests/')
named=$(covered)
while read -r path test; do
	[ -z "$path" ] || grep -qx "$path" <<<"$product" || {
		echo "$test:1: covers $path, which is not there"
		bad=1
	}
done <<<"$named"
while read -r path reason; do
	grep -qx "$path" <<<"$product" && [ -n "$reason" ] || {
		echo "tests/lint/units.sh:1: the list of files without a test names $path"
		bad=1
	}
done < <(without)
# A folder's word in the names of tests.
word_of() {
	case $1 in
	cgroups/*) echo cg ;;
	netsetup/*) echo net ;;
	runtime/monitor/*) echo mon ;;
	*) basename "$(dirname "$1")" ;;
	esac
}

while read -r path; do
	name=$(basename "$path")
	[ ! -f "tests/unit/test_$(word_of "$path")_$name" ] || continue
	! { [ -f "tests/unit/test_$name" ] && [ "$(grep -c "/$name$" <<<"$product")" = 1 ]; } || continue
	! grep -q "^$path " <<<"$named" || continue
	! grep -q "^$path " < <(without) || continue
	echo "$path:1: no unit test names it; see the head of tests/lint/units.sh"
	bad=1
done <<<"$product"
exit $bad
