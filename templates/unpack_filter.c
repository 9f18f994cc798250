/*
 * unpack_filter.c - the system calls that unpacking never needs. Should a hole in a decoder be found, what
 * is left to its finder are files in the directory being filled: no program, no process, no socket,
 * no namespace, none of the kernel's large and little used parts.
 */
#include "templates/unpack.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#error "which AUDIT_ARCH has this machine?"
#endif

enum {
	X32_BIT = 0x40000000,
	HEAD = 5,
	TAIL = 2,
	/* Newer than the oldest headers. */
	NR_MEMFD_SECRET = 447,
};

static const uint32_t refused[] = {
	SYS_clone,
	SYS_clone3,
	SYS_execve,
	SYS_execveat,
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_pidfd_open,
	SYS_pidfd_getfd,
#ifdef SYS_fork
	SYS_fork,
	SYS_vfork,
#endif
	SYS_socket,
	SYS_socketpair,
	SYS_connect,
	SYS_bind,
	SYS_unshare,
	SYS_setns,
	SYS_mount,
	SYS_umount2,
	SYS_pivot_root,
	SYS_chroot,
	SYS_fsopen,
	SYS_fspick,
	SYS_fsconfig,
	SYS_fsmount,
	SYS_move_mount,
	SYS_open_tree,
	SYS_mount_setattr,
	SYS_open_by_handle_at,
	SYS_name_to_handle_at,
	SYS_keyctl,
	SYS_add_key,
	SYS_request_key,
	SYS_bpf,
	SYS_perf_event_open,
	SYS_userfaultfd,
	SYS_io_uring_setup,
	SYS_io_uring_enter,
	SYS_io_uring_register,
	SYS_io_setup,
	SYS_shmget,
	SYS_msgget,
	SYS_semget,
	SYS_mq_open,
	SYS_inotify_init1,
	SYS_fanotify_init,
	SYS_timer_create,
	SYS_splice,
	SYS_vmsplice,
	SYS_tee,
	SYS_personality,
	SYS_seccomp,
	NR_MEMFD_SECRET,
};

enum {
	N_REFUSED = sizeof(refused) / sizeof(refused[0])
};

static struct sock_filter stmt(uint16_t code, uint32_t k)
{
	return (struct sock_filter){.code = code, .k = k};
}

static struct sock_filter jump(uint16_t op, uint32_t k, uint8_t jt, uint8_t jf)
{
	return (struct sock_filter){
		.code = (uint16_t)(BPF_JMP | op | BPF_K), .jt = jt, .jf = jf, .k = k};
}

int unpack_filter_load(void)
{
	struct sock_filter f[HEAD + N_REFUSED + TAIL];
	struct sock_fprog prog = {.len = 0, .filter = f};
	unsigned int n = 0;

	_Static_assert(N_REFUSED + TAIL < 255, "a jump reaches so far");
	f[n++] = stmt(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	f[n++] = jump(BPF_JEQ, NATIVE_ARCH, 1, 0);
	f[n++] = stmt(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	f[n++] = stmt(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	f[n++] = jump(BPF_JGE, X32_BIT, N_REFUSED + 1, 0);
	for (unsigned int i = 0; i < N_REFUSED; i++)
		f[n++] = jump(BPF_JEQ, refused[i], (uint8_t)(N_REFUSED - i), 0);
	f[n++] = stmt(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	f[n++] = stmt(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	prog.len = (uint16_t)n;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0 ? -errno : 0;
}
