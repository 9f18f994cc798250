/* cli_fixture.h - two CTs as berthd describes them. */
#pragma once

#include <jansson.h>

static const char cli_fixture_text[] =
	"[{\"ctid\":101,\"name\":\"web1\",\"status\":\"running\",\"booted\":true,"
	"\"hostname\":\"web1.example.com\",\"addresses\":[\"10.0.0.101\",\"fd00::101\"],"
	"\"ostemplate\":\"debian-12\",\"layout\":\"overlay\",\"uuid\":\"u\",\"init_pid\":4242,"
	"\"uptime\":3600,\"id_base\":100000,\"onboot\":true,\"disabled\":false,\"cpulimit\":50,"
	"\"cpuunits\":1000,\"cpus\":0,\"resources\":{"
	"\"physpages\":{\"held\":40960000,\"maxheld\":81920000,\"limit\":536870912,\"failcnt\":7},"
	"\"swappages\":{\"held\":0,\"maxheld\":0,\"limit\":-1,\"failcnt\":0},"
	"\"numproc\":{\"held\":23,\"maxheld\":40,\"limit\":100,\"failcnt\":0},"
	"\"diskspace\":{\"held\":1048576,\"maxheld\":0,\"limit\":2147483648,\"failcnt\":0}},"
	"\"config\":{\"NUMPROC\":\"90:100\",\"PHYSPAGES\":\"0:131072\","
	"\"DISKSPACE\":\"2097152:2097152\",\"KMEMSIZE\":\"5:unlimited\",\"BOOTORDER\":\"3\"}},"
	"{\"ctid\":102,\"status\":\"stopped\",\"booted\":false,"
	"\"hostname\":\"\\u001b]0;x\\u0007\\n fake\",\"addresses\":[],\"ostemplate\":\"tiny\","
	"\"layout\":\"overlay\",\"uuid\":\"0123456789012345678901234567890123456789\",\"id_base\":"
	"165536,\"onboot\":false,"
	"\"disabled\":true,\"cpulimit\":0,\"cpuunits\":1000,\"cpus\":0,\"resources\":{},"
	"\"config\":{}}]";

static json_t *cli_fixture(void)
{
	return json_loads(cli_fixture_text, 0, NULL);
}
