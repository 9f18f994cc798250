/* commands.c - the table of commands: names, usage, examples. */
#include "runtime/cli/cli.h"

static const struct command table[] = {
	{"create", NULL, "[CTID|NAME] [--ostemplate T] [--config SAMPLE] [OPTION VALUE]...",
	 "make a CT from a template",
	 "Every parameter of ctid.conf(5) is an option; berth set --help says more. Without a "
	 "CTID\n"
	 "the next free one is taken and printed.\n"
	 "\n"
	 "  berth create 101 --ostemplate debian-12 --hostname web1 --ipadd 10.0.0.101 \\\n"
	 "        --ram 512M --swap 256M --diskspace 2G --cpulimit 50\n"
	 "  berth create 102 --ostemplate tiny --config vswap-256m\n",
	 cmd_create},
	{"set", NULL, "CT [--save] [OPTION VALUE]...", "change a CT's parameters",
	 "A running CT takes the change at once, where it can. --save keeps it in the config too,\n"
	 "only if applying it worked; without it, it is lost when the CT restarts.\n"
	 "\n"
	 "  --save                 keep it\n"
	 "  --applyconfig SAMPLE   take a sample's values, all but name and addresses\n"
	 "  --reset_ub             apply the saved limits again\n"
	 "  --setmode restart      restart the CT if the change needs it; ignore: do not say so\n"
	 "\n"
	 "  berth set 101 --ram 1G --cpulimit 100 --save\n"
	 "  berth set 101 --ipdel all --ipadd 10.0.0.7 --nameserver 10.0.0.1 --save\n"
	 "  berth set 101 --onboot no --disabled yes --save\n",
	 cmd_set},
	{"start", NULL, "CT [--wait]", "start a CT",
	 "--wait returns when the guest says that it has booted, else when its init runs.\n"
	 "\n"
	 "  berth start 101 --wait\n",
	 cmd_start},
	{"stop", NULL, "CT [--fast] [--timeout SECONDS]", "stop a CT",
	 "Asks the guest to power off and kills it after STOP_TIMEOUT, or after --timeout "
	 "seconds.\n"
	 "--fast kills at once.\n"
	 "\n"
	 "  berth stop 101\n"
	 "  berth stop 101 --fast\n",
	 cmd_stop},
	{"restart", NULL, "CT [--wait] [--fast]", "stop a CT, if it runs, and start it",
	 "  berth restart 101 --wait\n", cmd_restart},
	{"status", NULL, "CT", "say in one line whether a CT exists, is mounted, runs",
	 "Takes no lock and works without berthd: CTID 101 exist mounted running.\n"
	 "\n"
	 "  berth status 101\n",
	 cmd_status},
	{"exec", NULL, "CT COMMAND...", "run a command in a CT; status 8 when it fails",
	 "The words are joined and run by the CT's /bin/sh. '-' reads commands from stdin.\n"
	 "\n"
	 "  berth exec 101 apt-get update\n"
	 "  berth exec 101 'df -h / | tail -1'\n"
	 "  echo 'uptime; free -m' | berth exec 101 -\n",
	 cmd_exec},
	{"exec2", NULL, "CT COMMAND...", "as exec, with the command's own exit status",
	 "128 + N when signal N ended it.\n"
	 "\n"
	 "  berth exec2 101 systemctl is-system-running\n",
	 cmd_exec2},
	{"enter", NULL, "CT [--exec COMMAND...]", "a root shell in a CT",
	 "  berth enter 101\n"
	 "  berth enter 101 --exec top\n",
	 cmd_enter},
	{"console", NULL, "CT [--log]", "attach to a CT's console",
	 "Enter, Esc and '.' leave it. --log prints what it has shown, also of a stopped CT.\n"
	 "\n"
	 "  berth console 101\n"
	 "  berth console 101 --log\n",
	 cmd_console},
	{"runscript", NULL, "CT FILE", "run a script of the host in a CT",
	 "Its #! line says which program of the CT reads it, /bin/sh when there is none. It gets\n"
	 "the script as its stdin.\n"
	 "\n"
	 "  berth runscript 101 /root/setup.sh\n",
	 cmd_runscript},
	{"mount", NULL, "CT", "mount a stopped CT's root and print where",
	 "  cd \"$(berth mount 101)\"\n", cmd_mount},
	{"umount", NULL, "CT", "unmount it", "  berth umount 101\n", cmd_umount},
	{"destroy", "delete", "CT", "delete a stopped CT and all its files",
	 "  berth stop 102 && berth destroy 102\n", cmd_destroy},
	{"list", NULL, "[-aSnH1jtL] [-o FIELD,...] [-s [-]FIELD] [-N|-h|-d GLOB] [CT]...",
	 "list CTs: the running ones, or those named",
	 "  -a, --all       stopped ones too       -S, --stopped  only stopped ones\n"
	 "  -o FIELD,...    these columns          -L, --list     which columns there are\n"
	 "  -s [-]FIELD     sort, - descending     -n, --name     names instead of host names\n"
	 "  -N, -h, -d GLOB only matching names, host names, descriptions\n"
	 "  -H              no header              -1             CTIDs only\n"
	 "  -j, --json      JSON                   -t             do not cut long values\n"
	 "Limits: name is what is held, .m the most held, .b barrier, .l limit, .f failures;\n"
	 "diskspace and diskinodes: .s soft, .h hard. Pages of 4 KiB, diskspace in KiB.\n"
	 "\n"
	 "  berth list -a\n"
	 "  berth list -H -o ctid,physpages,physpages.l,physpages.f -s -physpages\n",
	 cmd_list},
	{"template build", NULL, "NAME", "make a template from its recipe",
	 "  berth template build debian-12\n", cmd_template_build},
	{"template import", NULL, "NAME ARCHIVE", "make a template from a root file system archive",
	 "  berth template import alma-9 /tmp/alma9-rootfs.tar.xz\n", cmd_template_import},
	{"template list", NULL, "[-H]", "list the templates and what can be built",
	 "  berth template list\n", cmd_template_list},
	{"template rm", "template remove", "NAME", "remove a template",
	 "  berth template rm debian-12\n", cmd_template_rm},
	{"doctor", NULL, "", "say what this host can and cannot do, and how to mend it",
	 "  berth doctor\n", cmd_doctor},
	{"monitor", NULL, "", "print events of CTs as they happen", "  berth monitor --json\n",
	 cmd_monitor},
	{"ping", NULL, "", "ask berthd whether it is there", "  berth ping\n", cmd_ping},
	{"version", NULL, "", "the versions of berth and berthd", "  berth version\n", cmd_version},
	{0},
};

const struct command *command_table(void)
{
	return table;
}
