/* test_usage.c - numbers of a CT, and rates out of two looks. */
#include "runtime/cli/usage.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <string.h>

static const char text[] =
	"{\"ctid\":101,\"name\":\"web\",\"status\":\"running\",\"init_pid\":7,"
	"\"resources\":{\"physpages\":{\"held\":50,\"limit\":200},\"swappages\":{\"held\":1,"
	"\"limit\":-1},"
	"\"cpulimit\":{\"held\":0,\"limit\":50}},"
	"\"usage\":{\"at_usec\":1000000,\"cpu_usec\":500000,\"periods\":10,\"throttled\":2,"
	"\"throttled_usec\":9,\"read_bytes\":100,\"write_bytes\":0,\"reads\":1,\"writes\":0,"
	"\"rx_bytes\":0,\"rx_packets\":0,\"tx_bytes\":0,\"tx_packets\":0,"
	"\"pressure\":{\"cpu\":{\"some_avg10\":12.5}}}}";

static json_t *look(void)
{
	return json_loads(text, 0, NULL);
}

static void what_berthd_tells_is_taken_and_the_rest_is_not_known(void)
{
	json_t *info = look();
	struct usage u;

	CHECK(usage_from(info, &u) == 0);
	CHECK(u.ctid == 101 && strcmp(u.name, "web") == 0 && u.init_pid == 7);
	CHECK(u.counter[USAGE_CPU_USEC] == 500000 && u.counter[USAGE_READS] == 1);
	CHECK(u.some[USAGE_PRESSURE_CPU] > 12.4 && u.some[USAGE_PRESSURE_IO] < 0);
	CHECK(usage_percent(&u.memory) > 24.9 && usage_percent(&u.memory) < 25.1);
	CHECK(u.swap.limit == USAGE_NONE && usage_percent(&u.swap) < 0);
	CHECK(u.disk.held == USAGE_NONE && usage_percent(&u.disk) < 0);
	(void)json_object_del(info, "usage");
	CHECK(usage_from(info, &u) == -ENOENT);
	json_decref(info);
}

static void two_looks_tell_how_fast(void)
{
	json_t *info = look();
	struct usage a, b;
	struct usage_rate r;

	CHECK(usage_from(info, &a) == 0);
	b = a;
	b.at_usec += 2000000;
	b.counter[USAGE_CPU_USEC] += 1000000;
	b.counter[USAGE_PERIODS] += 20;
	b.counter[USAGE_THROTTLED] += 19;
	b.counter[USAGE_READ_BYTES] += 4096;
	usage_rate_of(&a, &b, &r);
	CHECK(r.known && r.seconds > 1.99 && r.seconds < 2.01);
	CHECK(r.cpu_percent > 49.9 && r.cpu_percent < 50.1);
	CHECK(r.throttled_percent > 94.9 && r.throttled_percent < 95.1);
	CHECK(r.per_second[USAGE_READ_BYTES] > 2047.9 && r.per_second[USAGE_READ_BYTES] < 2048.1);
	CHECK(r.per_second[USAGE_TX_BYTES] == 0);
	json_decref(info);
}

static void one_look_or_another_run_tells_nothing(void)
{
	json_t *info = look();
	struct usage a, b;
	struct usage_rate r;

	CHECK(usage_from(info, &a) == 0);
	usage_rate_of(NULL, &a, &r);
	CHECK(!r.known);
	b = a;
	usage_rate_of(&a, &b, &r);
	CHECK(!r.known); /* the same moment */
	b.at_usec += 5;
	b.init_pid = 8;
	usage_rate_of(&a, &b, &r);
	CHECK(!r.known);
	b.init_pid = 7;
	b.counter[USAGE_CPU_USEC] = 1;
	usage_rate_of(&a, &b, &r);
	CHECK(!r.known);
	json_decref(info);
}

static void programs_get_null_for_what_is_not_known(void)
{
	json_t *info = look(), *o;
	struct usage u;
	struct usage_rate r = {0};

	CHECK(usage_from(info, &u) == 0);
	o = usage_json(&u, &r);
	CHECK(json_is_null(json_object_get(o, "rate")));
	CHECK(json_is_null(json_object_get(json_object_get(o, "swap"), "limit")));
	CHECK(json_integer_value(json_object_get(json_object_get(o, "memory"), "held")) == 50);
	CHECK(json_is_null(json_object_get(json_object_get(o, "pressure"), "io")));
	json_decref(o);
	r.known = true;
	r.cpu_percent = 7;
	o = usage_json(&u, &r);
	CHECK(json_number_value(json_object_get(json_object_get(o, "rate"), "cpu_percent")) == 7);
	json_decref(o);
	json_decref(info);
}

int main(void)
{
	RUN(what_berthd_tells_is_taken_and_the_rest_is_not_known);
	RUN(two_looks_tell_how_fast);
	RUN(one_look_or_another_run_tells_nothing);
	RUN(programs_get_null_for_what_is_not_known);
	return check_failures != 0;
}
