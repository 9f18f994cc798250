/* fuzz_guest_hosts.c - a tenant's /etc/hosts, interfaces, crontab: stable, and no line of his is lost. */
#include "templates/guest.h"
#include "templates/guest_text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char old[GUEST_FILE_MAX], once[GUEST_FILE_MAX], twice[GUEST_FILE_MAX];

static const struct guest_config config = {
	.addrs = {"10.0.0.1", "fd00::1/64"}, .n_addrs = 2, .ipv4 = true, .ipv6 = true};

static size_t lines(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += *s == '\n';
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size >= sizeof(old))
		return 0;
	memcpy(old, data, size);
	old[size] = '\0';
	if (guest_hosts_text(old, "ct101.example.com", "10.0.0.1", once, sizeof(once)) == 0) {
		if (strstr(once, "10.0.0.1\tct101.example.com ct101\n") == NULL)
			abort();
		if (strstr(old, GUEST_END) == NULL && strstr(old, GUEST_BEGIN) == NULL &&
		    strncmp(old, once, strlen(old)) != 0)
			abort();
		if (guest_hosts_text(once, "ct101.example.com", "10.0.0.1", twice, sizeof(twice)) !=
			    0 ||
		    strcmp(once, twice) != 0)
			abort();
	}
	if (guest_interfaces_text(old, &config, once, sizeof(once)) == 0)
		if (guest_interfaces_text(once, &config, twice, sizeof(twice)) != 0 ||
		    strcmp(once, twice) != 0)
			abort();
	if (guest_cron_text(old, "0f3c5a9e-1111-4222-8333-444455556666", once, sizeof(once)) == 0)
		if (lines(once) != lines(old) ||
		    (strstr(old, "/cron.") == NULL && strstr(old, "/periodic/") == NULL &&
		     strcmp(once, old) != 0))
			abort();
	return 0;
}
