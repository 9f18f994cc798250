/* fuzz_cg_parse.c - any text through every parser of cgroups/parse.c. */
#include "cgroups/host.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a parser accepts must hold its promise. */
static void check(bool promise)
{
	if (!promise)
		abort();
}

static void parse_all(const char *text)
{
	char small[16], buf[CG_PARENT_MAX];
	unsigned int max = 0;
	uint64_t v;

	(void)cg_parse_key(text, "max", &v);
	(void)cg_parse_key(text, "populated", &v);
	(void)cg_parse_max(text, &v);
	if (cg_parse_cpulist(text, &max) == 0) {
		check(max <= 1 << 20);
		check(max > 8192 || cg_pick_cpus(text, 3, 101, small, sizeof(small)) == 0);
	}
	if (cg_parse_line(text, "8:0", small, sizeof(small)) == 0)
		check(strlen(small) < sizeof(small) && strncmp(small, "8:0 ", 4) == 0);
	check(cg_parse_count_v1(text) <= strlen(text));
	if (cg_parse_own(text, "memory", buf, sizeof(buf)) == 0)
		check(buf[0] == '/' && strchr(buf, '\n') == NULL);
	if (cg_parse_own(text, NULL, small, sizeof(small)) == 0)
		check(small[0] == '/' && cg_parse_unified_parent(small, buf, sizeof(buf)) == 0);
	if (cg_parse_parent(text, buf, sizeof(buf)) == 0)
		check(buf[0] != '/' && strstr(buf, "/../") == NULL && strcmp(buf, "..") != 0);
	(void)cg_parse_has_word(text, "cpu");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (text == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	parse_all(text);
	free(text);
	return 0;
}
