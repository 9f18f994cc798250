/* inspect.c - what a root file system says about itself. */
#include "templates/inspect.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "templates/guest.h"
#include "templates/inroot.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum {
	OS_RELEASE_MAX = 16 * 1024
};

/* The value of KEY, without quotes, when it is one word of letters, digits and . _ - */
static void get_value(const char *text, const char *key, char *buf, size_t size)
{
	size_t key_len = strlen(key);
	const char *p = text;

	while (*p != '\0' && (strncmp(p, key, key_len) != 0 || p[key_len] != '=')) {
		p += strcspn(p, "\n");
		p += *p == '\n';
	}
	if (*p == '\0')
		return;
	p += key_len + 1;
	p += *p == '"' || *p == '\'';
	key_len = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
	if (key_len > 0 && key_len < size && strchr("\"'\n", p[key_len]) != NULL) {
		memcpy(buf, p, key_len);
		buf[key_len] = '\0';
	}
}

void os_release_parse(const char *text, struct template_info *ret)
{
	(void)snprintf(ret->distribution, sizeof(ret->distribution), "unknown");
	ret->release[0] = '\0';
	get_value(text, "ID", ret->distribution, sizeof(ret->distribution));
	get_value(text, "VERSION_ID", ret->release, sizeof(ret->release));
}

const char *elf_arch(const unsigned char *head, size_t len)
{
	unsigned int machine;

	if (len < 20 || memcmp(head, ELFMAG, SELFMAG) != 0)
		return NULL;
	machine = head[18] | (unsigned int)head[19] << 8;
	switch (machine) {
	case EM_X86_64:
		return head[EI_CLASS] == ELFCLASS64 ? "amd64" : "x32";
	case EM_386:
		return "i386";
	case EM_AARCH64:
		return "arm64";
	case EM_ARM:
		return "armhf";
	case EM_RISCV:
		return "riscv64";
	case EM_PPC64:
		return "ppc64el";
	case EM_S390:
		return "s390x";
	default:
		return NULL;
	}
}

static void read_os_release(int root_fd, char *buf, size_t size)
{
	static const char *const paths[] = {"etc/os-release", "usr/lib/os-release"};

	buf[0] = '\0';
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		auto_close int fd = inroot_open(root_fd, paths[i], O_RDONLY | O_NONBLOCK);
		struct stat st;
		ssize_t n;

		if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
			continue;
		n = fd_read_all(fd, buf, size - 1);
		buf[n > 0 ? n : 0] = '\0';
		if (n > 0)
			return;
	}
}

/* The first of these that is a program; a script as init tells nothing, its shell does. */
static const char *find_arch(int root_fd)
{
	static const char *const paths[] = {"sbin/init", "etc/init", "bin/init", "bin/sh"};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		auto_close int fd = inroot_open(root_fd, paths[i], O_RDONLY | O_NONBLOCK);
		unsigned char head[20];
		struct stat st;
		const char *arch;
		ssize_t n;

		if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
			continue;
		n = fd_read_all(fd, head, sizeof(head));
		arch = elf_arch(head, n > 0 ? (size_t)n : 0);
		if (arch != NULL)
			return arch;
	}
	return NULL;
}

static const char *host_arch(void)
{
#if defined(__x86_64__)
	return "amd64";
#elif defined(__aarch64__)
	return "arm64";
#else
	return "";
#endif
}

static bool arch_runs_here(const char *arch)
{
	return strcmp(arch, host_arch()) == 0 ||
	       (strcmp(arch, "i386") == 0 && strcmp(host_arch(), "amd64") == 0);
}

int root_inspect(int root_fd, struct template_info *ret, struct berth_error *err)
{
	char text[OS_RELEASE_MAX];
	enum guest_init kind = guest_init_kind(root_fd);
	const char *arch;
	int r;

	if (kind == GUEST_INIT_NONE)
		return berth_error_set(err, BERTH_ERR_BAD_TEMPLATE, ENOENT,
				       "it has no init: one of /sbin/init, /etc/init, "
				       "/bin/init must be a program inside the root file system");
	r = kind == GUEST_INIT_SYSTEMD ? guest_systemd_check(root_fd, err) : 0;
	if (r < 0)
		return r;
	arch = find_arch(root_fd);
	if (arch == NULL || !arch_runs_here(arch))
		return berth_error_set(err, BERTH_ERR_BAD_TEMPLATE, ENOEXEC,
				       "its programs are for %s, this host runs %s",
				       arch != NULL ? arch : "an unknown machine", host_arch());
	read_os_release(root_fd, text, sizeof(text));
	os_release_parse(text, ret);
	(void)snprintf(ret->arch, sizeof(ret->arch), "%s", arch);
	return 0;
}
