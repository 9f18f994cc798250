/* test_guest_login.c - passwords and keys in a root that its tenant may have prepared. */
#include "templates/guest_login.h"

#include "check.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHADOW "daemon:*:1:0:9:7:::\nroot:!old:2:0:99999:7:::\nmail:*:3::::::\n"

static char top[] = "/tmp/berth-login-XXXXXX";
static int top_fd, root_fd;
static struct berth_error err;

static const struct guest_login login = {
	.user = "root", .hash = "$6$s$h", .keys = "ssh-rsa AAAA new\n", .day = 20000};

static void put(const char *path, const char *text, mode_t mode)
{
	auto_close int fd = openat(top_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	CHECK(fd >= 0 && fd_write_all(fd, text, strlen(text)) == 0 && fchmod(fd, mode) == 0);
}

static bool file_is(const char *path, const char *text)
{
	auto_free char *got = NULL;

	return file_read_at(top_fd, path, 65536, &got, NULL) == 0 && strcmp(got, text) == 0;
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	return fstatat(top_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_mode & 07777 : 0;
}

static void fresh(void)
{
	fd_close(&root_fd);
	CHECK(tree_remove_at(top_fd, "root") == 0 && tree_remove_at(top_fd, "outside") == 0);
	CHECK(mkdirat(top_fd, "root", 0755) == 0 && mkdirat(top_fd, "root/etc", 0755) == 0);
	CHECK(mkdirat(top_fd, "outside", 0755) == 0);
	put("outside/shadow", SHADOW, 0600);
	put("root/etc/passwd", "root:x:0:0::/root:/bin/sh\nold:hash:5:5::/:/bin/sh\n", 0644);
	put("root/etc/shadow", SHADOW, 0640);
	root_fd = dir_open_at(top_fd, "root");
}

static void a_password_changes_its_field_and_its_day_alone(void)
{
	fresh();
	CHECK(fchownat(top_fd, "root/etc/shadow", 0, 42, 0) == 0 || geteuid() != 0);
	CHECK(guest_login_set(root_fd, &login, &err) == 0);
	CHECK(file_is("root/etc/shadow",
		      "daemon:*:1:0:9:7:::\nroot:$6$s$h:20000:0:99999:7:::\nmail:*:3::::::\n"));
	CHECK(mode_of("root/etc/shadow") == 0640);
	CHECK(file_is("root/root/.ssh/authorized_keys", "ssh-rsa AAAA new\n"));
	CHECK(mode_of("root/root/.ssh") == 0700 &&
	      mode_of("root/root/.ssh/authorized_keys") == 0600);
}

static void without_shadow_it_is_in_passwd(void)
{
	const struct guest_login l = {.user = "old", .hash = "$6$s$h", .day = 1};

	fresh();
	CHECK(guest_login_set(root_fd, &l, &err) == 0);
	CHECK(file_is("root/etc/passwd", "root:x:0:0::/root:/bin/sh\nold:$6$s$h:5:5::/:/bin/sh\n"));
	CHECK(file_is("root/etc/shadow", SHADOW));
}

static void a_key_is_added_once_and_others_stay(void)
{
	fresh();
	CHECK(mkdirat(root_fd, "root", 0700) == 0 && mkdirat(root_fd, "root/.ssh", 0700) == 0);
	put("root/root/.ssh/authorized_keys", "ssh-rsa BBBB theirs", 0600);
	CHECK(guest_login_set(root_fd, &login, &err) == 0);
	CHECK(guest_login_set(root_fd, &login, &err) == 0);
	CHECK(file_is("root/root/.ssh/authorized_keys", "ssh-rsa BBBB theirs\nssh-rsa AAAA new\n"));
}

static void a_user_that_is_not_there_changes_nothing(void)
{
	struct guest_login l = login;

	fresh();
	l.user = "nobody";
	CHECK(guest_login_set(root_fd, &l, &err) == -ENOENT && err.code == BERTH_ERR_PASSWD);
	CHECK(strstr(err.msg, "'nobody'") != NULL);
	CHECK(file_is("root/etc/shadow", SHADOW));
	CHECK(faccessat(root_fd, "root/.ssh/authorized_keys", F_OK, 0) < 0);
}

static void a_link_leads_nowhere(void)
{
	fresh();
	CHECK(unlinkat(root_fd, "etc/shadow", 0) == 0);
	CHECK(symlinkat("../../outside/shadow", root_fd, "etc/shadow") == 0);
	CHECK(guest_login_set(root_fd, &login, &err) < 0 && err.code == BERTH_ERR_PASSWD);
	CHECK(strstr(err.msg, "/etc/shadow is no plain file") != NULL);
	CHECK(file_is("outside/shadow", SHADOW));
	/* etc itself: it leads back into the root. */
	fresh();
	CHECK(renameat(root_fd, "etc", root_fd, "real") == 0);
	CHECK(symlinkat("../../../outside", root_fd, "etc") == 0);
	CHECK(guest_login_set(root_fd, &login, &err) < 0);
	CHECK(file_is("outside/shadow", SHADOW));
	CHECK(unlinkat(root_fd, "etc", 0) == 0 && symlinkat("/real", root_fd, "etc") == 0);
	CHECK(guest_login_set(root_fd, &login, &err) == 0);
	CHECK(file_is("outside/shadow", SHADOW) && !file_is("root/real/shadow", SHADOW));
}

static void nobody_is_waited_for(void)
{
	fresh();
	CHECK(unlinkat(root_fd, "etc/shadow", 0) == 0 &&
	      mkfifoat(root_fd, "etc/shadow", 0600) == 0);
	CHECK(guest_login_set(root_fd, &login, &err) < 0);
	fresh();
	CHECK(unlinkat(root_fd, "etc/passwd", 0) == 0 &&
	      mkfifoat(root_fd, "etc/passwd", 0600) == 0);
	CHECK(guest_login_set(root_fd, &login, &err) < 0);
	fresh();
	CHECK(symlinkat("/outside/lock", root_fd, "etc/.pwd.lock") == 0);
	CHECK(guest_login_set(root_fd, &login, &err) < 0);
	fresh();
	CHECK(unlinkat(root_fd, "etc/shadow", 0) == 0 && mkdirat(root_fd, "etc/shadow", 0700) == 0);
	CHECK(guest_login_set(root_fd, &login, &err) < 0);
}

int main(void)
{
	if (mkdtemp(top) == NULL)
		return 1;
	top_fd = dir_open_at(AT_FDCWD, top);
	RUN(a_password_changes_its_field_and_its_day_alone);
	RUN(without_shadow_it_is_in_passwd);
	RUN(a_key_is_added_once_and_others_stay);
	RUN(a_user_that_is_not_there_changes_nothing);
	RUN(a_link_leads_nowhere);
	RUN(nobody_is_waited_for);
	(void)tree_remove_at(AT_FDCWD, top);
	return check_failures != 0;
}
