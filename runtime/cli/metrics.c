/* metrics.c - numbers of CTs as text for Prometheus. */
#include "runtime/cli/metrics.h"

#include <errno.h>
#include <string.h>

enum {
	PATH_WORD = 32
};

/*
 * One family. path: where in an Info, "usage.cpu_usec"; where it has a '*' there is a series for each member there, whose
 * name is the label `resource`. A member that is not there, or negative (no limit), has no series. `per`: what is one of the unit.
 */
struct family {
	const char *name; /* without _total */
	const char *path, *help;
	double per;
	bool counter;
};

static const struct family families[] = {
	{"berth_ct_uptime_seconds", "uptime", "Time since the CT was started.", 1, false},
	{"berth_ct_cpu_seconds", "usage.cpu_usec", "CPU time used in this run of the CT.", 1e6,
	 true},
	{"berth_ct_cpu_limit_cpus", "resources.cpulimit.limit", "Its cpulimit, in CPUs.", 100,
	 false},
	{"berth_ct_cpu_periods", "usage.periods",
	 "Periods of 100 ms in which it ran under a cpulimit.", 1, true},
	{"berth_ct_cpu_throttled_periods", "usage.throttled",
	 "Periods in which it had used up its CPU time.", 1, true},
	{"berth_ct_cpu_throttled_seconds", "usage.throttled_usec",
	 "Time for which it stood still as its CPU time was used up.", 1e6, true},
	{"berth_ct_memory_bytes", "resources.physpages.held", "RAM in use, with page cache.", 1,
	 false},
	{"berth_ct_memory_limit_bytes", "resources.physpages.limit", "RAM it may use.", 1, false},
	{"berth_ct_swap_bytes", "resources.swappages.held", "Swap in use.", 1, false},
	{"berth_ct_swap_limit_bytes", "resources.swappages.limit", "Swap it may use.", 1, false},
	{"berth_ct_pids", "resources.numproc.held", "Processes and threads.", 1, false},
	{"berth_ct_pids_limit", "resources.numproc.limit", "Processes and threads it may have.", 1,
	 false},
	{"berth_ct_disk_bytes", "resources.diskspace.held", "Space in use on its disk.", 1, false},
	{"berth_ct_disk_limit_bytes", "resources.diskspace.limit", "Size of its disk.", 1, false},
	{"berth_ct_disk_inodes", "resources.diskinodes.held", "Inodes in use on its disk.", 1,
	 false},
	{"berth_ct_disk_inodes_limit", "resources.diskinodes.limit", "Inodes its disk may have.", 1,
	 false},
	{"berth_ct_failures", "resources.*.failcnt",
	 "What its limits have refused, over all runs: see ubc in berth(8).", 1, true},
	{"berth_ct_io_read_bytes", "usage.read_bytes", "Bytes read from its disk.", 1, true},
	{"berth_ct_io_written_bytes", "usage.write_bytes", "Bytes written to its disk.", 1, true},
	{"berth_ct_io_reads", "usage.reads", "Reads from its disk.", 1, true},
	{"berth_ct_io_writes", "usage.writes", "Writes to its disk.", 1, true},
	{"berth_ct_network_receive_bytes", "usage.rx_bytes", "Bytes it has received.", 1, true},
	{"berth_ct_network_receive_packets", "usage.rx_packets", "Packets it has received.", 1,
	 true},
	{"berth_ct_network_transmit_bytes", "usage.tx_bytes", "Bytes it has sent.", 1, true},
	{"berth_ct_network_transmit_packets", "usage.tx_packets", "Packets it has sent.", 1, true},
	{"berth_ct_pressure_waiting_seconds", "usage.pressure.*.some_usec",
	 "Time in which at least one of its processes waited for this (PSI some).", 1e6, true},
	{"berth_ct_pressure_stalled_seconds", "usage.pressure.*.full_usec",
	 "Time in which all that wanted to run waited for this (PSI full).", 1e6, true},
};

static const char *const levels[] = {"ok", "warning", "error"};

const char *metrics_content_type(enum metrics_format format)
{
	return format == METRICS_OPENMETRICS
		       ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
		       : "text/plain; version=0.0.4; charset=utf-8";
}

enum metrics_format metrics_accepted(const char *accept)
{
	return accept != NULL && strstr(accept, "application/openmetrics-text") != NULL
		       ? METRICS_OPENMETRICS
		       : METRICS_PROMETHEUS;
}

/* ---- text ---- */

static void put_escaped(FILE *out, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '\\' || *s == '"')
			(void)fputc('\\', out);
		if (*s == '\n')
			(void)fputs("\\n", out);
		else
			(void)fputc(*s, out);
	}
}

static const char *word_of(const json_t *info, const char *name)
{
	const char *s = json_string_value(json_object_get(info, name));

	return s != NULL ? s : "";
}

static void put_label(FILE *out, const char *name, const char *value)
{
	(void)fprintf(out, "%s=\"", name);
	put_escaped(out, value);
	(void)fputc('"', out);
}

static void put_labels(FILE *out, const json_t *info)
{
	(void)fprintf(out, "{ctid=\"%lld\",",
		      (long long)json_integer_value(json_object_get(info, "ctid")));
	put_label(out, "name", word_of(info, "name"));
}

