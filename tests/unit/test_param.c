/*
 * test_param.c - the parameters: what each option writes, and what each refuses.
 *
 * covers: runtime/config/param_addr.c runtime/config/param_text.c
 */
#include "runtime/base/cleanup.h"
#include "runtime/config/param.h"
#include "tests/unit/check.h"

#include <string.h>

struct row {
	const char *option, *value, *key, *want; /* want NULL: the key is not there */
};

/* The conf files of these tests begin with text. */
static struct conf_file *begin(const char *text)
{
	struct conf_file *f = NULL;

	CHECK(conf_parse(text, strlen(text), &f, NULL) == 0);
	return f;
}

static void check_key(const struct conf_file *f, const char *key, const char *want)
{
	const char *got = conf_get(f, key);
	bool same = got == want || (got != NULL && want != NULL && strcmp(got, want) == 0);

	if (!same)
		(void)fprintf(stderr, "%s=\"%s\", want \"%s\"\n", key, got != NULL ? got : "(none)",
			      want != NULL ? want : "(none)");
	CHECK(same);
}

static void check_rows(const char *text, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct conf_file *f = begin(text);
		struct berth_error err = {0};
		struct setting s = {rows[i].option, rows[i].value};

		if (param_apply(f, &s, &err) != 0)
			(void)fprintf(stderr, "--%s %s: %s\n", s.option, s.value, err.msg);
		CHECK(err.code == BERTH_OK);
		check_key(f, rows[i].key, rows[i].want);
		conf_free(f);
	}
}

#define CHECK_ROWS(text, rows) check_rows(text, rows, sizeof(rows) / sizeof((rows)[0]))

static void each_option_is_stored_in_its_canonical_form(void)
{
	static const struct row rows[] = {
		{"ram", "512M", "PHYSPAGES", "0:131072"},
		{"ram", "536870912", "PHYSPAGES", "0:131072"},
		{"ram", "536870913", "PHYSPAGES", "0:131073"},
		{"ram", "unlimited", "PHYSPAGES", "0:unlimited"},
		{"physpages", "131072", "PHYSPAGES", "0:131072"},
		{"physpages", "131072:131072", "PHYSPAGES", "0:131072"},
		{"physpages", "0:512M", "PHYSPAGES", "0:131072"},
		{"swap", "0", "SWAPPAGES", "0:0"},
		{"swappages", "0:65536", "SWAPPAGES", "0:65536"},
		{"numproc", "100", "NUMPROC", "100:100"},
		{"numproc", "100:120", "NUMPROC", "100:120"},
		{"numproc", "unlimited", "NUMPROC", "unlimited:unlimited"},
		{"cpuunits", "500000", "CPUUNITS", "500000"},
		{"cpulimit", "50%", "CPULIMIT", "50"},
		{"cpulimit", "0", "CPULIMIT", "0"},
		{"cpus", "2", "CPUS", "2"},
		{"cpumask", "0-3,5", "CPUMASK", "0-3,5"},
		{"cpumask", "all", "CPUMASK", "all"},
		{"diskspace", "2G", "DISKSPACE", "2097152:2097152"},
		{"diskspace", "2097152", "DISKSPACE", "2097152:2097152"},
		{"diskspace", "2G:2.2G", "DISKSPACE", "2097152:2306868"},
		{"diskinodes", "131072:144179", "DISKINODES", "131072:144179"},
		{"ioprio", "7", "IOPRIO", "7"},
		{"iolimit", "10M", "IOLIMIT", "10485760"},
		{"iolimit", "unlimited", "IOLIMIT", "0"},
		{"iolimit", "8192", "IOLIMIT", "8192"},
		{"iopslimit", "500", "IOPSLIMIT", "500"},
		{"iopslimit", "unlimited", "IOPSLIMIT", "0"},
		{"hostname", "web1.example.com", "HOSTNAME", "web1.example.com"},
		{"name", "web1", "NAME", "web1"},
		{"description", "Smith & sons, 2nd shop", "DESCRIPTION", "Smith & sons, 2nd shop"},
		{"onboot", "YES", "ONBOOT", "yes"},
		{"disabled", "off", "DISABLED", "no"},
		{"stop-timeout", "60", "STOP_TIMEOUT", "60"},
		{"stop_timeout", "60", "STOP_TIMEOUT", "60"},
		{"features", "tun:on,nesting:on,fuse:off", "FEATURES", "nesting:on,tun:on"},
		{"features", "tun:off", "FEATURES", NULL},
		{"features", "capture:on", "FEATURES", "capture:on"},
		{"ostemplate", "debian-12", "OSTEMPLATE", "debian-12"},
		{"layout", "private", "VE_LAYOUT", "private"},
		{"config", "vswap-512m", "ORIGIN_SAMPLE", "vswap-512m"},
		{"nameserver", "192.0.2.1 2001:DB8::1", "NAMESERVER", "192.0.2.1 2001:db8::1"},
		{"searchdomain", "example.com a_b.example", "SEARCHDOMAIN",
		 "example.com a_b.example"},
		{"ipadd", "192.0.2.1", "IP_ADDRESS", "192.0.2.1"},
		{"ipadd", "192.0.2.1/32", "IP_ADDRESS", "192.0.2.1"},
		{"ipadd", "10.0.0.1/24", "IP_ADDRESS", "10.0.0.1/24"},
		{"ipadd", "10.0.0.0/31", "IP_ADDRESS", "10.0.0.0/31"},
		{"ipadd", "10.0.0.255", "IP_ADDRESS", "10.0.0.255"},
		{"ipadd", "2001:db8::ffff/112", "IP_ADDRESS", "2001:db8::ffff/112"},
		{"ipadd", "2001:DB8:0::1/64", "IP_ADDRESS", "2001:db8::1/64"},
		{"ipadd", "2001:DB8:7::/64", "IP_ADDRESS", "2001:db8:7::/64"},
		{"ipadd", "10.9.8.0/29 10.9.8.0 10.9.8.1/29 10.9.8.8/29", "IP_ADDRESS",
		 "10.9.8.0/29 10.9.8.0 10.9.8.1/29 10.9.8.8/29"},
	};

	CHECK_ROWS("", rows);
}

