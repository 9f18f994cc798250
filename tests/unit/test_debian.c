/* test_debian.c - what apt's sources, mmdebstrap, os-release and an ELF header say. */
#include "templates/debian.h"

#include "check.h"
#include "templates/inspect.h"

#include <string.h>

static void deb822_sources_tell_both_mirrors(void)
{
	struct debian_mirrors m = {0};

	debian_mirrors_parse("Types: deb\n"
			     "# http://snapshot.debian.org/archive/debian/2025\n"
			     "URIs: http://mirror.example/debian/\n"
			     "Suites: bookworm bookworm-updates\n\n"
			     "Types: deb\n"
			     "URIs: https://mirror.example/debian-security\n",
			     &m);
	CHECK(strcmp(m.main, "http://mirror.example/debian") == 0);
	CHECK(strcmp(m.security, "https://mirror.example/debian-security") == 0);
}

static void one_line_sources_tell_them_too(void)
{
	struct debian_mirrors m = {0};

	debian_mirrors_parse(
		"# deb http://no.example/debian x main\n"
		"deb [ signed-by=/k.gpg arch=amd64 ] http://a.example/debian trixie main\n"
		"deb http://b.example/debian trixie main\n"
		"deb-src http://no.example/debian-security x main\n"
		"deb http://c.example/x/debian-security/ trixie-security main",
		&m);
	CHECK(strcmp(m.main, "http://a.example/debian") == 0);
	CHECK(strcmp(m.security, "http://c.example/x/debian-security") == 0);
}

static void other_mirrors_are_not_taken_for_debians(void)
{
	struct debian_mirrors m = {0};

	debian_mirrors_parse("deb http://archive.ubuntu.com/ubuntu noble main\n"
			     "deb file:/srv/debian x main\n"
			     "URIs: cdrom:[x]/debian http://evil.example/$(reboot)/debian\n",
			     &m);
	CHECK(m.main[0] == '\0' && m.security[0] == '\0');
}

static void stages_of_mmdebstrap_become_progress(void)
{
	const char *what = NULL;
	int percent = -1;

	CHECK(debian_progress_parse("I: installing remaining packages inside the chroot...", &what,
				    &percent));
	CHECK(percent == 60 && strcmp(what, "installing packages") == 0);
	CHECK(!debian_progress_parse("I: success in 17 seconds", &what, &percent));
	CHECK(!debian_progress_parse("E: extracting archives", &what, &percent));
}

static void os_release_gives_words_only(void)
{
	struct template_info t;

	os_release_parse("NAME=\"X\"\nVERSION_ID=\"12\"\nID=debian\n", &t);
	CHECK(strcmp(t.distribution, "debian") == 0 && strcmp(t.release, "12") == 0);
	os_release_parse("ID='alpine'\nVERSION_ID=3.20.1", &t);
	CHECK(strcmp(t.distribution, "alpine") == 0 && strcmp(t.release, "3.20.1") == 0);
	os_release_parse("ID=\"a b\"\nVERSION_ID=$(reboot)\n", &t);
	CHECK(strcmp(t.distribution, "unknown") == 0 && t.release[0] == '\0');
	os_release_parse("ID_LIKE=debian\nID=0123456789012345678901234567890123456789\n", &t);
	CHECK(strcmp(t.distribution, "unknown") == 0);
	os_release_parse("", &t);
	CHECK(strcmp(t.distribution, "unknown") == 0 && t.release[0] == '\0');
}

static void elf_headers_tell_the_machine(void)
{
	unsigned char h[20] = {0x7f, 'E', 'L', 'F', 2, 1, 1};

	h[18] = 62;
	CHECK(strcmp(elf_arch(h, 20), "amd64") == 0);
	CHECK(elf_arch(h, 19) == NULL);
	h[4] = 1;
	CHECK(strcmp(elf_arch(h, 20), "x32") == 0);
	h[18] = 183;
	CHECK(strcmp(elf_arch(h, 20), "arm64") == 0);
	h[0] = '#';
	CHECK(elf_arch(h, 20) == NULL);
}

int main(void)
{
	RUN(deb822_sources_tell_both_mirrors);
	RUN(one_line_sources_tell_them_too);
	RUN(other_mirrors_are_not_taken_for_debians);
	RUN(stages_of_mmdebstrap_become_progress);
	RUN(os_release_gives_words_only);
	RUN(elf_headers_tell_the_machine);
	return check_failures != 0;
}
