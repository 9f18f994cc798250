/* caps.c - capabilities of the starting child, by libcap. */
#include "runtime/launch/child.h"

#include <errno.h>
#include <string.h>
#include <sys/capability.h>

/* All that is permitted and in keep, and nothing else. */
static int set_kept(cap_t caps, uint64_t keep, bool inheritable)
{
	int r = inheritable ? cap_clear(caps) : 0;

	for (cap_value_t c = 0; r == 0 && c < cap_max_bits(); c++) {
		if ((keep & (UINT64_C(1) << c)) == 0)
			continue;
		r = cap_set_flag(caps, CAP_EFFECTIVE, 1, &c, CAP_SET);
		if (r == 0 && inheritable)
			r = cap_set_flag(caps, CAP_PERMITTED, 1, &c, CAP_SET);
		if (r == 0 && inheritable)
			r = cap_set_flag(caps, CAP_INHERITABLE, 1, &c, CAP_SET);
	}
	if (r == 0)
		r = cap_set_proc(caps);
	return r < 0 ? -errno : 0;
}

static uint64_t permitted_of(cap_t caps)
{
	uint64_t mask = 0;
	cap_flag_value_t has;

	for (cap_value_t c = 0; c < cap_max_bits() && c < 64; c++)
		if (cap_get_flag(caps, c, CAP_PERMITTED, &has) == 0 && has == CAP_SET)
			mask |= UINT64_C(1) << c;
	return mask;
}

int caps_raise_effective(void)
{
	cap_t caps = cap_get_proc();
	int r = caps == NULL ? -errno : set_kept(caps, permitted_of(caps), false);

	(void)cap_free(caps);
	return r;
}

int caps_keep(uint64_t keep)
{
	cap_t caps = cap_get_proc();
	int r;

	if (caps == NULL)
		return -errno;
	keep &= permitted_of(caps);
	r = set_kept(caps, keep, true);
	(void)cap_free(caps);
	for (cap_value_t c = 0; r == 0 && c < cap_max_bits() && c < 64; c++)
		if ((keep & (UINT64_C(1) << c)) != 0 && cap_set_ambient(c, CAP_SET) < 0)
			r = -errno;
	return r;
}

static int clear_inheritable(void)
{
	cap_t caps = cap_get_proc();
	int r;

	if (caps == NULL)
		return -errno;
	r = cap_clear_flag(caps, CAP_INHERITABLE);
	if (r == 0)
		r = cap_set_proc(caps);
	r = r < 0 ? -errno : 0;
	(void)cap_free(caps);
	return r;
}

/* 0 when the kernel's bounding set is the policy's part of what this kernel knows. */
static int check_bound(uint64_t keep)
{
	for (cap_value_t c = 0; c < cap_max_bits(); c++) {
		int has = cap_get_bound(c);

		if (has < 0)
			return -errno;
		if (has > 0 && (keep & (UINT64_C(1) << c)) == 0)
			return -EPERM;
	}
	return 0;
}

int caps_settle(struct berth_error *err)
{
	int r = process_bound_caps();

	if (r < 0)
		return berth_error_sys(err, -r, "drop capabilities from the bounding set");
	if (cap_reset_ambient() < 0)
		return berth_error_sys(err, errno, "clear the ambient capabilities");
	r = clear_inheritable();
	if (r < 0)
		return berth_error_sys(err, -r, "clear the inheritable capabilities");
	r = check_bound(launch_capability_mask());
	if (r < 0)
		return berth_error_sys(err, -r, "check the capability bounding set");
	return 0;
}
