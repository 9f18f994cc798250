/* test_daemon_settings.c - what this host has not is refused, and an --ipdel goes where the address is. */
#include "runtime/daemon/settings.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <string.h>

static struct berth_error err;

static int check(const char *before, const char *next)
{
	struct ct_config a = {0}, b = {0};

	(void)snprintf(a.cpumask, sizeof(a.cpumask), "%s", before);
	(void)snprintf(b.cpumask, sizeof(b.cpumask), "%s", next);
	return settings_check_host(101, &a, &b, &err);
}

static void a_cpu_that_is_not_there_is_refused(void)
{
	CHECK(check("", "") == 0 && check("", "0") == 0);
	CHECK(check("", "0,4000") == -ERANGE && err.code == BERTH_ERR_LIMIT);
	CHECK(strstr(err.msg, "CT 101") != NULL && strstr(err.msg, "no CPU 4000") != NULL);
	CHECK(strstr(err.msg, "cpu/online") != NULL);
}

static void a_ct_that_came_with_it_can_still_be_changed(void)
{
	CHECK(check("4000", "4000") == 0);
	CHECK(check("4000", "4001") == -ERANGE);
}

static void a_numa_node_that_is_not_there_is_refused(void)
{
	struct ct_config c = {0};

	(void)snprintf(c.nodemask, sizeof(c.nodemask), "0");
	CHECK(settings_check_host(101, NULL, &c, &err) == 0);
	(void)snprintf(c.nodemask, sizeof(c.nodemask), "1000");
	CHECK(settings_check_host(101, NULL, &c, &err) == -ERANGE);
	CHECK(strstr(err.msg, "no NUMA node 1000") != NULL);
}

static struct conf_file *conf(const char *text)
{
	struct conf_file *f = NULL;

	CHECK(conf_parse(text, strlen(text), &f, NULL) == 0);
	return f;
}

static void an_address_is_taken_from_the_config_that_has_it(void)
{
	struct conf_file *one = conf("IP_ADDRESS=\"10.0.0.1\"\n");
	struct conf_file *both = conf("IP_ADDRESS=\"10.0.0.1 10.0.0.2\"\n");
	const struct setting del_second[] = {{"ipdel", "10.0.0.2"}, {"ram", "1G"}};
	const struct setting del_third[] = {{"ipdel", "10.0.0.3"}};
	struct setting rest[SETTINGS_MAX];

	CHECK(settings_for(both, one, del_second, 2, rest) == 2);
	CHECK(settings_for(one, both, del_second, 2, rest) == 1);
	CHECK(strcmp(rest[0].option, "ram") == 0);
	/* One that nobody has is a mistake, and stays one. */
	CHECK(settings_for(one, both, del_third, 1, rest) == 1);
	conf_free(one);
	conf_free(both);
}

int main(void)
{
	RUN(a_cpu_that_is_not_there_is_refused);
	RUN(a_ct_that_came_with_it_can_still_be_changed);
	RUN(a_numa_node_that_is_not_there_is_refused);
	RUN(an_address_is_taken_from_the_config_that_has_it);
	return check_failures != 0;
}
