/*
 * test_metrics.c - numbers of CTs as text for Prometheus.
 *
 * covers: runtime/cli/cmd_metrics.c
 */
#include "runtime/base/cleanup.h"
#include "runtime/cli/metrics.h"
#include "tests/unit/check.h"

#include <stdlib.h>
#include <string.h>

static const char cts_text[] =
	"[{\"ctid\":101,\"name\":\"web\",\"status\":\"running\",\"ostemplate\":\"tiny\",\"uptime\":"
	"60,"
	"\"resources\":{\"physpages\":{\"held\":9007199254740993,\"limit\":-1,\"failcnt\":7},"
	"\"numproc\":{\"held\":3,\"limit\":40,\"failcnt\":0},\"cpulimit\":{\"held\":0,\"limit\":25}"
	"},"
	"\"usage\":{\"cpu_usec\":1500000,\"throttled\":4,"
	"\"pressure\":{\"io\":{\"some_usec\":2000000,\"full_usec\":0}}}},"
	" {\"ctid\":102,\"name\":\"a\\\"b\\\\c\\nd\",\"status\":\"stopped\",\"ostemplate\":"
	"\"tiny\"}]";
static const char findings_text[] =
	"[{\"level\":\"ok\"},{\"level\":\"warning\"},{\"level\":\"warning\"}]";

static char *written(enum metrics_format format, bool cts, bool findings)
{
	json_t *a = cts ? json_loads(cts_text, 0, NULL) : NULL,
	       *b = findings ? json_loads(findings_text, 0, NULL) : NULL;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	metrics_write(out, format, a, b);
	CHECK(fclose(out) == 0);
	json_decref(a);
	json_decref(b);
	return text;
}

static bool has(const char *text, const char *line)
{
	const char *at = strstr(text, line);

	return at != NULL && (at == text || at[-1] == '\n') && at[strlen(line)] == '\n';
}

static void prometheus_gets_each_number_in_base_units(void)
{
	auto_free char *t = written(METRICS_PROMETHEUS, true, true);

	CHECK(has(t, "# TYPE berth_ct_cpu_seconds_total counter"));
	CHECK(has(t, "berth_ct_cpu_seconds_total{ctid=\"101\",name=\"web\"} 1.500000"));
	CHECK(has(t, "berth_ct_memory_bytes{ctid=\"101\",name=\"web\"} 9007199254740993"));
	CHECK(has(t, "berth_ct_cpu_limit_cpus{ctid=\"101\",name=\"web\"} 0.250000"));
	CHECK(has(t,
		  "berth_ct_failures_total{ctid=\"101\",name=\"web\",resource=\"physpages\"} 7"));
	CHECK(has(t, "berth_ct_pressure_waiting_seconds_total{ctid=\"101\",name=\"web\",resource="
		     "\"io\"} "
		     "2.000000"));
	CHECK(has(t, "berth_doctor_findings{level=\"warning\"} 2") &&
	      has(t, "berth_doctor_findings{level=\"error\"} 0"));
	CHECK(has(t, "berth_up 1") && strcmp(t + strlen(t) - 6, "# EOF\n") == 0);
}

static void what_is_not_there_has_no_series(void)
{
	auto_free char *t = written(METRICS_PROMETHEUS, true, true);

	CHECK(strstr(t, "berth_ct_memory_limit_bytes{") == NULL); /* -1: no limit */
	CHECK(strstr(t, "resource=\"cpulimit\"") == NULL); /* nobody counts it */
	CHECK(strstr(t, "berth_ct_pids{ctid=\"102\"") == NULL);
	CHECK(has(t, "berth_ct_up{ctid=\"101\",name=\"web\"} 1"));
}

static void no_name_breaks_a_line(void)
{
	auto_free char *t = written(METRICS_PROMETHEUS, true, true);

	CHECK(has(t, "berth_ct_up{ctid=\"102\",name=\"a\\\"b\\\\c\\nd\"} 0"));
}

static void openmetrics_calls_a_counter_without_total(void)
{
	auto_free char *t = written(METRICS_OPENMETRICS, true, true);

	CHECK(has(t, "# TYPE berth_ct_cpu_seconds counter") &&
	      has(t, "# UNIT berth_ct_cpu_seconds seconds"));
	CHECK(has(t, "berth_ct_cpu_seconds_total{ctid=\"101\",name=\"web\"} 1.500000"));
	CHECK(strstr(t, "# TYPE berth_ct_cpu_seconds_total") == NULL);
}

static void without_berthd_it_says_so(void)
{
	auto_free char *t = written(METRICS_OPENMETRICS, false, false);

	CHECK(strcmp(t, "# HELP berth_up Does berthd answer?\n# TYPE berth_up gauge\nberth_up 0\n# "
			"EOF\n") == 0);
}

static void who_asks_for_openmetrics_gets_it(void)
{
	CHECK(metrics_accepted(NULL) == METRICS_PROMETHEUS);
	CHECK(metrics_accepted("text/plain") == METRICS_PROMETHEUS);
	CHECK(metrics_accepted("application/openmetrics-text;version=1.0.0,text/plain;q=0.5") ==
	      METRICS_OPENMETRICS);
	CHECK(strstr(metrics_content_type(METRICS_OPENMETRICS), "openmetrics-text; version=1.0.0"));
	CHECK(strstr(metrics_content_type(METRICS_PROMETHEUS), "text/plain; version=0.0.4"));
}

int main(void)
{
	RUN(prometheus_gets_each_number_in_base_units);
	RUN(what_is_not_there_has_no_series);
	RUN(no_name_breaks_a_line);
	RUN(openmetrics_calls_a_counter_without_total);
	RUN(without_berthd_it_says_so);
	RUN(who_asks_for_openmetrics_gets_it);
	return check_failures != 0;
}
