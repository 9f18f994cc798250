/* test_method_wait.c - an order waits for what berthd itself does to a CT, and for nothing else. */
#include "tests/unit/daemon_fixture.h"

/* berthd itself cleans CT 101 up until TOP/go is there. */
static struct ct *begin(void)
{
	struct ct *ct;

	host_begin("");
	ct = add_ct(101, "");
	on_worker("cleanup", "until [ -e $TOP/go ]; do sleep 0.02; done; say_done\n");
	(void)ct_event(ct, LIFE_T_CLEAN, NULL, NULL);
	CHECK(ct->job != NULL && ct->status == CT_RELEASING);
	return ct;
}

static void an_order_waits_and_then_finds_the_ct_as_it_is(void)
{
	struct client c;
	struct ct *ct = begin();

	client_open(&c);
	client_send(&c, "io.berth.Container.Stop", ct_parameter(101), false);
	settle_down();
	CHECK(client_take(&c) == NULL && ct->status == CT_RELEASING);
	put_file(top, "go", "", 0644);
	CHECK(code_of(client_wait(&c)) == BERTH_ERR_NOT_RUNNING);
	client_close(&c);
	host_end();
}

static void it_does_what_was_asked_when_it_can(void)
{
	struct client c;

	(void)begin();
	client_open(&c);
	client_send(&c, "io.berth.Container.Destroy", ct_parameter(101), false);
	settle_down();
	CHECK(client_take(&c) == NULL && registry_find(&d, 101) != NULL);
	put_file(top, "go", "", 0644);
	CHECK(code_of(client_wait(&c)) == BERTH_OK);
	CHECK(registry_find(&d, 101) == NULL);
	client_close(&c);
	host_end();
}

static void a_client_that_goes_orders_nothing(void)
{
	struct client c;

	(void)begin();
	client_open(&c);
	client_send(&c, "io.berth.Container.Destroy", ct_parameter(101), false);
	settle_down();
	client_close(&c);
	put_file(top, "go", "", 0644);
	WAIT_FOR(all_idle());
	settle_down();
	CHECK(registry_find(&d, 101) != NULL);
	host_end();
}

static void somebody_elses_order_is_told_at_once(void)
{
	struct client first, second;

	host_begin("");
	(void)add_ct(101, "");
	on_worker("mount", "until [ -e $TOP/go ]; do sleep 0.02; done; say_done\n");
	client_open(&first);
	client_open(&second);
	client_send(&first, "io.berth.Container.Mount", ct_parameter(101), false);
	client_send(&second, "io.berth.Container.Start", ct_parameter(101), false);
	CHECK(code_of(client_wait(&second)) == BERTH_ERR_LOCKED);
	put_file(top, "go", "", 0644);
	CHECK(code_of(client_wait(&first)) == BERTH_OK);
	client_close(&first);
	client_close(&second);
	host_end();
}

static void patience_ends_after_seconds(void)
{
	struct client c;
	uint64_t begun;

	(void)begin();
	client_open(&c);
	begun = ev_now_ms();
	client_send(&c, "io.berth.Container.Start", ct_parameter(101), false);
	CHECK(code_of(client_wait(&c)) == BERTH_ERR_LOCKED);
	CHECK(ev_now_ms() - begun >= 4000);
	put_file(top, "go", "", 0644);
	client_close(&c);
	host_end();
}

int main(void)
{
	int r = daemon_begin();

	if (r != 0)
		return r;
	RUN(an_order_waits_and_then_finds_the_ct_as_it_is);
	RUN(it_does_what_was_asked_when_it_can);
	RUN(a_client_that_goes_orders_nothing);
	RUN(somebody_elses_order_is_told_at_once);
	RUN(patience_ends_after_seconds);
	return check_failures != 0;
}
