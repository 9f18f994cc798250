/* host_config.c - the host-wide settings of berth.conf(5). */
#include "runtime/base/parse.h"
#include "runtime/base/value.h"
#include "runtime/config/ct_config.h"
#include "runtime/config/param.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
	ID_BASE_STEP = 65536,
	RESERVE_PERCENT = 2,
	RESERVE_PERCENT_MAX = 50,
	OVERCOMMIT_MAX = 100 /* times */
};
#define RESERVE_MIN (UINT64_C(64) << 20)
#define RESERVE_MAX (UINT64_C(8) << 30)
#define ID_BASE_MAX 4294836224u /* leaves room for one range of 65536 below 2^32 - 1 */

static const char *get(const struct conf_file *f, const char *key, const char *fallback)
{
	const char *value = f != NULL ? conf_get(f, key) : NULL;

	return value != NULL ? value : fallback;
}

static int bad(struct berth_error *err, const char *key, const char *value, const char *want)
{
	return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
			       "berth.conf: %s=\"%.80s\": give %s (berth.conf(5))", key, value,
			       want);
}

static int read_word(const struct conf_file *f, const char *key, const char *fallback, char *buf,
		     size_t size, bool (*valid)(const char *), const char *want,
		     struct berth_error *err)
{
	const char *value = get(f, key, fallback);

	if (strlen(value) >= size || (*value != '\0' && !valid(value)))
		return bad(err, key, value, want);
	(void)snprintf(buf, size, "%s", value);
	return 0;
}

static int read_yesno(const struct conf_file *f, const char *key, bool fallback, bool *ret,
		      struct berth_error *err)
{
	const char *value = get(f, key, fallback ? "yes" : "no");

	if (strcasecmp(value, "yes") != 0 && strcasecmp(value, "no") != 0)
		return bad(err, key, value, "yes or no");
	*ret = strcasecmp(value, "yes") == 0;
	return 0;
}

static bool layout_is_valid(const char *s)
{
	return strcmp(s, "overlay") == 0 || strcmp(s, "private") == 0;
}

/* An absolute path of clean parts: it is joined to the mount point of each hierarchy. */
static bool cgroup_path_is_valid(const char *s)
{
	return s[0] == '/' && text_is_clean(s) && strstr(s, "..") == NULL &&
	       strstr(s, "//") == NULL;
}

/* What nft(8) takes as a name without quotes. */
static bool table_is_valid(const char *s)
{
	if ((*s < 'a' || *s > 'z') && (*s < 'A' || *s > 'Z'))
		return false;
	return s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] ==
	       '\0';
}

static int read_numbers(const struct conf_file *f, struct host_config *c, struct berth_error *err)
{
	const char *parallel = get(f, "VE_PARALLEL", "0"), *base = get(f, "ID_BASE", "655360000");
	const char *timeout = get(f, "WORKER_TIMEOUT", "3600");
	const char *flows = get(f, "CONNTRACK_MAX", "4096");

	if (parse_u32(parallel, &c->start_parallel) < 0 || c->start_parallel > 4096)
		return bad(err, "VE_PARALLEL", parallel, "a number from 0 (CPUs) to 4096");
	if (parse_u32(timeout, &c->worker_timeout) < 0 || c->worker_timeout < 1 ||
	    c->worker_timeout > 86400)
		return bad(err, "WORKER_TIMEOUT", timeout, "seconds from 1 to 86400");
	if (parse_u32(flows, &c->conntrack_max) < 0 || c->conntrack_max < 16 ||
	    c->conntrack_max > 16777216)
		return bad(err, "CONNTRACK_MAX", flows, "a number from 16 to 16777216");
	if (parse_u32(base, &c->id_base_first) < 0 || c->id_base_first < 2 * ID_BASE_STEP ||
	    c->id_base_first > ID_BASE_MAX || c->id_base_first % ID_BASE_STEP != 0)
		return bad(err, "ID_BASE", base, "a multiple of 65536 from 131072 to 4294836224");
	return 0;
}

/* "3%", or a size; a bare number counts KiB, as DISKSPACE does. */
static int read_reserve(const struct conf_file *f, struct host_config *c, struct berth_error *err)
{
	const char *value = get(f, "SPACE_RESERVE", "");
	size_t len = strlen(value);
	char number[8];

	if (len == 0)
		return 0;
	if (value[len - 1] != '%') {
		if (param_parse_size(value, 1024, &c->space_reserve) == 0 && c->space_reserve > 0 &&
		    c->space_reserve < UINT64_C(1) << 50)
			return 0;
	} else if (len < sizeof(number)) {
		(void)snprintf(number, sizeof(number), "%.*s", (int)len - 1, value);
		if (parse_u32(number, &c->space_reserve_percent) == 0 &&
		    c->space_reserve_percent >= 1 &&
		    c->space_reserve_percent <= RESERVE_PERCENT_MAX)
			return 0;
	}
	return bad(err, "SPACE_RESERVE", value, "a size such as 4G, or 1% to 50%");
}

uint64_t host_space_reserve(const struct host_config *c, uint64_t total)
{
	uint64_t bytes = total / 100 * RESERVE_PERCENT;

	if (c->space_reserve > 0)
		return c->space_reserve;
	if (c->space_reserve_percent > 0)
		return total / 100 * c->space_reserve_percent;
	return bytes < RESERVE_MIN ? RESERVE_MIN : bytes > RESERVE_MAX ? RESERVE_MAX : bytes;
}

