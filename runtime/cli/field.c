/* field.c - the columns of list. */
#include "runtime/cli/field.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/parse.h"
#include "runtime/config/param.h"
#include "runtime/config/temporary.h"

#include <stdint.h>
#include <string.h>
#include <time.h>

/* What OpenVZ prints for "unlimited": LONG_MAX. */
#define UNLIMITED INT64_MAX

#define NUMBER(name, title, key, width)                         \
	{                                                       \
		name, title, FIELD_INT, key, 0, NULL, width, 20 \
	}
#define TEXT(name, title, key, width, max)                        \
	{                                                         \
		name, title, FIELD_TEXT, key, 0, NULL, width, max \
	}
#define CONF(name, title, key, max)                             \
	{                                                       \
		name, title, FIELD_CONFIG, key, 0, NULL, 8, max \
	}
#define CONFINT(name, title, key)                                  \
	{                                                          \
		name, title, FIELD_CONFIG_INT, key, 0, NULL, 8, 20 \
	}
#define RES(name, title, unit, conf_key)                                  \
	{                                                                 \
		name, title, FIELD_RESOURCE, name, unit, conf_key, 10, 20 \
	}
#define DISK(name, title, unit, conf_key)                             \
	{                                                             \
		name, title, FIELD_DISK, name, unit, conf_key, 10, 20 \
	}
#define UNKNOWN(name, title)                                     \
	{                                                        \
		name, title, FIELD_UNKNOWN, NULL, 0, NULL, 8, 14 \
	}

