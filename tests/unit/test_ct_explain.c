/* test_ct_explain.c - which limit bites, since when, and what mends it; and what is not the CT's fault. */
#include "runtime/ct/explain.h"
#include "tests/unit/check.h"

#include <string.h>

#define MIB ((uint64_t)1 << 20)

enum {
	NOW = 1000000
};

static struct ledger ledger;
static struct explain_in in;
static struct explain_row rows[EXPLAIN_MAX];

static void begin(void)
{
	memset(&ledger, 0, sizeof(ledger));
	in = (struct explain_in){
		.ctid = 101, .now = NOW, .runs = true, .ledger = &ledger, .cpus = 2, .trouble = ""};
	for (int r = 0; r < LEDGER_MAX; r++)
		in.limit[r] = UINT64_MAX;
}

static void hit(enum ledger_resource r, uint64_t times, uint64_t at)
{
	for (uint64_t i = 0; i < times; i++)
		ledger_hit(&ledger, r, at);
}

static const struct explain_row *find(const char *name)
{
	size_t n = explain(&in, rows);

	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

static bool is(const struct explain_row *r, bool now, const char *text, const char *fix)
{
	if (r != NULL && r->now == now && strstr(r->text, text) != NULL && strcmp(r->fix, fix) == 0)
		return true;
	if (r != NULL)
		(void)fprintf(stderr, "%d '%s' '%s'\n", r->now, r->text, r->fix);
	return false;
}

static void a_ct_that_is_well_has_nothing_to_explain(void)
{
	begin();
	CHECK(explain(&in, rows) == 0);
	/* Page cache up to the limit, a moment of throttling at boot. */
	in.limit[LEDGER_PHYSPAGES] = in.held[LEDGER_PHYSPAGES] = 64 * MIB;
	in.limit[LEDGER_CPULIMIT] = 25;
	hit(LEDGER_PHYSPAGES, 500, NOW - 5);
	hit(LEDGER_CPULIMIT, 5, NOW - 5);
	CHECK(explain(&in, rows) == 0);
}

static void each_limit_is_named_with_what_relieves_it(void)
{
	begin();
	in.limit[LEDGER_PHYSPAGES] = 256 * MIB;
	in.limit[LEDGER_NUMPROC] = in.held[LEDGER_NUMPROC] = 200;
	in.limit[LEDGER_CPULIMIT] = 25;
	in.limit[LEDGER_IOLIMIT] = 5 * MIB;
	in.limit[LEDGER_DISKSPACE] = 1100 * MIB;
	in.held[LEDGER_DISKSPACE] = 1080 * MIB; /* the file system keeps the rest */
	in.disk_free = 1 * MIB;
	hit(LEDGER_OOMGUARPAGES, 3, NOW - 5);
	(void)snprintf(ledger.killed, sizeof(ledger.killed), "dd");
	hit(LEDGER_CPULIMIT, 200, NOW - 200);
	hit(LEDGER_IOLIMIT, 2, NOW - 20);
	CHECK(is(
		find("physpages"), true,
		"all of its 256M of RAM: the kernel ended 3 of its processes in the last hour, the "
		"last was dd.",
		"berth set 101 --ram 512M --save"));
	CHECK(is(find("numproc"), true, "as many processes and threads as it may (200)",
		 "berth set 101 --numproc 400 --save"));
	CHECK(is(find("cpulimit"), false, "(25 % of one CPU) in 200 periods",
		 "berth set 101 --cpulimit 50 --save"));
	CHECK(is(find("iolimit"), true, "(5.00M a second)", "berth set 101 --iolimit 10M --save"));
	CHECK(is(find("diskspace"), true, "1.00M of 1.07G are free",
		 "berth set 101 --diskspace 2200M --save"));
	CHECK(explain(&in, rows) == 5 && rows[3].now && !rows[4].now);
}

static void a_disk_is_full_before_its_last_block(void)
{
	CHECK(explain_disk_is_full(1000 * MIB, 10 * MIB) &&
	      !explain_disk_is_full(1000 * MIB, 11 * MIB));
	CHECK(explain_disk_is_full(1000000 * MIB, 64 * MIB));
	CHECK(!explain_disk_is_full(1000000 * MIB, 65 * MIB));
}

static void since_is_when_the_trouble_began(void)
{
	const struct explain_row *r;

	begin();
	in.limit[LEDGER_NUMPROC] = 200;
	hit(LEDGER_NUMPROC, 1, NOW - 2900);
	hit(LEDGER_NUMPROC, 2, NOW - 500);
	hit(LEDGER_NUMPROC, 1, NOW - 300);
	hit(LEDGER_NUMPROC, 1, NOW - 10);
	r = find("numproc");
	CHECK(r != NULL && r->since == NOW - 500 && r->last == NOW - 10 && r->times == 5);
	in.runs = false;
	CHECK(is(find("numproc"), false, "It had as many", "berth set 101 --numproc 400 --save"));
	in.now = NOW + 3600;
	CHECK(explain(&in, rows) == 0);
}

static void a_cpu_limit_is_not_raised_beyond_what_the_host_has(void)
{
	begin();
	in.limit[LEDGER_CPULIMIT] = 150;
	hit(LEDGER_CPULIMIT, 100, NOW - 5);
	CHECK(is(find("cpulimit"), true, "150 %", "berth set 101 --cpulimit 200 --save"));
	in.limit[LEDGER_CPULIMIT] = 200;
	CHECK(is(find("cpulimit"), true, "200 %", ""));
}

static void inodes_come_with_space_unless_they_were_limited(void)
{
	begin();
	in.limit[LEDGER_DISKINODES] = in.held[LEDGER_DISKINODES] = 1000;
	in.limit[LEDGER_DISKSPACE] = in.disk_free = 100 * MIB;
	CHECK(is(find("diskinodes"), true, "1000", "berth set 101 --diskspace 200M --save"));
	in.own_inodes = true;
	CHECK(is(find("diskinodes"), true, "1000", "berth set 101 --diskinodes 2000 --save"));
}

static void a_busy_host_is_not_its_fault_and_the_neighbour_is_named(void)
{
	begin();
	in.host[CG_PRESSURE_CPU].some.avg10 = 8000;
	CHECK(explain(&in, rows) == 0); /* it does not wait */
	in.ct[CG_PRESSURE_CPU].some.avg10 = 6300;
	in.neighbour = 102;
	in.neighbour_percent = 180;
	in.cpus = 2;
	CHECK(is(find("cpu"), true, "waited for 63 % of the last ten seconds", ""));
	CHECK(strstr(find("cpu")->text, "CT 102 takes the most: 180 %") != NULL);
	in.neighbour_percent = 99; /* of two CPUs: no cause */
	CHECK(strstr(find("cpu")->text, "102") == NULL);
	in.neighbour_percent = 180;
	CHECK(find("cpu")->cause == EXPLAIN_HOST);
	/* Its own limit is why it waits. */
	in.limit[LEDGER_CPULIMIT] = 25;
	hit(LEDGER_CPULIMIT, 100, NOW - 5);
	CHECK(find("cpu") == NULL && find("cpulimit") != NULL);
}

static void what_berthd_knows_is_said(void)
{
	begin();
	in.trouble = "its volume may take nothing more until there is room on /var";
	CHECK(is(find("berth"), true, "room on /var", ""));
}

static void swap_and_waiting_for_memory_are_told(void)
{
	begin();
	in.limit[LEDGER_PHYSPAGES] = in.held[LEDGER_PHYSPAGES] = 64 * MIB;
	in.limit[LEDGER_SWAPPAGES] = in.held[LEDGER_SWAPPAGES] = 32 * MIB;
	in.ct[CG_PRESSURE_MEMORY].some.avg10 = 2000;
	CHECK(is(find("physpages"), true, "64.0M of RAM and 32.0M of swap: its processes waited",
		 "berth set 101 --ram 128M --save"));
	CHECK(is(find("swappages"), true, "32.0M is full", "berth set 101 --swap 64M --save"));
}

/* Every row there may be at once. */
static void all_at_once_fit(void)
{
	size_t n;

	begin();
	in.trouble = "x";
	for (int r = 0; r < LEDGER_MAX; r++) {
		in.limit[r] = in.held[r] = 1000;
		hit((enum ledger_resource)r, 100, NOW - 100);
	}
	for (int i = 0; i < CG_PRESSURES; i++)
		in.host[i].some.avg10 = in.ct[i].some.avg10 = 10000;
	n = explain(&in, rows);
	CHECK(n >= 8);
	for (size_t i = 0; i < n; i++)
		CHECK(rows[i].text[0] != '\0' && strlen(rows[i].text) < sizeof(rows[i].text) - 1);
}

int main(void)
{
	RUN(a_ct_that_is_well_has_nothing_to_explain);
	RUN(each_limit_is_named_with_what_relieves_it);
	RUN(a_disk_is_full_before_its_last_block);
	RUN(since_is_when_the_trouble_began);
	RUN(a_cpu_limit_is_not_raised_beyond_what_the_host_has);
	RUN(inodes_come_with_space_unless_they_were_limited);
	RUN(a_busy_host_is_not_its_fault_and_the_neighbour_is_named);
	RUN(what_berthd_knows_is_said);
	RUN(swap_and_waiting_for_memory_are_told);
	RUN(all_at_once_fit);
	return check_failures != 0;
}
