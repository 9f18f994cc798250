/* test_registry.c - which CTs there are: order, names, free numbers, what is taken, what is damaged. */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/config/file.h"
#include "runtime/daemon/daemon.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <string.h>

static char top[] = "/tmp/berth-test-registry.XXXXXX";
static struct daemon d;

static void write_file(const char *dir, const char *name, const char *text)
{
	auto_close int fd = -EBADF;

	CHECK(dir_make(dir, 0755) == 0);
	fd = dir_open_at(AT_FDCWD, dir);
	CHECK(file_replace_at(fd, name, text, strlen(text), 0644, false) == 0);
}

static void write_config(uint32_t ctid, const char *text)
{
	char dir[BERTH_PATH_MAX], name[24];

	(void)snprintf(name, sizeof(name), "%u.conf", ctid);
	write_file(path_below(d.paths.etc, "ct", dir), name, text);
}

static void write_live(uint32_t ctid, const char *text)
{
	char dir[BERTH_PATH_MAX];

	write_file(path_run_ct(&d.paths, ctid, dir), "live.conf", text);
}

static void write_facts(uint32_t ctid, uint32_t id_base)
{
	struct ct_facts f = {.ctid = ctid, .id_base = id_base, .created = 1};
	char dir[BERTH_PATH_MAX], text[2048];

	(void)snprintf(f.uuid, sizeof(f.uuid), "01234567-89ab-4cde-8f01-%012u", ctid);
	(void)snprintf(f.template_name, sizeof(f.template_name), "tiny");
	(void)memset(f.template_hash, 'a', 64);
	(void)snprintf(f.layout, sizeof(f.layout), "overlay");
	(void)snprintf(f.driver, sizeof(f.driver), "image");
	CHECK(ct_facts_format(&f, text, sizeof(text)) == 0);
	write_file(path_private(&d.paths, ctid, dir), "facts", text);
}

/* A CT as it is on disk, in the registry. */
static struct ct *add(uint32_t ctid, uint32_t id_base, const char *conf)
{
	struct ct *ct = registry_add(&d, ctid);

	write_config(ctid, conf);
	write_facts(ctid, id_base);
	CHECK(registry_reload(&d, ct, NULL) == 0);
	return ct;
}

static struct conf_file *conf(const char *text)
{
	struct conf_file *f = NULL;

	CHECK(conf_parse(text, strlen(text), &f, NULL) == 0);
	return f;
}

static void begin(void)
{
	CHECK(mkdtemp(top) != NULL && berth_paths_init(&d.paths, top, NULL) == 0);
	CHECK(berth_paths_make(&d.paths, NULL) == 0 && ev_new(&d.ev) == 0);
	CHECK(cg_host_open("/berth-unit-registry", &d.cg, NULL) == 0);
	d.host.id_base_first = 655360000;
}

static void end(void)
{
	while (d.n_cts > 0)
		registry_remove(&d, d.cts[0]);
	free(d.cts);
	ev_free(d.ev);
	cg_host_free(d.cg);
	memset(&d, 0, sizeof(d));
	CHECK(tree_remove_at(AT_FDCWD, top) == 0);
	memcpy(strrchr(top, '.') + 1, "XXXXXX", 6);
}

static void cts_stand_in_order_and_are_found_by_number(void)
{
	begin();
	(void)registry_add(&d, 300);
	(void)registry_add(&d, 101);
	(void)registry_add(&d, 200);
	CHECK(d.n_cts == 3 && d.cts[0]->ctid == 101 && d.cts[2]->ctid == 300);
	CHECK(registry_find(&d, 200) == d.cts[1] && registry_find(&d, 201) == NULL);
	registry_remove(&d, registry_find(&d, 200));
	CHECK(d.n_cts == 2 && registry_find(&d, 200) == NULL && registry_find(&d, 300) != NULL);
	end();
}

