/* moved_images.c - the images of a suspended CT on their way to another host. */
#include "runtime/worker/moved_images.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/ct/store.h"
#include "runtime/migrate/pack.h"
#include "runtime/worker/criu_run.h"
#include "runtime/worker/migrate.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define COMING DUMP_DIR ".coming"

static int others(uint32_t ctid, struct berth_error *err)
{
	return berth_error_set(err, BERTH_ERR_BROKEN, ESTALE,
			       "CT %u: the images of its memory are another CT's", ctid);
}

/* Is the word, len bytes, one of the list's? */
static bool list_has(const char *list, const char *word, size_t len)
{
	for (list += strspn(list, " "); *list != '\0'; list += strspn(list, " ")) {
		size_t n = strcspn(list, " ");

		if (n == len && memcmp(list, word, len) == 0)
			return true;
		list += n;
	}
	return false;
}

int moved_images_addresses(uint32_t ctid, const struct conf_file *saved,
			   const struct conf_file *in_effect, struct berth_error *err)
{
	const char *all = conf_get(saved, "IP_ADDRESS"), *at = conf_get(in_effect, "IP_ADDRESS");

	for (at = at != NULL ? at + strspn(at, " ") : ""; *at != '\0'; at += strspn(at, " ")) {
		size_t len = strcspn(at, " ");

		if (all == NULL || !list_has(all, at, len))
			return berth_error_set(
				err, BERTH_ERR_UNSUPPORTED, EOPNOTSUPP,
				"CT %u has the address %.*s, which is not saved in its config: "
				"berth set %u --ipadd %.*s --save, or --ipdel it",
				ctid, (int)(len < 60 ? len : 60), at, ctid,
				(int)(len < 60 ? len : 60), at);
		at += len;
	}
	return 0;
}

/* ---- the source ---- */

static int open_images(struct worker *w, struct berth_error *err)
{
	int dir = worker_private_dir(w, err), r;

	if (dir < 0)
		return dir;
	r = dir_open_at(dir, DUMP_DIR);
	return r < 0 ? berth_error_sys(err, r, "CT %u: open its images", w->ctid) : r;
}

int moved_images_check(struct worker *w, const char *uuid, const struct volume_driver *d,
		       struct berth_error *err)
{
	auto_close int images = open_images(w, err);
	struct checkpoint_record rec;
	struct volume_stamp now;
	int r = images < 0 ? images : criu_record_load(w, images, &rec, err);

	if (r == 0)
		r = volume_stamp(d, w->private_fd, &now, err);
	if (r < 0)
		return r;
	if (strcmp(rec.uuid, uuid) != 0)
		return others(w->ctid, err);
	if ((now.mounts == rec.mounts || now.mounts == rec.mounts_tried) &&
	    criu_volume_check(images, &now) == 0)
		return 0;
	return berth_error_set(err, BERTH_ERR_BROKEN, ESTALE,
			       "CT %u: its volume was used or put back since it was suspended, and "
			       "no longer fits its memory; give that up: berth stop %u --fast",
			       w->ctid, w->ctid);
}

int moved_images_send(struct worker *w, struct link *l, struct message_end *end,
		      struct berth_error *err)
{
	auto_close int dump = open_images(w, err);
	auto_close int images = -EBADF;
	struct blocks b;
	int r;

	if (dump < 0)
		return dump;
	images = dir_open_at(dump, DUMP_IMAGES);
	if (images < 0)
		return berth_error_sys(err, images, "CT %u: open its images", w->ctid);
	blocks_begin(&b, -1, INT64_MAX);
	r = pack_send(images, "", &b, l, err);
	if (r == 0)
		r = pack_send(dump, DUMP_IMAGES, &b, l, err);
	if (r == 0)
		blocks_digest(&b, end);
	return r;
}

/* ---- the destination ---- */

int moved_images_room(struct worker *w, int private_fd, uint64_t *ret, struct berth_error *err)
{
	struct statvfs vfs;
	uint64_t avail, reserve;

	if (fstatvfs(private_fd, &vfs) < 0)
		return berth_error_sys(err, errno, "statfs of the private area");
	avail = vfs.f_bavail * vfs.f_frsize;
	reserve = host_space_reserve(&w->host, vfs.f_blocks * vfs.f_frsize);
	*ret = avail > reserve ? avail - reserve : 0;
	return 0;
}

