/* hangup.c - SIGHUP, as logrotate(8) and an admin who has changed berth.conf send it. */
#include "runtime/daemon/hangup.h"

#include "runtime/base/log.h"
#include "runtime/ct/store.h"

#include <stdbool.h>
#include <string.h>

/* CTs, links and ranges that are there were made with the old value. */
static void keep_fixed(struct host_config *next, const struct host_config *now)
{
	const struct {
		const char *key;
		bool differs;
	} fixed[] = {
		{"CGROUP_PARENT", strcmp(next->cgroup_parent, now->cgroup_parent) != 0},
		{"NFT_TABLE", strcmp(next->nft_table, now->nft_table) != 0},
		{"GROUP", strcmp(next->group, now->group) != 0},
		{"ID_BASE", next->id_base_first != now->id_base_first},
		{"CONNTRACK_MAX", next->conntrack_max != now->conntrack_max},
	};

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		if (fixed[i].differs)
			log_line(LOG_LV_WARNING, 0,
				 "SIGHUP: %s of berth.conf has changed: restart berthd for it",
				 fixed[i].key);
	memcpy(next->cgroup_parent, now->cgroup_parent, sizeof(next->cgroup_parent));
	memcpy(next->nft_table, now->nft_table, sizeof(next->nft_table));
	memcpy(next->group, now->group, sizeof(next->group));
	next->id_base_first = now->id_base_first;
	next->conntrack_max = now->conntrack_max;
}

static void read_conf(struct daemon *d)
{
	struct host_config next;
	struct conf_file *f = NULL;
	struct berth_error err = {0};
	int r = store_host_conf_load(&d->paths, &f, &err);

	if (r == 0)
		r = host_config_from(f, &next, &err);
	if (r < 0) {
		log_line(LOG_LV_ERROR, 0,
			 "SIGHUP: berth.conf has an error, the old settings stay: %s", err.msg);
		conf_free(f);
		return;
	}
	keep_fixed(&next, &d->host);
	conf_free(d->host_conf); /* threads have copies of their own */
	d->host_conf = f;
	d->host_conf_gen++;
	d->host = next;
	log_line(LOG_LV_INFO, 0, "SIGHUP: reopened the log, read berth.conf");
}

void hangup(struct daemon *d)
{
	int r = log_reopen();

	if (r < 0)
		log_line(LOG_LV_ERROR, 0, "SIGHUP: open the log again: %s; the old file goes on",
			 strerror(-r));
	read_conf(d);
}