/* "warn", "refuse", or how many times what there is may be promised: "2.5". */
static int read_overcommit(const struct conf_file *f, struct host_config *c,
			   struct berth_error *err)
{
	const char *value = get(f, "DISK_OVERCOMMIT", "warn"), *dot = strchr(value, '.');
	size_t whole = dot != NULL ? (size_t)(dot - value) : strlen(value);
	char number[8];
	uint32_t times = 0, part = 0;

	c->overcommit = 0;
	if (strcasecmp(value, "warn") == 0)
		return 0;
	c->overcommit = 100;
	if (strcasecmp(value, "refuse") == 0)
		return 0;
	(void)snprintf(number, sizeof(number), "%.*s", (int)(whole < 7 ? whole : 7), value);
	if (parse_u32(number, &times) == 0 && times >= 1 && times <= OVERCOMMIT_MAX &&
	    (dot == NULL || (strlen(dot + 1) <= 2 && parse_u32(dot + 1, &part) == 0))) {
		c->overcommit = times * 100 + (dot != NULL && dot[2] == '\0' ? part * 10 : part);
		return 0;
	}
	return bad(err, "DISK_OVERCOMMIT", value, "warn, refuse, or a factor from 1 to 100");
}

static bool pin_is_valid(const char *s)
{
	enum ct_pin pin;

	return ct_pin_parse(s, &pin) == 0;
}

static int read_words(const struct conf_file *f, struct host_config *c, struct berth_error *err)
{
	char pin[16];
	int r = read_word(f, "CGROUP_PARENT", "", c->cgroup_parent, sizeof(c->cgroup_parent),
			  cgroup_path_is_valid, "a path below the cgroup root such as /tenants",
			  err);

	if (r == 0)
		r = read_word(f, "DEF_OSTEMPLATE", "tiny", c->def_ostemplate,
			      sizeof(c->def_ostemplate), template_name_is_valid,
			      "the name of a template (berth template list)", err);
	if (r == 0)
		r = read_word(f, "CONFIGFILE", "", c->configfile, sizeof(c->configfile),
			      template_name_is_valid, "the name of a sample", err);
	if (r == 0)
		r = read_word(f, "VE_LAYOUT", "overlay", c->ve_layout, sizeof(c->ve_layout),
			      layout_is_valid, "overlay or private", err);
	if (r == 0)
		r = read_word(f, "NFT_TABLE", "berth", c->nft_table, sizeof(c->nft_table),
			      table_is_valid, "letters, digits and _", err);
	if (r == 0)
		r = read_word(f, "CPU_PIN", "cpus", pin, sizeof(pin), pin_is_valid,
			      "cpus, cpulimit or no", err);
	if (r == 0)
		r = read_word(f, "CRIU", "", c->criu, sizeof(c->criu), cgroup_path_is_valid,
			      "the path of a criu", err);
	if (r == 0)
		r = read_word(f, "GROUP", "berth", c->group, sizeof(c->group),
			      template_name_is_valid, "the name of a group", err);
	return r;
}

int host_config_from(const struct conf_file *host, struct host_config *ret, struct berth_error *err)
{
	struct host_config c = {0};
	int r = read_words(host, &c, err);

	if (r == 0)
		r = read_numbers(host, &c, err);
	if (r == 0)
		r = read_yesno(host, "NAT", true, &c.nat, err);
	if (r == 0)
		r = read_yesno(host, "IPV6", true, &c.ipv6, err);
	if (r == 0)
		r = read_yesno(host, "IP_PROBE", true, &c.ip_probe, err);
	if (r == 0)
		r = read_yesno(host, "VIEW", true, &c.view, err);
	if (r == 0)
		r = read_reserve(host, &c, err);
	if (r == 0)
		r = read_overcommit(host, &c, err);
	if (r == 0)
		*ret = c;
	return r;
}

int host_config_fixed_format(const struct host_config *h, char buf[static HOST_FIXED_SIZE])
{
	size_t used = sizeof(HOST_FIXED_ENV "=") - 1;
	int r;

	memcpy(buf, HOST_FIXED_ENV "=", used + 1);
	r = value_put(buf, HOST_FIXED_SIZE, &used, "cgroup_parent", h->cgroup_parent);
	if (r == 0)
		r = value_put(buf, HOST_FIXED_SIZE, &used, "nft_table", h->nft_table);
	if (r == 0)
		r = value_put_u64(buf, HOST_FIXED_SIZE, &used, "id_base", h->id_base_first);
	return r;
}

int host_config_fixed_take(const char *value, struct host_config *h, struct berth_error *err)
{
	struct host_config next = *h;
	uint64_t id_base = 0;
	int r = value_get(value, "cgroup_parent", next.cgroup_parent, sizeof(next.cgroup_parent));

	if (r == 0)
		r = value_get(value, "nft_table", next.nft_table, sizeof(next.nft_table));
	if (r == 0)
		r = value_get_u64(value, "id_base", &id_base);
	if (r == 0 && id_base > ID_BASE_MAX)
		r = -ERANGE;
	if (r < 0)
		return berth_error_sys(err, r, "read " HOST_FIXED_ENV " of the environment");
	next.id_base_first = (uint32_t)id_base;
	*h = next;
	return 0;
}