/* OpenMetrics calls the family without _total, and wants to hear of a unit that the name ends with. */
static void put_head(FILE *out, enum metrics_format format, const char *name, const char *help,
		     bool counter)
{
	static const char *const units[] = {"seconds", "bytes", "cpus"};
	const char *total = counter && format == METRICS_PROMETHEUS ? "_total" : "";
	const char *last = strrchr(name, '_');

	(void)fprintf(out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, total, help, name, total,
		      counter ? "counter" : "gauge");
	for (size_t i = 0; format == METRICS_OPENMETRICS && i < sizeof(units) / sizeof(units[0]);
	     i++)
		if (last != NULL && strcmp(last + 1, units[i]) == 0)
			(void)fprintf(out, "# UNIT %s %s\n", name, units[i]);
}

/* Bytes and things are whole, to the last digit. */
static void put_value(FILE *out, double per, json_int_t v)
{
	if (per == 1)
		(void)fprintf(out, " %lld\n", (long long)v);
	else
		(void)fprintf(out, " %.6f\n", (double)v / per);
}

static void put_series(FILE *out, const struct family *f, const json_t *info, const char *resource,
		       const json_t *value)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return;
	(void)fprintf(out, "%s%s", f->name, f->counter ? "_total" : "");
	put_labels(out, info);
	if (resource != NULL) {
		(void)fputc(',', out);
		put_label(out, "resource", resource);
	}
	(void)fputc('}', out);
	put_value(out, f->per, json_integer_value(value));
}

/* ---- out of Info ---- */

/* The members at path below o; each of them where it says '*'. */
static void put_path(FILE *out, const struct family *f, const json_t *info, const json_t *o,
		     const char *path, const char *resource)
{
	size_t len = strcspn(path, ".");
	char word[PATH_WORD];
	const char *key;
	json_t *member;

	if (strncmp(path, "*.", 2) == 0) {
		/* jansson's iterators take no const. */
		json_object_foreach((json_t *)(size_t)o, key, member)
			put_series(out, f, info, key, json_object_get(member, path + 2));
		return;
	}
	(void)snprintf(word, sizeof(word), "%.*s", (int)len, path);
	member = json_object_get(o, word);
	if (path[len] == '.')
		put_path(out, f, info, member, path + len + 1, resource);
	else
		put_series(out, f, info, resource, member);
}

static void put_family(FILE *out, enum metrics_format format, const struct family *f,
		       const json_t *cts)
{
	const json_t *info;
	size_t i;

	put_head(out, format, f->name, f->help, f->counter);
	json_array_foreach(cts, i, info) put_path(out, f, info, info, f->path, NULL);
}

/* What is no number: of each CT, also of one that does not run. */
static void put_states(FILE *out, enum metrics_format format, const json_t *cts)
{
	const json_t *info;
	size_t i;

	put_head(out, format, "berth_ct_up", "Does the CT run?", false);
	json_array_foreach(cts, i, info)
	{
		(void)fputs("berth_ct_up", out);
		put_labels(out, info);
		(void)fprintf(out, "} %d\n", strcmp(word_of(info, "status"), "running") == 0);
	}
	put_head(out, format, "berth_ct_state", "Always 1; the labels tell of the CT.", false);
	json_array_foreach(cts, i, info)
	{
		(void)fputs("berth_ct_state", out);
		put_labels(out, info);
		(void)fputc(',', out);
		put_label(out, "status", word_of(info, "status"));
		(void)fputc(',', out);
		put_label(out, "ostemplate", word_of(info, "ostemplate"));
		(void)fputs("} 1\n", out);
	}
}

static void put_findings(FILE *out, enum metrics_format format, const json_t *findings)
{
	const json_t *f;
	size_t i;

	put_head(out, format, "berth_doctor_findings", "How many findings doctor has, by level.",
		 false);
	for (size_t level = 0; level < sizeof(levels) / sizeof(levels[0]); level++) {
		unsigned int n = 0;

		json_array_foreach(findings, i, f) n +=
			strcmp(word_of(f, "level"), levels[level]) == 0;
		(void)fprintf(out, "berth_doctor_findings{level=\"%s\"} %u\n", levels[level], n);
	}
}

void metrics_write(FILE *out, enum metrics_format format, const json_t *cts, const json_t *findings)
{
	put_head(out, format, "berth_up", "Does berthd answer?", false);
	(void)fprintf(out, "berth_up %d\n", cts != NULL);
	if (cts != NULL)
		put_states(out, format, cts);
	for (size_t i = 0; cts != NULL && i < sizeof(families) / sizeof(families[0]); i++)
		put_family(out, format, &families[i], cts);
	if (findings != NULL)
		put_findings(out, format, findings);
	(void)fputs("# EOF\n", out);
}

/* ---- berthd ---- */

static int fetch(struct cli *cli, const char *method, json_t *parameters, const char *what,
		 json_t **ret, struct berth_error *err)
{
	json_t *reply = NULL, *list;
	int r = call_berthd(cli, method, parameters, &reply, err);

	if (r < 0)
		return r;
	list = json_object_get(reply, what);
	if (json_is_array(list))
		*ret = json_incref(list);
	else
		r = berth_error_set(err, BERTH_ERR_PROTOCOL, EBADMSG,
				    "berthd's answer to %s has no %s", method, what);
	json_decref(reply);
	return r;
}

int metrics_fetch_cts(struct cli *cli, json_t **ret, struct berth_error *err)
{
	json_t *p = json_pack("{s:b, s:[s, s, s, s, s]}", "all", 1, "fields", "name", "ostemplate",
			      "uptime", "resources", "usage");

	return fetch(cli, "io.berth.Container.List", p, "containers", ret, err);
}

int metrics_fetch_findings(struct cli *cli, json_t **ret, struct berth_error *err)
{
	return fetch(cli, "io.berth.Host.Doctor", json_object(), "findings", ret, err);
}
