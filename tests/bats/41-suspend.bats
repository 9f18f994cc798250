#!/usr/bin/env bats
# A CT that is suspended and resumed goes on where it was.

load helpers

setup_file() {
	command -v "${CRIU:-criu}" >/dev/null || skip "no criu (CRIU is not set)"
}

setup() {
	setup_host ${CRIU:+"CRIU=$CRIU"}
}

teardown() {
	teardown_host
}

status_of() {
	berth list -a -H -o status "$1" | tr -d ' '
}

# ends_in_error PID: of a command in the background, for which run would not wait.
ends_in_error() {
	! wait "$1"
}

# A process of the CT that counts in a variable of its own and in a file of its tmpfs. count CTID: how far it is.
start_counting() {
	berth exec2 "$1" sh -c '
		(n=0; while :; do n=$((n + 1)); echo $n >/run/count.new; mv /run/count.new /run/count; sleep 0.05; done) \
			</dev/null >/dev/null 2>&1 &
		echo $! >/run/pid'
	wait_for 10 berth exec2 "$1" test -s /run/count
}

count() {
	berth exec2 "$1" cat /run/count
}

counts_on() {
	[ "$(count "$1")" -gt "$2" ]
}

# talk_open CTID ADDRESS: a TCP connection of this host to an echo server in the CT, on descriptor 7. talk WORD: it echoes.
talk_open() {
	put_probe "$1"
	berth exec2 "$1" sh -c '/probe echo 7 >/dev/null 2>&1 &' </dev/null
	wait_for 10 probe ask "$2" 7
	exec 7<>"/dev/tcp/$2/7"
	talk before
}

talk() {
	local got
	printf '%s\n' "$1" >&7
	read -r -t 30 got <&7
	[ "$got" = "$1" ]
}

@test "a container goes on with its memory, its files, its processes and its connections" {
	tiny 101 --ipadd 10.99.0.101 --ipadd 203.0.113.8/29
	start_counting 101
	talk_open 101 10.99.0.101
	pid=$(berth exec2 101 cat /run/pid)
	berth exec2 101 ip addr add 203.0.113.14 dev lo
	for round in 1 2 3; do
		before=$(count 101)
		berth suspend 101
		[ "$(status_of 101)" = suspended ]
		run ! ip link show ct101.0
		[ -z "$(ct_cgroups 101)" ]
		stop_berthd
		start_berthd
		[ "$(status_of 101)" = suspended ]
		berth resume 101
		[ "$(status_of 101)" = running ]
		wait_for 10 counts_on 101 "$before"
		# It has not begun anew, nor done anything meanwhile.
		[ "$(count 101)" -lt $((before + 1000)) ]
		[ "$(berth exec2 101 cat /run/pid)" = "$pid" ]
		berth exec2 101 kill -0 "$pid"
		ping -c 1 -w 5 203.0.113.14
		talk "round$round"
	done
	exec 7>&-
	berth stop 101
}

@test "a suspend that fails leaves the container and its connections alone, and says why" {
	tiny 101 --ipadd 10.99.0.101
	start_counting 101
	talk_open 101 10.99.0.101
	berth exec2 101 sh -c ': >/dev/mqueue/queue'
	run -11 berth suspend 101
	[[ $output == *"CT 101"*mqueue* || $output == *"CT 101"*"message queue"* ]]
	[ "$(status_of 101)" = running ]
	[ ! -e "$HOST_ROOT/var/lib/berth/private/101/dump.new" ]
	talk after
	wait_for 10 counts_on 101 "$(count 101)"
	berth exec2 101 rm /dev/mqueue/queue
	# A session is the host's: it ends with the suspend, and is not in its way.
	berth exec2 101 sleep 1000 </dev/null >/dev/null 2>&1 3>&- &
	session=$!
	wait_for 10 berth exec2 101 sh -c 'ps | grep -q "[s]leep 1000"'
	berth suspend 101
	ends_in_error $session
	berth resume 101
	talk again
	berth exec2 101 sh -c '! ps | grep -q "[s]leep 1000"'
	exec 7>&-
	# Nothing is frozen for what is seen beforehand.
	faults_begin
	in_net 101 ip link add own type veth peer name own2
	run ! berth suspend 101
	[[ $output == *"CT 101"*"link of its own, own"*"ip link del"* ]]
	in_net 101 ip link del own
	run ! fault reached suspend.flush
	[ "$(status_of 101)" = running ]
	# Nobody is told to remove berth's own link.
	in_net 101 sh -ec 'ip link set venet0 down; ip link set venet0 name eth0; ip link set eth0 up'
	run ! berth suspend 101
	[[ $output == *"CT 101"*"under another name, eth0"*"ip link set eth0 name venet0"* ]]
	in_net 101 sh -ec 'ip link del eth0; ip link add venet9 type veth peer name venet0'
	run ! berth suspend 101
	[[ $output == *"CT 101"*"in the place of berth's, venet0"*"berth restart 101"* ]]
	run ! fault reached suspend.flush
	berth restart 101 --wait
	berth suspend 101
}

