/*
 * nft.c - elements of nftables sets, made and read with libnftnl.
 *
 * A CT only ever adds and removes elements. All that a change needs goes in one batch, which the
 * kernel takes or refuses as a whole.
 */
#include "netsetup/nft.h"

#include "netsetup/driver.h"
#include "netsetup/nl.h"
#include "runtime/base/cleanup.h"

#include <libnftnl/common.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

/* BATCH_SIZE holds every set of a CT with NET_ADDR_MAX addresses and SWEEP_MAX elements a set. */
enum {
	BATCH_SIZE = 192 * 1024,
	SWEEP_MAX = 512,
	DUMP_TRIES = 50 /* any change of any table spoils a dump that takes several messages */
};

enum key_kind {
	KEY_LINK,
	KEY_LINK_ADDR,
	KEY_ADDR,
	KEY_LINK_NET, /* an element has two keys, with the first and the last address */
	KEY_NET /* two elements: the first address, and, marked as an end, the one behind the last */
};
struct set_row {
	uint16_t nf_family;
	const char *name;
	enum key_kind key;
	int family; /* of the addresses in it */
	bool from_rules; /* the kernel adds the elements, we only remove them */
	bool some; /* not every link is in it */
};

/* The sets of berth.nft. Those that tell the addresses of a link stand first. */
static const struct set_row sets[] = {
	{NFPROTO_INET, "ct4", KEY_LINK_ADDR, AF_INET, false, false},
	{NFPROTO_INET, "ct6", KEY_LINK_ADDR, AF_INET6, false, false},
	{NFPROTO_ARP, "ct4", KEY_LINK_ADDR, AF_INET, false, false},
	{NFPROTO_INET, "net4", KEY_LINK_NET, AF_INET, false, false},
	{NFPROTO_INET, "net6", KEY_LINK_NET, AF_INET6, false, false},
	{NFPROTO_ARP, "net4", KEY_LINK_NET, AF_INET, false, false},
	{NFPROTO_INET, "nat4", KEY_ADDR, AF_INET, false, false},
	{NFPROTO_INET, "nat6", KEY_ADDR, AF_INET6, false, false},
	{NFPROTO_INET, "routed4", KEY_ADDR, AF_INET, false, false},
	{NFPROTO_INET, "routed6", KEY_ADDR, AF_INET6, false, false},
	{NFPROTO_INET, "nat_net4", KEY_NET, AF_INET, false, false},
	{NFPROTO_INET, "nat_net6", KEY_NET, AF_INET6, false, false},
	{NFPROTO_INET, "routed_net4", KEY_NET, AF_INET, false, false},
	{NFPROTO_INET, "routed_net6", KEY_NET, AF_INET6, false, false},
	{NFPROTO_INET, "flows", KEY_LINK, AF_UNSPEC, true, false},
	{NFPROTO_INET, "held", KEY_LINK, AF_UNSPEC, false, true},
	{NFPROTO_INET, "ct_links", KEY_LINK, AF_UNSPEC, false, false},
	{NFPROTO_ARP, "ct_links", KEY_LINK, AF_UNSPEC, false, false},
};

enum {
	N_SETS = sizeof(sets) / sizeof(sets[0])
};

static bool names_link(const struct set_row *row)
{
	return row->key != KEY_ADDR && row->key != KEY_NET;
}

/* Does it say which link has which addresses? */
static bool names_both(const struct set_row *row)
{
	return row->key == KEY_LINK_ADDR || row->key == KEY_LINK_NET;
}

static bool has_nets(const struct set_row *row)
{
	return row->key == KEY_LINK_NET || row->key == KEY_NET;
}

/* ---- lists of addresses ---- */

void net_addr_list_free(struct net_addr_list *list)
{
	free(list->v);
	*list = (struct net_addr_list){0};
}

int net_addr_list_add(struct net_addr_list *list, const struct net_addr *a)
{
	if (net_addr_is_in(a, list->v, list->n))
		return 0;
	if (list->n == list->max) {
		unsigned int max = list->max == 0 ? 16 : list->max * 2;
		struct net_addr *v = reallocarray(list->v, max, sizeof(*v));

		if (v == NULL)
			return -ENOMEM;
		list->v = v;
		list->max = max;
	}
	list->v[list->n++] = *a;
	return 0;
}

