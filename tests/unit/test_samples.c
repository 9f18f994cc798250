/* test_samples.c - the samples and the berth.conf that are installed can be read. */
#include "runtime/base/cleanup.h"
#include "runtime/config/ct_config.h"
#include "runtime/config/param.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <string.h>

static void check_sample(int fd, const char *name, uint64_t ram, uint64_t swap)
{
	struct conf_file *sample = NULL, *ct = NULL;
	struct berth_error err = {0};
	struct ct_config c;
	int r = conf_load_at(fd, name, &sample, &err);

	if (r == 0)
		r = conf_parse("", 0, &ct, &err);
	if (r == 0)
		r = param_apply_sample(ct, sample, &err);
	if (r == 0)
		r = ct_config_from(ct, NULL, &c, &err);
	if (r < 0)
		(void)fprintf(stderr, "%s: %s\n", name, err.msg);
	CHECK(r == 0);
	CHECK(r < 0 || (c.ram == ram << 20 && c.swap == swap << 20));
	conf_free(sample);
	conf_free(ct);
}

static void every_sample_gives_what_its_name_says(void)
{
	auto_close int fd = open(SAMPLES_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	check_sample(fd, "basic.conf", 512, 0);
	check_sample(fd, "vswap-256m.conf", 256, 512);
	check_sample(fd, "vswap-512m.conf", 512, 1024);
	check_sample(fd, "vswap-1g.conf", 1024, 2048);
	check_sample(fd, "vswap-2g.conf", 2048, 4096);
	check_sample(fd, "vswap-4g.conf", 4096, 8192);
}

static void the_basic_sample_is_the_default(void)
{
	auto_close int fd = open(SAMPLES_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct conf_file *basic = NULL, *none = NULL;
	static struct ct_config a, b;

	CHECK(conf_load_at(fd, "basic.conf", &basic, NULL) == 0);
	CHECK(conf_parse("", 0, &none, NULL) == 0);
	CHECK(ct_config_from(basic, NULL, &a, NULL) == 0);
	CHECK(ct_config_from(none, NULL, &b, NULL) == 0);
	CHECK(a.ram == b.ram && a.swap == b.swap && a.numproc == b.numproc);
	CHECK(a.diskspace == b.diskspace && a.diskinodes == b.diskinodes);
	conf_free(basic);
	conf_free(none);
}

static void the_example_berth_conf_changes_nothing(void)
{
	struct conf_file *f = NULL;
	struct host_config a, b;

	CHECK(conf_load_at(AT_FDCWD, BERTH_CONF, &f, NULL) == 0);
	CHECK(host_config_from(f, &a, NULL) == 0);
	CHECK(host_config_from(NULL, &b, NULL) == 0);
	CHECK(memcmp(&a, &b, sizeof(a)) == 0);
	conf_free(f);
}

int main(void)
{
	RUN(every_sample_gives_what_its_name_says);
	RUN(the_basic_sample_is_the_default);
	RUN(the_example_berth_conf_changes_nothing);
	return check_failures != 0;
}