static void every_user_beancounter_is_accepted_and_stored(void)
{
	static const struct row rows[] = {
		{"kmemsize", "14M:16M", "KMEMSIZE", "14680064:16777216"},
		{"privvmpages", "65536:69632", "PRIVVMPAGES", "65536:69632"},
		{"privvmpages", "256M", "PRIVVMPAGES", "65536:65536"},
		{"lockedpages", "unlimited", "LOCKEDPAGES", "unlimited:unlimited"},
		{"vmguarpages", "0:9223372036854775807", "VMGUARPAGES", "0:unlimited"},
		{"numfile", "9312", "NUMFILE", "9312:9312"},
		{"numpty", "16", "NUMPTY", "16:16"},
		{"vm_overcommit", "1.5", "VM_OVERCOMMIT", "1.5"},
		{"quotaugidlimit", "200", "QUOTAUGIDLIMIT", "200"},
		{"netfilter", "full", "NETFILTER", "full"},
	};
	unsigned int legacy = 0;

	CHECK_ROWS("", rows);
	for (const struct param *p = param_table(); p->option != NULL; p++)
		if (p->type == PARAM_LEGACY) {
			CHECK(p->apply == PARAM_STORED || strcmp(p->key, "PRIVVMPAGES") == 0);
			legacy++;
		}
	CHECK(legacy == 19);
}

static void an_empty_value_takes_a_setting_away(void)
{
	static const struct row rows[] = {
		{"name", "", "NAME", NULL},
		{"hostname", "", "HOSTNAME", NULL},
		{"description", "", "DESCRIPTION", NULL},
		{"nameserver", "", "NAMESERVER", NULL},
		{"searchdomain", "", "SEARCHDOMAIN", NULL},
		{"ipdel", "all", "IP_ADDRESS", NULL},
	};

	CHECK_ROWS("NAME=\"x\"\nHOSTNAME=\"x\"\nDESCRIPTION=\"x\"\nNAMESERVER=\"10.0.0.1\"\n"
		   "SEARCHDOMAIN=\"x\"\nIP_ADDRESS=\"10.0.0.1 fd00::1\"\n",
		   rows);
}

/* OpenVZ's tools write them. */
static void an_empty_list_may_be_stored(void)
{
	struct conf_file *f = begin("");

	CHECK(param_load(f, "IP_ADDRESS", "", NULL) == 0 &&
	      param_load(f, "FEATURES", "", NULL) == 0);
	CHECK(conf_get(f, "IP_ADDRESS") == NULL);
	conf_free(f);
}

