/*
 * metrics.h - what berthd tells of all CTs and of the host, as text for Prometheus and its like. For `berth metrics`, and for
 * berth-metrics, which serves it.
 */
#pragma once

#include "runtime/cli/cli.h"

#include <stdio.h>

enum metrics_format {
	METRICS_PROMETHEUS, /* Prometheus' text format 0.0.4, as promtool reads it; its last line is "# EOF" here, too */
	METRICS_OPENMETRICS /* OpenMetrics 1.0: a family of counters is called without its _total */
};

/* What a client is told that it gets. */
const char *metrics_content_type(enum metrics_format format);
/* Pure: what a client that says so in its header Accept (NULL: nothing) gets. */
enum metrics_format metrics_accepted(const char *accept);

/*
 * Pure. cts: an array of Info; findings: of io.berth.Host.Finding. NULL: berthd has not told, and berth_up is 0 if it told of
 * no CTs either.
 */
void metrics_write(FILE *out, enum metrics_format format, const json_t *cts,
		   const json_t *findings);

/* Asks berthd for all CTs; and for what doctor finds, which takes a worker some tenths of a second. */
int metrics_fetch_cts(struct cli *cli, json_t **ret, struct berth_error *err);
int metrics_fetch_findings(struct cli *cli, json_t **ret, struct berth_error *err);