static const struct field fields[] = {
	NUMBER("ctid", "CTID", "ctid", 10),
	NUMBER("veid", "CTID", "ctid", 10),
	NUMBER("vpsid", "CTID", "ctid", 10),
	TEXT("uuid", "UUID", "uuid", 36, 36),
	TEXT("name", "NAME", "name", 16, 32),
	{"smart_name", "SMARTNAME", FIELD_SMART, "name", 0, NULL, 10, 32},
	TEXT("hostname", "HOSTNAME", "hostname", 16, 32),
	TEXT("description", "DESCRIPTION", "description", 16, 32),
	TEXT("status", "STATUS", "status", 9, 10),
	TEXT("end", "END", "end_reason", 8, 8),
	TEXT("ends", "ENDS", "end_counts", 16, 80),
	{"last_end", "LAST_END", FIELD_END, "last_end", 0, NULL, 16, 80},
	TEXT("why", "WHY", "why", 16, 80),
	TEXT("trouble", "TROUBLE", "trouble", 16, 400),
	{"temporary", "TEMPORARY", FIELD_TEMPORARY, "config", 0, NULL, 16, 400},
	{"ip", "IP_ADDR", FIELD_IP, "addresses", 0, NULL, 15, 39},
	{"configured_ip", "IP_ADDR", FIELD_IP, "addresses", 0, NULL, 15, 39},
	CONF("nameserver", "NAMESERVER", "NAMESERVER", 32),
	CONF("searchdomain", "SEARCHDOMAIN", "SEARCHDOMAIN", 32),
	TEXT("ostemplate", "OSTEMPLATE", "ostemplate", 12, 32),
	TEXT("tm", "TM", "ostemplate", 12, 32),
	TEXT("layout", "LAYOUT", "layout", 7, 8),
	TEXT("private", "PRIVATE", "private", 16, 64),
	CONF("origin_sample", "ORIGIN_SAMPLE", "ORIGIN_SAMPLE", 32),
	{"onboot", "ONBOOT", FIELD_YESNO, "onboot", 0, NULL, 6, 6},
	{"disabled", "DISABL", FIELD_YESNO, "disabled", 0, NULL, 6, 6},
	{"booted", "BOOTED", FIELD_YESNO, "booted", 0, NULL, 6, 6},
	CONFINT("bootorder", "BOOTORDER", "BOOTORDER"),
	CONF("features", "FEATURES", "FEATURES", 32),
	NUMBER("uptime", "UPTIME", "uptime", 10),
	UNKNOWN("laverage", "LAVERAGE"),
	NUMBER("init_pid", "INIT_PID", "init_pid", 8),
	NUMBER("monitor_pid", "MON_PID", "monitor_pid", 8),
	NUMBER("id_base", "ID_BASE", "id_base", 10),
	NUMBER("cpulimit", "CPUL", "cpulimit", 6),
	NUMBER("cpuunits", "CPUUNITS", "cpuunits", 8),
	NUMBER("cpus", "CPUS", "cpus", 4),
	NUMBER("cpu_usec", "CPU_USEC", "cpu_usec", 12),
	CONF("cpumask", "CPUMASK", "CPUMASK", 32),
	CONF("nodemask", "NODEMASK", "NODEMASK", 32),
	CONFINT("ioprio", "IOP", "IOPRIO"),
	CONFINT("iolimit", "IOLIMIT", "IOLIMIT"),
	CONFINT("iopslimit", "IOPSLIMIT", "IOPSLIMIT"),
	NUMBER("cpulimitM", "CPUL_M", "cpulimit", 6),
	CONF("vm_overcommit", "VM_OVERC", "VM_OVERCOMMIT", 16),
	CONF("netfilter", "NETFILTER", "NETFILTER", 16),
	CONF("autostop", "AUTOSTOP", "AUTOSTOP", 16),
	CONF("ha_enable", "HA_ENABLE", "HA_ENABLE", 9),
	CONF("ha_prio", "HA_PRIO", "HA_PRIO", 10),
	/* Of OpenVZ's, for what berth has not, or not by that name. */
	UNKNOWN("root", "ROOT"),
	UNKNOWN("mount_opts", "MOUNT_OPTS"),
	UNKNOWN("distribution", "DISTRIBUTION"),
	UNKNOWN("vswap", "VSWAP"),
	UNKNOWN("capability", "CAPABILITY"),
	UNKNOWN("devnodes", "DEVNODES"),
	UNKNOWN("device", "DEVICE"),
	UNKNOWN("type", "TYPE"),
	UNKNOWN("host_ifname", "HOST_IFNAME"),
	UNKNOWN("ifname", "IFNAME"),
	UNKNOWN("mac", "MAC"),
	UNKNOWN("host_mac", "HOST_MAC"),
	UNKNOWN("gw", "GW"),
	UNKNOWN("network", "NETWORK"),
	UNKNOWN("netif", "NETIF"),
	RES("kmemsize", "KMEMSIZE", 1, "KMEMSIZE"),
	RES("lockedpages", "LOCKEDP", 1, "LOCKEDPAGES"),
	RES("privvmpages", "PRIVVMP", 1, "PRIVVMPAGES"),
	RES("shmpages", "SHMP", 1, "SHMPAGES"),
	RES("numproc", "NPROC", 1, "NUMPROC"),
	RES("numcgroups", "NCGROUPS", 1, "NUMCGROUPS"),
	RES("physpages", "PHYSP", 4096, "PHYSPAGES"),
	RES("swappages", "SWAPP", 4096, "SWAPPAGES"),
	RES("vmguarpages", "VMGUARP", 1, "VMGUARPAGES"),
	RES("oomguarpages", "OOMGUARP", 4096, "OOMGUARPAGES"),
	RES("numtcpsock", "NTCPSOCK", 1, "NUMTCPSOCK"),
	RES("numflock", "NFLOCK", 1, "NUMFLOCK"),
	RES("numpty", "NPTY", 1, "NUMPTY"),
	RES("numsiginfo", "NSIGINFO", 1, "NUMSIGINFO"),
	RES("tcpsndbuf", "TCPSNDB", 1, "TCPSNDBUF"),
	RES("tcprcvbuf", "TCPRCVB", 1, "TCPRCVBUF"),
	RES("othersockbuf", "OTHSOCKB", 1, "OTHERSOCKBUF"),
	RES("dgramrcvbuf", "DGRAMRCVB", 1, "DGRAMRCVBUF"),
	RES("numothersock", "NOTHSOCK", 1, "NUMOTHERSOCK"),
	RES("dcachesize", "DCACHESZ", 1, "DCACHESIZE"),
	RES("numfile", "NFILE", 1, "NUMFILE"),
	RES("numiptent", "NIPTENT", 1, "NUMIPTENT"),
	DISK("diskspace", "DQBLOCKS", 1024, "DISKSPACE"),
	DISK("diskinodes", "DQINODES", 1, "DISKINODES"),
	{0},
};

const struct field *field_table(void)
{
	return fields;
}

static const char *suffixes_of(const struct field *f)
{
	if (f->source == FIELD_RESOURCE)
		return "mblf";
	return f->source == FIELD_DISK ? "sh" : "";
}