static void addresses_are_added_and_removed(void)
{
	static const struct row rows[] = {
		{"ipadd", "10.0.0.2", "IP_ADDRESS", "10.0.0.1 fd00::1 10.0.0.2"},
		{"ipadd", "10.0.0.1", "IP_ADDRESS", "10.0.0.1 fd00::1"},
		{"ipadd", "10.0.0.1/24", "IP_ADDRESS", "10.0.0.1/24 fd00::1"},
		{"ipdel", "10.0.0.1", "IP_ADDRESS", "fd00::1"},
		{"ipdel", "FD00::1", "IP_ADDRESS", "10.0.0.1"},
		{"ipdel", "10.0.0.1 fd00::1", "IP_ADDRESS", NULL},
	};

	CHECK_ROWS("IP_ADDRESS=\"10.0.0.1 fd00::1\"\n", rows);
}

static void a_feature_leaves_the_others_alone(void)
{
	static const struct row rows[] = {
		{"features", "fuse:on", "FEATURES", "tun:on,fuse:on"},
		{"features", "tun:off", "FEATURES", NULL},
	};

	CHECK_ROWS("FEATURES=\"tun:on\"\n", rows);
}

static void check_refused(const char *option, const char *value, enum berth_errcode code)
{
	struct conf_file *f = begin("");
	struct berth_error err = {0};
	struct setting s = {option, value};
	char *text = NULL;

	CHECK(param_apply(f, &s, &err) < 0);
	if (err.code != code)
		(void)fprintf(stderr, "--%s '%s': code %d: %s\n", option, value, (int)err.code,
			      err.msg);
	CHECK(err.code == code);
	CHECK(strstr(err.msg, option) != NULL);
	CHECK(conf_format(f, &text) == 0 && *text == '\0');
	free(text);
	conf_free(f);
}

