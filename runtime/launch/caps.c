/* caps.c - capabilities of the starting child, by libcap. */
#include "runtime/launch/child.h"

#include <errno.h>
#include <string.h>
#include <sys/capability.h>

int caps_raise_effective(void)
{
	cap_t caps = cap_get_proc();
	int r = 0;

	if (caps == NULL)
		return -errno;
	for (cap_value_t c = 0; r == 0 && c < cap_max_bits(); c++) {
		cap_flag_value_t permitted;

		r = cap_get_flag(caps, c, CAP_PERMITTED, &permitted);
		if (r == 0 && permitted == CAP_SET)
			r = cap_set_flag(caps, CAP_EFFECTIVE, 1, &c, CAP_SET);
	}
	if (r == 0)
		r = cap_set_proc(caps);
	r = r < 0 ? -errno : 0;
	(void)cap_free(caps);
	return r;
}

/* What the kernel knows ends before cap_max_bits of a newer libcap. */
static int raise_ambient(cap_t caps)
{
	for (cap_value_t c = 0; c < cap_max_bits(); c++) {
		cap_flag_value_t permitted;

		if (cap_get_flag(caps, c, CAP_PERMITTED, &permitted) == 0 && permitted == CAP_SET &&
		    cap_set_ambient(c, CAP_SET) < 0)
			return -errno;
	}
	return 0;
}

int caps_make_ambient(void)
{
	cap_t caps = cap_get_proc();
	int r = 0;

	if (caps == NULL)
		return -errno;
	for (cap_value_t c = 0; r == 0 && c < cap_max_bits(); c++) {
		cap_flag_value_t permitted;

		r = cap_get_flag(caps, c, CAP_PERMITTED, &permitted);
		if (r == 0 && permitted == CAP_SET) {
			r = cap_set_flag(caps, CAP_EFFECTIVE, 1, &c, CAP_SET);
			if (r == 0)
				r = cap_set_flag(caps, CAP_INHERITABLE, 1, &c, CAP_SET);
		}
	}
	if (r == 0)
		r = cap_set_proc(caps);
	r = r < 0 ? -errno : raise_ambient(caps);
	(void)cap_free(caps);
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