static int unknown_field(const char *word, size_t len, struct berth_error *err)
{
	char name[32];
	static const struct word_pair others[] = {
		{"ram", "physpages"}, {"memory", "physpages"},	  {"swap", "swappages"},
		{"id", "ctid"},	      {"template", "ostemplate"}, {NULL, NULL}};
	struct word_guess g = {.word = name};

	(void)snprintf(name, sizeof(name), "%.*s", (int)len, word);
	word_guess_other(&g, others);
	for (const struct field *f = fields; f->name != NULL; f++)
		word_guess_try(&g, f->name);
	if (g.best != NULL)
		return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
				       "unknown field '%.40s'; did you mean %s?", word, g.best);
	return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
			       "unknown field '%.40s'; list -L shows all fields", word);
}

int field_parse(const char *word, struct field_ref *ret, struct berth_error *err)
{
	size_t len = strcspn(word, ".");
	const struct field *f = fields;

	while (f->name != NULL && (strlen(f->name) != len || strncmp(f->name, word, len) != 0))
		f++;
	if (f->name == NULL)
		return unknown_field(word, len, err);
	if (word[len] == '\0') {
		*ret = (struct field_ref){f, '\0'};
		return 0;
	}
	if (word[len + 1] == '\0' || word[len + 2] != '\0' ||
	    strchr(suffixes_of(f), word[len + 1]) == NULL)
		return berth_error_set(
			err, BERTH_ERR_VALUE, EINVAL,
			"unknown suffix in '%.40s'; limits take .m .b .l .f, diskspace "
			"and diskinodes take .s .h, other fields take none",
			word);
	*ret = (struct field_ref){f, word[len + 1]};
	return 0;
}

int field_parse_list(const char *text, struct field_ref refs[FIELDS_MAX], struct berth_error *err)
{
	int n = 0;

	while (*text != '\0') {
		size_t len = strcspn(text, ",");
		char word[64];
		int r;

		if (len >= sizeof(word) || n == FIELDS_MAX)
			return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
					       "the list of fields is too long");
		memcpy(word, text, len);
		word[len] = '\0';
		r = field_parse(word, &refs[n], err);
		if (r < 0)
			return r;
		n++;
		text += len;
		text += *text == ',';
	}
	if (n == 0)
		return berth_error_set(err, BERTH_ERR_VALUE, EINVAL, "the list of fields is empty");
	return n;
}

static void need(json_t *needs, const char *name)
{
	(void)json_object_set_new(needs, name, json_null());
}

/* Does berthd measure it? Of the other limits of OpenVZ there is what the config says, and nothing else. */
static bool is_measured(const struct field *f)
{
	static const char *const names[] = {"physpages", "swappages", "oomguarpages", "numproc",
					    "numcgroups"};

	for (size_t i = 0; f->source == FIELD_RESOURCE && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], f->key) == 0)
			return true;
	return f->source == FIELD_DISK;
}

static void need_limit(const struct field_ref *ref, bool json, json_t *needs)
{
	const struct field *f = ref->field;
	bool counters =
		f->source == FIELD_RESOURCE && (json || ref->suffix == 'm' || ref->suffix == 'f');
	char name[64];

	(void)snprintf(name, sizeof(name), "resources.%s%s", f->key, counters ? "" : ".held");
	if (is_measured(f))
		need(needs, name);
	if (json || ref->suffix == 'b' || ref->suffix == 's' || !is_measured(f))
		need(needs, "config");
}

void field_needs(const struct field_ref *ref, bool json, json_t *needs)
{
	const struct field *f = ref->field;

	switch (f->source) {
	case FIELD_CONFIG:
	case FIELD_CONFIG_INT:
	case FIELD_TEMPORARY:
		need(needs, "config");
		break;
	case FIELD_RESOURCE:
	case FIELD_DISK:
		need_limit(ref, json, needs);
		break;
	case FIELD_INT:
	case FIELD_TEXT:
	case FIELD_YESNO:
	case FIELD_IP:
	case FIELD_SMART:
	case FIELD_END:
		if (strncmp(f->key, "end_", 4) == 0) /* list_fetch.c makes it of that */
			need(needs, "last_end");
		else if (strcmp(f->key, "private") != 0) /* known without berthd */
			need(needs, f->key);
		break;
	case FIELD_UNKNOWN:
		break;
	}
}

bool field_is_number(const struct field_ref *ref)
{
	enum field_source s = ref->field->source;

	return s == FIELD_INT || s == FIELD_CONFIG_INT || s == FIELD_RESOURCE || s == FIELD_DISK;
}

