/* test_cg_use.c - pressure and disk counters, as kernels of cgroups v1 and v2 write them. */
#include "cgroups/host.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>

static void pressure_is_read_in_hundredths(void)
{
	struct cg_pressure p = {0};

	CHECK(cg_pressure_parse("some avg10=80.72 avg60=38.79 avg300=0.02 total=33518315107\n"
				"full avg10=100.00 avg60=0.00 avg300=1.00 total=7\n",
				&p) == 0);
	CHECK(p.known && p.some.avg10 == 8072 && p.some.avg60 == 3879 && p.some.avg300 == 2);
	CHECK(p.some.usec == 33518315107 && p.full.avg10 == 10000 && p.full.usec == 7);
	CHECK(p.full.avg300 == 100);
}

static void an_old_kernel_has_no_full_line_of_the_cpu(void)
{
	struct cg_pressure p;

	CHECK(cg_pressure_parse("some avg10=1.00 avg60=0.00 avg300=0.00 total=5", &p) == 0);
	CHECK(p.some.avg10 == 100 && p.full.usec == 0);
}

static void what_is_no_pressure_is_refused_and_writes_nothing(void)
{
	static const char *const bad[] = {
		"",
		"some",
		"full avg10=1.00 avg60=0.00 avg300=0.00 total=5\n",
		"some avg10=1.0 avg60=0.00 avg300=0.00 total=5\n",
		"some avg10=1.000 avg60=0.00 avg300=0.00 total=5\n",
		"some avg10=-1.00 avg60=0.00 avg300=0.00 total=5\n",
		"some avg10=101.00 avg60=0.00 avg300=0.00 total=5\n",
		"some avg10=1.00 avg60=0.00 avg300=0.00 total=5 more\n",
		"some avg10=1.00 avg60=0.00 avg300=0.00 total=99999999999999999999\n",
		"some avg10=1.00 avg60=0.00 avg300=0.00 total=5\nfull avg10=x\n",
	};
	struct cg_pressure p = {0};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(cg_pressure_parse(bad[i], &p) == -EINVAL);
	CHECK(!p.known);
}

static void a_device_is_found_by_its_whole_number(void)
{
	static const char text[] = "17:1 rbytes=9 wbytes=9 rios=9 wios=9 dbytes=0 dios=0\n"
				   "7:16 rbytes=1\n"
				   "7:1 rbytes=10 wbytes=20 rios=3 wios=4 dbytes=50 dios=6\n";
	struct cg_io io = {0};

	CHECK(cg_io_parse(text, makedev(7, 1), &io) == 0);
	CHECK(io.read_bytes == 10 && io.write_bytes == 20 && io.reads == 3 && io.writes == 4);
	CHECK(cg_io_parse(text, makedev(7, 16), &io) == 0 && io.read_bytes == 1 && io.writes == 0);
	CHECK(cg_io_parse(text, makedev(7, 6), &io) == -ENOENT);
	CHECK(cg_io_parse("", makedev(7, 1), &io) == -ENOENT);
}

static void v1_has_a_line_for_each_number(void)
{
	static const char text[] = "254:0 Read 5\n254:0 Write 6\n7:82651 Read 0\n"
				   "7:82651 Write 20971520\n7:82651 Total 20971520\nTotal 1\n";
	uint64_t r = 1, w = 1;

	CHECK(cg_io_parse_v1(text, makedev(7, 82651), &r, &w) == 0 && r == 0 && w == 20971520);
	CHECK(cg_io_parse_v1(text, makedev(7, 82650), &r, &w) == -ENOENT);
	CHECK(cg_io_parse_v1("7:1 Read x\n7:1 Write 1\n", makedev(7, 1), &r, &w) == -EINVAL);
}

/* Of this machine itself: what is there can be read. */
static void the_host_has_its_own(void)
{
	struct cg_pressure p;

	cg_host_pressure(CG_PRESSURE_CPU, &p);
	CHECK(!p.known || p.some.avg10 <= 10000);
}

int main(void)
{
	RUN(pressure_is_read_in_hundredths);
	RUN(an_old_kernel_has_no_full_line_of_the_cpu);
	RUN(what_is_no_pressure_is_refused_and_writes_nothing);
	RUN(a_device_is_found_by_its_whole_number);
	RUN(v1_has_a_line_for_each_number);
	RUN(the_host_has_its_own);
	return check_failures != 0;
}