@test "a suspended container is not started, mounted or changed; it is resumed, given up or destroyed" {
	tiny 101 --ipadd 10.99.0.101
	start_counting 101
	berth suspend 101
	[ "$(stat -c %a "$HOST_ROOT/var/lib/berth/private/101/dump")" = 700 ]
	[ -z "$(find "$HOST_ROOT/var/lib/berth/private/101/dump" -type f -perm /077)" ]
	[ "$(berth status 101)" = "CTID 101 exist unmounted down suspended" ]
	run -9 berth start 101
	[[ $output == *"berth resume 101"* ]]
	run -9 berth mount 101
	run -9 berth set 101 --ram 64M --save
	run -9 berth stop 101
	run -9 berth suspend 101
	# Its memory is given up: it starts from its disk.
	berth stop 101 --fast
	[ "$(status_of 101)" = stopped ]
	berth start 101 --wait
	berth exec2 101 test ! -e /run/count
	berth suspend 101
	berth destroy 101
	[ ! -e "$HOST_ROOT/var/lib/berth/private/101" ]
	run -14 berth resume 101
}

@test "images that do not fit the disk any more are refused" {
	local dir=$HOST_ROOT/var/lib/berth/private/101
	tiny 101 --ipadd 10.99.0.101
	berth suspend 101
	cp -a "$dir/dump" "$HOST_ROOT/kept"
	berth resume 101
	berth stop 101
	# An admin puts them back.
	cp -a "$HOST_ROOT/kept" "$dir/dump"
	stop_berthd
	start_berthd
	[ "$(status_of 101)" = suspended ]
	run ! berth resume 101
	[[ $output == *"was used or put back"* ]]
	[ "$(status_of 101)" = suspended ]
	berth stop 101 --fast
	berth start 101
	[ "$(status_of 101)" = running ]
}

@test "a resume that fails lets nothing run, and can be tried again" {
	local point before
	faults_begin
	tiny 101 --ipadd 10.99.0.101
	start_counting 101
	talk_open 101 10.99.0.101
	for point in resume.placed resume.freeze resume.commit; do
		before=$(count 101)
		berth suspend 101
		fault set $point EIO
		run ! berth resume 101
		[[ $output == *"fault injected at $point"* ]]
		[ "$(status_of 101)" = suspended ]
		[ -z "$(ct_cgroups 101)" ]
		berth resume 101
		wait_for 10 counts_on 101 "$before"
		[ "$(count 101)" -lt $((before + 1000)) ]
		talk "after-$point"
	done
	exec 7>&-
	# Nobody has frozen it when it is let go: it may have written to its disk.
	berth suspend 101
	fault set resume.freeze kill
	run ! berth resume 101
	[ "$(status_of 101)" = suspended ]
	run ! berth resume 101
	[[ $output == *"was used or put back"* ]]
	berth stop 101 --fast
}

# cgroup_of CTID WORD: that of the process in the CT whose command line begins so.
cgroup_of() {
	berth exec2 "$1" sh -c 'for p in /proc/[0-9]*; do case $(tr "\0" " " <$p/cmdline 2>/dev/null) in "$0"*) tail -n 1 $p/cgroup; break;; esac; done' "$2"
}

