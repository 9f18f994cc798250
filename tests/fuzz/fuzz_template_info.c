/* fuzz_template_info.c - NAME.template, os-release and apt sources: what is accepted is clean. */
#include "runtime/base/parse.h"
#include "templates/debian.h"
#include "templates/inspect.h"
#include "templates/template.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), again[1024], third[1024];
	struct debian_mirrors m = {0};
	struct template_info t, back;

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (template_info_parse(text, &t) == 0) {
		if (strlen(t.hash) != 64 || !text_is_clean(t.distribution))
			abort();
		if (template_info_format(&t, again, sizeof(again)) < 0 ||
		    template_info_parse(again, &back) < 0 ||
		    template_info_format(&back, third, sizeof(third)) < 0 ||
		    strcmp(again, third) != 0)
			abort();
	}
	os_release_parse(text, &t);
	if (!text_is_clean(t.distribution) || !text_is_clean(t.release))
		abort();
	debian_mirrors_parse(text, &m);
	if (!text_is_clean(m.main) || !text_is_clean(m.security) || strchr(m.main, ' ') != NULL)
		abort();
	free(text);
	return 0;
}
