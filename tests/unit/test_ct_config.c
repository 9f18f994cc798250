/*
 * test_ct_config.c - the typed view: defaults, the order of the files, damage.
 *
 * covers: runtime/config/host_config.c
 */
#include "runtime/config/ct_config.h"
#include "tests/unit/check.h"

#include <string.h>

static struct conf_file *parse(const char *text)
{
	struct conf_file *f = NULL;

	CHECK(conf_parse(text, strlen(text), &f, NULL) == 0);
	return f;
}

static int load(const char *ct, const char *host, struct ct_config *c, struct berth_error *err)
{
	struct conf_file *f = parse(ct), *h = host != NULL ? parse(host) : NULL;
	int r = ct_config_from(f, h, c, err);

	conf_free(f);
	conf_free(h);
	return r;
}

static void an_empty_config_has_the_documented_defaults(void)
{
	struct ct_config c;

	CHECK(load("", NULL, &c, NULL) == 0);
	CHECK(c.ram == 512ULL << 20 && c.swap == 0 && c.numproc == 16384);
	CHECK(c.numcgroups == 1024 && c.numpty == 256);
	CHECK(c.diskspace == 10ULL << 30 && c.diskinodes == 655360);
	CHECK(c.cpuunits == 1000 && c.cpulimit == 0 && c.cpus == 0 && c.ioprio == 4);
	CHECK(c.cpumask[0] == '\0' && c.nodemask[0] == '\0');
	CHECK(c.iolimit == 0 && c.iopslimit == 0);
	CHECK(c.stop_timeout == 120 && !c.onboot && !c.disabled && c.bootorder == 0);
	CHECK(strcmp(c.layout, "overlay") == 0);
	CHECK(!c.nesting && !c.tun && !c.fuse && !c.capture && !c.socketcall);
	CHECK(c.n_addrs == 0 && c.n_nameservers == 0 && c.nameserver_inherit);
	CHECK(c.searchdomain_inherit && c.name[0] == '\0' && c.hostname[0] == '\0');
}

static void everything_that_is_set_is_read(void)
{
	struct ct_config c;

	CHECK(load("NAME=web1\nHOSTNAME=w.example.com\nDESCRIPTION=\"a b\"\nOSTEMPLATE=debian-12\n"
		   "VE_LAYOUT=private\nONBOOT=yes\nDISABLED=yes\nBOOTORDER=7\nSTOP_TIMEOUT=9\n"
		   "FEATURES=\"nesting:on,fuse:on,capture:on,socketcall:on\"\nPHYSPAGES=0:"
		   "unlimited\nSWAPPAGES=0:"
		   "65536\n"
		   "NUMPROC=90:100\nNUMCGROUPS=2000\nNUMPTY=70000\nCPULIMIT=50\nCPUUNITS=8\nCPUS="
		   "2\nCPUMASK=0-"
		   "1\nNODEMASK=0\n"
		   "IOPRIO=7\nIOLIMIT=10M\nIOPSLIMIT=5\nDISKSPACE=2G:3G\nDISKINODES=5000:6000\n"
		   "IP_ADDRESS=\"10.0.0.1 fd00::1\"\nNAMESERVER=\"10.0.0.9 10.0.0.8\"\n"
		   "SEARCHDOMAIN=\"a.com b.com\"\nORIGIN_SAMPLE=basic\n",
		   NULL, &c, NULL) == 0);
	CHECK(strcmp(c.name, "web1") == 0 && strcmp(c.hostname, "w.example.com") == 0);
	CHECK(strcmp(c.description, "a b") == 0 && strcmp(c.ostemplate, "debian-12") == 0);
	CHECK(strcmp(c.layout, "private") == 0 && strcmp(c.origin_sample, "basic") == 0);
	CHECK(c.onboot && c.disabled && c.bootorder == 7 && c.stop_timeout == 9);
	CHECK(c.nesting && !c.tun && c.fuse && c.capture && c.socketcall);
	CHECK(c.ram == CT_UNLIMITED && c.swap == 256ULL << 20 && c.numproc == 100);
	CHECK(c.numcgroups == 2000 && c.numpty == CT_PTY_MAX);
	CHECK(c.cpulimit == 50 && c.cpuunits == 8 && c.cpus == 2);
	CHECK(strcmp(c.cpumask, "0-1") == 0 && strcmp(c.nodemask, "0") == 0);
	CHECK(c.ioprio == 7 && c.iolimit == 10485760 && c.iopslimit == 5);
	CHECK(c.diskspace == 3ULL << 30 && c.diskinodes == 6000);
	CHECK(c.n_addrs == 2 && strcmp(c.addrs[1], "fd00::1") == 0);
	CHECK(c.n_nameservers == 2 && strcmp(c.nameservers[1], "10.0.0.8") == 0);
	CHECK(!c.nameserver_inherit && !c.searchdomain_inherit);
	CHECK(c.n_searchdomains == 2 && strcmp(c.searchdomains[0], "a.com") == 0);
}

