/*
 * devices.c - the device policy of CTs: small BPF programs on unified cgroups.
 *
 * Default deny. A program is compiled here from the rules, so no compiler and no v1 devices
 * hierarchy is needed. Loading one takes 0.4 ms, so the base policy sits once on PARENT/berth and
 * every CT inherits it; only a CT with devices of its own gets its own program, on its outer
 * cgroup, which overrides the inherited one and goes with the cgroup.
 */
#include "cgroups/host.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"

#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>

#define ANY UINT32_MAX

/*
 * What every CT may use. mknod of these gives nothing that the open does not. Not 5:1: a CT's
 * /dev/console is a pty, that number is the host's own console.
 */
static const struct cg_device base[] = {
	{'c', 1, 3, true, true, true}, /* null */
	{'c', 1, 5, true, true, true}, /* zero */
	{'c', 1, 7, true, true, true}, /* full */
	{'c', 1, 8, true, true, true}, /* random */
	{'c', 1, 9, true, true, true}, /* urandom */
	{'c', 5, 0, true, true, true}, /* tty */
	{'c', 5, 2, true, true, true}, /* ptmx */
	{'c', 136, ANY, true, true, true}, /* pts/N */
};

struct program {
	struct bpf_insn *insns;
	size_t n, max;
};

static void emit(struct program *p, unsigned int code, unsigned int dst, unsigned int src, int off,
		 int imm)
{
	if (p->n < p->max)
		p->insns[p->n] = (struct bpf_insn){.code = (uint8_t)code,
						   .dst_reg = (uint8_t)(dst & 0xf),
						   .src_reg = (uint8_t)(src & 0xf),
						   .off = (int16_t)off,
						   .imm = imm};
	p->n++;
}

static void emit_return(struct program *p, int value)
{
	emit(p, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, value);
	emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* r2 = access, r3 = type, r4 = major, r5 = minor. */
static void emit_prologue(struct program *p)
{
	const unsigned int load = BPF_LDX | BPF_W | BPF_MEM;

	emit(p, load, BPF_REG_2, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, access_type), 0);
	emit(p, load, BPF_REG_4, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, major), 0);
	emit(p, load, BPF_REG_5, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, minor), 0);
	emit(p, BPF_ALU | BPF_MOV | BPF_X, BPF_REG_3, BPF_REG_2, 0, 0);
	emit(p, BPF_ALU | BPF_AND | BPF_K, BPF_REG_3, 0, 0, 0xffff);
	emit(p, BPF_ALU | BPF_RSH | BPF_K, BPF_REG_2, 0, 0, 16);
}

static int access_mask(const struct cg_device *d)
{
	return (d->read ? BPF_DEVCG_ACC_READ : 0) | (d->write ? BPF_DEVCG_ACC_WRITE : 0) |
	       (d->mknod ? BPF_DEVCG_ACC_MKNOD : 0);
}

/* "if not all of it matches, skip to the next rule; else allow". */
static void emit_rule(struct program *p, const struct cg_device *d)
{
	const int all = BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE | BPF_DEVCG_ACC_MKNOD;
	const unsigned int differs = BPF_JMP32 | BPF_JNE | BPF_K;
	int denied = all & ~access_mask(d);
	int left = 1 + (d->major != ANY) + (d->minor != ANY) + (denied != 0 ? 3 : 0) + 2;

	emit(p, differs, BPF_REG_3, 0, --left,
	     d->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	if (d->major != ANY)
		emit(p, differs, BPF_REG_4, 0, --left, (int)d->major);
	if (d->minor != ANY)
		emit(p, differs, BPF_REG_5, 0, --left, (int)d->minor);
	if (denied != 0) {
		emit(p, BPF_ALU | BPF_MOV | BPF_X, BPF_REG_0, BPF_REG_2, 0, 0);
		emit(p, BPF_ALU | BPF_AND | BPF_K, BPF_REG_0, 0, 0, denied);
		emit(p, differs, BPF_REG_0, 0, 2, 0);
	}
	emit_return(p, 1);
}

int cg_device_compile(const struct cg_device *more, size_t n_more, struct bpf_insn *insns,
		      size_t max)
{
	struct program p = {.insns = insns, .max = max};

	if (n_more > max)
		return -E2BIG;
	emit_prologue(&p);
	for (size_t i = 0; i < sizeof(base) / sizeof(base[0]); i++)
		emit_rule(&p, &base[i]);
	for (size_t i = 0; i < n_more; i++) {
		if (more[i].type != 'c' && more[i].type != 'b')
			return -EINVAL;
		if (access_mask(&more[i]) != 0)
			emit_rule(&p, &more[i]);
	}
	emit_return(&p, 0);
	return p.n > max ? -E2BIG : (int)p.n;
}

static int sys_bpf(int cmd, union bpf_attr *attr)
{
	int r = (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return r < 0 ? -errno : r;
}

static int load(const struct bpf_insn *insns, size_t n)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.expected_attach_type = BPF_CGROUP_DEVICE;
	attr.insns = (uint64_t)(uintptr_t)insns;
	attr.insn_cnt = (uint32_t)n;
	attr.license = (uint64_t)(uintptr_t) "GPL";
	memcpy(attr.prog_name, "berth_devices", sizeof("berth_devices"));
	return sys_bpf(BPF_PROG_LOAD, &attr);
}

/* Without BPF_F_ALLOW_MULTI the one program of a cgroup is replaced in this step. */
static int attach(int cgroup, int prog, uint32_t flags)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)cgroup;
	attr.attach_bpf_fd = (uint32_t)prog;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = flags;
	return sys_bpf(BPF_PROG_ATTACH, &attr);
}

