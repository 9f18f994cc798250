/* ruleset.c - berth.nft with the elements of running CTs, made into text and given to nft(8). */
#include "netsetup/ruleset.h"

#include "netsetup/driver.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/spawn.h"

#include <fcntl.h>
#include <linux/netfilter.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum {
	RULESET_MAX = 1 << 20,
	NFT_ERROR_MAX = 1024
};

void ruleset_expand(FILE *out, const char *text, const char *table, uint32_t flows)
{
	char number[16];
	const struct {
		const char *hole, *filling;
	} holes[] = {{"@TABLE@", table}, {"@FLOWS@", number}};

	(void)snprintf(number, sizeof(number), "%u", flows);
	while (*text != '\0') {
		size_t len = strcspn(text + 1, "@") + 1, i;

		for (i = 0; i < sizeof(holes) / sizeof(holes[0]); i++)
			if (strncmp(text, holes[i].hole, strlen(holes[i].hole)) == 0)
				break;
		if (i < sizeof(holes) / sizeof(holes[0])) {
			(void)fputs(holes[i].filling, out);
			text += strlen(holes[i].hole);
		} else {
			(void)fwrite(text, 1, len, out);
			text += len;
		}
	}
}

static void put_element(FILE *out, const char *family, const char *table, const char *set,
			const char *ifname, const struct net_addr *a)
{
	char text[NET_ADDR_TEXT] = "";
	struct net_addr host;

	if (a != NULL) {
		host = *a;
		if (!net_addr_is_net(a))
			host.prefix = net_addr_bits(a);
		(void)net_addr_format(&host, text);
	}
	(void)fprintf(out, "add element %s %s %s { %s%s%s%s%s }\n", family, table, set,
		      ifname != NULL ? "\"" : "", ifname != NULL ? ifname : "",
		      ifname != NULL ? "\"" : "", ifname != NULL && a != NULL ? " . " : "", text);
}

struct put {
	FILE *out;
	const char *table, *ifname;
};

static void put_one(const struct net_element *e, void *data)
{
	const struct put *p = data;

	put_element(p->out, e->nf_family == NFPROTO_ARP ? "arp" : "inet", p->table, e->set,
		    e->by_link ? p->ifname : NULL, e->addr);
}

void ruleset_put(FILE *out, const char *table, const struct nft_change *c)
{
	struct put p = {.out = out, .table = table, .ifname = c->id->host};

	c->driver->elements(c, put_one, &p);
}

/* ---- what runs now ---- */

struct live_link {
	int index;
	const struct net_driver *driver;
	struct net_link_id id;
};

struct live {
	const char *table, *own;
	FILE *out;
	struct live_link *v;
	size_t n, max;
	bool failed;
};

/* Another --root host may have links here too. */
static void live_take_link(const struct rtnl_link *link, void *data)
{
	struct live *l = data;
	struct live_link *new;
	uint32_t ctid;
	unsigned int n;

	if (net_link_from_ifname(link->name, &ctid, &n) < 0 ||
	    net_alias_whose(link->alias, l->own) != NET_OURS)
		return;
	if (l->n == l->max) {
		size_t max = l->max == 0 ? 64 : l->max * 2;
		struct live_link *v = reallocarray(l->v, max, sizeof(*v));

		if (v == NULL) {
			l->failed = true;
			return;
		}
		l->v = v;
		l->max = max;
	}
	new = &l->v[l->n++];
	new->index = link->index;
	new->driver = net_driver_of(link);
	net_link_id(ctid, n, &new->id);
	ruleset_put(l->out, l->table,
		    &(struct nft_change){.driver = new->driver, .id = &new->id, .link = true});
}

static void live_take_route(const struct rtnl_entry *e, void *data)
{
	const struct live *l = data;

	if (e->protocol != NET_PROTO_ROUTED && e->protocol != NET_PROTO_NAT)
		return;
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].index == e->index)
			ruleset_put(l->out, l->table,
				    &(struct nft_change){.driver = l->v[i].driver,
							 .id = &l->v[i].id,
							 .addrs = &e->addr,
							 .n_addrs = 1,
							 .nat = e->protocol == NET_PROTO_NAT});
}

static int put_live(FILE *out, const struct net_owner *owner, struct berth_error *err)
{
	char own[NET_ALIAS_MAX];
	struct live l = {.table = owner->nft_table, .own = net_alias(owner, own), .out = out};
	struct rtnl *r = NULL;
	int res = rtnl_open("", &r, err);

	if (res == 0)
		res = rtnl_list_veths(r, live_take_link, &l, err);
	if (res == 0 && l.failed)
		res = berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "no memory for links");
	if (res == 0 && l.n > 0)
		res = rtnl_list_routes(r, 0, 0, live_take_route, &l, err);
	rtnl_free(&r);
	free(l.v);
	return res;
}

int ruleset_make(const char *path, const struct net_owner *owner, char **ret,
		 struct berth_error *err)
{
	const char *table = owner->nft_table;
	auto_free char *text = NULL;
	auto_free char *full = NULL;
	size_t size = 0;
	FILE *out;
	int r;

	if (!net_table_is_valid(table))
		return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
				       "NFT_TABLE '%s' is not a valid name of an nftables table: "
				       "use [A-Za-z][A-Za-z0-9_]*, at most %d",
				       table, NET_TABLE_MAX);
	r = file_read_at(AT_FDCWD, path, RULESET_MAX, &text, NULL);
	if (r < 0)
		return berth_error_sys(err, -r, "read the packet filter rules %s", path);
	out = open_memstream(&full, &size);
	if (out == NULL)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "no memory for rules");
	ruleset_expand(out, text, table, owner->flows > 0 ? owner->flows : NET_FLOWS);
	(void)fputc('\n', out);
	r = put_live(out, owner, err);
	if (fclose(out) != 0 && r == 0)
		r = berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "no memory for rules");
	if (r == 0)
		*ret = take_ptr(full);
	return r;
}

/* ---- nft(8) ---- */

/* nft tells "FILE:LINE:COLUMN: Error: why", then shows the place; the first line says it. */
static int nft_failed(int errors, int status, struct berth_error *err)
{
	char text[NFT_ERROR_MAX];
	ssize_t n = pread(errors, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return berth_error_set(err, BERTH_ERR_HELPER, EIO,
			       "nft refused the packet filter rules (status %d): %s",
			       WIFEXITED(status) ? WEXITSTATUS(status) : -1, text);
}

int ruleset_load(const char *text, bool check, struct berth_error *err)
{
	const char *argv[] = {"nft", check ? "-c" : "-f", check ? "-f" : "-", check ? "-" : NULL,
			      NULL};
	auto_close int in = memfd_create("ruleset", MFD_CLOEXEC);
	auto_close int errors = memfd_create("nft-errors", MFD_CLOEXEC);
	int status = 0, r;
	pid_t pid;

	if (in < 0 || errors < 0)
		return berth_error_sys(err, errno, "make a memory file for nft");
	r = fd_write_all(in, text, strlen(text));
	if (r < 0 || lseek(in, 0, SEEK_SET) < 0)
		return berth_error_sys(err, r < 0 ? -r : errno, "write the rules for nft");
	r = spawn_program(argv, NULL, &(struct spawn_fds){.in = in, .out = -1, .err = errors}, &pid,
			  NULL, err);
	if (r < 0)
		return r;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return berth_error_sys(err, errno, "wait for nft");
	if (status != 0)
		return nft_failed(errors, status, err);
	return 0;
}