/* ---- keys ---- */

/* Registers of 4 bytes: an interface name fills four of them, zero-padded. */
struct key {
	uint8_t bytes[IFNAMSIZ + sizeof(struct in6_addr)];
	uint32_t len;
};

static void key_make(struct key *k, const struct set_row *row, const char *ifname,
		     const struct net_addr *a)
{
	*k = (struct key){0};
	if (names_link(row)) {
		memcpy(k->bytes, ifname, strnlen(ifname, IFNAMSIZ - 1));
		k->len = IFNAMSIZ;
	}
	if (row->key != KEY_LINK) {
		memcpy(k->bytes + k->len, net_addr_bytes(a), net_addr_size(a));
		k->len += (uint32_t)net_addr_size(a);
	}
}

/* Takes a key of the kernel apart; false when it has not the size of that set's keys. */
static bool key_read(const struct set_row *row, const uint8_t *bytes, uint32_t len,
		     char ifname[IFNAMSIZ], struct net_addr *a)
{
	uint32_t name_len = names_link(row) ? IFNAMSIZ : 0;

	ifname[0] = '\0';
	*a = (struct net_addr){.family = row->family};
	if (len != name_len + (row->key == KEY_LINK ? 0 : (uint32_t)net_addr_size(a)))
		return false;
	memcpy(ifname, bytes, name_len);
	if (name_len > 0)
		ifname[IFNAMSIZ - 1] = '\0';
	if (row->key != KEY_LINK) {
		memcpy(net_addr_bytes_of(a), bytes + name_len, net_addr_size(a));
		a->prefix = net_addr_bits(a);
	}
	return true;
}

/* The network between first and last: false when it is none. */
static bool net_read(const struct net_addr *first, const struct net_addr *last,
		     struct net_addr *ret)
{
	struct net_addr end;

	*ret = *first;
	for (ret->prefix = 1; ret->prefix < net_addr_bits(ret); ret->prefix++) {
		if (!net_addr_is_net(ret))
			continue;
		net_addr_last(ret, &end);
		if (memcmp(net_addr_bytes(&end), net_addr_bytes(last), net_addr_size(last)) == 0)
			return true;
	}
	return false;
}

static struct nftnl_set *set_new(const char *table, const struct set_row *row)
{
	struct nftnl_set *s = nftnl_set_alloc();

	if (s == NULL)
		return NULL;
	if (nftnl_set_set_str(s, NFTNL_SET_TABLE, table) < 0 ||
	    nftnl_set_set_str(s, NFTNL_SET_NAME, row->name) < 0) {
		nftnl_set_free(s);
		return NULL;
	}
	nftnl_set_set_u32(s, NFTNL_SET_FAMILY, row->nf_family);
	return s;
}

static int set_put(struct nftnl_set *s, const struct key *k, const struct key *end, uint32_t flags)
{
	struct nftnl_set_elem *e = nftnl_set_elem_alloc();

	if (e == NULL)
		return -ENOMEM;
	if (nftnl_set_elem_set(e, NFTNL_SET_ELEM_KEY, k->bytes, k->len) < 0 ||
	    (end != NULL &&
	     nftnl_set_elem_set(e, NFTNL_SET_ELEM_KEY_END, end->bytes, end->len) < 0)) {
		nftnl_set_elem_free(e);
		return -ENOMEM;
	}
	if (flags != 0)
		nftnl_set_elem_set_u32(e, NFTNL_SET_ELEM_FLAGS, flags);
	nftnl_set_elem_add(s, e);
	return 0;
}

/* What finds the element: without the end of a KEY_NET. a: NULL for KEY_LINK. */
static int set_ask(struct nftnl_set *s, const struct set_row *row, const char *ifname,
		   const struct net_addr *a)
{
	struct net_addr last;
	struct key k, end;

	key_make(&k, row, ifname, a);
	if (row->key != KEY_LINK_NET)
		return set_put(s, &k, NULL, 0);
	net_addr_last(a, &last);
	key_make(&end, row, ifname, &last);
	return set_put(s, &k, &end, 0);
}

