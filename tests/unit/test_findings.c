/* test_findings.c - what the doctor has found becomes a list, whole or not. */
#include "runtime/daemon/findings.h"
#include "tests/unit/check.h"
#include "tests/unit/varlink_type.h"

#include <string.h>

static const char *text_of(json_t *list, size_t i, const char *key)
{
	const char *s = json_string_value(json_object_get(json_array_get(list, i), key));

	return s != NULL ? s : "(none)";
}

static void each_finding_is_one_object(void)
{
	json_t *list =
		findings_json("kernel.level=ok\nkernel.text=kernel 6.12\nkernel.fix=\n"
			      "swap.level=warning\nswap.text=no swap=0\nswap.fix=swapon x\n");

	json_t *members = varlink_members(varlink_host, "Finding");

	CHECK(json_array_size(list) == 2);
	check_members(json_array_get(list, 0), members);
	json_decref(members);
	CHECK(strcmp(text_of(list, 0, "name"), "kernel") == 0);
	CHECK(strcmp(text_of(list, 0, "fix"), "") == 0);
	CHECK(strcmp(text_of(list, 1, "level"), "warning") == 0);
	CHECK(strcmp(text_of(list, 1, "text"), "no swap=0") == 0);
	CHECK(strcmp(text_of(list, 1, "fix"), "swapon x") == 0);
	json_decref(list);
}

static void what_is_in_the_way_of_a_ct_is_told_with_its_process(void)
{
	json_t *list = json_array(), *members = varlink_members(varlink_container, "Obstacle");

	findings_of_ct("f0.level=warning\nf0.name=exec\nf0.text=a\xff\nf0.fix=\nf0.pid=12\n"
		       "f0.command=sh\nf1.level=error\nf1.name=io_uring\nf1.text=b=1\nf1.fix=c\n"
		       "f3.level=error\nbytes=4\nfinding.0=no room\nfinding.2=x\n",
		       list);
	CHECK(json_array_size(list) == 3);
	check_members(json_array_get(list, 0), members);
	json_decref(members);
	CHECK(json_integer_value(json_object_get(json_array_get(list, 0), "pid")) == 12);
	CHECK(strcmp(text_of(list, 0, "command"), "sh") == 0);
	CHECK(strcmp(text_of(list, 0, "text"), "a?") == 0);
	CHECK(json_object_get(json_array_get(list, 1), "pid") == NULL);
	CHECK(strcmp(text_of(list, 2, "name"), "destination") == 0);
	CHECK(strcmp(text_of(list, 2, "text"), "no room") == 0);
	CHECK(strcmp(findings_refusal(list), "b=1") == 0);
	json_decref(list);
	list = json_array();
	findings_of_ct("", list);
	CHECK(json_array_size(list) == 0);
	findings_of_ct("f0.level=warning\n", list);
	CHECK(findings_refusal(list) == NULL);
	json_decref(list);
}

static void what_is_no_finding_is_left_out(void)
{
	json_t *list = findings_json("x=1\nlevel=ok\n.level\nnodot\na.level=ok");

	CHECK(json_array_size(list) == 1 && strcmp(text_of(list, 0, "text"), "") == 0);
	json_decref(list);
	list = findings_json("");
	CHECK(json_array_size(list) == 0);
	json_decref(list);
}

int main(void)
{
	RUN(each_finding_is_one_object);
	RUN(what_is_in_the_way_of_a_ct_is_told_with_its_process);
	RUN(what_is_no_finding_is_left_out);
	return check_failures != 0;
}
