/* info_want.c - names of members to bits. */
#include "runtime/daemon/info_want.h"

#include <errno.h>
#include <string.h>

static const struct {
	const char *name;
	uint64_t bits;
} members[] = {
	{"ctid", 0}, /* always there, */
	{"status", 0}, /* as is this */
	{"booted", INFO_BOOTED},
	{"name", INFO_NAME},
	{"hostname", INFO_HOSTNAME},
	{"addresses", INFO_ADDRESSES},
	{"description", INFO_DESCRIPTION},
	{"ostemplate", INFO_OSTEMPLATE},
	{"layout", INFO_LAYOUT},
	{"uuid", INFO_UUID},
	{"init_pid", INFO_INIT_PID},
	{"monitor_pid", INFO_MONITOR_PID},
	{"uptime", INFO_UPTIME},
	{"id_base", INFO_ID_BASE},
	{"onboot", INFO_ONBOOT},
	{"disabled", INFO_DISABLED},
	{"cpulimit", INFO_CPULIMIT},
	{"cpuunits", INFO_CPUUNITS},
	{"cpus", INFO_CPUS},
	{"cpu_usec", INFO_CPU_USEC},
	{"last_end", INFO_LAST_END},
	{"why", INFO_WHY},
	{"config", INFO_CONFIG},
	{"trouble", INFO_TROUBLE},
	{"resources", INFO_RESOURCES | INFO_COUNTERS},
	{"usage", INFO_USAGE},
	{"explain", INFO_EXPLAIN | INFO_RESOURCES | INFO_COUNTERS},
};

static const struct {
	const char *name;
	uint64_t bits;
} resources[] = {
	{"physpages", INFO_PHYSPAGES},	     {"swappages", INFO_SWAPPAGES},
	{"numproc", INFO_NUMPROC},	     {"numcgroups", INFO_NUMCGROUPS},
	{"oomguarpages", INFO_OOMGUARPAGES}, {"cpulimit", INFO_THROTTLED},
	{"diskspace", INFO_DISKSPACE},	     {"diskinodes", INFO_DISKINODES},
	{"iolimit", INFO_IOLIMIT},
};

static const char prefix[] = "resources.", suffix[] = ".held";

/* "resources.numproc", "resources.numproc.held"; 0 for a name that is none. */
static uint64_t resource_bits(const char *name)
{
	size_t len;

	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
		return 0;
	name += sizeof(prefix) - 1;
	len = strcspn(name, ".");
	for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++)
		if (strlen(resources[i].name) == len &&
		    strncmp(resources[i].name, name, len) == 0) {
			if (name[len] == '\0')
				return resources[i].bits | INFO_COUNTERS;
			return strcmp(name + len, suffix) == 0 ? resources[i].bits : 0;
		}
	return 0;
}

static int take(const char *name, uint64_t *bits, struct berth_error *err)
{
	uint64_t more;

	for (size_t i = 0; name != NULL && i < sizeof(members) / sizeof(members[0]); i++)
		if (strcmp(members[i].name, name) == 0) {
			*bits |= members[i].bits;
			return 0;
		}
	more = name != NULL ? resource_bits(name) : 0;
	if (more == 0)
		return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
				       "fields: '%.40s' is no member of Info, and no "
				       "resources.NAME or resources.NAME.held of it",
				       name != NULL ? name : "");
	*bits |= more;
	return 0;
}

int info_want_parse(const json_t *fields, uint64_t *ret, struct berth_error *err)
{
	uint64_t bits = 0;
	const json_t *name;
	size_t i;

	if (fields == NULL || json_is_null(fields)) {
		*ret = INFO_ALL;
		return 0;
	}
	if (!json_is_array(fields))
		return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
				       "fields: give a list of members of Info");
	json_array_foreach(fields, i, name)
	{
		int r = take(json_string_value(name), &bits, err);

		if (r < 0)
			return r;
	}
	*ret = bits;
	return 0;
}
