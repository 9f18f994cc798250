/* test_identity.c - what makes a system itself leaves it, and nothing else does. */
#include "templates/identity.h"

#include "check.h"
#include "runtime/base/fd.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char top[] = "/tmp/berth-identity-XXXXXX";
static int top_fd, root_fd;

static void put(const char *dir, const char *name, const char *text)
{
	char path[256];

	for (const char *p = dir; (p = strchr(p, '/')) != NULL; p++) {
		(void)snprintf(path, sizeof(path), "%.*s", (int)(p - dir), dir);
		(void)mkdirat(root_fd, path, 0755);
	}
	(void)mkdirat(root_fd, dir, 0755);
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	CHECK(file_replace_at(root_fd, path, text, strlen(text), 0755, false) == 0);
}

static bool there(const char *path)
{
	return faccessat(root_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void fresh(void)
{
	if (root_fd >= 0)
		(void)close(root_fd);
	CHECK(tree_remove_at(top_fd, "root") == 0);
	CHECK(mkdirat(top_fd, "root", 0755) == 0);
	root_fd = dir_open_at(top_fd, "root");
	CHECK(root_fd >= 0);
}

static void keys_ids_and_seeds_go_and_the_rest_stays(void)
{
	char found[IDENTITY_TEXT_MAX];
	struct stat st;

	fresh();
	put("etc/ssh", "ssh_host_ed25519_key", "k");
	put("etc/ssh", "ssh_host_ed25519_key.pub", "k");
	put("etc/ssh", "sshd_config", "c");
	put("etc/ssh", "ssh_host_key_policy", "c");
	put("etc", "machine-id", "0123456789abcdef0123456789abcdef\n");
	put("var/lib/dbus", "machine-id", "0123456789abcdef0123456789abcdef\n");
	put("var/lib/systemd", "random-seed", "s");
	put("var/lib/systemd", "timers", "t");
	CHECK(identity_remove(root_fd, found) == 0);
	CHECK(strcmp(found, "SSH host keys, machine-id, random seed") == 0);
	CHECK(!there("etc/ssh/ssh_host_ed25519_key") && !there("etc/ssh/ssh_host_ed25519_key.pub"));
	CHECK(!there("var/lib/dbus/machine-id") && !there("var/lib/systemd/random-seed"));
	CHECK(there("etc/ssh/sshd_config") && there("etc/ssh/ssh_host_key_policy"));
	CHECK(there("var/lib/systemd/timers"));
	CHECK(fstatat(root_fd, "etc/machine-id", &st, AT_SYMLINK_NOFOLLOW) == 0);
	CHECK(S_ISREG(st.st_mode) && st.st_size == 0 && (st.st_mode & 0777) == 0444);
	CHECK(identity_remove(root_fd, found) == 0 && found[0] == '\0');
}

static void a_root_without_any_gets_none(void)
{
	char found[IDENTITY_TEXT_MAX];

	fresh();
	CHECK(identity_remove(root_fd, found) == 0 && found[0] == '\0');
	put("etc", "passwd", "x");
	put("sbin", "init", "x");
	CHECK(identity_remove(root_fd, found) == 0);
	CHECK(!there("etc/machine-id"));
	/* With systemd a missing one would mean a first boot. */
	put("lib/systemd", "systemd", "x");
	CHECK(unlinkat(root_fd, "sbin/init", 0) == 0);
	CHECK(symlinkat("/lib/systemd/systemd", root_fd, "sbin/init") == 0);
	CHECK(identity_remove(root_fd, found) == 0);
	CHECK(there("etc/machine-id"));
}

static void links_lead_to_nothing_outside(void)
{
	char found[IDENTITY_TEXT_MAX];

	fresh();
	CHECK(mkdirat(top_fd, "outside", 0755) == 0);
	CHECK(file_replace_at(top_fd, "outside/ssh_host_rsa_key", "k", 1, 0600, false) == 0);
	CHECK(file_replace_at(top_fd, "outside/id", "i", 1, 0600, false) == 0);
	put("etc", "passwd", "x");
	CHECK(symlinkat("../../outside", root_fd, "etc/ssh") == 0);
	CHECK(symlinkat("../../outside/id", root_fd, "etc/machine-id") == 0);
	CHECK(identity_remove(root_fd, found) == 0);
	CHECK(faccessat(top_fd, "outside/ssh_host_rsa_key", F_OK, 0) == 0);
	CHECK(faccessat(top_fd, "outside/id", F_OK, 0) == 0);
}

int main(void)
{
	CHECK(mkdtemp(top) != NULL);
	top_fd = dir_open_at(AT_FDCWD, top);
	root_fd = -1;
	RUN(keys_ids_and_seeds_go_and_the_rest_stays);
	RUN(a_root_without_any_gets_none);
	RUN(links_lead_to_nothing_outside);
	CHECK(tree_remove_at(AT_FDCWD, top) == 0);
	return check_failures != 0;
}
