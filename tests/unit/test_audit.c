/* test_audit.c - the file of who did what: whole lines, bounded, and who a process is. */
#include "runtime/daemon/audit.h"
#include "tests/unit/check.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/test_audit.XXXXXX", path[64], older[64];

static off_t size_of(const char *name)
{
	struct stat st;

	return stat(name, &st) < 0 ? -1 : st.st_size;
}

static void a_full_file_is_put_aside_and_the_one_before_goes(void)
{
	struct stat st;

	CHECK(audit_append(path, 8, "first\n", 6) == 0);
	CHECK(audit_append(path, 8, "second\n", 7) == 0); /* 6 bytes are not 8 */
	CHECK(size_of(path) == 13 && size_of(older) == -1);
	CHECK(audit_append(path, 8, "third\n", 6) == 0);
	CHECK(size_of(path) == 6 && size_of(older) == 13);
	CHECK(audit_append(path, 5, "4\n", 2) == 0);
	CHECK(size_of(path) == 2 && size_of(older) == 6);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
}

static void a_line_that_was_cut_hides_no_other(void)
{
	(void)unlink(path);
	CHECK(audit_append(path, 99, "cu", 2) == 0);
	CHECK(audit_append(path, 99, "next\n", 5) == 0);
	CHECK(size_of(path) == 8);
	CHECK(audit_append(path, 99, "3\n", 2) == 0);
	CHECK(size_of(path) == 10);
}

static void what_cannot_be_written_is_an_error(void)
{
	CHECK(audit_append("/proc/no/such", 8, "x\n", 2) < 0);
	(void)unlink(path);
	CHECK(symlink("/tmp/elsewhere", path) == 0);
	CHECK(audit_append(path, 8, "x\n", 2) < 0);
}

static void who_is_the_program_and_cannot_add_a_line(void)
{
	char who[320];

	CHECK(prctl(PR_SET_NAME, "a\nct=9 b") == 0);
	audit_who(getpid(), who, sizeof(who));
	CHECK(strstr(who, " program=\"a\\x0act=9 b\"") != NULL);
	CHECK(strchr(who, '\n') == NULL);
	audit_who(0x7ffffffe, who, sizeof(who));
	CHECK(who[0] == '\0');
	audit_who(getpid(), who, 8);
	CHECK(strlen(who) < 8);
}

int main(void)
{
	CHECK(mkdtemp(dir) != NULL);
	(void)snprintf(path, sizeof(path), "%s/audit.log", dir);
	(void)snprintf(older, sizeof(older), "%s/audit.log.1", dir);
	RUN(a_full_file_is_put_aside_and_the_one_before_goes);
	RUN(a_line_that_was_cut_hides_no_other);
	RUN(what_cannot_be_written_is_an_error);
	RUN(who_is_the_program_and_cannot_add_a_line);
	(void)unlink(path);
	(void)unlink(older);
	(void)rmdir(dir);
	return check_failures != 0;
}
