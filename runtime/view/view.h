/*
 * view.h - what a CT sees of its machine: files of /proc and /sys that show its limits and its use instead of the
 * host's. A FUSE file system for each CT, mounted by the host over those files; a process of the monitor's answers.
 *
 *	numbers.c	from the texts of cgroup files to numbers; pure
 *	text.c		from numbers to the files' texts; pure
 *	answer.c	from a request of the kernel's to the answer; pure but for the text, which the caller gives
 *	serve.c		the process: no privilege, no descriptor but those of struct view_fds, nine system calls
 *
 * Everything is asked of the kernel when somebody reads, so a limit that is set shows at once and nothing is kept.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The files, by the order of their node numbers. */
enum view_file {
	VIEW_MEMINFO,
	VIEW_CPUINFO,
	VIEW_STAT,
	VIEW_LOADAVG,
	VIEW_SWAPS,
	VIEW_DISKSTATS,
	VIEW_ONLINE,
	VIEW_MEMORY_MAX,
	VIEW_CPU_MAX,
	VIEW_FILES
};
struct view_place {
	const char *name; /* in the root of the file system */
	const char *path; /* what it covers in a CT, below its root */
};
extern const struct view_place view_places[VIEW_FILES];

/* Where the numbers come from. */
enum view_source {
	VIEW_SRC_MEMORY_MAX,
	VIEW_SRC_MEMORY,
	VIEW_SRC_MEMORY_STAT,
	VIEW_SRC_SWAP_MAX,
	VIEW_SRC_SWAP,
	VIEW_SRC_CPU_MAX,
	VIEW_SRC_CPU_PERIOD,
	VIEW_SRC_CPU_STAT,
	VIEW_SRC_CPU_THROTTLED,
	VIEW_SRC_CPUS,
	VIEW_SRC_PIDS,
	VIEW_SRC_IO,
	VIEW_SRC_IO_OPS,
	VIEW_SRC_CPU_WAIT,
	VIEW_SRC_IO_WAIT,
	VIEW_SRC_HOST_MEMINFO,
	VIEW_SRC_HOST_CPUINFO,
	VIEW_SOURCES
};
/* A cgroup file of the CT; NULL: not in that version of cgroups. Or, by its path, one of the host's. */
struct view_origin {
	const char *v2, *v1;
};
extern const struct view_origin view_origins[VIEW_SOURCES];

enum {
	VIEW_CPUS_MAX = 8192,
	VIEW_SOURCE_MAX = 8192, /* bytes of a source's text, but for the host's cpuinfo */
	VIEW_CPUINFO_MAX = 1 << 20,
	VIEW_TEXT_MAX = 1 << 20
};

/* ---- numbers.c ---- */

struct view_numbers {
	/* bytes; totals are the limit or what the host has, whichever is less */
	uint64_t memory, memory_used, memory_limit; /* memory_limit: UINT64_MAX: none */
	uint64_t swap, swap_used;
	uint64_t file, anon, shmem, mapped, dirty, writeback;
	uint64_t active_anon, inactive_anon, active_file, inactive_file, unevictable;
	uint64_t slab_reclaimable, slab_unreclaimable, kernel_stack, page_tables;
	/* microseconds of CPU */
	uint64_t user, system, throttled;
	uint64_t quota, period; /* microseconds; quota 0: no limit */
	uint64_t
		wait; /* microseconds in which a process waited for a CPU, and for a disk, in sum */
	uint64_t pids;
	uint64_t reads, read_bytes, writes, written_bytes;
	char cpus[256]; /* a list: those it may run on */
};

/* texts: of each source, "" where there is none. Numbers that are not there are 0. */
void view_numbers_read(const char *const texts[VIEW_SOURCES], struct view_numbers *ret);
/* How many CPUs are shown: those that it may run on, and no more than its CPU time is worth; at least 1. */
unsigned int view_cpus(const struct view_numbers *n);
/* Is this one of the CPUs shown? They are the first of the list. */
bool view_cpu_is_shown(const struct view_numbers *n, unsigned int cpu);
/*
 * What a clock ("monotonic", "boottime") is ahead of the host's, in whole seconds, of the text of
 * /proc/PID/timens_offsets; 0: nothing there.
 */
int64_t view_clock_offset(const char *text, const char *clock);

/* ---- text.c ---- */

struct view_load {
	uint64_t then,
		busy; /* at the last look: CLOCK_MONOTONIC and the busy time so far, microseconds */
	bool known;
	double average[3]; /* over 1, 5 and 15 minutes */
};
/*
 * Mean since the last look, whenever that was: CPU time used, and time in which somebody waited. No process is
 * counted, so it costs nothing while nobody asks.
 */
void view_load_take(struct view_load *l, uint64_t now, uint64_t busy);

struct view_moment {
	uint64_t uptime; /* of the CT, microseconds */
	uint64_t boot; /* when it began, seconds of the epoch */
	const struct view_load *load;
	const char *host_cpuinfo;
};
/* The text of a file; its length. What does not fit is left out. */
size_t view_text(enum view_file file, const struct view_numbers *n, const struct view_moment *at,
		 char *buf, size_t size);

/* ---- answer.c ---- */

enum {
	VIEW_REQUEST_MAX = 8192 + 4096, /* the kernel refuses a read(2) of less than 8 KiB */
	VIEW_ANSWER_MAX = 65536 + 64
};
/* The text of a file at an offset: where it is and how much, at most size. */
struct view_reader {
	size_t (*read)(void *data, enum view_file file, uint64_t offset, size_t size,
		       const char **ret);
	void *data;
};
/*
 * The answer to a request, in ret (VIEW_ANSWER_MAX). Its length; 0: none is wanted. -EBADMSG for what is no request.
 * Whatever the request says: nothing is written, and no name but those of view_places is known.
 */
ssize_t view_answer(const void *request, size_t len, const struct view_reader *reader, void *ret);

/* ---- serve.c ---- */

struct view_fds {
	int fuse; /* -EBADF: there is no view */
	int source[VIEW_SOURCES]; /* all of them: /dev/null where there is none */
};
void view_fds_init(struct view_fds *fds);
void view_fds_close(struct view_fds *fds);

enum {
	VIEW_FD_FUSE = 0 /* where the process has the connection */
};

struct view_serve {
	const struct view_fds *fds;
	uid_t uid; /* whose it becomes, and the group */
	int64_t boot_offset; /* view_clock_offset of "boottime" */
	int until; /* ends when this can be read; -1: when the file system is unmounted */
};
/*
 * In a new child: gives up every privilege and descriptor, and serves. Exits with 0 when it is to end or nothing is
 * mounted any more, else it is to be begun anew. Needs root. Allocates nothing.
 */
_Noreturn void view_serve(const struct view_serve *s);