static int set_add(struct nftnl_set *s, const struct set_row *row, const char *ifname,
		   const struct net_addr *a)
{
	int r = set_ask(s, row, ifname, a);
	struct net_addr last;
	struct key end;

	if (r < 0 || row->key != KEY_NET)
		return r;
	net_addr_last(a, &last);
	key_make(&end, row, ifname, &last);
	/* No network ends where the address space does: those parts are no CT's. */
	for (uint32_t i = end.len; i > 0 && ++end.bytes[i - 1] == 0; i--)
		;
	return set_put(s, &end, NULL, NFT_SET_ELEM_INTERVAL_END);
}

/* ---- a batch ---- */

struct batch {
	struct nl nl;
	size_t used;
	unsigned int n;
	struct nl_expect expect[N_SETS];
	_Alignas(struct nlmsghdr) char buf[BATCH_SIZE];
};

static int batch_open(const char *label, struct batch **ret, struct berth_error *err)
{
	struct batch *b = malloc(sizeof(*b));
	int r;

	if (b == NULL)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "no memory for nftables");
	r = nl_open(NETLINK_NETFILTER, label, &b->nl, err);
	if (r < 0) {
		free(b);
		return r;
	}
	b->n = 0;
	b->used = nftnl_batch_begin(b->buf, ++b->nl.seq)->nlmsg_len;
	*ret = b;
	return 0;
}

/*
 * The socket stays open until the process ends. The kernel holds back the close of every netfilter socket
 * until RCU has freed what anybody has removed, 5 to 20 ms, and every change of a table with it.
 */
static void batch_free(struct batch **b)
{
	if (*b == NULL)
		return;
	free(*b);
	*b = NULL;
}

static void batch_put(struct batch *b, bool add, const struct set_row *row, struct nftnl_set *s)
{
	unsigned int flags = add ? NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK : NLM_F_ACK;
	struct nl_expect *x = &b->expect[b->n++];
	struct nlmsghdr *nlh;

	nlh = nftnl_nlmsg_build_hdr(b->buf + b->used, add ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM,
				    row->nf_family, (uint16_t)flags, ++b->nl.seq);
	nftnl_set_elems_nlmsg_build_payload(nlh, s);
	x->seq = b->nl.seq;
	memset(x->ignore, 0, sizeof(x->ignore));
	(void)snprintf(x->what, sizeof(x->what), "%s the nftables set %s %s",
		       add ? "add to" : "remove from", nftnl_set_get_str(s, NFTNL_SET_TABLE),
		       row->name);
	b->used += NLMSG_ALIGN(nlh->nlmsg_len);
}

static int batch_commit(struct batch *b, struct berth_error *err)
{
	if (b->n == 0)
		return 0;
	b->used += nftnl_batch_end(b->buf + b->used, ++b->nl.seq)->nlmsg_len;
	return nl_transact(&b->nl, b->buf, b->used, b->expect, b->n, err);
}

static const char *ct_label(uint32_t ctid, char *buf)
{
	(void)snprintf(buf, NL_LABEL_MAX, "CT %u", ctid);
	return buf;
}

/* ---- adding ---- */

/* Of all elements of a change those of one set. */
struct fill {
	const struct set_row *row;
	const char *ifname;
	struct nftnl_set *set;
	unsigned int n;
	int failed;
};

static void fill_one(const struct net_element *e, void *data)
{
	struct fill *f = data;

	if (f->failed < 0 || e->nf_family != f->row->nf_family || strcmp(e->set, f->row->name) != 0)
		return;
	f->failed = set_add(f->set, f->row, f->ifname, e->addr);
	f->n++;
}

int nft_add(const char *table, const struct nft_change *c, struct berth_error *err)
{
	auto_ptr(batch_free) struct batch *b = NULL;
	char label[NL_LABEL_MAX];
	int r = batch_open(ct_label(c->id->ctid, label), &b, err);

	for (int i = 0; i < N_SETS && r == 0; i++) {
		struct fill f = {.row = &sets[i], .ifname = c->id->host};

		if (sets[i].from_rules)
			continue;
		f.set = set_new(table, &sets[i]);
		if (f.set != NULL)
			c->driver->elements(c, fill_one, &f);
		r = f.set != NULL ? f.failed : -ENOMEM;
		if (r == 0 && f.n > 0)
			batch_put(b, true, &sets[i], f.set);
		if (f.set != NULL)
			nftnl_set_free(f.set);
		if (r < 0)
			(void)berth_error_set(err, BERTH_ERR_NO_MEMORY, -r,
					      "no memory for nftables");
	}
	r = r < 0 ? r : batch_commit(b, err);
	/* The kernel's word for a network that overlaps one in the set. */
	return r == -ENOTEMPTY ? -EEXIST : r;
}

