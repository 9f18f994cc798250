/* call_list.c - calls that wait for the end of one thing. */
#include "runtime/daemon/call_list.h"

#include <stdlib.h>

struct call_entry {
	struct call_list *list;
	struct rpc_call *call;
	struct call_entry *next;
};

static void entry_remove(struct call_entry *e)
{
	struct call_entry **p = &e->list->first;

	while (*p != e)
		p = &(*p)->next;
	*p = e->next;
	free(e);
}

static void entry_gone(struct rpc_call *call, void *data)
{
	(void)call;
	entry_remove(data);
}

void call_list_add(struct call_list *l, struct rpc_call *call)
{
	struct call_entry *e = calloc(1, sizeof(*e));

	if (e == NULL)
		abort();
	*e = (struct call_entry){.list = l, .call = call, .next = l->first};
	l->first = e;
	rpc_call_on_gone(call, entry_gone, e);
}

struct rpc_call *call_list_take(struct call_list *l)
{
	struct rpc_call *call;

	if (l->first == NULL)
		return NULL;
	call = l->first->call;
	rpc_call_on_gone(call, NULL, NULL);
	entry_remove(l->first);
	return call;
}
