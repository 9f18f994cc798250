# berth(8) completion for bash. berth itself knows what may follow: `berth __complete WORDS...`.

_berth()
{
	local cur words cword line

	cur=${COMP_WORDS[COMP_CWORD]} words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
	# bash breaks words at ':' and '=', as in addresses and features; bash-completion joins them.
	if declare -F _get_comp_words_by_ref >/dev/null; then
		_get_comp_words_by_ref -n =: cur words cword
	fi
	COMPREPLY=()
	while IFS= read -r line; do
		case $line in
		:files) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
		:dirs) mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
		:list) compopt -o nospace 2>/dev/null ;;
		*) COMPREPLY+=("${line%%$'\t'*}") ;;
		esac
		case $line in
		:files | :dirs) compopt -o filenames 2>/dev/null ;;
		esac
	done < <(command berth __complete "${words[@]:0:cword+1}" 2>/dev/null)
	if declare -F __ltrim_colon_completions >/dev/null; then
		__ltrim_colon_completions "$cur"
	fi
}

complete -F _berth berth vzctl vzlist vzmigrate vzpid