static const struct set_row *row_of(uint16_t nf_family, const char *name)
{
	for (int i = 0; i < N_SETS; i++)
		if (sets[i].nf_family == nf_family && strcmp(sets[i].name, name) == 0)
			return &sets[i];
	return NULL;
}

int nft_hold(const char *table, const struct net_link_id *id, bool held, struct berth_error *err)
{
	const struct set_row *row = row_of(NFPROTO_INET, "held");
	auto_ptr(batch_free) struct batch *b = NULL;
	char label[NL_LABEL_MAX];
	struct nftnl_set *s;
	int r = batch_open(ct_label(id->ctid, label), &b, err);

	if (r < 0)
		return r;
	s = set_new(table, row);
	if (s == NULL || set_add(s, row, id->host, NULL) < 0)
		r = berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "no memory for nftables");
	else
		batch_put(b, held, row, s);
	if (s != NULL)
		nftnl_set_free(s);
	if (r == 0)
		r = batch_commit(b, err);
	/* As it was to be. */
	return (held && r == -EEXIST) || (!held && r == -ENOENT) ? 0 : r;
}

/* ---- finding and removing ---- */

static bool is_link_local(const struct net_addr *a)
{
	return a->family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&a->v6);
}

/* What a walk through one set looks for, and what it has found. */
struct sweep {
	const struct set_row *row;
	const char *ifname; /* NULL: any link */
	const struct net_addr *only; /* NULL: any address of the link */
	unsigned int n_only;
	const struct net_addr_list *known; /* the link's addresses, for sets without the link */
	struct nftnl_set *out; /* NULL: just tell */
	struct net_addr_list *found;
	nft_link_fn *link_fn;
	void *link_data;
	bool dumps; /* addresses of the link may be there that nobody knows of */
	bool link; /* beside the addresses of only, the link itself */
	unsigned int n;
};

static bool sweep_matches(const struct sweep *w, const char *ifname, const struct net_addr *a)
{
	if (names_link(w->row) && w->ifname != NULL && strcmp(ifname, w->ifname) != 0)
		return false;
	if (!names_link(w->row)) /* no link in it: ours if the address was found to be ours */
		return net_addr_is_in(a, w->known->v, w->known->n);
	if (w->only == NULL)
		return true;
	return w->row->key == KEY_LINK ? w->link : net_addr_is_in(a, w->only, w->n_only);
}

/* The address or the network of an element; false: none that a CT can have. */
static bool elem_read(const struct sweep *w, struct nftnl_set_elem *e, char ifname[IFNAMSIZ],
		      struct net_addr *ret)
{
	struct net_addr first, last;
	uint32_t len = 0;
	const void *key = nftnl_set_elem_get(e, NFTNL_SET_ELEM_KEY, &len);

	if (key == NULL || !key_read(w->row, key, len, ifname, ret))
		return false;
	if (!has_nets(w->row))
		return true;
	first = *ret;
	if (w->row->key == KEY_LINK_NET) {
		key = nftnl_set_elem_get(e, NFTNL_SET_ELEM_KEY_END, &len);
		return key != NULL && key_read(w->row, key, len, ifname, &last) &&
		       net_read(&first, &last, ret);
	}
	/* The kernel does not say where it ends: it was asked for what is known. */
	for (unsigned int i = 0; i < w->known->n; i++) {
		*ret = w->known->v[i];
		first.prefix = ret->prefix;
		if (net_addr_is_net(ret) && net_addr_equal(ret, &first))
			return true;
	}
	return false;
}

static int sweep_elem(struct nftnl_set_elem *e, void *data)
{
	struct sweep *w = data;
	char ifname[IFNAMSIZ];
	struct net_addr a;
	int r = 0;

	if (!elem_read(w, e, ifname, &a) || !sweep_matches(w, ifname, &a) ||
	    (w->out != NULL && w->n == SWEEP_MAX))
		return 0;
	w->n++;
	if (w->link_fn != NULL)
		w->link_fn(ifname, &a, w->link_data);
	if (w->found != NULL && names_both(w->row))
		r = net_addr_list_add(w->found, &a);
	if (r == 0 && w->out != NULL)
		r = set_add(w->out, w->row, ifname, &a);
	return r;
}

