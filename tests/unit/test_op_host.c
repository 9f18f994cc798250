/*
 * test_op_host.c - what a berthd needs of the host once, and the findings of the doctor.
 *
 * covers: runtime/worker/host_checks.c
 */
#include "tests/unit/worker_fixture.h"

#include "netsetup/net.h"

/* As berthd looks: again and again, with one socket. */
static int guard_check(void)
{
	static struct net_guard *guard;

	if (guard == NULL)
		guard = net_guard_new(&(struct net_owner){.nft_table = "berth_unit"});
	return net_guard_check(guard, &err);
}

static void the_set_up_may_be_done_any_number_of_times(void)
{
	CHECK(guard_check() == 0);
	CHECK(is_ok(WORKER("host-setup")) && guard_check() == 0);
}

/* `nft flush ruleset` is what an admin does, and berthd notices. */
static void a_packet_filter_that_was_flushed_comes_back(void)
{
	CHECK(spawn_run((const char *const[]){"nft", "flush", "ruleset", NULL}, &err) == 0);
	CHECK(guard_check() == -ENOENT);
	CHECK(is_ok(WORKER("host-setup")) && guard_check() == 0);
}

static void what_killed_builds_left_is_swept(void)
{
	char path[BERTH_PATH_MAX], name[128];

	(void)snprintf(name, sizeof(name), "%064d.erofs", 7);
	put_file(path_below(paths.lib, "template/image", path), name, "x");
	CHECK(is_ok(WORKER("host-setup")) && !is_there(path, name));
}

static void each_finding_has_level_text_and_cure(void)
{
	static const char *const levels[] = {"ok", "warning", "error"};
	unsigned int findings = 0;

	CHECK(is_ok(WORKER("doctor")));
	for (const char *p = said.values; *p != '\0'; p = strchr(p, '\n') + 1) {
		char name[80], key[96], value[400];
		bool known = false;

		if (sscanf(p, "%79[^.].level", name) != 1 ||
		    strncmp(p + strlen(name), ".level=", 7) != 0)
			continue;
		findings++;
		(void)snprintf(key, sizeof(key), "%s.level", name);
		CHECK(value_get(said.values, key, value, sizeof(value)) == 0);
		for (size_t i = 0; i < 3; i++)
			known |= strcmp(value, levels[i]) == 0;
		CHECK(known);
		(void)snprintf(key, sizeof(key), "%s.text", name);
		CHECK(value_get(said.values, key, value, sizeof(value)) == 0 && value[0] != '\0');
		(void)snprintf(key, sizeof(key), "%s.fix", name);
		CHECK(value_get(said.values, key, value, sizeof(value)) == 0);
	}
	CHECK(findings > 5);
}

/* Doctor is asked when something is wrong: then it must not be what fails. */
static void the_doctor_speaks_on_a_host_without_anything(void)
{
	char level[16] = "";

	CHECK(spawn_run((const char *const[]){"nft", "flush", "ruleset", NULL}, &err) == 0);
	CHECK(is_ok(WORKER("doctor")));
	CHECK(value_get(said.values, "kernel.level", level, sizeof(level)) == 0);
	CHECK(is_ok(WORKER("host-setup")));
}

int main(void)
{
	int r = worker_begin(false);

	if (r != 0)
		return r;
	RUN(the_set_up_may_be_done_any_number_of_times);
	RUN(a_packet_filter_that_was_flushed_comes_back);
	RUN(what_killed_builds_left_is_swept);
	RUN(each_finding_has_level_text_and_cure);
	RUN(the_doctor_speaks_on_a_host_without_anything);
	return worker_end();
}
