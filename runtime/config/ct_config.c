/* ct_config.c - the typed view of CTID.conf over berth.conf over the built-in defaults. */
#include "runtime/config/ct_config.h"

#include "runtime/base/cleanup.h"
#include "runtime/config/param_types.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What a CT gets when nobody says anything; inherit: berth.conf may say it for all. */
struct default_row {
	const char *key;
	const char *value; /* NULL: not set */
	bool inherit;
};

/* NUMPROC is secure by default: a fork bomb ends at its CT's limit, not at the host's. */
static const struct default_row defaults[] = {
	{"NAME", NULL, false},
	{"HOSTNAME", NULL, false},
	{"DESCRIPTION", NULL, false},
	{"IP_ADDRESS", NULL, false},
	{"ORIGIN_SAMPLE", NULL, false},
	{"OSTEMPLATE", NULL, false},
	{"VE_LAYOUT", "overlay", true},
	{"ONBOOT", "no", true},
	{"DISABLED", "no", false},
	{"BOOTORDER", "0", true},
	{"STOP_TIMEOUT", "120", true},
	{"FEATURES", NULL, true},
	{"PHYSPAGES", "0:131072", true},
	{"SWAPPAGES", "0:0", true},
	{"PRIVVMPAGES", NULL, true},
	{"NUMPROC", "16384:16384", true},
	{"NUMCGROUPS", "1024:1024", true},
	{"NUMPTY", "256:256", true},
	{"CPULIMIT", "0", true},
	{"CPUUNITS", "1000", true},
	{"CPUS", "0", true},
	{"CPUMASK", "all", true},
	{"NODEMASK", "all", true},
	{"IOPRIO", "4", true},
	{"IOLIMIT", "0", true},
	{"IOPSLIMIT", "0", true},
	{"DISKSPACE", "10485760:10485760", true},
	{"DISKINODES", NULL, true},
	{"NAMESERVER", "inherit", true},
	{"SEARCHDOMAIN", "inherit", true},
};

enum {
	N_DEFAULTS = sizeof(defaults) / sizeof(defaults[0])
};

/* What counts for each key: a number, or text in canonical form. */
struct effective {
	struct conf_file *f;
	uint64_t number
		[N_DEFAULTS]; /* the limit, in the unit of its row in params.def; 0: not set */
};

static void effective_free(struct effective *e)
{
	conf_free(e->f);
}

static int take_value(struct effective *e, size_t i, const char *value, struct berth_error *err)
{
	const struct param *p = param_find_key(defaults[i].key);
	struct param_numbers n;
	int r;

	if (p == NULL || !param_is_number(p))
		return param_load(e->f, defaults[i].key, value, err);
	r = param_load_numbers(p, value, &n, err);
	if (r == 0)
		e->number[i] = n.limit;
	return r;
}

static int effective_config(const struct conf_file *ct, const struct conf_file *host,
			    struct effective *ret, struct berth_error *err)
{
	int r = conf_parse("", 0, &ret->f, err);

	for (size_t i = 0; r == 0 && i < N_DEFAULTS; i++) {
		const struct default_row *d = &defaults[i];
		const char *value = conf_get(ct, d->key);

		if (value == NULL && d->inherit && host != NULL)
			value = conf_get(host, d->key);
		if (value == NULL)
			value = d->value;
		if (value != NULL)
			r = take_value(ret, i, value, err);
	}
	return r;
}

/* From here on values are canonical: they were written by param_load. */

static void read_text(const struct conf_file *f, const char *key, char *buf, size_t size)
{
	const char *value = conf_get(f, key);

	(void)snprintf(buf, size, "%s", value != NULL ? value : "");
}

static uint64_t read_number(const struct effective *e, const char *key)
{
	for (size_t i = 0; i < N_DEFAULTS; i++)
		if (strcmp(defaults[i].key, key) == 0)
			return e->number[i];
	return 0;
}

/* unit: what the row of params.def counts in. */
static uint64_t read_limit(const struct effective *e, const char *key, uint64_t unit)
{
	uint64_t n = read_number(e, key);

	return n > UINT64_MAX / unit ? UINT64_MAX : n * unit;
}

static bool read_yes(const struct conf_file *f, const char *key)
{
	const char *value = conf_get(f, key);

	return value != NULL && strcmp(value, "yes") == 0;
}

static bool read_feature(const struct conf_file *f, const char *feature)
{
	const char *value = conf_get(f, "FEATURES");

	return value != NULL && strstr(value, feature) != NULL;
}

static void read_mask(const struct conf_file *f, const char *key, char *buf, size_t size)
{
	read_text(f, key, buf, size);
	if (strcmp(buf, "all") == 0)
		buf[0] = '\0';
}

/* Words of a key into rows of width bytes; returns how many, 0 with *ret_inherit for "inherit". */
static unsigned int read_words(const struct conf_file *f, const char *key, char *rows, size_t width,
			       unsigned int max, bool *ret_inherit)
{
	const char *value = conf_get(f, key);
	struct param_words w = {0};
	unsigned int n = 0;

	*ret_inherit = value != NULL && strcmp(value, "inherit") == 0;
	if (value == NULL || *ret_inherit || param_split(value, &w) < 0)
		return 0;
	for (; n < w.n && n < max; n++)
		(void)snprintf(rows + n * width, width, "%s", w.word[n]);
	return n;
}

