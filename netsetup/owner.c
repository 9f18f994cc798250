/*
 * owner.c - whose a link is: its alias says it, "berth TABLE ROOT". Pure, but for the resolving of ROOT.
 */
#include "netsetup/link.h"
#include "runtime/base/hash.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char word[] = "berth ";

/* One spelling of a root, so that `--root /a/../b` and a link to it are the same host. */
static void root_of(const struct net_owner *o, char *buf, size_t size)
{
	const char *root = o->root != NULL && o->root[0] != '\0' ? o->root : "/";
	char path[PATH_MAX];

	if (realpath(root, path) == NULL)
		(void)snprintf(path, sizeof(path), "%s", root);
	if (strlen(path) < size) {
		memcpy(buf, path, strlen(path) + 1);
		return;
	}
	/* No path begins with #. */
	(void)snprintf(buf, size, "#%016llx",
		       (unsigned long long)hash_fnv1a(HASH_BEGIN, path, strlen(path)));
}

char *net_alias(const struct net_owner *o, char buf[NET_ALIAS_MAX])
{
	char root[NET_ALIAS_MAX - sizeof(word) - NET_TABLE_MAX];

	root_of(o, root, sizeof(root));
	(void)snprintf(buf, NET_ALIAS_MAX, "%s%.*s %s", word, NET_TABLE_MAX, o->nft_table, root);
	return buf;
}

/* "berth TABLE ROOT" to its parts; false when it is none of berth's. */
static bool alias_split(const char *alias, char table[NET_TABLE_MAX + 1], const char **ret_root)
{
	const char *p = alias + sizeof(word) - 1;
	size_t len;

	if (strncmp(alias, word, sizeof(word) - 1) != 0)
		return false;
	len = strcspn(p, " ");
	if (len > NET_TABLE_MAX || p[len] != ' ')
		return false;
	memcpy(table, p, len);
	table[len] = '\0';
	*ret_root = p + len + 1;
	return net_table_is_valid(table);
}

enum net_whose net_alias_whose(const char *alias, const char *own)
{
	char table[NET_TABLE_MAX + 1], own_table[NET_TABLE_MAX + 1];
	const char *root, *own_root;

	if (strcmp(alias, own) == 0)
		return NET_OURS;
	if (!alias_split(own, own_table, &own_root))
		return NET_FOREIGN;
	/* berth 0.1.0 wrote the table alone. */
	if (strcmp(alias, own_table) == 0)
		return NET_OURS;
	if (!alias_split(alias, table, &root))
		return NET_FOREIGN;
	/* Whatever NFT_TABLE was when the CT started. */
	if (strcmp(root, own_root) == 0)
		return NET_OURS;
	return strcmp(table, own_table) == 0 ? NET_FOREIGN_SAME_TABLE : NET_FOREIGN;
}

const char *net_alias_text(const char *alias, char buf[NET_ALIAS_TEXT])
{
	char table[NET_TABLE_MAX + 1];
	const char *root;

	if (alias_split(alias, table, &root))
		(void)snprintf(buf, NET_ALIAS_TEXT, "the berth with --root %s", root);
	else
		(void)snprintf(buf, NET_ALIAS_TEXT, "another program");
	return buf;
}
