/* fuzz_probe_frame.c - probe_frame_read: any frame; also with the checksum made right, to get behind it. */
#include "netsetup/frame.h"
#include "netsetup/probe.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is claimed stands in the frame. */
static void check_frame(const uint8_t *frame, size_t len)
{
	struct probe_claim c;
	bool found = false;

	if (!probe_frame_read(frame, len, &c))
		return;
	if ((c.addr.family != AF_INET || c.addr.prefix != 32) &&
	    (c.addr.family != AF_INET6 || c.addr.prefix != 128))
		abort();
	for (size_t i = 6; i + 6 <= len && !found; i++)
		found = memcmp(frame + i, c.mac, 6) == 0;
	if (!found || memcmp(frame + 6, c.from, 6) != 0)
		abort();
}

static void mend_checksum(uint8_t *frame, size_t len)
{
	struct nd_frame f;
	struct ip6_hdr ip;

	if (len < sizeof(f))
		return;
	memcpy(&f, frame, sizeof(f));
	ip = f.ip;
	if (ntohs(ip.ip6_plen) > len - ND_MESSAGE)
		return;
	f.icmp.icmp6_cksum = 0;
	memcpy(frame, &f, sizeof(f));
	f.icmp.icmp6_cksum = nd_checksum(&ip, frame + ND_MESSAGE, ntohs(ip.ip6_plen));
	memcpy(frame, &f, sizeof(f));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Of exactly this size, so that a byte too many is seen. */
	uint8_t *frame = malloc(size);

	if (frame == NULL)
		return 0;
	memcpy(frame, data, size);
	check_frame(frame, size);
	mend_checksum(frame, size);
	check_frame(frame, size);
	free(frame);
	return 0;
}
