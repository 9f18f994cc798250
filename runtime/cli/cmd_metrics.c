/* cmd_metrics.c - metrics: numbers of all CTs, once, on standard output. */
#include "runtime/cli/metrics.h"

int cmd_metrics(struct cli *cli, struct args *a, struct berth_error *err)
{
	static const struct opt opts[] = {{"openmetrics", 'o', false}, {0}};
	enum metrics_format format = METRICS_PROMETHEUS;
	json_t *cts = NULL, *findings = NULL;
	struct arg arg;
	int r;

	a->opts = opts;
	while ((r = cli_next(cli, a, &arg, err)) > ARG_END) {
		if (r != ARG_OPTION)
			return cli_usage_error(cli, err, "");
		format = METRICS_OPENMETRICS;
	}
	if (r < 0 || cli->help)
		return r;
	if (cli->json)
		return cli_usage_error(cli, err, "metrics are text, not JSON");
	r = metrics_fetch_cts(cli, &cts, err);
	if (r == 0)
		r = metrics_fetch_findings(cli, &findings, err);
	if (r == 0)
		metrics_write(stdout, format, cts, findings);
	json_decref(cts);
	json_decref(findings);
	return r;
}
