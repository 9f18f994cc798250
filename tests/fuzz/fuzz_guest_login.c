/* fuzz_guest_login.c - a tenant's passwd, shadow and authorized_keys: ours is in it afterwards, all else as before. */
#include "templates/guest_login.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct guest_login l = {.user = "root", .hash = "$6$x$y", .keys = "ssh-rsa AAAA\n"};
	char *text = malloc(size + 1), *buf = malloc(size + 256);

	if (text != NULL && buf != NULL) {
		memcpy(text, data, size);
		text[size] = '\0';
		if (guest_shadow_text(text, &l, 20000, buf, size + 256) == 0 &&
		    (strstr(buf, "root:$6$x$y:20000") == NULL ||
		     guest_passwd_is_shadowed(text, "root") < 0))
			abort();
		if (guest_keys_text(text, l.keys, buf, size + 256) < 0 ||
		    strstr(buf, "ssh-rsa AAAA\n") == NULL)
			abort();
	}
	free(text);
	free(buf);
	return 0;
}
