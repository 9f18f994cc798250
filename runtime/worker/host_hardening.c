/*
 * host_hardening.c - settings of the host that leave a tenant, or a user of the host, less to attack
 * (security.md section 4). The admin's to decide: doctor tells, and `doctor --apply` raises those that are numbers.
 */
#include "runtime/worker/host_hardening.h"

#include "runtime/base/fd.h"
#include "runtime/base/parse.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Well with at_least to at_most; best is what the fix sets. */
struct hardening_row {
	const char *name; /* with slashes */
	uint64_t at_least, at_most, best;
	const char *what;
};

static const struct hardening_row rows[] = {
	{"kernel/unprivileged_bpf_disabled", 1, 2, 2, "users of the host may load BPF programs"},
	{"kernel/kptr_restrict", 1, 2, 1, "kernel addresses show in /proc, of help to an attacker"},
	{"kernel/dmesg_restrict", 1, 1, 1, "users of the host may read the kernel log"},
	{"kernel/perf_event_paranoid", 2, 4, 3, "users of the host may trace the kernel"},
	{"dev/tty/legacy_tiocsti", 0, 0, 0, "a program may type into the terminal that started it"},
	{"dev/tty/ldisc_autoload", 0, 0, 0, "users may have the kernel load line disciplines"},
	{"fs/suid_dumpable", 0, 0, 0, "programs that changed their ids leave core dumps"},
	{"fs/protected_symlinks", 1, 1, 1, "links in /tmp are followed for strangers"},
	{"fs/protected_hardlinks", 1, 1, 1, "anybody may link to files of others"},
	{"fs/protected_fifos", 1, 2, 2, "FIFOs in /tmp are opened for strangers"},
	{"fs/protected_regular", 1, 2, 2, "files in /tmp are opened for strangers"},
	{"vm/unprivileged_userfaultfd", 0, 0, 0, "users of the host win races in the kernel"},
};

typedef void finding_fn(const char *name, const char *level, const char *text, const char *fix,
			void *data);

static void check_row(const struct hardening_row *row, finding_fn *fn, void *data)
{
	char path[80], value[32], name[60], dots[60], text[200], fix[120];
	uint64_t now;

	(void)snprintf(path, sizeof(path), "/proc/sys/%s", row->name);
	if (file_read_line_at(AT_FDCWD, path, value, sizeof(value)) < 0 ||
	    parse_u64(value, &now) < 0)
		return; /* not in this kernel */
	(void)snprintf(name, sizeof(name), "sysctl-%s", strrchr(row->name, '/') + 1);
	(void)snprintf(dots, sizeof(dots), "%s", row->name);
	for (char *p = dots; *p != '\0'; p++)
		if (*p == '/')
			*p = '.';
	(void)snprintf(fix, sizeof(fix), "sysctl -w %s=%llu", dots, (unsigned long long)row->best);
	if (now >= row->at_least && now <= row->at_most) {
		(void)snprintf(text, sizeof(text), "%s is %s", dots, value);
		fn(name, "ok", text, fix, data);
		return;
	}
	(void)snprintf(text, sizeof(text), "%s is %s: %s", dots, value, row->what);
	fn(name, "warning", text, fix, data);
}

/* `mount -t` and `ip link add` in a CT load modules by name: no filter can look at the name. */
static void check_modules(finding_fn *fn, void *data)
{
	char value[8] = "";

	if (file_read_line_at(AT_FDCWD, "/proc/sys/kernel/modules_disabled", value, sizeof(value)) <
	    0)
		return;
	if (value[0] == '1' || access("/etc/modprobe.d/berth.conf", F_OK) == 0) {
		fn("modules", "ok", "which modules a CT can have loaded is limited", "", data);
		return;
	}
	fn("modules", "warning",
	   "a CT's root can have the host load any module of a file system or a kind of link, old "
	   "and unmaintained ones too",
	   "for m in affs afs befs bfs ceph cramfs efs freevxfs gfs2 hfs hfsplus hpfs jffs2 jfs "
	   "minix "
	   "nilfs2 ntfs3 ocfs2 orangefs qnx6 reiserfs romfs sysv ubifs udf ufs can n_gsm rds rxrpc "
	   "tipc; "
	   "do echo \"install $m /bin/false\"; done > /etc/modprobe.d/berth.conf",
	   data);
}

void host_hardening_checks(finding_fn *fn, void *data)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i], fn, data);
	check_modules(fn, data);
}
