/* test_ct_end.c - every end of a run has a reason, and its record survives printing. */
#include "runtime/ct/end.h"

#include "tests/unit/check.h"

#include <signal.h>
#include <string.h>

static char detail[128];

static enum ct_end_reason judge(struct ct_end_facts f)
{
	return ct_end_judge(&f, detail, sizeof(detail));
}

static void how_init_ended_tells_why(void)
{
	CHECK(judge((struct ct_end_facts){.known = true, .wait_status = SIGHUP}) == END_REBOOTED);
	CHECK(judge((struct ct_end_facts){.known = true, .wait_status = SIGINT}) == END_HALTED);
	CHECK(judge((struct ct_end_facts){.known = true, .wait_status = SIGKILL}) == END_DIED);
	CHECK(strstr(detail, "signal 9") != NULL);
	CHECK(judge((struct ct_end_facts){.known = true, .wait_status = 3 << 8}) == END_DIED);
	CHECK(strstr(detail, "status 3") != NULL);
	CHECK(judge((struct ct_end_facts){0}) == END_UNSEEN && detail[0] == '\0');
}

static void a_kill_beside_an_oom_kill_is_one(void)
{
	CHECK(judge((struct ct_end_facts){.known = true, .wait_status = SIGKILL, .oom_kills = 2}) ==
	      END_OOM);
	CHECK(strstr(detail, "2 of its processes") != NULL);
	/* The OOM killer takes nobody's SIGSEGV, and no poweroff. */
	CHECK(judge((struct ct_end_facts){.known = true, .wait_status = SIGSEGV, .oom_kills = 2}) ==
	      END_DIED);
	CHECK(judge((struct ct_end_facts){.known = true, .wait_status = SIGINT, .oom_kills = 2}) ==
	      END_HALTED);
}

static void an_order_comes_before_how_it_was_heeded(void)
{
	CHECK(judge((struct ct_end_facts){.ordered = true, .known = true, .wait_status = SIGINT}) ==
	      END_STOPPED);
	CHECK(judge((struct ct_end_facts){
		      .ordered = true, .killed = true, .known = true, .wait_status = SIGKILL}) ==
	      END_KILLED);
	CHECK(judge((struct ct_end_facts){.ordered = true, .restart = true, .killed = true}) ==
	      END_REBOOTED);
	CHECK(judge((struct ct_end_facts){.ordered = true, .shutdown = true}) == END_SHUTDOWN);
}

static void every_reason_has_words_of_its_own(void)
{
	for (enum ct_end_reason r = END_STOPPED; r < END_MAX; r++) {
		CHECK(ct_end_word(r)[0] != '\0' && ct_end_sentence(r)[0] != '\0');
		for (enum ct_end_reason o = END_STOPPED; o < r; o++)
			CHECK(strcmp(ct_end_word(o), ct_end_word(r)) != 0);
	}
	CHECK(ct_end_is_bad(END_OOM) && ct_end_is_bad(END_DIED) && ct_end_is_bad(END_UNSEEN));
	CHECK(!ct_end_is_bad(END_STOPPED) && !ct_end_is_bad(END_HALTED));
}

static void the_record_survives_printing(void)
{
	struct ct_ends e = {.last = END_OOM, .at = 1700000000, .detail = "2 of = them"}, back;
	char text[1024];

	e.count[END_OOM] = 3;
	e.count[END_STOPPED] = 7;
	CHECK(ct_ends_format(&e, text, sizeof(text)) == 0 && ct_ends_parse(text, &back) == 0);
	CHECK(back.last == END_OOM && back.at == 1700000000 &&
	      strcmp(back.detail, "2 of = them") == 0);
	CHECK(back.count[END_OOM] == 3 && back.count[END_STOPPED] == 7 &&
	      back.count[END_DIED] == 0);
	CHECK(ct_ends_parse("", &back) < 0 && ct_ends_parse("last=nonsense\nat=1\n", &back) < 0);
	CHECK(ct_ends_parse("last=oom\nat=x\n", &back) < 0);
}

int main(void)
{
	RUN(how_init_ended_tells_why);
	RUN(a_kill_beside_an_oom_kill_is_one);
	RUN(an_order_comes_before_how_it_was_heeded);
	RUN(every_reason_has_words_of_its_own);
	RUN(the_record_survives_printing);
	return check_failures != 0;
}
