/* addresses.c - the addresses that a run of a CT has had. */
#include "runtime/ct/addresses.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME "addresses"
#define END_LINE "end"

enum {
	LINE_MAX_LEN = NET_ADDR_TEXT + 4, /* "15 ", the address, a newline */
	TEXT_MAX = (CT_ADDRESSES_MAX + 1) * LINE_MAX_LEN
};

/* ---- pure ---- */

/* "LINK ADDRESS" or "LINK". */
static int parse_line(char *line, struct net_known *ret)
{
	char *addr = strchr(line, ' ');

	*ret = (struct net_known){0};
	if (addr != NULL)
		*addr++ = '\0';
	if (parse_u32(line, &ret->link) < 0 || ret->link >= NET_LINK_MAX)
		return -EINVAL;
	return addr != NULL && net_addr_parse(addr, &ret->addr) < 0 ? -EINVAL : 0;
}

int ct_addresses_parse(const char *text, size_t len, struct ct_addresses *ret)
{
	ret->n = 0;
	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		size_t n = end != NULL ? (size_t)(end - text) : len;
		char line[LINE_MAX_LEN];
		int r;

		if (end == NULL || n >= sizeof(line) || memchr(text, '\0', n) != NULL)
			return -EINVAL;
		memcpy(line, text, n);
		line[n] = '\0';
		/* A file that was cut off would say less than there is. */
		if (strcmp(line, END_LINE) == 0)
			return len == n + 1 ? 0 : -EINVAL;
		if (ret->n == CT_ADDRESSES_MAX)
			return -E2BIG;
		r = parse_line(line, &ret->v[ret->n]);
		if (r < 0)
			return r;
		ret->n++;
		text += n + 1;
		len -= n + 1;
	}
	return -EINVAL;
}

static int add(struct ct_addresses *a, unsigned int link, const struct net_addr *addr)
{
	for (unsigned int i = 0; i < a->n; i++)
		if (a->v[i].link == link &&
		    (addr == NULL
			     ? a->v[i].addr.family == 0
			     : a->v[i].addr.family != 0 && net_addr_equal(&a->v[i].addr, addr)))
			return 0;
	if (a->n == CT_ADDRESSES_MAX)
		return -E2BIG;
	a->v[a->n] = (struct net_known){.link = link};
	if (addr != NULL)
		a->v[a->n].addr = *addr;
	a->n++;
	return 0;
}

int ct_addresses_add(struct ct_addresses *a, const struct net_ct *ct)
{
	int r = 0;

	for (unsigned int i = 0; i < ct->n_links && r == 0; i++) {
		const struct net_link *l = &ct->links[i];

		if (l->n_addrs == 0)
			r = add(a, l->n, NULL);
		for (unsigned int k = 0; k < l->n_addrs && r == 0; k++)
			r = add(a, l->n, &l->addrs[k]);
	}
	return r;
}

/* ---- the file ---- */

int ct_addresses_load(int run_fd, struct ct_addresses *ret)
{
	auto_free char *text = NULL;
	size_t len;
	int r = file_read_at(run_fd, FILE_NAME, TEXT_MAX, &text, &len);

	return r < 0 ? r : ct_addresses_parse(text, len, ret);
}

static int save(int run_fd, const struct ct_addresses *a, uint32_t ctid, struct berth_error *err)
{
	auto_free char *text = malloc(TEXT_MAX);
	char addr[NET_ADDR_TEXT];
	size_t len = 0;
	int r;

	if (text == NULL)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "CT %u: no memory", ctid);
	for (unsigned int i = 0; i < a->n; i++)
		len += (size_t)snprintf(
			text + len, TEXT_MAX - len, "%u%s%s\n", a->v[i].link,
			a->v[i].addr.family != 0 ? " " : "",
			a->v[i].addr.family != 0 ? net_addr_format(&a->v[i].addr, addr) : "");
	len += (size_t)snprintf(text + len, TEXT_MAX - len, END_LINE "\n");
	r = file_replace_at(run_fd, FILE_NAME, text, len, 0600, false);
	return r < 0 ? berth_error_sys(err, r, "CT %u: write its file " FILE_NAME, ctid) : 0;
}

/* One that is not complete is worse than none. */
static int save_or_remove(int run_fd, struct ct_addresses *a, const struct net_ct *ct,
			  struct berth_error *err)
{
	int r = ct_addresses_add(a, ct);

	if (r == 0)
		return save(run_fd, a, ct->ctid, err);
	r = file_unlink_at(run_fd, FILE_NAME);
	return r < 0 && r != -ENOENT
		       ? berth_error_sys(err, r, "CT %u: remove its file " FILE_NAME, ct->ctid)
		       : 0;
}

int ct_addresses_begin(int run_fd, const struct net_ct *ct, struct berth_error *err)
{
	auto_free struct ct_addresses *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "CT %u: no memory",
				       ct->ctid);
	return save_or_remove(run_fd, a, ct, err);
}

int ct_addresses_extend(int run_fd, const struct net_ct *ct, struct berth_error *err)
{
	auto_free struct ct_addresses *a = malloc(sizeof(*a));
	int r;

	if (a == NULL)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "CT %u: no memory",
				       ct->ctid);
	r = ct_addresses_load(run_fd, a);
	/* Of this run nothing is known: one address more changes that not. Nor does a file that is damaged. */
	if (r == -ENOENT || r == -EINVAL || r == -E2BIG)
		return 0;
	if (r < 0)
		return berth_error_sys(err, r, "CT %u: read its file " FILE_NAME, ct->ctid);
	return save_or_remove(run_fd, a, ct, err);
}
