/* test_ct_life_table.c - every state has an answer to every event, and no order ends in silence. */
#include "runtime/ct/life_table.h"

#include "tests/unit/check.h"

#include <string.h>

static void every_cell_has_an_answer(void)
{
	for (enum ct_status s = 0; s < CT_STATUS_MAX; s++) {
		for (enum life_event e = 0; e < LIFE_EVENT_MAX; e++) {
			struct life_cell c = life_cell(s, e);

			CHECK(c.next < CT_STATUS_MAX && c.action < ACT_MAX);
			if (c.action == ACT_NONE || c.action == ACT_REFUSE)
				CHECK(c.next == s);
			/* Nobody who orders something is left without an answer. */
			CHECK(!life_is_order(e) || c.action != ACT_NONE);
			CHECK(life_is_order(e) || c.action != ACT_REFUSE);
			CHECK(life_event_name(e) != NULL && life_event_name(e)[0] != '\0');
		}
	}
}

static void every_refusal_has_a_code_and_a_sentence(void)
{
	struct berth_error err;

	for (enum ct_status s = 0; s < CT_STATUS_MAX; s++) {
		for (enum life_event e = 0; e < LIFE_EVENT_MAX; e++) {
			if (!life_is_order(e))
				continue;
			memset(&err, 0, sizeof(err));
			CHECK(life_refuse(101, s, e, &err) < 0);
			CHECK(err.code != BERTH_OK && berth_error_exit_status(err.code) > 3);
			CHECK(strncmp(err.msg, "CT 101 ", 7) == 0 && strlen(err.msg) > 14);
			CHECK(strchr(err.msg, '@') == NULL && strchr(err.msg, '%') == NULL);
			CHECK(strlen(err.msg) < sizeof(err.msg) - 1);
		}
	}
}

/* Where it is not known what runs, only an explicit order kills; nothing else starts, stops or removes. */
static void unknown_is_harmless(void)
{
	static const enum life_action harmless[] = {ACT_NONE, ACT_REFUSE,     ACT_END_WORKER,
						    ACT_LOOK, ACT_LOOK_LATER, ACT_LOOKED};

	for (enum life_event e = 0; e < LIFE_EVENT_MAX; e++) {
		struct life_cell c = life_cell(CT_UNKNOWN, e);
		bool is_harmless = false;

		for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
			is_harmless = is_harmless || c.action == harmless[i];
		if (is_harmless)
			CHECK(c.next == CT_UNKNOWN);
		else if (e == LIFE_KILL)
			CHECK(c.action == ACT_KILL_UNKNOWN);
		else if (e == LIFE_ALIVE)
			CHECK(c.action == ACT_TAKE && c.next == CT_RUNNING);
		else if (e == LIFE_IN_DOUBT)
			CHECK(c.action == ACT_INCOMING && c.next == CT_INCOMING);
		else
			CHECK(e == LIFE_DEAD && c.action == ACT_SETTLE);
	}
	CHECK(ct_status_is_up(CT_UNKNOWN) && ct_status_is_mounted(CT_UNKNOWN));
	CHECK(strcmp(ct_status_name(CT_UNKNOWN), "unknown") == 0);
}

/* Of a CT that has moved away, or is not here for sure, nothing but its move or an admin's word gets anywhere. */
static void a_ct_that_is_given_or_incoming_never_runs(void)
{
	static const enum ct_status states[] = {CT_GIVEN, CT_INCOMING, CT_SENDING};

	for (size_t i = 0; i < 3; i++)
		for (enum life_event e = 0; e < LIFE_EVENT_MAX; e++) {
			struct life_cell c = life_cell(states[i], e);

			CHECK(c.next != CT_STARTING && c.next != CT_RUNNING &&
			      c.next != CT_MOUNTED);
			CHECK(c.next == states[i] || (e == LIFE_SEND && c.next == CT_SENDING) ||
			      (e == LIFE_RELEASE && c.next == CT_DESTROYING));
		}
	CHECK(life_cell(CT_GIVEN, LIFE_START).code == BERTH_ERR_LOCKED);
	CHECK(life_cell(CT_GIVEN, LIFE_DESTROY).action == ACT_REFUSE);
	CHECK(life_cell(CT_INCOMING, LIFE_START).action == ACT_REFUSE);
	CHECK(life_cell(CT_SENDING, LIFE_START).action == ACT_REFUSE);
}

/* Only proof, an order, or init's own end leads to where something is cleaned up. */
static void nothing_is_released_on_a_guess(void)
{
	for (enum ct_status s = 0; s < CT_STATUS_MAX; s++) {
		CHECK(life_cell(s, LIFE_CANNOT_TELL).next == s ||
		      life_cell(s, LIFE_CANNOT_TELL).next == CT_UNKNOWN);
		CHECK(life_cell(s, LIFE_MONITOR_GONE).next == s);
	}
	CHECK(life_cell(CT_RUNNING, LIFE_DIED).next == CT_RUNNING);
	CHECK(life_cell(CT_RUNNING, LIFE_FAILED).next == CT_RUNNING);
}

