/* fuzz_login.c - what a client of root's hands over as a password's hash or as keys. */
#include "runtime/wire/login.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char user[LOGIN_USER_MAX + 1], hash[LOGIN_HASH_MAX + 1];
	unsigned int line = 0;
	char *text = malloc(size + 1);

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (login_parse_hash(text, user, hash) == 0 &&
	    (strpbrk(user, ":\n/ ") != NULL || strpbrk(hash, ":\n ") != NULL))
		abort();
	if (login_keys_trouble(text, &line) == NULL && strstr(text, "AAAA") == NULL)
		abort();
	free(text);
	return 0;
}