static void unlimited_physpages_leave_the_memory_to_privvmpages(void)
{
	static const struct {
		const char *conf;
		uint64_t ram, swap; /* KiB; 0 of ram: unlimited */
		bool by;
	} rows[] = {
		/* what every panel sent before VSwap: 66536 pages of 4 KiB are 260 MiB */
		{"PHYSPAGES=0:9223372036854775807\nPRIVVMPAGES=65536:66536\n", 266144, 0, true},
		{"PHYSPAGES=0:unlimited\nPRIVVMPAGES=65536:66536\nSWAPPAGES=0:16384\n", 200608,
		 65536, true},
		/* no room for the swap, or no limit of it: the sum holds all the same */
		{"PHYSPAGES=unlimited\nPRIVVMPAGES=66536\nSWAPPAGES=0:66536\n", 266144, 0, true},
		{"PHYSPAGES=unlimited\nPRIVVMPAGES=66536\nSWAPPAGES=unlimited\n", 266144, 0, true},
		{"PHYSPAGES=unlimited\nPRIVVMPAGES=100\n", 4096, 0, true}, /* the least of any CT */
		{"PHYSPAGES=unlimited\nPRIVVMPAGES=unlimited\n", 0, 0, false},
		{"PHYSPAGES=unlimited\n", 0, 0, false},
		{"PHYSPAGES=0:131072\nPRIVVMPAGES=65536\n", 524288, 0, false},
		{"PRIVVMPAGES=65536\n", 524288, 0, false},
	};
	struct ct_config c;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK(load(rows[i].conf, NULL, &c, NULL) == 0);
		CHECK(c.ram == (rows[i].ram == 0 ? CT_UNLIMITED : rows[i].ram << 10));
		CHECK(c.swap == rows[i].swap << 10 && c.by_privvmpages == rows[i].by);
	}
}

static void the_host_gives_defaults_but_no_identity(void)
{
	struct ct_config c;

	CHECK(load("SWAPPAGES=0:1\n",
		   "PHYSPAGES=0:262144\nSWAPPAGES=0:5\nHOSTNAME=x\nIP_ADDRESS=10.0.0.1\nNAME=x\n"
		   "DISABLED=yes\n",
		   &c, NULL) == 0);
	CHECK(c.ram == 1ULL << 30 && c.swap == 4096);
	CHECK(c.hostname[0] == '\0' && c.name[0] == '\0' && c.n_addrs == 0 && !c.disabled);
}

static void inodes_follow_the_size_of_the_disk(void)
{
	struct ct_config c;

	CHECK(load("DISKSPACE=2097152:2097152\n", NULL, &c, NULL) == 0);
	CHECK(c.diskinodes == 131072);
}

static void a_damaged_value_names_its_key(void)
{
	struct ct_config c = {.bootorder = 42};
	struct berth_error err = {0};

	CHECK(load("PHYSPAGES=lots\n", NULL, &c, &err) < 0);
	CHECK(err.code == BERTH_ERR_BROKEN);
	CHECK(strcmp(err.msg,
		     "PHYSPAGES=\"lots\": not a valid number; give PAGES[:PAGES] from 4M to "
		     "unlimited, for example PHYSPAGES=\"0:131072\"") == 0);
	CHECK(c.bootorder == 42);
}