static int sweep_message(const struct nlmsghdr *nlh, void *data)
{
	struct nftnl_set *s = nftnl_set_alloc();
	int r = -ENOMEM;

	if (s == NULL)
		return r;
	r = nftnl_set_elems_nlmsg_parse(nlh, s) < 0 ? -EPROTO
						    : nftnl_set_elem_foreach(s, sweep_elem, data);
	nftnl_set_free(s);
	return r;
}

/* All of the set, or the one element of the link, or of a: -ENOENT when there is none. */
static int sweep_once(struct nl *nl, const char *table, struct sweep *w, bool one,
		      const struct net_addr *a, struct berth_error *err)
{
	_Alignas(struct nlmsghdr) char buf[NFT_REQUEST_SIZE];
	struct nftnl_set *s = set_new(table, w->row);
	char what[NL_WHAT_MAX];
	struct nlmsghdr *nlh;

	if (s == NULL || (one && set_ask(s, w->row, w->ifname, a) < 0)) {
		if (s != NULL)
			nftnl_set_free(s);
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "no memory for nftables");
	}
	nlh = nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETSETELEM, w->row->nf_family,
				    one ? 0 : NLM_F_DUMP, ++nl->seq);
	nftnl_set_elems_nlmsg_build_payload(nlh, s);
	nftnl_set_free(s);
	(void)snprintf(what, sizeof(what), "read the nftables set %s %s", table, w->row->name);
	return nl_request(nl, nlh, what, sweep_message, w, err);
}

static int sweep_key(struct nl *nl, const char *table, struct sweep *w, const struct net_addr *a,
		     struct berth_error *err)
{
	int r = sweep_once(nl, table, w, true, a, err);

	return nft_is_absent(r) ? 0 : r;
}

/* Those elements alone that can be the link's, by their keys: a set has some of each CT of the host. */
static int sweep_keys(struct nl *nl, const char *table, struct sweep *w, struct berth_error *err)
{
	const struct net_addr *v = w->known->v;
	unsigned int n = w->known->n;
	int r = 0;

	if (w->row->key == KEY_LINK)
		return w->only == NULL || w->link ? sweep_key(nl, table, w, NULL, err) : 0;
	if (names_both(w->row) && w->only != NULL) {
		v = w->only;
		n = w->n_only;
	}
	for (unsigned int i = 0; i < n && r == 0; i++)
		if (v[i].family == w->row->family && net_addr_is_net(&v[i]) == has_nets(w->row))
			r = sweep_key(nl, table, w, &v[i], err);
	return r;
}

/* Looks through one set; with remove = true its finds go into the batch. */
static int sweep_set(struct batch *b, const char *table, struct sweep *w, bool removes,
		     struct berth_error *err)
{
	int r = -EAGAIN;

	for (int i = 0; i < DUMP_TRIES && r == -EAGAIN; i++) {
		w->n = 0;
		w->out = removes ? set_new(table, w->row) : NULL;
		if (removes && w->out == NULL)
			return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM,
					       "no memory for nftables");
		if (w->dumps && names_both(w->row))
			r = sweep_once(&b->nl, table, w, false, NULL, err);
		else
			r = sweep_keys(&b->nl, table, w, err);
		if (nft_is_absent(r))
			r = 0;
		if (r == 0 && removes && w->n > 0)
			batch_put(b, false, w->row, w->out);
		if (w->out != NULL)
			nftnl_set_free(w->out);
	}
	return r;
}

/* One pass over all sets. *ret_full: a set had more than a batch takes, so another pass is due. */
static int sweep_all(const char *table, const struct sweep *pattern, uint32_t ctid, bool *ret_full,
		     struct berth_error *err)
{
	auto_ptr(batch_free) struct batch *b = NULL;
	struct net_addr_list own = {0};
	char label[NL_LABEL_MAX];
	int r = batch_open(ct_label(ctid, label), &b, err);

