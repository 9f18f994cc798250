/*
 * methods.h - what the Varlink methods of berthd do. data is the struct daemon.
 */
#pragma once

#include "runtime/daemon/daemon.h"

rpc_method_fn method_create, method_start, method_stop, method_restart, method_set, method_undo,
	method_destroy, method_mount, method_umount, method_list, method_get, method_monitor;
rpc_method_fn method_suspend, method_resume, method_set_login, method_clone, method_send,
	method_receive, method_resolve, method_why_not, method_session;
rpc_method_fn method_template_list, method_template_build, method_template_import,
	method_template_remove;
rpc_method_fn method_ping, method_doctor;

extern const struct rpc_method daemon_methods[];
extern const size_t daemon_methods_n;

/* The CT that the parameter "ct" names; NULL after an error reply. */
struct ct *method_ct(struct rpc_call *call, json_t *parameters, struct daemon *d);
/* The same for a method fn that reads files of the CT; NULL too when fn is called again, after a thread has read them. */
struct ct *method_ct_read(struct rpc_call *call, json_t *parameters, struct daemon *d,
			  rpc_method_fn *fn);

/*
 * Takes back what is due of a CT's temporary changes (come_back_pick says which); come_back_ended hears how it went,
 * maybe at once. A negative value: the CT takes no set now.
 */
int set_come_back(struct ct *ct);

/* A boolean parameter, false when it is missing or null. */
bool method_flag(json_t *parameters, const char *name);
