/* test_events.c - what happens to CTs reaches everybody who called Monitor, and nobody else. */
#include "tests/unit/daemon_fixture.h"

static void subscribe(struct client *c)
{
	client_open(c);
	client_send(c, "io.berth.Container.Monitor", NULL, true);
}

/* The next event as "CTID EVENT DETAIL". */
static const char *next_event(struct client *c)
{
	static char text[128];
	json_t *reply = client_wait(c), *p = parameters_of(reply);
	const char *detail = json_string_value(json_object_get(p, "detail"));

	(void)snprintf(text, sizeof(text), "%d %s%s%s",
		       (int)json_integer_value(json_object_get(p, "ctid")),
		       json_string_value(json_object_get(p, "event")), detail != NULL ? " " : "",
		       detail != NULL ? detail : "");
	CHECK(json_is_true(json_object_get(reply, "continues")));
	json_decref(reply);
	return text;
}

static void everybody_hears_everything_in_order(void)
{
	struct client a, b;

	host_begin("");
	event_emit(&d, 101, "started", NULL); /* nobody is there */
	subscribe(&a);
	event_emit(&d, 101, "stopped", NULL);
	subscribe(&b);
	event_emit(&d, 102, "changed", "ram");
	CHECK(strcmp(next_event(&a), "101 stopped") == 0);
	CHECK(strcmp(next_event(&a), "102 changed ram") == 0);
	CHECK(strcmp(next_event(&b), "102 changed ram") == 0);
	CHECK(client_take(&a) == NULL && client_take(&b) == NULL);
	client_close(&a);
	client_close(&b);
	host_end();
}

static void who_hangs_up_is_forgotten(void)
{
	struct client c[3];

	host_begin("");
	for (size_t i = 0; i < 3; i++)
		subscribe(&c[i]);
	client_close(&c[1]);
	event_emit(&d, 101, "started", NULL);
	CHECK(strcmp(next_event(&c[0]), "101 started") == 0);
	CHECK(strcmp(next_event(&c[2]), "101 started") == 0);
	client_close(&c[2]);
	client_close(&c[0]);
	CHECK(d.subscribers == NULL);
	event_emit(&d, 101, "stopped", NULL);
	host_end();
}

/* It would hold all of berthd's memory in the end. */
static void who_does_not_read_is_dropped(void)
{
	static char detail[4096];
	struct client c, other;
	int i = 0;

	host_begin("");
	subscribe(&c);
	subscribe(&other);
	memset(detail, 'x', sizeof(detail) - 1);
	for (; i < 4000 && d.subscribers != NULL && d.subscribers->next != NULL; i++) {
		event_emit(&d, 101, "changed", detail);
		if (i % 8 == 0)
			(void)ev_run_once(d.ev, 0);
		for (json_t *reply; (reply = client_take(&other)) != NULL;)
			json_decref(reply);
	}
	CHECK(i < 4000);
	client_close(&c);
	client_close(&other);
	host_end();
}

static void a_single_answer_is_refused(void)
{
	host_begin("");
	CHECK(code_of(call("io.berth.Container.Monitor", NULL)) == BERTH_ERR_PROTOCOL);
	CHECK(d.subscribers == NULL);
	host_end();
}

int main(void)
{
	int r = daemon_begin();

	if (r != 0)
		return r;
	RUN(everybody_hears_everything_in_order);
	RUN(who_hangs_up_is_forgotten);
	RUN(who_does_not_read_is_dropped);
	RUN(a_single_answer_is_refused);
	return check_failures != 0;
}