cpu_ticks() {
	sed 's/.*) //' "/proc/$1/stat" | awk '{print $12 + $13}'
}

# unharmed CTID UNIT: after a dump PID 1 rests, its jobs run, the journal takes and gives messages.
unharmed() {
	local pid before
	pid=$(init_pid "$1")
	run berth exec2 "$1" systemctl is-system-running
	[ "$output" = running ] || { berth exec2 "$1" sh -c 'systemctl --failed; journalctl -b -n 60 --no-pager' && false; }
	before=$(cpu_ticks "$pid")
	sleep 1.5
	[ $(($(cpu_ticks "$pid") - before)) -le 5 ]
	berth exec2 "$1" systemctl restart "$2"
	berth exec2 "$1" systemctl is-active "$2"
	berth exec2 "$1" sh -c "logger mark-$2 && journalctl --sync && journalctl -q -t root -n 50 | grep mark-$2"
	run -0 berth exec2 "$1" systemctl --failed --no-legend
	[ -z "$output" ] || { berth exec2 "$1" sh -c 'systemctl --failed; journalctl -b -n 60 --no-pager' && false; }
}

# systemd_goes_on TEMPLATE: two rounds, and the life after each.
systemd_goes_on() {
	[ -e "$HOST_ROOT/var/lib/berth/template/$1.template" ] || skip "no template $1"
	berth create 101 --ostemplate "$1" --ram 512M --ipadd 10.99.0.101
	berth start 101 --wait
	wait_for 60 berth exec2 101 systemctl is-system-running
	berth exec2 101 systemd-run -q --on-active=1s --on-unit-active=3s --timer-property=AccuracySec=100ms \
		--unit=tick sh -c 'echo >>/run/ticks'
	wait_for 30 berth exec2 101 test -s /run/ticks
	berth exec2 101 sysctl -qw net.ipv4.tcp_keepalive_time=1234 net.ipv4.conf.venet0.log_martians=1
	start_counting 101
	talk_open 101 10.99.0.101
	cron=$(cgroup_of 101 /usr/sbin/cron)
	[[ $cron == */cron.service ]]
	for round in 1 2; do
		before=$(count 101)
		boot=$(berth exec2 101 cat /proc/sys/kernel/random/boot_id)
		berth suspend 101
		[ "$(status_of 101)" = suspended ]
		berth resume 101
		talk "round$round"
		wait_for 10 counts_on 101 "$before"
		[ "$(berth exec2 101 cat /proc/sys/kernel/random/boot_id)" = "$boot" ]
		[ "$(berth exec2 101 cat /proc/sys/net/ipv4/tcp_keepalive_time)" = 1234 ]
		[ "$(berth exec2 101 cat /proc/sys/net/ipv4/conf/venet0/log_martians)" = 1 ]
		[ "$(cgroup_of 101 /usr/sbin/cron)" = "$cron" ]
		unharmed 101 cron
		berth exec2 101 systemctl restart systemd-journald ssh systemd-logind
		berth exec2 101 sh -c ': >/run/ticks'
		wait_for 10 berth exec2 101 test -s /run/ticks
	done
	exec 7>&-
	berth stop 101
}

@test "a Debian 12 container goes on twice" {
	systemd_goes_on debian-12
}

@test "a Debian 13 container goes on twice" {
	systemd_goes_on debian-13
}

is_stopped() {
	grep -q '^State:.*T' "/proc/$1/status"
}