static int detach(int cgroup)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)cgroup;
	attr.attach_type = BPF_CGROUP_DEVICE;
	return sys_bpf(BPF_PROG_DETACH, &attr);
}

/* 1 when the cgroup itself has a program, 0 when not, or -errno. */
static int has_own(int cgroup)
{
	union bpf_attr attr;
	int r;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (uint32_t)cgroup;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	r = sys_bpf(BPF_PROG_QUERY, &attr);
	return r < 0 ? r : attr.query.prog_cnt > 0;
}

int cg_device_probe(void)
{
	struct bpf_insn insns[2];
	struct program p = {.insns = insns, .max = 2};
	auto_close int prog = -EBADF;

	emit_return(&p, 1);
	prog = load(insns, p.n);
	return prog < 0 ? prog : 0;
}

static int load_and_attach(int cgroup, const struct cg_device *more, size_t n_more, uint32_t flags)
{
	struct bpf_insn insns[CG_DEVICE_INSN_MAX];
	auto_close int prog = -EBADF;
	int r = cg_device_compile(more, n_more, insns, CG_DEVICE_INSN_MAX);

	if (r < 0)
		return r;
	prog = load(insns, (size_t)r);
	return prog < 0 ? prog : attach(cgroup, prog, flags);
}

int cg_device_setup(struct cg_host *h)
{
	return load_and_attach(h->hier[0].berth, NULL, 0, BPF_F_ALLOW_OVERRIDE);
}

/* The base policy comes from PARENT/berth: make sure of that before an own program goes. */
static int inherit(struct cg_host *h, int cgroup)
{
	int r = has_own(h->hier[0].berth);

	if (r == 0)
		r = cg_device_setup(h);
	if (r >= 0)
		r = has_own(cgroup);
	return r > 0 ? detach(cgroup) : r;
}

int cg_ct_devices(struct cg_host *h, uint32_t ctid, const struct cg_device *more, size_t n_more,
		  struct berth_error *err)
{
	auto_close int dir = -EBADF;
	char name[16];
	int r;

	(void)snprintf(name, sizeof(name), "%u", ctid);
	dir = h->hier[0].berth < 0 ? -ENOENT : dir_open_at(h->hier[0].berth, name);
	if (dir < 0)
		return berth_error_set(err, BERTH_ERR_NOT_RUNNING, -dir,
				       "CT %u has no cgroup: it is not running", ctid);
	r = n_more == 0 ? inherit(h, dir) : load_and_attach(dir, more, n_more, 0);
	if (r == -E2BIG && n_more > 0)
		return berth_error_set(err, BERTH_ERR_VALUE, E2BIG,
				       "CT %u: %zu device rules are more than the filter can hold",
				       ctid, n_more);
	if (r == -EINVAL && n_more > 0)
		return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
				       "CT %u: a device rule is neither of type 'b' nor 'c'", ctid);
	if (r < 0)
		return berth_error_set(err, BERTH_ERR_UNSUPPORTED, -r,
				       "CT %u: set its device policy: %s: bpf(2) "
				       "BPF_CGROUP_DEVICE needs root and a kernel with "
				       "CONFIG_CGROUP_BPF",
				       ctid, strerror(-r));
	return 0;
}
