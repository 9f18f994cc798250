#!/bin/bash
# test_cli_completion.sh COMPLETION - what bash offers at each place, with a berth that knows three CTs.

set -u
failures=0
# shellcheck source=/dev/null
. "$1"

# shellcheck disable=SC2317  # called by the completion
berth()
{
	case "$*" in
	*'template list'*) printf 'debian-12 x\ntiny x\n' ;;
	*'-o ip'*) echo '10.0.0.1 fd00::1' ;;
	*' list -a '*) printf '101 web1\n102 -\n' ;;
	*' list -S '*) printf '102 -\n' ;;
	*'list -L'*) printf 'ctid CTID\nstatus STATUS\n' ;;
	*' list '*) printf '101 web1\n' ;;
	esac
}

# check CLAIM WANT WORDS...: the last word is the one being typed.
check()
{
	local claim=$1 want=$2

	shift 2
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	COMPREPLY=()
	_berth
	if [ "${COMPREPLY[*]}" = "$want" ]; then
		echo "ok $claim"
	else
		echo "FAILED $claim: got '${COMPREPLY[*]}' want '$want'"
		failures=$((failures + 1))
	fi
}

check 'commands first' 'start status' berth sta
check 'stopped CTs to start' '102' berth start ''
check 'running CTs to stop' '101 web1' berth stop ''
check 'running CTs to enter' '101 web1' vzctl enter ''
check 'all CTs to set' '101 web1 102' berth set ''
check 'global flags do not matter' '101 web1' berth --quiet --root /srv stop ''
check 'parameters of set' '--diskspace' berth set 101 --disks
check 'parameters after the CT' '--cpuunits --cpulimit --cpus --cpumask' berth set 101 --cpu
check 'templates' 'debian-12 tiny' berth create 103 --ostemplate ''
check 'addresses of the CT' '10.0.0.1 fd00::1 all' berth set 101 --ipdel ''
check 'yes or no' 'yes no' berth set 101 --onboot ''
check 'fields' 'ctid' berth list -o ct
check 'vzlist is list' '101 web1 102' vzlist ''
check 'words of template' 'build' berth template b
check 'templates to remove' 'tiny' berth template rm ti
check 'options of stop' '--fast' berth stop 101 --f
exit $((failures > 0))
