/*
 * call_list.h - calls that wait for the end of one thing. One whose client goes leaves the list by itself.
 */
#pragma once

#include "runtime/rpc/rpc.h"

struct call_entry;

struct call_list {
	struct call_entry *first; /* NULL: nobody waits */
};

/* The list has it until call_list_take, and must stay where it is. */
void call_list_add(struct call_list *l, struct rpc_call *call);

/* The one that came last, for the caller to answer; NULL when nobody waits any more. */
struct rpc_call *call_list_take(struct call_list *l);
