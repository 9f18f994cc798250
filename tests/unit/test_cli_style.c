/* test_cli_style.c - colours and widths belong on a terminal, and only where they are wanted. */
#include "runtime/cli/style.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static FILE *terminal(unsigned short columns)
{
	struct winsize size = {.ws_row = 24, .ws_col = columns};
	static int master;
	int fd;

	if (master > 0)
		(void)close(master);
	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	CHECK(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	fd = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	CHECK(fd >= 0 && ioctl(fd, TIOCSWINSZ, &size) == 0);
	return fdopen(fd, "w");
}

static void a_terminal_has_colours_and_a_width(void)
{
	FILE *t = terminal(97);

	CHECK(setenv("TERM", "xterm", 1) == 0 && unsetenv("NO_COLOR") == 0 &&
	      unsetenv("COLUMNS") == 0);
	CHECK(strcmp(style_begin(t, STYLE_BAD), "\033[31m") == 0);
	CHECK(strcmp(style_end(t), "\033[0m") == 0);
	CHECK(style_begin(t, STYLE_NONE)[0] == '\0');
	CHECK(style_columns(t) == 97);
	CHECK(setenv("COLUMNS", "50", 1) == 0 && style_columns(t) == 50);
	CHECK(setenv("COLUMNS", "many", 1) == 0 && style_columns(t) == 97);
	(void)fclose(t);
}

static void the_environment_can_refuse_colours(void)
{
	FILE *t = terminal(80);

	CHECK(setenv("TERM", "xterm", 1) == 0 && setenv("NO_COLOR", "1", 1) == 0);
	CHECK(style_begin(t, STYLE_BAD)[0] == '\0' && style_end(t)[0] == '\0');
	/* no-color.org: an empty one is none. */
	CHECK(setenv("NO_COLOR", "", 1) == 0 && style_begin(t, STYLE_BAD)[0] != '\0');
	CHECK(setenv("TERM", "dumb", 1) == 0 && style_begin(t, STYLE_BAD)[0] == '\0');
	CHECK(unsetenv("TERM") == 0 && style_begin(t, STYLE_BAD)[0] == '\0');
	(void)fclose(t);
}

static void a_pipe_and_a_file_have_neither(void)
{
	FILE *f = tmpfile();
	char *text = NULL;
	size_t size;
	FILE *m = open_memstream(&text, &size);

	CHECK(setenv("TERM", "xterm", 1) == 0 && setenv("COLUMNS", "50", 1) == 0);
	CHECK(style_begin(f, STYLE_BAD)[0] == '\0' && style_columns(f) == 0);
	CHECK(style_begin(m, STYLE_BAD)[0] == '\0' && style_columns(m) == 0);
	(void)fclose(f);
	(void)fclose(m);
	free(text);
}

int main(void)
{
	RUN(a_terminal_has_colours_and_a_width);
	RUN(the_environment_can_refuse_colours);
	RUN(a_pipe_and_a_file_have_neither);
	return check_failures != 0;
}
