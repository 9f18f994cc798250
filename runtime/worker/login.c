/* login.c - the password and keys that an order brought. */
#include "runtime/worker/login.h"

#include "runtime/base/cleanup.h"
#include "runtime/launch/launch.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* Whoever gave it may be any client of root's: a file, whole, and no more than a little. */
static int read_text(int fd, char **ret)
{
	char *text;
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > LOGIN_TEXT_MAX)
		return -EINVAL;
	text = calloc(1, LOGIN_TEXT_MAX + 1);
	if (text == NULL)
		return -ENOMEM;
	n = pread(fd, text, LOGIN_TEXT_MAX, 0);
	if (n != st.st_size || memchr(text, '\0', (size_t)n) != NULL) {
		free(text);
		return n < 0 ? -errno : -EINVAL;
	}
	*ret = text;
	return 0;
}

static int take(struct worker_login *l, const char *word, char **text)
{
	unsigned int line;
	int r = -EINVAL;

	if (strcmp(word, LOGIN_PASSWORD) == 0) {
		r = login_parse_hash(*text, l->user, l->hash);
		l->guest.user = l->user;
		l->guest.hash = l->hash;
	} else if (strcmp(word, LOGIN_KEYS) == 0 && l->keys == NULL &&
		   login_keys_trouble(*text, &line) == NULL) {
		l->guest.keys = l->keys = take_ptr(*text);
		r = 0;
	}
	return r;
}

int login_read(const struct worker *w, int first, struct worker_login *ret, struct berth_error *err)
{
	*ret = (struct worker_login){.guest = {.day = (unsigned long)time(NULL) / 86400}};
	for (int i = first; i < w->n_args; i++) {
		char *text = NULL;
		int r = i - first < (int)w->n_fds ? read_text(w->fds[i - first], &text) : -EBADMSG;

		if (r == 0)
			r = take(ret, w->args[i], &text);
		if (text != NULL)
			explicit_bzero(text, strlen(text));
		free(text);
		if (r < 0) {
			login_drop(ret);
			return berth_error_set(err, BERTH_ERR_VALUE, r,
					       "CT %u: what came as %.20s is none: %s", w->ctid,
					       w->args[i], strerror(-r));
		}
	}
	return 0;
}

void login_drop(struct worker_login *l)
{
	free(l->keys);
	*l = (struct worker_login){0};
}

bool login_is_set(const struct worker_login *l)
{
	return l->guest.hash != NULL || l->guest.keys != NULL;
}

int login_in_root(void *data, int root_fd, struct berth_error *err)
{
	return guest_login_set(root_fd, data, err);
}

int login_write(struct worker *w, const struct ct_mounts *m, struct worker_login *l,
		struct berth_error *err)
{
	struct berth_error why = {0};
	int r = launch_in_root(&(struct launch_in_root){.userns_fd = m->userns_fd,
							.root_fd = m->root_fd,
							.fn = login_in_root,
							.data = &l->guest},
			       &why);

	return r < 0 ? berth_error_set(err, why.code, why.sys, "CT %u: %.300s", w->ctid, why.msg)
		     : 0;
}
