/* template.c - the cache: find, list, open and remove templates. */
#include "templates/template.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "runtime/base/value.h"
#include "templates/template_private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

enum {
	INFO_TEXT_MAX = 4096,
	EROFS_SUPER_OFFSET = 1024
};
#define INFO_SUFFIX ".template"

static bool hash_is_valid(const char *s)
{
	return strspn(s, "0123456789abcdef") == 64 && s[64] == '\0';
}

/* Copies KEY's value when it is a plain word; must = false allows it to be missing or empty. */
static int get_word(const char *text, const char *key, bool must, char *buf, size_t size)
{
	int r = value_get(text, key, buf, size);

	if (r == -ENOENT && !must) {
		buf[0] = '\0';
		return 0;
	}
	if (r < 0 || (must && *buf == '\0'))
		return -EINVAL;
	return text_is_clean(buf) ? 0 : -EINVAL;
}

int template_info_parse(const char *text, struct template_info *ret)
{
	struct template_info t = {0};

	if (value_get(text, "hash", t.hash, sizeof(t.hash)) < 0 || !hash_is_valid(t.hash))
		return -EINVAL;
	if (get_word(text, "distribution", true, t.distribution, sizeof(t.distribution)) < 0 ||
	    get_word(text, "release", false, t.release, sizeof(t.release)) < 0 ||
	    get_word(text, "arch", true, t.arch, sizeof(t.arch)) < 0)
		return -EINVAL;
	if (value_get_u64(text, "bytes", &t.bytes) < 0 || t.bytes == 0 ||
	    value_get_u64(text, "created", &t.created) < 0)
		return -EINVAL;
	*ret = t;
	return 0;
}

int template_info_format(const struct template_info *t, char *buf, size_t size)
{
	size_t used = 0;
	int r;

	r = value_put(buf, size, &used, "hash", t->hash);
	if (r == 0)
		r = value_put(buf, size, &used, "distribution", t->distribution);
	if (r == 0)
		r = value_put(buf, size, &used, "release", t->release);
	if (r == 0)
		r = value_put(buf, size, &used, "arch", t->arch);
	if (r == 0)
		r = value_put_u64(buf, size, &used, "bytes", t->bytes);
	if (r == 0)
		r = value_put_u64(buf, size, &used, "created", t->created);
	return r;
}

char *template_image_name(const struct template_info *t, char *buf)
{
	(void)snprintf(buf, IMAGE_NAME_MAX, "image/%s.erofs", t->hash);
	return buf;
}

struct name_list {
	char (*names)[128];
	size_t n, room;
};

static int list_add(struct name_list *l, const char *file)
{
	size_t len = strlen(file), suffix = strlen(INFO_SUFFIX);
	char name[128];

	if (len <= suffix || len - suffix >= sizeof(name) ||
	    strcmp(file + len - suffix, INFO_SUFFIX) != 0)
		return 0;
	(void)snprintf(name, sizeof(name), "%.*s", (int)(len - suffix), file);
	if (!template_name_is_valid(name))
		return 0;
	if (l->n == l->room) {
		size_t room = l->room == 0 ? 16 : 2 * l->room;
		void *bigger = reallocarray(l->names, room, sizeof(*l->names));

		if (bigger == NULL)
			return -ENOMEM;
		l->names = bigger;
		l->room = room;
	}
	memcpy(l->names[l->n++], name, sizeof(name));
	return 0;
}

static int list_read(int template_dirfd, struct name_list *l)
{
	auto_closedir DIR *d = dir_stream_at(template_dirfd, ".");
	struct dirent *e;
	int r = 0;

	if (d == NULL)
		return -errno;
	while (r == 0 && (e = readdir(d)) != NULL)
		r = list_add(l, e->d_name);
	return r;
}

static bool is_recipe(const char *name)
{
	for (const char *const *r = template_recipes(); *r != NULL; r++)
		if (strcmp(*r, name) == 0)
			return true;
	return false;
}

static int no_template(int template_dirfd, const char *name, struct berth_error *err)
{
	struct name_list l = {0};
	struct word_guess g = {.word = name};

	if (is_recipe(name))
		return berth_error_set(err, BERTH_ERR_NO_TEMPLATE, ENOENT,
				       "this host has no template '%s' yet; make it: "
				       "berth template build %s",
				       name, name);
	if (list_read(template_dirfd, &l) == 0)
		for (size_t i = 0; i < l.n; i++)
			word_guess_try(&g, l.names[i]);
	free(l.names);
	for (const char *const *r = template_recipes(); *r != NULL; r++)
		word_guess_try(&g, *r);
	if (g.best != NULL)
		return berth_error_set(err, BERTH_ERR_NO_TEMPLATE, ENOENT,
				       "there is no template '%s'; did you mean %s?", name, g.best);
	return berth_error_set(err, BERTH_ERR_NO_TEMPLATE, ENOENT,
			       "there is no template '%s'; `berth template list` shows those "
			       "that are here; from an archive: berth template import %s FILE",
			       name, name);
}

int template_find(int template_dirfd, const char *name, struct template_info *ret,
		  struct berth_error *err)
{
	char file[sizeof(ret->name) + sizeof(INFO_SUFFIX)];
	auto_free char *text = NULL;
	struct template_info t;
	int r;

	if (!template_name_is_valid(name))
		return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
				       "a template name has only letters, digits and . _ + -");
	(void)snprintf(file, sizeof(file), "%s%s", name, INFO_SUFFIX);
	r = file_read_at(template_dirfd, file, INFO_TEXT_MAX, &text, NULL);
	if (r == -ENOENT)
		return no_template(template_dirfd, name, err);
	if (r < 0)
		return berth_error_sys(err, r, "read %s", file);
	if (template_info_parse(text, &t) < 0)
		return berth_error_set(err, BERTH_ERR_BAD_TEMPLATE, EINVAL,
				       "%s is damaged: \"berth template remove %s\" and make the "
				       "template again",
				       file, name);
	(void)snprintf(t.name, sizeof(t.name), "%s", name);
	*ret = t;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

