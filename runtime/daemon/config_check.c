/* config_check.c - the config of a CT before it is needed. */
#include "runtime/daemon/config_check.h"

#include "runtime/ct/spec.h"
#include "runtime/daemon/settings.h"

int config_check_limits(struct daemon *d, const struct ct_config *c, struct berth_error *err)
{
	struct cg_limits limits;

	spec_cg_limits(c, volume_io_device(volume_driver_default()), &limits);
	return cg_limits_check(d->cg, &limits, err);
}

int config_check(struct daemon *d, uint32_t ctid, struct berth_error *err)
{
	struct net_addr addrs[CT_ADDR_MAX];
	struct ct_config c;
	struct net_ct net;
	int r = store_config(&d->paths, ctid, d->host_conf, &c, err);

	if (r == 0)
		r = settings_check_host(ctid, NULL, &c, err);
	if (r == 0)
		r = spec_net(ctid, &c, &d->host, d->paths.root, addrs, &net, err);
	return r < 0 ? r : config_check_limits(d, &c, err);
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

bool config_can_restart(const struct ct *ct)
{
	return ct->status == CT_STOPPED ||
	       (ct->status == CT_BROKEN && config_has_old(ct->d, ct->ctid));
}