# as_after_a_power_cut CTID FILE: FILE of the CT's root, as its disk alone has it now.
as_after_a_power_cut() {
	local image found
	image=$(find "$HOST_ROOT/var/lib/berth/private/$1" -name 'volume*' -type f | head -n1)
	cp --sparse=always "$image" "$HOST_ROOT/cut"
	mkdir -p "$HOST_ROOT/cut.mnt"
	mount -o loop "$HOST_ROOT/cut" "$HOST_ROOT/cut.mnt"
	found=$(cat "$HOST_ROOT/cut.mnt"/*/"$2") || :
	umount "$HOST_ROOT/cut.mnt"
	rm "$HOST_ROOT/cut"
	printf '%s' "$found"
}

@test "what the processes have written is on the disk before their images are called complete" {
	tiny 101 --ipadd 10.99.0.101
	faults_begin
	berth exec2 101 sh -c '
		(n=0; while :; do n=$((n + 1)); echo $n >>/root/log; echo $n >/run/count; sleep 0.01; done) \
			</dev/null >/dev/null 2>&1 &'
	wait_for 10 berth exec2 101 test -s /run/count
	# A disk that cannot be flushed: first while it runs, then when its images are written.
	for skip in 0 1; do
		fault set suspend.flush EIO "$skip"
		run ! berth suspend 101
		[[ $output == *"CT 101"* || $output == *suspend.flush* ]]
		[ "$(status_of 101)" = running ]
		wait_for 10 counts_on 101 "$(count 101)"
		fault clear
	done
	before=$(count 101)
	fault set suspend.committed stop
	berth suspend 101 3>&- &
	suspend=$!
	wait_for 30 fault reached suspend.committed
	worker=$(fault pid suspend.committed)
	wait_for 10 is_stopped "$worker"
	on_disk=$(as_after_a_power_cut 101 root/log | tail -n1)
	kill -CONT "$worker"
	wait $suspend
	[ "$on_disk" -ge "$before" ]
	berth resume 101
	wait_for 10 counts_on 101 "$on_disk"
}

@test "a suspend that cannot be taken back at once is taken back later, without criu or a config" {
	tiny 101 --ipadd 10.99.0.101
	start_counting 101
	talk_open 101 10.99.0.101
	faults_begin
	fault set suspend.commit EIO
	fault set suspend.thaw.undo EIO 0 2
	run ! berth suspend 101
	[ "$(status_of 101)" = suspending ]
	sed -i 's/^CRIU=.*/CRIU="\/gone"/' "$HOST_ROOT/etc/berth/berth.conf"
	wait_for 30 eval '[ "$(status_of 101)" = running ]'
	wait_for 10 counts_on 101 "$(count 101)"
	talk after
	exec 7>&-
	[ ! -e "$HOST_ROOT/var/lib/berth/private/101/dump.new" ]
}

@test "a criu whose worker was killed does not freeze the container behind anybody's back" {
	tiny 101 --ipadd 10.99.0.101
	start_counting 101
	talk_open 101 10.99.0.101
	faults_begin
	for point in frozen_again commit; do
		fault set "suspend.$point" kill
		run ! berth suspend 101
		[ "$(status_of 101)" = running ]
		talk "$point"
		wait_for 10 counts_on 101 "$(count 101)"
		[ ! -e "$HOST_ROOT/run/berth/ct/101/dumper" ]
		fault clear
	done
	# stop --fast ends a suspend that does not come to its end.
	fault set suspend.commit stop
	berth suspend 101 3>&- &
	suspend=$!
	wait_for 30 fault reached suspend.commit
	# What reads a tenant's memory can load no module, make no device, and fill no disk.
	dumper=$(cut -d' ' -f1 "$HOST_ROOT/run/berth/ct/101/dumper")
	caps=$((0x$(sed -n 's/^CapPrm:[[:space:]]*//p' "/proc/$dumper/status")))
	[ $((caps & 1 << 21)) != 0 ] # CAP_SYS_ADMIN
	for cap in 16 17 22 25 27; do # MODULE, RAWIO, BOOT, TIME, MKNOD
		[ $((caps & 1 << cap)) = 0 ]
	done
	grep -qE '^Max file size +[0-9]+ ' "/proc/$dumper/limits"
	berth stop 101 --fast
	[ "$(status_of 101)" = stopped ]
	ends_in_error $suspend
	exec 7>&-
	[ -z "$(find "$HOST_ROOT/var/lib/berth/private/101" -name 'dump*')" ]
}

@test "a suspend whose images do not fit beside the host's reserve is refused before anything is frozen" {
	tiny 101 --ipadd 10.99.0.101
	start_counting 101
	faults_begin
	echo 'SPACE_RESERVE="900T"' >>"$HOST_ROOT/etc/berth/berth.conf"
	stop_berthd
	start_berthd
	run ! berth suspend 101
	[[ $output == *"CT 101"*MiB*"MiB free"*SPACE_RESERVE* ]]
	[ "$(status_of 101)" = running ]
	run ! fault reached suspend.flush
	[ ! -e "$HOST_ROOT/var/lib/berth/private/101/dump.new" ]
	sed -i /SPACE_RESERVE/d "$HOST_ROOT/etc/berth/berth.conf"
	stop_berthd
	start_berthd
	berth suspend 101
}

# what_it_is CTID: what its init is and sees, without the numbers that each run has of its own.
what_it_is() {
	local pid
	pid=$(init_pid "$1")
	grep -E '^(Cap|Seccomp|NoNewPrivs|Groups|Uid|Gid|NSpid|Threads)' "/proc/$pid/status" | sed "s/\b$pid\b/INIT/"
	cat "/proc/$pid/limits" "/proc/$pid/oom_score_adj" "/proc/$pid/uid_map" "/proc/$pid/gid_map" "/proc/$pid/setgroups"
	sed "s,/berth-test-[^/]*,," "/proc/$pid/cgroup"
	tr '\0' '\n' <"/proc/$pid/environ"
	berth exec2 "$1" sh -c 'cut -d" " -f4- /proc/1/mountinfo | sed "s/ shared:[0-9]*//; s/ master:[0-9]*//; s,/proc/self/fd/[0-9]*,FD,g; s,^/[0-9]* /dev/console,PTY /dev/console," | sort
		ls -ld /proc/1/root /dev/* /sys /sys/class/net | cut -d" " -f1 ; hostname; ip addr | sed "s, tentative,,"; ip route; ip -6 route; id
		for f in /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/ping_group_range; do cat $f; done'
	berth list -H -o physpages.l,numproc.l,cpuunits "$1"
}

@test "a resumed container is what a started one is" {
	tiny 101 --ipadd 10.99.0.101 --ipadd 2001:db8:99::101 --hostname first
	berth exec2 101 hostname second
	what_it_is 101 >"$HOST_ROOT/before"
	berth suspend 101
	berth resume 101
	what_it_is 101 >"$HOST_ROOT/after"
	diff "$HOST_ROOT/before" "$HOST_ROOT/after"
	[ "$(berth exec2 101 hostname)" = second ]
	# What the host keeps from it is kept from it.
	run ! berth exec2 101 mount -o remount,rw /sys
	run ! berth exec2 101 sh -c 'echo 1 >/sys/class/net/lo/mtu'
	run ! berth exec2 101 mknod /root/sda b 8 0
	[[ $output == *"ermitted"* ]]
	berth exec2 101 mknod /root/fifo p
	run ! berth exec2 101 sh -c 'echo h >/proc/sysrq-trigger'
	run ! berth exec2 101 unshare -u true
	[[ $output == *"unshare"*"ermitted"* ]]
}

@test "a container goes on with the limits and addresses that it had, saved or not" {
	local conf=$HOST_ROOT/etc/berth/ct/101.conf
	tiny 101 --ipadd 10.99.0.101 --ram 128M
	berth set 101 --ram 96M --ipadd 10.99.0.111 --numproc 77
	talk_open 101 10.99.0.111
	what_it_is 101 >"$HOST_ROOT/before"
	for round in 1 2; do
		berth suspend 101
		[[ $(berth list -a -H -o ip,numproc.l 101) == *10.99.0.111*77* ]]
		run -78 berth create 102 --ostemplate tiny --ipadd 10.99.0.111
		[[ $output == *"CT 101"*suspended*"berth resume 101"* ]]
		# What is saved meanwhile is for the next start.
		cp "$conf" "$HOST_ROOT/saved.$round"
		sed -i 's/^NUMPROC=.*//; s/10.99.0.101/10.99.0.121/' "$conf"
		stop_berthd
		start_berthd
		berth resume 101
		what_it_is 101 >"$HOST_ROOT/after"
		diff "$HOST_ROOT/before" "$HOST_ROOT/after"
		talk "round$round"
		grep -q 10.99.0.121 "$conf"
	done
	exec 7>&-
	berth restart 101 --wait
	[[ $(berth list -a -H -o ip 101) == *10.99.0.121* ]]
	[[ $(berth exec2 101 ip addr) != *10.99.0.111* ]]
	# One that has nothing unsaved has nothing unsaved afterwards.
	berth suspend 101
	berth resume 101
	[ ! -e "$HOST_ROOT/run/berth/ct/101/live.conf" ]
	# Another one's limits are not taken for it, nor the saved ones.
	berth suspend 101
	echo 'BAD' >"$HOST_ROOT/var/lib/berth/private/101/dump/config"
	run ! berth resume 101
	[[ $output == *"CT 101"*"dump/config"* ]]
	[ "$(status_of 101)" = broken ]
	berth stop 101 --fast
	berth start 101
}

@test "what was set for the next start does not keep a suspended container from going on" {
	local how
	tiny 101 --ipadd 10.99.0.101 --features tun:on
	for how in "" --save; do
		start_counting 101
		berth set 101 --features tun:off --numpty 1 $how
		berth suspend 101
		berth resume 101
		wait_for 10 counts_on 101 "$(count 101)"
		berth exec2 101 test -c /dev/net/tun
		berth restart 101 --wait
	done
	berth exec2 101 test ! -e /dev/net/tun
}

# in_net CTID COMMAND...: one of the host's programs, as the CT's root in its network.
in_net() {
	nsenter -t "$(init_pid "$1")" -U -n --setuid 0 --setgid 0 "${@:2}"
}

# network_of CTID: what its root has made of it.
network_of() {
	in_net "$1" sh -c 'ip addr | sed "s/ tentative//; s/ nodad//; s/sec/S/g"; ip link show venet0 | grep -o "mtu [0-9]*"
		for f in -4 -6; do ip $f rule; ip $f route show table all | sed "s/ expires.*//" | sort; ip $f neigh show nud permanent | sort; ip $f neigh show proxy; done; nft -s list ruleset'
}

@test "a container goes on with the addresses, routes, rules and neighbours that its root has made" {
	tiny 101 --ipadd 10.99.0.101 --ipadd 2001:db8:99::101
	in_net 101 sh -ec '
		ip addr add 10.77.0.1/24 dev venet0
		ip addr add 2001:db8:77::1/64 dev lo
		ip link set venet0 mtu 1400
		ip link set venet0 txqueuelen 77 promisc on multicast off address 02:00:00:00:00:77
		ip route add 10.78.0.0/24 via 10.77.0.9 metric 7
		ip route add 10.79.0.0/24 via 10.77.0.8 dev venet0 onlink table 77
		ip route add blackhole 10.80.0.0/16
		ip -6 route add 2001:db8:78::/64 via fe80::1 dev venet0 metric 9
		ip -6 route add unreachable 2001:db8:79::/64 table 78
		ip rule add from 10.77.0.1 lookup 77 pref 1000
		ip rule add from 10.77.0.2 lookup 77 pref 0
		ip -6 rule add from 2001:db8:77::/64 lookup 78 pref 1001
		ip neigh add 10.77.0.9 lladdr 02:00:00:00:00:09 dev venet0
		ip -6 neigh add 2001:db8:77::9 lladdr 02:00:00:00:00:09 dev venet0
		ip neigh add proxy 10.77.0.10 dev venet0
		nft add table inet own
		nft "add chain inet own in { type filter hook input priority 0; }"
		nft add rule inet own in iifname venet0 tcp dport 9 drop comment \"to include\"'
	# An address has its route when no other has answered for it.
	wait_for 10 eval '! in_net 101 ip addr | grep -q tentative'
	network_of 101 >"$HOST_ROOT/before"
	grep -q 10.80.0.0/16 "$HOST_ROOT/before"
	for round in 1 2; do
		berth suspend 101
		berth resume 101
		wait_for 10 eval '! in_net 101 ip addr | grep -q tentative'
		network_of 101 >"$HOST_ROOT/after"
		diff "$HOST_ROOT/before" "$HOST_ROOT/after"
	done
	# What it has taken away of what berth made is away, and what it has put in its place stays.
	in_net 101 sh -ec '
		ip route replace $(ip route show default) initcwnd 20
		ip -6 route del default
		ip -6 addr del 2001:db8:99::101/128 dev venet0
		ip rule del pref 32766'
	network_of 101 >"$HOST_ROOT/before"
	grep -q initcwnd "$HOST_ROOT/before"
	for round in 1 2; do
		berth suspend 101
		berth resume 101
		wait_for 10 eval '! in_net 101 ip addr | grep -q tentative'
		network_of 101 >"$HOST_ROOT/after"
		diff "$HOST_ROOT/before" "$HOST_ROOT/after"
	done
}

@test "a packet filter that could not be loaded again refuses a suspend before anything is frozen" {
	tiny 101 --ipadd 10.99.0.101
	start_counting 101
	faults_begin
	# A table that ends with the program that owns it.
	mkfifo "$HOST_ROOT/rules"
	in_net 101 nft -i <"$HOST_ROOT/rules" >/dev/null 2>&1 3>&- &
	exec 8>"$HOST_ROOT/rules"
	echo 'add table inet own { flags owner; }' >&8
	wait_for 10 eval 'in_net 101 nft list table inet own | grep -q owner'
	run ! berth suspend 101
	[[ $output == *"CT 101"*"would not load its packet filter again"* ]]
	run ! fault reached suspend.flush
	[ "$(status_of 101)" = running ]
	exec 8>&-
	wait_for 10 eval '! in_net 101 nft list table inet own 2>/dev/null'
	berth suspend 101
	berth resume 101
}

@test "a packet filter that changes after it was tried is tried again" {
	tiny 101 --ipadd 10.99.0.101
	start_counting 101
	faults_begin
	fault set suspend.flush stop
	berth suspend 101 >"$HOST_ROOT/said" 2>&1 3>&- &
	suspend=$!
	wait_for 30 fault reached suspend.flush
	worker=$(fault pid suspend.flush)
	wait_for 10 is_stopped "$worker"
	mkfifo "$HOST_ROOT/rules"
	in_net 101 nft -i <"$HOST_ROOT/rules" >/dev/null 2>&1 3>&- &
	exec 8>"$HOST_ROOT/rules"
	echo 'add table inet own { flags owner; }' >&8
	wait_for 10 eval 'in_net 101 nft list table inet own | grep -q owner'
	kill -CONT "$worker"
	ends_in_error $suspend
	run cat "$HOST_ROOT/said"
	[[ $output == *"CT 101"*"would not load its packet filter again"* ]] || { echo "$output"; false; }
	[ "$(status_of 101)" = running ]
	wait_for 10 counts_on 101 "$(count 101)"
	exec 8>&-
	wait_for 10 eval '! in_net 101 nft list table inet own 2>/dev/null'
	fault clear
	berth suspend 101
	berth resume 101
}

@test "a container whose root has set lo down, or drops all that is on it, is suspended and resumed" {
	tiny 101 --ipadd 10.99.0.101
	start_counting 101
	pid=$(berth exec2 101 cat /run/pid)
	in_net 101 ip link set lo down
	berth suspend 101
	berth resume 101
	[[ "$(in_net 101 ip -o link show lo)" != *"<LOOPBACK,UP"* ]]
	in_net 101 ip link set lo up
	in_net 101 nft 'add table inet own; add chain inet own in { type filter hook input priority 0; policy drop; }'
	berth suspend 101
	berth resume 101
	in_net 101 nft list chain inet own in | grep -q 'policy drop'
	in_net 101 nft delete table inet own
	[ "$(berth exec2 101 cat /run/pid)" = "$pid" ]
	wait_for 10 counts_on 101 "$(count 101)"
}

@test "a change of the disk while it is suspended is seen, whoever made it" {
	local image
	tiny 101 --ipadd 10.99.0.101
	berth suspend 101
	image=$(find "$HOST_ROOT/var/lib/berth/private/101" -name 'volume*' -type f | head -n1)
	# Who only looks changes nothing.
	e2fsck -fn "$image" >/dev/null 2>&1
	dumpe2fs -h "$image" >/dev/null 2>&1
	berth resume 101
	berth suspend 101
	debugfs -w -R 'mkdir written' "$image" >/dev/null 2>&1
	run ! berth resume 101
	[[ $output == *"was used or put back"* ]]
	[ "$(status_of 101)" = suspended ]
	# Not even when berthd has looked at it again.
	stop_berthd
	start_berthd
	run ! berth resume 101
	[[ $output == *"was used or put back"* ]]
	berth stop 101 --fast
	berth start 101
}

# as_after_a_boot: berthd takes itself for the first one of this boot.
as_after_a_boot() {
	stop_berthd
	rm "$HOST_ROOT/run/berth/autostarted"
	start_berthd
}

is_running() {
	[ "$(status_of "$1")" = running ]
}

@test "on boot a suspended container with ONBOOT goes on, and what can never go on is told and kept" {
	local record=$HOST_ROOT/var/lib/berth/private/101/dump/record
	tiny 101 --ipadd 10.99.0.101 --onboot yes
	tiny 102
	start_counting 101
	before=$(count 101)
	berth suspend 101
	berth suspend 102
	as_after_a_boot
	wait_for 30 is_running 101
	wait_for 10 counts_on 101 "$before"
	[ "$(count 101)" -lt $((before + 1000)) ]
	[ "$(status_of 102)" = suspended ]
	[ ! -e "$HOST_ROOT/var/lib/berth/private/101/resume" ]
	berth suspend 101
	# The same word that a shutdown leaves, but its admin has suspended it: its memory is not berthd's to give up.
	sed -i 's/^kernel=.*/kernel=5.0.0-other/' "$record"
	run ! berth resume 101
	[[ $output == *"CT 101 was suspended under Linux 5.0.0-other"*"$(uname -r)"*"berth stop 101 --fast"* ]]
	as_after_a_boot
	wait_for 30 grep -q 'ct=101 not resumed on boot: .*5.0.0-other' "$HOST_ROOT/berthd.log"
	wait_for 10 eval 'berth status 101 2>&1 | grep -q 5.0.0-other'
	[ "$(status_of 101)" = suspended ]
	[ -e "$record" ] && [ ! -e "$HOST_ROOT/var/lib/berth/private/101/resume" ]
	sed -i "s/^kernel=.*/kernel=$(uname -r)/" "$record"
	berth resume 101
	wait_for 10 counts_on 101 "$before"
	berth resume 102
}

@test "what keeps a container from being resumed on boot for a while does not cost its memory" {
	tiny 101 --onboot yes
	start_counting 101
	before=$(count 101)
	berth suspend 101
	sed -i 's/^CRIU=/#&/' "$HOST_ROOT/etc/berth/berth.conf"
	echo "CRIU=\"$HOST_ROOT/criu\"" >>"$HOST_ROOT/etc/berth/berth.conf"
	as_after_a_boot
	wait_for 30 grep -q 'ct=101 not resumed on boot: .*criu.*; tried again in 2 s' "$HOST_ROOT/berthd.log"
	[ "$(status_of 101)" = suspended ]
	berth status 101 2>&1 | grep -q "$HOST_ROOT/criu"
	# A restart of berthd forgets nothing.
	stop_berthd
	start_berthd
	wait_for 30 eval '[ "$(grep -c "ct=101 not resumed on boot" "$HOST_ROOT/berthd.log")" -ge 2 ]'
	[ "$(status_of 101)" = suspended ]
	ln -s "$(command -v "${CRIU:-criu}")" "$HOST_ROOT/criu"
	wait_for 30 is_running 101
	wait_for 10 counts_on 101 "$before"
	[ "$(count 101)" -lt $((before + 1000)) ]
}
