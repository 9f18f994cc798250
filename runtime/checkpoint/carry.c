/* carry.c - what of a process CRIU cannot save. */
#include "runtime/checkpoint/carry.h"

#include "runtime/base/parse.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#define ANON "anon_inode:"

/* Where a descriptor leads to that CRIU refuses (its files.c: what it knows no type of), by how the link begins. */
static const struct {
	const char *link;
	struct carry_no no;
} links[] = {
	{ANON "[io_uring]",
	 {"io_uring", "an io_uring", "stop the program, or configure it not to use io_uring"}},
	{ANON "[userfaultfd]", {"userfaultfd", "a userfaultfd", "stop the program"}},
	{ANON "[perf_event]", {"perf_event", "a performance counter", "stop the program"}},
	{ANON "bpf-prog", {"bpf", "a BPF program", "stop the program"}},
	{ANON "bpf_link", {"bpf", "a BPF link", "stop the program"}},
	{ANON "[landlock-ruleset]", {"landlock", "a Landlock ruleset", "stop the program"}},
	{ANON "seccomp notify", {"seccomp", "a seccomp listener", "stop the program"}},
	{ANON "[fscontext]", {"fscontext", "a half-made mount (fsopen)", "stop the program"}},
	{ANON "kvm", {"kvm", "a virtual machine", "stop it"}},
	{"/dev/fuse",
	 {"fuse", "the server's end of a FUSE file system (/dev/fuse)",
	  "unmount that file system, and stop its server"}},
	{"/secretmem", {"secretmem", "secret memory (memfd_secret)", "stop the program"}},
};

/* What CRIU 4 has code for. */
static const char *const known_anon[] = {"[eventpoll]", "[eventfd]",  "[signalfd]", "[timerfd]",
					 "inotify",	"[fanotify]", "[pidfd]",    "bpf-map"};
static const struct carry_no other_anon = {
	"descriptor", "a descriptor of a kind that CRIU does not know", "stop the program"};

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

const struct carry_no *carry_no_fd(const char *link)
{
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (begins(link, links[i].link))
			return &links[i].no;
	if (!begins(link, ANON))
		return NULL;
	for (size_t i = 0; i < sizeof(known_anon) / sizeof(known_anon[0]); i++)
		if (begins(link + strlen(ANON), known_anon[i]))
			return NULL;
	return &other_anon;
}

/* Those of them that a CT's root can mount (FS_USERNS_MOUNT); CRIU's filesystems.c has the ones it can do. */
const struct carry_no *carry_no_mount(const char *type)
{
	static const struct carry_no fuse = {"fuse", "a FUSE file system",
					     "unmount it in the CT, and stop its server"},
				     ramfs = {"ramfs", "a ramfs, whose files CRIU does not save",
					      "unmount it in the CT, or use a tmpfs"};

	if (strcmp(type, "fuse") == 0 || begins(type, "fuse.") || strcmp(type, "fuseblk") == 0)
		return &fuse;
	return strcmp(type, "ramfs") == 0 ? &ramfs : NULL;
}

const struct carry_no *carry_no_namespace(const char *name)
{
	static const struct carry_no all[] = {
		{"user", "a user namespace of its own",
		 "stop it; a container in a CT cannot be saved"},
		{"pid", "a PID namespace of its own",
		 "stop it; a container in a CT cannot be saved"},
		{"ipc", "an IPC namespace of its own",
		 "stop it, or set PrivateIPC=no for its unit"},
		{"uts", "a UTS namespace of its own",
		 "stop it, or set ProtectHostname=no for its unit"},
		{"cgroup", "a cgroup namespace of its own", "stop it"},
		{"time", "a time namespace of its own", "stop it"},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(all[i].name, name) == 0)
			return &all[i];
	return NULL;
}

/* ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [OPTIONAL ...] - TYPE SOURCE OPTIONS */
int carry_mount_parse(char *line, struct carry_mount *ret)
{
	char *field[6], *word;

	for (size_t i = 0; i < sizeof(field) / sizeof(field[0]); i++)
		field[i] = strsep(&line, " ");
	while ((word = strsep(&line, " ")) != NULL && strcmp(word, "-") != 0)
		;
	ret->device = field[2];
	ret->point = field[4];
	ret->type = strsep(&line, " ");
	return ret->type == NULL ? -EBADMSG : 0;
}

/* What stands behind "KEY:\t" of a line, or NULL. */
static const char *line_of(const char *text, const char *key)
{
	size_t n = strlen(key);

	while (text != NULL && *text != '\0') {
		if (strncmp(text, key, n) == 0 && text[n] == ':' && text[n + 1] == '\t')
			return text + n + 2;
		text = strchr(text, '\n');
		text = text != NULL ? text + 1 : NULL;
	}
	return NULL;
}

static int pid_of(const char *text, const char *key, pid_t *ret)
{
	const char *at = line_of(text, key);
	uint64_t pid = 0;

	if (at == NULL || parse_next(&at, "", 10, &pid) < 0 || pid > INT32_MAX)
		return -EBADMSG;
	*ret = (pid_t)pid;
	return 0;
}

int carry_status_parse(const char *status, struct carry_status *ret)
{
	const char *name = line_of(status, "Name");
	size_t n = 0;

	if (name == NULL || pid_of(status, "PPid", &ret->parent) < 0 ||
	    pid_of(status, "TracerPid", &ret->tracer) < 0)
		return -EBADMSG;
	for (; name[n] != '\0' && name[n] != '\n' && n < sizeof(ret->name) - 1; n++)
		ret->name[n] = name[n] > ' ' && name[n] < 0x7f ? name[n] : '?';
	ret->name[n] = '\0';
	return 0;
}
