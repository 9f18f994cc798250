/*
 * test_conf.c - KEY="value" files: what survives a rewrite, what is refused, what is saved.
 *
 * covers: runtime/config/file.c
 */
#include "runtime/base/cleanup.h"
#include "runtime/config/file.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static struct conf_file *parse(const char *text)
{
	struct conf_file *f = NULL;

	CHECK(conf_parse(text, strlen(text), &f, NULL) == 0);
	return f;
}

static void check_format(const struct conf_file *f, const char *want)
{
	auto_free char *text = NULL;

	CHECK(conf_format(f, &text) == 0);
	CHECK(text != NULL && strcmp(text, want) == 0);
	if (text != NULL && strcmp(text, want) != 0)
		(void)fprintf(stderr, "got:\n%s", text);
}

static void comments_order_and_unknown_keys_survive(void)
{
	struct conf_file *f = parse("# head\n\nA=\"1\"\n  FOO='x y'   # why\nB=plain\n# tail");

	CHECK(strcmp(conf_get(f, "FOO"), "x y") == 0);
	CHECK(strcmp(conf_get(f, "B"), "plain") == 0);
	CHECK(conf_set(f, "A", "2") == 0);
	CHECK(conf_set(f, "C", "3") == 0);
	check_format(f, "# head\n\nA=\"2\"\n  FOO='x y'   # why\nB=plain\n# tail\nC=\"3\"\n");
	conf_unset(f, "FOO");
	CHECK(conf_get(f, "FOO") == NULL);
	check_format(f, "# head\n\nA=\"2\"\nB=plain\n# tail\nC=\"3\"\n");
	conf_free(f);
}

static void the_last_of_several_lines_wins(void)
{
	struct conf_file *f = parse("A=1\nA=2\n");

	CHECK(strcmp(conf_get(f, "A"), "2") == 0);
	CHECK(conf_set(f, "A", "3") == 0);
	CHECK(strcmp(conf_get(f, "A"), "3") == 0);
	conf_unset(f, "A");
	CHECK(conf_get(f, "A") == NULL);
	conf_free(f);
}

static void check_refused(const char *text, size_t len, const char *where)
{
	struct conf_file *f = NULL;
	struct berth_error err = {0};

	CHECK(conf_parse(text, len, &f, &err) == -EINVAL);
	CHECK(f == NULL && err.code == BERTH_ERR_BROKEN);
	CHECK(strstr(err.msg, where) != NULL);
}

static void a_bad_line_is_refused_by_its_number(void)
{
	check_refused("A=1\nexport B=2\n", 15, "line 2");
	check_refused("A=\"1\n", 5, "line 1");
	check_refused("\n\nA=\"1\"2\n", 9, "line 3");
	check_refused("A=a b\n", 6, "line 1");
	check_refused("A=\x1b[2J\n", 7, "line 1");
	check_refused("A=x\0y\n", 6, "line 1");
	check_refused("1A=x\n", 5, "line 1");
	check_refused("A=x\r\n", 5, "line 1");
	check_refused("A='say \"x\"'\n", 12, "line 1");
}

static void nothing_is_evaluated(void)
{
	struct conf_file *f = parse("A=\"$(reboot) `id` $HOME \\n\"\n");

	CHECK(strcmp(conf_get(f, "A"), "$(reboot) `id` $HOME \\n") == 0);
	conf_free(f);
}

static void a_value_that_cannot_be_written_is_refused(void)
{
	char longer[CONF_VALUE_MAX + 2];
	struct conf_file *f = parse("A=1\n");

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	CHECK(conf_set(f, "A", "x\nB=1") == -EINVAL);
	CHECK(conf_set(f, "A", "say \"x\"") == -EINVAL);
	CHECK(conf_set(f, "A", longer) == -EINVAL);
	CHECK(conf_set(f, "A B", "x") == -EINVAL);
	CHECK(conf_set(f, "", "x") == -EINVAL);
	check_format(f, "A=1\n");
	conf_free(f);
}

static void an_empty_text_is_a_valid_file(void)
{
	struct conf_file *f = parse("");

	check_format(f, "");
	conf_free(f);
	conf_free(NULL);
}

static void a_file_over_the_size_limit_is_refused(void)
{
	auto_free char *big = malloc(CONF_FILE_MAX + 1);
	struct conf_file *f = NULL;

	memset(big, '\n', CONF_FILE_MAX + 1);
	CHECK(conf_parse(big, CONF_FILE_MAX + 1, &f, NULL) == -EFBIG);
}

static void count_key(const char *key, const char *value, void *data)
{
	(void)value;
	*(size_t *)data += strlen(key);
}

static void each_key_is_seen_once(void)
{
	struct conf_file *f = parse("A=1\n#x\nBB=2\nA=3\n");
	size_t n = 0;

	conf_each(f, count_key, &n);
	CHECK(n == 3);
	conf_free(f);
}

static void what_is_saved_is_what_is_loaded(void)
{
	char dir[] = "/tmp/berth-test-conf.XXXXXX";
	struct conf_file *f = parse("# c\nA=\"1\"\n"), *g = NULL;
	struct berth_error err = {0};
	auto_close int fd = -EBADF;
	struct stat st;

	CHECK(mkdtemp(dir) != NULL);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(conf_load_at(fd, "101.conf", &g, &err) == -ENOENT);
	CHECK(strstr(err.msg, "101.conf") != NULL);
	CHECK(conf_save_at(fd, "101.conf", f, &err) == 0);
	CHECK(conf_load_at(fd, "101.conf", &g, &err) == 0);
	if (g != NULL)
		check_format(g, "# c\nA=\"1\"\n");
	CHECK(fstatat(fd, "101.conf", &st, 0) == 0 && (st.st_mode & 0777) == 0644);
	conf_free(g);
	conf_free(f);
	(void)unlinkat(fd, "101.conf", 0);
	(void)rmdir(dir);
}

static void a_copy_is_its_own(void)
{
	struct conf_file *f = parse("A=1\n"), *g = conf_copy(f);

	CHECK(g != NULL && conf_set(g, "A", "2") == 0);
	CHECK(strcmp(conf_get(f, "A"), "1") == 0);
	conf_free(g);
	conf_free(f);
}

int main(void)
{
	RUN(comments_order_and_unknown_keys_survive);
	RUN(the_last_of_several_lines_wins);
	RUN(a_bad_line_is_refused_by_its_number);
	RUN(nothing_is_evaluated);
	RUN(a_value_that_cannot_be_written_is_refused);
	RUN(an_empty_text_is_a_valid_file);
	RUN(a_file_over_the_size_limit_is_refused);
	RUN(each_key_is_seen_once);
	RUN(what_is_saved_is_what_is_loaded);
	RUN(a_copy_is_its_own);
	return check_failures != 0;
}
