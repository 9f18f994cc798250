# lib.sh - what the lint scripts share. Sourced; goes to the top of the tree.
# A script prints each fault as FILE:LINE: text and exits 1, or 77 with the reason when it cannot run.
# shellcheck shell=bash
set -eu -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# sources PATTERN...: our files, those not yet committed too.
sources() {
	if git rev-parse --git-dir >/dev/null 2>&1; then
		git ls-files -co --exclude-standard -- "$@" | while read -r f; do
			[ ! -e "$f" ] || echo "$f"
		done | sort -u
	else
		local p
		for p in "$@"; do
			find . -path ./build -prune -o -type f -path "./$p" -print | sed 's,^\./,,'
		done | sort -u
	fi
}

# need PROGRAM...
need() {
	local p
	for p in "$@"; do
		command -v "$p" >/dev/null || { echo "$p is not installed" && exit 77; }
	done
}
