/* test_base_text.c - a text that is mostly missing. */
#include "runtime/base/text.h"
#include "tests/unit/check.h"

#include <stdlib.h>
#include <string.h>

static void a_text_that_is_missing_reads_as_an_empty_one(void)
{
	char *t = NULL;

	CHECK(strcmp(text_or_empty(t), "") == 0 && text_copy(t) == NULL);
	text_clear(&t);
	CHECK(t == NULL);
}

static void a_text_takes_the_place_of_the_one_before_and_may_quote_it(void)
{
	char *t = NULL, *copy;

	text_set(&t, "CT %u", 101U);
	text_set(&t, "%s is held", t);
	CHECK(strcmp(text_or_empty(t), "CT 101 is held") == 0);
	copy = text_copy(t);
	CHECK(copy != t && strcmp(copy, t) == 0);
	text_clear(&t);
	CHECK(t == NULL && strcmp(copy, "CT 101 is held") == 0);
	free(copy);
}

int main(void)
{
	RUN(a_text_that_is_missing_reads_as_an_empty_one);
	RUN(a_text_takes_the_place_of_the_one_before_and_may_quote_it);
	return check_failures != 0;
}