const char *field_title(const struct field_ref *ref, char *buf)
{
	char letter[2] = {ref->suffix, '\0'};

	if (ref->suffix != '\0')
		letter[0] = (char)(ref->suffix - 'a' + 'A');
	(void)snprintf(buf, 32, "%s%s", ref->field->title, ref->suffix != '\0' ? "." : "");
	if (ref->suffix != '\0')
		(void)snprintf(buf, 32, "%s.%s", ref->field->title, letter);
	return buf;
}

/* ---- values ---- */

static const char *config_text(const json_t *info, const char *key)
{
	return json_string_value(json_object_get(json_object_get(info, "config"), key));
}

/* Half of "B:L" in the config; false when it is not there. */
static bool config_limit(const json_t *info, const struct field *f, bool barrier, int64_t *ret)
{
	const char *text = config_text(info, f->conf_key);
	uint64_t b, l, v;

	if (text == NULL || param_parse_pair(text, 1, false, &b, &l) < 0)
		return false;
	v = barrier ? b : l;
	*ret = v > (uint64_t)UNLIMITED ? UNLIMITED : (int64_t)v;
	return true;
}

/* A number of the resource, in the field's unit. */
static bool resource_number(const json_t *info, const struct field *f, const char *what,
			    int64_t *ret)
{
	const json_t *r = json_object_get(json_object_get(info, "resources"), f->key);
	const json_t *v = json_object_get(r, what);
	int64_t n;

	if (!json_is_integer(v))
		return false;
	n = json_integer_value(v);
	if (n < 0)
		*ret = UNLIMITED;
	else
		*ret = strcmp(what, "failcnt") == 0 ? n : n / (int64_t)f->unit;
	return true;
}

/* What is enforced, when that is known, else what the config says. */
static bool limit_number(const json_t *info, const struct field *f, char suffix, int64_t *ret)
{
	switch (suffix) {
	case 'm':
		return resource_number(info, f, "maxheld", ret);
	case 'f':
		return resource_number(info, f, "failcnt", ret);
	case 'b':
	case 's':
		return config_limit(info, f, true, ret) || resource_number(info, f, "limit", ret);
	case 'l':
	case 'h':
		return resource_number(info, f, "limit", ret) || config_limit(info, f, false, ret);
	default:
		return resource_number(info, f, "held", ret);
	}
}

static bool number_of(const struct field_ref *ref, const json_t *info, int64_t *ret)
{
	const struct field *f = ref->field;
	const json_t *v;
	const char *text;
	uint64_t n;

	switch (f->source) {
	case FIELD_INT:
		v = json_object_get(info, f->key);
		*ret = json_integer_value(v);
		return json_is_integer(v);
	case FIELD_CONFIG_INT:
		text = config_text(info, f->key);
		if (text == NULL || param_parse_size(text, 1, &n) < 0 || n > (uint64_t)UNLIMITED)
			return false;
		*ret = (int64_t)n;
		return true;
	case FIELD_RESOURCE:
	case FIELD_DISK:
		return limit_number(info, f, ref->suffix, ret);
	case FIELD_TEXT:
	case FIELD_YESNO:
	case FIELD_IP:
	case FIELD_SMART:
	case FIELD_END:
	case FIELD_CONFIG:
	case FIELD_TEMPORARY:
	case FIELD_UNKNOWN:
		break;
	}
	return false;
}

static char *join_addresses(const json_t *list)
{
	size_t size = 1, i;
	const json_t *item;
	char *text;

	json_array_foreach(list, i, item) size += json_string_length(item) + 1;
	text = calloc(1, size);
	if (text == NULL || json_array_size(list) == 0) {
		free(text);
		return strdup("-");
	}
	json_array_foreach(list, i, item)
	{
		size_t used = strlen(text);

		(void)snprintf(text + used, size - used, "%s%s", i > 0 ? " " : "",
			       json_is_string(item) ? json_string_value(item) : "");
	}
	return text;
}

static const char *text_of(const struct field *f, const json_t *info)
{
	const json_t *v = f->key != NULL ? json_object_get(info, f->key) : NULL;

	if (f->source == FIELD_YESNO && json_is_boolean(v))
		return json_is_true(v) ? "yes" : "no";
	if (f->source == FIELD_CONFIG)
		return config_text(info, f->key);
	return json_string_value(v);
}

