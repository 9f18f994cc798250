/*
 * nameserver.c - a name server that knows one name (RFC 1035, over UDP):
 *
 *	nameserver ADDRESS NAME A     answers for NAME with the IPv4 address A, and that there is no other name
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum {
	HEADER = 12,
	TYPE_A = 1,
	NO_SUCH_NAME = 3,
	MESSAGE_MAX = 512,
	ANSWER_SIZE = 16
};

/* The name in a question as text; its length in the message, 0 for a bad one. */
static size_t read_name(const unsigned char *p, size_t len, char *text, size_t size)
{
	size_t at = 0, used = 0;

	while (at < len && p[at] != 0) {
		size_t n = p[at++];

		if (n > 63 || at + n >= len || used + n + 2 > size)
			return 0;
		if (used > 0)
			text[used++] = '.';
		memcpy(text + used, p + at, n);
		used += n;
		at += n;
	}
	text[used] = '\0';
	return at < len ? at + 1 : 0;
}

/* The length of the answer, in place; 0 for none. */
static size_t answer(unsigned char *m, size_t len, const char *name, struct in_addr addr)
{
	/* A pointer to the question's name, type A, class IN, 60 s, 4 bytes. */
	static const unsigned char head[] = {0xc0, HEADER, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4};
	char asked[256];
	size_t n = len > HEADER ? read_name(m + HEADER, len - HEADER, asked, sizeof(asked)) : 0;
	size_t end = HEADER + n + 4;
	int known, a;

	if (n == 0 || end > len || end + ANSWER_SIZE > MESSAGE_MAX)
		return 0;
	known = strcasecmp(asked, name) == 0;
	a = known && m[end - 4] == 0 && m[end - 3] == TYPE_A;
	m[2] = 0x85; /* an answer, with authority, recursion as it was asked for */
	m[3] = (unsigned char)(0x80 | (known ? 0 : NO_SUCH_NAME));
	memset(m + 6, 0, 6);
	m[7] = (unsigned char)a;
	if (!a)
		return end;
	memcpy(m + end, head, sizeof(head));
	memcpy(m + end + sizeof(head), &addr, 4);
	return end + ANSWER_SIZE;
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(53)};
	struct in_addr known;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (argc != 4 || inet_pton(AF_INET, argv[1], &at.sin_addr) != 1 ||
	    inet_pton(AF_INET, argv[3], &known) != 1)
		return 2;
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0) {
		perror("nameserver");
		return 1;
	}
	for (;;) {
		unsigned char m[MESSAGE_MAX];
		struct sockaddr_in from;
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(fd, m, sizeof(m), 0, (struct sockaddr *)&from, &size);
		size_t len = n > 0 ? answer(m, (size_t)n, argv[2], known) : 0;

		if (len > 0)
			(void)sendto(fd, m, len, 0, (struct sockaddr *)&from, size);
	}
}