int moved_images_create(int private_fd, int *ret_fd, struct berth_error *err)
{
	int fd = openat(private_fd, COMING, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0600);

	if (fd < 0)
		return berth_error_sys(err, errno, "create " COMING " in the private area");
	*ret_fd = fd;
	return 0;
}

static int make_dir(int at, const char *name, struct berth_error *err)
{
	int r = mkdirat(at, name, 0700) < 0 ? -errno : dir_open_at(at, name);

	return r < 0 ? berth_error_sys(err, r, "make %s for the images", name) : r;
}

int moved_images_unpack(int private_fd, int fd, uint64_t bytes, struct berth_error *err)
{
	auto_close int dump = make_dir(private_fd, DUMP_DIR, err);
	auto_close int images = dump < 0 ? dump : make_dir(dump, DUMP_IMAGES, err);
	off_t at = 0;
	int r = images < 0 ? images : pack_unpack(fd, bytes, &at, images, err);

	if (r == 0)
		r = pack_unpack(fd, bytes, &at, dump, err);
	if (r < 0)
		return r;
	if ((uint64_t)at != bytes)
		return berth_error_set(err, BERTH_ERR_PROTOCOL, EBADMSG,
				       "more came than the images of its memory");
	r = unlinkat(private_fd, COMING, 0) < 0 ? -errno : dir_flush(images);
	if (r == 0)
		r = dir_flush(dump);
	return r < 0 ? berth_error_sys(err, r, "write the images") : 0;
}

int moved_images_fit(struct worker *w, int private_fd, const char *uuid,
		     const struct volume_driver *d, struct berth_error *err)
{
	auto_close int dir = dir_open_at(private_fd, DUMP_DIR);
	struct checkpoint_record rec;
	char text[RECORD_SIZE_MAX];
	int r = dir < 0 ? berth_error_sys(err, dir, "open " DUMP_DIR " in the private area")
			: criu_record_load(w, dir, &rec, err);

	if (r < 0)
		return r;
	if (strcmp(rec.uuid, uuid) != 0)
		return others(w->ctid, err);
	/* That this host can resume it was found out before it was frozen (needs.h). */
	criu_kernel_note(&rec);
	r = volume_mounts(d, private_fd, &rec.mounts, err);
	/* That is of the volume before it was checked. */
	if (r == 0 && (r = file_unlink_at(dir, DUMP_VOLUME)) < 0)
		(void)berth_error_sys(err, r, "CT %u: remove " DUMP_DIR "/" DUMP_VOLUME, w->ctid);
	if (r < 0)
		return r;
	rec.mounts_tried = rec.mounts;
	r = checkpoint_record_format(&rec, text, sizeof(text));
	if (r == 0)
		r = file_replace_at(dir, DUMP_RECORD, text, strlen(text), 0600, true);
	return r < 0 ? berth_error_sys(err, r, "CT %u: write the record of its images", w->ctid)
		     : 0;
}

static int obey(struct worker *w, const struct conf_file *saved, struct conf_file *f,
		const char *driver, struct berth_error *err)
{
	const char *name = conf_get(saved, "NAME");
	struct ct_config c;
	int r = moved_images_addresses(w->ctid, saved, f, err);

	if (r == 0)
		r = ct_config_from(f, w->host_conf, &c, err);
	if (r == 0)
		r = migrate_check_addrs(w, w->ctid, &c, err);
	if (r == 0)
		r = migrate_check_limits(w, &c, driver, err);
	if (r == 0 && conf_set(f, "NAME", name != NULL ? name : "") < 0)
		r = berth_error_sys(err, ENOMEM, "CT %u: name it", w->ctid);
	return r;
}

int moved_images_obey(struct worker *w, int private_fd, const struct conf_file *saved,
		      const char *driver, struct berth_error *err)
{
	auto_close int dir = dir_open_at(private_fd, DUMP_DIR);
	struct conf_file *f = NULL;
	int r = dir < 0 ? berth_error_sys(err, dir, "open " DUMP_DIR " in the private area")
			: store_suspended_load(&w->paths, w->ctid, dir, &f, err);

	if (r == 0)
		r = obey(w, saved, f, driver, err);
	if (r == 0)
		r = store_suspended_save(w->ctid, dir, f, err);
	conf_free(f);
	return r;
}
