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

	/* That of its config is so whether it runs or not. */
	const char *all[] = {volume, limits, text_or_empty(ct->back_trouble)};
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]) && used < CT_TROUBLE_MAX; i++)
		if (all[i][0] != '\0')
			used += (size_t)snprintf(buf + used, CT_TROUBLE_MAX - used, "%s%s",
						 used > 0 ? "; " : "", all[i]);
	return buf;
}

void troubles_write(const struct ct *ct)
{
	char text[CT_TROUBLE_MAX];

	(void)ct_trouble_write(&ct->d->paths, ct->ctid, troubles_text(ct, text));
}
