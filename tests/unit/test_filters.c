/*
 * test_filters.c - the seccomp filters that CRIU cannot give back: found in /proc and in images, and given to a thread.
 *
 * covers: runtime/checkpoint/filters.c runtime/checkpoint/inject.c runtime/worker/thread_filters.c
 */
#include "runtime/checkpoint/inject.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char status[] = "Name:\tx\nNSpid:\t700\t12\nCapEff:\t%s\nNoNewPrivs:\t%d\n"
			     "Seccomp:\t2\nSeccomp_filters:\t%d\n";

static int listed(const char *caps, int privs, int filters, struct filter_thread *t)
{
	char text[256];

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)snprintf(text, sizeof(text), status, caps, privs, filters);
	return filter_thread_of(text, t);
}

static void who_may_add_filters_is_listed(void)
{
	struct filter_thread t;

	CHECK(listed("0000000000000000", 1, 9, &t) == 1 && t.inner == 12 && t.no_new_privs);
	CHECK(listed("0000000000000000", 1, 1, &t) == 1); /* no_new_privs is not CRIU's */
	CHECK(listed("0000000000200000", 0, 2, &t) == 1 && !t.no_new_privs && t.oldest == -1);
	CHECK(listed("0000000000200000", 0, 1, &t) == 0);
	CHECK(listed("0000000000000400", 0, 9, &t) == 0);
	CHECK(filter_thread_of("Name:\tzombie\nNSpid:\t700\t12\n", &t) == -EINVAL);
}

static void the_file_of_threads_is_read(void)
{
	struct filter_thread t;

	CHECK(filter_thread_parse("12 1", &t) == 0 && t.inner == 12 && t.no_new_privs &&
	      t.oldest == -1);
	CHECK(filter_thread_parse("12 0\n", &t) == 0 && !t.no_new_privs);
	CHECK(filter_number_of("Name:\tx\nNStgid:\t700\t12\n", "\nNStgid:") == 12);
	CHECK(filter_number_of("Name:\tx\nNStgid:\n", "\nNStgid:") == -EINVAL);
	CHECK(filter_thread_parse("0 1", &t) == -EINVAL);
	CHECK(filter_thread_parse("12 2", &t) == -EINVAL);
	CHECK(filter_thread_parse("12 1 x", &t) == -EINVAL);
	CHECK(filter_thread_parse("", &t) == -EINVAL);
}

/* Three filters: 1 is the oldest, 2 was added to it, then 0. The bytes are those of protobuf's encoding. */
#define PROGRAM "\x0a\x08\x06\x00\x00\x00\x00\x00\xff\x7f" /* ret ALLOW */
static const char seccomp[] = "\x19\x43\x56\x54\x49\x30\x41\x64\x2a\x00\x00\x00"
			      "\x0a\x0c" PROGRAM "\x18\x02"
			      "\x0a\x0c" PROGRAM "\x10\x02"
			      "\x0a\x0c" PROGRAM "\x10\x00";
/* mtype 1; thread_core: seccomp_mode 2, seccomp_filter 1, and sched_nice that is not ours */
static const char core[] = "\x19\x43\x56\x54\x47\x38\x05\x55\x0a\x00\x00\x00"
			   "\x08\x01\x2a\x06\x18\x05\x58\x02\x60\x01";

static void a_chain_is_taken_out_of_images(void)
{
	struct filter_thread t = {.inner = 12}, other = {.oldest = 2}, none = {.oldest = 3};
	struct filter_set *set = NULL;
	uint8_t *out = NULL;
	size_t len = 0;

	CHECK(filter_core_read((const uint8_t *)core, sizeof(core) - 1, &t.oldest) == 0 &&
	      t.oldest == 1);
	CHECK(filter_set_read((const uint8_t *)seccomp, sizeof(seccomp) - 1, &set) == 0);
	if (set == NULL)
		return;
	CHECK(filter_thread_chain(&t, set) == 0 && t.n == 2);
	CHECK(t.filters[0].flags == 0 && t.filters[1].flags == SECCOMP_FILTER_FLAG_LOG &&
	      t.filters[1].n == 1 && t.filters[1].code[0].k == SECCOMP_RET_ALLOW);
	CHECK(filter_thread_chain(&none, set) == -EBADMSG);
	CHECK(filter_set_strip(set, &t, 1, &out, &len) == 0);
	free(t.filters);
	t = (struct filter_thread){.oldest = 1};
	filter_set_free(set);
	CHECK(filter_set_read(out, len, &set) == 0);
	CHECK(filter_thread_chain(&t, set) == 0 && t.n == 0);
	CHECK(filter_thread_chain(&other, set) == 0 && other.n == 1);
	free(t.filters);
	free(other.filters);
	filter_set_free(set);
	free(out);
}

