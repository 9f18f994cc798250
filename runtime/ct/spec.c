/* spec.c - a CT's configuration in the words of the lower modules. */
#include "runtime/ct/spec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* `cpus N` without a mask means CPUs' worth of time: the lower of both limits wins (vzctl(8)). */
static uint32_t effective_cpulimit(const struct ct_config *c)
{
	uint32_t by_cpus = c->cpus * 100;

	if (c->cpulimit == 0 || (by_cpus != 0 && by_cpus < c->cpulimit))
		return by_cpus;
	return c->cpulimit;
}

/* On how many CPUs it is put, for its programs count those. */
static uint32_t pinned_cpus(const struct ct_config *c)
{
	uint32_t by_limit = (c->cpulimit + 99) / 100;

	if (c->pin == CT_PIN_NO)
		return 0;
	if (c->pin == CT_PIN_LIMIT && by_limit != 0 && (c->cpus == 0 || by_limit < c->cpus))
		return by_limit;
	return c->cpus;
}

void spec_cg_limits(const struct ct_config *c, dev_t io_dev, struct cg_limits *ret)
{
	*ret = (struct cg_limits){
		.memory = c->ram,
		.swap = c->swap,
		.pids = c->numproc,
		.cgroups = c->numcgroups,
		.cpulimit = effective_cpulimit(c),
		.cpuunits = c->cpuunits,
		.cpus = pinned_cpus(c),
		.ioprio = c->ioprio,
		.io_bps = c->iolimit,
		.io_iops = c->iopslimit,
		.io_dev = io_dev,
	};
	(void)snprintf(ret->cpumask, sizeof(ret->cpumask), "%s", c->cpumask);
	(void)snprintf(ret->nodemask, sizeof(ret->nodemask), "%s", c->nodemask);
}

void spec_volume_limits(const struct ct_config *c, struct volume_limits *ret)
{
	*ret = (struct volume_limits){.bytes = c->diskspace,
				      .inodes = c->diskinodes_given ? c->diskinodes : 0};
}

unsigned int spec_seccomp(const struct ct_config *c)
{
	return (c->nesting ? (unsigned int)SECCOMP_NESTING : 0) |
	       (c->capture ? (unsigned int)SECCOMP_CAPTURE : 0) |
	       (c->socketcall ? (unsigned int)SECCOMP_SOCKETCALL : 0);
}

struct net_owner spec_net_owner(const struct host_config *host, const char *root)
{
	return (struct net_owner){
		.nft_table = host->nft_table, .root = root, .flows = host->conntrack_max};
}

int spec_net(uint32_t ctid, const struct ct_config *c, const struct host_config *host,
	     const char *root, struct net_addr *addrs, struct net_ct *ret, struct berth_error *err)
{
	for (unsigned int i = 0; i < c->n_addrs; i++)
		if (net_addr_parse(c->addrs[i], &addrs[i]) < 0)
			return berth_error_set(err, BERTH_ERR_BAD_ADDRESS, EINVAL,
					       "CT %u: '%s' is not an address a CT can have", ctid,
					       c->addrs[i]);
	for (unsigned int i = 0; i < c->n_addrs; i++)
		if (addrs[i].family == AF_INET6 && !host->ipv6)
			return berth_error_set(err, BERTH_ERR_BAD_ADDRESS, EAFNOSUPPORT,
					       "CT %u: %s: this host has IPV6=\"no\" in berth.conf",
					       ctid, c->addrs[i]);
	*ret = (struct net_ct){
		.ctid = ctid,
		.owner = spec_net_owner(host, root),
		.probe = host->ip_probe,
		.links = {{.driver = &net_venet,
			   .addrs = addrs,
			   .n_addrs = c->n_addrs,
			   .nat = host->nat}},
		.n_links = 1,
	};
	return 0;
}

void spec_guest_addrs(struct ct_config *c)
{
	for (unsigned int i = 0; i < c->n_addrs; i++) {
		struct net_addr a;

		if (net_addr_parse(c->addrs[i], &a) < 0 || !net_addr_is_net(&a))
			continue;
		net_addr_first(&a, &a);
		(void)net_addr_format(&a, c->addrs[i]);
	}
}

void spec_guest(const struct ct_config *c, struct guest_config *ret)
{
	struct guest_config g = {.hostname = c->hostname};

	for (unsigned int i = 0; i < c->n_addrs && i < GUEST_ADDR_MAX; i++) {
		g.addrs[g.n_addrs++] = c->addrs[i];
		if (strchr(c->addrs[i], ':') != NULL)
			g.ipv6 = true;
		else
			g.ipv4 = true;
	}
	for (unsigned int i = 0; i < c->n_nameservers && i < GUEST_DNS_MAX; i++)
		g.nameservers[g.n_nameservers++] = c->nameservers[i];
	for (unsigned int i = 0; i < c->n_searchdomains && i < GUEST_DNS_MAX; i++)
		g.searchdomains[g.n_searchdomains++] = c->searchdomains[i];
	*ret = g;
}

static void add_nameserver(struct ct_config *c, const char *word, size_t len)
{
	char *to;

	if (c->n_nameservers >= CT_DNS_MAX || len == 0 || len >= CT_ADDR_TEXT_MAX)
		return;
	if (strncmp(word, "127.", 4) == 0 || (len == 3 && strncmp(word, "::1", 3) == 0))
		return;
	to = c->nameservers[c->n_nameservers++];
	memcpy(to, word, len);
	to[len] = '\0';
}

void spec_inherit_dns(const char *resolv_conf, struct ct_config *c)
{
	for (const char *line = resolv_conf; *line != '\0';) {
		size_t len = strcspn(line, "\n");

		if (len > 11 && strncmp(line, "nameserver", 10) == 0 &&
		    (line[10] == ' ' || line[10] == '\t')) {
			const char *word = line + 10 + strspn(line + 10, " \t");

			add_nameserver(c, word, strcspn(word, " \t\n#%"));
		}
		line += len;
		line += *line == '\n';
	}
}
