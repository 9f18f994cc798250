/* move_needs.c - what this host has, for a CT that comes with its processes, and what such a CT needs. */
#include "runtime/worker/move_needs.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/worker/criu_run.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#ifdef __x86_64__
#include <cpuid.h>
#endif

enum {
	PROC_MAX = 4 << 20 /* /proc/cpuinfo of a big machine, bytes */
};

/* Intel SDM 1, 13.2: leaf 0DH, EBX: bytes of what is enabled now. */
static uint64_t xsave_size(void)
{
#ifdef __x86_64__
	unsigned int eax, ebx, ecx, edx;

	if (__get_cpuid_count(0x0d, 0, &eax, &ebx, &ecx, &edx) != 0)
		return ebx;
#endif
	return 0;
}

static int read_proc(struct message_needs *n)
{
	auto_free char *cpuinfo = NULL, *meminfo = NULL;
	int r = file_read_at(AT_FDCWD, "/proc/cpuinfo", PROC_MAX, &cpuinfo, NULL);

	if (r == 0)
		r = needs_flags_of(cpuinfo, n->flags, sizeof(n->flags));
	if (r == 0)
		r = file_read_at(AT_FDCWD, "/proc/meminfo", PROC_MAX, &meminfo, NULL);
	return r < 0 ? r : needs_memory_of(meminfo, &n->memory);
}

int move_needs_here(const struct worker *w, struct message_needs *ret, struct berth_error *err)
{
	struct utsname uts;
	int r;

	*ret = (struct message_needs){.xsave = xsave_size()};
	(void)uname(&uts);
	(void)snprintf(ret->kernel, sizeof(ret->kernel), "%.64s", uts.release);
	r = read_proc(ret);
	if (r < 0)
		return berth_error_sys(err, r, "read /proc/cpuinfo and /proc/meminfo");
	return criu_version(w, &ret->criu, err);
}

/* Of one that is suspended: its images, and the kernel that they are of, which may be another than this host's now. */
static int needs_of_images(struct worker *w, struct message_needs *ret, struct berth_error *err)
{
	int dir = worker_private_dir(w, err);
	auto_closedir DIR *d = dir < 0 ? NULL : dir_stream_at(dir, DUMP_DIR "/" DUMP_IMAGES);
	auto_close int dump = dir < 0 ? dir : dir_open_at(dir, DUMP_DIR);
	struct checkpoint_record rec;
	struct dirent *e;
	struct stat st;

	if (dir < 0)
		return dir;
	if (d == NULL)
		return berth_error_sys(err, errno, "CT %u: open its images", w->ctid);
	if (dump < 0)
		return berth_error_sys(err, dump, "CT %u: open its images", w->ctid);
	if (criu_record_load(w, dump, &rec, err) < 0)
		return -ESTALE;
	(void)snprintf(ret->kernel, sizeof(ret->kernel), "%.64s", rec.kernel);
	ret->memory = 0;
	while ((e = readdir(d)) != NULL)
		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode))
			ret->memory += (uint64_t)st.st_size;
	return 0;
}

int move_needs_of_ct(struct worker *w, bool runs, struct message_needs *ret,
		     struct berth_error *err)
{
	struct berth_error no_criu;
	struct cg_host *cg;
	int r = move_needs_here(w, ret, runs ? err : &no_criu);

	if (!runs && r < 0 && ret->memory == 0)
		*err = no_criu;
	if (r < 0 && (runs || ret->memory == 0))
		return r;
	if (!runs)
		return needs_of_images(w, ret, err);
	r = worker_cg_open(w, &cg, err);
	if (r < 0)
		return r;
	r = criu_memory_of(cg, w->ctid, &ret->memory, err);
	cg_host_free(cg);
	return r;
}