static void read_identity(const struct effective *e, struct ct_config *c)
{
	const struct conf_file *f = e->f;

	read_text(f, "NAME", c->name, sizeof(c->name));
	read_text(f, "HOSTNAME", c->hostname, sizeof(c->hostname));
	read_text(f, "DESCRIPTION", c->description, sizeof(c->description));
	read_text(f, "OSTEMPLATE", c->ostemplate, sizeof(c->ostemplate));
	read_text(f, "VE_LAYOUT", c->layout, sizeof(c->layout));
	read_text(f, "ORIGIN_SAMPLE", c->origin_sample, sizeof(c->origin_sample));
	c->onboot = read_yes(f, "ONBOOT");
	c->disabled = read_yes(f, "DISABLED");
	c->bootorder = (int)read_number(e, "BOOTORDER");
	c->stop_timeout = (unsigned int)read_number(e, "STOP_TIMEOUT");
	c->nesting = read_feature(f, "nesting:on");
	c->tun = read_feature(f, "tun:on");
	c->fuse = read_feature(f, "fuse:on");
	c->capture = read_feature(f, "capture:on");
	c->socketcall = read_feature(f, "socketcall:on");
}

/* Terminals are memory that no cgroup is charged for: there is always a limit. */
static unsigned int read_ptys(const struct effective *e)
{
	uint64_t n = read_limit(e, "NUMPTY", 1);

	if (n == 0) /* to devpts it would be no limit */
		return 1;
	return n > CT_PTY_MAX ? CT_PTY_MAX : (unsigned int)n;
}

/*
 * Panels of the time before VSwap send no physpages, or an unlimited one: what a customer has bought is privvmpages,
 * which counts what is in RAM and in swap. cgroup v2 has no limit of a sum, so swap gets what was asked for, and RAM
 * the rest.
 */
static void read_memory(const struct effective *e, struct ct_config *c)
{
	const uint64_t least = param_find_key("PHYSPAGES")->min * 4096;
	uint64_t sum = read_limit(e, "PRIVVMPAGES", 4096);

	c->ram = read_limit(e, "PHYSPAGES", 4096);
	c->swap = read_limit(e, "SWAPPAGES", 4096);
	if (c->ram != CT_UNLIMITED || sum == CT_UNLIMITED || sum == 0)
		return;
	c->by_privvmpages = true;
	if (sum < least)
		sum = least;
	if (c->swap > sum - least)
		c->swap = 0;
	c->ram = sum - c->swap;
}

static void read_limits(const struct effective *e, struct ct_config *c)
{
	read_memory(e, c);
	c->numproc = read_limit(e, "NUMPROC", 1);
	c->numcgroups = read_limit(e, "NUMCGROUPS", 1);
	c->numpty = read_ptys(e);
	c->cpulimit = (uint32_t)read_number(e, "CPULIMIT");
	c->cpuunits = (uint32_t)read_number(e, "CPUUNITS");
	c->cpus = (uint32_t)read_number(e, "CPUS");
	read_mask(e->f, "CPUMASK", c->cpumask, sizeof(c->cpumask));
	read_mask(e->f, "NODEMASK", c->nodemask, sizeof(c->nodemask));
	c->ioprio = (uint32_t)read_number(e, "IOPRIO");
	c->iolimit = read_number(e, "IOLIMIT");
	c->iopslimit = read_number(e, "IOPSLIMIT");
	c->diskspace = read_limit(e, "DISKSPACE", 1024);
	c->diskinodes = read_limit(e, "DISKINODES", 1);
	c->diskinodes_given = c->diskinodes != 0;
	if (!c->diskinodes_given)
		c->diskinodes = c->diskspace / 16384;
}

static void read_network(const struct conf_file *f, struct ct_config *c)
{
	bool inherit;

	c->n_addrs =
		read_words(f, "IP_ADDRESS", c->addrs[0], CT_ADDR_TEXT_MAX, CT_ADDR_MAX, &inherit);
	c->n_nameservers = read_words(f, "NAMESERVER", c->nameservers[0], CT_ADDR_TEXT_MAX,
				      CT_DNS_MAX, &c->nameserver_inherit);
	c->n_searchdomains = read_words(f, "SEARCHDOMAIN", c->searchdomains[0], CT_DOMAIN_MAX,
					CT_DNS_MAX, &c->searchdomain_inherit);
}

int ct_pin_parse(const char *word, enum ct_pin *ret)
{
	static const char *const words[] = {"cpus", "cpulimit", "no"};

	*ret = CT_PIN_CPUS;
	for (int i = 0; word != NULL && i < 3; i++) {
		if (strcasecmp(word, words[i]) == 0) {
			*ret = (enum ct_pin)i;
			return 0;
		}
	}
	return word == NULL ? 0 : -EINVAL;
}

int ct_config_from(const struct conf_file *ct, const struct conf_file *host, struct ct_config *ret,
		   struct berth_error *err)
{
	auto_ptr(effective_free) struct effective e = {0};
	int r = effective_config(ct, host, &e, err);

	if (r < 0)
		return r;
	*ret = (struct ct_config){0};
	read_identity(&e, ret);
	read_limits(&e, ret);
	read_network(e.f, ret);
	(void)ct_pin_parse(host != NULL ? conf_get(host, "CPU_PIN") : NULL, &ret->pin);
	return 0;
}
