/* troubles.c - one line of all that is wrong with a running CT. */
#include "runtime/daemon/troubles.h"

#include <stdio.h>

/* What is known of another run says nothing of this one. */
static const char *of_run(const struct ct *ct, const struct pidref *run, const char *text)
{
	bool runs = ct->status == CT_RUNNING || ct->status == CT_STOPPING;

	return runs && run->pid == ct->run.init.pid && run->start_time == ct->run.init.start_time
		       ? text
		       : "";
}

const char *troubles_text(const struct ct *ct, char *buf)
{
	const char *volume = of_run(ct, &ct->space.init, text_or_empty(ct->volume_trouble)),
		   *limits = of_run(ct, &ct->limit_init, text_or_empty(ct->limit_trouble));

	(void)snprintf(buf, CT_TROUBLE_MAX, "%s%s%s", volume,
		       volume[0] != '\0' && limits[0] != '\0' ? "; " : "", limits);
	return buf;
}

void troubles_write(const struct ct *ct)
{
	char text[CT_TROUBLE_MAX];

	(void)ct_trouble_write(&ct->d->paths, ct->ctid, troubles_text(ct, text));
}