static void a_value_of_a_key_that_nothing_reads_does_no_harm(void)
{
	struct ct_config c;

	CHECK(load("KMEMSIZE=nonsense\nVE_ROOT=\"/vz/root/$VEID\"\n", NULL, &c, NULL) == 0);
}

static void a_missing_berth_conf_is_fine(void)
{
	struct host_config h;

	CHECK(host_config_from(NULL, &h, NULL) == 0);
	CHECK(h.nat && h.ipv6 && h.ip_probe && h.id_base_first == 655360000 &&
	      h.start_parallel == 0);
	CHECK(strcmp(h.nft_table, "berth") == 0 && strcmp(h.group, "berth") == 0);
	CHECK(strcmp(h.ve_layout, "overlay") == 0 && strcmp(h.def_ostemplate, "tiny") == 0);
	CHECK(h.cgroup_parent[0] == '\0' && h.configfile[0] == '\0');
	CHECK(h.overcommit == 0);
	CHECK(host_space_reserve(&h, UINT64_C(100) << 30) == (UINT64_C(100) << 30) / 100 * 2);
	CHECK(host_space_reserve(&h, UINT64_C(1) << 30) == 64 << 20);
	CHECK(host_space_reserve(&h, UINT64_C(1) << 50) == UINT64_C(8) << 30);
}

static void space_is_reserved_and_promised_as_berth_conf_says(void)
{
	static const struct {
		const char *text;
		uint64_t reserve; /* of 10 GiB */
		uint32_t overcommit;
	} rows[] = {
		{"SPACE_RESERVE=3G\n", UINT64_C(3) << 30, 0},
		{"SPACE_RESERVE=1024\n", 1 << 20, 0},
		{"SPACE_RESERVE=10%\nDISK_OVERCOMMIT=warn\n", (UINT64_C(10) << 30) / 100 * 10, 0},
		{"DISK_OVERCOMMIT=refuse\n", (UINT64_C(10) << 30) / 100 * 2, 100},
		{"DISK_OVERCOMMIT=2\n", (UINT64_C(10) << 30) / 100 * 2, 200},
		{"DISK_OVERCOMMIT=2.5\n", (UINT64_C(10) << 30) / 100 * 2, 250},
		{"DISK_OVERCOMMIT=1.05\n", (UINT64_C(10) << 30) / 100 * 2, 105}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct conf_file *f = parse(rows[i].text);
		struct host_config h;

		CHECK(host_config_from(f, &h, NULL) == 0);
		CHECK(host_space_reserve(&h, UINT64_C(10) << 30) == rows[i].reserve);
		CHECK(h.overcommit == rows[i].overcommit);
		conf_free(f);
	}
}

static void berth_conf_is_read(void)
{
	struct conf_file *f = parse("CGROUP_PARENT=/tenants\nNAT=no\nIPV6=no\nID_BASE=1048576\n"
				    "VE_PARALLEL=4\nNFT_TABLE=host_b\nGROUP=ops\nCONFIGFILE=basic\n"
				    "IP_PROBE=no\nCONNTRACK_MAX=65536\n");
	struct host_config h;

	CHECK(host_config_from(NULL, &h, NULL) == 0 && h.conntrack_max == 4096);
	CHECK(host_config_from(f, &h, NULL) == 0);
	CHECK(h.conntrack_max == 65536);
	CHECK(strcmp(h.cgroup_parent, "/tenants") == 0 && !h.nat && !h.ipv6);
	CHECK(!h.ip_probe);
	CHECK(h.id_base_first == 1048576 && h.start_parallel == 4);
	CHECK(strcmp(h.nft_table, "host_b") == 0 && strcmp(h.group, "ops") == 0);
	CHECK(strcmp(h.configfile, "basic") == 0);
	conf_free(f);
}

