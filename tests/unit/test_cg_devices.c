/*
 * test_cg_devices.c - the device policy as the kernel would run it: the compiled program is executed here,
 * instruction by instruction, for every device that matters.
 */
#include "cgroups/host.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

enum {
	READ = BPF_DEVCG_ACC_READ,
	WRITE = BPF_DEVCG_ACC_WRITE,
	MKNOD = BPF_DEVCG_ACC_MKNOD,
	ALL = READ | WRITE | MKNOD,
	BAD = -1 /* the program is none that ends */
};

static struct bpf_insn insns[CG_DEVICE_INSN_MAX];
static int n_insns;

static uint32_t load_field(const struct bpf_cgroup_dev_ctx *ctx, int off)
{
	uint32_t v;

	memcpy(&v, (const char *)ctx + off, sizeof(v));
	return v;
}

/* One instruction at *pc; true when the program has ended. */
static bool step(const struct bpf_cgroup_dev_ctx *ctx, uint32_t regs[11], int *pc)
{
	const struct bpf_insn *i = &insns[*pc];
	uint32_t operand = BPF_SRC(i->code) == BPF_X ? regs[i->src_reg] : (uint32_t)i->imm;

	(*pc)++;
	switch (BPF_CLASS(i->code)) {
	case BPF_LDX:
		regs[i->dst_reg] = load_field(ctx, i->off);
		return false;
	case BPF_ALU:
	case BPF_ALU64:
		if (BPF_OP(i->code) == BPF_MOV)
			regs[i->dst_reg] = operand;
		else if (BPF_OP(i->code) == BPF_AND)
			regs[i->dst_reg] &= operand;
		else if (BPF_OP(i->code) == BPF_RSH)
			regs[i->dst_reg] >>= operand;
		else
			*pc = n_insns;
		return false;
	case BPF_JMP32:
		if (BPF_OP(i->code) != BPF_JNE)
			*pc = n_insns;
		else if (regs[i->dst_reg] != operand)
			*pc += i->off;
		return false;
	default:
		return true;
	}
}

static int run(char type, uint32_t major, uint32_t minor, uint32_t access)
{
	const struct bpf_cgroup_dev_ctx ctx = {
		.access_type =
			access << 16 | (type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
		.major = major,
		.minor = minor};
	uint32_t regs[11] = {0};
	int pc = 0;

	for (int steps = 0; steps < 2 * CG_DEVICE_INSN_MAX && pc >= 0 && pc < n_insns; steps++)
		if (step(&ctx, regs, &pc))
			return (int)regs[BPF_REG_0];
	return BAD;
}

static bool compile(const struct cg_device *more, size_t n)
{
	n_insns = cg_device_compile(more, n, insns, CG_DEVICE_INSN_MAX);
	return n_insns > 0;
}

static void the_usual_devices_are_allowed(void)
{
	static const uint32_t usual[][2] = {{1, 3}, {1, 5}, {1, 7},   {1, 8},	{1, 9},
					    {5, 0}, {5, 2}, {136, 0}, {136, 77}};

	CHECK(compile(NULL, 0));
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		for (uint32_t access = 1; access <= ALL; access++)
			CHECK(run('c', usual[i][0], usual[i][1], access) == 1);
}

static void everything_else_is_denied(void)
{
	/* mem, kmem, port, kmsg, the host's console, loop-control, kvm, tun, fuse, vhost. */
	static const uint32_t others[][2] = {{1, 1},	{1, 2},	   {1, 4},    {1, 11},	 {5, 1},
					     {10, 237}, {10, 232}, {10, 200}, {10, 229}, {137, 0},
					     {135, 0},	{0, 0},	   {1, 0},    {1, 256}};

	CHECK(compile(NULL, 0));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		for (uint32_t access = 1; access <= ALL; access++)
			CHECK(run('c', others[i][0], others[i][1], access) == 0);
	/* A block device of the same numbers is another device. */
	for (uint32_t major = 0; major < 300; major++)
		for (uint32_t minor = 0; minor < 12; minor++)
			CHECK(run('b', major, minor, READ) == 0);
}

static void a_further_device_is_allowed_as_far_as_it_is_said(void)
{
	const struct cg_device more[] = {{'c', 10, 200, true, true, false},
					 {'b', 8, 16, true, false, false},
					 {'b', 253, UINT32_MAX, true, true, true},
					 {'c', UINT32_MAX, 99, false, true, false}};

	CHECK(compile(more, 4));
	CHECK(run('c', 10, 200, READ) == 1 && run('c', 10, 200, READ | WRITE) == 1);
	CHECK(run('c', 10, 200, MKNOD) == 0 && run('c', 10, 200, ALL) == 0);
	CHECK(run('c', 10, 201, READ) == 0 && run('b', 10, 200, READ) == 0);
	CHECK(run('b', 8, 16, READ) == 1 && run('b', 8, 16, WRITE) == 0);
	CHECK(run('b', 8, 16, READ | WRITE) == 0 && run('b', 8, 0, READ) == 0);
	CHECK(run('b', 253, 0, ALL) == 1 && run('b', 253, 1048575, ALL) == 1);
	CHECK(run('c', 253, 0, READ) == 0);
	CHECK(run('c', 7, 99, WRITE) == 1 && run('c', 7, 99, READ) == 0);
	/* What was allowed before still is. */
	CHECK(run('c', 1, 3, ALL) == 1 && run('c', 1, 1, READ) == 0);
}

static void a_rule_that_allows_nothing_changes_nothing(void)
{
	const struct cg_device none = {'c', 10, 200, false, false, false};

	CHECK(compile(&none, 1) && run('c', 10, 200, READ) == 0 && run('c', 1, 3, READ) == 1);
}

static void a_rule_that_is_none_is_refused(void)
{
	static struct cg_device many[CG_DEVICE_INSN_MAX];
	struct cg_device bad = {'x', 1, 3, true, true, true};

	CHECK(cg_device_compile(&bad, 1, insns, CG_DEVICE_INSN_MAX) == -EINVAL);
	for (size_t i = 0; i < CG_DEVICE_INSN_MAX; i++)
		many[i] = (struct cg_device){'c', 300, (uint32_t)i, true, true, true};
	CHECK(cg_device_compile(many, CG_DEVICE_INSN_MAX, insns, CG_DEVICE_INSN_MAX) == -E2BIG);
	CHECK(cg_device_compile(many, SIZE_MAX, insns, CG_DEVICE_INSN_MAX) == -E2BIG);
	CHECK(cg_device_compile(NULL, 0, insns, 3) == -E2BIG);
}

int main(void)
{
	RUN(the_usual_devices_are_allowed);
	RUN(everything_else_is_denied);
	RUN(a_further_device_is_allowed_as_far_as_it_is_said);
	RUN(a_rule_that_allows_nothing_changes_nothing);
	RUN(a_rule_that_is_none_is_refused);
	return check_failures != 0;
}
