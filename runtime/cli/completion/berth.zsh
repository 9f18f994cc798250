#compdef berth vzctl vzlist vzmigrate vzpid
# berth(8) completion for zsh. berth itself knows what may follow: `berth __complete WORDS...`.

local line word
local -a found extra

for line in "${(@f)$(command berth __complete "${(@Q)words[1,CURRENT]}" 2>/dev/null)}"; do
	case $line in
	('') ;;
	(:files) _files && return ;;
	(:dirs) _files -/ && return ;;
	(:list) extra=(-S '') ;;
	(*)
		word=${line%%$'\t'*}
		word=${word//:/\\:}
		[[ $line == *$'\t'* ]] && word+=:${line#*$'\t'}
		found+=("$word")
		;;
	esac
done
_describe berth found "${(@)extra}"
