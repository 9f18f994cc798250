/* strays.c - what is on this host under a CTID that has no config. */
#include "runtime/daemon/strays.h"

#include "netsetup/net.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/base/parse.h"
#include "runtime/ct/spec.h"

#include <fcntl.h>
#include <string.h>

typedef void stray_fn(struct daemon *d, const char *name);

static void each_name(struct daemon *d, const char *base, const char *sub, stray_fn *fn)
{
	char path[BERTH_PATH_MAX];
	auto_closedir DIR *dir = opendir(path_below(base, sub, path));
	struct dirent *e;

	while (dir != NULL && (e = readdir(dir)) != NULL)
		fn(d, e->d_name);
}

/* Hidden until recover.c knows what is left of it. */
static struct ct *add_stray(struct daemon *d, uint32_t ctid)
{
	struct ct *ct;

	if (registry_find(d, ctid) != NULL)
		return NULL;
	ct = registry_add(d, ctid);
	ct->being_created = true;
	return ct;
}

static void take_run_dir(struct daemon *d, const char *name)
{
	uint32_t ctid;

	if (parse_ctid(name, &ctid) == 0 && add_stray(d, ctid) != NULL)
		log_line(LOG_LV_WARNING, ctid, "has a run directory but no config");
}

/* Named by berth itself, with the uuid of what it made or was removing. One CTID may have several. */
static void take_left(struct daemon *d, const char *name)
{
	struct area_id left;
	struct ct *ct;
	uint32_t ctid;

	if (area_left_parse(name, &ctid, &left) < 0)
		return;
	ct = add_stray(d, ctid);
	if (ct == NULL)
		return;
	ct->intent = INTENT_LEFT;
	ct->going = left;
}

void strays_collect(struct daemon *d)
{
	each_name(d, d->paths.run, "ct", take_run_dir);
	each_name(d, d->paths.lib, "private", take_left);
}

static void report_private(struct daemon *d, const char *name)
{
	struct ct *ct;
	uint32_t ctid;

	if (parse_ctid(name, &ctid) < 0)
		return;
	ct = registry_find(d, ctid);
	if (ct == NULL || ct->being_created)
		log_line(LOG_LV_WARNING, ctid,
			 "%s/private/%u belongs to no CT; put its config %s/ct/%u.conf back, or "
			 "move it away",
			 d->paths.lib, ctid, d->paths.etc, ctid);
}

static void report_cgroups(struct daemon *d)
{
	auto_free uint32_t *list = NULL;
	int n = cg_ct_list(d->cg, &list, NULL);

	for (int i = 0; i < n; i++)
		if (registry_find(d, list[i]) == NULL)
			log_line(
				LOG_LV_WARNING, list[i],
				"a cgroup with this CTID belongs to no CT; is there another berthd "
				"with the same CGROUP_PARENT?");
}

/* Ours alone: those of another berth are none of our business. */
static void report_links(struct daemon *d)
{
	const struct net_owner owner = spec_net_owner(&d->host, d->paths.root);
	auto_free uint32_t *list = NULL;
	int n = net_ct_list(&owner, &list, NULL);

	for (int i = 0; i < n; i++)
		if (registry_find(d, list[i]) == NULL)
			log_line(LOG_LV_WARNING, list[i],
				 "the link ct%u.0 belongs to a CT that no longer exists; remove "
				 "it: ip link del ct%u.0",
				 list[i], list[i]);
}

void strays_report(struct daemon *d)
{
	each_name(d, d->paths.lib, "private", report_private);
	report_cgroups(d);
	report_links(d);
}

void strays_remove_run(struct daemon *d, uint32_t ctid)
{
	char path[BERTH_PATH_MAX], name[16];
	auto_close int dir = dir_open_at(AT_FDCWD, path_below(d->paths.run, "ct", path));

	(void)snprintf(name, sizeof(name), "%u", ctid);
	if (dir >= 0)
		(void)tree_remove_at(dir, name);
}