static void a_name_stands_for_its_ct(void)
{
	struct berth_error err = {0};
	struct ct *ct;

	begin();
	ct = add(101, 655425536, "NAME=\"web\"\n");
	CHECK(registry_lookup(&d, "web", NULL) == ct && registry_lookup(&d, "101", NULL) == ct);
	CHECK(registry_lookup(&d, "", &err) == NULL && err.code == BERTH_ERR_NO_CONFIG);
	CHECK(registry_lookup(&d, "100", &err) == NULL && err.code == BERTH_ERR_VALUE);
	CHECK(registry_lookup(&d, "wbe", &err) == NULL && strstr(err.msg, "did you mean web?"));
	/* Another number is another CT. */
	CHECK(registry_lookup(&d, "102", &err) == NULL && !strstr(err.msg, "did you mean"));
	/* Nobody is shown one that is being made. */
	ct->being_created = true;
	CHECK(registry_lookup(&d, "wbe", &err) == NULL && !strstr(err.msg, "did you mean"));
	CHECK(registry_lookup(&d, "web", &err) == NULL && err.code == BERTH_ERR_NO_CONFIG);
	CHECK(registry_lookup(&d, "101", NULL) == NULL);
	end();
}

static void the_free_ctid_has_no_ct_and_no_private_area(void)
{
	char dir[BERTH_PATH_MAX];

	begin();
	CHECK(registry_free_ctid(&d) == 101);
	(void)registry_add(&d, 101);
	(void)registry_add(&d, 103);
	CHECK(registry_free_ctid(&d) == 102);
	CHECK(dir_make(path_private(&d.paths, 102, dir), 0700) == 0);
	CHECK(registry_free_ctid(&d) == 104);
	end();
}

static void the_first_range_of_ids_is_no_cts(void)
{
	uint32_t base = 0;

	begin();
	CHECK(registry_free_id_base(&d, &base, NULL) == 0 && base == 655360000 + 65536);
	(void)add(101, 655360000 + 65536, "");
	CHECK(registry_free_id_base(&d, &base, NULL) == 0 && base == 655360000 + 2 * 65536);
	end();
}

static void two_cts_never_have_the_same_ids(void)
{
	struct berth_error err = {0};
	struct ct *ct;

	begin();
	(void)add(101, 655425536, "");
	ct = registry_add(&d, 102);
	write_config(102, "");
	write_facts(102, 655425536);
	CHECK(registry_reload(&d, ct, &err) < 0 && err.code == BERTH_ERR_BROKEN);
	CHECK(ct->status == CT_BROKEN && strstr(err.msg, "CT 101's") != NULL);
	write_facts(102, 655491072);
	CHECK(registry_reload(&d, ct, &err) == 0 && ct->status == CT_STOPPED);
	end();
}

static void a_damaged_ct_says_why_and_keeps_what_it_has(void)
{
	struct berth_error err = {0};
	char dir[BERTH_PATH_MAX];
	uint32_t base = 0;
	struct ct *ct;

	begin();
	ct = add(101, 655425536, "NAME=\"web\"\n");
	write_file(path_private(&d.paths, 101, dir), "facts", "junk\n");
	CHECK(registry_reload(&d, ct, &err) < 0 && ct->status == CT_BROKEN);
	CHECK(err.code == BERTH_ERR_BROKEN && strstr(err.msg, "101/facts") != NULL);
	CHECK(registry_free_id_base(&d, &base, NULL) == 0 && base != 655425536);
	write_facts(101, 655425536);
	write_config(101, "NAME\n");
	CHECK(registry_reload(&d, ct, &err) < 0 && ct->status == CT_BROKEN);
	CHECK(strstr(err.msg, "CT 101") != NULL && strcmp(ct->name, "web") == 0);
	write_config(101, "NAME=\"web\"\n");
	CHECK(registry_reload(&d, ct, &err) == 0 && ct->status == CT_STOPPED);
	end();
}

static bool is_unique(const struct ct *ct, const char *text, enum berth_errcode *ret)
{
	struct conf_file *f = conf(text);
	struct berth_error err = {0};
	int r = registry_check_unique(&d, ct, f, &err);

	conf_free(f);
	*ret = err.code;
	return r == 0;
}

static void a_name_and_an_address_have_one_ct(void)
{
	enum berth_errcode code;
	struct ct *ct;

	begin();
	(void)add(101, 655425536, "NAME=\"web\"\nIP_ADDRESS=\"10.0.0.1 fd00::1\"\n");
	ct = add(102, 655491072, "");
	CHECK(!is_unique(ct, "NAME=\"web\"\n", &code) && code == BERTH_ERR_NAME_IN_USE);
	CHECK(!is_unique(ct, "IP_ADDRESS=\"10.0.0.2 10.0.0.1/24\"\n", &code) &&
	      code == BERTH_ERR_ADDRESS_IN_USE);
	CHECK(!is_unique(ct, "IP_ADDRESS=\"fd00:0:0::1\"\n", &code));
	CHECK(is_unique(ct, "NAME=\"web2\"\nIP_ADDRESS=\"10.0.0.2\"\n", &code));
	/* Its own are no hindrance. */
	CHECK(is_unique(registry_find(&d, 101), "NAME=\"web\"\nIP_ADDRESS=\"10.0.0.1\"\n", &code));
	end();
}

