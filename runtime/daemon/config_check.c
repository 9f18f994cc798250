/* config_check.c - the config of a CT before it is needed. */
#include "runtime/daemon/config_check.h"

#include "runtime/ct/spec.h"
#include "runtime/daemon/settings.h"

int config_check(struct daemon *d, uint32_t ctid, struct berth_error *err)
{
	struct net_addr addrs[CT_ADDR_MAX];
	struct cg_limits limits;
	struct ct_config c;
	struct net_ct net;
	int r = store_config(&d->paths, ctid, d->host_conf, &c, err);

	if (r == 0)
		r = settings_check_host(ctid, NULL, &c, err);
	if (r == 0)
		r = spec_net(ctid, &c, &d->host, d->paths.root, addrs, &net, err);
	if (r < 0)
		return r;
	spec_cg_limits(&c, 0, &limits);
	limits.io_bps = limits.io_iops = 0; /* of a device that is not there yet */
	return cg_limits_check(d->cg, &limits, err);
}

void config_keep_old(struct daemon *d, uint32_t ctid)
{
	store_live_keep(&d->paths, ctid);
}

bool config_has_old(struct daemon *d, uint32_t ctid)
{
	struct conf_file *f;

	if (store_old_load(&d->paths, ctid, &f, NULL) < 0)
		return false;
	conf_free(f);
	return true;
}