static void images_that_are_none_are_refused(void)
{
	char loop[sizeof(seccomp)];
	struct filter_thread t = {.oldest = 2};
	struct filter_set *set = NULL;
	size_t len;
	int64_t oldest;

	for (len = 0; len < sizeof(seccomp) - 1; len++)
		CHECK(filter_set_read((const uint8_t *)seccomp, len, &set) == -EBADMSG);
	for (len = 0; len < sizeof(core) - 1; len++)
		CHECK(filter_core_read((const uint8_t *)core, len, &oldest) == -EBADMSG);
	memcpy(loop, seccomp, sizeof(loop));
	loop[sizeof(loop) - 2] = 2; /* the last was added to itself */
	CHECK(filter_set_read((const uint8_t *)loop, sizeof(loop) - 1, &set) == 0);
	if (set == NULL)
		return;
	CHECK(filter_thread_chain(&t, set) == -EBADMSG);
	filter_set_free(set);
}

static bool has(pid_t pid, const char *line)
{
	char path[64], text[4096] = "";
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	CHECK(f != NULL && fread(text, 1, sizeof(text) - 1, f) > 0);
	if (f != NULL)
		(void)fclose(f);
	return strstr(text, line) != NULL;
}

/* It is in a system call, and says what it sees of it. */
static pid_t start(int to_child[2], int from_child[2])
{
	pid_t pid;

	CHECK(pipe(to_child) == 0 && pipe(from_child) == 0);
	pid = fork();
	if (pid == 0) {
		char c = 'n';
		ssize_t n = read(to_child[0], &c, 1);

		if (n == 1 && c == 'y')
			c = syscall(SYS_setgroups, 0, NULL) < 0 && errno == EDOM ? 'y' : 'n';
		_exit(write(from_child[1], &c, 1) == 1 ? 0 : 1);
	}
	return pid;
}

static void a_thread_has_its_filters_before_it_runs(void)
{
	const struct sock_filter allow[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)},
				 deny[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
					   BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setgroups, 0, 1),
					   BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EDOM),
					   BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct filter filters[] = {{allow, 1, 0}, {deny, 4, 0}};
	const struct filter_thread t = {.no_new_privs = true, .filters = filters, .n = 2};
	int to[2], from[2], st;
	pid_t pid = start(to, from);
	char c = 0;

	if (!INJECT_WORKS)
		return;
	CHECK(inject_hold(pid) == 0 && inject_filters(pid, &t) == 0);
	CHECK(has(pid, "NoNewPrivs:\t1\n") && has(pid, "Seccomp_filters:\t2\n") &&
	      has(pid, "SigBlk:\t0000000000000000\n"));
	CHECK(write(to[1], "y", 1) == 1 && read(from[0], &c, 1) == 1 && c == 'y');
	CHECK(waitpid(pid, &st, 0) == pid && WIFEXITED(st) && WEXITSTATUS(st) == 0);
}

static void who_cannot_have_them_is_still_held(void)
{
	const struct sock_filter bad[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 1)};
	struct filter filter = {bad, 1, 0};
	const struct filter_thread t = {.no_new_privs = true, .filters = &filter, .n = 1};
	int to[2], from[2], st;
	pid_t pid = start(to, from);

	CHECK(inject_hold(pid) == 0);
	CHECK(inject_filters(pid, &t) == (INJECT_WORKS ? -EINVAL : -EOPNOTSUPP));
	CHECK(write(to[1], "y", 1) == 1 && has(pid, "State:\tt"));
	(void)kill(pid, SIGKILL);
	CHECK(waitpid(pid, &st, 0) == pid && WIFSIGNALED(st));
	CHECK(inject_hold(pid) == -ESRCH);
}

int main(void)
{
	RUN(who_may_add_filters_is_listed);
	RUN(the_file_of_threads_is_read);
	RUN(a_chain_is_taken_out_of_images);
	RUN(images_that_are_none_are_refused);
	RUN(a_thread_has_its_filters_before_it_runs);
	RUN(who_cannot_have_them_is_still_held);
	return check_failures != 0;
}