	*ret_full = false;
	for (int i = 0; i < N_SETS && r == 0; i++) {
		struct sweep w = *pattern;

		w.row = &sets[i];
		w.found = &own;
		w.known = &own;
		r = sweep_set(b, table, &w, true, err);
		*ret_full = *ret_full || w.n == SWEEP_MAX;
	}
	for (unsigned int i = 0; i < own.n && r == 0 && pattern->found != NULL; i++)
		if (!is_link_local(&own.v[i]))
			r = net_addr_list_add(pattern->found, &own.v[i]);
	net_addr_list_free(&own);
	return r < 0 ? r : batch_commit(b, err);
}

int nft_remove(const char *table, const struct net_link_id *id, const struct net_addr *addrs,
	       unsigned int n_addrs, struct net_addr_list *found, struct berth_error *err)
{
	const struct sweep pattern = {.ifname = id->host,
				      .only = addrs,
				      .n_only = n_addrs,
				      .dumps = addrs == NULL,
				      .found = found};
	bool full = true;
	int r = 0;

	while (r == 0 && full)
		r = sweep_all(table, &pattern, id->ctid, &full, err);
	return r;
}

int nft_remove_link(const char *table, const struct net_link_id *id,
		    const struct net_addr_list *addrs, struct berth_error *err)
{
	struct net_addr_list all = {0};
	struct sweep pattern = {.ifname = id->host, .link = true};
	bool full = true;
	int r = net_addr_list_add(&all, &id->guest_ll);

	for (unsigned int i = 0; i < addrs->n && r == 0; i++)
		r = net_addr_list_add(&all, &addrs->v[i]);
	if (r < 0)
		(void)berth_error_set(err, BERTH_ERR_NO_MEMORY, -r, "no memory for nftables");
	pattern.only = all.v;
	pattern.n_only = all.n;
	while (r == 0 && full)
		r = sweep_all(table, &pattern, id->ctid, &full, err);
	net_addr_list_free(&all);
	return r;
}

/* All links of one CT in one look: a set has some of each CT of the host. */
struct look {
	uint32_t ctid;
	struct nft_found *found; /* by the link's number */
	bool failed;
};

static void look_take(const char *ifname, const struct net_addr *a, void *data)
{
	struct look *l = data;
	uint32_t ctid;
	unsigned int n;

	if (net_link_from_ifname(ifname, &ctid, &n) < 0 || ctid != l->ctid)
		return;
	l->found[n].any = true;
	if (!is_link_local(a) && net_addr_list_add(&l->found[n].addrs, a) < 0)
		l->failed = true;
}

int nft_find(const char *table, uint32_t ctid, struct nft_found ret[static NET_LINK_MAX],
	     struct berth_error *err)
{
	auto_ptr(batch_free) struct batch *b = NULL;
	struct look l = {.ctid = ctid, .found = ret};
	char label[NL_LABEL_MAX];
	int r;

	r = batch_open(ct_label(ctid, label), &b, err);
	for (int i = 0; i < N_SETS && r == 0; i++) {
		struct sweep w = {
			.row = &sets[i], .dumps = true, .link_fn = look_take, .link_data = &l};

		if (names_both(&sets[i]))
			r = sweep_set(b, table, &w, false, err);
	}
	if (r == 0 && l.failed)
		r = berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "no memory for addresses");
	return r;
}

int nft_find_of(const char *table, const struct net_link_id *id, const struct net_addr_list *maybe,
		struct net_addr_list *ret, struct berth_error *err)
{
	auto_ptr(batch_free) struct batch *b = NULL;
	char label[NL_LABEL_MAX];
	int r = batch_open(ct_label(id->ctid, label), &b, err);

	for (int i = 0; i < N_SETS && r == 0; i++) {
		struct sweep w = {.row = &sets[i],
				  .ifname = id->host,
				  .only = maybe->v,
				  .n_only = maybe->n,
				  .known = maybe,
				  .found = ret};

		if (names_both(&sets[i]))
			r = sweep_set(b, table, &w, false, err);
	}
	return r;
}

int nft_list_links(struct nl *nl, const char *table, nft_link_fn *fn, void *data,
		   struct berth_error *err)
{
	struct sweep w = {.link_fn = fn, .link_data = data};
	int r = -EAGAIN;

	for (int i = 0; i < N_SETS; i++)
		if (sets[i].nf_family == NFPROTO_INET && strcmp(sets[i].name, "ct_links") == 0)
			w.row = &sets[i];
	for (int i = 0; i < DUMP_TRIES && r == -EAGAIN; i++)
		r = sweep_once(nl, table, &w, false, NULL, err);
	return r;
}

