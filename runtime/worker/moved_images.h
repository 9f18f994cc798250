/* moved_images.h - the images of a suspended CT on their way to another host. */
#pragma once

#include "runtime/config/file.h"
#include "runtime/migrate/link.h"
#include "runtime/migrate/message.h"
#include "runtime/storage/volume.h"
#include "runtime/worker/worker.h"

/*
 * Both ends: what a CT has in effect beside its config must not claim more addresses on the other host than that does,
 * which alone is looked at there. BERTH_ERR_UNSUPPORTED.
 */
int moved_images_addresses(uint32_t ctid, const struct conf_file *saved,
			   const struct conf_file *in_effect, struct berth_error *err);
/* Source: are they this CT's, and does its volume fit them? BERTH_ERR_BROKEN. */
int moved_images_check(struct worker *w, const char *uuid, const struct volume_driver *d,
		       struct berth_error *err);
/* Sends them; *end is how they ended, which is not said yet. */
int moved_images_send(struct worker *w, struct link *l, struct message_end *end,
		      struct berth_error *err);

/* Destination: what they may take, bytes: what is free there, less what is the host's own. */
int moved_images_room(struct worker *w, int private_fd, uint64_t *ret, struct berth_error *err);
/* A file for what comes, below private_fd. */
int moved_images_create(int private_fd, int *ret_fd, struct berth_error *err);
/* That file, so many bytes, becomes the images, durably; it is removed. */
int moved_images_unpack(int private_fd, int fd, uint64_t bytes, struct berth_error *err);
/* After the volume's check, which counts its mounts anew: they fit it as it is now. BERTH_ERR_BROKEN: another CT's. */
int moved_images_fit(struct worker *w, int private_fd, const char *uuid,
		     const struct volume_driver *d, struct berth_error *err);
/* What they say is in effect obeys this host as the config that came with them does, and has its name. */
int moved_images_obey(struct worker *w, int private_fd, const struct conf_file *saved,
		      const char *driver, struct berth_error *err);
