/* service.c - org.varlink.service: what this server is and which interfaces it has. */
#include "runtime/rpc/impl.h"
#include "runtime/rpc/interfaces.h"

#include <string.h>

/* Every server has this one before what it registers. */
static const struct rpc_interface own = {"org.varlink.service", varlink_service};

static size_t interface_count(const struct rpc_server *s)
{
	return 1 + s->n_interfaces;
}

static const struct rpc_interface *interface_at(const struct rpc_server *s, size_t i)
{
	return i == 0 ? &own : &s->interfaces[i - 1];
}

static const struct rpc_interface *interface_find(const struct rpc_server *s, const char *name,
						  size_t len)
{
	for (size_t i = 0; i < interface_count(s); i++) {
		const struct rpc_interface *f = interface_at(s, i);

		if (strncmp(f->name, name, len) == 0 && f->name[len] == '\0')
			return f;
	}
	return NULL;
}

bool service_has_interface(const struct rpc_server *s, const char *name, size_t len)
{
	return interface_find(s, name, len) != NULL;
}

static void get_info(struct rpc_call *c)
{
	const struct rpc_server *s = c->conn->server;
	json_t *names = json_array();

	for (size_t i = 0; i < interface_count(s); i++)
		(void)json_array_append_new(names, json_string(interface_at(s, i)->name));
	rpc_reply(c, json_pack("{s:s, s:s, s:s, s:s, s:o}", "vendor", "berth", "product", "berthd",
			       "version", BERTH_VERSION, "url", "", "interfaces", names));
}

static void get_interface_description(struct rpc_call *c, const json_t *parameters)
{
	const char *name = json_string_value(json_object_get(parameters, "interface"));
	const struct rpc_interface *f;

	if (name == NULL) {
		rpc_reply_invalid_parameter(c, "interface");
		return;
	}
	f = interface_find(c->conn->server, name, strlen(name));
	if (f == NULL)
		call_reply_named(c, "org.varlink.service.InterfaceNotFound",
				 json_pack("{s:s}", "interface", name));
	else
		rpc_reply(c, json_pack("{s:s}", "description", f->description));
}

bool service_call(struct rpc_call *c, const char *method, const json_t *parameters)
{
	if (strcmp(method, "org.varlink.service.GetInfo") == 0)
		get_info(c);
	else if (strcmp(method, "org.varlink.service.GetInterfaceDescription") == 0)
		get_interface_description(c, parameters);
	else
		return false;
	return true;
}