int nft_has_link(struct nl *nl, const char *table, const struct net_link_id *id,
		 struct berth_error *err)
{
	int r = 0;

	for (int i = 0; i < N_SETS && r == 0; i++) {
		struct sweep w = {.row = &sets[i], .ifname = id->host};

		if (w.row->key != KEY_LINK || w.row->from_rules || w.row->some)
			continue;
		r = -EAGAIN;
		for (int t = 0; t < DUMP_TRIES && r == -EAGAIN; t++)
			r = sweep_once(nl, table, &w, true, NULL, err);
	}
	if (nft_is_absent(r))
		return 0;
	return r < 0 ? r : 1;
}

/* ---- what the kernel tells of changes ---- */

/* The text of an attribute that stands behind the header of nfnetlink; NULL when there is none. */
static const char *news_text(const struct nlmsghdr *nlh, uint16_t type)
{
	size_t off = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct nfgenmsg));

	while (off + sizeof(struct nlattr) <= nlh->nlmsg_len) {
		const struct nlattr *a = (const void *)((const char *)nlh + off);
		const char *text = (const char *)(a + 1);

		if (a->nla_len < sizeof(*a) || a->nla_len > nlh->nlmsg_len - off)
			return NULL;
		if ((a->nla_type & NLA_TYPE_MASK) == type)
			return memchr(text, '\0', a->nla_len - sizeof(*a)) != NULL ? text : NULL;
		off += NLMSG_ALIGN((size_t)a->nla_len);
	}
	return NULL;
}

struct lost {
	const struct set_row *row;
	nft_link_fn *fn;
	void *data;
};

static int lost_elem(struct nftnl_set_elem *e, void *data)
{
	const struct lost *l = data;
	char ifname[IFNAMSIZ];
	struct net_addr a;
	uint32_t len = 0;
	const void *key = nftnl_set_elem_get(e, NFTNL_SET_ELEM_KEY, &len);

	if (key == NULL || !key_read(l->row, key, len, ifname, &a))
		return -EPROTO;
	l->fn(ifname, &a, l->data);
	return 0;
}

static enum nft_news lost_links(const struct nlmsghdr *nlh, nft_link_fn *fn, void *data)
{
	struct lost l = {.row = row_of(NFPROTO_INET, "ct_links"), .fn = fn, .data = data};
	struct nftnl_set *s = nftnl_set_alloc();
	bool known = s != NULL && nftnl_set_elems_nlmsg_parse(nlh, s) >= 0 &&
		     nftnl_set_elem_foreach(s, lost_elem, &l) >= 0;

	if (s != NULL)
		nftnl_set_free(s);
	return known ? NFT_NEWS_LINKS : NFT_NEWS_ALL;
}

enum nft_news nft_news(const struct nlmsghdr *nlh, const char *table, nft_link_fn *fn, void *data)
{
	const char *of, *set;

	_Static_assert(NFTA_TABLE_NAME == 1 && NFTA_CHAIN_TABLE == 1 && NFTA_RULE_TABLE == 1 &&
			       NFTA_SET_TABLE == 1 && NFTA_SET_ELEM_LIST_TABLE == 1,
		       "the table's name is the first attribute of all of them");
	if (NFNL_SUBSYS_ID(nlh->nlmsg_type) != NFNL_SUBSYS_NFTABLES)
		return NFT_NEWS_NONE;
	of = news_text(nlh, NFTA_TABLE_NAME);
	if (of == NULL || strcmp(of, table) != 0)
		return NFT_NEWS_NONE;
	switch (NFNL_MSG_TYPE(nlh->nlmsg_type)) {
	case NFT_MSG_DELTABLE:
	case NFT_MSG_DELCHAIN:
	case NFT_MSG_DELRULE:
	case NFT_MSG_DELSET:
		return NFT_NEWS_ALL;
	case NFT_MSG_DELSETELEM:
		set = news_text(nlh, NFTA_SET_ELEM_LIST_SET);
		if (set != NULL && strcmp(set, "ct_links") == 0)
			return lost_links(nlh, fn, data);
		return NFT_NEWS_NONE;
	default:
		return NFT_NEWS_NONE;
	}
}
