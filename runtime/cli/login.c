/* login.c - a password and SSH keys of a command line. */
#include "runtime/cli/login.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"

#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum {
	PASSWORD_MAX = 511 /* crypt(3) takes no longer one */
};

static int hash_password(const char *password, char hash[CRYPT_OUTPUT_SIZE],
			 struct berth_error *err)
{
	auto_free struct crypt_data *data = calloc(1, sizeof(*data));
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	const char *made;

	if (data == NULL)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "hash the password");
	if (crypt_gensalt_rn("$6$", 0, NULL, 0, setting, (int)sizeof(setting)) == NULL)
		return berth_error_sys(err, errno, "make a salt");
	made = crypt_r(password, setting, data);
	if (made == NULL || made[0] == '*')
		return berth_error_sys(err, errno, "hash the password");
	(void)snprintf(hash, CRYPT_OUTPUT_SIZE, "%s", made);
	explicit_bzero(data, sizeof(*data));
	return 0;
}

static bool has_control(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return true;
	return false;
}

int login_hash(const char *text, bool crypted, char *buf, size_t size, struct berth_error *err)
{
	char user[LOGIN_USER_MAX + 1], password[PASSWORD_MAX + 1], hash[CRYPT_OUTPUT_SIZE];
	size_t n_user = strcspn(text, ":"), len;
	int r = 0;

	if (text[n_user] != ':')
		return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
				       "--userpasswd needs USER:PASSWORD, or - to read that from "
				       "standard input");
	(void)snprintf(user, sizeof(user), "%.*s", n_user > LOGIN_USER_MAX ? 0 : (int)n_user, text);
	if (!login_user_is_valid(user))
		return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
				       "--userpasswd: invalid name of a user; it has letters, "
				       "digits, '_', '.' and '-', at most %d",
				       LOGIN_USER_MAX);
	text += n_user + 1;
	len = strlen(text);
	if (len > 0 && text[len - 1] == '\n')
		len--;
	if (len == 0 || len > PASSWORD_MAX)
		return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
				       "--userpasswd: a password has 1 to %d characters",
				       PASSWORD_MAX);
	memcpy(password, text, len);
	password[len] = '\0';
	if (has_control(password))
		r = berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
				    "--userpasswd: the password has a control character");
	else if (crypted && !login_hash_is_valid(password))
		r = berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
				    "--crypted: that is no hash as in shadow(5)");
	else if (!crypted)
		r = hash_password(password, hash, err);
	if (r == 0)
		(void)snprintf(buf, size, "%s:%s\n", user, crypted ? password : hash);
	explicit_bzero(password, sizeof(password));
	return r;
}

/* A file that nobody can change any more. */
static int sealed(const char *name, const char *text, size_t len, struct berth_error *err)
{
	auto_close int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r = fd < 0 ? -errno : fd_write_all(fd, text, len);

	if (r == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		r = -errno;
	return r < 0 ? berth_error_sys(err, r, "hand over --%s", name) : take_fd(&fd);
}

static int add(struct login *l, const char *word, const char *text, struct berth_error *err)
{
	int fd = sealed(word, text, strlen(text), err);

	if (fd < 0)
		return fd;
	if (l->words == NULL)
		l->words = json_array();
	(void)json_array_append_new(l->words, json_string(word));
	l->fds[l->n++] = fd;
	return 0;
}

/* A small text; "-": of standard input. The caller frees *ret. */
static int read_input(const char *option, const char *path, char **ret, struct berth_error *err)
{
	auto_close int opened =
		strcmp(path, "-") == 0 ? -EBADF : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : opened;
	auto_free char *text = calloc(1, LOGIN_TEXT_MAX + 1);
	ssize_t n;

	if (text == NULL)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "--%s", option);
	n = fd < 0 ? -errno : fd_read_all(fd, text, LOGIN_TEXT_MAX + 1);
	if (n < 0)
		return berth_error_set(err, BERTH_ERR_VALUE, (int)-n, "--%s %.100s: %s", option,
				       path, strerror((int)-n));
	if (n > LOGIN_TEXT_MAX || memchr(text, '\0', (size_t)n) != NULL)
		return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
				       "--%s %.100s: that is no text of at most %d KiB", option,
				       path, LOGIN_TEXT_MAX / 1024);
	*ret = take_ptr(text);
	return 0;
}

/* What ps(1) shows of it from now on. */
static void hide(const char *value, const struct args *a)
{
	for (int i = 0; i < a->argc; i++) {
		char *word = a->argv[i], *end = word + strlen(word);

		if (value >= word && value < end)
			memset(word + (value - word), '*', (size_t)(end - value));
	}
}

static int add_password(const struct settings_flags *flags, const struct args *a, struct login *l,
			struct berth_error *err)
{
	char line[LOGIN_USER_MAX + CRYPT_OUTPUT_SIZE + 8];
	char *typed = NULL;
	int r = 0;

	if (strcmp(flags->userpasswd, "-") == 0)
		r = read_input("userpasswd", "-", &typed, err);
	else
		typed = strdup(flags->userpasswd);
	hide(flags->userpasswd, a);
	if (r == 0 && typed == NULL)
		r = berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "--userpasswd");
	if (r == 0)
		r = login_hash(typed, flags->crypted, line, sizeof(line), err);
	if (typed != NULL)
		explicit_bzero(typed, strlen(typed));
	free(typed);
	return r < 0 ? r : add(l, LOGIN_PASSWORD, line, err);
}

static int add_keys(const char *path, struct login *l, struct berth_error *err)
{
	auto_free char *text = NULL;
	int r = read_input("sshkey", path, &text, err);
	unsigned int line;
	const char *why;

	if (r < 0)
		return r;
	why = login_keys_trouble(text, &line);
	if (why != NULL)
		return berth_error_set(err, BERTH_ERR_VALUE, EINVAL, "--sshkey %.100s: line %u %s",
				       path, line, why);
	return add(l, LOGIN_KEYS, text, err);
}

int login_prepare(const struct settings_flags *flags, const struct args *a, struct login *ret,
		  struct berth_error *err)
{
	int r = 0;

	*ret = (struct login){0};
	if (flags->userpasswd != NULL && flags->sshkey != NULL &&
	    strcmp(flags->userpasswd, "-") == 0 && strcmp(flags->sshkey, "-") == 0)
		return berth_error_set(err, BERTH_ERR_OPTION, EINVAL,
				       "only one of --userpasswd and --sshkey can be read from "
				       "standard input");
	if (flags->crypted && flags->userpasswd == NULL)
		return berth_error_set(err, BERTH_ERR_OPTION, EINVAL,
				       "--crypted goes with --userpasswd USER:HASH");
	if (flags->userpasswd != NULL)
		r = add_password(flags, a, ret, err);
	if (r == 0 && flags->sshkey != NULL)
		r = add_keys(flags->sshkey, ret, err);
	return r;
}

void login_drop(struct login *l)
{
	for (unsigned int i = 0; i < l->n; i++)
		fd_close(&l->fds[i]);
	json_decref(l->words);
	*l = (struct login){0};
}
