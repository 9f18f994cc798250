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
	RUN(what_is_no_finding_is_left_out);
	return check_failures != 0;
}
