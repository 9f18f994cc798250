/*
 * sharing.h - how the mounts of a CT's namespaces share what is mounted in them (mount_namespaces(7)), as far as CRIU
 * can make it again.
 *
 * CRIU makes one group of all mounts with the same two numbers, and gives the group's numbers from the mount with the
 * shortest root to the others. The kernel copies them only to a mount whose root lies below the giver's
 * (MOVE_MOUNT_SET_GROUP, do_set_group in fs/namespace.c). Each service that systemd gives a mount namespace has a pure
 * slave of /run there (/run/systemd/incoming, a folder of its own of /run): two such services are a group that
 * CRIU cannot make.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct share {
	uint32_t ns; /* any number that tells mount namespaces apart */
	uint32_t shared, master; /* 0: none */
	char *root,
		*point; /* malloc'ed; where it is mounted is known from mountinfo only, else "" */
};

struct shares {
	struct share *all;
	size_t n;
};

void shares_free(struct shares *s);

/* Appends those of a mountpoints-N.img of CRIU. Pure. How many; or -EBADMSG, -ENOMEM. */
ssize_t shares_read_image(struct shares *s, const uint8_t *image, size_t len, uint32_t ns);
/* Appends those of a /proc/PID/mountinfo, of which nothing is left. Pure. -EBADMSG, -ENOMEM. */
int shares_read_mountinfo(struct shares *s, char *text, uint32_t ns);
/* The same image with the numbers of these, one for each of its mounts; malloc'ed. Pure. -EBADMSG, -ENOMEM. */
int shares_write_image(const struct share *from, size_t n, const uint8_t *image, size_t len,
		       uint8_t **ret, size_t *ret_len);

/*
 * Gives other numbers to the slaves that CRIU could not make. They stay slaves, of what they were or of a mount of their
 * own namespace that is one itself; so all that is mounted in their master is still seen in them. Where that would
 * take too long the numbers may be ones that shares_find_bad finds. Pure. How many have changed.
 */
size_t shares_mend(struct shares *s);
/* One that CRIU cannot make again all the same, and shares_mend cannot help; NULL: there is none. Pure. */
const struct share *shares_find_bad(const struct shares *s);

/* All of it for the mountpoints-N.img in this directory: read, mended, written. -errno. */
int shares_mend_images(int images_fd);