static void a_bad_value_is_refused_and_changes_nothing(void)
{
	static const struct setting rows[] = {
		{"ram", "1M"},		 {"ram", "512Q"},
		{"ram", "-1"},		 {"ram", ""},
		{"swap", "x"},		 {"physpages", "1:"},
		{"numproc", "5"},	 {"numproc", "100K"},
		{"numproc", "200:100"},	 {"cpuunits", "7"},
		{"cpuunits", "500001"},	 {"cpuunits", "unlimited"},
		{"cpulimit", "800Mhz"},	 {"cpulimit", "50%%"},
		{"cpus", "-1"},		 {"cpumask", "3-1"},
		{"cpumask", "0,"},	 {"cpumask", "auto"},
		{"diskspace", "1M"},	 {"diskspace", "unlimited"},
		{"diskinodes", "1"},	 {"ioprio", "8"},
		{"ioprio", "unlimited"}, {"iolimit", "10"},
		{"hostname", "a b"},	 {"hostname", "-x"},
		{"name", "101"},	 {"name", "Web"},
		{"description", "a\nb"}, {"description", "$(reboot)"},
		{"onboot", "maybe"},	 {"stop-timeout", "0"},
		{"features", "nfs:on"},	 {"features", "tun"},
		{"ostemplate", "../x"},	 {"layout", "simfs"},
		{"layout", ""},		 {"searchdomain", "a..b"},
		{"numpty", "-1"},	 {"searchdomain", "inherit example.com"},
		{"features", ""},	 {"features", ","},
		{"cpumask", ""},	 {"onboot", ""},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_refused(rows[i].option, rows[i].value, BERTH_ERR_VALUE);
}

/* Every parameter that is a number, whatever its grammar. */
static void nonsense_is_refused_by_every_number(void)
{
	static const char *const words[] = {
		"-1",
		"-9223372036854775808",
		"NaN",
		"nan",
		"inf",
		"0x10",
		"1e3",
		"1,5",
		" 5",
		"5 ",
		"+5",
		"5:4",
		":",
		"5:",
		":5",
		"1:2:3",
		"1.2.3",
		"5XB",
		"5MM",
		"5%M",
		"\xd9\xa5",
		"1/2",
		"$((5))",
		"`id`",
		"5\n6",
		"99999999999999999999999999",
		"1:99999999999999999999999999",
		"18446744073709551616",
	};
	char *long_word = malloc(10240 + 1);

	CHECK(long_word != NULL);
	memset(long_word, '1', 10240);
	long_word[10240] = '\0';
	for (const struct param *p = param_table(); p->option != NULL; p++) {
		bool number = p->type <= PARAM_PERCENT || p->type == PARAM_RATE ||
			      p->type == PARAM_LEGACY || p->type == PARAM_FACTOR;

		for (size_t i = 0; number && i <= sizeof(words) / sizeof(words[0]); i++) {
			bool last = i == sizeof(words) / sizeof(words[0]);
			struct setting s = {p->option, last ? long_word : words[i]};
			struct conf_file *f = begin("");
			struct berth_error err = {0};
			int r = param_apply(f, &s, &err);

			if (r == 0)
				(void)fprintf(stderr, "--%s %.40s was taken\n", s.option, s.value);
			CHECK(r < 0 && err.code == BERTH_ERR_VALUE && conf_get(f, p->key) == NULL);
			CHECK(strlen(err.msg) < 400);
			conf_free(f);
		}
	}
	free(long_word);
}

static void a_bad_address_has_its_own_code(void)
{
	static const char *const rows[] = {
		"10.0.0",	  "10.0.0.1/33", "224.0.0.1",  "127.0.0.1", "0.0.0.0",
		"169.254.0.1",	  "::",		 "::1",	       "ff02::1",   "fe80::1",
		"::ffff:1.2.3.4", "10.0.0.1/",	 "10.0.0.1/x", "all",	    "255.255.255.255"};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_refused("ipadd", rows[i], BERTH_ERR_BAD_ADDRESS);
	check_refused("ipdel", "10.0.0.1", BERTH_ERR_BAD_ADDRESS);
	/* $ADDRESS that was never set */
	check_refused("ipadd", "", BERTH_ERR_BAD_ADDRESS);
	check_refused("ipdel", "", BERTH_ERR_BAD_ADDRESS);
	check_refused("ipadd", "  ", BERTH_ERR_BAD_ADDRESS);
	check_refused("nameserver", "dns.example.com", BERTH_ERR_BAD_ADDRESS);
	check_refused("nameserver", "10.0.0.1/24", BERTH_ERR_BAD_ADDRESS);
	check_refused("ipadd", "10.0.0.255/24", BERTH_ERR_BAD_ADDRESS);
	check_refused("ipadd", "8.0.0.0/6", BERTH_ERR_BAD_ADDRESS);
	check_refused("ipadd", "2000::/12", BERTH_ERR_BAD_ADDRESS);
	check_refused("ipadd", "169.0.0.0/8", BERTH_ERR_BAD_ADDRESS);
	check_refused("ipadd", "fe80::/64", BERTH_ERR_BAD_ADDRESS);
	check_refused("ipadd", "172.0.0.0/8", BERTH_ERR_BAD_ADDRESS);
	check_refused("ipadd", "fe00::/7", BERTH_ERR_BAD_ADDRESS);
	/* The kernel routes an address to one network alone. */
	check_refused("ipadd", "10.9.8.0/29 10.9.8.0/28", BERTH_ERR_BAD_ADDRESS);
	check_refused("ipadd", "2001:db8::/48 2001:db8:0:7::/64", BERTH_ERR_BAD_ADDRESS);
}

static void the_message_names_option_value_range_and_example(void)
{
	struct conf_file *f = begin("");
	struct berth_error err = {0};

	CHECK(param_apply(f, &(struct setting){"ram", "5\x1bX"}, &err) < 0);
	CHECK(strcmp(err.msg, "--ram '5?X': not a valid number; give BYTES from 4M to "
			      "unlimited, for example --ram 512M") == 0);
	CHECK(param_apply(f, &(struct setting){"cpuunits", "1"}, &err) < 0);
	CHECK(strstr(err.msg, "NUM from 8 to 500000, for example --cpuunits 1000") != NULL);
	conf_free(f);
}

static void an_unknown_option_is_told_its_neighbour(void)
{
	struct conf_file *f = begin("");
	struct berth_error err = {0};

	CHECK(param_apply(f, &(struct setting){"diskspcae", "1G"}, &err) < 0);
	CHECK(err.code == BERTH_ERR_OPTION && strstr(err.msg, "--diskspace") != NULL);
	CHECK(param_apply(f, &(struct setting){"frobnicate", "1"}, &err) < 0);
	CHECK(err.code == BERTH_ERR_OPTION && strstr(err.msg, "did you mean") == NULL);
	{
		struct word_guess unlike = {.word = "zz"}, other = {.word = "memory"};

		param_guess_option(&unlike);
		param_guess_option(&other);
		CHECK(unlike.best == NULL && strcmp(other.best, "ram") == 0);
	}
	conf_free(f);
}

static void settings_of_one_command_accumulate(void)
{
	static const struct setting s[] = {
		{"nameserver", "10.0.0.1"}, {"ram", "1G"},	   {"nameserver", "10.0.0.2"},
		{"ipdel", "all"},	    {"ipadd", "10.0.0.5"}, {"ipadd", "10.0.0.6"},
		{"searchdomain", "a.com"},  {"ram", "2G"},	   {"searchdomain", "b.com"},
	};
	struct conf_file *f = begin("NAMESERVER=\"9.9.9.9\"\nIP_ADDRESS=\"10.0.0.1\"\n"
				    "SEARCHDOMAIN=\"old\"\n");

	CHECK(param_apply_all(f, s, sizeof(s) / sizeof(s[0]), NULL) == 0);
	check_key(f, "NAMESERVER", "10.0.0.1 10.0.0.2");
	check_key(f, "IP_ADDRESS", "10.0.0.5 10.0.0.6");
	check_key(f, "SEARCHDOMAIN", "a.com b.com");
	check_key(f, "PHYSPAGES", "0:524288");
	conf_free(f);
}

static void a_sample_keeps_what_names_the_ct(void)
{
	struct conf_file *f = begin("HOSTNAME=\"h\"\nIP_ADDRESS=\"10.0.0.1\"\nNAME=\"n\"\n");
	struct conf_file *s = begin("HOSTNAME=\"x\"\nIP_ADDRESS=\"10.9.9.9\"\nOSTEMPLATE=\"t\"\n"
				    "NAME=\"y\"\nPHYSPAGES=\"65536:65536\"\nSOMETHING=\"z\"\n");

	CHECK(param_apply_sample(f, s, NULL) == 0);
	check_key(f, "HOSTNAME", "h");
	check_key(f, "IP_ADDRESS", "10.0.0.1");
	check_key(f, "NAME", "n");
	check_key(f, "OSTEMPLATE", NULL);
	check_key(f, "PHYSPAGES", "0:65536");
	check_key(f, "SOMETHING", "z");
	conf_free(s);
	conf_free(f);
}

static void a_bad_sample_is_refused(void)
{
	struct conf_file *f = begin(""), *s = begin("CPUUNITS=\"1\"\n");
	struct berth_error err = {0};

	CHECK(param_apply_sample(f, s, &err) < 0);
	CHECK(err.code == BERTH_ERR_BROKEN && strstr(err.msg, "CPUUNITS") != NULL);
	conf_free(s);
	conf_free(f);
}

/* What is set for the next start is not in effect. */
static void what_a_run_began_with_is_kept(void)
{
	struct conf_file *f = begin("NUMPTY=\"2\"\nNUMPROC=\"7:7\"\nFEATURES=\"tun:off\"\n");
	struct conf_file *started = begin("NUMPROC=\"9:9\"\nFEATURES=\"tun:on\"\n");

	CHECK(param_keep_started(f, started, NULL) == 0);
	check_key(f, "NUMPTY", NULL);
	check_key(f, "NUMPROC", "7:7");
	check_key(f, "FEATURES", "tun:on");
	conf_free(started);
	conf_free(f);
}

static void every_example_is_a_good_value_and_every_row_is_found(void)
{
	for (const struct param *p = param_table(); p->option != NULL; p++) {
		struct conf_file *f = begin("IP_ADDRESS=\"192.0.2.10\"\n");
		struct berth_error err = {0};

		if (param_apply(f, &(struct setting){p->option, p->example}, &err) < 0)
			(void)fprintf(stderr, "%s\n", err.msg);
		CHECK(err.code == BERTH_OK);
		CHECK(param_find_option(p->option) == p);
		CHECK(param_find_key(p->key) != NULL && param_find_key(p->key) <= p);
		CHECK(p->help[0] != '\0' && p->arg[0] != '\0');
		conf_free(f);
	}
}

int main(void)
{
	RUN(each_option_is_stored_in_its_canonical_form);
	RUN(every_user_beancounter_is_accepted_and_stored);
	RUN(an_empty_value_takes_a_setting_away);
	RUN(an_empty_list_may_be_stored);
	RUN(addresses_are_added_and_removed);
	RUN(a_feature_leaves_the_others_alone);
	RUN(a_bad_value_is_refused_and_changes_nothing);
	RUN(nonsense_is_refused_by_every_number);
	RUN(a_bad_address_has_its_own_code);
	RUN(the_message_names_option_value_range_and_example);
	RUN(an_unknown_option_is_told_its_neighbour);
	RUN(settings_of_one_command_accumulate);
	RUN(a_sample_keeps_what_names_the_ct);
	RUN(a_bad_sample_is_refused);
	RUN(what_a_run_began_with_is_kept);
	RUN(every_example_is_a_good_value_and_every_row_is_found);
	return check_failures != 0;
}
