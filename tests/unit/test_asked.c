/* test_asked.c - the log says who ordered what, and no secret. */
#include "runtime/daemon/asked.h"
#include "tests/unit/check.h"

#include <string.h>

static char text[560];

static const char *said(const char *method, json_t *parameters)
{
	const struct rpc_peer peer = {.uid = 0, .pid = 4211};

	CHECK(parameters != NULL);
	asked_text(&peer, method, parameters, text, sizeof(text));
	json_decref(parameters);
	return text;
}

static void an_order_names_what_and_who(void)
{
	CHECK(strcmp(said("io.berth.Container.Set",
			  json_pack("{s:s, s:[{s:s, s:s}, {s:s, s:s}], s:b}", "ct", "610",
				    "settings", "option", "ram", "value", "1G", "option",
				    "description", "value", "a shop", "save", 1)),
		     "set ram=1G description=\"a shop\" save=yes by uid=0 pid=4211") == 0);
	CHECK(strcmp(said("io.berth.Container.Stop",
			  json_pack("{s:s, s:b, s:i}", "ct", "web", "fast", 0, "timeout", 5)),
		     "stop timeout=5 by uid=0 pid=4211") == 0);
	CHECK(strcmp(said("io.berth.Template.Import",
			  json_pack("{s:s, s:s}", "name", "alma-9", "path", "/tmp/a b.tar")),
		     "template import name=alma-9 path=\"/tmp/a b.tar\" by uid=0 pid=4211") == 0);
	CHECK(strcmp(said("io.berth.Host.Doctor", json_object()), "doctor by uid=0 pid=4211") == 0);
}

static void a_secret_is_not_said_nor_what_may_be_one(void)
{
	CHECK(strstr(said("io.berth.Container.Set",
			  json_pack("{s:[{s:s, s:s}, {s:s, s:s}]}", "settings", "option",
				    "userpasswd", "value", "root:tops", "option", "userpaswd",
				    "value", "root:tops")),
		     "tops") == NULL);
	CHECK(strstr(text, "userpaswd=(hidden) by uid=0") != NULL);
}

static void what_is_no_order_does_no_harm(void)
{
	CHECK(strcmp(said("x", json_pack("{s:i, s:[i, s], s:s}", "name", 7, "settings", 1, "x",
					 "save", "yes")),
		     "x by uid=0 pid=4211") == 0);
}

static void a_long_order_still_says_who(void)
{
	json_t *list = json_array();

	for (int i = 0; i < 60; i++)
		(void)json_array_append_new(
			list, json_pack("{s:s, s:s}", "option", "ipadd", "value", "2001:db8::1"));
	(void)said("io.berth.Container.Set", json_pack("{s:o}", "settings", list));
	CHECK(strlen(text) < sizeof(text) && strstr(text, " by uid=0 pid=4211") != NULL);
}

int main(void)
{
	RUN(an_order_names_what_and_who);
	RUN(a_secret_is_not_said_nor_what_may_be_one);
	RUN(what_is_no_order_does_no_harm);
	RUN(a_long_order_still_says_who);
	return check_failures != 0;
}
