# lib.sh - what the scripts of tests/vm share. Sourced.
# shellcheck shell=bash

# shellcheck disable=SC2034 # used by those who source this
VM_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# Images live here, named by a hash of what they are made of. Nothing else does.
CACHE=${BERTH_TEST_CACHE:-/var/cache/berth-tests}

# The guest's userland is the host's release, so that what was built here runs there.
vm_release() {
	local VERSION_CODENAME=
	# shellcheck disable=SC1091
	. /etc/os-release
	echo "${VERSION_CODENAME:-bookworm}"
}

vm_mirror() {
	local uri
	uri=$(cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null |
		sed -nE 's/^(URIs:|deb)( +\[[^]]*\])? +(https?:[^ ]*\/debian)\/?( .*)?$/\3/p' | head -n 1)
	echo "${uri:-http://deb.debian.org/debian}"
}

# vm_debootstrap VARIANT RELEASE DIR PACKAGES: as small as it goes, from the machine's own mirror.
vm_debootstrap() {
	local variant=$1 release=$2 dir=$3 packages=$4 key keyrings=()
	for key in /usr/share/keyrings/debian-archive-*.gpg; do
		keyrings+=("--keyring=$key")
	done
	mmdebstrap --quiet --variant="$variant" --mode=root --format=directory "${keyrings[@]}" \
		--aptopt='APT::Install-Recommends "false"' \
		--aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Languages "none"' \
		--dpkgopt='force-unsafe-io' --dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
		--include="$packages" "$release" "$dir" "deb $(vm_mirror) $release main"
}

# vm_hash FILE_OR_WORD...: 16 digits that name what is made from them.
vm_hash() {
	local x
	for x in "$@"; do
		if [ -f "$x" ]; then cat "$x"; else echo "$x"; fi
	done | sha256sum | cut -c1-16
}

# vm_cached NAME COMMAND...: prints $CACHE/NAME; if it is not there, COMMAND makes it in $1.
# Made under another name, so that an interrupted build leaves nothing that looks whole.
vm_cached() {
	local out=$CACHE/$1 tmp=$CACHE/$1.new.$$
	shift
	mkdir -p "$CACHE"
	exec 8>"$out.lock" # one for each name: a build may need another one
	flock 8
	if [ ! -e "$out" ]; then
		mkdir "$tmp"
		# In the background, as `set -e` has no effect in what `if` tests.
		"$@" "$tmp" >&2 8>&- &
		if ! wait $!; then
			rm -rf "$tmp"
			echo "tests/vm: could not build $out" >&2
			return 1
		fi
		mv "$tmp" "$out"
	fi
	exec 8>&-
	touch "$out" # tests/run throws away what is not used for weeks
	echo "$out"
}
