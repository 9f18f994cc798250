/* test_log.c - a line is one line, whatever is in it: tenants' words must not forge the log. */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static int out = -EBADF, saved = -EBADF;
static char text[8192];

static void begin(void)
{
	out = memfd_create("log", MFD_CLOEXEC);
	saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	CHECK(dup2(out, STDERR_FILENO) == STDERR_FILENO);
}

/* All that was logged since begin; the time of each line, which is checked, is left out. */
static const char *end(void)
{
	static const char pattern[] = "0000-00-00T00:00:00.000Z ";
	size_t to = 0;

	ssize_t n = pread(out, text, sizeof(text) - 1, 0);

	CHECK(dup2(saved, STDERR_FILENO) == STDERR_FILENO);
	fd_close(&saved);
	fd_close(&out);
	text[n > 0 ? n : 0] = '\0';
	for (size_t from = 0; text[from] != '\0';) {
		for (size_t i = 0; pattern[i] != '\0'; i++, from++)
			CHECK(pattern[i] == '0' ? text[from] >= '0' && text[from] <= '9'
						: text[from] == pattern[i]);
		do
			text[to++] = text[from];
		while (text[from++] != '\n');
	}
	text[to] = '\0';
	return text;
}

static void program_level_and_ct_stand_in_front(void)
{
	log_init("berthd", LOG_LV_INFO);
	begin();
	log_line(LOG_LV_ERROR, 101, "disk %d%% full", 99);
	log_line(LOG_LV_INFO, 0, "ready");
	CHECK(strcmp(end(), "berthd: error: ct=101 disk 99% full\nberthd: info: ready\n") == 0);
}

static void the_ct_is_named_once(void)
{
	log_init("berthd", LOG_LV_INFO);
	begin();
	log_line(LOG_LV_ERROR, 101, "set: CT 101: no room");
	log_line(LOG_LV_ERROR, 101, "CT 101: no room");
	log_line(LOG_LV_ERROR, 101, "start: its address is CT 101: no, CT 102: yes");
	log_line(LOG_LV_ERROR, 102, "start: CT 101: has its address");
	log_line(LOG_LV_ERROR, 0, "CT 101: no room");
	CHECK(strcmp(end(), "berthd: error: ct=101 set: no room\n"
			    "berthd: error: ct=101 no room\n"
			    "berthd: error: ct=101 start: its address is CT 101: no, CT 102: yes\n"
			    "berthd: error: ct=102 start: CT 101: has its address\n"
			    "berthd: error: CT 101: no room\n") == 0);
}

static void what_is_above_the_level_is_left_out(void)
{
	log_init("berthd", LOG_LV_WARNING);
	begin();
	log_line(LOG_LV_INFO, 0, "no");
	log_line(LOG_LV_DEBUG, 0, "no");
	log_line(LOG_LV_WARNING, 0, "yes");
	CHECK(strcmp(end(), "berthd: warning: yes\n") == 0);
}

static void a_line_cannot_be_forged(void)
{
	log_init("x", LOG_LV_INFO);
	begin();
	log_line(LOG_LV_INFO, 0, "%s", "a\nx: error: forged\r\x1b[2J\x7f\t.");
	CHECK(strcmp(end(), "x: info: a\\x0ax: error: forged\\x0d\\x1b[2J\\x7f\\x09.\n") == 0);
	begin();
	log_line(LOG_LV_INFO, 0, "%s", "\xc3\xa4\xe2\x82\xac");
	CHECK(strcmp(end(), "x: info: \xc3\xa4\xe2\x82\xac\n") == 0);
}

static void a_long_line_is_cut_and_still_one_line(void)
{
	static char long_text[5000];
	const char *line;

	log_init("x", LOG_LV_INFO);
	for (int i = 0; i < 2; i++) {
		memset(long_text, i == 0 ? 'a' : '\n', sizeof(long_text) - 1);
		begin();
		log_line(LOG_LV_INFO, 4294967294U, "%s", long_text);
		line = end();
		CHECK(strlen(line) < 2600 && strlen(line) > 500);
		CHECK(strchr(line, '\n') == line + strlen(line) - 1);
	}
}

/* A pipe that nobody reads, a closed descriptor: a program goes on without its log. */
static void nowhere_to_write_is_no_end(void)
{
	saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	(void)close(STDERR_FILENO);
	log_line(LOG_LV_ERROR, 0, "lost");
	CHECK(dup2(saved, STDERR_FILENO) == STDERR_FILENO);
	fd_close(&saved);
}

/* Until the next: the journal has the time and the program, and takes the priority. */
static void the_journal_gets_priorities(void)
{
	char stream[64];
	struct stat st;
	ssize_t n;

	begin();
	CHECK(fstat(out, &st) == 0);
	(void)snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
		       (uintmax_t)st.st_ino);
	CHECK(setenv("JOURNAL_STREAM", stream, 1) == 0);
	log_init("berthd", LOG_LV_INFO);
	log_line(LOG_LV_ERROR, 101, "bad");
	log_line(LOG_LV_WARNING, 0, "so so");
	log_line(LOG_LV_INFO, 0, "good");
	CHECK(log_environment() != NULL && strcmp(log_environment() + 15, stream) == 0);
	CHECK(log_place(text, sizeof(text)) == 0 && strcmp(text, "journal") == 0);
	n = pread(out, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	CHECK(strcmp(text, "<3>berthd: ct=101 bad\n<4>berthd: so so\n<6>berthd: good\n") == 0);
	/* Born with the variable, but with another stderr. */
	CHECK(setenv("JOURNAL_STREAM", "1:1", 1) == 0);
	log_init("berthd", LOG_LV_INFO);
	CHECK(log_environment() == NULL);
	CHECK(dup2(saved, STDERR_FILENO) == STDERR_FILENO);
	fd_close(&saved);
	fd_close(&out);
}

static void a_log_file_has_a_place(void)
{
	char path[] = "/tmp/test_log.XXXXXX";
	int fd = mkstemp(path);

	CHECK(fd >= 0);
	saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	CHECK(dup2(fd, STDERR_FILENO) == STDERR_FILENO);
	CHECK(log_place(text, sizeof(text)) == 0 && strcmp(text, path) == 0);
	CHECK(log_place(text, 4) == -ENOENT);
	CHECK(unlink(path) == 0 && log_place(text, sizeof(text)) == -ENOENT);
	CHECK(dup2(saved, STDERR_FILENO) == STDERR_FILENO);
	fd_close(&saved);
	fd_close(&fd);
}

int main(void)
{
	RUN(program_level_and_ct_stand_in_front);
	RUN(the_ct_is_named_once);
	RUN(what_is_above_the_level_is_left_out);
	RUN(a_line_cannot_be_forged);
	RUN(a_long_line_is_cut_and_still_one_line);
	RUN(the_journal_gets_priorities);
	RUN(a_log_file_has_a_place);
	RUN(nowhere_to_write_is_no_end);
	return check_failures != 0;
}
