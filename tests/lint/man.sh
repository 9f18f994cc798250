#!/bin/bash
# man.sh: the manual against mandoc and against the source. Commands, options, columns, exit statuses,
# defaults and keys of the source are in the pages, and the pages know no others. Reads the source and builds berth-params only: no build tree is needed.
. "$(dirname "$0")/lib.sh"
need mandoc gcc

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
bad=0

# same WHAT FILE PAGE: lists $tmp/source and $tmp/page, a word a line, must agree.
same() {
	local what=$1 file=$2 page=$3 word
	sort -u -o "$tmp/source" "$tmp/source"
	sort -u -o "$tmp/page" "$tmp/page"
	if [ ! -s "$tmp/source" ]; then
		echo "$file:1: man.sh finds no $what here any more"
		bad=1
	fi
	while read -r word; do
		echo "$page:1: $what '$word' of $file is missing"
		bad=1
	done < <(comm -23 "$tmp/source" "$tmp/page")
	while read -r word; do
		echo "$(grep -nm1 -e "${word%% *}" "$page" | sed "s,^\([0-9]*\).*,$page:\1,"): $what '$word' is not in $file"
		bad=1
	done < <(comm -13 "$tmp/source" "$tmp/page")
}

# section PAGE BEGIN END: the lines between two patterns.
section() {
	sed -n "/$2/,/$3/p" "$1"
}

# ---- mandoc ----

# Everything that berth-params is made of; a build tree need not exist.
gcc -D_GNU_SOURCE -std=gnu17 -I. -o "$tmp/berth-params" runtime/config/{gen_params,file,param*,temporary}.c \
	runtime/base/*.c
"$tmp/berth-params" mdoc >"$tmp/mdoc"
"$tmp/berth-params" stored >"$tmp/stored"
awk -v a="$tmp/mdoc" -v b="$tmp/stored" '
	function put(file, line) { while ((getline line < file) > 0) print line }
	sub(/^@PARAMETERS@/, "") { put(a) }
	sub(/^@STORED@/, "") { put(b) }
	{ print }' man/ctid.conf.5.in >"$tmp/ctid.conf.5"
for page in man/*.[578] "$tmp/ctid.conf.5"; do
	mandoc -T lint -W warning "$page" || bad=1
done

# ---- commands and options ----

# {"template rm", "template remove", ...: both names.
sed -nE 's/^\t\{"([a-z0-9 -]+)", (NULL|"([a-z ]+)"),.*/\1\n\3/p' runtime/cli/commands.c |
	grep . >"$tmp/source"
# The commands stand between the global options and the columns.
section man/berth.8 '^\.Sh COMMANDS' '^\.Sh ENVIRONMENT' |
	sed -n '/^Fields:/,/^\.El/d; s/^\.It Cm //p' | sed 's/ , Cm /\n/g' |
	sed -E 's/ (Ar|Op|Oo|Fl) .*//' >"$tmp/page"
same command runtime/cli/commands.c man/berth.8

# {"name", 'x', true} and {"name", 0, false}.
grep -hoE "\{?\"[a-z_-]+\", ('.'|0), (true|false)\}?" runtime/cli/*.c |
	sed -E "s/\{?\"([a-z_-]+)\", ('(.)'|0),.*/-\1\n\3/" | grep . >"$tmp/options"
"$tmp/berth-params" options | sed 's/^-//' >"$tmp/parameters"
# Parameters are ctid.conf(5)'s matter, also where a letter stands for one.
grep -vxFf "$tmp/parameters" "$tmp/options" >"$tmp/source"
sed '/^\.Sh CAVEATS/,$d' man/berth.8 | grep -E '^\.' | grep -oE '\bFl [^ ]+' |
	sed 's/^Fl //' | while read -r word; do
	case $word in
	-*) echo "$word" ;;
	*) fold -w 1 <<<"$word" ;;
	esac
done | grep -vxFf "$tmp/parameters" >"$tmp/page"
# list's --name and --description have names of parameters, enter's --exec is no row of a table.
echo -exec >>"$tmp/source"
same option runtime/cli man/berth.8

# What --help says must be there.
while IFS=: read -r line word; do
	grep -qxF -e "${word#-}" "$tmp/source" "$tmp/parameters" && continue
	echo "runtime/cli/commands.c:$line: there is no option $word"
	bad=1
done < <(grep -noE -e '--[a-z][a-z_-]+' runtime/cli/commands.c)

# ---- columns ----

sed -nE 's/^\t(NUMBER|TEXT|CONF|CONFINT|RES|DISK)\("([a-z_]+)".*/\2/p; s/^\t\{"([a-z_]+)", "[A-Z_]+", FIELD.*/\1/p' \
	runtime/cli/field.c >"$tmp/source"
section man/berth.8 '^Fields:' '^\.El' | sed -e :a -e '/\\$/{N;s/ *\\\n/ /;ba}' |
	sed -n 's/^\.It Cm //p' | tr -d ' ' | tr ',' '\n' >"$tmp/page"
same field runtime/cli/field.c man/berth.8

# ---- exit statuses ----

sed -nE 's/.*\{"io\.berth\.([A-Za-z]+)", ([0-9]+)\}.*/\2 \1/p' runtime/base/error.c >"$tmp/source"
section man/berth.8 '^\.Sh EXIT STATUS' '^\.Sh EXAMPLES' |
	awk '/^\.It [0-9]/ { n = $2 } /^\.Pq Ql / { print n, $3 }' >"$tmp/page"
same 'exit status' runtime/base/error.c man/berth.8

# ---- defaults and keys ----

sed -nE 's/^\t\{"([A-Z_]+)", "([^"]*)", (true|false)\},/\1 \2/p' runtime/config/ct_config.c >"$tmp/source"
section man/ctid.conf.5.in '^\.Sh DEFAULTS' '^\.El' |
	awk '/^\.It Va / { print $3, $5 }' >"$tmp/page"
same default runtime/config/ct_config.c man/ctid.conf.5.in

sed -nE 's/^\t\{"([A-Z_]+)", (NULL|"[^"]*"), false\},/\1/p' runtime/config/ct_config.c >"$tmp/source"
section man/berth.conf.5 '^\.Ss Defaults' '^A CT' | sed -nE 's/^\.Va ([A-Z_]+) .*/\1/p' >"$tmp/page"
same 'key of one CT' runtime/config/ct_config.c man/berth.conf.5

grep -oE '"[A-Z][A-Z0-9_]+"' runtime/config/host_config.c | tr -d '"' >"$tmp/source"
sed -nE '/^\.Ss/q; s/^\.It Va ([A-Z0-9_]+) .*/\1/p' man/berth.conf.5 >"$tmp/page"
same key runtime/config/host_config.c man/berth.conf.5

# The example file shows the same keys.
sed -n '/Any key of ctid.conf/q; s/^#\([A-Z0-9_]*\)=.*/\1/p' runtime/config/berth.conf >"$tmp/page"
same key runtime/config/host_config.c runtime/config/berth.conf
exit $bad