/* A cleanup that fails or dies is tried again, by order and by itself. */
static void releasing_goes_on_until_it_is_done(void)
{
	static const enum life_event again[] = {LIFE_DIED, LIFE_FAILED, LIFE_T_CLEAN, LIFE_STOP,
						LIFE_KILL};

	for (size_t i = 0; i < sizeof(again) / sizeof(again[0]); i++) {
		struct life_cell c = life_cell(CT_RELEASING, again[i]);

		CHECK(c.next == CT_RELEASING && c.action != ACT_NONE && c.action != ACT_REFUSE);
	}
	CHECK(life_cell(CT_RELEASING, LIFE_DONE).next == CT_STOPPED);
	CHECK(strcmp(ct_status_name(CT_RELEASING), "stopping") == 0);
}

static void a_stop_that_waits_can_be_made_fast(void)
{
	CHECK(life_cell(CT_STOPPING, LIFE_KILL).action == ACT_HURRY);
	CHECK(life_cell(CT_STARTING, LIFE_KILL).action == ACT_END_START);
	CHECK(life_cell(CT_STOPPING, LIFE_STOP).action == ACT_REFUSE);
	CHECK(life_cell(CT_STOPPING, LIFE_STOP).code == BERTH_ERR_LOCKED);
}

/* Whatever dies, it is what it was or what it was to be: a CT that runs, or one whose images stand. */
static void a_suspend_ends_as_one_or_the_other(void)
{
	CHECK(life_cell(CT_RUNNING, LIFE_SUSPEND).next == CT_SUSPENDING);
	CHECK(life_cell(CT_SUSPENDING, LIFE_FAILED).next == CT_SUSPENDING);
	CHECK(life_cell(CT_SUSPENDING, LIFE_ALIVE).next == CT_RUNNING);
	CHECK(life_cell(CT_SUSPENDING, LIFE_T_LOOK).action == ACT_FINISH);
	CHECK(life_cell(CT_SUSPENDING, LIFE_KILL).action == ACT_END_SUSPEND);
	CHECK(life_cell(CT_SUSPENDING, LIFE_DONE).next == CT_RELEASING);
	CHECK(life_cell(CT_SUSPENDING, LIFE_DIED).action == ACT_SUSPEND_AGAIN);
	CHECK(life_cell(CT_SUSPENDING, LIFE_STOP).action == ACT_REFUSE);
	CHECK(life_cell(CT_SUSPENDING, LIFE_INIT_GONE).action == ACT_NONE);
	CHECK(life_cell(CT_SUSPENDED, LIFE_RESUME).next == CT_RESUMING);
	CHECK(life_cell(CT_SUSPENDED, LIFE_START).action == ACT_REFUSE);
	CHECK(life_cell(CT_SUSPENDED, LIFE_MOUNT).action == ACT_REFUSE);
	CHECK(life_cell(CT_SUSPENDED, LIFE_SET).action == ACT_REFUSE);
	CHECK(life_cell(CT_RESUMING, LIFE_DONE).next == CT_RUNNING);
	CHECK(life_cell(CT_RESUMING, LIFE_DIED).action == ACT_CLEAN_FAILURE);
	CHECK(!ct_status_is_up(CT_SUSPENDED) && !ct_status_is_mounted(CT_SUSPENDED));
}

static void the_words_are_what_vzlist_prints(void)
{
	CHECK(strcmp(ct_status_name(CT_STOPPED), "stopped") == 0);
	CHECK(strcmp(ct_status_name(CT_MOUNTED), "mounted") == 0);
	CHECK(strcmp(ct_status_name(CT_RUNNING), "running") == 0);
	CHECK(strcmp(ct_status_name(CT_SUSPENDED), "suspended") == 0);
	CHECK(ct_status_is_up(CT_RUNNING) && ct_status_is_up(CT_STOPPING));
	CHECK(!ct_status_is_up(CT_STOPPED) && !ct_status_is_up(CT_BROKEN));
	CHECK(ct_status_is_mounted(CT_MOUNTED) && !ct_status_is_mounted(CT_STOPPED));
}

int main(void)
{
	RUN(every_cell_has_an_answer);
	RUN(every_refusal_has_a_code_and_a_sentence);
	RUN(unknown_is_harmless);
	RUN(a_ct_that_is_given_or_incoming_never_runs);
	RUN(nothing_is_released_on_a_guess);
	RUN(releasing_goes_on_until_it_is_done);
	RUN(a_stop_that_waits_can_be_made_fast);
	RUN(a_suspend_ends_as_one_or_the_other);
	RUN(the_words_are_what_vzlist_prints);
	return check_failures != 0;
}
