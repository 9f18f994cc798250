/* keepalive.c - a thread that says that work goes on. */
#include "runtime/migrate/keepalive.h"

#include "runtime/base/child.h"
#include "runtime/base/fd.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>

static void *run(void *data)
{
	struct keepalive *k = data;
	struct berth_error ignored;

	while (fd_wait(k->stop_fd, POLLIN, k->every_ms) == 0)
		if (link_send_text(k->link, FRAME_WORKING, "", &ignored) < 0) {
			k->failed = true;
			break;
		}
	return NULL;
}

int keepalive_begin(struct keepalive *k, struct link *l, unsigned int every_ms,
		    struct berth_error *err)
{
	int r;

	*k = (struct keepalive){
		.link = l, .every_ms = every_ms, .stop_fd = eventfd(0, EFD_CLOEXEC)};
	if (k->stop_fd < 0)
		return berth_error_sys(err, errno, "eventfd");
	r = pthread_create(&k->thread, NULL, run, k);
	if (r == 0)
		return 0;
	fd_close(&k->stop_fd);
	return berth_error_sys(err, r, "start the thread that says that work goes on");
}

void keepalive_end(struct keepalive *k)
{
	if (k->stop_fd < 0)
		return;
	(void)eventfd_write(k->stop_fd, 1);
	(void)pthread_join(k->thread, NULL);
	fd_close(&k->stop_fd);
}
