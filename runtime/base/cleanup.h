/*
 * cleanup.h - owners that release what they hold at the end of the scope.
 *
 * auto_close int fd = -EBADF; auto_free char *s = NULL; ... return take_fd(&fd);
 */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_close(const int *fd)
{
	if (*fd >= 0) {
		int saved = errno;

		(void)close(*fd);
		errno = saved;
	}
}

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_fclose(FILE **f)
{
	if (*f != NULL)
		(void)fclose(*f);
}

static inline void cleanup_closedir(DIR **d)
{
	if (*d != NULL)
		(void)closedir(*d);
}

#define auto_close __attribute__((cleanup(cleanup_close)))
#define auto_free __attribute__((cleanup(cleanup_free)))
#define auto_fclose __attribute__((cleanup(cleanup_fclose)))
#define auto_closedir __attribute__((cleanup(cleanup_closedir)))
#define auto_ptr(free_fn) __attribute__((cleanup(free_fn)))

static inline int take_fd(int *fd)
{
	int r = *fd;

	*fd = -EBADF;
	return r;
}

/* Hands the pointer on and forgets it. */
#define take_ptr(p)                       \
	__extension__({                   \
		__auto_type taken_ = (p); \
		(p) = NULL;               \
		taken_;                   \
	})
