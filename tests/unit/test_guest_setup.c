/*
 * test_guest_setup.c - guest_setup, the drop-ins and the init's kind on real directories.
 *
 * covers: templates/distro.c templates/guest_dropins.c templates/guest_systemd.c templates/inroot.c
 */
#include "templates/guest.h"

#include "check.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char top[] = "/tmp/berth-guest-XXXXXX";
static int top_fd, root_fd;

static const struct guest_config config = {
	.hostname = "ct101.example.com",
	.addrs = {"10.0.0.101"},
	.n_addrs = 1,
	.nameservers = {"9.9.9.9"},
	.n_nameservers = 1,
	.ipv4 = true,
	.ipv6 = true,
};

static void put(const char *path, const char *text, mode_t mode)
{
	auto_close int fd = openat(top_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	CHECK(fd >= 0 && fd_write_all(fd, text, strlen(text)) == 0);
}

static bool file_is(const char *path, const char *text)
{
	auto_free char *got = NULL;

	return file_read_at(top_fd, path, 65536, &got, NULL) == 0 && strcmp(got, text) == 0;
}

static bool file_has(const char *path, const char *text)
{
	auto_free char *got = NULL;

	return file_read_at(top_fd, path, 65536, &got, NULL) == 0 && strstr(got, text) != NULL;
}

/* A fresh root with /etc, and a canary beside it. */
static void fresh(void)
{
	static const char *const dirs[] = {"root", "root/etc", "root/sbin", "root/lib", "outside"};

	fd_close(&root_fd);
	CHECK(tree_remove_at(top_fd, "root") == 0 && tree_remove_at(top_fd, "outside") == 0);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		CHECK(mkdirat(top_fd, dirs[i], 0755) == 0);
	put("outside/canary", "alive\n", 0644);
	root_fd = dir_open_at(top_fd, "root");
	CHECK(root_fd >= 0);
}

static int setup(void)
{
	struct berth_error err = {0};
	int r = guest_setup(root_fd, &config, &err);

	if (r < 0)
		(void)fprintf(stderr, "guest_setup: %s\n", err.msg);
	return r;
}

static void a_plain_root_gets_its_files(void)
{
	fresh();
	CHECK(mkdirat(root_fd, "etc/network", 0755) == 0);
	put("root/etc/network/interfaces", "auto lo\n", 0640);
	CHECK(setup() == 0);
	CHECK(file_is("root/etc/hostname", "ct101.example.com\n"));
	CHECK(file_has("root/etc/hosts", "10.0.0.101\tct101.example.com ct101\n"));
	CHECK(file_has("root/etc/resolv.conf", "nameserver 9.9.9.9\n"));
	CHECK(file_has("root/etc/network/interfaces", "auto venet0\n"));
}

static void a_second_run_writes_nothing(void)
{
	struct stat before, after;

	CHECK(fstatat(root_fd, "etc/hosts", &before, 0) == 0);
	CHECK(setup() == 0);
	CHECK(fstatat(root_fd, "etc/hosts", &after, 0) == 0);
	CHECK(before.st_ino == after.st_ino);
	CHECK(fstatat(root_fd, "etc/network/interfaces", &after, 0) == 0);
	CHECK((after.st_mode & 0777) == 0640);
}

static void programs_that_the_ct_does_not_have_get_no_files(void)
{
	struct stat st;

	fresh();
	CHECK(setup() == 0);
	CHECK(fstatat(root_fd, "etc/network", &st, 0) < 0 && errno == ENOENT);
	CHECK(fstatat(root_fd, "etc/systemd", &st, 0) < 0 && errno == ENOENT);
	CHECK(fstatat(root_fd, "etc/netplan", &st, 0) < 0 && errno == ENOENT);
}

static void a_network_file_is_the_admins_once_our_first_line_is_gone(void)
{
	fresh();
	CHECK(mkdirat(root_fd, "etc/systemd", 0755) == 0);
	CHECK(mkdirat(root_fd, "etc/systemd/network", 0755) == 0);
	CHECK(mkdirat(root_fd, "etc/netplan", 0755) == 0);
	CHECK(setup() == 0);
	CHECK(file_has("root/etc/systemd/network/10-venet0.network", "Address=10.0.0.101/32\n"));
	CHECK(file_has("root/etc/netplan/10-berth.yaml", "\"10.0.0.101/32\""));
	put("root/etc/systemd/network/10-venet0.network", "# mine\n", 0644);
	CHECK(setup() == 0);
	CHECK(file_is("root/etc/systemd/network/10-venet0.network", "# mine\n"));
}

static void network_files_go_with_the_last_address(void)
{
	struct guest_config bare = config;
	struct stat st;

	bare.n_addrs = 0;
	CHECK(guest_setup(root_fd, &bare, NULL) == 0);
	CHECK(fstatat(root_fd, "etc/netplan/10-berth.yaml", &st, 0) < 0 && errno == ENOENT);
	CHECK(file_is("root/etc/systemd/network/10-venet0.network", "# mine\n"));
}

static void put_link(const char *target, const char *name)
{
	(void)unlinkat(root_fd, name, 0);
	CHECK(symlinkat(target, root_fd, name) == 0);
}

static bool exists(const char *path)
{
	return faccessat(root_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void name_servers_reach_the_program_that_writes_resolv_conf(void)
{
	static const char dropin[] = "etc/systemd/resolved.conf.d/10-berth.conf";
	struct berth_error err = {0};

	fresh();
	CHECK(mkdirat(root_fd, "etc/systemd", 0755) == 0);
	put_link("../run/systemd/resolve/stub-resolv.conf", "etc/resolv.conf");
	CHECK(setup() == 0 &&
	      file_has("root/etc/systemd/resolved.conf.d/10-berth.conf", "DNS=9.9.9.9\n"));
	CHECK(guest_check_resolver(root_fd, &config, &err) == 0);
	/* It is not in charge any more. */
	CHECK(unlinkat(root_fd, "etc/resolv.conf", 0) == 0);
	CHECK(setup() == 0 && !exists(dropin) && file_has("root/etc/resolv.conf", "9.9.9.9"));
	CHECK(mkdirat(root_fd, "etc/resolvconf", 0755) == 0 &&
	      mkdirat(root_fd, "etc/resolvconf/resolv.conf.d", 0755) == 0);
	put("root/etc/resolvconf/resolv.conf.d/base", "", 0644);
	put_link("/run/resolvconf/resolv.conf", "etc/resolv.conf");
	CHECK(setup() == 0 &&
	      file_has("root/etc/resolvconf/resolv.conf.d/base", "\nnameserver 9.9.9.9\n"));
	put_link("/run/connman/resolv.conf", "etc/resolv.conf");
	CHECK(setup() == 0 && guest_check_resolver(root_fd, &config, &err) == -ENOTSUP &&
	      strstr(err.msg, "--nameserver has no effect") != NULL);
	CHECK(file_is("root/etc/resolvconf/resolv.conf.d/base", ""));
}

static void without_systemd_a_root_gets_keys_and_a_machine_id(void)
{
	struct guest_config g = config;

	g.uuid = "0f3c5a9e-1111-4222-8333-444455556666";
	fresh();
	CHECK(mkdirat(root_fd, "etc/ssh", 0755) == 0 &&
	      mkdirat(root_fd, "etc/default", 0755) == 0 &&
	      mkdirat(root_fd, "etc/init.d", 0755) == 0);
	put("root/etc/init.d/ssh", "", 0755);
	put("root/etc/default/ssh", "SSHD_OPTS=\n", 0644);
	put("root/etc/machine-id", "", 0444);
	put("root/sbin/init", "", 0755);
	CHECK(guest_setup(root_fd, &g, NULL) == 0);
	CHECK(file_has("root/etc/default/ssh", "SSHD_OPTS=\n# BEGIN berth"));
	CHECK(file_is("root/etc/machine-id", "0f3c5a9e111142228333444455556666\n"));
	/* Made once; and an id that is there stays. */
	put("root/etc/ssh/ssh_host_rsa_key", "key\n", 0600);
	g.uuid = "00000000-1111-4222-8333-444455556666";
	CHECK(guest_setup(root_fd, &g, NULL) == 0);
	CHECK(file_is("root/etc/default/ssh", "SSHD_OPTS=\n"));
	CHECK(file_is("root/etc/machine-id", "0f3c5a9e111142228333444455556666\n"));
}

static void cron_is_changed_in_a_new_root_only(void)
{
	static const char line[] = "17 * * * * root run-parts /etc/cron.hourly\n";
	struct guest_config g = config;

	g.uuid = "0f3c5a9e-1111-4222-8333-444455556666";
	fresh();
	put("root/etc/crontab", line, 0644);
	CHECK(guest_setup(root_fd, &g, NULL) == 0 && file_is("root/etc/crontab", line));
	g.is_new = true;
	CHECK(guest_setup(root_fd, &g, NULL) == 0 && !file_is("root/etc/crontab", line));
	CHECK(file_has("root/etc/crontab", " * * * * root run-parts /etc/cron.hourly\n"));
}

static void links_lead_nowhere_outside(void)
{
	struct stat st;

	fresh();
	CHECK(unlinkat(root_fd, "etc", AT_REMOVEDIR) == 0);
	CHECK(symlinkat("../outside", root_fd, "etc") == 0);
	CHECK(setup() == 0);
	CHECK(fstatat(top_fd, "outside/hosts", &st, 0) < 0 && errno == ENOENT);
	CHECK(unlinkat(root_fd, "etc", 0) == 0 && mkdirat(root_fd, "etc", 0755) == 0);
	CHECK(symlinkat("../../outside/canary", root_fd, "etc/hosts") == 0);
	CHECK(symlinkat("/run/systemd/resolve/stub-resolv.conf", root_fd, "etc/resolv.conf") == 0);
	CHECK(setup() == 0);
	CHECK(file_is("outside/canary", "alive\n"));
	CHECK(fstatat(root_fd, "etc/resolv.conf", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	      S_ISLNK(st.st_mode));
	CHECK(file_is("root/etc/hostname", "ct101.example.com\n"));
}

static void a_planted_fifo_directory_or_giant_is_left_alone(void)
{
	auto_close int fd = -EBADF;
	struct stat st;

	fresh();
	CHECK(mkfifoat(root_fd, "etc/hosts", 0644) == 0);
	CHECK(mkdirat(root_fd, "etc/hostname", 0755) == 0);
	fd = openat(root_fd, "etc/resolv.conf", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	CHECK(fd >= 0 && ftruncate(fd, (off_t)1 << 40) == 0);
	CHECK(setup() == 0);
	CHECK(fstatat(root_fd, "etc/hosts", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISFIFO(st.st_mode));
	CHECK(fstatat(root_fd, "etc/resolv.conf", &st, 0) == 0 && st.st_size == (off_t)1 << 40);
}

static void a_failure_names_the_file_and_the_others_are_still_written(void)
{
	struct berth_error err = {0};

	fresh();
	CHECK(mkdirat(root_fd, "etc/hostname.tmp", 0755) == 0);
	CHECK(guest_setup(root_fd, &config, &err) < 0);
	CHECK(strstr(err.msg, "/etc/hostname") != NULL);
	CHECK(file_has("root/etc/hosts", "10.0.0.101"));
}

static void the_dropins_are_read_only_files_under_run(void)
{
	auto_close int run_fd = -EBADF;
	struct stat st;

	fresh();
	CHECK(mkdirat(root_fd, "run", 0755) == 0);
	run_fd = dir_open_at(root_fd, "run");
	CHECK(guest_run_dropins(run_fd, 252, NULL) == 0);
	CHECK(file_has("root/run/systemd/system/service.d/10-berth.conf",
		       "[Service]\nProtectHostname=no\nPrivateUsers=no\nPrivateTmp=no\n"));
	CHECK(file_has("root/run/systemd/system.conf.d/10-berth.conf",
		       "[Manager]\nDefaultMemoryPressureWatch=off\nDefaultOOMScoreAdjust=500\n"));
	CHECK(file_has("root/run/systemd/system/ssh-hostkeys.service",
		       "for t in ecdsa ed25519; do"));
	CHECK(file_has("root/run/systemd/system/ssh-hostkey-rsa.service",
		       "CPUSchedulingPolicy=idle\n"));
	CHECK(faccessat(run_fd, "systemd/system/ssh.service.wants/ssh-hostkey-rsa.timer", F_OK,
			0) == 0);
	CHECK(faccessat(run_fd, "systemd/system/sshd.service.wants/ssh-hostkeys.service", F_OK,
			0) == 0);
	CHECK(fstatat(run_fd, "systemd/system.conf.d/10-berth.conf", &st, 0) == 0 &&
	      (st.st_mode & 0777) == 0444);
	CHECK(fstatat(run_fd, "systemd/system", &st, 0) == 0 && (st.st_mode & 0777) == 0755);
	CHECK(file_has("root/run/systemd/system/systemd-sysusers.service.d/10-berth.conf",
		       "\n[Service]\nLoadCredential=\n"));
	CHECK(!file_has("root/run/systemd/system/getty@.service.d/10-berth.conf", "Import"));
}

static void a_new_systemd_imports_no_credentials_for_its_own_units(void)
{
	auto_close int run_fd = -EBADF;

	fresh();
	CHECK(mkdirat(root_fd, "run", 0755) == 0);
	run_fd = dir_open_at(root_fd, "run");
	CHECK(guest_run_dropins(run_fd, 257, NULL) == 0);
	CHECK(file_has("root/run/systemd/system/getty@.service.d/10-berth.conf",
		       "\n[Service]\nLoadCredential=\nImportCredential=\n"));
}

static void the_version_of_systemd_is_that_of_its_library(void)
{
	fresh();
	CHECK(guest_systemd_version(root_fd) == 0 && guest_systemd_check(root_fd, NULL) == 0);
	CHECK(mkdirat(root_fd, "usr", 0755) == 0 && mkdirat(root_fd, "usr/lib", 0755) == 0 &&
	      mkdirat(root_fd, "usr/lib/systemd", 0755) == 0);
	put("root/usr/lib/systemd/libsystemd-core-9.so", "", 0644);
	put("root/usr/lib/systemd/libsystemd-shared-x.so", "", 0644);
	CHECK(guest_systemd_version(root_fd) == 0);
	put("root/usr/lib/systemd/libsystemd-shared-239.so", "", 0644);
	put("root/usr/lib/systemd/libsystemd-shared-257.9-1.fc42.so", "", 0644);
	CHECK(guest_systemd_version(root_fd) == 257 && guest_systemd_check(root_fd, NULL) == 0);
}

static void a_systemd_that_cannot_boot_is_refused(void)
{
	static const char text[] =
		"\x7f"
		"ELF\0systemd 2x9\0systemd 2299\0systemd 229 running in %ssystem";
	struct berth_error err = {0};
	auto_close int fd = -EBADF;

	CHECK(guest_systemd_version_in(text, sizeof(text)) == 229);
	CHECK(guest_systemd_version_in(text, 30) == 0);
	fresh();
	CHECK(mkdirat(root_fd, "lib/systemd", 0755) == 0);
	fd = openat(root_fd, "lib/systemd/systemd", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	CHECK(fd >= 0 && fd_write_all(fd, text, sizeof(text)) == 0);
	CHECK(guest_systemd_check(root_fd, &err) == -ENOTSUP);
	CHECK(strstr(err.msg, "systemd is version 229") != NULL);
}

static enum guest_init kind_with(const char *target)
{
	fresh();
	put("root/lib/systemd", "x", 0755);
	put("root/sbin/busybox", "x", 0755);
	put("root/sbin/openrc-init", "x", 0755);
	put("root/sbin/runit-init", "x", 0755);
	put("root/sbin/sysv", "x", 0755);
	put("root/sbin/data", "x", 0644);
	CHECK(symlinkat(target, root_fd, "sbin/init") == 0);
	return guest_init_kind(root_fd);
}

static void the_init_is_known_by_what_its_link_leads_to(void)
{
	CHECK(kind_with("/lib/systemd") == GUEST_INIT_SYSTEMD);
	CHECK(guest_stop_signal(root_fd) == SIGRTMIN + 3);
	CHECK(kind_with("../sbin/busybox") == GUEST_INIT_BUSYBOX);
	CHECK(guest_stop_signal(root_fd) == SIGUSR2);
	CHECK(kind_with("openrc-init") == GUEST_INIT_OPENRC);
	CHECK(guest_stop_signal(root_fd) == SIGPWR);
	CHECK(kind_with("runit-init") == GUEST_INIT_RUNIT && guest_stop_signal(root_fd) == 0);
	CHECK(kind_with("sysv") == GUEST_INIT_OTHER && guest_stop_signal(root_fd) == SIGPWR);
	CHECK(guest_init_stop_command(GUEST_INIT_RUNIT) != NULL);
	CHECK(guest_init_stop_command(GUEST_INIT_SYSTEMD) == NULL);
}

static void a_program_called_init_is_sysvinit_when_it_has_a_telinit(void)
{
	fresh();
	put("root/sbin/init", "x", 0755);
	CHECK(guest_init_kind(root_fd) == GUEST_INIT_OTHER);
	CHECK(symlinkat("init", root_fd, "sbin/telinit") == 0);
	CHECK(guest_init_kind(root_fd) == GUEST_INIT_SYSV && guest_stop_signal(root_fd) == 0);
	CHECK(strcmp(guest_init_stop_command(GUEST_INIT_SYSV), "telinit 0") == 0);
}

static void an_init_outside_of_the_root_is_none(void)
{
	CHECK(kind_with("../../../../../../bin/sh") == GUEST_INIT_NONE);
	CHECK(guest_stop_signal(root_fd) == -ENOENT);
	CHECK(kind_with("data") == GUEST_INIT_NONE);
	CHECK(kind_with("init") == GUEST_INIT_NONE);
	CHECK(kind_with("/proc/self/exe") == GUEST_INIT_NONE);
}

int main(void)
{
	root_fd = -EBADF;
	if (mkdtemp(top) == NULL)
		return 1;
	top_fd = dir_open_at(AT_FDCWD, top);
	RUN(a_plain_root_gets_its_files);
	RUN(a_second_run_writes_nothing);
	RUN(programs_that_the_ct_does_not_have_get_no_files);
	RUN(a_network_file_is_the_admins_once_our_first_line_is_gone);
	RUN(network_files_go_with_the_last_address);
	RUN(name_servers_reach_the_program_that_writes_resolv_conf);
	RUN(without_systemd_a_root_gets_keys_and_a_machine_id);
	RUN(cron_is_changed_in_a_new_root_only);
	RUN(links_lead_nowhere_outside);
	RUN(a_planted_fifo_directory_or_giant_is_left_alone);
	RUN(a_failure_names_the_file_and_the_others_are_still_written);
	RUN(the_dropins_are_read_only_files_under_run);
	RUN(a_new_systemd_imports_no_credentials_for_its_own_units);
	RUN(the_version_of_systemd_is_that_of_its_library);
	RUN(a_systemd_that_cannot_boot_is_refused);
	RUN(the_init_is_known_by_what_its_link_leads_to);
	RUN(a_program_called_init_is_sysvinit_when_it_has_a_telinit);
	RUN(an_init_outside_of_the_root_is_none);
	fd_close(&root_fd);
	CHECK(tree_remove_at(AT_FDCWD, top) == 0);
	fd_close(&top_fd);
	return check_failures != 0;
}