int template_list(int template_dirfd, int (*fn)(const struct template_info *t, void *data),
		  void *data, struct berth_error *err)
{
	struct name_list l = {0};
	auto_free char *owner = NULL;
	int r = list_read(template_dirfd, &l), first = 0;

	owner = (char *)l.names;
	if (r < 0)
		return berth_error_sys(err, r, "list the templates");
	if (l.n > 1)
		qsort(l.names, l.n, sizeof(*l.names), by_name);
	/* One damaged file must not hide the others: its error comes last. */
	for (size_t i = 0; i < l.n; i++) {
		struct template_info t;

		r = template_find(template_dirfd, l.names[i], &t, first == 0 ? err : NULL);
		if (r == 0 && fn(&t, data) != 0)
			break;
		if (r < 0 && r != -ENOENT && first == 0)
			first = r;
	}
	return first;
}

static int bad_image(const struct template_info *t, const char *what, struct berth_error *err)
{
	return berth_error_set(
		err, BERTH_ERR_BAD_TEMPLATE, EINVAL,
		"the image of template '%s' %s: remove the template and make it again "
		"(image/%s.erofs)",
		t->name, what, t->hash);
}

static int image_check(int fd, const struct template_info *t, struct berth_error *err)
{
	struct stat st;
	uint32_t magic;

	if (fstat(fd, &st) < 0)
		return berth_error_sys(err, errno, "stat the image of template '%s'", t->name);
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != t->bytes)
		return bad_image(t, "has the wrong size", err);
	if (pread(fd, &magic, sizeof(magic), EROFS_SUPER_OFFSET) != sizeof(magic) ||
	    magic != EROFS_SUPER_MAGIC_V1)
		return bad_image(t, "is not an erofs image", err);
	return 0;
}

int template_open(int template_dirfd, const struct template_info *t, int verify,
		  struct berth_error *err)
{
	char image[IMAGE_NAME_MAX], hash[65];
	auto_close int fd = -EBADF;
	int r;

	fd = openat(template_dirfd, template_image_name(t, image),
		    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return bad_image(t, "is missing", err);
	if (fd < 0)
		return berth_error_sys(err, errno, "open the image of template '%s'", t->name);
	r = image_check(fd, t, err);
	if (r < 0 || !verify)
		return r < 0 ? r : take_fd(&fd);
	r = image_hash(fd, hash, err);
	if (r < 0)
		return r;
	if (strcmp(hash, t->hash) != 0)
		return bad_image(t, "does not have the hash in its name", err);
	return take_fd(&fd);
}

struct hash_user {
	const struct template_info *t;
	bool shared;
};

static int find_shared(const struct template_info *t, void *data)
{
	struct hash_user *u = data;

	u->shared = strcmp(t->name, u->t->name) != 0 && strcmp(t->hash, u->t->hash) == 0;
	return u->shared;
}

static int remove_locked(int template_dirfd, const struct template_info *t, struct berth_error *err)
{
	char file[sizeof(t->name) + sizeof(INFO_SUFFIX)], image[IMAGE_NAME_MAX];
	struct hash_user u = {.t = t};
	/* A damaged neighbour might have the same hash: then the image stays. */
	bool keep = template_list(template_dirfd, find_shared, &u, NULL) < 0 || u.shared;

	(void)snprintf(file, sizeof(file), "%s%s", t->name, INFO_SUFFIX);
	if (unlinkat(template_dirfd, file, 0) < 0)
		return berth_error_sys(err, errno, "remove %s", file);
	if (keep || unlinkat(template_dirfd, template_image_name(t, image), 0) == 0 ||
	    errno == ENOENT)
		return 0;
	return berth_error_sys(err, errno, "remove %s", image);
}

/* A damaged NAME.template names no image: only the file itself can go. */
static int remove_damaged(int template_dirfd, const char *name, struct berth_error *err)
{
	char file[sizeof(((struct template_info *)NULL)->name) + sizeof(INFO_SUFFIX)];

	(void)snprintf(file, sizeof(file), "%s%s", name, INFO_SUFFIX);
	if (unlinkat(template_dirfd, file, 0) < 0)
		return berth_error_sys(err, errno, "remove %s", file);
	return 0;
}

int template_remove(int template_dirfd, const char *name,
		    int (*in_use)(const char *hash, void *data), void *data,
		    struct berth_error *err)
{
	auto_close int lock = template_lock(template_dirfd, err);
	struct berth_error why = {0};
	struct template_info t;
	int r;

	if (lock < 0)
		return lock;
	r = template_find(template_dirfd, name, &t, &why);
	if (r < 0 && why.code == BERTH_ERR_BAD_TEMPLATE)
		return remove_damaged(template_dirfd, name, err);
	if (r < 0) {
		if (err != NULL)
			*err = why;
		return r;
	}
	if (in_use != NULL && in_use(t.hash, data) != 0)
		return berth_error_set(err, BERTH_ERR_LOCKED, EBUSY,
				       "containers use template '%s'; destroy them first "
				       "(\"berth list -a -o ctid,ostemplate\" shows them)",
				       name);
	return remove_locked(template_dirfd, &t, err);
}

int template_lock(int template_dirfd, struct berth_error *err)
{
	auto_close int fd = openat(template_dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return berth_error_sys(err, errno, "open the template directory");
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return berth_error_sys(err, errno, "lock the template directory");
	return take_fd(&fd);
}
