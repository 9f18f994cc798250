/*
 * test_launch_caps.c - what a starting child may do afterwards: the policy's capabilities and no more, in
 * every set.
 *
 * covers: runtime/launch/process.c
 */
#include "runtime/launch/child.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* "CapBnd" and its kin of this process. */
static uint64_t set_of(const char *name)
{
	char line[256];
	uint64_t set = UINT64_MAX;
	FILE *f = fopen("/proc/self/status", "re");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			set = strtoull(line + strlen(name) + 1, NULL, 16);
	if (f != NULL)
		(void)fclose(f);
	return set;
}

/* In a child: what it drops is gone for good. Its exit status is the number of failed checks. */
static void in_a_child(void (*claim)(void))
{
	int status = -1;
	pid_t pid;

	(void)fflush(NULL);
	pid = fork();
	if (pid == 0) {
		check_failures = 0;
		claim();
		_exit(check_failures);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void settle(void)
{
	struct berth_error err = {0};
	uint64_t before = set_of("CapBnd:"), mask = launch_capability_mask();

	CHECK(caps_settle(&err) == 0);
	CHECK(set_of("CapBnd:") == (before & mask));
	CHECK(set_of("CapInh:") == 0 && set_of("CapAmb:") == 0);
	/* Again is no harm. */
	CHECK(caps_settle(&err) == 0 && set_of("CapBnd:") == (before & mask));
	/* What is outside cannot be had back. */
	CHECK(prctl(PR_CAPBSET_READ, 16, 0, 0, 0) == 0); /* CAP_SYS_MODULE */
	CHECK(prctl(PR_CAPBSET_READ, 17, 0, 0, 0) == 0); /* CAP_SYS_RAWIO */
	CHECK(prctl(PR_CAPBSET_READ, 25, 0, 0, 0) == 0); /* CAP_SYS_TIME */
}

static void the_bounding_set_is_the_policys_and_nothing_is_inherited(void)
{
	in_a_child(settle);
}

/* The policy never holds what reaches the kernel itself. */
static void the_policy_has_no_capability_over_the_kernel(void)
{
	/* SYS_MODULE, SYS_RAWIO, SYS_PACCT, SYS_TIME, MAC_OVERRIDE, MAC_ADMIN, SYSLOG, WAKE_ALARM, */
	static const int never[] = {
		16, 17, 20, 25, 32, 33, 34, 35,
		/* BLOCK_SUSPEND, AUDIT_READ, PERFMON, BPF, CHECKPOINT_RESTORE */
		36, 37, 38, 39, 40};

	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		CHECK((launch_capability_mask() & (UINT64_C(1) << never[i])) == 0);
	CHECK((launch_capability_mask() >> 41) == 0);
}

static void without_the_right_to(void)
{
	struct berth_error err = {0};

	if (setresuid(65534, 65534, 65534) < 0)
		_exit(99);
	CHECK(caps_settle(&err) < 0 && err.code == BERTH_ERR_SYSTEM && err.msg[0] != '\0');
}

/* A child that cannot drop them must not go on. */
static void who_may_not_drop_is_told(void)
{
	in_a_child(without_the_right_to);
}

static void raise_again(void)
{
	uint64_t permitted = set_of("CapPrm:");

	/* As it is behind setresuid with PR_SET_KEEPCAPS: permitted, but not effective. */
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setresuid(65534, 65534, 65534) < 0)
		_exit(99);
	CHECK(set_of("CapEff:") == 0 && set_of("CapPrm:") == permitted);
	CHECK(caps_raise_effective() == 0);
	CHECK(set_of("CapEff:") == permitted && set_of("CapPrm:") == permitted);
}

static void what_is_permitted_becomes_effective_and_no_more(void)
{
	in_a_child(raise_again);
}

int main(void)
{
	if (geteuid() != 0) {
		(void)printf("skipped: capabilities are root's; run as root\n");
		return 77;
	}
	RUN(the_bounding_set_is_the_policys_and_nothing_is_inherited);
	RUN(the_policy_has_no_capability_over_the_kernel);
	RUN(who_may_not_drop_is_told);
	RUN(what_is_permitted_becomes_effective_and_no_more);
	return check_failures != 0;
}