/* "oom 2026-11-29T21:04:05Z" */
static char *end_text(const json_t *end)
{
	const char *reason = json_string_value(json_object_get(end, "reason"));
	time_t at = (time_t)json_integer_value(json_object_get(end, "at"));
	char when[32] = "";
	struct tm tm;
	char *text;

	if (reason == NULL)
		return strdup("-");
	if (gmtime_r(&at, &tm) != NULL)
		(void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return asprintf(&text, "%s %s", reason, when) < 0 ? NULL : text;
}

char *field_temporary(const json_t *info)
{
	json_t *config = json_object_get(info, "config"), *value;
	char *text = strdup(""), *longer;
	const char *line, *old;

	json_object_foreach(config, line, value)
	{
		const char *key = temporary_key(line), *v = json_string_value(value);
		int64_t until;

		if (text == NULL || key == NULL || v == NULL ||
		    temporary_parse(v, &until, &old) < 0)
			continue;
		if (asprintf(&longer, "%s%s%s until %.20s, then %s", text,
			     *text != '\0' ? "; " : "", key, v,
			     old != NULL ? old : "the default") < 0)
			longer = NULL;
		free(text);
		text = longer;
	}
	return text;
}

char *field_cell(const struct field_ref *ref, const json_t *info)
{
	const struct field *f = ref->field;
	const char *text;
	char *cell;
	int64_t n;

	if (f->source == FIELD_IP)
		return join_addresses(json_object_get(info, f->key));
	if (f->source == FIELD_END)
		return end_text(json_object_get(info, f->key));
	if (f->source == FIELD_TEMPORARY) {
		cell = field_temporary(info);
		if (cell == NULL || *cell != '\0')
			return cell;
		free(cell);
		return strdup("-");
	}
	if (field_is_number(ref)) {
		if (!number_of(ref, info, &n))
			return strdup("-");
		return asprintf(&cell, "%lld", (long long)n) < 0 ? NULL : cell;
	}
	text = text_of(f, info);
	if (f->source == FIELD_SMART && (text == NULL || *text == '\0')) {
		n = json_integer_value(json_object_get(info, "ctid"));
		return asprintf(&cell, "%lld", (long long)n) < 0 ? NULL : cell;
	}
	return strdup(text != NULL && *text != '\0' ? text : "-");
}

size_t field_limits(const struct field *f, const json_t *info, struct field_limit ret[FIELD_LIMITS])
{
	static const struct {
		const char *name;
		char suffix;
	} ubc[] = {{"held", 0},
		   {"maxheld", 'm'},
		   {"barrier", 'b'},
		   {"limit", 'l'},
		   {"failcnt", 'f'}},
	  disk[] = {{"usage", 0}, {"softlimit", 's'}, {"hardlimit", 'h'}};
	bool is_disk = f->source == FIELD_DISK;
	size_t n = is_disk ? sizeof(disk) / sizeof(disk[0]) : sizeof(ubc) / sizeof(ubc[0]);

	if (f->source != FIELD_RESOURCE && !is_disk)
		return 0;
	for (size_t i = 0; i < n; i++) {
		ret[i].name = is_disk ? disk[i].name : ubc[i].name;
		ret[i].known = limit_number(info, f, is_disk ? disk[i].suffix : ubc[i].suffix,
					    &ret[i].value);
	}
	return n;
}

json_t *field_json(const struct field *f, const json_t *info)
{
	struct field_ref ref = {f, '\0'};
	json_t *list, *v;
	char *text;
	int64_t n;

	if (f->source == FIELD_IP) {
		list = json_object_get(info, f->key);
		return list != NULL ? json_incref(list) : json_array();
	}
	if (f->source == FIELD_YESNO || f->source == FIELD_END) {
		v = json_object_get(info, f->key);
		return v != NULL ? json_incref(v) : json_null();
	}
	if (field_is_number(&ref))
		return number_of(&ref, info, &n) ? json_integer(n) : json_null();
	if (f->source == FIELD_TEMPORARY) {
		text = field_temporary(info);
		v = text != NULL && *text != '\0' ? json_string(text) : NULL;
		free(text);
		return v != NULL ? v : json_null();
	}
	if (f->source != FIELD_SMART && text_of(f, info) == NULL)
		return json_null();
	text = field_cell(&ref, info);
	v = json_string(text != NULL ? text : "");
	free(text);
	return v != NULL ? v : json_null();
}

int field_compare(const struct field_ref *ref, const json_t *a, const json_t *b)
{
	auto_free char *x = NULL, *y = NULL;
	int64_t m = -1, n = -1;

	if (field_is_number(ref)) {
		(void)number_of(ref, a, &m);
		(void)number_of(ref, b, &n);
		return (m > n) - (m < n);
	}
	x = field_cell(ref, a);
	y = field_cell(ref, b);
	return x == NULL || y == NULL ? 0 : strcmp(x, y);
}
