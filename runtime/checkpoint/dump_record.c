/* dump_record.c - what berth itself knows of a CT that was dumped. */
#include "runtime/checkpoint/dump_record.h"

#include "runtime/base/parse.h"
#include "runtime/base/value.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int get_flag(const char *text, const char *key, bool *ret)
{
	uint64_t v;

	if (value_get_u64(text, key, &v) < 0 || v > 1)
		return -EINVAL;
	*ret = v == 1;
	return 0;
}

/* What is in the middle of a key of CRIU's. */
static bool tty_is_valid(const char *s)
{
	size_t n = strlen(s);

	return n > 5 && strncmp(s, "tty[", 4) == 0 && s[n - 1] == ']' &&
	       strspn(s + 4, "0123456789abcdef:") == n - 5;
}

int checkpoint_record_parse(const char *text, struct checkpoint_record *ret)
{
	struct checkpoint_record r = {0};
	uint64_t version, pid, signal, id_base, mounts, tried;

	if (value_get_u64(text, "version", &version) < 0)
		return -EINVAL;
	if (version != RECORD_VERSION)
		return -EPROTO;
	if (value_get(text, "uuid", r.uuid, sizeof(r.uuid)) < 0 || strlen(r.uuid) != 36 ||
	    value_get(text, "boot_id", r.boot_id, sizeof(r.boot_id)) < 0 ||
	    strlen(r.boot_id) != BOOT_ID_LEN || value_get_u64(text, "init_pid", &pid) < 0 ||
	    pid == 0 || pid > INT32_MAX ||
	    value_get_u64(text, "init_start", &r.init.start_time) < 0 ||
	    value_get(text, "kernel", r.kernel, sizeof(r.kernel)) < 0 ||
	    value_get(text, "tty", r.tty, sizeof(r.tty)) < 0 || !tty_is_valid(r.tty) ||
	    value_get(text, "hostname", r.hostname, sizeof(r.hostname)) < 0 ||
	    value_get_u64(text, "id_base", &id_base) < 0 || id_base > UINT32_MAX ||
	    value_get_u64(text, "monotonic", &r.monotonic) < 0 || r.monotonic > INT64_MAX ||
	    value_get_u64(text, "boottime", &r.boottime) < 0 || r.boottime > INT64_MAX ||
	    value_get_u64(text, "mounts", &mounts) < 0 || mounts > UINT16_MAX ||
	    value_get_u64(text, "mounts_tried", &tried) < 0 || tried > UINT16_MAX ||
	    value_get_u64(text, "started", &r.started) < 0 ||
	    value_get_u64(text, "stop_signal", &signal) < 0 || signal > 64 ||
	    value_get(text, "stop_command", r.stop_command, sizeof(r.stop_command)) < 0 ||
	    get_flag(text, "notifies", &r.notifies) < 0 || get_flag(text, "booted", &r.booted) < 0)
		return -EINVAL;
	r.init.pid = (pid_t)pid;
	r.stop_signal = (int)signal;
	r.id_base = (uint32_t)id_base;
	r.mounts = (uint32_t)mounts;
	r.mounts_tried = (uint32_t)tried;
	*ret = r;
	return 0;
}

static int offset_of(const char *text, const char *clock, int64_t *ret)
{
	const char *p = strstr(text, clock);
	bool before;
	uint64_t sec, nsec;

	if (p == NULL)
		return -EINVAL;
	p += strlen(clock);
	p += strspn(p, " \t");
	before = *p == '-';
	p += before;
	if (parse_next(&p, "", 10, &sec) < 0 || parse_next(&p, " \t", 10, &nsec) < 0 ||
	    sec > INT64_MAX / 2000000000 || nsec > 999999999)
		return -EINVAL;
	*ret = (before ? -(int64_t)sec : (int64_t)sec) * 1000000000 + (int64_t)nsec;
	return 0;
}

int checkpoint_offsets_parse(const char *text, int64_t *ret_monotonic, int64_t *ret_boottime)
{
	int64_t monotonic, boottime;

	if (offset_of(text, "monotonic", &monotonic) < 0 ||
	    offset_of(text, "boottime", &boottime) < 0)
		return -EINVAL;
	*ret_monotonic = monotonic;
	*ret_boottime = boottime;
	return 0;
}

int checkpoint_record_format(const struct checkpoint_record *rec, char *buf, size_t size)
{
	size_t used = 0;
	int r = 0;

	r |= value_put_u64(buf, size, &used, "version", RECORD_VERSION);
	r |= value_put(buf, size, &used, "uuid", rec->uuid);
	r |= value_put(buf, size, &used, "boot_id", rec->boot_id);
	r |= value_put_u64(buf, size, &used, "init_pid", (uint64_t)rec->init.pid);
	r |= value_put_u64(buf, size, &used, "init_start", rec->init.start_time);
	r |= value_put(buf, size, &used, "kernel", rec->kernel);
	r |= value_put(buf, size, &used, "tty", rec->tty);
	r |= value_put(buf, size, &used, "hostname", rec->hostname);
	r |= value_put_u64(buf, size, &used, "id_base", rec->id_base);
	r |= value_put_u64(buf, size, &used, "monotonic", rec->monotonic);
	r |= value_put_u64(buf, size, &used, "boottime", rec->boottime);
	r |= value_put_u64(buf, size, &used, "mounts", rec->mounts);
	r |= value_put_u64(buf, size, &used, "mounts_tried", rec->mounts_tried);
	r |= value_put_u64(buf, size, &used, "started", rec->started);
	r |= value_put_u64(buf, size, &used, "stop_signal", (uint64_t)rec->stop_signal);
	r |= value_put(buf, size, &used, "stop_command", rec->stop_command);
	r |= value_put_u64(buf, size, &used, "notifies", rec->notifies);
	r |= value_put_u64(buf, size, &used, "booted", rec->booted);
	return r != 0 ? -ENOSPC : 0;
}
