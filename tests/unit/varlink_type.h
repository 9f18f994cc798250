/*
 * varlink_type.h - the members of a type of the *.varlink files, for tests that hold what programs say against them.
 */
#pragma once

#include "runtime/rpc/interfaces.h"
#include "tests/unit/check.h"

#include <jansson.h>
#include <string.h>

/* {"MEMBER": "TYPE", ...} of "type NAME (...)"; comments are left out. New reference. */
static json_t *varlink_members(const char *interface, const char *name)
{
	json_t *members = json_object();
	char begin[64], word[64], type[64];
	const char *at;

	(void)snprintf(begin, sizeof(begin), "\ntype %s (", name);
	at = strstr(interface, begin);
	CHECK(at != NULL);
	at = at != NULL ? at + strlen(begin) : ")";
	for (;;) {
		at += strspn(at, " \t\n,");
		if (*at == '#') {
			at += strcspn(at, "\n");
			continue;
		}
		if (sscanf(at, "%63[a-z_0-9]: %63[][?a-zA-Z]", word, type) != 2)
			break;
		(void)json_object_set_new(members, word, json_string(type));
		at += strcspn(at, ",)\n");
	}
	CHECK(*at == ')' && json_object_size(members) > 0);
	return members;
}

/* Is each key of the object a member, and each member that is not "?" a key? */
static void check_members(const json_t *object, const json_t *members)
{
	json_t *o = (json_t *)(size_t)object, *m = (json_t *)(size_t)members, *v;
	const char *key;

	json_object_foreach(o, key, v) if (json_object_get(m, key) == NULL)
	{
		(void)fprintf(stderr, "no member of the type: %s\n", key);
		check_failures++;
	}
	json_object_foreach(m, key,
			    v) if (*json_string_value(v) != '?' && json_object_get(o, key) == NULL)
	{
		(void)fprintf(stderr, "missing: %s\n", key);
		check_failures++;
	}
}