static void bad_host_settings_are_refused(void)
{
	static const char *const texts[] = {"ID_BASE=1000\n",	     "ID_BASE=4294967295\n",
					    "NAT=perhaps\n",	     "VE_PARALLEL=-1\n",
					    "NFT_TABLE=\"a b\"\n",   "VE_LAYOUT=simfs\n",
					    "CGROUP_PARENT=a\n",     "CGROUP_PARENT=/../x\n",
					    "GROUP=\"a:b\"\n",	     "DEF_OSTEMPLATE=../x\n",
					    "IP_PROBE=1\n",	     "SPACE_RESERVE=51%\n",
					    "SPACE_RESERVE=0%\n",    "SPACE_RESERVE=unlimited\n",
					    "DISK_OVERCOMMIT=0.5\n", "DISK_OVERCOMMIT=many\n",
					    "DISK_OVERCOMMIT=2.\n",  "DISK_OVERCOMMIT=1.234\n",
					    "SPACE_RESERVE=%\n",     "CONNTRACK_MAX=15\n",
					    "CONNTRACK_MAX=all\n",   "CPU_PIN=yes\n"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct conf_file *f = parse(texts[i]);
		struct berth_error err = {0};
		struct host_config h;

		CHECK(host_config_from(f, &h, &err) < 0);
		CHECK(err.code == BERTH_ERR_VALUE && strstr(err.msg, "berth.conf") != NULL);
		conf_free(f);
	}
}

static void what_berthd_began_with_stands_over_a_changed_berth_conf(void)
{
	struct host_config at_start = {.cgroup_parent = "/a", .nft_table = "", .id_base_first = 7};
	struct host_config changed = {.cgroup_parent = "/b", .nft_table = "t", .id_base_first = 9};
	const size_t name = sizeof(HOST_FIXED_ENV "=") - 1;
	char text[HOST_FIXED_SIZE];
	struct berth_error why = {0};

	CHECK(host_config_fixed_format(&at_start, text) == 0);
	CHECK(strncmp(text, HOST_FIXED_ENV "=", name) == 0);
	CHECK(host_config_fixed_take(text + name, &changed, &why) == 0);
	CHECK(strcmp(changed.cgroup_parent, "/a") == 0 && changed.nft_table[0] == '\0');
	CHECK(changed.id_base_first == 7);
	/* Half of it is nothing of it. */
	CHECK(host_config_fixed_take("cgroup_parent=/c\n", &changed, &why) < 0);
	CHECK(strstr(why.msg, HOST_FIXED_ENV) != NULL);
	CHECK(host_config_fixed_take("cgroup_parent=/c\nnft_table=u\nid_base=4294967295\n",
				     &changed, &why) < 0);
	CHECK(strcmp(changed.cgroup_parent, "/a") == 0 && changed.id_base_first == 7);
	/* The longest that berth.conf may name. */
	memset(at_start.cgroup_parent, 'x', sizeof(at_start.cgroup_parent) - 1);
	memset(at_start.nft_table, 'y', sizeof(at_start.nft_table) - 1);
	CHECK(host_config_fixed_format(&at_start, text) == 0);
}

int main(void)
{
	RUN(an_empty_config_has_the_documented_defaults);
	RUN(everything_that_is_set_is_read);
	RUN(unlimited_physpages_leave_the_memory_to_privvmpages);
	RUN(the_host_gives_defaults_but_no_identity);
	RUN(inodes_follow_the_size_of_the_disk);
	RUN(a_damaged_value_names_its_key);
	RUN(a_value_of_a_key_that_nothing_reads_does_no_harm);
	RUN(a_missing_berth_conf_is_fine);
	RUN(berth_conf_is_read);
	RUN(space_is_reserved_and_promised_as_berth_conf_says);
	RUN(bad_host_settings_are_refused);
	RUN(what_berthd_began_with_stands_over_a_changed_berth_conf);
	return check_failures != 0;
}