static void an_address_in_effect_is_taken_too(void)
{
	enum berth_errcode code;
	struct ct *ct;

	begin();
	ct = add(101, 655425536, "IP_ADDRESS=\"10.0.0.1\"\n");
	write_live(101, "IP_ADDRESS=\"10.0.0.1 10.0.0.9\"\n");
	CHECK(registry_refresh(&d, ct, NULL) == 0);
	ct = add(102, 655491072, "");
	CHECK(!is_unique(ct, "IP_ADDRESS=\"10.0.0.9\"\n", &code));
	CHECK(!is_unique(ct, "IP_ADDRESS=\"10.0.0.1\"\n", &code));
	end();
}

static void an_address_stays_taken_when_what_is_in_effect_cannot_be_read(void)
{
	char dir[BERTH_PATH_MAX], dump[BERTH_PATH_MAX];
	enum berth_errcode code;
	struct ct *ct, *other;

	begin();
	ct = add(101, 655425536, "IP_ADDRESS=\"10.0.0.1\"\n");
	other = add(102, 655491072, "");
	(void)path_below(path_private(&d.paths, 101, dir), "dump", dump);
	write_file(dump, "config", "IP_ADDRESS=\"10.0.0.9\"\n");
	write_file(dump, "record", "");
	CHECK(registry_refresh(&d, ct, NULL) == 0);
	write_file(dump, "config", "BAD\n");
	CHECK(registry_refresh(&d, ct, NULL) == 0);
	CHECK(!is_unique(other, "IP_ADDRESS=\"10.0.0.9\"\n", &code));
	CHECK(code == BERTH_ERR_ADDRESS_IN_USE);
	end();
}

/* What mends it, as the message of a refused address says it. */
static bool hint_is(const struct ct *ct, const char *addr, const char *hint)
{
	char text[80];
	struct conf_file *f;
	struct berth_error err = {0};
	bool right;

	(void)snprintf(text, sizeof(text), "IP_ADDRESS=\"%s\"\n", addr);
	f = conf(text);
	right = registry_check_unique(&d, ct, f, &err) < 0 && strlen(err.msg) > strlen(hint) &&
		strcmp(err.msg + strlen(err.msg) - strlen(hint), hint) == 0;
	conf_free(f);
	return right;
}

static void the_command_that_frees_an_address_is_the_right_one(void)
{
	struct ct *ct;

	begin();
	ct = add(101, 655425536, "IP_ADDRESS=\"10.0.0.1 10.0.0.2\"\n");
	write_live(101, "IP_ADDRESS=\"10.0.0.1 10.0.0.9\"\n");
	CHECK(registry_refresh(&d, ct, NULL) == 0);
	ct = add(102, 655491072, "");
	CHECK(hint_is(ct, "10.0.0.1", "berth set 101 --ipdel 10.0.0.1 --save"));
	CHECK(hint_is(ct, "10.0.0.2", "berth set 101 --ipdel 10.0.0.2 --save"));
	/* Only in effect: its config has nothing to save. */
	CHECK(hint_is(ct, "10.0.0.9", "berth set 101 --ipdel 10.0.0.9"));
	end();
}

int main(void)
{
	RUN(cts_stand_in_order_and_are_found_by_number);
	RUN(a_name_stands_for_its_ct);
	RUN(the_free_ctid_has_no_ct_and_no_private_area);
	RUN(the_first_range_of_ids_is_no_cts);
	RUN(two_cts_never_have_the_same_ids);
	RUN(a_damaged_ct_says_why_and_keeps_what_it_has);
	RUN(a_name_and_an_address_have_one_ct);
	RUN(an_address_in_effect_is_taken_too);
	RUN(an_address_stays_taken_when_what_is_in_effect_cannot_be_read);
	RUN(the_command_that_frees_an_address_is_the_right_one);
	return check_failures != 0;
}
