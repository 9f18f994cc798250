/* commands.c - the table of commands: names, usage, examples. */
#include "runtime/cli/cli.h"

static const struct command table[] = {
	{"create", NULL, "[CTID|NAME] [--ostemplate T] [--config SAMPLE] [OPTION VALUE]...",
	 "create a CT from a template",
	 "Every parameter of ctid.conf(5) is an option. Without a CTID, berth takes the next free\n"
	 "one and prints it.\n"
	 "\n"
	 "  --userpasswd USER:PASSWORD  set a user's password; - reads that from standard input\n"
	 "  --crypted              what follows USER: is a hash as in shadow(5)\n"
	 "  --sshkey FILE          public keys for root; - is standard input\n"
	 "\n"
	 "  berth create 101 --ostemplate debian-12 --hostname web1 --ipadd 10.0.0.101 \\\n"
	 "        --ram 512M --swap 256M --diskspace 2G --cpulimit 50\n"
	 "  berth create 102 --ostemplate tiny --config vswap-256m\n",
	 cmd_create},
	{"clone", NULL, "CT [CTID|NAME] [OPTION VALUE]...",
	 "make a new CT with the files of another",
	 "The other CT may run. The new one has its files, limits and settings, but its own uuid, "
	 "user\n"
	 "ids, machine-id and SSH host keys, and the name, host name and addresses that are "
	 "given.\n"
	 "\n"
	 "  berth clone 101 102 --ipadd 10.0.0.102 --hostname web2\n",
	 cmd_clone},
	{"set", NULL, "CT [--save] [OPTION VALUE]...", "change the parameters of a CT",
	 "A running CT takes the change at once where possible. Without --save the change is lost\n"
	 "when the CT stops; with --save it is also written to the CT's config.\n"
	 "\n"
	 "  --save                 make the change permanent\n"
	 "  --for TIME             make it permanent for so long (90s, 30m, 2h, 7d); then it is as "
	 "before\n"
	 "  --dry-run              only print what would be written: kernel files and config\n"
	 "  --applyconfig SAMPLE   take all values of a sample except name and addresses\n"
	 "  --reset_ub             apply the saved limits again\n"
	 "  --setmode restart      restart the CT if the change needs it\n"
	 "  --setmode ignore       do not report changes that need a restart\n"
	 "  --userpasswd USER:PASSWORD  set a user's password; - reads that from standard input\n"
	 "  --crypted              what follows USER: is a hash as in shadow(5)\n"
	 "  --sshkey FILE          add public keys for root; - is standard input\n"
	 "\n"
	 "  berth set 101 --ram 1G --cpulimit 100 --save\n"
	 "  berth set 101 --ipdel all --ipadd 10.0.0.7 --nameserver 10.0.0.1 --save\n"
	 "  berth set 101 --onboot no --disabled yes --save\n"
	 "  berth set 101 --userpasswd root:secret\n",
	 cmd_set},
	{"unset", NULL, "CT PARAMETER... [--save] [--dry-run]",
	 "put parameters of a CT back to their default",
	 "The default is that of berth.conf, or else the built-in one: see ctid.conf(5). --save "
	 "and\n"
	 "--dry-run are as those of set.\n"
	 "\n"
	 "  berth unset 101 cpulimit iolimit --save\n",
	 cmd_unset},
	{"undo", NULL, "CT [--dry-run]", "take back the last set of a CT",
	 "Only what that set has changed; what was changed later stays. A second undo does it "
	 "again.\n"
	 "What the last set was is known until the host reboots.\n"
	 "\n"
	 "  berth undo 101 --dry-run\n"
	 "  berth undo 101\n",
	 cmd_undo},
	{"start", NULL, "CT... [--wait]", "start a CT",
	 "Returns when the CT's init runs; with --wait, when the CT reports that it has booted.\n"
	 "\n"
	 "  berth start 101 --wait\n"
	 "  berth start 605-610 'web-*' --parallel 4\n",
	 cmd_start},
	{"stop", NULL, "CT... [--fast] [--timeout SECONDS]", "stop a CT",
	 "Asks the CT to power off. What still runs after STOP_TIMEOUT (or --timeout) is killed.\n"
	 "--fast kills everything at once.\n"
	 "\n"
	 "  berth stop 101\n"
	 "  berth stop 101 --fast\n"
	 "  berth stop --all\n",
	 cmd_stop},
	{"restart", NULL, "CT... [--wait] [--fast]", "stop a CT if it runs, then start it",
	 "  berth restart 101 --wait\n", cmd_restart},
	{"status", NULL, "CT", "print whether a CT exists, is mounted, and runs",
	 "Prints one line, for example: CTID 101 exist mounted running. Takes no lock, and works\n"
	 "without berthd.\n"
	 "\n"
	 "  berth status 101\n",
	 cmd_status},
	{"exec", NULL, "CT COMMAND...", "run a command in a CT; exit status 8 if it fails",
	 "The CT's /bin/sh runs the words, joined by blanks. '-' reads commands from stdin.\n"
	 "\n"
	 "  berth exec 101 apt-get update\n"
	 "  berth exec 101 'df -h / | tail -1'\n"
	 "  echo 'uptime; free -m' | berth exec 101 -\n",
	 cmd_exec},
	{"exec2", NULL, "CT COMMAND...", "like exec, but with the command's own exit status",
	 "The exit status is 128 + N if signal N killed the command.\n"
	 "\n"
	 "  berth exec2 101 systemctl is-system-running\n",
	 cmd_exec2},
	{"enter", NULL, "CT [--exec COMMAND...]", "open a root shell in a CT",
	 "  berth enter 101\n"
	 "  berth enter 101 --exec top\n",
	 cmd_enter},
	{"console", NULL, "CT [--log]", "attach to the console of a CT",
	 "Press Enter, Esc and '.' to detach. --log prints the recent output of the console, also\n"
	 "of a stopped CT.\n"
	 "\n"
	 "  berth console 101\n"
	 "  berth console 101 --log\n",
	 cmd_console},
	{"log", NULL, "CT [--no-console | --audit]",
	 "print what berthd logged about a CT, who did what to it, and its console",
	 "First the lines of the journal or of berthd's log file; then, for root, those of the "
	 "audit\n"
	 "log: each order and session, who gave it, from which terminal, and what came of it; "
	 "then\n"
	 "the recent output of the console, if there is some.\n"
	 "\n"
	 "  --no-console  without the console\n"
	 "  --audit       only who did what\n"
	 "\n"
	 "  berth log 101\n"
	 "  berth log 101 --no-console | tail -5\n",
	 cmd_log},
	{"runscript", NULL, "CT FILE", "run a script of the host in a CT",
	 "The program named by the script's #! line (else /bin/sh) reads the script from stdin.\n"
	 "\n"
	 "  berth runscript 101 /root/setup.sh\n",
	 cmd_runscript},
	{"suspend", "chkpnt", "CT", "save the processes of a running CT and end it",
	 "Memory, processes and open connections are written to the CT's private area. They go on\n"
	 "with `berth resume`, also after a reboot of the host.\n"
	 "\n"
	 "  berth suspend 101\n",
	 cmd_suspend},
	{"resume", "restore", "CT", "let a suspended CT go on where it was", "  berth resume 101\n",
	 cmd_resume},
	{"mount", NULL, "CT", "mount the root of a stopped CT and print the path",
	 "  cd \"$(berth mount 101)\"\n", cmd_mount},
	{"umount", NULL, "CT", "unmount the root of a CT", "  berth umount 101\n", cmd_umount},
	{"destroy", "delete", "CT", "delete a stopped CT with all its files",
	 "This cannot be undone.\n"
	 "\n"
	 "  berth stop 102 && berth destroy 102\n",
	 cmd_destroy},
	{"migrate", NULL,
	 "[-e COMMAND | --ssh OPTIONS] [-r yes|no] [--online] [--check-only] HOST "
	 "CT[:NEW_CTID[:NEW_NAME]]...",
	 "move CTs to another host; or settle a move that was cut",
	 "A CT that runs is stopped, moved, and started there. Until the other host has all of it, "
	 "the CT\n"
	 "stays here, whole; if the connection is cut at the last word, give the same command "
	 "again. See\n"
	 "berth-migration(7).\n"
	 "\n"
	 "  -e, --rsh COMMAND  what reaches HOST and runs `berth receive` there, instead of ssh: "
	 "words\n"
	 "  --ssh OPTIONS      for ssh\n"
	 "  -r no              keep what is left of it here; it is never started (default: yes, "
	 "remove it)\n"
	 "  --online, --live   do not stop it: it goes on there, with its memory and connections\n"
	 "  --timeout SECONDS  with --online: if it would stand still for longer, it goes on here "
	 "(default: 600)\n"
	 "  --check-only, --dry-run\n"
	 "                     only say whether it can move, and all that is in the way\n"
	 "  --resolve --take CT     of a cut move: this host has the CT, the other has not and "
	 "never will\n"
	 "  --resolve --release CT  the other host has it, or nobody wants it: remove what is "
	 "here\n"
	 "\n"
	 "  berth migrate host-b 101\n"
	 "  berth migrate --check-only host-b 101 102:202:web2\n",
	 cmd_migrate},
	{"why-not", NULL, "CT...",
	 "say what keeps a CT from being suspended, or moved while it runs",
	 "All of it at once, with the process, the descriptor or the mount at fault, and what "
	 "mends "
	 "it. It\n"
	 "costs the CT nothing. Exit status 5 if it cannot be done as it is.\n"
	 "\n"
	 "  berth why-not 101\n",
	 cmd_why_not},
	{"receive", NULL, "", "take a CT from a host that runs berth migrate",
	 "berth migrate runs it on the other host; the stream comes on standard input, and answers "
	 "go to\n"
	 "standard output.\n",
	 cmd_receive},
	{"list", NULL, "[-aSnH1jtL] [-o FIELD,...] [-s [-]FIELD] [-N|-h|-d GLOB] [CT]...",
	 "list the running CTs, or the CTs named",
	 "  -a, --all       also stopped CTs       -S, --stopped  only stopped CTs\n"
	 "  -o FIELD,...    show these columns     -L, --list     print all columns there are\n"
	 "  -s [-]FIELD     sort; '-' reverses     -n, --name     names instead of host names\n"
	 "  -N, -h, -d GLOB only CTs whose name, host name, description matches\n"
	 "  -H              no header              -1             only CTIDs, one a line\n"
	 "  -j, --json      print JSON             -t             do not cut long values and rows\n"
	 "Limits: NAME is the current use, NAME.m the highest use, .b the barrier, .l the limit, "
	 ".f\n"
	 "the number of failures; diskspace and diskinodes: .s soft, .h hard limit. Memory is in\n"
	 "pages of 4 KiB, diskspace in KiB.\n"
	 "\n"
	 "  berth list -a\n"
	 "  berth list -H -o ctid,physpages,physpages.l,physpages.f -s -physpages\n",
	 cmd_list},
	{"ubc", NULL, "[-aqjp] [CT]...",
	 "show what CTs hold of each limit, and how often they hit it",
	 "  -a, --all     also stopped CTs     -q, --failed  only limits that refused something\n"
	 "  -j, --json    print JSON           -p, --proc    as /proc/user_beancounters of OpenVZ\n"
	 "HELD is used now; MAXH and FAIL are kept over restarts of the CT and of the host. FAIL "
	 "counts\n"
	 "what a limit refused: memory not given and processes killed for it (physpages), swap,\n"
	 "processes killed for want of memory (oomguarpages), forks (numproc), periods of 100 ms "
	 "with\n"
	 "no CPU time left (cpulimit). '-': nobody counts it.\n"
	 "\n"
	 "  berth ubc 101\n"
	 "  berth ubc -a -q\n",
	 cmd_ubc},
	{"top", NULL, "[-b] [-n COUNT] [-d SECONDS] [-s KEY] [-j] [CT]...",
	 "show what the running CTs use, live",
	 "  -b, --batch       print table after table, for files and pipes\n"
	 "  -n, --iterations COUNT  end after so many\n"
	 "  -d, --delay SECONDS     between two of them (default: 2)\n"
	 "  -s, --sort KEY    cpu (default), throttled, memory, memory%, swap, disk, numproc, io, "
	 "network,\n"
	 "                    pressure or ctid\n"
	 "  -j, --json        print a JSON array a line\n"
	 "On a terminal q ends it, r reverses the order, and a letter sorts: c t m M s d u i n p, "
	 "N for ctid.\n"
	 "CPU% is of one CPU, LIM% of the CT's cpulimit, THR% the share of its periods in which it "
	 "had used\n"
	 "that up; PCPU, PMEM and PIO are the share of the last 10 seconds in which processes "
	 "waited (PSI).\n"
	 "\n"
	 "  berth top -s memory\n"
	 "  berth top -b -n 1\n",
	 cmd_top},
	{"stat", NULL, "CT... [-j]", "show the numbers of a CT, and how fast they grow",
	 "Takes two looks, one second apart.\n"
	 "\n"
	 "  -j, --json    print JSON: bytes, and rates in bytes or things a second\n"
	 "\n"
	 "  berth stat 101\n",
	 cmd_stat},
	{"pid", NULL, "[-p] [-j] PID...", "say which CT a process of this host is in",
	 "CTID 0 is the host itself.\n"
	 "\n"
	 "  -p, --inside  also show the process's pid in its CT\n"
	 "  -j, --json    print JSON\n"
	 "\n"
	 "  berth pid 4711\n",
	 cmd_pid},
	{"metrics", NULL, "[-o]", "print the numbers of all CTs for Prometheus",
	 "In Prometheus' text format, which promtool reads; for node_exporter's textfile "
	 "collector, for\n"
	 "example. berth-metrics(8) serves the same by HTTP.\n"
	 "\n"
	 "  -o, --openmetrics  OpenMetrics 1.0\n"
	 "\n"
	 "  berth metrics | promtool check metrics\n",
	 cmd_metrics},
	{"explain", NULL, "[CT]...",
	 "say which limits of a CT bite, since when, and what relieves them",
	 "In plain words: what a limit refuses now (\"now\") or has refused in the last hour "
	 "(\"hour\"), how\n"
	 "often, and a command that raises it; then what is not its limits' fault: a busy host, "
	 "another CT,\n"
	 "or what berthd found wrong.\n"
	 "With --json: the type Explanation of io.berth.Container.\n"
	 "\n"
	 "  berth explain 101\n",
	 cmd_explain},
	{"capacity", NULL, "[-j]", "show what of this host is sold to CTs, and what they use",
	 "Sold is the sum of the limits of all CTs, running or not. Disk is what the host has for\n"
	 "volumes; inodes are those of the volumes.\n"
	 "\n"
	 "  berth capacity\n",
	 cmd_capacity},
	{"split", NULL, "-n N [-f NAME] [-s SWAP]", "make a sample for 1/N of this host",
	 "  -f NAME  write samples/NAME.conf; without it the sample is printed\n"
	 "  -s SWAP  swap for each CT; without it 1/N of the host's\n"
	 "\n"
	 "  berth split -n 20 -f small && berth create 101 --config small\n",
	 cmd_split},
	{"config-check", NULL, "[CT]...", "check berth.conf and the configs of CTs",
	 "All CTs, if none is named. Changes nothing.\n"
	 "\n"
	 "  berth config-check\n",
	 cmd_config_check},
	{"template build", NULL, "NAME", "build a template from its recipe",
	 "  berth template build debian-12\n", cmd_template_build},
	{"template import", NULL, "NAME ARCHIVE", "make a template from a root file system archive",
	 "  berth template import alma-9 /tmp/alma9-rootfs.tar.xz\n", cmd_template_import},
	{"template list", NULL, "[-H]", "list the templates and the recipes",
	 "  berth template list\n", cmd_template_list},
	{"template rm", "template remove", "NAME", "remove a template",
	 "  berth template rm debian-12\n", cmd_template_rm},
	{"doctor", NULL, "[--apply]", "check this host and show how to fix what is wrong",
	 "--apply raises the sysctls that are too low, now and at each boot, and prints what it "
	 "wrote\n"
	 "to /etc/sysctl.d/61-berth-doctor.conf. It never lowers a value, and leaves the rest to "
	 "you.\n"
	 "\n"
	 "  berth doctor\n"
	 "  berth doctor --apply\n",
	 cmd_doctor},
	{"monitor", "events", "", "print events of CTs as they happen", "  berth monitor --json\n",
	 cmd_monitor},
	{"ping", NULL, "", "check that berthd answers", "  berth ping\n", cmd_ping},
	{"version", NULL, "", "print the versions of berth and berthd", "  berth version\n",
	 cmd_version},
	{0},
};

const struct command *command_table(void)
{
	return table;
}
